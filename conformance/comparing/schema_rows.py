"""Which requirements speak of a place in an answer, by the OpenAPI document."""

from collections.abc import Iterator

from aios_conformance.spec import Node, Nodes, nodes

_JSON = "application/json"
_CHUNKS = "/chunks/*"


def rows_at(dialect: str, operation: str, pointer: str) -> tuple[str, ...]:
    """The rows of the node at a pointer with `*` for places in lists; () if none."""
    walk = nodes(dialect)
    if pointer.startswith(_CHUNKS):
        root, pointer = walk.chunk(operation), pointer.removeprefix(_CHUNKS)
    else:
        root = walk.content(walk.success(operation)).get(_JSON)
    here = [root] if root is not None else []
    for part in filter(None, pointer.split("/")):
        here = [found for node in here for found in _below(walk, node, part)]
    rows = (row for node in here for row in node.get("x-requirements", ()))
    return tuple(dict.fromkeys(rows))


def _below(walk: Nodes, node: Node, part: str) -> Iterator[Node]:
    node = walk.resolved(node)
    for branch in (
        b for word in ("allOf", "anyOf", "oneOf") for b in node.get(word, ())
    ):
        yield from _below(walk, branch, part)
    child = node.get("items") if part == "*" else node.get("properties", {}).get(part)
    if child is not None:
        yield walk.resolved(child)
