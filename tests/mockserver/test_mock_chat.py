"""The mock calls a tool when it is asked for, and answers in text afterwards."""

from typing import Any

import jsonschema
import pytest
from asking import tool
from test_agents import ENGINE, MODEL, calls, said

from aios_conformance.mockserver.model.tokenizer import (
    ASSISTANT,
    BEGIN,
    END,
    TOOLS,
    USER,
    encode,
)

WEATHER = tool(
    "get_weather",
    "Current temperature and wind of a place",
    city={"type": "string"},
    unit={"enum": ["celsius", "fahrenheit"]},
)
TOOLBOX = [tool("findFlights", "Flights to a town"), WEATHER, tool("send_mail")]


def ask(question: str, tools: list[Any]) -> str:
    return said([{"role": "user", "content": question}], tools, None)


@pytest.mark.parametrize(
    "question",
    [
        "What is the weather in Paris?",
        "Please call get_weather.",
        "Tell me the current temperature of this place",
        "WEATHER?",
    ],
)
def test_a_tool_is_called_when_its_words_are_said(question: str) -> None:
    text = ask(question, TOOLBOX)
    assert text.startswith("<tool_call>")
    assert text.endswith("</tool_call>")
    ((name, arguments),) = calls(text)
    assert name == "get_weather"
    jsonschema.validate(arguments, WEATHER["function"]["parameters"])


@pytest.mark.parametrize(
    "question", ["Hello there!", "Get me the one of these", "What time is it?", ""]
)
def test_other_questions_are_answered_in_text(question: str) -> None:
    assert "<tool_call>" not in ask(question, TOOLBOX)


def test_camel_case_names_are_understood() -> None:
    assert '"findFlights"' in ask("Any flights today?", TOOLBOX)


def test_without_tools_there_is_no_call() -> None:
    assert "<tool_call>" not in ask("Please call get_weather.", [])


def test_after_a_result_the_model_answers_until_it_is_asked_again() -> None:
    call = {"function": {"name": "get_weather", "arguments": '{"city": "P"}'}}
    messages: list[Any] = [
        {"role": "user", "content": "What is the weather in Paris?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees"},
    ]
    assert calls(said(messages, TOOLBOX, None)) == []
    messages.append({"role": "user", "content": "And the weather tomorrow?"})
    assert calls(said(messages, TOOLBOX, None))


def test_a_tool_without_parameters_or_with_impossible_ones() -> None:
    bare = {"type": "function", "function": {"name": "ping"}}
    assert '"arguments": {}' in ask("ping", [bare])
    assert "<tool_call>" not in ask("ping", [tool("ping", x=False)])


def test_the_template_marks_tools_roles_and_the_turn_to_speak() -> None:
    prompt = ENGINE.render_chat(
        MODEL,
        [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        [WEATHER],
    )
    assert prompt[:2] == [BEGIN, TOOLS]
    assert prompt[-4:] == [USER, *encode("hi"), END, ASSISTANT]


def test_a_longer_conversation_is_a_longer_prompt() -> None:
    messages: list[dict[str, Any]] = []
    lengths = []
    for role in ("system", "user", "assistant", "user", "tool", "developer"):
        messages.append({"role": role, "content": ""})
        lengths.append(len(ENGINE.render_chat(MODEL, messages, [])))
    assert lengths == sorted(set(lengths))
