"""Single-fault mutants of a valid body, and which rows their refusal proves.

A mutant changes one place of a body to a value that the request schema forbids. What
it breaks is read off the schema's own errors: the rows are those of the deepest node
with `x-requirements` on the error's path (of the missing member's node), the duty to
refuse is the deepest `x-refusal`. Values that a lax parser may coerce are never used
(A-008): an object, a word, a fraction, or a number beyond a bound.
"""

from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import jsonschema_rs

from aios_conformance.conformance.probes.strict_schema import listed
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.spec import Level, Node, Nodes, openapi, requirement

OBJECT = {"a": 1}
WORD = "word"
Duty = Literal["MUST", "SHOULD", "MAY"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to a body: a member dropped, or a value put in its place."""

    path: tuple[str | int, ...]
    value: Json = None
    is_dropped: bool = False

    @property
    def pointer(self) -> str:
        """Where the change is, as a JSON pointer."""
        return "".join(f"/{part}" for part in self.path)

    def applied(self, body: Json) -> Json:
        """The body with the change."""
        changed = deepcopy(body)
        place = changed
        for part in self.path[:-1]:
            place = place[part]
        if self.is_dropped:
            del place[self.path[-1]]
        else:
            place[self.path[-1]] = self.value
        return changed


@dataclass(frozen=True, slots=True)
class Breach:
    """What a body breaks: the rows, and how strong the duty to refuse it is."""

    rows: tuple[str, ...]
    duty: Duty
    pointer: str


class RequestSchema:
    """A request schema, compiled, with its annotations."""

    def __init__(self, document: Node, name: str) -> None:
        """`name` is a component of the document."""
        self.walk = Nodes(document)
        self.node = self.walk.resolved(self.walk.schema(name))
        rooted = {**self.node, "components": document["components"]}
        self._validator = jsonschema_rs.Draft202012Validator(rooted)

    def breaches(self, body: Json) -> list[Breach]:
        """Everything that a body breaks, one entry per schema error."""
        return [self._breach(error) for error in self._validator.iter_errors(body)]

    def changes(self, body: Json, claimed: Collection[str] = ()) -> Iterator[Mutant]:
        """Changes to a valid body that may break it; `proven` tells which do.

        Members that need a capability are left alone if it is not among `claimed`.
        """
        return self._changes(self.node, body, (), claimed)

    def proven(self, body: Json) -> tuple[str, ...]:
        """The rows that the refusal of a body proves.

        () if it breaks nothing or more than one rule, if its refusal is no duty, or a
        weaker one than a row's own level.
        """
        found = self.breaches(body)
        strongest = [b for b in found if b.duty == "MUST"] or list(found)
        if (
            len({b.pointer for b in found}) != 1
            or len({b.rows for b in strongest}) != 1
        ):
            return ()
        rows, duty = strongest[0].rows, strongest[0].duty
        levels = {requirement(row).level for row in rows}
        is_weaker = duty == "SHOULD" and Level.MUST in levels
        is_free = duty == "MAY" or Level.MAY in levels
        return () if is_weaker or is_free else rows

    def _breach(self, error: Any) -> Breach:
        nodes = list(self.walk.along(self.node, error.evaluation_path))
        missing = getattr(error.kind, "property", None)
        pointer = "".join(f"/{part}" for part in error.instance_path)
        if error.kind.name == "required" and isinstance(missing, str):
            member = nodes[-1].get("properties", {}).get(missing, {})
            nodes.append(self.walk.resolved(member))
            pointer += f"/{missing}"
        rows = [n["x-requirements"] for n in nodes if n.get("x-requirements")]
        if missing and "x-missing" in nodes[-1]:
            rows.append(nodes[-1]["x-missing"])
        duties = [n["x-refusal"] for n in nodes if "x-refusal" in n]
        return Breach(
            tuple(rows[-1]) if rows else (), duties[-1] if duties else "MUST", pointer
        )

    def _changes(
        self,
        node: Node,
        value: Json,
        path: tuple[str | int, ...],
        claimed: Collection[str],
    ) -> Iterator[Mutant]:
        """Changes at a place and below: wrong kinds, values beyond bounds, gaps."""
        node = self.walk.resolved(node)
        if node.get("x-needs") not in (None, *claimed):
            return
        if path:
            yield from (Mutant(path, wrong) for wrong in self._wrong(node))
        if isinstance(value, dict):
            for name in node.get("required", ()):
                if name in value:
                    yield Mutant((*path, name), is_dropped=True)
            for name, child in node.get("properties", {}).items():
                # an absent member is mutated itself, one that is there below as well
                below = value.get(name)
                yield from self._changes(child, below, (*path, name), claimed)
        if isinstance(value, list) and value and "items" in node:
            yield from self._changes(node["items"], value[0], (*path, 0), claimed)

    def _wrong(self, node: Node) -> Iterator[Json]:
        """Values that a node forbids and that no parser takes for right ones."""
        kinds, doubtful = self._kinds(node)
        if "object" not in kinds | doubtful:
            yield OBJECT
        if kinds and "string" not in kinds | doubtful:
            yield WORD
        if "integer" in kinds:
            yield 2.5
        for part in (node, *node.get("allOf", ())):
            part = self.walk.resolved(part)  # noqa: PLW2901
            if "enum" in part or any("enum" in b for b in part.get("anyOf", ())):
                yield WORD
            if "minimum" in part:
                yield part["minimum"] - 1
            if "exclusiveMinimum" in part:
                yield part["exclusiveMinimum"]
            if "maximum" in part:
                yield part["maximum"] + 1

    def _kinds(self, node: Node) -> tuple[set[str], set[str]]:
        """Types that a node takes, and types of which some values are in doubt."""
        kinds = {*listed(node.get("type", ()))}
        doubtful: set[str] = set()
        for branch in node.get("anyOf", ()):
            found = self.walk.resolved(branch)
            types = {*listed(found.get("type", ()))}
            if found.get("x-either") is True:
                doubtful |= types
            else:
                kinds |= types
        return kinds, doubtful


@cache
def request_schema(dialect: str, name: str) -> RequestSchema:
    """A request schema of a dialect, of a component or an operation; compiled once."""
    document: Node = openapi(dialect)
    if name.startswith("POST "):
        document, name = with_body(document, name)
    return RequestSchema(document, name)


def with_body(document: Node, operation: str) -> tuple[Node, str]:
    """A document in which the body of an operation is a component, and its name."""
    schema = Nodes(document).request(operation) or {}
    parts = document.get("components", {})
    schemas = {**parts.get("schemas", {}), operation: schema}
    return {**document, "components": {**parts, "schemas": schemas}}, operation
