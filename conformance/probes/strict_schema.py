"""Requests whose acceptance nothing leaves in doubt, as a JSON Schema.

A request schema of spec/openapi.yaml is narrowed, by its own annotations, to the
bodies that a target must take: `x-safe` is merged in, values and members marked
`x-either` or `x-should` fall away, capabilities that are not claimed too. What is
left is small, flat and closed, so that a generator draws from it quickly, and what
it draws is a promise.
"""

from collections.abc import Collection, Mapping
from typing import Any

from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.spec import Node, Nodes

TEXT = "^[A-ZÄÉ][a-zéüñ ]{1,14}[a-zß]$"
"""Texts: a letter first and last, some accents, short enough for any model."""

OURS: Mapping[str, Node] = {
    # generation costs money
    "max_tokens": {"maximum": 4},
    "max_completion_tokens": {"maximum": 4},
    "prompt": {"maxItems": 2},
    "tools": {"maxItems": 2},
    # a forced call would not end within these limits
    "tool_choice": {"enum": ["none", "auto"]},
    # one role after the other is what any chat template takes (see `fit`)
    "messages": {"maxItems": 3},
    # a vendor need not claim base64
    "encoding_format": {"enum": ["float"]},
    # more than there are documents is a SHOULD
    "top_n": {"maximum": 3},
}
"""Keywords that narrow members further, for reasons of cost, not of the contract."""

Ours = Mapping[str, Node] | None  # None: values may be of any size

_KEPT = (
    *("type", "enum", "const", "required", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems"),
)
_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def promised(document: Node, name: str, claimed: Collection[str] = ()) -> Node:
    """The narrowed schema of a component, with small values to draw from.

    `claimed`: capabilities that may be used.
    """
    return _narrowed(document, name, claimed, OURS)


def permitted(document: Node, name: str, claimed: Collection[str] = ()) -> Node:
    """The narrowed schema of a component, values of any size."""
    return _narrowed(document, name, claimed, None)


def _narrowed(document: Node, name: str, claimed: Collection[str], ours: Ours) -> Node:
    walk = Nodes(document)
    narrowed = _narrow(walk, walk.schema(name), claimed, ours)
    assert narrowed is not None, f"{name} is marked x-either"  # noqa: S101
    return narrowed


def _narrow(
    walk: Nodes, node: Node, claimed: Collection[str], ours: Ours
) -> Node | None:
    """A node without what is in doubt, None when all of it is."""
    node = walk.resolved(node)
    if node.get("x-either") is True or node.get("x-needs", None) not in (
        None,
        *claimed,
    ):
        return None
    found: dict[str, Any] = {key: node[key] for key in _KEPT if key in node}
    for part in node.get("allOf", ()):
        if "if" in part:
            # conditions between members are met by `fit`, and what holds of every
            # message is that it has content: tool calls are in doubt
            found = merge(found, _unless_absent(part))
        elif (narrowed := _narrow(walk, part, claimed, ours)) is not None:
            found = merge(found, narrowed)
    found = merge(found, node.get("x-safe", {}))
    found = _without(found, [*(node.get("x-either") or ()), *node.get("x-should", ())])
    return _closed(walk, node, found, claimed, ours)


def _closed(
    walk: Nodes,
    node: Node,
    found: dict[str, Any],
    claimed: Collection[str],
    ours: Ours,
) -> Node:
    """The node with its members, items and branches, and nothing unlisted."""
    types = listed(found.get("type", ()))
    if "anyOf" in node:
        branches = [_narrow(walk, b, claimed, ours) for b in node["anyOf"]]
        found["anyOf"] = [branch for branch in branches if branch is not None]
    elif (
        ours is not None
        and "string" in types
        and not found.keys() & {"enum", "const", "pattern"}
    ):
        found["pattern"] = TEXT
    if ours is not None and "array" in types:
        found["maxItems"] = min(found.get("maxItems", 3), 3)
    if "items" in node:
        found["items"] = _narrow(walk, node["items"], claimed, ours)
    if "object" not in types or "enum" in found:
        return found
    members = {
        name: _narrow(walk, child, claimed, ours)
        for name, child in node.get("properties", {}).items()
    }
    found["properties"] = {
        name: merge(child, (ours or {}).get(name, {}))
        for name, child in members.items()
        if child is not None
    }
    others = node.get("additionalProperties")
    found["additionalProperties"] = others is not None and (
        _narrow(walk, others, claimed, ours) or False
    )
    if others is not None:
        found["maxProperties"] = 2
    if "propertyNames" in node:
        names = _narrow(walk, node["propertyNames"], claimed, ours)
        found["propertyNames"] = names or False
    return found


def _unless_absent(part: Node) -> Node:
    """What a condition of the form "unless a doubtful member is there" demands."""
    return part["then"] if "not" in part["if"] else {}


def _without(node: dict[str, Any], doubtful: list[Json]) -> dict[str, Any]:
    types = [t for t in listed(node.get("type", ())) if t != "null"]
    if "null" in listed(node.get("type", ())) and None not in doubtful:
        types.append("null")
    if "" in doubtful:
        node = merge(node, {"minLength": 1})
    if [] in doubtful:
        node = merge(node, {"minItems": 1})
    if "enum" in node:
        node = node | {
            "enum": [value for value in node["enum"] if value not in doubtful]
        }
    if types:
        node = node | {"type": types if len(types) > 1 else types[0]}
    return node


def merge(one: Node, other: Node) -> dict[str, Any]:
    """Both nodes at once, keyword by keyword."""
    found = dict(one)
    for key, value in other.items():
        if key not in found:
            found[key] = value
        elif key in _LARGER:
            found[key] = max(found[key], value)
        elif key in _SMALLER:
            found[key] = min(found[key], value)
        elif key == "enum":
            found[key] = [choice for choice in found[key] if choice in value]
        elif key == "required":
            found[key] = list(dict.fromkeys([*found[key], *value]))
        elif key == "type":
            both = [kind for kind in listed(found[key]) if kind in listed(value)]
            found[key] = both if len(both) > 1 else both[0]
        else:
            found[key] = value
    return found


def listed(value: Json) -> list[Json]:
    """A list as it is; a single value as a list of one."""
    return list(value) if isinstance(value, list | tuple) else [value]
