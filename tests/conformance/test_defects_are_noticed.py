"""Each defect of rerank, score and embeddings trips its row, and none undeclared.

`aios-conformance prove` says so of all defects, by whole runs over the wire; here they
meet the probes of their own API, which takes a fraction of a second each.
"""

import pytest
from played import judged, mock, tripped

from aios_conformance.conformance.checks import embeddings, rerank, score
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.state import Tally
from aios_conformance.spec import Level, requirements

BESIDE = {
    "score_of_pairs_is_lower",  # than those of rerank
    "embeddings_demands_a_query",  # so that a run ends early
    "embeddings_moves_away",
}
CHECKS: dict[Api, tuple[Check, ...]] = {
    "rerank": rerank.CHECKS,
    "score": score.CHECKS,
    "embeddings": embeddings.CHECKS,
}
REACHED = 55  # of each API, at least
COMMON = {"bad-request-error", "validation-error", "request-headers"}
"""Topics of the rows that the probes of all APIs show."""


@pytest.mark.parametrize("api", CHECKS)
def test_nothing_is_found_where_nothing_is_broken_and_every_row_is_shown(
    api: Api,
) -> None:
    seen = judged(api)
    assert {row for row, found in seen.items() if found} == set()
    may = {row for check in CHECKS[api] for row in check.ids}
    must = {
        row.id
        for row in requirements()
        if row.api == api and row.level is not Level.MAY and not row.excluded
        if row.topic not in COMMON
    }
    assert may | must <= seen.keys()


@pytest.mark.parametrize("api", CHECKS)
def test_a_defect_trips_its_row_and_none_that_it_does_not_declare(api: Api) -> None:
    shown = {*judged(api)}
    wrong = {}
    reached = 0
    for name, defect in registry().items():
        if not name.startswith(f"{api}_") or name in BESIDE:
            continue
        tally = Tally()
        rows = tripped(api, mock(name, tally=tally))
        reached += bool(tally.acts)
        if tally.acts and not _is_noticed(defect, rows, shown):
            wrong[name] = rows
    assert wrong == {}
    assert reached >= REACHED


def _is_noticed(defect: Defect, rows: set[str], shown: set[str]) -> bool:
    """The primary tripped, if these probes show it; nothing strayed."""
    declared = {defect.primary, *defect.also}
    return rows <= declared and bool(rows & ({defect.primary} & shown or declared))
