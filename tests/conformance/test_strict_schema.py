"""Narrowed schemas hold only what must be accepted, and say so by their annotations."""

from typing import Any

import jsonschema_rs
import pytest

from aios_conformance.conformance.probes.strict_schema import (
    OURS,
    TEXT,
    merge,
    promised,
)
from aios_conformance.spec import openapi

REQUESTS = (
    "RerankRequest",
    "ScoreRequest",
    "ChatCompletionRequest",
    "CompletionRequest",
    "EmbeddingRequest",
)
EVERYTHING = ("n", "seed", "stop", "logprobs", "tools", "streaming", "echo")
ANNOTATED: dict[str, Any] = {
    "type": "object",
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "x-either": [""]},
        "kind": {"type": "string", "x-should": ["b"], "enum": ["a", "b"]},
        "size": {
            "type": ["integer", "null"],
            "x-should": [None],
            "x-safe": {"minimum": 1},
            "allOf": [{"x-refusal": "SHOULD", "minimum": 0, "maximum": 9}],
        },
        "many": {
            "x-either": [[]],
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "integer", "x-either": True},
            ],
        },
        "able": {"type": "boolean", "x-needs": "power"},
        "odd": {"type": "string", "x-either": True},
        "map": {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9]+$"},
            "additionalProperties": {"type": "number"},
        },
    },
    "allOf": [
        {"if": {"not": {"required": ["odd"]}}, "then": {"required": ["kind"]}},
        {"if": {"required": ["able"]}, "then": {"required": ["size"]}},
    ],
}


def narrowed(*claimed: str) -> Any:
    return promised({"components": {"schemas": {"A": ANNOTATED}}}, "A", claimed)


def test_doubtful_members_values_and_branches_fall_away() -> None:
    found = narrowed()
    members = found["properties"]
    assert set(members) == {"text", "kind", "size", "many", "map"}
    assert members["text"] == {"type": "string", "minLength": 1, "pattern": TEXT}
    assert members["kind"] == {"type": "string", "enum": ["a"]}
    assert members["size"] == {"type": "integer", "minimum": 1, "maximum": 9}
    assert [b["type"] for b in members["many"]["anyOf"]] == ["array"]
    assert members["map"]["additionalProperties"] == {"type": "number"}
    assert found["additionalProperties"] is False


def test_a_condition_on_a_doubtful_member_always_holds() -> None:
    assert narrowed()["required"] == ["text", "kind"]


def test_a_claimed_capability_is_used() -> None:
    assert narrowed("power")["properties"]["able"] == {"type": "boolean"}
    assert "able" not in narrowed("other")["properties"]


@pytest.mark.parametrize("name", REQUESTS)
def test_no_annotation_and_no_default_is_left(name: str) -> None:
    def keys(node: Any) -> set[str]:
        if isinstance(node, dict):
            return {*node} | {key for inner in node.values() for key in keys(inner)}
        inside = node if isinstance(node, list) else []
        return {key for inner in inside for key in keys(inner)}

    found = keys(promised(openapi(), name, EVERYTHING))
    assert not {key for key in found if key.startswith("x-")}
    assert not found & {"default", "$ref", "allOf", "if", "examples"}


WHO = {"role": "user", "content": "Who"}
RERANK = {"query": "Who", "documents": ["Paris"]}
SCORE = {"text_1": "Who", "text_2": ["Paris"]}


@pytest.mark.parametrize(
    ("name", "body", "is_promised"),
    [
        ("RerankRequest", RERANK, True),
        ("RerankRequest", RERANK | {"query": ""}, False),
        ("RerankRequest", RERANK | {"documents": []}, False),
        ("RerankRequest", RERANK | {"top_n": 9}, False),
        ("ScoreRequest", SCORE, True),
        ("ScoreRequest", SCORE | {"encoding_format": "int"}, False),
        ("ChatCompletionRequest", {"messages": [WHO]}, True),
        ("ChatCompletionRequest", {"messages": [{"role": "user"}]}, False),
        ("ChatCompletionRequest", {"messages": [WHO | {"role": "tool"}]}, False),
        ("CompletionRequest", {"prompt": [1, 2]}, False),
        ("CompletionRequest", {"prompt": "Who", "top_p": 0}, False),
        ("CompletionRequest", {"prompt": "Who", "temperature": 1.2}, False),
        ("EmbeddingRequest", {"input": ["Who"], "truncate_prompt_tokens": 100}, True),
        ("EmbeddingRequest", {"input": ["Who"], "truncate_prompt_tokens": 512}, False),
        ("EmbeddingRequest", {"input": "Who", "dimensions": 3}, False),
    ],
)
def test_the_contract_is_narrowed_to_promises(
    name: str, body: Any, *, is_promised: bool
) -> None:
    schema = dict(promised(openapi(), name, EVERYTHING))
    assert jsonschema_rs.is_valid(schema, body | {"model": "Model"}) == is_promised


def test_our_own_limits_name_members_of_the_contract() -> None:
    members = {
        name
        for request in REQUESTS
        for name in openapi()["components"]["schemas"][request]["properties"]
    }
    assert set(OURS) <= members


def test_merging_takes_the_narrower_of_two_keywords() -> None:
    one = {"type": ["string", "null"], "minimum": 1, "maximum": 9, "enum": [1, 2]}
    two = {"type": "string", "minimum": 3, "maximum": 7, "enum": [2, 3], "pattern": "a"}
    assert merge(one, two) == {
        "type": "string",
        "minimum": 3,
        "maximum": 7,
        "enum": [2],
        "pattern": "a",
    }
    assert merge({"required": ["a"]}, {"required": ["b", "a"]}) == {
        "required": ["a", "b"]
    }
