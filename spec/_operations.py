"""What a dialect's document says of its operations: their APIs, their smallest bodies.

The API is the operation's `x-api`, else its first tag, so that paths are free.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from jsonschema_rs import Draft202012Validator

from aios_conformance.spec._documents import openapi

APIS = ("rerank", "score", "embeddings", "chat", "completions", "models")
"""What an operation can be; a document names it by `x-api` or by its first tag."""

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
_TEXT = "The sky is blue."
_DEEP = 4  # below it a list that may be empty is empty: schemas refer to themselves
Node = Mapping[str, Any]


def api_of(operation: Node) -> str:
    """The API of an operation of a document; "" if the document names none."""
    return str(operation.get("x-api") or next(iter(operation.get("tags", ())), ""))


def each_operation(document: Node) -> Iterator[tuple[str, Node]]:
    """Every operation of a document, by its name: "POST /v1/rerank"."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


@cache
def operations(name: str) -> Mapping[str, str]:
    """The API of each operation of a dialect, in the document's order."""
    found = {each: api_of(node) for each, node in each_operation(openapi(name))}
    return MappingProxyType(found)


def followed(document: Node, node: Node) -> Node:
    """The node that a reference leads to, with what stands beside the reference."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = {**target, **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def body_schema(document: Node, operation: str) -> Node | None:
    """The schema of an operation's JSON body; None if it takes none."""
    body = _body(document, operation)
    return None if body is None else body["schema"]


def _body(document: Node, operation: str) -> Node | None:
    method, _, path = operation.partition(" ")
    node = document["paths"].get(path, {}).get(method.lower(), {})
    content = followed(document, node.get("requestBody", {})).get("content", {})
    found: Node | None = content.get("application/json")
    return found


@cache
def smallest_body(name: str, operation: str) -> Mapping[str, Any]:
    """A valid body with the required members only; its model is any name.

    It is a printed example without its optional members, where the document has one,
    and else made of the schema: the first choice of an enum, the least of a range.
    """
    document = openapi(name)
    body = _body(document, operation)
    if body is None:
        return MappingProxyType({})
    schema = followed(document, body["schema"])
    validator = Draft202012Validator(
        {**schema, "components": document.get("components", {})}
    )
    required = set(schema.get("required", ()))
    for example in body.get("examples", {}).values():
        whole = followed(document, example).get("value")
        if isinstance(whole, dict):
            bare = {k: v for k, v in whole.items() if k in required}
            for candidate in (bare, whole):
                if validator.is_valid(candidate):
                    return MappingProxyType(candidate)
    return MappingProxyType(smallest_value(document, schema))


def smallest_value(document: Node, node: Node, depth: int = 0) -> Any:  # noqa: C901 - a case for each kind
    """The least that a schema takes, as far as its keywords tell."""
    node = followed(document, node)
    for part in node.get("allOf", ()):
        node = {**followed(document, part), **node}
    if "const" in node:
        return node["const"]
    for keyword in ("examples", "enum"):
        if node.get(keyword):
            return node[keyword][0]
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        if followed(document, branch).get("x-either") is not True:
            return smallest_value(document, branch, depth + 1)
    kind = node.get("type", "object" if "properties" in node else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            members = node.get("properties", {})
            return {
                each: smallest_value(document, members.get(each, {}), depth + 1)
                for each in node.get("required", ())
            }
        case "array":
            least = node.get("minItems", 1 if depth < _DEEP else 0)
            one = least and smallest_value(document, node.get("items", {}), depth + 1)
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
