"""Sending again and shrinking, against small targets of known faults."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import toys
from hypothesis import strategies as st
from miniatures import Asked, Said, listening, refuse, say
from test_transport import Pauses

from aios_conformance.conformance.judging.judge import Judgement, judge
from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.recorder import Recorder
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import RESENT, RunOptions
from aios_conformance.conformance.planning import plan as plans
from aios_conformance.conformance.planning.plan import Plan, assemble, drawn
from aios_conformance.conformance.running.explain import Explainer
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.events import Explaining, RunEvent
from aios_conformance.conformance.terms.exchange import Exchange, Facts
from aios_conformance.conformance.terms.probe import (
    Params,
    Probe,
    Served,
    Step,
    probe,
    table,
)

ORDER = "RERANK-SEM-006"
FACTS = Facts(models={"rerank": "m"})
Behaviour = Callable[[Asked], Said]


def ranked(asked: Asked, *, rising: bool = False) -> Said:
    """Descending scores for all documents, or ascending ones."""
    documents = asked.json["documents"]
    count = len(documents)
    scores = [(i + 1 if rising else count - i) / count for i in range(count)]
    return say(
        {
            "id": "x",
            "model": "m",
            "usage": {"total_tokens": 1},
            "results": [
                {"index": i, "relevance_score": s, "document": {"text": documents[i]}}
                for i, s in enumerate(scores)
            ],
        }
    )


def rises_from(count: int) -> Behaviour:
    """Order is wrong from so many documents on."""

    def behave(asked: Asked) -> Said:
        return ranked(asked, rising=len(asked.json["documents"]) >= count)

    return behave


def but_for_printed(behaviour: Behaviour) -> Behaviour:
    """Documents that are printed, in any number, are ranked as they should be."""

    def behave(asked: Asked) -> Said:
        is_printed = any("France" in each for each in asked.json["documents"])
        return ranked(asked) if is_printed else behaviour(asked)

    return behave


def is_rising(exchange: Exchange) -> bool:
    """Scores do not descend."""
    body = exchange.response.json if exchange.response else {}
    scores = [r["relevance_score"] for r in body.get("results", ())]
    return scores != sorted(scores, reverse=True)


@probe("toy.several", "rerank", params=st.integers(2, 40), draws=(1, 2, 5))
def several(n: Params, served: Served) -> Iterator[Step]:
    yield Step("all", toys.RERANK, toys.body(served, documents=["a"] * n))


@table("toy.costly", "rerank", [2, 3])
def costly(n: Params, served: Served) -> Iterator[Step]:
    documents = [f"text {i}" for i in range(n)]
    body = toys.body(served, documents=documents)
    yield Step("all", toys.RERANK, body, prompt_tokens=0, last=True)


@probe("toy.fewest", "rerank", params=st.integers(0, 9), draws=(1, 1, 1))
def fewest(n: Params, served: Served) -> Iterator[Step]:
    """Whether no document at all is to be taken is open (A-044)."""
    yield Step("all", toys.RERANK, toys.body(served, documents=["a"] * n))


@probe("toy.fewest_later", "rerank", params=st.integers(0, 9), draws=(1, 1, 1))
def fewest_later(n: Params, served: Served) -> Iterator[Step]:
    yield Step(
        "all", toys.RERANK, lambda _: toys.body(served, documents=["a"] * n), like=""
    )


def catalogue_of(*probes: Probe, noisy: bool = False) -> Catalogue:
    known = toys.catalogue(probes=probes or (toys.counted, toys.paths))
    rows = dict(known.requirements)
    rows[ORDER] = replace(rows[ORDER], noisy=noisy)
    return replace(known, requirements=rows)


class Story:
    """A run of the toy plan up to its explanation."""

    def __init__(
        self,
        behaviour: Behaviour,
        monkeypatch: pytest.MonkeyPatch,
        *probes: Probe,
        is_noisy: bool = False,
        at_once: int = 4,
        **options: Any,
    ) -> None:
        known = catalogue_of(*probes, noisy=is_noisy)
        monkeypatch.setattr(plans, "catalogue", lambda _: known)
        self.heard: list[RunEvent] = []
        with listening(behaviour) as url:
            given = RunOptions(url, cache_dir=None, **options)
            asyncio.run(self._tell(given, known, at_once))

    async def _tell(self, options: RunOptions, known: Catalogue, at_once: int) -> None:
        planned: Plan = assemble(options, drawn(options), facts=FACTS)
        async with Transport(options, options.target, pause=Pauses()) as wire:
            ledger = Budget(options.max_requests)
            recorder = Recorder(wire, ledger, self.heard.append)
            first = planned.positions
            await recorder.play(
                planned.scenarios, FACTS, lambda s: f"ex-{first[s.name]}", at_once
            )
            self.main: Judgement = judge(
                known, recorder.exchanges, recorder.observations, FACTS
            )
            own = Recorder(wire, ledger, self.heard.append)
            rows = [ORDER, "COMMON-RES-001"]
            self.explainer = Explainer(planned, Served(FACTS), own, options)
            await self.explainer.explain(self.main, rows, recorder.observations)
        self.sent_again = [e for o in self.explainer.again for e in o.steps.values()]

    def smallest(self) -> list[int]:
        """How many documents the smallest failing requests have."""
        return [
            len(exchange.request.json["documents"])
            for seen in self.explainer.smaller
            for exchange in seen.steps.values()
        ]


def test_a_failing_scenario_is_sent_in_company_and_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story(rises_from(2), monkeypatch)
    failing = {(t.probe, t.draw) for t in story.main.traces}
    names = [(seen.probe, seen.draw) for seen in story.explainer.again]
    assert {names[0], names[-1]} <= failing
    ids = {e.id for e in story.sent_again}
    assert ids == {f"again-{n}" for n in range(1, len(ids) + 1)}
    assert any(isinstance(event, Explaining) for event in story.heard)


@probe("toy.halting", "rerank", params=st.integers(2, 40), draws=(1, 2, 5))
def halting(n: Params, served: Served) -> Iterator[Step]:
    body = toys.body(served, documents=["a"] * n)
    yield Step("all", toys.RERANK, body)
    for label in ("unsure", "still unsure"):
        yield Step(label, toys.RERANK, lambda _: None, like="", spare=True)
    yield Step("once more", toys.RERANK, body)


def test_no_two_exchanges_have_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(rises_from(2), monkeypatch, halting)
    ids = [e.id for e in story.explainer.recorder.exchanges]
    assert "toy.halting" in {e.probe for e in story.sent_again}
    assert len(ids) == len(set(ids))


def test_what_holds_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(ranked, monkeypatch)
    assert story.sent_again == []
    assert story.explainer.smaller == []
    assert story.explainer.shrink_requests == 0


def test_what_comes_last_and_was_accepted_is_sent_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story(rises_from(3), monkeypatch, costly)
    assert {t.probe for t in story.main.traces} == {"toy.costly"}
    assert story.sent_again == []
    assert story.explainer.smaller == []


def test_what_comes_last_and_was_refused_costs_nothing_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story(lambda _: refuse(500, "too much"), monkeypatch, costly)
    assert {t.probe for t in story.main.traces} == {"toy.costly"}
    assert story.sent_again


@pytest.mark.parametrize("probe", [fewest, fewest_later])
def test_what_is_made_smaller_is_still_valid(
    monkeypatch: pytest.MonkeyPatch, probe: Probe
) -> None:
    refusing = but_for_printed(lambda _: refuse(400, "no"))
    story = Story(refusing, monkeypatch, probe)
    assert {trace.probe for trace in story.main.traces} == {probe.name}
    assert story.smallest() == [1]


@pytest.mark.parametrize("count", [2, 3])
def test_the_smallest_case_is_found(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    story = Story(but_for_printed(rises_from(count)), monkeypatch)
    failing = [len(t.exchange.request.json["documents"]) for t in story.main.traces]
    if min(failing) > count:
        assert story.smallest() == [count]
    else:
        assert story.smallest() in ([], [count])
    assert story.explainer.shrink_requests <= 60


@pytest.mark.parametrize(("count", "shown"), [(2, 3), (4, 4)])
def test_a_printed_request_shows_it_if_it_can_with_as_few_texts_as_do(
    monkeypatch: pytest.MonkeyPatch, count: int, shown: int
) -> None:
    story = Story(rises_from(count), monkeypatch, several)
    assert story.smallest() == [shown]
    (seen,) = story.explainer.smaller
    assert "What is the capital of France?" in seen["plain"].request.body.decode()


def test_only_unseen_parameters_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[bytes] = []

    def remembering(asked: Asked) -> Said:
        bodies.append(asked.body)
        return rises_from(2)(asked)

    story = Story(remembering, monkeypatch)
    # each body of the drawn probe once in the plan, and the one that is sent again
    counted = [b for b in bodies if b'"text 0"' in b]
    assert len(counted) <= len(set(counted)) + len(story.sent_again)


def test_the_budget_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(rises_from(1), monkeypatch, shrink_requests=0)
    assert story.explainer.shrink_requests == 0
    assert story.explainer.smaller == []


def test_smoke_does_not_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(rises_from(2), monkeypatch, preset="smoke")
    assert story.explainer.shrink_requests == 0


def test_what_is_too_dear_to_send_again_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(RESENT, "standard", 0)
    story = Story(rises_from(2), monkeypatch)
    assert story.sent_again == []
    failing = {(t.probe, t.draw) for t in story.main.traces}
    assert story.explainer.left_out
    assert failing.issuperset(story.explainer.left_out)


def test_the_run_limit_holds_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(rises_from(2), monkeypatch, max_requests=7)
    assert story.explainer.recorder.ledger.spent.requests <= 7


def flaky() -> Behaviour:
    """Wrong at the first sight of a request only."""
    seen: set[bytes] = set()

    def behave(asked: Asked) -> Said:
        is_new = asked.body not in seen
        seen.add(asked.body)
        return ranked(asked, rising=is_new)

    return behave


def test_what_comes_the_first_time_only_is_tried_with_what_was_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = Story(flaky(), monkeypatch, several)
    known = {e.request.body for t in story.main.traces for e in [t.exchange]}
    wrong = {e.request.body for e in story.sent_again if is_rising(e)}
    assert wrong
    assert wrong.isdisjoint(known)


def test_what_is_sent_before_only_for_its_effect_is_not_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Asked] = []

    def second_rises(each: Asked) -> Said:
        asked.append(each)
        return ranked(each, rising=len(asked) == 2)

    story = Story(second_rises, monkeypatch, several, at_once=1)
    beside = [e for seen in story.explainer.again for e in seen.beside]
    assert {e.request.body for e in beside} == {asked[0].body}
    assert {label for seen in story.explainer.again for label in seen.steps} == {"all"}
    assert not {e.id for e in beside} & {e.id for e in story.sent_again}


def test_a_row_that_is_not_asked_for_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = catalogue_of()
    monkeypatch.setattr(plans, "catalogue", lambda _: known)

    async def story(url: str) -> Explainer:
        options = RunOptions(url, cache_dir=None)
        planned = assemble(options, drawn(options), facts=FACTS)
        async with Transport(options, url, pause=Pauses()) as wire:
            recorder = Recorder(wire, Budget(), lambda _: None)
            explainer = Explainer(planned, Served(FACTS), recorder, options)
            first = planned.positions
            recorder2 = Recorder(wire, Budget(), lambda _: None)
            await recorder2.play(
                planned.scenarios, FACTS, lambda s: f"ex-{first[s.name]}", 4
            )
            main = judge(known, recorder2.exchanges, recorder2.observations, FACTS)
            assert main.traces
            await explainer.explain(main, ["RERANK-REQ-001"])
            return explainer

    with listening(rises_from(2)) as url:
        explainer = asyncio.run(story(url))
    assert explainer.again == []
    assert explainer.recorder.exchanges == []
