"""What the documents promise of an answer, field by field."""

import json
from typing import Any

import pytest
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


# One wrong value in a printed answer: example, pointer, value, requirements broken.
WRONG_ANSWERS = [
    ("GOLD-RERANK-RES", "id", 5, {"RERANK-RES-001", "COMMON-RES-005"}),
    ("GOLD-RERANK-RES", "usage", 65, {"RERANK-RES-005"}),
    (
        "GOLD-RERANK-RES",
        "usage/total_tokens",
        6.5,
        {"RERANK-RES-006", "COMMON-RES-009"},
    ),
    ("GOLD-RERANK-RES", "results", "[]", {"RERANK-RES-008"}),
    ("GOLD-RERANK-RES", "results/0/index", "0", {"RERANK-RES-010"}),
    ("GOLD-RERANK-RES", "results/0/index", -1, {"RERANK-RES-011"}),
    ("GOLD-RERANK-RES", "results/0/document", "Paris", {"RERANK-RES-014"}),
    ("GOLD-RERANK-RES", "results/0/document/text", None, {"RERANK-RES-015"}),
    ("GOLD-RERANK-RES", "results/0/relevance_score", "1", {"RERANK-RES-017"}),
    ("GOLD-SCORE-RES", "object", "score", {"SCORE-RES-002"}),
    ("GOLD-SCORE-RES", "created", 1.5, {"SCORE-RES-003", "COMMON-RES-006"}),
    ("GOLD-SCORE-RES", "data/1/object", "list", {"SCORE-RES-007"}),
    ("GOLD-SCORE-RES", "data/1/score", None, {"SCORE-RES-008"}),
    (
        "GOLD-SCORE-RES",
        "usage/prompt_tokens_details",
        0,
        {"SCORE-RES-015", "COMMON-RES-011"},
    ),
    ("GOLD-CHAT-RES", "object", "chat", {"CHAT-RES-002"}),
    ("GOLD-CHAT-RES", "choices", [], {"CHAT-RES-005"}),
    ("GOLD-CHAT-RES", "choices/0/message/role", "user", {"CHAT-RES-008"}),
    ("GOLD-CHAT-RES", "choices/0/message/content", None, {"CHAT-RES-009"}),
    ("GOLD-CHAT-RES", "choices/0/message/content", [], {"CHAT-RES-009"}),
    (
        "GOLD-CHAT-RES",
        "choices/0/message/reasoning_content",
        5,
        {"CHAT-RES-011", "CHAT-RES-012"},
    ),
    ("GOLD-CHAT-RES", "choices/0/message/tool_calls", {}, {"CHAT-RES-013"}),
    ("GOLD-CHAT-RES", "choices/0/message/tool_calls", None, {"CHAT-RES-014"}),
    ("GOLD-CHAT-RES", "choices/0/message/tool_calls", [{}], {"CHAT-SEM-020"}),
    ("GOLD-CHAT-RES", "choices/0/finish_reason", 1, {"CHAT-RES-015"}),
    ("GOLD-CHAT-RES", "choices/0/logprobs", [], {"CHAT-RES-018"}),
    ("GOLD-CHAT-RES", "choices/0/logprobs", {"content": 1}, {"CHAT-SEM-005"}),
    ("GOLD-CHAT-RES", "prompt_logprobs", "none", {"CHAT-RES-024"}),
    ("GOLD-COMP-RES", "choices/0/logprobs", 1, {"COMP-RES-008"}),
    ("GOLD-COMP-RES", "choices/0/logprobs", {}, {"COMP-RES-017"}),
    ("GOLD-COMP-RES", "choices/0/prompt_logprobs", 1, {"COMP-RES-011"}),
    ("GOLD-EMB-RES", "data/0/embedding", {}, {"EMB-RES-008"}),
    ("GOLD-EMB-RES", "data/0/embedding", [None], {"EMB-RES-008"}),
    ("GOLD-EMB-RES", "data/0/index", 0.5, {"EMB-RES-006"}),
    ("GOLD-INF-EMB-RES", "usage/total_tokens", None, {"INF-RES-026"}),
    ("GOLD-AIGNE-RES", "usage", [], {"AIGNE-RES-010"}),
    ("GOLD-AIGNE-RES", "usage/total_tokens", "8", {"AIGNE-RES-011"}),
    ("GOLD-AHM-RES", "data/0/object", "vector", {"AHM-RES-006"}),
]

FREE_ANSWERS = [
    ("GOLD-RERANK-RES", "results/0/index", 1.0),
    ("GOLD-RERANK-RES", "results/0/relevance_score", -0.25),
    ("GOLD-SCORE-RES", "usage/prompt_tokens_details", {}),
    ("GOLD-CHAT-RES", "choices/0/stop_reason", 128009),
    ("GOLD-CHAT-RES", "choices/0/finish_reason", None),
    ("GOLD-CHAT-RES", "prompt_logprobs", [None]),
    ("GOLD-COMP-RES", "choices/0/stop_reason", "\n"),
    ("GOLD-EMB-RES", "data/0/embedding", "AAAAAA=="),
    ("GOLD-EMB-RES", "created", 1749035024.0),
]


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


@pytest.mark.parametrize(("name", "pointer", "value", "broken"), WRONG_ANSWERS)
def test_a_wrong_answer_breaks_the_right_requirement(
    name: str, pointer: str, value: Any, broken: set[str]
) -> None:
    assert set(blame(*changed(name, pointer, value))) == broken


@pytest.mark.parametrize(("name", "pointer", "value"), FREE_ANSWERS)
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
