"""The contract at run time: every request and answer is held against the spec.

All knowledge of fields, types, bounds and defaults comes from the OpenAPI document;
it is compiled once, when the server starts.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any

from jsonschema_rs import Draft202012Validator

from aios_conformance.serving.codec import encode
from aios_conformance.serving.errors import Violation
from aios_conformance.serving.violations import violations
from aios_conformance.spec import (
    ApiSpec,
    Nodes,
    api_named,
    described,
    each_operation,
    smallest_value,
)

JSON = "application/json"
_NAMED = 20  # violations looked at in one body; nobody reads more


class Schema:
    """A JSON schema of the document, compiled."""

    __slots__ = ("_raw", "_validator")

    def __init__(self, raw: Mapping[str, Any], components: Mapping[str, Any]) -> None:
        """`raw` may refer to the document's `components`."""
        self._raw = {**raw, "components": components}
        self._validator = Draft202012Validator(self._raw, offline=True)

    def violations(self, value: Any) -> list[Violation]:
        """Return the breaches in `value`, none if it is valid."""
        if self._validator.is_valid(value):
            return []
        errors = islice(self._validator.iter_errors(self._witness(value)), _NAMED)
        return violations(errors, self._raw)

    def _witness(self, value: Any) -> Any:
        """Shorten the arrays and objects of a wrong value as far as it stays wrong.

        The validator lists every mistake, and repeats the object of each: it takes
        long, and gigabytes, where there are thousands. Members that the schema names
        are kept, as one of them may be required.
        """
        least, wrong = _NAMED, value
        if (longest := _longest(wrong)) <= least:
            return value
        known = frozenset(_property_names(self._raw))
        while longest > least:
            cut = _cut(wrong, (least + longest) // 2, known)
            if self._validator.is_valid(cut):
                least = (least + longest) // 2 + 1
            else:
                wrong = cut
                longest = (least + longest) // 2
        return wrong


def _longest(value: Any) -> int:
    """Return the length of the longest array or object in a value."""
    if isinstance(value, dict):
        return max(len(value), *map(_longest, value.values()), 0)
    if isinstance(value, list):
        return max(len(value), *map(_longest, value), 0)
    return 0


def _cut(value: Any, length: int, known: AbstractSet[str]) -> Any:
    """Return a value with no array or object longer than that, but for `known`."""
    if isinstance(value, dict):
        unknown = set(islice((name for name in value if name not in known), length))
        return {
            name: _cut(member, length, known)
            for name, member in value.items()
            if name in known or name in unknown
        }
    if isinstance(value, list):
        return [_cut(item, length, known) for item in value[:length]]
    return value


def _property_names(node: Any) -> Iterator[str]:
    """Yield the names that any `properties` within a schema has."""
    if isinstance(node, Mapping):
        if isinstance(properties := node.get("properties"), Mapping):
            yield from properties
        for member in node.values():
            yield from _property_names(member)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from _property_names(item)


@dataclass(frozen=True, slots=True)
class Operation:
    """One path and method of the document, compiled."""

    id: str  # "POST /v1/rerank"
    method: str
    path: str
    api: str  # rerank, score, chat, …
    about: ApiSpec  # what the document says of the API
    secured: bool  # the document asks for a key
    request: Schema | None
    answers: Mapping[str, Schema]  # by status; may hold "default"
    chunk: Schema | None  # of the JSON in an event of a stream
    members: frozenset[str]  # the body members that the document knows
    defaults: Mapping[str, Any]
    integers: frozenset[str]
    answered: frozenset[str]  # the members of a whole answer that the document knows
    counted: frozenset[str]  # the members of its usage
    demanded: Mapping[str, Any]  # what an answer must have, each with a value for it
    input_tokens: int | None  # the most that one input may have
    request_tokens: int | None  # the most that all inputs together may have

    def complete(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters of a valid body with the document's defaults.

        What the document does not list has no effect (`A-007`) and is left out.
        JSON knows one kind of number: 241.0 is the integer 241.
        """
        values = dict(self.defaults)
        for name in self.members & body.keys():
            value = body[name]
            if type(value) is float and name in self.integers:
                value = int(value)
            if value is not None:
                values[name] = value
        return values

    def told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return those members of an answer, and of its usage, that are documented.

        Dialects differ in what an answer has beside its vectors (`A-170`): what is
        demanded, and nothing that we know, has a value that the document allows.
        """
        told = {name: answer[name] for name in answer if name in self.answered}
        if isinstance(usage := told.get("usage"), dict):
            told["usage"] = {
                name: usage[name] for name in usage if name in self.counted
            }
        more = self.demanded.keys() - told.keys()
        return told | {name: self.demanded[name] for name in sorted(more)}


class Contract:
    """The operations of one OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Compile `document`, which must not change afterwards."""
        self.document = document
        self._nodes = Nodes(document)
        self._apis = {str(name): api for name, api in described(document).items()}
        self._compiled_schemas: dict[bytes, Schema] = {}
        self.operations: Mapping[str, Operation] = MappingProxyType(
            {name: self._operation(name, raw) for name, raw in each_operation(document)}
        )

    def _operation(self, name: str, raw: Mapping[str, Any]) -> Operation:
        method, _, path = name.partition(" ")
        walk, api = self._nodes, api_named(raw)
        body = walk.content(raw.get("requestBody", {})).get(JSON)
        properties = walk.resolved(body or {}).get("properties", {})
        limited = walk.resolved(properties.get("input", {}))
        answers = {
            status: walk.content(response)
            for status, response in raw["responses"].items()
        }
        content = answers.get("200", {}).get(JSON, {})
        told = walk.members(content)
        return Operation(
            id=name,
            method=method,
            path=path,
            api=api,
            about=self._apis[api],
            secured=bool(raw.get("security", self.document.get("security"))),
            request=self._schema(body),
            answers={
                status: schema
                for status, content in answers.items()
                if (schema := self._schema(content.get(JSON)))
            },
            chunk=self._schema(walk.chunk(name)),
            members=frozenset(properties),
            defaults={
                name: node["default"]
                for name, member in properties.items()
                if (node := walk.resolved(member)).get("default") is not None
            },
            integers=frozenset(
                name
                for name, member in properties.items()
                if "integer" in self._types(member)
            ),
            answered=frozenset(told),
            counted=frozenset(walk.members(told.get("usage", {}))),
            demanded={
                name: smallest_value(walk, told[name])
                for name in walk.resolved(content).get("required", ())
                if name in told
            },
            input_tokens=limited.get("x-max-tokens-per-input"),
            request_tokens=limited.get("x-max-tokens-per-request"),
        )

    def _types(self, node: Mapping[str, Any]) -> list[str]:
        types = self._nodes.resolved(node).get("type", [])
        return [types] if isinstance(types, str) else types

    def _schema(self, raw: Mapping[str, Any] | None) -> Schema | None:
        """Compile a schema, once for all places that use it."""
        if raw is None:
            return None
        key = encode(raw)
        if key not in self._compiled_schemas:
            schemas = self.document.get("components", {}).get("schemas", {})
            self._compiled_schemas[key] = Schema(raw, {"schemas": schemas})
        return self._compiled_schemas[key]
