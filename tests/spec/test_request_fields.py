"""What the documents allow and forbid in a request, field by field."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from openapi_walk import Node, blame

FIELDS: dict[str, Node] = yaml.safe_load(
    Path(__file__).with_name("request_fields.yaml").read_bytes()
)
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {}}}
CHAT, AIHUBMIX = "aios ChatCompletionRequest", "aihubmix EmbeddingRequest"
ALLOWED_LISTS: list[tuple[str, Node]] = [
    (CHAT, {"tools": [FUNCTION] * 128, "tool_choice": "required"}),
    (AIHUBMIX, {"input": ["a"] * 2048}),
    (AIHUBMIX, {"input": [1] * 2048}),
    (AIHUBMIX, {"input": [[1] * 2048]}),
]
FORBIDDEN_LISTS: list[tuple[str, Node, dict[str, str]]] = [
    (CHAT, {"tools": [FUNCTION] * 129}, {"CHAT-REQ-049": "SHOULD"}),
    (AIHUBMIX, {"input": ["a"] * 2049}, {"AHM-REQ-014": "MUST"}),
    (AIHUBMIX, {"input": [[1]] * 2049}, {"AHM-REQ-014": "MUST"}),
    (AIHUBMIX, {"input": [1] * 2049}, {"AHM-REQ-014": "SHOULD"}),
    (AIHUBMIX, {"input": [[1] * 2049]}, {"AHM-REQ-014": "SHOULD"}),
]


def allowed() -> Iterator[tuple[str, Node]]:
    for name, fields in FIELDS.items():
        yield from ((name, change) for change in ({}, *fields["allowed"]))
    yield from ALLOWED_LISTS


def forbidden() -> Iterator[tuple[str, Node, dict[str, str]]]:
    for name, fields in FIELDS.items():
        yield from ((name, change, broken) for change, broken in fields["forbidden"])
    yield from FORBIDDEN_LISTS


def missing() -> Iterator[tuple[str, str, str]]:
    for name, fields in FIELDS.items():
        yield from ((name, member, row) for member, row in fields["missing"].items())


def broken_by(name: str, body: Node) -> dict[str, str]:
    dialect, schema = name.split()
    return blame(dialect, schema, body)


@pytest.mark.parametrize(("name", "change"), list(allowed()))
def test_what_the_documents_allow_satisfies_the_schema(name: str, change: Node) -> None:
    assert broken_by(name, FIELDS[name]["sample"] | change) == {}


@pytest.mark.parametrize(("name", "change", "broken"), list(forbidden()))
def test_what_the_documents_forbid_breaks_the_right_requirement(
    name: str, change: Node, broken: dict[str, str]
) -> None:
    assert broken_by(name, FIELDS[name]["sample"] | change) == broken


@pytest.mark.parametrize(("name", "member", "row"), list(missing()))
def test_a_missing_member_breaks_its_own_requirement(
    name: str, member: str, row: str
) -> None:
    body = {k: v for k, v in FIELDS[name]["sample"].items() if k != member}
    assert broken_by(name, body) == {row: "MUST"}
