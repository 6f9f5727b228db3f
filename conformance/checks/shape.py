"""The shape of answers: one walk over the schema, one verdict per requirement.

spec/openapi.yaml says with `x-requirements` which rows a node of a response schema
embodies. A visited node is evidence for its rows. A schema error belongs to the
deepest annotated node on its path, a missing member to the node of that member.
`x-absent: warn` and `x-invalid: warn` make a finding soft.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from conformance.check import Check, Finding, Note, Witness, check
from conformance.exchange import Exchange, Json
from conformance.views import Answer, AnyAnswer, Stream
from spec import openapi

Node = Mapping[str, Any]
_IN_PLACE = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True)
class Shape:
    """A response schema inside its document, compiled."""

    document: Node
    node: Node
    validator: Any

    @classmethod
    def of(cls, document: Node, schema: Node) -> "Shape":
        """Compile a schema whose references point into the document."""
        rooted = {**schema, "components": document["components"]}
        return cls(document, schema, jsonschema_rs.Draft202012Validator(rooted))

    def notes(self, instance: Json, pointer: str = "") -> Iterator[Note]:
        """Witnesses of all visited nodes, and a finding per schema error."""
        seen = dict.fromkeys(row for row in self._rows(self.node, instance))
        for error in self.validator.iter_errors(instance):
            finding = self._finding(error, pointer)
            seen.update(dict.fromkeys(finding.ids))
            yield finding
        yield Witness(tuple(seen))

    def _resolve(self, node: Node) -> Node:
        while isinstance(node, Mapping) and "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = {**target, **{k: v for k, v in node.items() if k != "$ref"}}
        return node

    def _rows(self, node: Node, instance: Json) -> Iterator[str]:
        """Rows of every node that applies to the instance, absent members too."""
        node = self._resolve(node)
        yield from node.get("x-requirements", ())
        for keyword in _IN_PLACE:
            for branch in node.get(keyword, ()):
                yield from self._rows(branch, instance)
        if isinstance(instance, dict):
            for name, child in node.get("properties", {}).items():
                if name in instance:
                    yield from self._rows(child, instance[name])
                else:
                    yield from self._resolve(child).get("x-requirements", ())
        if isinstance(instance, list) and "items" in node:
            # the first and the last stand for all: rows, not values, are counted
            for item in instance[:1] + instance[1:][-1:]:
                yield from self._rows(node["items"], item)

    def _finding(self, error: Any, pointer: str) -> Finding:
        nodes = list(self._path(error.evaluation_path))
        missing = getattr(error.kind, "property", None)
        absent: Node = {}
        if error.kind.name == "required" and isinstance(missing, str):
            absent = self._resolve(nodes[-1].get("properties", {}).get(missing, {}))
        annotated = [
            n["x-requirements"] for n in [*nodes, absent] if n.get("x-requirements")
        ]
        annotated += [absent["x-missing"]] if "x-missing" in absent else []
        is_soft = absent.get("x-absent") == "warn" or any(
            n.get("x-invalid") == "warn" for n in nodes
        )
        where = "".join(f"/{part}" for part in error.instance_path)
        return Finding(
            expected=_expected(error),
            actual="absent" if absent or missing else _shown(error.instance),
            pointer=f"{pointer}{where}" + (f"/{missing}" if missing else ""),
            soft=is_soft,
            ids=tuple(annotated[-1]) if annotated else (),
        )

    def _path(self, path: Sequence[str | int]) -> Iterator[Node]:
        """The schema nodes on an evaluation path, references followed."""
        node: Any = self._resolve(self.node)
        yield node
        for part in path:
            if part == "$ref":
                continue
            node = node[part]
            if isinstance(node, Mapping):
                node = self._resolve(node)
                yield node


@cache
def _shape(dialect: str, operation: str, media: str, part: str = "") -> Shape | None:
    """The schema of an operation's 200 answer; `part` names a component instead."""
    document = openapi(dialect)
    if part:
        return Shape.of(document, document["components"]["schemas"][part])
    method, _, path = operation.partition(" ")
    item = document["paths"].get(path, {}).get(method.lower())
    if item is None:
        return None
    response = item["responses"]["200"]
    if "$ref" in response:
        response = document["components"]["responses"][
            response["$ref"].rsplit("/", 1)[-1]
        ]
    content = response["content"].get(media)
    return Shape.of(document, content["schema"]) if content else None


@check(witness=True)
def answers_have_the_documented_shape(answer: Answer) -> Iterator[Note]:
    """A success body has the documented members with the documented types."""
    shape = _shape(
        answer.facts.dialect, answer.exchange.request.operation, "application/json"
    )
    if shape is not None:
        yield from shape.notes(answer.body)


@check("COMMON-RES-002", when=lambda a: _is_whole_success(a.exchange))
def a_success_is_one_json_object(answer: AnyAnswer) -> Iterator[Note]:
    """A success that is not a stream is one JSON object."""
    response = answer.exchange.response
    body = response.json if response else None
    if not isinstance(body, dict):
        shown = response.body[:120].decode(errors="replace") if response else ""
        yield Finding(expected="one JSON object", actual=shown)


_CHUNKS = {"chat": "ChatCompletionChunk", "completions": "CompletionChunk"}


@check(witness=True)
def chunks_have_the_openai_shape(stream: Stream) -> Iterator[Note]:
    """Streamed chunks have the members that OpenAI's API gives them (A-100)."""
    name = _CHUNKS.get(stream.exchange.api)
    shape = name and _shape(stream.facts.dialect, "", "", name)
    if shape:
        for i, chunk in enumerate(stream.chunks):
            if "error" not in chunk:
                yield from shape.notes(chunk, f"/chunks/{i}")


def _is_whole_success(exchange: Exchange) -> bool:
    return (
        exchange.expect == "accept"
        and exchange.status == 200
        and not (exchange.is_stream)
    )


def _expected(error: Any) -> str:
    message = str(error.message)
    return message if len(message) <= 160 else f"{error.kind.name}: see the schema"


def _shown(value: object) -> object:
    text = str(value)
    return value if len(text) <= 120 else f"{text[:117]}..."


CHECKS: tuple[Check, ...] = (
    answers_have_the_documented_shape,
    a_success_is_one_json_object,
    chunks_have_the_openai_shape,
)
