"""What a dialect from anywhere is asked, made of its OpenAPI document alone.

    <name>.<path>.accepted   the smallest body, and one for each form, choice and bound
                             of each member; proves the rows of the operation and the
                             `x-promises` of the node
    <name>.<path>.refused    bodies that break one rule, each beside a valid one; proves
                             the `x-requirements` of the node
    <name>.<path>.drawn      bodies drawn by schemathesis, each with one rule broken
    <name>.<path>.keys       a missing and a wrong key, where the document asks for one;
                             proves the `x-requirements` of the security scheme
    <name>.<path>.read       a GET, with the rows of the operation

What answers hold is judged by `x-requirements` on their nodes (checks.shape).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

from aios_conformance import spec
from aios_conformance.conformance.probes.mutants import (
    Mutant,
    RequestSchema,
    request_schema,
)
from aios_conformance.conformance.probes.schema_cases import (
    Variant,
    cases,
    steps_of_case,
)
from aios_conformance.conformance.probes.strict_schema import permitted
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.conformance.terms.probe import (
    Params,
    Probe,
    Served,
    Step,
    probe,
    table,
)
from aios_conformance.spec import Node, Nodes

_CLIENT_ERRORS = tuple(range(400, 500))
_KEY_ERRORS = (401, 403)
_MODEL = "model"
_LARGEST = 4_096  # items or characters that a bound may ask for
_MOST = 3  # mutants that break the same rule


@dataclass(frozen=True)
class _Operation:
    """One operation of a dialect, as far as its document tells."""

    dialect: str
    name: str  # "POST /v1/embed"
    api: Api
    node: Node
    walk: Nodes

    @property
    def stem(self) -> str:
        """The first part of its probes' names."""
        path = self.name.partition(" ")[2].strip("/").replace("/", "_")
        return f"{self.dialect}.{path}"

    @property
    def rows(self) -> list[str]:
        """What the acceptance of any valid request proves."""
        body = self.walk.resolved(self.node.get("requestBody", {}))
        success = self.walk.success(self.name)
        return self.judged(
            [*_said(self.node), *body.get("x-requirements", ()), *_said(success)]
        )

    def judged(self, rows: Iterable[str]) -> list[str]:
        """Those of some rows that a step can prove: known ones that are no MAY."""
        known = {row.id: row.level for row in spec.requirements(self.dialect)}
        proven = [row for row in rows if known.get(row, "MAY") != "MAY"]
        return list(dict.fromkeys(proven))

    def table(
        self, name: str, rows: Iterable[Params], *, needs: tuple[str, ...] = ()
    ) -> Any:
        """A table of requests to it."""
        return table(
            f"{self.stem}.{name}",
            self.api,
            rows,
            smoke_rows=1,
            needs=needs,
            dialects=(self.dialect,),
        )


def document_probes(dialect: str) -> tuple[Probe, ...]:
    """The probes of a dialect that has none of its own."""
    walk = spec.nodes(dialect)
    found: list[Probe] = []
    for name, node in spec.each_operation(walk.document):
        api: Any = spec.api_named(node)
        if api not in spec.APIS or "{" in name:
            continue
        operation = _Operation(dialect, name, api, node, walk)
        if name.startswith("GET "):
            found.append(_read(operation))
        elif walk.request(name) is not None:
            found += _asked(operation)
    return tuple(found)


def _asked(operation: _Operation) -> Iterator[Probe]:
    schema = request_schema(operation.dialect, operation.name)
    smallest = dict(spec.smallest_body(operation.dialect, operation.name))
    undoubted = _undoubted(schema, operation.name)
    forms: list[Params] = [{"set": {}, "serves": operation.rows, "needs": ""}]
    forms += (
        {**form, "serves": operation.judged(form["serves"])}
        for form in _forms(schema, schema.node, smallest)
        if not schema.breaches(smallest | form["set"])
        and undoubted(form["needs"]).is_valid(smallest | form["set"])
    )
    needs: dict[str, None] = dict.fromkeys(form["needs"] for form in forms)
    for need in needs:
        chosen = [form for form in forms if form["needs"] == need]
        yield _accepted(operation, chosen, smallest, need)
    bodies = [smallest | form["set"] for form in forms]
    claimed = [need for need in needs if need]
    if wrong := list(_wrong(operation, schema, bodies, claimed)):
        yield _refused(operation, wrong, smallest)
        if operation.api not in ("chat", "completions"):  # drawn texts cost money
            yield _drawn(operation)
    if operation.node.get("security", operation.walk.document.get("security")):
        yield _keys(operation, smallest)


def _undoubted(schema: RequestSchema, name: str) -> Callable[[str], Any]:
    """What must be taken of a target that claims one capability, by capability."""

    @cache
    def validator(need: str) -> Any:
        claimed = (need,) if need else ()
        narrowed = dict(permitted(schema.walk.document, name, claimed))
        return jsonschema_rs.Draft202012Validator(narrowed)

    return validator


def _accepted(
    operation: _Operation, rows: list[Params], smallest: Mapping[str, Json], need: str
) -> Probe:
    needs = (need,) if need else ()
    name = f"accepted.{need}" if need else "accepted"

    @operation.table(name, rows, needs=needs)  # type: ignore[untyped-decorator]
    def build(row: Params, served: Served) -> Iterator[Step]:
        body = _named({**smallest, **row["set"]}, operation, served)
        rows = tuple(row["serves"])
        yield Step("variant", operation.name, body, serves=rows, shared=True)

    made: Probe = build
    return made


def _refused(
    operation: _Operation, rows: list[Params], smallest: Mapping[str, Json]
) -> Probe:
    @operation.table("refused", rows)  # type: ignore[untyped-decorator]
    def build(row: Params, served: Served) -> Iterator[Step]:
        valid = _named(smallest, operation, served)
        mutant = _named(row["body"], operation, served)
        if row["at"] == [_MODEL]:
            mutant = row["body"]
        yield Step("valid", operation.name, valid, shared=True)
        yield Step(
            "mutant",
            operation.name,
            mutant,
            "refuse",
            tuple(row["serves"]),
            row["breaks"],
            _CLIENT_ERRORS,
        )

    made: Probe = build
    return made


def _drawn(operation: _Operation) -> Probe:
    variant = Variant(
        f"{operation.stem}.drawn",
        (0, 4, 40),
        dialect=operation.dialect,
        operation=operation.name,
    )

    @probe(
        variant.name,
        variant.api,
        params=st.deferred(lambda: cases(variant)),
        draws=variant.draws,
        dialects=(operation.dialect,),
    )
    def drawn(p: Params, served: Served) -> Iterator[Step]:
        yield from steps_of_case(variant, p, served, _CLIENT_ERRORS)

    return drawn


def _keys(operation: _Operation, smallest: Mapping[str, Json]) -> Probe:
    schemes = operation.walk.document.get("components", {}).get("securitySchemes", {})
    said = (row for scheme in schemes.values() for row in _said(scheme))
    rows = tuple(operation.judged(said))

    @operation.table("keys", [None], needs=("api_key",))  # type: ignore[untyped-decorator]
    def build(_: Params, served: Served) -> Iterator[Step]:
        body = _named(smallest, operation, served)
        yield Step("valid", operation.name, body, shared=True)
        for label, header in (("missing", None), ("wrong", "Bearer no-such-key")):
            yield Step(
                label,
                operation.name,
                body,
                "refuse",
                rows,
                f"the key is {label}",
                _KEY_ERRORS,
                headers={"Authorization": header},
                off_schema="the key is no part of the body",
            )

    made: Probe = build
    return made


def _read(operation: _Operation) -> Probe:
    @operation.table("read", [None])  # type: ignore[untyped-decorator]
    def build(_: Params, served: Served) -> Iterator[Step]:
        del served
        yield Step("variant", operation.name, serves=tuple(operation.rows))

    made: Probe = build
    return made


def _forms(
    schema: RequestSchema, node: Node, smallest: Mapping[str, Json]
) -> Iterator[Params]:
    """Members set to each form, choice and bound that is promised."""
    root = schema.walk.resolved(node)
    for name, child in root.get("properties", {}).items():
        if name == _MODEL:
            continue
        for value, part, need in _values(schema.walk, child):
            promised = part.get("x-promises", ())
            if promised or value != smallest.get(name):
                yield {"set": {name: value}, "serves": promised, "needs": need}


def _values(
    walk: Nodes, node: Node, need: str = ""
) -> Iterator[tuple[Json, Node, str]]:
    """Values of a member, each with the node that promises it, and what that needs."""
    node = walk.resolved(node)
    need = node.get("x-needs", need)
    if node.get("x-either") is True:
        return
    parts = (node, *(walk.resolved(one) for one in node.get("allOf", ())))
    branches = [
        branch
        for part in parts
        for branch in (*part.get("anyOf", ()), *part.get("oneOf", ()))
    ]
    for branch in branches:
        for value, part, more in _values(walk, branch, need):
            said = [*node.get("x-promises", ()), *part.get("x-promises", ())]
            yield value, {**part, "x-promises": said}, more
    for choice in node.get("enum", ()):
        yield choice, node, need
    if not branches and "enum" not in node:
        yield spec.smallest_value(walk, node), node, need
    for part in parts:
        for value in _at_bounds(walk, node, part, 0):
            yield value, part, need


def _wrong(
    operation: _Operation,
    schema: RequestSchema,
    bodies: Iterable[Mapping[str, Json]],
    claimed: list[str],
) -> Iterator[Params]:
    """Bodies that break one rule, with the rows of that rule."""
    seen: list[Json] = []
    counts: dict[tuple[str, ...], int] = {}
    for body in bodies:
        sizes = list(_beyond(schema, body, claimed))
        for mutant in (*sizes, *schema.changes(body, claimed)):
            broken = mutant.applied(body)
            rows = tuple(operation.judged(schema.proven(broken)))
            if not rows or broken in seen or counts.get(rows, 0) >= _MOST:
                continue
            seen.append(broken)
            counts[rows] = counts.get(rows, 0) + 1
            what = "is missing" if mutant.is_dropped else "is not as documented"
            yield {
                "body": broken,
                "at": list(mutant.path),
                "serves": list(rows),
                "breaks": f"{mutant.pointer} {what}",
            }


def _beyond(
    schema: RequestSchema, body: Mapping[str, Json], claimed: list[str]
) -> Iterator[Mutant]:
    """Members that are one item or one character too long, or too short."""
    walk = schema.walk
    for name, child in walk.resolved(schema.node).get("properties", {}).items():
        node = walk.resolved(child)
        if name not in body or node.get("x-needs") not in (None, *claimed):
            continue
        nested = [
            *node.get("allOf", ()),
            *node.get("anyOf", ()),
            *node.get("oneOf", ()),
        ]
        for part in (node, *(walk.resolved(one) for one in nested)):
            for value in _at_bounds(walk, node, part, 1):
                yield Mutant((name,), value)


def _at_bounds(walk: Nodes, node: Node, part: Node, beyond: int) -> Iterator[Json]:
    """Values at the bounds of a part of a node, or as far beyond them."""
    if (most := part.get("maxItems", _LARGEST)) < _LARGEST:
        yield [_item(walk, node)] * (most + beyond)
    if (least := part.get("minItems", 0)) > 0:
        yield [_item(walk, node)] * (least - beyond)
    if (most := part.get("maxLength", _LARGEST)) < _LARGEST:
        yield "m" * (most + beyond)
    if (least := part.get("minLength", 0)) > 0:
        yield "m" * (least - beyond)
    if not beyond:  # what is beyond these is found by the mutants
        yield from (part[each] for each in ("minimum", "maximum") if each in part)


def _item(walk: Nodes, node: Node) -> Json:
    """An item of the list that a node takes in some form."""
    for form in (node, *node.get("anyOf", ()), *node.get("oneOf", ())):
        if "items" in (found := walk.resolved(form)):
            return spec.smallest_value(walk, found["items"])
    return "m"


def _named(
    body: Mapping[str, Json], operation: _Operation, served: Served
) -> dict[str, Json]:
    """A body with the served model, where it names one."""
    if _MODEL not in body:
        return dict(body)
    return {**body, _MODEL: served.model(operation.api)}


def _said(node: Node) -> list[str]:
    """The rows that a node names."""
    return [*node.get("x-requirements", ()), *node.get("x-promises", ())]
