"""Ways through an OpenAPI document, as its header defines them."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from aios_conformance import spec

Node = dict[str, Any]


def nodes(node: Any) -> Iterator[Node]:
    """Every mapping of a document, but for what stands inside values."""
    if isinstance(node, Mapping):
        yield dict(node)
        for key, value in node.items():
            if key not in {"value", "enum", "const", "default", "x-safe"}:
                yield from nodes(value)
    elif isinstance(node, list):
        for each in node:
            yield from nodes(each)


def resolve(document: Node, node: Node) -> Node:
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target | {key: node[key] for key in node if key != "$ref"}
    return node


def compiled(document: Node, schema: str) -> Any:
    rooted = {
        "$ref": f"#/components/schemas/{schema}",
        "components": document["components"],
    }
    return jsonschema_rs.Draft202012Validator(rooted)


def operation(document: Node, name: str) -> Node:
    method, path = name.split()
    found: Node = document["paths"][path][method.lower()]
    return found


def on_path(document: Node, schema: str, path: list[str | int]) -> Iterator[Node]:
    """The mappings on an error's evaluation path, references followed."""
    here: Any = resolve(document, {"$ref": f"#/components/schemas/{schema}"})
    yield here
    for part in path[1:]:
        if part == "$ref":
            continue
        here = here[part]
        if isinstance(here, Mapping):
            here = resolve(document, dict(here))
            yield here


LEVELS = ["MAY", "SHOULD", "MUST"]


def blame(dialect: str, schema: str, instance: Any) -> dict[str, str]:
    """The requirements that the errors belong to, each with its strongest refusal."""
    document = spec.openapi(dialect)
    found: dict[str, str] = {}
    for error in compiled(document, schema).iter_errors(instance):
        path = list(on_path(document, schema, error.evaluation_path))
        levels = [node["x-refusal"] for node in path if "x-refusal" in node]
        rows = [node["x-requirements"] for node in path if "x-requirements" in node]
        if error.kind.name == "required":
            members = path[-1].get("properties", {})
            member = resolve(document, members.get(error.kind.property, {}))
            rows += [member[k] for k in ("x-requirements", "x-missing") if k in member]
        level = levels[-1] if levels else "MUST"
        for identifier in rows[-1]:
            known = found.get(identifier, level)
            found[identifier] = max(known, level, key=LEVELS.index)
    return found
