"""The one walk over the nodes of an OpenAPI document, references followed."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from aios_conformance.spec._documents import openapi
from aios_conformance.spec._files import SpecError

Node = Mapping[str, Any]
JSON = "application/json"
EVENTS = "text/event-stream"
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


class Nodes:
    """The nodes of one document, which must not change."""

    def __init__(self, document: Node) -> None:
        """`document` is self-contained: its references are of the form #/…."""
        self.document = document
        self._found: dict[str, Node] = {}

    def at(self, reference: str) -> Node:
        """The node that a reference names, looked up once; not resolved itself.

        Raises:
            SpecError: it names nothing.

        """
        if reference not in self._found:
            root, *parts = unquote(reference).split("/")
            found: Any = self.document if root == "#" else None
            try:
                for part in parts:
                    name = part.replace("~1", "/").replace("~0", "~")
                    found = found[int(name) if isinstance(found, list) else name]
            except (KeyError, IndexError, TypeError, ValueError):
                found = None
            if not isinstance(found, Mapping):
                raise SpecError(f"{reference} leads nowhere")
            self._found[reference] = found
        return self._found[reference]

    def resolved(self, node: Node) -> Node:
        """What a reference leads to, with what stands beside the reference.

        Raises:
            SpecError: it leads nowhere, or to itself.

        """
        followed: set[str] = set()
        while (reference := node.get("$ref")) is not None:
            if reference in followed:
                raise SpecError(f"{reference} leads to itself")
            followed.add(reference)
            beside = {key: node[key] for key in node if key != "$ref"}
            node = {**self.at(reference), **beside}
        return node

    def schema(self, name: str) -> Node:
        """The component schema of a name."""
        found: Node = self.document["components"]["schemas"][name]
        return found

    def operation(self, name: str) -> Node:
        """What the document says of "POST /v1/rerank"; empty if nothing."""
        method, _, path = name.partition(" ")
        item = self.document["paths"].get(path.partition("?")[0], {})
        found: Node = item.get(method.lower(), {})
        return found

    def request(self, operation: str) -> Node | None:
        """The schema of an operation's body, as it is written; None without a body."""
        body = self.resolved(self.operation(operation).get("requestBody", {}))
        return self.content(body).get(JSON)

    def success(self, operation: str) -> Node:
        """What an operation answers with 200; empty if nothing is said of it."""
        responses = self.operation(operation).get("responses", {})
        return self.resolved(responses.get("200", {}))

    def chunk(self, operation: str) -> Node | None:
        """The schema of the JSON in an event of a stream; None without streams."""
        event = self.content(self.success(operation)).get(EVENTS)
        if event is None:
            return None
        data = self.resolved(event).get("properties", {}).get("data", {})
        forms = (data, *data.get("anyOf", ()))
        return next((f["contentSchema"] for f in forms if "contentSchema" in f), None)

    def content(self, node: Node) -> dict[str, Node]:
        """The schema of each media type of a body or an answer."""
        found = self.resolved(node).get("content", {})
        return {m: part["schema"] for m, part in found.items() if "schema" in part}

    def members(self, node: Node) -> dict[str, Node]:
        """The properties of an object, those in the parts of its allOf included."""
        node = self.resolved(node)
        found: dict[str, Node] = dict(node.get("properties", {}))
        for part in node.get("allOf", ()):
            found |= self.members(part)
        return found

    def along(self, node: Node, path: Iterable[str | int]) -> Iterator[Node]:
        """A node and those on an evaluation path below it."""
        here: Any = self.resolved(node)
        yield here
        for part in path:
            if part == "$ref":
                continue
            here = here[part]
            if isinstance(here, Mapping):
                here = self.resolved(here)
                yield here

    def below(self, roots: Iterable[Any]) -> Iterator[Node]:
        """Some nodes and all below them, what is referred to once."""
        followed: set[str] = set()
        waiting = list(roots)
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting.extend(node)
            if not isinstance(node, Mapping):
                continue
            yield node
            reference = node.get("$ref")
            if isinstance(reference, str) and reference not in followed:
                followed.add(reference)
                waiting.append(self.at(reference))
            waiting.extend(node.values())


def each_operation(document: Node) -> Iterator[tuple[str, Node]]:
    """Every operation of a document, by its name: "POST /v1/rerank"."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


@cache
def nodes(dialect: str = "aios") -> Nodes:
    """The nodes of a dialect's document.

    Raises:
        SpecError: no such dialect.

    """
    return Nodes(openapi(dialect))
