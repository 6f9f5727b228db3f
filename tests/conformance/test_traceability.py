"""Which scenarios exercise which rows."""

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
    is_exercised,
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
def traceability() -> Traceability:
    return Traceability(toys.catalogue())


def test_a_step_feeds_the_rows_that_it_serves(traceability: Traceability) -> None:
    assert traceability.exercises(PATHS, "RERANK-REQ-003")
    assert not traceability.exercises(CHAT, "RERANK-REQ-003")


def test_a_check_of_answers_is_exercised_by_its_api(traceability: Traceability) -> None:
    assert all(
        traceability.exercises(s, "RERANK-SEM-006") for s in (COUNTED, PATHS, REFUSED)
    )
    assert not traceability.exercises(CHAT, "RERANK-SEM-006")


def test_a_relation_is_fed_by_its_probe_alone(traceability: Traceability) -> None:
    assert traceability.exercises(COUNTED, "RERANK-SEM-004")
    assert not traceability.exercises(PATHS, "RERANK-SEM-004")


def test_the_schema_of_answers_feeds_its_rows(traceability: Traceability) -> None:
    assert traceability.exercises(COUNTED, "RERANK-RES-001")
    assert not traceability.exercises(CHAT, "RERANK-RES-001")


def test_acceptance_feeds_the_common_rows(traceability: Traceability) -> None:
    for row in ("COMMON-RES-001", "COMMON-ERR-001", "COMMON-ERR-004"):
        assert traceability.exercises(REFUSED, row)


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
    assert Traceability(catalogue(dialect)).exercises(played, row)


def test_a_row_names_its_apis(traceability: Traceability) -> None:
    assert traceability.apis("RERANK-SEM-006") == {"rerank"}
    assert len(traceability.apis("COMMON-RES-005")) == 5


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


def test_every_declaring_check_of_the_whole_catalogue_can_be_exercised() -> None:
    """A check on a probe that does not exist would never judge anything."""
    bare = [PlannedScenario(p.name, 0, (p.api,), ()) for p in all_probes()]
    for check in all_checks():
        assert not check.on or any(is_exercised(check, s) for s in bare), check.name
