"""An agent's run comes to an end, with arguments that its question states."""

import json
from typing import Any

import pytest
from asking import tool

from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.engine import Sampling
from aios_conformance.serving.tools import plan_tools

ENGINE = MockEngine()
MODEL = ENGINE.models[0].name
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}


WEATHER = tool("get_weather", city=TEXT, unit_={"enum": ["celsius", "fahrenheit"]})
TIME = tool("get_time", place=TEXT)
ADD = tool("add", a=WHOLE, b=WHOLE)
MULTIPLY = tool("multiply", a=WHOLE, b=WHOLE)
ORDER = tool("lookup_order", order_id=TEXT)
MAIL = tool("send_email", to=TEXT, subject=TEXT, body=TEXT)
FLIGHT = tool(
    "book_flight",
    origin=TEXT,
    destination=TEXT,
    date={"type": "string", "format": "date"},
    passengers_=WHOLE,
    seat_={"enum": ["economy", "business"]},
)
SEARCH = tool("web_search", query=TEXT, limit_={"type": "integer", "default": 10})
ANSWER = tool("final_answer", "Provides the final answer", answer=TEXT)
Call = tuple[str, dict[str, Any]]


def said(
    messages: list[Any], tools: list[Any], choice: Any, *, parallel: bool = True
) -> str:
    plan = plan_tools(tools, choice)
    prompt = ENGINE.render_chat(MODEL, messages, plan.offered)
    sampling = Sampling(
        999, schema=plan.schema, must_call=plan.schema is not None, parallel=parallel
    )
    return b"".join(t.data for t in ENGINE.decode(MODEL, prompt, sampling)).decode()


def calls(text: str) -> list[Call]:
    pieces = [piece.split("</tool_call>")[0] for piece in text.split("<tool_call>")]
    made = [json.loads(piece) for piece in pieces[1:]]
    return [(call["name"], call["arguments"]) for call in made]


def run(
    question: str,
    tools: list[Any],
    results: dict[str, str] | None = None,
    choice: Any = "auto",
    *,
    parallel: bool = True,
) -> tuple[list[list[Call]], str]:
    """Play an agent: the calls of each turn, and the text or last call at the end."""
    messages: list[Any] = [{"role": "user", "content": question}]
    turns: list[list[Call]] = []
    for _ in range(6):
        text = said(messages, tools, choice, parallel=parallel)
        made = calls(text)
        if not made:
            return turns, text
        turns.append(made)
        if made[0][0] == "final_answer":
            return turns, text
        spelled = [
            {"id": str(n), "function": {"name": name, "arguments": json.dumps(given)}}
            for n, (name, given) in enumerate(made)
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": spelled})
        messages += [
            {"role": "tool", "content": (results or {}).get(name, "done")}
            for name, _ in made
        ]
    raise AssertionError("the agent does not come to an end")


@pytest.mark.parametrize(
    ("question", "tool", "arguments"),
    [
        ("What's the weather in Seoul?", WEATHER, {"city": "Seoul"}),
        ("weather in new york today", WEATHER, {"city": "new york"}),
        (
            "How is the weather in Seoul, in Fahrenheit?",
            WEATHER,
            {"city": "Seoul", "unit": "fahrenheit"},
        ),
        ("서울의 날씨를 get_weather로 알려줘", WEATHER, {"city": "서울"}),
        ("add 2 and 3", ADD, {"a": 2, "b": 3}),
        ("Please add -7 and 1,200.", ADD, {"a": -7, "b": 1200}),
        ("add two and twelve", ADD, {"a": 2, "b": 12}),
        ('look up order "ABC-12"', ORDER, {"order_id": "ABC-12"}),
        ("Where is my order ABC-12?", ORDER, {"order_id": "ABC-12"}),
        ("Where is order #12345?", ORDER, {"order_id": "12345"}),
        (
            'Send an email to bob@example.com, subject "Hi" and body "See you."',
            MAIL,
            {"to": "bob@example.com", "subject": "Hi", "body": "See you."},
        ),
        (
            "Book a business flight from Seoul to Paris on March 5, 2026 for 2 people",
            FLIGHT,
            {
                "origin": "Seoul",
                "destination": "Paris",
                "date": "2026-03-05",
                "passengers": 2,
                "seat": "business",
            },
        ),
        ("search the web for pizza recipes", SEARCH, {"query": "pizza recipes"}),
    ],
)
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_arguments_are_what_the_question_states(
    question: str, tool: Any, arguments: Any, choice: str
) -> None:
    text = said([{"role": "user", "content": question}], [tool, TIME], choice)
    assert calls(text) == [(tool["function"]["name"], arguments)]


def test_two_tools_that_are_asked_for_are_called_at_once() -> None:
    question = "What's the weather in Seoul and the time in Tokyo?"
    found = {"get_weather": "sunny", "get_time": "10:30"}
    turns, text = run(question, [TIME, WEATHER], found)
    seoul, tokyo = ("get_weather", {"city": "Seoul"}), ("get_time", {"place": "Tokyo"})
    assert turns == [[seoul, tokyo]]
    assert text == "The results are sunny and 10:30."
    turns, _ = run(question, [TIME, WEATHER], found, parallel=False)
    assert turns == [[seoul], [tokyo]]


def test_a_tool_is_called_for_each_of_several_names() -> None:
    (turn,), _ = run("Compare the weather in Seoul, Busan and Paris.", [WEATHER, ADD])
    assert [given["city"] for _, given in turn] == ["Seoul", "Busan", "Paris"]


def test_a_call_that_needs_a_result_waits_for_it() -> None:
    question = "Add 2 and 3, then multiply the result by 4."
    turns, text = run(question, [MULTIPLY, ADD], {"add": "5", "multiply": "20"})
    assert turns == [
        [("add", {"a": 2, "b": 3})],
        [("multiply", {"a": 5, "b": 4})],
    ]
    assert "20" in text


def test_required_ends_with_the_tool_that_ends() -> None:
    turns, _ = run(
        "What is the weather in Paris?",
        [ANSWER, WEATHER, TIME],
        {"get_weather": "Sunny, 21C"},
        "required",
    )
    assert turns == [
        [("get_weather", {"city": "Paris"})],
        [("final_answer", {"answer": "Sunny, 21C"})],
    ]


def test_required_calls_what_was_not_called_yet() -> None:
    report = tool("Report", "What is shown to the user", city=TEXT, degrees=WHOLE)
    messages: list[Any] = [
        {"role": "user", "content": "weather in Paris"},
        {
            "role": "assistant",
            "tool_calls": [{"function": {"name": "get_weather", "arguments": "{}"}}],
        },
        {"role": "tool", "content": '{"degrees": 21, "wind": 3}'},
    ]
    text = said(messages, [WEATHER, report], "required")
    assert calls(text) == [("Report", {"city": "Paris", "degrees": 21})]


def test_an_observation_may_come_as_the_users_turn() -> None:
    messages = [
        {"role": "user", "content": "weather in Paris"},
        {"role": "assistant", "content": "Calling tools: [{'name': 'get_weather'}]"},
        {"role": "user", "content": "Observation:\nSunny"},
    ]
    text = said(messages, [WEATHER, ANSWER], "required")
    assert calls(text) == [("final_answer", {"answer": "Sunny"})]


def test_structured_output_tells_what_was_asked_and_found() -> None:
    schema = {
        "type": "object",
        "properties": {
            "people": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": TEXT, "age": WHOLE},
                    "required": ["name", "age"],
                },
            },
            "mood": {"enum": ["sad", "happy"]},
            "note": {"type": ["string", "null"], "default": None},
        },
        "required": ["people", "mood", "note"],
    }
    question = "Jason is 25 years old and Mary Smith is 30, and they are happy."
    prompt = ENGINE.render_chat(MODEL, [{"role": "user", "content": question}], [])
    tokens = ENGINE.decode(MODEL, prompt, Sampling(999, schema=schema))
    assert json.loads(b"".join(token.data for token in tokens)) == {
        "people": [{"name": "Jason", "age": 25}, {"name": "Mary Smith", "age": 30}],
        "mood": "happy",
        "note": None,
    }


def test_the_last_word_is_said_when_the_work_is_done() -> None:
    told = "Solve tasks using your tools. Reply with TERMINATE when you are done."
    messages: list[Any] = [
        {"role": "system", "content": told},
        {"role": "user", "content": "What is the weather in Paris?"},
    ]
    assert "TERMINATE" not in said(messages, [WEATHER], None)
    function = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    messages += [
        {"role": "assistant", "tool_calls": [{"function": function}]},
        {"role": "tool", "content": "It is sunny."},
    ]
    assert said(messages, [WEATHER], None) == "It is sunny. TERMINATE"
    assert said(messages[:2], [], None).endswith(" TERMINATE")


def test_a_tool_may_have_a_verb_for_a_name() -> None:
    asked = "What is the weather in Toronto? And search who won the super bowl."
    offered = [tool("Weather", location=TEXT), tool("Search", query=TEXT)]
    found = calls(said([{"role": "user", "content": asked}], offered, None))
    assert [name for name, _ in found] == ["Weather", "Search"]


def test_another_form_of_a_tools_name_asks_for_it() -> None:
    turns, said_last = run(
        "What is 6 multiplied by 7, then add 8?",
        [MULTIPLY, ADD],
        {"multiply": "42", "add": "50"},
    )
    assert turns == [[("multiply", {"a": 6, "b": 7})], [("add", {"a": 42, "b": 8})]]
    assert "50" in said_last


def test_a_turn_that_asks_for_the_form_alone_tells_what_was_said_before() -> None:
    messages = [
        {"role": "user", "content": "The city is Paris, and I am 25."},
        {"role": "assistant", "content": "I see."},
        {
            "role": "user",
            "content": "Format the previous response as structured output.",
        },
    ]
    person = tool("person", age=WHOLE, city=TEXT)
    choice = {"type": "function", "function": {"name": "person"}}
    made = calls(said(messages, [person], choice))
    assert made == [("person", {"age": 25, "city": "Paris"})]


def test_a_tool_for_the_form_of_the_answer_is_called_if_there_is_no_other() -> None:
    form = tool("format_output", "Respond with a JSON object", who=TEXT, age=WHOLE)
    told = [{"role": "user", "content": "Alice is 34 years old."}]
    expected = [("format_output", {"who": "Alice", "age": 34})]
    assert calls(said(told, [form], "auto")) == expected
    assert calls(said(told, [form, WEATHER], "auto")) == []
