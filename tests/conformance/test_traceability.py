"""Which scenarios feed which rows."""

import pytest
import toys

from aios_conformance.conformance.planning.plan import scenario_of
from aios_conformance.conformance.terms.catalogue import (
    all_checks,
    all_probes,
    catalogue,
)
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.probe import Probe, Served
from aios_conformance.conformance.terms.scenario import PlannedScenario
from aios_conformance.conformance.terms.traceability import (
    Traceability,
    fed,
    is_on,
    view_api,
)


def scenario(probe: Probe, params: object = None) -> PlannedScenario:
    known = toys.catalogue()
    return scenario_of(known, probe, 0, params, Served(Facts())).planned


COUNTED = scenario(toys.counted, 3)
PATHS = scenario(toys.paths)
REFUSED = scenario(toys.refused, {"top_n": {}})
CHAT = PlannedScenario("chat.toy", 0, ("chat",), ())


@pytest.fixture(scope="module")
def feeding() -> Traceability:
    return Traceability(toys.catalogue())


def test_a_step_feeds_the_rows_that_it_serves(feeding: Traceability) -> None:
    assert feeding.feeds(PATHS, "RERANK-REQ-003")
    assert not feeding.feeds(CHAT, "RERANK-REQ-003")


def test_a_check_of_answers_is_fed_by_its_api(feeding: Traceability) -> None:
    assert all(feeding.feeds(s, "RERANK-SEM-006") for s in (COUNTED, PATHS, REFUSED))
    assert not feeding.feeds(CHAT, "RERANK-SEM-006")


def test_a_relation_is_fed_by_its_probe_alone(feeding: Traceability) -> None:
    assert feeding.feeds(COUNTED, "RERANK-SEM-004")
    assert not feeding.feeds(PATHS, "RERANK-SEM-004")


def test_the_schema_of_answers_feeds_its_rows(feeding: Traceability) -> None:
    assert feeding.feeds(COUNTED, "RERANK-RES-001")
    assert not feeding.feeds(CHAT, "RERANK-RES-001")


def test_acceptance_feeds_the_common_rows(feeding: Traceability) -> None:
    for row in ("COMMON-RES-001", "COMMON-ERR-001", "COMMON-ERR-004"):
        assert feeding.feeds(REFUSED, row)


@pytest.mark.parametrize(
    ("dialect", "probe", "row"),
    [
        ("infinity", "infinity.dimensions", "INF-SEM-005"),
        ("infinity", "infinity.batch", "INF-REQ-007"),
        ("aigne-hub", "aigne-hub.batch", "AIGNE-RES-003"),
        ("aihubmix", "aihubmix.formats", "AHM-SEM-002"),
    ],
)
def test_a_check_that_tells_its_rows_by_the_dialect_feeds_them(
    dialect: str, probe: str, row: str
) -> None:
    played = PlannedScenario(probe, 0, ("embeddings",), ())
    assert Traceability(catalogue(dialect)).feeds(played, row)


def test_a_row_names_its_apis(feeding: Traceability) -> None:
    assert feeding.apis("RERANK-SEM-006") == {"rerank"}
    assert len(feeding.apis("COMMON-RES-005")) == 5


@pytest.mark.parametrize(
    ("on", "probe", "applies"),
    [
        ((), "a.b", True),
        (("a.b",), "a.b", True),
        (("a.b",), "a.bc", False),
        (("a.",), "a.b", True),
        (("a.",), "ab.c", False),
        (("x", "a.b"), "a.b", True),
    ],
)
def test_checks_name_probes_or_their_prefix(
    on: tuple[str, ...], probe: str, applies: bool
) -> None:
    check = Check("c", (), lambda _: iter(()), object, on)
    assert is_on(check, probe) is applies


def test_views_know_their_api() -> None:
    assert view_api(toys.scores_never_rise) == "rerank"
    assert view_api(toys.every_document_has_a_result) is None


def test_every_declaring_check_of_the_whole_catalogue_can_be_fed() -> None:
    """A check on a probe that does not exist would never judge anything."""
    bare = [PlannedScenario(p.name, 0, (p.api,), ()) for p in all_probes()]
    for check in all_checks():
        assert not check.on or any(fed(check, s) for s in bare), check.name
