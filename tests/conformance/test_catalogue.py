"""What cannot be right is refused when the catalogue is gathered."""

import re
from collections.abc import Iterator
from types import CodeType

import pytest
import toys

from aios_conformance.conformance.options.values import (
    OptionError,
    RunOptions,
    SuiteError,
)
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.terms.catalogue import (
    all_checks,
    all_probes,
    catalogue,
    verify_checks,
)
from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    FollowedReading,
    Note,
    check,
)
from aios_conformance.conformance.terms.traceability import Traceability
from aios_conformance.conformance.terms.views import AnyAnswer, RerankAnswer
from aios_conformance.spec import DIALECTS, Level, requirement

ROW = re.compile(r"[A-Z]+(-[A-Z]+)?-\d{3}")


@check("RERANK-SEM-006")
def fine(answer: RerankAnswer) -> Iterator[Note]:
    """A promise."""
    yield Finding(expected="x", actual=answer)


@check("RERANK-NO-999")
def unknown(answer: RerankAnswer) -> Iterator[Note]:
    yield Finding(expected="x", actual=answer)


@check("COMMON-REQ-016")
def judges_a_may_row(answer: AnyAnswer) -> Iterator[Note]:
    yield Finding(expected="x", actual=answer)


@check("COMMON-REQ-016")
def reads_a_may_row(answer: AnyAnswer) -> Iterator[Note]:
    yield FollowedReading(str(answer))


@check("RERANK-SEM-006", "RERANK-SEM-006")
def twice_the_same_row(answer: RerankAnswer) -> Iterator[Note]:
    yield Finding(expected="x", actual=answer)


def test_checks_may_serve_known_rows() -> None:
    verify_checks([fine, reads_a_may_row])


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([fine, fine], "duplicate"),
        ([unknown], "unknown-id"),
        ([judges_a_may_row], "may-row-with-findings"),
        ([twice_the_same_row], "duplicate"),
    ],
)
def test_what_cannot_be_right_is_refused(checks: list[Check], code: str) -> None:
    with pytest.raises(SuiteError) as caught:
        verify_checks(checks)
    assert caught.value.code == code


def test_the_promise_is_the_docstring() -> None:
    assert fine.promise == "A promise."


def named(code: CodeType) -> Iterator[str]:
    """Rows among the constants of a function."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from named(constant)
        is_many = isinstance(constant, tuple | frozenset)
        for each in constant if is_many else (constant,):
            if isinstance(each, str) and ROW.fullmatch(each):
                yield each


@pytest.mark.parametrize(
    "check_", [c for c in all_checks() if c.witness], ids=lambda c: c.name
)
def test_every_row_that_a_check_names_is_declared(check_: Check) -> None:
    assert {*named(check_.judge.__code__)} <= {*check_.ids, *check_.names}


def test_the_whole_catalogue_is_right() -> None:
    verify_checks(all_checks())
    assert len({probe.name for probe in all_probes()}) == len(all_probes())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_a_catalogue(dialect: str) -> None:
    known = catalogue(dialect)
    assert known.dialect == dialect
    assert all(dialect in probe.dialects for probe in known.probes.values())
    assert all(known.ids_of(check) for check in known.checks if check.ids)
    assert all(row.excluded is None for row in known.scored)


def test_an_unknown_dialect_is_told() -> None:
    with pytest.raises(OptionError, match="unknown dialect 'latin'"):
        catalogue("latin")


def test_every_check_states_its_promise() -> None:
    assert [c.name for c in all_checks() if not c.promise.endswith(".")] == []


def test_no_check_is_about_an_excluded_row() -> None:
    named = {row: check_.name for check_ in all_checks() for row in check_.ids}
    assert {row: n for row, n in named.items() if requirement(row).excluded} == {}


def test_every_scored_row_has_something_that_judges_it() -> None:
    """No row of the dialect is without a check, a step or a schema node."""
    known = catalogue()
    traceability = Traceability(known)
    scenarios = [s.planned for s in plan(RunOptions("http://h")).scenarios]
    missing = [
        row.id
        for row in known.scored
        if row.level != Level.MAY
        and not any(traceability.exercises(scenario, row.id) for scenario in scenarios)
    ]
    assert missing == []


def test_the_toy_catalogue_stands_on_real_rows() -> None:
    known = toys.catalogue()
    assert "RERANK-SEM-006" in known.requirements
