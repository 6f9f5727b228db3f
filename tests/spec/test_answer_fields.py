"""What the documents promise of an answer, field by field."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_walk import Node, blame, compiled, operation, resolve

from aios_conformance import spec

ABSENT_ONLY_WARNS = {  # null in the printed examples, or open in its type
    "ScoreUsage": {"prompt_tokens_details"},
    "ChatCompletionChoice": {"stop_reason"},
    "CompletionChoice": {"stop_reason", "prompt_logprobs"},
    "CompletionUsage": {"prompt_tokens_details"},
    "EmbeddingUsage": {"prompt_tokens_details"},
}


def test_only_members_that_are_null_in_the_examples_may_be_absent_with_a_warning() -> (
    None
):
    found: dict[str, set[str]] = {}
    for name, schema in spec.openapi()["components"]["schemas"].items():
        for member, each in schema.get("properties", {}).items():
            if "x-absent" in each:
                assert member in schema["required"]
                found.setdefault(name, set()).add(member)
    assert found == ABSENT_ONLY_WARNS


FIELDS = yaml.safe_load(Path(__file__).with_name("answer_fields.yaml").read_bytes())


def changed(name: str, pointer: str, value: Any) -> tuple[str, str, Any]:
    """Dialect, schema and a printed answer with one value replaced."""
    example = next(
        e for d in spec.DIALECTS for e in spec.examples(d).values() if e.id == name
    )
    document = spec.openapi(example.dialect)
    found = operation(document, example.operation)
    content = resolve(document, found["responses"]["200"])["content"]
    schema = content["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
    body = json.loads(json.dumps(example.body))
    *parents, last = [int(p) if p.isdigit() else p for p in pointer.split("/")]
    here = body
    for part in parents:
        here = here[part]
    here[last] = value
    return example.dialect, schema, body


@pytest.mark.parametrize(("name", "pointer", "value", "broken"), FIELDS["wrong"])
def test_a_wrong_answer_breaks_the_right_requirement(
    name: str, pointer: str, value: Any, broken: list[str]
) -> None:
    assert sorted(blame(*changed(name, pointer, value))) == broken


@pytest.mark.parametrize(("name", "pointer", "value"), FIELDS["free"])
def test_the_freedoms_of_the_documents_satisfy_the_schema(
    name: str, pointer: str, value: Any
) -> None:
    assert blame(*changed(name, pointer, value)) == {}


def test_content_may_be_null_beside_tool_calls() -> None:
    calls = [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
    dialect, schema, body = changed("GOLD-CHAT-RES", "choices/0/message/content", None)
    body["choices"][0]["message"]["tool_calls"] = calls
    assert blame(dialect, schema, body) == {}


@pytest.mark.parametrize(
    ("name", "chunk"), [("ChatCompletion", {"delta": {}}), ("Completion", {"text": ""})]
)
def test_a_stream_is_events_of_chunks_and_a_closing_mark(
    name: str, chunk: Node
) -> None:
    document = spec.openapi()
    content = document["components"]["responses"][name]["content"]
    event = content["text/event-stream"]["schema"]["$ref"].rsplit("/", 1)[1]
    events = compiled(document, event)
    assert events.is_valid({"data": "[DONE]"})
    assert events.is_valid({"data": "{}", "event": "message"})
    assert not events.is_valid({"event": "message"})
    data = document["components"]["schemas"][event]["properties"]["data"]["anyOf"][1]
    assert data["contentSchema"] == {"$ref": f"#/components/schemas/{name}Chunk"}
    kind = {"ChatCompletion": "chat.completion.chunk", "Completion": "text_completion"}
    whole = {"id": "a", "object": kind[name], "created": 1, "model": "m"}
    chunks = compiled(document, f"{name}Chunk")
    assert chunks.is_valid(whole | {"choices": [{"index": 0} | chunk], "usage": None})
    assert not chunks.is_valid(whole | {"choices": [{"index": 0}]})
