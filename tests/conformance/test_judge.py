"""Every check on everything that it applies to; whose fault an exception is."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import toys
from exchanges import exchange, observation

from aios_conformance.conformance.checks import shape
from aios_conformance.conformance.judging.judge import Judgement, judge
from aios_conformance.conformance.terms.catalogue import Catalogue, checks_in
from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.conformance.terms.views import AnyAnswer, Record, RerankAnswer

CATALOGUE = toys.catalogue()
SENT = {"model": "m", "query": "q", "documents": ["a", "b"]}


def reranked(*scores: float, **over: Any) -> Exchange:
    """A whole rerank answer with these scores."""
    results = [
        {"index": i, "relevance_score": s, "document": {"text": "ab"[i]}}
        for i, s in enumerate(scores)
    ]
    usage = {"total_tokens": 5}
    body = {"id": "x", "model": "m", "usage": usage, "results": results}
    return exchange("rerank", SENT, body, **over)


GOOD = reranked(0.9, 0.1)
RISING = reranked(0.1, 0.9)
HTML = exchange("rerank", SENT, b"<html>")
REFUSED = exchange("rerank", {}, {"error": "x"}, status=422, expect="refuse")


def judged(
    checks: tuple[Check, ...] | Check,
    *seen: Exchange | Observation,
    known: Catalogue | None = None,
) -> Judgement:
    checks = (checks,) if isinstance(checks, Check) else checks
    exchanges = [s for s in seen if isinstance(s, Exchange)]
    observations = [s for s in seen if isinstance(s, Observation)]
    exchanges += [e for o in observations for e in o.steps.values()]
    known = known or toys.catalogue(checks=checks)
    return judge(known, exchanges, observations, Facts())


def test_a_finding_is_traced_to_its_exchange() -> None:
    bad = reranked(0.1, 0.9, id="ex-7", probe="toy.count", draw=3)
    (trace,) = judged(toys.scores_never_rise, GOOD, bad).traces
    assert (trace.check, trace.rows) == ("scores_never_rise", ("RERANK-SEM-006",))
    assert (trace.exchange.id, trace.probe, trace.draw) == ("ex-7", "toy.count", 3)


def test_what_is_judged_counts_as_evidence() -> None:
    done = judged(toys.scores_never_rise, GOOD, RISING, HTML, REFUSED)
    assert done.count("RERANK-SEM-006", "scores_never_rise") == 2


def test_what_cannot_show_anything_is_no_evidence() -> None:
    done = judged(toys.scores_never_rise, reranked(0.9))
    assert done.count("RERANK-SEM-006", "scores_never_rise") == 0


def test_every_faulty_exchange_counts() -> None:
    """A fault that shows on every third answer is three findings, not none."""
    many = [reranked(0.1, 0.9) if i % 3 == 2 else reranked(0.9, 0.1) for i in range(9)]
    assert len(judged(toys.scores_never_rise, *many).traces) == 3


def test_relations_are_judged_on_their_probe() -> None:
    one = observation("toy.count", all=exchange("rerank", SENT, {"results": [1]}))
    other = observation("toy.else", all=exchange("rerank", SENT, {"results": []}))
    done = judged(toys.every_document_has_a_result, one, other)
    (trace,) = done.traces
    assert trace.probe == "toy.count"
    assert done.count("RERANK-SEM-004", "every_document_has_a_result") == 1


@check("RERANK-SEM-004", "RERANK-SEM-006")
def points_at_a_step(seen: Observation) -> Iterator[Note]:
    yield Finding(expected="x", actual=1, step="first", ids=("RERANK-SEM-006",))
    yield Finding(expected="x", actual=1)


def test_a_finding_points_at_its_step_or_the_last() -> None:
    seen = observation(
        "toy.x",
        first=reranked(0.9, 0.1, id="ex-1"),
        second=reranked(0.9, 0.1, id="ex-2"),
    )
    first, last = judged(points_at_a_step, seen).traces
    assert (first.exchange.id, first.rows) == ("ex-1", ("RERANK-SEM-006",))
    assert last.exchange.id == "ex-2"
    assert last.rows == ("RERANK-SEM-004", "RERANK-SEM-006")


@check("COMMON-RES-005")
def ids_differ(record: Record) -> Iterator[Note]:
    seen: set[str] = set()
    for answer in record.answers("rerank"):
        name = answer.response.json["id"]  # type: ignore[union-attr]
        if name in seen:
            yield Finding(expected="another id", actual=name, exchange=answer.id)
        seen.add(name)


def test_a_record_is_all_exchanges_together() -> None:
    one = reranked(0.9, 0.1, id="ex-1", probe="p.one", draw=1)
    two = reranked(0.9, 0.1, id="ex-2", probe="p.two", draw=2)
    (trace,) = judged(ids_differ, one, two).traces
    assert (trace.exchange.id, trace.probe, trace.draw) == ("ex-2", "p.two", 2)


def test_an_empty_record_is_not_judged() -> None:
    assert judged(ids_differ).judged == {}


@check(witness=True, on="toy.count")
def witnesses_some(answer: RerankAnswer) -> Iterator[Note]:
    yield Witness(("RERANK-RES-001",))
    yield Finding(expected="x", actual=0, ids=("RERANK-RES-002", "INF-RES-009"))
    yield FollowedReading(f"{len(answer.results)} results", ids=("COMMON-RES-004",))


def test_a_witnessing_check_says_what_it_exercised() -> None:
    seen = reranked(0.9, 0.1, probe="toy.count")
    done = judged(witnesses_some, seen, reranked(0.9, 0.1, probe="toy.else"))
    assert done.count("RERANK-RES-001", "witnesses_some") == 1
    assert done.count("RERANK-RES-002", "witnesses_some") == 0
    assert done.readings["COMMON-RES-004"] == {"2 results": 1}
    (trace,) = done.traces
    assert trace.rows == ("RERANK-RES-002",)  # a row of another dialect is left out


@check("RERANK-RES-001", "SCORE-RES-001")
def serves_two_apis(answer: AnyAnswer) -> Iterator[Note]:
    yield Finding(expected="x", actual=answer.exchange.api)


def test_a_row_is_judged_by_answers_of_its_own_apis() -> None:
    known = toys.catalogue(checks=(serves_two_apis,), api="score")
    known = replace(
        known, requirements={**CATALOGUE.requirements, **known.requirements}
    )
    scored = exchange("score", {}, {})
    done = judged(serves_two_apis, GOOD, scored, known=known)
    assert [trace.rows for trace in done.traces] == [
        ("RERANK-RES-001",),
        ("SCORE-RES-001",),
    ]
    assert done.count("SCORE-RES-001", "serves_two_apis") == 1


# --- exceptions --------------------------------------------------------------------


@check("RERANK-SEM-006")
def breaks_down(answer: RerankAnswer) -> Iterator[Note]:
    yield Finding(expected="x", actual=answer.body["nothing"])


@check("RERANK-SEM-006")
def breaks_down_on_anything(answer: AnyAnswer) -> Iterator[Note]:
    response = answer.exchange.response
    assert response is not None
    yield Finding(expected="x", actual=response.json["nothing"])


def test_an_exception_on_a_right_answer_is_our_fault() -> None:
    done = judged(breaks_down, GOOD)
    assert "KeyError: 'nothing'" in done.faults["breaks_down"]
    assert done.traces == []
    assert done.judged == {}


def test_one_wrong_answer_among_right_ones_does_not_hide_our_fault() -> None:
    assert (
        "breaks_down_on_anything" in judged(breaks_down_on_anything, HTML, GOOD).faults
    )


@pytest.mark.parametrize(
    "answer",
    [
        HTML,
        reranked(0.9, 0.1, broken="broke off"),
        exchange("rerank", SENT, b"oops", status=400),
        exchange("rerank", SENT, {"results": "few"}),
    ],
    ids=["html", "broken", "error page", "malformed"],
)
def test_an_exception_on_a_malformed_answer_is_no_evidence(answer: Exchange) -> None:
    checks = (breaks_down_on_anything, *checks_in(shape))
    done = judged(checks, answer)
    assert done.faults == {}
    assert done.count("RERANK-SEM-006", "breaks_down_on_anything") == 0


def test_an_exception_in_when_counts_alike() -> None:
    broken = check("RERANK-SEM-006", when=lambda a: a.body["nothing"])(
        toys.scores_never_rise.judge
    )
    assert judged(broken, GOOD).faults


def test_a_relation_is_excused_by_any_of_its_answers() -> None:
    @check("RERANK-SEM-006")
    def relation(seen: Observation) -> Iterator[Note]:
        raise KeyError(seen.probe)
        yield

    whole = observation("toy.x", a=GOOD, b=reranked(0.8, 0.7, id="ex-2"))
    half = observation("toy.x", a=GOOD, b=HTML)
    assert judged((relation, *checks_in(shape)), whole).faults
    assert not judged((relation, *checks_in(shape)), half).faults


def test_a_step_that_was_not_played_is_no_fault_of_anybody() -> None:
    @check("RERANK-SEM-006", when=lambda seen: seen["late"].is_success)
    def asked_before(seen: Observation) -> Iterator[Note]:
        raise AssertionError(seen)
        yield

    @check("RERANK-SEM-006")
    def relation(seen: Observation) -> Iterator[Note]:
        yield Finding(expected="x", actual=seen["late"].status)

    for cut_short in (observation("toy.x"), observation("toy.x", early=GOOD)):
        done = judged((asked_before, relation), cut_short)
        assert (done.faults, done.traces, done.judged) == ({}, [], {})


# --- repeating ---------------------------------------------------------------------


def test_a_finding_repeats_only_at_least_as_hard() -> None:
    hard, soft = (
        judged(
            check("RERANK-SEM-006")(_finding(is_soft)),
            GOOD,
        ).traces[0]
        for is_soft in (False, True)
    )
    assert soft.repeats(hard, "RERANK-SEM-006")
    assert hard.repeats(hard, "RERANK-SEM-006")
    assert not hard.repeats(soft, "RERANK-SEM-006")
    assert not hard.repeats(hard, "RERANK-SEM-004")


def _finding(is_soft: bool) -> Any:
    def finds(answer: RerankAnswer) -> Iterator[Note]:
        yield Finding(expected="x", actual=answer.scores, soft=is_soft)

    return finds
