"""However much a target says, judging comes to an end, and what it left is told."""

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import toys
from exchanges import exchange, observation
from generations import choice, request, said, scored

from aios_conformance.conformance.judging import watch
from aios_conformance.conformance.judging.fingerprint import MOST_ALIKE
from aios_conformance.conformance.judging.judge import Judgement, judge
from aios_conformance.conformance.running.signals import stopped_by_signals
from aios_conformance.conformance.terms.catalogue import Catalogue, catalogue
from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.conformance.terms.views import RerankAnswer

MANY = 12_000
"""Results of a rerank, about as many as an answer may hold that is read."""

DOCUMENTS = ["a", "b"]


def reranked(count: int = 2, **over: Any) -> Exchange:
    """Results that all have the same text, each with a score of its own."""
    results = [
        {"index": i, "relevance_score": 0.1 + i / 15_000, "document": {"text": "a"}}
        for i in range(count)
    ]
    body = {"id": "x", "model": "m", "usage": {"total_tokens": 5}, "results": results}
    sent = {"model": "m", "query": "q", "documents": DOCUMENTS}
    return exchange("rerank", sent, body, **over)


def judged(seen: Observation, known: Catalogue | None = None) -> Judgement:
    steps = tuple(seen.steps.values())
    return judge(known or catalogue(), steps, [seen], Facts())


@check("RERANK-SEM-006")
def it_never_ends(_: RerankAnswer) -> Iterator[Note]:
    """A promise that takes for ever to be judged, once it is seen to be broken."""
    yield Finding("an end", "none")
    while True:
        pass


@check("RERANK-SEM-006")
def it_is_lost_in_a_pattern(_: RerankAnswer) -> Iterator[Note]:
    """A promise that is judged by a pattern which tries every way."""
    yield Finding("a match", re.match("(a+)+$", "a" * 60 + "b"))


@check("RERANK-SEM-006")
def it_is_interrupted(_: RerankAnswer) -> Iterator[Note]:
    """A promise while whose judging Ctrl-C is pressed."""
    yield Finding("an end", "none")
    signal.raise_signal(signal.SIGINT)
    while True:
        pass


@check("RERANK-SEM-006")
def it_is_judged_as_well(_: RerankAnswer) -> Iterator[Note]:
    """Another promise."""
    yield Finding("something", "nothing")


needs_a_timer = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="Windows has none"
)


@needs_a_timer
@pytest.mark.parametrize("endless", [it_never_ends, it_is_lost_in_a_pattern])
def test_a_check_is_left_in_the_middle(
    endless: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_S", 0.2)
    known = toys.catalogue(checks=(endless, it_is_judged_as_well))
    done = judged(observation("toy.count", all=reranked()), known)
    assert done.undone == {endless.name: watch.TOO_SLOW}
    found = [trace.check for trace in done.traces]
    kept = [it_never_ends.name] if endless is it_never_ends else []
    assert found == [*kept, it_is_judged_as_well.name]


@needs_a_timer
def test_ctrl_c_ends_a_check_at_once() -> None:
    known = toys.catalogue(checks=(it_is_interrupted,))
    before = signal.getsignal(signal.SIGVTALRM)
    with stopped_by_signals(), pytest.raises(KeyboardInterrupt):
        judged(observation("toy.count", all=reranked()), known)
    assert signal.getsignal(signal.SIGVTALRM) is before


@needs_a_timer
def test_who_has_a_timer_of_his_own_keeps_it() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGVTALRM, lambda number, _: heard.append(number))
    signal.setitimer(signal.ITIMER_VIRTUAL, 1000.0)
    try:
        judged(observation("toy.count", all=reranked()), toys.catalogue())
        assert signal.setitimer(signal.ITIMER_VIRTUAL, 0)[0] > 900
        signal.raise_signal(signal.SIGVTALRM)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert heard == [signal.SIGVTALRM]


def of_many_tokens(count: int) -> Exchange:
    """One choice with so many tokens and a log probability for each."""
    tokens = [(f"t{i} ", -0.5, [(f"t{i} ", -0.5), ("x", -1.0)]) for i in range(count)]
    text = "".join(token for token, _, _ in tokens)
    only = choice("chat", text, logprobs=scored(*tokens), finish_reason="length")
    sent = request("chat", logprobs=True, top_logprobs=2, temperature=0)
    return said("chat", only, sent=sent, completion=count)


def of_many_alternatives(count: int) -> Exchange:
    """One token with so many alternatives."""
    likely = [(f"x{i}", -20.0 - i) for i in range(count)]
    given = scored(("a", -0.1, [("a", -0.1), *likely]))
    only = choice("chat", "a", logprobs=given, finish_reason="length")
    sent = request("chat", logprobs=True, top_logprobs=20, temperature=0)
    return said("chat", only, sent=sent, completion=1)


def of_many_calls(count: int) -> Exchange:
    """One choice with so many calls."""
    function = {"name": "f", "parameters": {"type": "object"}}
    calls = [
        {
            "id": f"call-{i}",
            "type": "function",
            "function": {"name": "f", "arguments": "{}"},
        }
        for i in range(count)
    ]
    only = choice("chat", "", finish_reason="tool_calls")
    only["message"]["tool_calls"] = calls
    tools = [{"type": "function", "function": function}]
    return said("chat", only, sent=request("chat", tools=tools), completion=9)


def streamed(count: int) -> Exchange:
    """A stream of so many choices, each of one piece with a member of its own."""
    chunks = [
        {
            "id": "x",
            "object": "text_completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": i % 5_000,
                    "text": "a",
                    "logprobs": {f"m{i}": [], "tokens": ["a"]},
                }
            ],
        }
        for i in range(count)
    ]
    return exchange("completions", request("completions", stream=True), stream=chunks)


@pytest.mark.parametrize(
    "seen",
    [
        observation("rerank.top_n", zero=reranked(MANY), omitted=reranked(MANY)),
        observation(
            "rerank.documents",
            base=reranked(MANY),
            alone=reranked(2),
            wide=reranked(MANY),
        ),
        observation("chat.logprobs", many=of_many_tokens(MANY // 4)),
        observation("chat.logprobs", many=of_many_alternatives(MANY)),
        observation("chat.tools", auto=of_many_calls(MANY // 2)),
        observation("completions.streams", streamed=streamed(MANY // 3)),
    ],
)
def test_long_answers_are_judged_in_line_with_their_length(
    seen: Observation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_S", 5.0)
    assert not judged(seen).undone


def test_of_many_findings_that_are_alike_a_few_are_kept() -> None:
    done = judged(observation("rerank.top_n", zero=reranked(1_000)))
    kept = [t for t in done.traces if t.check == "scores_never_rise"]
    assert [t.finding.pointer for t in kept] == [
        f"/results/{i + 1}/relevance_score" for i in range(MOST_ALIKE)
    ]


@needs_a_timer
def test_time_may_be_over_at_any_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tick finds that it is, whatever is being done then."""
    monkeypatch.setattr(watch, "MOST_S", -1.0)
    monkeypatch.setattr(watch, "_AGAIN_S", 0.0)
    monkeypatch.setattr(watch, "_TICK_S", 1e-5)
    known = toys.catalogue(checks=toys.CHECKS * 3_000)
    done = judged(observation("toy.count", all=reranked()), known)
    assert toys.scores_never_rise.name in done.undone
