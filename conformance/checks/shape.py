"""The shape of answers: one walk over the schema, one verdict per requirement.

spec/openapi.yaml says with `x-requirements` which rows a node of a response schema
embodies. A node that constrains a value is evidence for its rows. A schema error
belongs to the deepest annotated node on its path, a missing member to the node of
that member. `x-absent: warn` and `x-invalid: warn` make a finding soft.

Only answers to valid requests are judged: what the answer to another looks like,
where it is no refusal, is promised nowhere.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Exchange, Json
from aios_conformance.conformance.terms.views import Answer, AnyAnswer, Stream
from aios_conformance.spec import DIALECTS, Node, Nodes, nodes, openapi

MOST_ALIKE = 3
"""Findings on the same rows of one answer: a thousand wrong numbers are one fault."""

_IN_PLACE = ("allOf", "anyOf", "oneOf")
_ABSENT = object()
# Keywords that say nothing of a value of another type than theirs.
_BOUND: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(
        ("required", "properties", "additionalProperties", "propertyNames"), dict
    ),
    **dict.fromkeys(("items", "minItems", "maxItems", "uniqueItems"), list),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), str),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (int, float)
    ),
}
_Known = dict[object, tuple[str, ...]]
_DEEPEST = 16  # no schema of an answer has so many levels
_FREE = ("type", "const", "enum", "not", "if", *_IN_PLACE)


@dataclass(frozen=True)
class Shape:
    """A response schema inside its document, compiled."""

    walk: Nodes
    node: Node
    validator: Any

    @classmethod
    def of(cls, walk: Nodes, schema: Node) -> "Shape":
        """Compile a schema whose references point into the walk's document."""
        rooted = {**schema, "components": walk.document["components"]}
        return cls(walk, schema, jsonschema_rs.Draft202012Validator(rooted))

    def notes(
        self, instance: Json, pointer: str = "", known: _Known | None = None
    ) -> Iterator[Note]:
        """One witness of all nodes that constrain, and findings on schema errors.

        `known` keeps the rows of instances: those that are alike have the same.
        """
        known = {} if known is None else known
        form = _form(instance)
        if form not in known:
            known[form] = tuple(dict.fromkeys(self._rows(self.node, instance)))
        seen = dict.fromkeys(known[form])
        counts: Counter[tuple[str, ...]] = Counter()
        for error in self.validator.iter_errors(instance):
            finding = self._finding(error, pointer)
            seen.update(dict.fromkeys(finding.ids))
            counts[finding.ids] += 1
            if counts[finding.ids] <= MOST_ALIKE:
                yield finding
        yield Witness(tuple(seen))

    def _rows(self, node: Node, instance: object) -> Iterator[str]:
        """Rows of every node that constrains the instance, absent members too."""
        node = self.walk.resolved(node)
        yield from node.get("x-missing", ())
        if not _constrains(node, instance):
            return
        if instance is _ABSENT and "x-missing" in node:
            return
        yield from node.get("x-requirements", ())
        for keyword in _IN_PLACE:
            for branch in node.get(keyword, ()):
                yield from self._rows(branch, instance)
        if isinstance(instance, dict):
            for name, child in node.get("properties", {}).items():
                yield from self._rows(child, instance.get(name, _ABSENT))
        if isinstance(instance, list) and "items" in node:
            # the first and the last stand for all: rows, not values, are counted
            for item in instance[:1] + instance[1:][-1:]:
                yield from self._rows(node["items"], item)

    def _finding(self, error: Any, pointer: str) -> Finding:
        nodes = list(self.walk.along(self.node, error.evaluation_path))
        missing = getattr(error.kind, "property", None)
        absent: Node = {}
        if error.kind.name == "required" and isinstance(missing, str):
            absent = self.walk.resolved(
                nodes[-1].get("properties", {}).get(missing, {})
            )
        annotated = [
            n["x-requirements"] for n in [*nodes, absent] if n.get("x-requirements")
        ]
        if "x-missing" in absent:
            annotated.append(absent["x-missing"])  # in place of the member's own
        is_soft = absent.get("x-absent") == "warn" or any(
            n.get("x-invalid") == "warn" for n in nodes
        )
        where = "".join(f"/{part}" for part in error.instance_path)
        return Finding(
            expected=expected(error),
            actual="absent" if missing else _shown(error.instance),
            pointer=f"{pointer}{where}" + (f"/{missing}" if missing else ""),
            soft=is_soft,
            ids=tuple(annotated[-1]) if annotated else (),
        )


def _form(instance: object, depth: int = 0) -> object:
    """Members and types, without what is said; the ends stand for a list."""
    if depth < _DEEPEST and isinstance(instance, dict):
        below = ((name, _form(each, depth + 1)) for name, each in instance.items())
        return (dict, *below)
    if depth < _DEEPEST and isinstance(instance, list):
        ends = (*instance[:1], *instance[1:][-1:])
        return (list, *(_form(each, depth + 1) for each in ends))
    return type(instance)


def _constrains(node: Node, instance: object) -> bool:
    """The node says something of such a value, if only that it is expected."""
    if any(keyword in node for keyword in _FREE):
        return True
    bound = [kind for keyword, kind in _BOUND.items() if keyword in node]
    return not bound or any(isinstance(instance, kind) for kind in bound)


@cache
def _shape(dialect: str, operation: str, media: str) -> Shape | None:
    """The schema of an operation's 200 answer."""
    walk = nodes(dialect)
    schema = walk.content(walk.success(operation)).get(media)
    return Shape.of(walk, schema) if schema else None


@cache
def _asked_shape(dialect: str, operation: str) -> Shape | None:
    """The schema of an operation's request."""
    walk = nodes(dialect)
    schema = walk.request(operation)
    return Shape.of(walk, schema) if schema else None


@cache
def _chunk_shape(dialect: str, operation: str) -> Shape | None:
    """The schema of the chunks of an operation's stream."""
    walk = nodes(dialect)
    schema = walk.chunk(operation)
    return Shape.of(walk, schema) if schema else None


@check(witness=True, judges="shape")
def answers_have_the_documented_shape(answer: Answer) -> Iterator[Note]:
    """A success body has the documented members with the documented types."""
    shape = _shape(
        answer.facts.dialect, answer.exchange.request.operation, "application/json"
    )
    if shape is not None and answer.exchange.expect == "accept":
        yield from shape.notes(answer.body)


@check(witness=True, judges="shape")
def what_was_accepted_has_the_documented_shape(answer: Answer) -> Iterator[Note]:
    """A valid request that might have been refused is answered like any other."""
    operation, dialect = answer.exchange.request.operation, answer.facts.dialect
    shape = _shape(dialect, operation, "application/json")
    asked = _asked_shape(dialect, operation)
    if shape is None or asked is None or answer.exchange.expect != "either":
        return
    if asked.validator.is_valid(answer.exchange.request.json):
        for note in shape.notes(answer.body):
            if isinstance(note, Finding):
                yield note


@check(witness=True, judges="shape")
def a_success_is_of_the_documented_kind(answer: AnyAnswer) -> Iterator[Note]:
    """A success that is no JSON object is none where the document wants one."""
    exchange, dialect = answer.exchange, answer.facts.dialect
    body = exchange.response.json if exchange.response else None
    if dialect in DIALECTS or not _is_whole_success(exchange) or isinstance(body, dict):
        return  # our dialects have rows, and checks, of their own for it
    shape = _shape(dialect, exchange.request.operation, "application/json")
    if shape is not None:
        yield from shape.notes(body)


def _is_to_be_json(answer: AnyAnswer) -> bool:
    """A whole success of a documented path, if it need not have been refused."""
    exchange = answer.exchange
    if exchange.expect != "either":
        return _is_whole_success(exchange)
    path = exchange.request.operation.partition(" ")[2]
    is_listed = path in openapi(answer.facts.dialect)["paths"]
    return is_listed and 200 <= exchange.status < 300 and not exchange.is_stream


@check("COMMON-RES-002", when=_is_to_be_json, judges="shape")
def a_success_is_one_json_object(answer: AnyAnswer) -> Iterator[Note]:
    """A success that is not a stream is one whole JSON object."""
    response = answer.exchange.response
    if response is None:
        return
    if response.broken:
        yield Finding("an answer that ends", response.broken, kind="crash")
    elif not isinstance(response.json, dict):
        shown = response.body[:120].decode(errors="replace")
        yield Finding("one JSON object", shown or "an empty body")


@check(witness=True, judges="shape")
def chunks_have_the_openai_shape(stream: Stream) -> Iterator[Note]:
    """Streamed chunks have the members that OpenAI's API gives them (A-100)."""
    exchange = stream.exchange
    shape = _chunk_shape(stream.facts.dialect, exchange.request.operation)
    if shape is None or exchange.expect != "accept":
        return
    seen: dict[str, None] = {}
    found: Counter[tuple[str, ...]] = Counter()
    known: _Known = {}
    for i, chunk in enumerate(stream.chunks):
        if "error" in chunk:
            continue
        for note in shape.notes(chunk, f"/chunks/{i}", known):
            if isinstance(note, Witness):
                seen |= dict.fromkeys(note.ids)
            else:
                found[note.ids] += 1
                if found[note.ids] <= MOST_ALIKE:
                    yield note
    if seen:
        yield Witness(tuple(seen))


def _is_whole_success(exchange: Exchange) -> bool:
    is_accepted = exchange.expect == "accept" and 200 <= exchange.status < 300
    return is_accepted and not exchange.is_stream


_LIMITS: Mapping[str, str] = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "above {}",
    "exclusiveMaximum": "below {}",
    "minItems": "{} items or more",
    "maxItems": "{} items or fewer",
    "minLength": "{} characters or more",
    "maxLength": "{} characters or fewer",
    "minProperties": "{} members or more",
    "maxProperties": "{} members or fewer",
}
_NAMED: Mapping[str, str] = {
    "falseSchema": "no such member",
    "uniqueItems": "items that all differ",
}


def expected(error: Any) -> str:
    """What the schema wants, in the words of a reader who knows no schema."""
    kind = error.kind
    if kind.name == "required":
        return f"a member {kind.property}"
    if kind.name == "type":
        return " or ".join(sorted(kind.types, key=lambda name: name == "null"))
    if kind.name == "const":
        return json.dumps(kind.expected_value, ensure_ascii=False)
    if kind.name == "enum":
        return " or ".join(
            json.dumps(each, ensure_ascii=False) for each in kind.options
        )
    if kind.name == "pattern":
        return f"text that matches {kind.pattern}"
    firsts = [branch[0] for branch in getattr(kind, "context", ()) if branch]
    if firsts and all(each.instance_path == error.instance_path for each in firsts):
        return " or ".join(dict.fromkeys(map(expected, firsts)))
    if kind.name in _LIMITS:
        return _LIMITS[kind.name].format(kind.limit)
    if kind.name in _NAMED:
        return _NAMED[kind.name]
    message = str(error.message)
    return message if len(message) <= 160 else f"{error.kind.name}: see the schema"


def _shown(value: object) -> object:
    text = str(value)
    return value if len(text) <= 120 else f"{text[:117]}..."
