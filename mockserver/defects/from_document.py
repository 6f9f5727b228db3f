"""Broken promises of a dialect from anywhere, made of its OpenAPI document alone.

unrefused:ROW   what breaks the row's node of a request is answered all the same
refused:ROW     what the row promises to take is refused, but not the first time
misshapen:ROW   the row's node of an answer holds a value of another kind
keyless:ROW     a request without a key is served
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from jsonschema_rs import Draft202012Validator

from aios_conformance import spec
from aios_conformance.mockserver.defects.neighbours import keyless
from aios_conformance.mockserver.defects.planting import Defect, in_answer, in_response
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import BadRequest, NotFound, Violation
from aios_conformance.serving.stages import Answer, Response, Stages
from aios_conformance.spec import Node, Nodes

_WRONG: tuple[Any, ...] = ({"a": 1}, "wrong", -1, None)
_DEEPEST = 12  # nodes below each other; schemas may refer to themselves
_IN_PLACE = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True)
class _Place:
    """A node of a schema: where it is, and what applies to it."""

    node: Node
    path: tuple[str, ...]  # members, "*" for items
    duty: str = "MUST"  # the deepest x-refusal


@dataclass(frozen=True)
class _Operation:
    """One operation of the document that takes a body."""

    dialect: str
    name: str
    api: str
    node: Node
    walk: Nodes
    levels: Mapping[str, str]  # of the dialect's rows

    @property
    def request(self) -> Node:
        return self.walk.request(self.name) or {}

    @property
    def answer(self) -> Node:
        content = self.walk.content(self.walk.success(self.name))
        return content.get("application/json", {})

    @property
    def own(self) -> list[str]:
        """Rows that any success keeps."""
        body = self.walk.resolved(self.node.get("requestBody", {}))
        success = self.walk.success(self.name)
        found = (*_said(self.node), *body.get("x-requirements", ()), *_said(success))
        return [row for row in found if self.judged(row)]

    def judged(self, row: str) -> bool:
        return self.levels.get(row, "MAY") != "MAY"

    def validator(self, node: Node) -> Draft202012Validator:
        parts = self.walk.document.get("components", {})
        return Draft202012Validator({**node, "components": parts})

    def concerns(self, context: RequestContext) -> bool:
        return context.operation is not None and context.operation.id == self.name


def document_defects(dialect: str) -> Iterator[Defect]:
    """Yield the defects of a dialect that has none of its own, a name once."""
    walk = spec.nodes(dialect)
    levels = {row.id: row.level.value for row in spec.requirements(dialect)}
    seen: set[str] = set()
    for name, node in spec.each_operation(walk.document):
        api = spec.api_named(node)
        if walk.request(name) is None or api not in spec.APIS:
            continue
        operation = _Operation(dialect, name, api, node, walk, levels)
        for defect in _of(operation):
            if defect.name not in seen:
                seen.add(defect.name)
                yield replace(defect, dialect=dialect)


def _of(operation: _Operation) -> Iterator[Defect]:
    asked = list(_places(operation.walk, operation.request))
    told = list(_places(operation.walk, operation.answer))
    promised = [row for place in asked for row in place.node.get("x-promises", ())]
    kept = dict.fromkeys(row for row in (*operation.own, *promised))
    for row in _rows(asked, operation):
        yield _unrefused(row, operation, asked)
    for row in filter(operation.judged, kept):
        yield _refused(row, operation, asked, list(kept))
    for row in _rows(told, operation):
        yield from _misshapen(row, operation, told)
    schemes = operation.walk.document.get("components", {}).get("securitySchemes", {})
    rows = [row for each in schemes.values() for row in _said(each)]
    for row in filter(operation.judged, rows):
        also = _also(row, rows, "the same request")
        what = "A request without a key is served."
        yield keyless(f"keyless:{row}", row, also, "missing_api_key", what)


def _rows(places: Iterable[_Place], operation: _Operation) -> Iterator[str]:
    """Rows of nodes whose breach is to be refused, or seen, as firmly as they say."""
    for place in places:
        for row in place.node.get("x-requirements", ()):
            is_weaker = place.duty == "SHOULD" and operation.levels.get(row) == "MUST"
            if operation.judged(row) and place.duty != "MAY" and not is_weaker:
                yield row


def _unrefused(row: str, operation: _Operation, places: list[_Place]) -> Defect:
    """Answer what breaks one row's nodes as if it were the smallest valid body."""
    lax = operation.validator(_relaxed(operation.walk, operation.request, row))
    smallest = spec.smallest_body(operation.dialect, operation.name)

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def validate(context: RequestContext) -> list[Violation]:
            found = stages.validate(context)
            if not found or not operation.concerns(context):
                return found
            if not lax.is_valid(context.body):
                return found
            tally.add()
            name = next(m.name for m in engine.models if operation.api in m.apis)
            context.body = {**smallest, "model": name}
            return []

        return replace(stages, validate=validate), engine

    what = f"{operation.name}: what breaks {row} is answered."
    also = _also(row, _near(row, places), "a part of the same member")
    return Defect(f"unrefused:{row}", what, plant, row, also)


def _refused(
    row: str, operation: _Operation, places: list[_Place], kept: list[str]
) -> Defect:
    """Refuse what a row promises to take, but not the first time it is sent.

    Without its place in a schema the row is one of the path: every second is refused.
    """
    forms = [p for p in places if row in p.node.get("x-promises", ())]
    asks = _asking(operation, forms)
    is_path = row in operation.node.get("x-requirements", ())

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        times = count()

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if not operation.concerns(context) or not asks(context.body):
                return
            time = next(times)
            if time == 0 or (not forms and time % 2 == 0):
                return
            tally.add()
            if is_path:
                raise NotFound("there is no such path", code="path_not_found")
            raise BadRequest("this is not taken", code="refused")

        return replace(stages, prepare=prepare), engine

    what = f"{operation.name}: what {row} promises to take is refused."
    also = _also(row, kept, "the request is refused as a whole")
    return Defect(f"refused:{row}", what, plant, row, also)


def _asking(
    operation: _Operation, forms: list[_Place]
) -> Callable[[Mapping[str, Any]], bool]:
    """Tell whether a body has one of some forms; with none every body has."""
    tests = [(form.path, operation.validator(form.node)) for form in forms]

    def asks(body: Mapping[str, Any]) -> bool:
        return not tests or any(
            test.is_valid(holder[leaf])
            for path, test in tests
            for holder, leaf in _held(body, path)
        )

    return asks


def _misshapen(
    row: str, operation: _Operation, places: list[_Place]
) -> Iterator[Defect]:
    """Put a value of another kind in the place of one row's nodes."""
    nodes = [p for p in places if row in p.node.get("x-requirements", ())]
    wrong = [
        (place.path, value)
        for place in nodes
        if (value := _breaking(operation, place.node)) is not _WRONG
    ]
    if not wrong:
        return
    also = _also(row, _near(row, places), "a part of the same member")
    name = f"misshapen:{row}"
    what = f"{operation.name}: the part of {row} is of another kind."
    if any(not path for path, _ in wrong):

        @in_response(row, api=operation.api, also=also)
        def whole(context: RequestContext, found: Response) -> Response:
            if not operation.concerns(context):
                return found
            return found[0], found[1], b"[]"

        yield replace(whole, name=name, description=what)
        return

    @in_answer(row, api=operation.api, also=also)
    def edit(context: RequestContext, answer: Answer) -> bool:
        acted = False
        for path, value in wrong if operation.concerns(context) else ():
            for holder, leaf in _held(answer, path):
                holder[leaf] = value
                acted = True
        return acted

    yield replace(edit, name=name, description=what)


def _breaking(operation: _Operation, node: Node) -> Any:
    """A value that a node forbids; _WRONG itself if there is none."""
    test = operation.validator(node)
    return next((value for value in _WRONG if not test.is_valid(value)), _WRONG)


def _held(value: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """The holders of what a path leads to, each with the key that it is under."""
    if not path:
        return
    first, *rest = path
    keys: Iterable[Any] = ()
    if first == "*" and isinstance(value, list):
        keys = range(len(value))
    elif isinstance(value, Mapping) and first in value:
        keys = (first,)
    for key in keys:
        if rest:
            yield from _held(value[key], tuple(rest))
        else:
            yield value, key


def _places(
    walk: Nodes, node: Node, path: tuple[str, ...] = (), duty: str = "MUST"
) -> Iterator[_Place]:
    """Every node of a schema, references followed."""
    if len(path) > _DEEPEST:
        return
    node = walk.resolved(node)
    duty = node.get("x-refusal", duty)
    yield _Place(node, path, duty)
    for keyword in _IN_PLACE:
        for part in node.get(keyword, ()):
            yield from _places(walk, part, path, duty)
    for name, child in node.get("properties", {}).items():
        yield from _places(walk, child, (*path, name), duty)
    if isinstance(node.get("items"), Mapping):
        yield from _places(walk, node["items"], (*path, "*"), duty)


def _relaxed(walk: Nodes, node: Node, row: str, depth: int = 0) -> Node:
    """A schema in which the nodes of one row allow anything."""
    node = walk.resolved(node)
    if row in node.get("x-requirements", ()) or depth > _DEEPEST:
        return {}
    found = dict(node)
    for keyword in _IN_PLACE:
        if keyword in node:
            found[keyword] = [
                _relaxed(walk, part, row, depth + 1) for part in node[keyword]
            ]
    members = node.get("properties", {})
    if members:
        found["properties"] = {
            name: _relaxed(walk, child, row, depth + 1)
            for name, child in members.items()
        }
        found["required"] = [
            name
            for name in node.get("required", ())
            if row not in _missing(walk.resolved(members.get(name, {})))
        ]
    if isinstance(node.get("items"), Mapping):
        found["items"] = _relaxed(walk, node["items"], row, depth + 1)
    return found


def _missing(node: Node) -> Iterable[str]:
    """The rows of a member that is not there."""
    rows: Iterable[str] = node.get("x-missing", node.get("x-requirements", ()))
    return rows


def _near(row: str, places: list[_Place]) -> Iterator[str]:
    """Rows of the same nodes, and of all that is below them."""
    homes = [p.path for p in places if row in p.node.get("x-requirements", ())]
    for place in places:
        if any(place.path[: len(home)] == home for home in homes):
            yield from _said(place.node)


def _also(row: str, rows: Iterable[str], why: str) -> dict[str, str]:
    return {each: why for each in rows if each != row}


def _said(node: Node) -> list[str]:
    return [*node.get("x-requirements", ()), *node.get("x-promises", ())]
