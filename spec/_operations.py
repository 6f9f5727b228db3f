"""What a dialect's document says of its operations: their APIs, their smallest bodies.

The API is the operation's `x-api`, else its first tag, so that paths are free.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from jsonschema_rs import Draft202012Validator

from aios_conformance.spec._nodes import JSON, Node, Nodes, each_operation, nodes

_TEXT = "The sky is blue."
_DEEP = 4  # below it a list that may be empty is empty: schemas refer to themselves


def api_named(operation: Node) -> str:
    """The API that an operation's node names; "" if it names none."""
    return str(operation.get("x-api") or next(iter(operation.get("tags", ())), ""))


@cache
def operations(name: str) -> Mapping[str, str]:
    """The API of each operation of a dialect, in the document's order."""
    document = nodes(name).document
    found = {each: api_named(node) for each, node in each_operation(document)}
    return MappingProxyType(found)


@cache
def smallest_body(name: str, operation: str) -> Mapping[str, Any]:
    """A valid body of a dialect's operation, with the required members only."""
    return MappingProxyType(smallest(nodes(name), operation))


def smallest(walk: Nodes, operation: str) -> Mapping[str, Any]:
    """A valid body with the required members only; its model is any name.

    It is a printed example without its optional members, where the document has one,
    and else made of the schema: the first choice of an enum, the least of a range.
    """
    validator = _validator(walk, operation)
    if validator is None:
        return {}
    schema = walk.resolved(walk.request(operation) or {})
    required = set(schema.get("required", ()))
    body = walk.resolved(walk.operation(operation).get("requestBody", {}))
    for example in body["content"][JSON].get("examples", {}).values():
        whole = walk.resolved(example).get("value")
        if isinstance(whole, dict):
            bare = {k: v for k, v in whole.items() if k in required}
            for candidate in (bare, whole):
                if validator.is_valid(candidate):
                    return candidate
    made: dict[str, Any] = smallest_value(walk, schema)
    return made


def forms(
    walk: Nodes, operation: str, body: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """A valid body, and the same in other forms: texts as lists, one, many."""
    yield body
    validator = _validator(walk, operation)
    listed: dict[str, list[str]] = {}
    for name, value in body.items():
        if isinstance(value, list):
            others = [value[:1], *value[:1]]
        else:
            others = [[value], [value] * 2] if isinstance(value, str) else []
        for other in others:
            changed = {**body, name: other}
            if other != value and validator and validator.is_valid(changed):
                yield changed
                if other == [value]:
                    listed[name] = other
    if len(listed) > 1:
        yield {**body, **listed}


def _validator(walk: Nodes, operation: str) -> Draft202012Validator | None:
    """What tells whether a body is valid; None where none is taken."""
    written = walk.request(operation)
    if written is None:
        return None
    parts = walk.document.get("components", {})
    return Draft202012Validator({**walk.resolved(written), "components": parts})


def smallest_value(walk: Nodes, node: Node, depth: int = 0) -> Any:  # noqa: C901 - a case for each kind
    """The least that a schema takes, as far as its keywords tell."""
    node = walk.resolved(node)
    for part in node.get("allOf", ()):
        node = {**walk.resolved(part), **node}
    if "const" in node:
        return node["const"]
    for keyword in ("examples", "enum"):
        if node.get(keyword):
            return node[keyword][0]
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        if walk.resolved(branch).get("x-either") is not True:
            return smallest_value(walk, branch, depth + 1)
    kind = node.get("type", "object" if "properties" in node else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            members = node.get("properties", {})
            return {
                each: smallest_value(walk, members.get(each, {}), depth + 1)
                for each in node.get("required", ())
            }
        case "array":
            least = node.get("minItems", 1 if depth < _DEEP else 0)
            one = least and smallest_value(walk, node.get("items", {}), depth + 1)
            return [one] * least
        case "integer" | "number":
            least = node.get("minimum", node.get("exclusiveMinimum", 0) + 1)
            return min(least, node.get("maximum", least))
        case "boolean":
            return False
        case "null":
            return None
    text = _TEXT.ljust(node.get("minLength", 0), "m")
    return text[: node.get("maxLength", len(text))]
