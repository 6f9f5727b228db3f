"""What two answers to the same request differ in, and what is free."""

from dataclasses import replace
from typing import Any

import pytest
from exchanges import exchange, sse

from aios_conformance.conformance.comparing import answers
from aios_conformance.conformance.comparing.answers import MOST_TOLD, differences
from aios_conformance.conformance.terms.exchange import Api, Exchange

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chat(content: str | None = "a b", **over: Any) -> Any:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    choice |= over.pop("choice", {})
    return {"id": "x", "created": 1, "choices": [choice], "usage": USAGE} | over


def ranked(*pairs: tuple[int, float], **over: Any) -> Any:
    results = [{"index": i, "relevance_score": score} for i, score in pairs]
    return {"id": "r", "results": results} | over


def embedded(*vector: float) -> Any:
    return {"data": [{"index": 0, "embedding": list(vector)}]}


def kinds(one: Exchange, other: Exchange) -> list[tuple[str, str]]:
    return [(d.kind, d.pointer) for d in differences(one, other, "aios")]


ASKED: dict[Api, Any] = {
    "chat": {"temperature": 0},
    "rerank": {},
    "embeddings": {},
}
TIE = "the same beginning, then one end"
FOUND = [
    ("chat", chat(), chat("c d"), ("text", "/choices/*/message/content")),
    ("chat", chat(TIE), chat(TIE[:-3] + "X"), ("tie", "/choices/*/message/content")),
    ("chat", chat(), chat(usage=USAGE | {"total_tokens": 6}),
     ("count", "/usage/total_tokens")),
    ("chat", chat(), chat(choice={"finish_reason": "length"}),
     ("finish", "/choices/*/finish_reason")),
    ("chat", chat(), chat(system_fingerprint=None), ("member", "/system_fingerprint")),
    ("chat", chat(), chat(usage=None), ("type", "/usage")),
    ("chat", chat(object="chat"), chat(object="text"), ("value", "/object")),
    ("rerank", ranked((0, 0.9), (1, 0.5)), ranked((0, 0.901), (1, 0.5)),
     ("score", "/results/*/relevance_score")),
    ("rerank", ranked((0, 0.9), (1, 0.5)), ranked((1, 0.5), (0, 0.9)),
     ("rank", "/results")),
    ("rerank", ranked((0, 0.9), (1, 0.5)), ranked((0, 0.9)), ("length", "/results")),
    ("embeddings", embedded(0.6, 0.8), embedded(0.63, 0.776),
     ("vector", "/data/*/embedding")),
    ("embeddings", embedded(0.6, 0.8), embedded(1.0), ("vector", "/data/*/embedding")),
]  # fmt: skip


def calls(arguments: str) -> Any:
    function = {"name": "f", "arguments": arguments}
    return chat(None, choice={"message": {"tool_calls": [{"function": function}]}})


def choices(*indices: int) -> Any:
    return {"choices": [{"index": i, "message": {"content": f"{i}"}} for i in indices]}


FREE = [
    ("chat", calls('{"a": 1, "b": 2}'), calls('{"b":2,"a":1}')),
    ("chat", choices(0, 1), choices(1, 0)),
    ("chat", chat(), chat(id="y", created=2)),
    ("rerank", ranked((0, 0.5), (1, 0.5)), ranked((1, 0.5003), (0, 0.5))),
    ("embeddings", embedded(0.6, 0.8), embedded(0.6002, 0.8001)),
    ("embeddings", embedded(0.0, 0.0), embedded(0.0, 0.0)),
]


@pytest.mark.parametrize(("api", "one", "other", "found"), FOUND)
def test_a_difference_is_found_at_its_place(
    api: Api, one: Any, other: Any, found: tuple[str, str]
) -> None:
    sides = (exchange(api, ASKED[api], one), exchange(api, ASKED[api], other))
    assert found in kinds(*sides)
    assert kinds(sides[0], sides[0]) == []


@pytest.mark.parametrize(("api", "one", "other"), FREE)
def test_a_freedom_is_no_difference(api: Api, one: Any, other: Any) -> None:
    assert kinds(exchange(api, ASKED[api], one), exchange(api, ASKED[api], other)) == []


def test_a_sampled_text_and_what_follows_from_it_is_free() -> None:
    longer = chat(
        "quite another text", choice={"finish_reason": "length"},
        usage=USAGE | {"completion_tokens": 9, "total_tokens": 12},
    )  # fmt: skip
    assert kinds(exchange("chat", {}, chat()), exchange("chat", {}, longer)) == []
    fewer = chat(usage=USAGE | {"prompt_tokens": 4})
    found = kinds(exchange("chat", {}, chat()), exchange("chat", {}, fewer))
    assert found == [("count", "/usage/prompt_tokens")]


def test_log_probabilities_of_a_settled_text_are_compared() -> None:
    def answer(value: float) -> Any:
        token = {"token": "a", "logprob": value, "top_logprobs": []}
        return chat("a", choice={"logprobs": {"content": [token]}})

    one, near, far = (
        exchange("chat", {"seed": 1}, answer(x)) for x in (-1, -1.004, -2)
    )
    assert kinds(one, near) == []
    assert kinds(one, far) == [("logprob", "/choices/*/logprobs/content/*/logprob")]


def test_answers_of_other_kinds_say_so_in_one_difference() -> None:
    good = exchange("chat", {}, chat())
    refused = exchange("chat", {}, {"error": {"message": "no"}}, status=400)
    assert kinds(good, refused) == [("support", "")]
    assert kinds(good, exchange("chat", {}, {}, status=500)) == [("crash", "")]
    assert kinds(good, exchange("chat", {})) == [("unanswered", "")]
    other = exchange("chat", {}, {"error": {"message": "never"}}, status=422)
    assert kinds(refused, other) == [("code", "")]
    flat = exchange("chat", {}, {"message": "no"}, status=400)
    assert kinds(refused, flat) == [("member", "/error"), ("member", "/message")]


def test_streams_are_compared_put_together_and_by_the_order_of_events() -> None:
    def chunk(content: str, finish: str | None = None) -> Any:
        piece = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
        return {"id": "s", "choices": [piece]}

    asked = {"temperature": 0, "stream": True}
    one = exchange("chat", asked, stream=[chunk("ab"), chunk("", "stop")])
    cut = exchange("chat", asked, stream=[chunk("a"), chunk("b"), chunk("", "stop")])
    assert kinds(one, cut) == []
    assert one.response is not None
    endless = sse(chunk("ab"), chunk("", "stop"), done=False)
    open_end = replace(one, response=replace(one.response, body=endless))
    assert kinds(one, open_end) == [("stream", "")]


def logprobs(alternatives: Any) -> Any:
    return {"logprobs": {"content": [{"token": "a", "top_logprobs": alternatives}]}}


@pytest.mark.parametrize("sent", [{}, {"temperature": 0}])
@pytest.mark.parametrize("value", [{"a": 1}, [1], 5, True, ["a"], 1e300, ""])
def test_whatever_stands_in_an_answer_can_be_compared(value: Any, sent: Any) -> None:
    usual = [{"token": "a", "logprob": -0.5}]
    for right, wrong in (
        ({"finish_reason": "stop"}, {"finish_reason": value}),
        (logprobs(usual), logprobs(value)),
        (logprobs(usual), logprobs([value])),
    ):
        one, other = (
            exchange("chat", sent, chat(choice=choice)) for choice in (right, wrong)
        )
        found = kinds(one, other)
        assert ("type", "") not in found
        assert found or not sent  # a text left to chance may end as it likes


def test_what_no_comparison_can_read_is_a_difference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "walked", lambda *_: 1 // 0)
    both = [exchange("rerank", {}, ranked((0, 0.5)))] * 2
    assert kinds(*both) == [("type", "")]


def test_of_very_many_differences_the_first_are_told_and_how_many_more_there_are() -> (
    None
):
    members = {f"m{i}": i for i in range(MOST_TOLD + 7)}
    one, other = (
        exchange("rerank", {}, ranked()),
        exchange("rerank", {}, ranked() | members),
    )
    *told, last = differences(one, other, "aios")
    assert {each.kind for each in told} == {"member"}
    assert (len(told), last.kind, last.size) == (MOST_TOLD, "more", 7)
