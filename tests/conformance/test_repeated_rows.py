"""Rows that exactly the same checks judge repeat each other, or are told apart here."""

from collections import defaultdict

from aios_conformance.conformance.terms.catalogue import all_checks
from aios_conformance.spec import requirement

APART = {
    "INF-REQ-009 AIGNE-REQ-012 AHM-REQ-007",  # what each dialect leaves open
}
"""Rows of several dialects, no two of which are ever judged together."""


def test_rows_of_the_same_checks_repeat_one_row_or_are_told_apart() -> None:
    judges: dict[str, set[str]] = defaultdict(set)
    for check in all_checks():
        for row in check.ids:
            judges[row].add(check.name)
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for row, checks in judges.items():
        if requirement(row).same_as is None:
            alike[frozenset(checks)].append(row)
    apart = {frozenset(rows) for rows in alike.values() if len(rows) > 1}
    assert apart == {frozenset(rows.split()) for rows in APART}
