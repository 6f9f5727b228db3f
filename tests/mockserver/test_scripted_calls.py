"""Calls of tools that a rule says come as they are written."""

import json
from typing import Any

import pytest
from asking import CHAT, chat, tool
from openai import OpenAI

from aios_conformance.mockserver.embedded import LocalMock, local_mock


@pytest.fixture(scope="module")
def server() -> Any:
    with local_mock("--self-check") as mock:
        yield mock


LOOK = tool("look", n_={"type": "integer"})
OFFERS: list[dict[str, Any]] = [
    {},
    {"tools": [LOOK]},
    {"tools": [LOOK], "tool_choice": "required"},
    {"tools": [LOOK], "tool_choice": "none"},
]


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"n": "three"}, '{"n": "three"}'),
        ([1, "</tool_call>"], '[1, "\\u003c/tool_call>"]'),
        ('{"n": 1, "city": "Se', '{"n": 1, "city": "Se'),
        ('{"n": {"m": 1}', '{"n": {"m": 1}'),
        ("no JSON", "no JSON"),
        ("", ""),
    ],
)
def test_scripted_calls_come_as_they_are_written(
    mock: LocalMock, arguments: Any, sent: str, offer: dict[str, Any]
) -> None:
    calls = [{"name": "unknown.tool", "arguments": arguments}, {"name": "look"}]
    mock.rule({"text": "On it.", "tool_calls": calls})
    (whole,) = chat(mock, **offer).json()["choices"]
    chunks = chat(mock, **offer, stream=True).chunks()
    made = [call["function"] for call in whole["message"]["tool_calls"]]
    assert made == [
        {"name": "unknown.tool", "arguments": sent},
        {"name": "look", "arguments": "{}"},
    ]
    assert whole["message"]["content"] == "On it."
    assert whole["finish_reason"] == "tool_calls"
    pieces = [
        piece["function"]["arguments"]
        for chunk in chunks
        for piece in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert "".join(pieces) == sent + "{}"


def test_a_scripted_text_need_not_be_the_json_that_was_asked_for(
    mock: LocalMock,
) -> None:
    mock.say("No JSON today.")
    for kind in ("json_object", "text"):
        (choice,) = chat(mock, response_format={"type": kind}).json()["choices"]
        assert choice["message"]["content"] == "No JSON today."


def test_tool_calls_can_be_scripted(mock: LocalMock) -> None:
    mock.call("look", {"where": "Zürich"}, text="hello")
    client: Any = OpenAI(base_url=mock.base_url, api_key="any")
    for choice in ("auto", "required"):
        answer = client.chat.completions.create(
            model=CHAT,
            messages=[{"role": "user", "content": "hello"}],
            tools=[tool("look")],
            tool_choice=choice,
        )
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.name == "look"
        assert json.loads(call.function.arguments) == {"where": "Zürich"}
        assert answer.choices[0].finish_reason == "tool_calls"
