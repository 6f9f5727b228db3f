"""Chat over HTTP, token by token as the test wants it."""

import asyncio
import json
from typing import Any

import pytest
from chat_wire import ASK, joined


def test_a_plain_answer_has_every_member(scripted: Any, end: Any) -> None:
    answer = scripted(b"Hi", b" there", end).post("/v1/chat/completions", ASK).json()
    assert answer.pop("id").startswith("chatcmpl-")
    assert isinstance(answer.pop("created"), int)
    assert answer == {
        "object": "chat.completion",
        "model": "chat",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "reasoning_content": None,
                    "content": "Hi there",
                    "tool_calls": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
                "stop_reason": None,
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "total_tokens": 6,
            "completion_tokens": 3,
            "prompt_tokens_details": None,
        },
        "prompt_logprobs": None,
    }


def test_a_stream_opens_with_the_role_and_closes_with_the_reason(
    scripted: Any, end: Any
) -> None:
    client = scripted(b"Hi", "é".encode()[:1], "é".encode()[1:], end)
    chunks = client.post("/v1/chat/completions", {**ASK, "stream": True}).chunks()
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"content": "Hi"},
        {"content": "é"},
        {},
    ]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None, None, None, "stop"]
    assert len({(c["id"], c["created"], c["model"]) for c in chunks}) == 1
    assert not any("usage" in chunk for chunk in chunks)


@pytest.mark.parametrize(
    ("options", "so_far", "last"),
    [
        (None, None, False),
        ({}, None, False),
        ({"include_usage": False}, None, False),
        ({"include_usage": True}, "null", True),
        ({"include_usage": True, "continuous_usage_stats": True}, "counts", True),
        ({"continuous_usage_stats": True}, "counts", True),
        ({"include_usage": False, "continuous_usage_stats": True}, None, False),
    ],
)
def test_usage_in_streams(
    scripted: Any, end: Any, options: Any, so_far: str | None, last: bool
) -> None:
    body = {**ASK, "stream": True, "stream_options": options, "n": 2}
    chunks = scripted(b"a", b"b", end).post("/v1/chat/completions", body).chunks()
    if last:
        final = chunks.pop()
        assert final["choices"] == []
        assert final["usage"] == {
            "prompt_tokens": 3,
            "total_tokens": 9,
            "completion_tokens": 6,
            "prompt_tokens_details": None,
        }
    if so_far is None:
        assert not any("usage" in chunk for chunk in chunks)
    elif so_far == "null":
        assert all(chunk["usage"] is None for chunk in chunks)
    else:
        counts = [chunk["usage"]["completion_tokens"] for chunk in chunks]
        assert counts == sorted(counts)
        assert counts[-1] == 6


def test_streamed_and_whole_are_the_same_for_every_choice(
    scripted: Any, make_engine: Any, end: Any
) -> None:
    def script(prompt: str, sampling: Any) -> list[Any]:
        return [b"<think>", b"x" * sampling.choice, b"y</think>", b"z. END.", end]

    client = scripted(engine=make_engine(script))
    body = {**ASK, "model": "thinker", "n": 3, "stop": ["END"], "logprobs": True}
    whole = client.post("/v1/chat/completions", body).json()
    chunks = client.post("/v1/chat/completions", {**body, "stream": True}).chunks()
    for choice in whole["choices"]:
        index = choice["index"]
        assert joined(chunks, index) == choice["message"]["content"] == "z. "
        reasoning = joined(chunks, index, "reasoning_content")
        assert reasoning == choice["message"]["reasoning_content"] == "x" * index + "y"
        mine = [c["choices"][0] for c in chunks if c["choices"][0]["index"] == index]
        assert mine[0]["delta"] == {"role": "assistant", "content": ""}
        assert [one["finish_reason"] for one in mine].count("stop") == 1
        assert mine[-1]["finish_reason"] == choice["finish_reason"] == "stop"
        assert mine[-1]["stop_reason"] == choice["stop_reason"] == "END"
        streamed = [
            entry
            for one in mine
            if one["logprobs"]
            for entry in one["logprobs"]["content"]
        ]
        assert streamed == choice["logprobs"]["content"]
    assert {c["choices"][0]["index"] for c in chunks} == {0, 1, 2}


def test_choices_differ_in_their_draw_only(scripted: Any, make_engine: Any) -> None:
    engine = make_engine(lambda *_: [b"a"])
    scripted(engine=engine).post("/v1/chat/completions", {**ASK, "n": 3, "seed": 5})
    assert [one.choice for one in engine.seen] == [0, 1, 2]
    assert {one.seed for one in engine.seen} == {5}


def test_every_sampling_parameter_reaches_the_engine(
    scripted: Any, make_engine: Any
) -> None:
    engine = make_engine(lambda *_: [b"a"])
    body = {
        **ASK,
        "temperature": 0.25,
        "top_p": 0.5,
        "seed": -1.0,
        "frequency_penalty": 1,
        "presence_penalty": -2.0,
        "logit_bias": {"97": 3},
        "max_tokens": 9,
        "max_completion_tokens": 7.0,
        "logprobs": True,
        "top_logprobs": 4,
    }
    assert scripted(engine=engine).post("/v1/chat/completions", body).status == 200
    (seen,) = engine.seen
    assert seen.max_tokens == 7
    assert (seen.temperature, seen.top_p, seen.seed) == (0.25, 0.5, 2**63 - 1)
    assert (seen.frequency_penalty, seen.presence_penalty) == (1.0, -2.0)
    assert seen.logit_bias == {97: 3.0}
    assert seen.top_logprobs == 4


def test_without_a_limit_the_rest_of_the_context_is_the_limit(
    scripted: Any, make_engine: Any
) -> None:
    engine = make_engine(lambda *_: [b"a"])
    client = scripted(engine=engine)
    client.post("/v1/chat/completions", ASK)
    client.post("/v1/chat/completions", {**ASK, "max_tokens": 2048})
    assert [one.max_tokens for one in engine.seen] == [2045, 2045]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_limits_are_obeyed(scripted: Any, end: Any, name: str) -> None:
    client = scripted(b"a", b"b", b"c", end)
    for limit, text, reason in (
        (0, "", "length"),
        (2, "ab", "length"),
        (4, "abc", "stop"),
    ):
        answer = client.post("/v1/chat/completions", {**ASK, name: limit}).json()
        (choice,) = answer["choices"]
        assert choice["message"]["content"] == text
        assert choice["finish_reason"] == reason
        assert answer["usage"]["completion_tokens"] == limit
        body = {**ASK, name: limit, "stream": True}
        chunks = client.post("/v1/chat/completions", body).chunks()
        assert joined(chunks) == text
        assert chunks[-1]["choices"][0]["finish_reason"] == reason


def test_log_probabilities_list_the_distribution(scripted: Any, end: Any) -> None:
    body = {**ASK, "logprobs": True, "top_logprobs": 2}
    answer = scripted(b"a", b"\xc3", b"\xa9", end).post("/v1/chat/completions", body)
    *content, last = answer.json()["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["a", "bytes:\\xc3", "bytes:\\xa9"]
    assert (last["token"], last["logprob"], last["bytes"]) == ("", -0.5, [])
    data = b"".join(bytes(entry["bytes"]) for entry in content)
    assert data.decode() == "aé"
    assert all(len(entry["top_logprobs"]) == 2 for entry in content)
    assert content[0]["top_logprobs"][0] == {
        "token": "a",
        "logprob": -0.7,
        "bytes": [97],
    }


def test_logprobs_without_top_have_empty_alternatives(scripted: Any, end: Any) -> None:
    answer = scripted(b"a", end).post("/v1/chat/completions", {**ASK, "logprobs": True})
    content = answer.json()["choices"][0]["logprobs"]["content"]
    assert [entry["top_logprobs"] for entry in content] == [[], []]


@pytest.mark.parametrize(
    ("extra", "status", "code"),
    [
        ({"tool_choice": "required"}, 422, "no_tools"),
        ({"tool_choice": "required", "tools": []}, 422, "no_tools"),
        (
            {"tool_choice": {"type": "function", "function": {"name": "x"}}},
            422,
            "unknown_tool",
        ),
        ({"stop": ["a", ""]}, 422, "empty_stop"),
        ({"n": 129}, 422, "too_many_choices"),
        ({"max_tokens": 2049}, 422, "limit_too_large"),
        ({"messages": []}, 422, "empty"),
        ({"logit_bias": {"999": 1}}, 400, "unknown_token"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            400,
            "unsupported_part",
        ),
        (
            {"messages": [{"role": "user", "content": "x" * 2048}]},
            400,
            "context_length_exceeded",
        ),
        ({"model": "vectors"}, 400, "model_unfit"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_served_is_refused(
    scripted: Any, extra: dict[str, Any], status: int, code: str, stream: bool
) -> None:
    reply = scripted(b"a").post(
        "/v1/chat/completions", {**ASK, **extra, "stream": stream}
    )
    assert reply.status == status
    assert reply.json()["error"]["code"] == code


def test_text_parts_are_joined(scripted: Any, end: Any) -> None:
    parts = [{"type": "text", "text": "ab"}, {"type": "text", "text": "cd"}]
    body = {"model": "chat", "messages": [{"role": "user", "content": parts}]}
    answer = scripted(b"a", end).post("/v1/chat/completions", body).json()
    assert answer["usage"]["prompt_tokens"] == 4


def test_a_client_that_leaves_ends_the_generation(
    scripted: Any, make_engine: Any
) -> None:
    import http.client  # noqa: PLC0415

    left: list[Any] = []

    async def pause() -> None:
        await asyncio.sleep(0 if not left else 3600)

    def script(prompt: str, sampling: Any) -> Any:
        for number in range(2000):
            if number == 3:
                left.append(True)
            yield b"a"

    for stream in (True, False):
        left.clear()
        engine = make_engine(script, pause=pause)
        client = scripted(engine=engine)
        host = client.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host)
        body = json.dumps({**ASK, "stream": stream})
        connection.request(
            "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"}
        )
        while not left:
            client.get("/health")
        connection.close()
        for _ in range(200):
            client.get("/health")
            if engine.closed:
                break
        assert engine.closed == [3]
