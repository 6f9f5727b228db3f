"""Playing scenarios: in order, at once, within limits, and never lost."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
import toys
from raw import Play, Target, answer, hang_up, saying
from test_transport import Pauses

from aios_conformance.conformance.observing import recorder as recording
from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.recorder import SILENCE, Recorder
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.plan import scenario_of
from aios_conformance.conformance.terms.events import ExchangeDone, RunEvent
from aios_conformance.conformance.terms.exchange import Api, Exchange, Facts, Json
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, probe
from aios_conformance.conformance.terms.scenario import Scenario

SERVED = Served(Facts())


def scenario(made: Probe, params: Params = None, draw: int = 0) -> Scenario:
    return scenario_of(toys.catalogue(), made, draw, params, SERVED)


def counted(draw: int = 0) -> Scenario:
    return scenario(toys.counted, 2, draw)


def played(
    *acts: bytes | Play,
    scenarios: Sequence[Scenario],
    ledger: Budget | None = None,
    concurrency: int = 4,
    heard: list[RunEvent] | None = None,
    look: Callable[[Target], None] | None = None,
    patience: float = 5.0,
) -> Recorder:
    """A recorder after it played scenarios against a target of these acts."""

    async def story() -> Recorder:
        async with saying(*acts) as target:
            options = RunOptions(target.url, request_timeout_s=patience)
            async with Transport(options, target.url, pause=Pauses()) as wire:
                events = [] if heard is None else heard
                recorder = Recorder(wire, ledger or Budget(), events.append)
                first = {s.name: 10 * i for i, s in enumerate(scenarios)}
                await recorder.play(
                    scenarios,
                    SERVED.facts,
                    lambda s: f"ex-{first[s.name]}",
                    concurrency,
                )
            if look is not None:
                look(target)
            return recorder

    return asyncio.run(story())


RERANKED = answer(b'{"id": "an id", "results": []}')


def test_steps_go_in_order_and_build_on_answers() -> None:
    recorder = played(RERANKED, scenarios=[scenario(toys.later)])
    (seen,) = recorder.observations
    assert list(seen.steps) == ["first", "second"]
    assert seen["second"].request.json["query"] == "an id"
    assert [e.id for e in recorder.exchanges] == ["ex-0", "ex-1"]


def test_a_step_that_cannot_be_made_is_told() -> None:
    recorder = played(answer(b"[]"), scenarios=[scenario(toys.later)])
    (seen,) = recorder.observations
    assert list(seen.steps) == ["first"]
    (left,) = recorder.unsent
    assert (left.label, left.reason) == (
        "second",
        "no earlier answer has what it is made of",
    )


def test_shared_requests_are_sent_once_and_seen_by_all() -> None:
    both = [
        scenario(toys.refused, {"top_n": {}}, 0),
        scenario(toys.refused, {"top_n": "few"}, 1),
    ]

    def look(target: Target) -> None:
        assert len(target.requests) == 3

    recorder = played(RERANKED, scenarios=both, look=look)
    one, two = recorder.observations
    assert one["valid"].id == two["valid"].id
    assert one["valid"].response is two["valid"].response
    assert {one["valid"].draw, two["valid"].draw} == {0, 1}
    assert len(recorder.exchanges) == 3


def test_a_shared_request_serves_what_each_scenario_says() -> None:
    @probe("toy.other", "rerank")
    def other(_: Params, served: Served) -> Iterator[Step]:
        yield Step(
            "neighbour",
            toys.RERANK,
            toys.body(served),
            shared=True,
            serves=("RERANK-REQ-004",),
        )

    both = [scenario(toys.refused, {"top_n": {}}), scenario(other)]
    recorder = played(RERANKED, scenarios=both, concurrency=1)
    one, two = recorder.observations
    assert one["valid"].serves == ()
    assert two["neighbour"].serves == ("RERANK-REQ-004",)
    assert two["neighbour"].id == one["valid"].id


def test_scenarios_go_at_the_same_time() -> None:
    together: list[asyncio.Event] = []

    async def play(writer: asyncio.StreamWriter) -> None:
        together.append(asyncio.Event())
        if len(together) == 3:
            for event in together:
                event.set()
        await asyncio.wait_for(together[-1].wait(), 5)
        writer.write(RERANKED)
        await writer.drain()

    # no one is answered before three have asked
    recorder = played(play, scenarios=[counted(i) for i in range(3)])
    assert all(e.is_success for e in recorder.exchanges)


def test_last_ones_are_sent_when_all_others_are_answered() -> None:
    @probe("toy.hard", "rerank")
    def hard(_: Params, served: Served) -> Iterator[Step]:
        yield Step("x", toys.RERANK, toys.body(served, query="last"), last=True)

    def look(target: Target) -> None:
        assert b'"last"' in target.requests[-1]
        assert not any(b'"last"' in request for request in target.requests[:-1])

    played(
        RERANKED,
        scenarios=[scenario(hard), *(counted(i) for i in range(6))],
        look=look,
    )


def test_what_must_be_alone_is_alone_and_first() -> None:
    """Those that share models one after the other; further draws are like others."""

    def named(name: str, draw: int = 0, api: Api = "rerank") -> Scenario:
        @probe(f"toy.{name}", api)
        def alone(_: Params, served: Served) -> Iterator[Step]:
            yield Step("one", toys.RERANK, toys.body(served, query=name), alone=True)
            yield Step("two", toys.RERANK, toys.body(served, query=name))

        return scenario(alone, None, draw)

    def look(target: Target) -> None:
        for name, wanted in ((b'"alone"', [1, 1, 0, 0]), (b'"also"', [0, 0, 1, 1])):
            assert [name in request for request in target.requests[:4]] == wanted
        assert len(target.requests) == 12

    played(
        RERANKED,
        scenarios=[
            named("alone"),
            *(counted(i) for i in range(6)),
            named("alone", 1),
            named("also", api="score"),
        ],
        look=look,
    )


def test_steps_that_go_together_are_in_flight_at_once() -> None:
    """They know what was answered before them, and stand in the order of the plan."""

    @probe("toy.burst", "rerank")
    def burst(_: Params, served: Served) -> Iterator[Step]:
        body = toys.body(served)
        yield Step("before", toys.RERANK, body)
        yield Step("made", toys.RERANK, lambda a: {"q": len(a)}, together=True)
        for label in ("b", "a"):
            yield Step(label, toys.RERANK, body, together=True)
        yield Step("after", toys.RERANK, body)

    waiting: list[asyncio.Event] = []

    async def all_three(writer: asyncio.StreamWriter) -> None:
        waiting.append(asyncio.Event())
        if len(waiting) == 3:
            for event in reversed(waiting):
                event.set()
        await asyncio.wait_for(waiting[-1].wait(), 5)
        writer.write(RERANKED)
        await writer.drain()

    recorder = played(
        RERANKED, all_three, all_three, all_three, RERANKED, scenarios=[scenario(burst)]
    )
    (seen,) = recorder.observations
    assert list(seen.steps) == ["before", "made", "b", "a", "after"]
    assert seen["made"].request.json == {"q": 1}
    assert seen.accepted()


def test_a_client_that_leaves_has_no_answer_and_no_findings() -> None:
    @probe("toy.left", "rerank")
    def left(_: Params, served: Served) -> Iterator[Step]:
        yield Step("left", toys.RERANK, toys.body(served), "either", leaves=True)
        yield Step("next", toys.RERANK, toys.body(served))

    endless = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"

    async def begin(writer: asyncio.StreamWriter) -> None:
        writer.write(endless)
        await writer.drain()

    recorder = played(begin, RERANKED, scenarios=[scenario(left)])
    (seen,) = recorder.observations
    assert seen["left"].response is None
    assert seen["left"].failure == "left in the middle of HTTP 200, as intended"
    assert seen["next"].is_success


def test_what_is_alone_and_shared_is_sent_in_its_place() -> None:
    """Others have the answer that came between its neighbours."""

    @probe("toy.between", "rerank")
    def between(_: Params, served: Served) -> Iterator[Step]:
        own = toys.body(served, query="own")
        yield Step("before", toys.RERANK, own, alone=True)
        yield Step("between", toys.RERANK, toys.body(served), shared=True)
        yield Step("after", toys.RERANK, own)

    def look(target: Target) -> None:
        assert [b'"own"' in request for request in target.requests[:3]] == [
            True,
            False,
            True,
        ]

    both = [scenario(toys.refused, {"top_n": {}}), scenario(between)]
    recorder = played(RERANKED, scenarios=both, look=look)
    seen = {each.probe: each for each in recorder.observations}
    assert seen["toy.refused"]["valid"].id == seen["toy.between"]["between"].id


def test_our_own_faults_are_noticed() -> None:
    @probe("toy.fault", "rerank")
    def slipping(_: Params, served: Served) -> Iterator[Step]:
        yield Step("bad", toys.RERANK, {"model": served.model("rerank")})

    recorder = played(RERANKED, scenarios=[scenario(slipping)])
    (found,) = recorder.suite_faults
    assert (found.probe, found.label) == ("toy.fault", "bad")
    assert "sent as valid" in found.message


def test_every_exchange_is_told() -> None:
    heard: list[RunEvent] = []
    played(RERANKED, scenarios=[counted(i) for i in range(3)], heard=heard)
    assert [e.done for e in heard if isinstance(e, ExchangeDone)] == [1, 2, 3]


# --- limits and failures -----------------------------------------------------------


def test_a_limit_cuts_and_is_told() -> None:
    def look(target: Target) -> None:
        assert len(target.requests) == 2

    recorder = played(
        RERANKED,
        scenarios=[counted(i) for i in range(5)],
        ledger=Budget(max_requests=2),
        look=look,
    )
    assert recorder.cut_short == "--max-requests 2"
    failures = [e.failure for e in recorder.exchanges if e.failure]
    assert failures == ["not sent: --max-requests 2"] * 3
    assert all(e.attempts == 0 for e in recorder.exchanges if e.failure)
    assert len(recorder.observations) == 5


def test_numbers_count_as_what_they_hold_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "MOST_RUN_BYTES", 10_000)
    numbers, text = b"[" + b"0," * 400 + b"0]", b'"%s"' % (b"x" * 800)
    for body, told in ((numbers, "the answers fill more than 10000 bytes"), (text, "")):
        made = played(answer(body), scenarios=[counted()])
        assert (made.cut_short or "") == told


def test_every_attempt_counts_against_the_limit() -> None:
    ledger = Budget()
    played(hang_up, hang_up, RERANKED, scenarios=[counted()], ledger=ledger)
    assert ledger.spent.requests == 3


def test_a_target_that_is_gone_is_not_waited_for() -> None:
    def look(target: Target) -> None:
        assert len(target.requests) <= (SILENCE + 4) * 4

    recorder = played(
        hang_up, scenarios=[counted(i) for i in range(SILENCE * 3)], look=look
    )
    assert str(recorder.cut_short).startswith("the target stopped answering (connect:")


def test_an_answer_now_and_then_keeps_a_run_going() -> None:
    acts = ([hang_up] * 4 + [RERANKED]) * (SILENCE * 2)
    recorder = played(
        *acts, scenarios=[counted(i) for i in range(SILENCE * 2)], concurrency=1
    )
    assert recorder.cut_short is None
    assert sum(e.response is None for e in recorder.exchanges) == SILENCE


def test_a_broken_answer_is_recorded_as_such() -> None:
    recorder = played(answer(b"01234")[:-1], scenarios=[counted()], patience=0.2)
    (exchange,) = recorder.exchanges
    assert exchange.failure is not None


def test_cancelling_keeps_what_was_recorded() -> None:
    async def story() -> Recorder:
        asked = asyncio.Event()

        async def stall(writer: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.sleep(60)

        async with saying(RERANKED, stall) as target:
            options = RunOptions(target.url)
            async with Transport(options, target.url) as wire:
                recorder = Recorder(wire, Budget(), lambda _: None)
                playing = asyncio.create_task(
                    recorder.play(
                        [scenario(toys.later), counted()],
                        SERVED.facts,
                        lambda _: "ex-1",
                        1,
                    )
                )
                await asked.wait()
                playing.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await playing
                return recorder

    recorder = asyncio.run(story())
    (seen,) = recorder.observations
    assert list(seen.steps) == ["first"]
    assert [(u.label, u.reason) for u in recorder.unsent] == [("second", "interrupted")]
    assert recorder.ledger.spent.requests == 1


def test_an_error_of_ours_comes_through_as_itself() -> None:
    def broken(_: RunEvent) -> None:
        raise ZeroDivisionError

    async def story() -> None:
        async with saying(RERANKED) as target:
            options = RunOptions(target.url)
            async with Transport(options, target.url) as wire:
                recorder = Recorder(wire, Budget(), broken)
                await recorder.play([counted()], SERVED.facts, lambda _: "ex-1", 4)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(story())


def test_refusals_are_narrowed_down_within_a_limit() -> None:
    """What is not asked any more is told, so that nobody takes it for asked."""

    @probe("toy.refused", "rerank")
    def refused(n: Params, served: Served) -> Iterator[Step]:
        def fewer(answers: Mapping[str, Exchange]) -> Json:
            return toys.body(served) if answers["whole"].status >= 400 else None

        yield Step("whole", toys.RERANK, toys.body(served, top_n=n))
        yield Step("fewer", toys.RERANK, fewer, spare=True, narrows=True)

    recorder = played(
        *[answer(status=400)] * 5,
        scenarios=[scenario(refused, n, n) for n in (1, 2, 3)],
        ledger=Budget(narrowing=2),
        concurrency=1,
    )
    asked = [list(seen.steps) for seen in recorder.observations]
    assert asked == [["whole", "fewer"], ["whole", "fewer"], ["whole"]]
    (left,) = recorder.unsent
    assert (left.draw, left.label) == (3, "fewer")
    assert "to blame" in left.reason
