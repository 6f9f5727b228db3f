"""A stream is an answer: put together, it is judged as a whole one is."""

from typing import Any

import pytest
from exchanges import exchange, findings, sse
from generations import choice, request, said

from aios_conformance.conformance.checks import choices, common
from aios_conformance.conformance.terms.assembled import assembled
from aios_conformance.conformance.terms.sse import decode

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def chunk(*pieces: Any, **members: Any) -> dict[str, Any]:
    return {"id": "c-1", "created": 5, "model": "m", "choices": list(pieces)} | members


def delta(index: Any = 0, finish: str | None = None, **members: Any) -> dict[str, Any]:
    return {"index": index, "delta": members, "finish_reason": finish}


def test_pieces_join_by_the_index_of_their_choice() -> None:
    function = {"name": "get", "arguments": '{"a"'}
    call = {"index": 0, "id": "t", "type": "function", "function": function}
    rest = {"index": 0, "function": {"arguments": ":1}"}}
    scores = {"content": [{"token": "a", "logprob": -1.0}]}
    joined = assembled(
        decode(
            sse(
                chunk(delta(1.0, role="assistant", content="x")),
                chunk(delta(content="a") | {"logprobs": scores}),
                chunk(delta(content="b") | {"logprobs": scores}, delta(1, "length")),
                chunk(delta(tool_calls=[call])),
                chunk(delta(0, "tool_calls", tool_calls=[rest])),
                chunk(usage=USAGE),
            )
        )
    )
    assert joined is not None
    assert (joined["id"], joined["usage"]) == ("c-1", USAGE)
    first, second = joined["choices"]
    assert first["message"]["content"] == "ab"
    assert first["logprobs"] == {"content": scores["content"] * 2}
    assert first["finish_reason"] == "tool_calls"
    whole = {"name": "get", "arguments": '{"a":1}'}
    assert first["message"]["tool_calls"] == [
        {"id": "t", "type": "function", "function": whole}
    ]
    assert second["index"] == 1
    assert (second["message"]["content"], second["finish_reason"]) == ("x", "length")


@pytest.mark.parametrize(
    "event",
    [b"{'a': 1}", b'{"error": {"message": "no"}}', b'"text"', b'{"id": "\xff"}'],
)
def test_a_stream_that_cannot_be_read_is_no_answer(event: bytes) -> None:
    assert assembled(decode(sse(chunk(delta(content="a")), event))) is None
    assert assembled(decode(b"data: [DONE]\n\n")) is None


def test_lists_of_completions_are_aligned_where_a_piece_has_null() -> None:
    one = {"tokens": ["a"], "token_logprobs": [None], "top_logprobs": None}
    two = {"tokens": ["b"], "token_logprobs": [-1], "top_logprobs": [{"b": -1}]}
    pieces = [
        {"index": 0, "text": text, "logprobs": given}
        for text, given in (("a", one), ("b", two), ("", None))
    ]
    joined = assembled(decode(sse(*(chunk(piece) for piece in pieces))))
    assert joined is not None
    (only,) = joined["choices"]
    assert only["text"] == "ab"
    assert only["logprobs"] == {
        "tokens": ["a", "b"],
        "token_logprobs": [None, -1],
        "top_logprobs": [None, {"b": -1}],
    }


def test_limits_and_sums_are_judged_on_streams() -> None:
    sent = request("completions", stream=True, max_tokens=2)
    piece = {"index": 0, "text": "a b c d", "finish_reason": "stop"}
    wrong = USAGE | {"total_tokens": 9}
    streamed = exchange(
        "completions", sent, stream=[chunk(piece), chunk(usage=wrong)], label="streamed"
    )
    (limit,) = findings(choices.no_more_tokens_than_the_limit, streamed)
    assert "COMP-SEM-005" in limit.ids
    (total,) = findings(common.total_is_input_plus_output, streamed)
    assert "META-062" in total.ids
    assert any(row.startswith("COMP-") for row in total.ids)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_3_0_is_the_integer_3(api: Any) -> None:
    sent = request(api, n=2)
    pointed = [choice(api, "a", 0), choice(api, "b", 1)]
    answer = said(api, *(each | {"index": float(each["index"])} for each in pointed))
    answer = exchange(api, sent, answer.response.body) if answer.response else answer
    assert b'"index":1.0' in (answer.response.body if answer.response else b"")
    assert answer.said is not None
    assert [type(each["index"]) for each in answer.said["choices"]] == [int, int]
    assert not findings(choices.each_prompt_has_n_choices, answer)
