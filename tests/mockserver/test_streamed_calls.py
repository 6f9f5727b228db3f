"""A streamed call comes token by token, and a bad day can break it anywhere."""

import json
from typing import Any

import pytest
from asking import PATH, saying, tool
from plain_http import Client, Reply

from aios_conformance.mockserver.embedded import LocalMock, local_mock

BODY = saying(
    "weather in Seoul for 3 days",
    tools=[tool("weather", city={"type": "string"}, days={"type": "integer"})],
)


def choices(reply: Reply) -> list[dict[str, Any]]:
    return [chunk["choices"][0] for chunk in reply.chunks() if chunk["choices"]]


def pieces(chunks: list[Any]) -> list[str]:
    """The arguments of the first call, as they came."""
    return [
        part["function"]["arguments"]
        for chunk in chunks
        for part in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_arguments_come_token_by_token(mock: LocalMock, choice: str) -> None:
    client, body = Client(mock.url), {**BODY, "tool_choice": choice}
    whole = client.post(PATH, body).json()["choices"][0]
    reply = client.post(PATH, {**body, "stream": True})
    first, *rest = pieces(reply.chunks())
    assert first == ""
    assert len(rest) >= 8
    (call,) = whole["message"]["tool_calls"]
    assert "".join(rest) == call["function"]["arguments"]


def test_a_limit_cuts_the_arguments(mock: LocalMock) -> None:
    body = {**BODY, "max_tokens": 26}
    choice = Client(mock.url).post(PATH, body).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    (call,) = choice["message"]["tool_calls"]
    with pytest.raises(ValueError, match="line 1"):
        json.loads(call["function"]["arguments"])


def test_a_fault_cuts_inside_the_arguments(mock: LocalMock) -> None:
    reply = Client(mock.url).post(
        PATH,
        {**BODY, "stream": True},
        **{"X-Mock-Fault": "truncate@6"},
    )
    events = [json.loads(e[6:]) for e in reply.body.split(b"\n\n")[:-1]]
    assert len(events) == 6
    text = "".join(pieces(events))
    assert text.startswith('{"city')
    assert not text.endswith("}")


def test_vllm_ends_a_stream_with_the_last_text() -> None:
    with local_mock("--profile", "vllm") as mock:
        client = Client(mock.url)
        body = saying("hi")
        whole = client.post(PATH, body).json()["choices"][0]
        parts = choices(client.post(PATH, {**body, "stream": True, "n": 1}))
        assert parts[-1]["delta"]["content"]
        assert parts[-1]["finish_reason"] == "stop"
        said = "".join(part["delta"].get("content", "") for part in parts)
        assert said == whole["message"]["content"]
        calls = choices(client.post(PATH, {**BODY, "stream": True}))
        assert calls[-1]["delta"]["tool_calls"][0]["function"]["arguments"] == "}"
        assert calls[-1]["finish_reason"] == "tool_calls"
