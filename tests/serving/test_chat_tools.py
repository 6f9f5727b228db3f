"""Tool calls, and answers in JSON, out of the tokens that the test wants."""

import json
import re
from typing import Any

import pytest
from chat_wire import ASK, joined

CITY = {
    "type": "object",
    "properties": {"city": {"$ref": "#/$defs/name"}},
    "required": ["city"],
    "$defs": {"name": {"type": "string"}},
}


def tool(name: str = "weather") -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": CITY}}


def forced(prompt: str, sampling: Any) -> list[bytes]:
    """Write the first branch of the wanted schema, in small pieces."""
    branch = sampling.schema["anyOf"][0]
    name = branch["properties"]["name"]["const"]
    text = json.dumps(
        {"name": name, "arguments": {"city": "Séoul"}}, ensure_ascii=False
    )
    data = text.encode()
    return [data[i : i + 3] for i in range(0, len(data), 3)]


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("required", "weather"),
        ({"type": "function", "function": {"name": "time"}}, "time"),
    ],
)
def test_a_forced_call(scripted: Any, make_engine: Any, choice: Any, name: str) -> None:
    client = scripted(engine=make_engine(forced))
    body = {**ASK, "tools": [tool(), tool("time")], "tool_choice": choice}
    (whole,) = client.post("/v1/chat/completions", body).json()["choices"]
    (call,) = whole["message"]["tool_calls"]
    assert call["id"].startswith("call_")
    assert call["function"]["name"] == name
    assert json.loads(call["function"]["arguments"]) == {"city": "Séoul"}
    assert whole["message"]["content"] is None
    assert whole["finish_reason"] == "tool_calls"

    chunks = client.post("/v1/chat/completions", {**body, "stream": True}).chunks()
    deltas = [
        piece
        for chunk in chunks
        for piece in chunk["choices"][0]["delta"].get("tool_calls", [])
    ]
    first, *rest = deltas
    assert set(first) == {"index", "id", "type", "function"}
    assert first["function"] == {"name": name, "arguments": ""}
    assert len(rest) > 1
    assert all(set(one) == {"index", "function"} for one in rest)
    assert all(set(one["function"]) == {"arguments"} for one in rest)
    arguments = "".join(one["function"]["arguments"] for one in deltas)
    assert arguments == call["function"]["arguments"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_the_schema_of_a_forced_call_resolves_its_own_references(
    scripted: Any, make_engine: Any
) -> None:
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415

    engine = make_engine(forced)
    body = {**ASK, "tools": [tool(), tool("time")], "tool_choice": "required"}
    scripted(engine=engine).post("/v1/chat/completions", body)
    schema = Draft202012Validator(engine.seen[0].schema)
    assert schema.is_valid({"name": "time", "arguments": {"city": "x"}})
    assert not schema.is_valid({"name": "time", "arguments": {"city": 1}})
    assert not schema.is_valid({"name": "other", "arguments": {"city": "x"}})
    # what enforces it need not find its way through lists, as some cannot
    references = re.findall(r'"\$ref": "([^"]+)"', json.dumps(engine.seen[0].schema))
    assert references
    assert not any(step.isdecimal() for r in references for step in r.split("/"))


def test_auto_reads_the_models_own_markup(scripted: Any, end: Any) -> None:
    markup = (
        b'On it.\n<tool_call>{"name":"weather","arguments":{"city":"x"}}</tool_call>'
    )
    client = scripted(*[markup[i : i + 2] for i in range(0, len(markup), 2)], end)
    body = {**ASK, "tools": [tool()]}
    (whole,) = client.post("/v1/chat/completions", body).json()["choices"]
    assert whole["message"]["content"] == "On it."
    assert whole["message"]["tool_calls"][0]["function"] == {
        "name": "weather",
        "arguments": '{"city":"x"}',
    }
    chunks = client.post("/v1/chat/completions", {**body, "stream": True}).chunks()
    assert joined(chunks) == "On it."
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("choice", ["none", "auto"])
def test_without_tools_or_choice_markup_is_text(
    scripted: Any, end: Any, choice: str
) -> None:
    markup = b'<tool_call>{"name":"weather","arguments":{"city":"x"}}</tool_call>'
    body = {**ASK, "tool_choice": choice}
    if choice == "none":
        body["tools"] = [tool()]
    answer = scripted(markup, end).post("/v1/chat/completions", body).json()
    assert answer["choices"][0]["message"]["tool_calls"] == []
    assert answer["choices"][0]["message"]["content"] == markup.decode()
    assert answer["usage"]["prompt_tokens"] == 3  # the model saw no tools


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": 5},
        {"properties": []},
        {"$ref": "http://localhost:1/elsewhere"},
        {"$ref": "#/missing"},
        {"properties": {"a": {"pattern": "("}}},
    ],
)
def test_parameters_that_are_no_schema_are_refused(
    scripted: Any, parameters: dict[str, Any]
) -> None:
    function = {"name": "f", "parameters": {"allOf": [parameters]}}
    body = {**ASK, "tools": [{"type": "function", "function": function}]}
    reply = scripted(b"a").post("/v1/chat/completions", body)
    assert reply.status == 422
    assert reply.json()["error"]["param"] == "tools[0].function.parameters"


@pytest.mark.parametrize(
    ("format_", "schema"),
    [
        ({"type": "text"}, None),
        (None, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "json_schema": {"name": "x", "schema": CITY}}, CITY),
    ],
)
def test_structured_output_is_asked_of_the_engine(
    scripted: Any, make_engine: Any, format_: Any, schema: Any
) -> None:
    engine = make_engine(lambda *_: [b"{}"])
    body = {**ASK, "model": "thinker", "response_format": format_}
    reply = scripted(engine=engine).post("/v1/chat/completions", body)
    assert reply.json()["choices"][0]["message"]["content"] == "{}"
    assert engine.seen[0].schema == schema


@pytest.mark.parametrize(
    "format_",
    [
        5,
        {},
        {"type": "yaml"},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"schema": {"type": 5}}},
    ],
)
def test_a_malformed_response_format_is_refused(scripted: Any, format_: Any) -> None:
    body = {**ASK, "response_format": format_}
    reply = scripted(b"a").post("/v1/chat/completions", body)
    assert reply.status == 422
    assert "response_format" in reply.json()["error"]["message"]
