"""A streamed call comes token by token, and a bad day can break it anywhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from plain_http import Client

from aios_conformance.mockserver.embedded import LocalMock, local_mock

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
BODY: dict[str, Any] = {
    "model": CHAT,
    "messages": [{"role": "user", "content": "weather in Seoul for 3 days"}],
    "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": PLACE}}
    ],
}


@pytest.fixture(scope="module")
def mock() -> Iterator[LocalMock]:
    with local_mock() as running:
        yield running


def choices(reply: Any) -> list[dict[str, Any]]:
    return [chunk["choices"][0] for chunk in reply.chunks() if chunk["choices"]]


def pieces(reply: Any) -> list[str]:
    """The arguments of the first call, as they came."""
    return [
        part["function"]["arguments"]
        for choice in choices(reply)
        for part in choice["delta"].get("tool_calls", ())
    ]


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_arguments_come_token_by_token(mock: LocalMock, choice: str) -> None:
    client, body = Client(mock.url), {**BODY, "tool_choice": choice}
    whole = client.post("/v1/chat/completions", body).json()["choices"][0]
    reply = client.post("/v1/chat/completions", {**body, "stream": True})
    first, *rest = pieces(reply)
    assert first == ""
    assert len(rest) >= 8
    (call,) = whole["message"]["tool_calls"]
    assert "".join(rest) == call["function"]["arguments"]


def test_a_limit_cuts_the_arguments(mock: LocalMock) -> None:
    body = {**BODY, "max_tokens": 26}
    choice = Client(mock.url).post("/v1/chat/completions", body).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    (call,) = choice["message"]["tool_calls"]
    with pytest.raises(ValueError, match="line 1"):
        json.loads(call["function"]["arguments"])


def test_a_fault_cuts_inside_the_arguments(mock: LocalMock) -> None:
    reply = Client(mock.url).post(
        "/v1/chat/completions",
        {**BODY, "stream": True},
        **{"X-Mock-Fault": "truncate@6"},
    )
    events = [json.loads(e[6:]) for e in reply.body.split(b"\n\n")[:-1]]
    assert len(events) == 6
    text = "".join(
        part["function"]["arguments"]
        for event in events
        for part in event["choices"][0]["delta"].get("tool_calls", ())
    )
    assert text.startswith('{"city')
    assert not text.endswith("}")


def test_vllm_ends_a_stream_with_the_last_text() -> None:
    with local_mock("--profile", "vllm") as mock:
        client = Client(mock.url)
        body = {"model": CHAT, "messages": [{"role": "user", "content": "hi"}]}
        whole = client.post("/v1/chat/completions", body).json()["choices"][0]
        parts = choices(
            client.post("/v1/chat/completions", {**body, "stream": True, "n": 1})
        )
        assert parts[-1]["delta"]["content"]
        assert parts[-1]["finish_reason"] == "stop"
        said = "".join(part["delta"].get("content", "") for part in parts)
        assert said == whole["message"]["content"]
        calls = choices(client.post("/v1/chat/completions", {**BODY, "stream": True}))
        assert calls[-1]["delta"]["tool_calls"][0]["function"]["arguments"] == "}"
        assert calls[-1]["finish_reason"] == "tool_calls"
