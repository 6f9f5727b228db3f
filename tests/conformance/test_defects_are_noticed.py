"""Each defect of what embeds and ranks trips its row, and none undeclared.

`aios-conformance prove` says so of all defects, by whole runs over the wire; here they
meet the probes of their own API or dialect, which takes a fraction of a second each.
"""

from collections.abc import Mapping
from functools import cache

import pytest
from played import NEIGHBOURS, judged, mock, tripped

from aios_conformance.conformance.terms.check import Finding
from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.state import Tally
from aios_conformance.spec import Level, requirements

BESIDE = {
    "score_of_pairs_is_lower",  # than those of rerank
    "rerank_truncate_prompt_tokens_leaks",  # into whatever comes next
    "embeddings_demands_a_query",  # so that a run ends early
    "embeddings_moves_away",
    "aigne_needs_no_key",  # as headers show
    "aihubmix_needs_no_key",
    "infinity_date_is_iso",
    "infinity_length_is_too_large",
    "infinity_list_is_text",
}
REACHED = {  # at least, by API of AIOS or dialect
    "rerank": 65,
    "score": 60,
    "embeddings": 55,
    "infinity": 45,
    "aigne-hub": 30,
    "aihubmix": 40,
}
ELSEWHERE = {
    *("bad-request-error", "validation-error", "request-headers"),
    *("key-required", "key-as-bearer", "wrong-key-refused"),
}
"""Topics of the rows that the probes of all APIs show, and those of keys."""


@cache
def unbroken(what: str) -> Mapping[str, list[Finding]]:
    return judged(what, mock(dialect=what if what in NEIGHBOURS else "aios"))


@pytest.mark.parametrize("what", REACHED)
def test_nothing_is_found_where_nothing_is_broken_and_every_row_is_shown(
    what: str,
) -> None:
    dialect = what if what in NEIGHBOURS else "aios"
    seen = unbroken(what)
    assert {row for row, found in seen.items() if found} == set()
    assert seen.keys() >= {
        row.id
        for row in requirements(dialect)
        if what in (row.api, dialect) and not row.excluded
        if row.level is not Level.MAY and row.topic not in ELSEWHERE
    }


@pytest.mark.parametrize(("what", "least"), REACHED.items())
def test_a_defect_trips_its_row_and_none_that_it_does_not_declare(
    what: str, least: int
) -> None:
    dialect = what if what in NEIGHBOURS else "aios"
    shown = {*unbroken(what)}
    wrong = {}
    reached = 0
    for name, defect in registry().items():
        if defect.dialect != dialect or defect.freedom or name in BESIDE:
            continue
        if dialect == "aios" and not name.startswith(f"{what}_"):
            continue
        tally = Tally()
        rows = tripped(what, mock(name, dialect=dialect, tally=tally), tally)
        reached += bool(tally.acts)
        if tally.acts and not _is_noticed(defect, rows, shown):
            wrong[name] = rows
    assert wrong == {}
    assert reached >= least


def _is_noticed(defect: Defect, rows: set[str], shown: set[str]) -> bool:
    """The primary tripped, if these probes show it; nothing strayed."""
    declared = {defect.primary, *defect.also}
    return rows <= declared and bool(rows & ({defect.primary} & shown or declared))
