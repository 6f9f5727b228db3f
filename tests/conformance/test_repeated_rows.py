"""Rows that exactly the same checks judge repeat each other, or are told apart here."""

from collections import defaultdict

from aios_conformance.conformance.terms.catalogue import all_checks
from aios_conformance.spec import requirement

APART = {
    "COMMON-REQ-008 COMMON-REQ-009",  # no query, and the base URL
    "COMMON-RES-007 COMMON-RES-008",  # a model, and the model that was asked for
    "COMMON-ERR-002 COMMON-ERR-003",  # 400, and 422
    "RERANK-SEM-002 META-007",  # every document scored, and every text unharmed
    (
        "CHAT-REQ-011 CHAT-REQ-038 CHAT-REQ-043 CHAT-REQ-052 CHAT-REQ-055 CHAT-SEM-021 "
        "COMP-REQ-006 COMP-REQ-008 COMP-REQ-018 COMP-REQ-031"
    ),  # each undecided case
    "CHAT-RES-012 CHAT-RES-014",  # reasoning, and tool calls
    "COMP-RES-011 COMP-RES-016",  # log probabilities, and token details
    "META-035 META-065",  # several choices, and all of them in a stream
    "META-038 META-039",  # sampling parameters, and a longer prompt
    "META-045 META-046",  # what follows a stop string, and the string itself
    "META-047 META-049",  # cutting, and lengthening
    "INF-REQ-009 AIGNE-REQ-012 AHM-REQ-007",  # what each dialect leaves open
}
"""Different promises of one check, which finds each of them in its own steps."""


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
