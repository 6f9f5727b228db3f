"""What is wrong with the folder of a dialect, each with its file and line."""
# ruff: noqa: SIM905 - many words are read best as a text

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from jsonschema_rs import Draft202012Validator, ValidationError

from aios_conformance.spec._apis import APIS
from aios_conformance.spec._bundle import bundle
from aios_conformance.spec._catalogue import Level, Requirement, Ruling, requirements
from aios_conformance.spec._catalogue import rulings as known_rulings
from aios_conformance.spec._dialects import KINDS, Dialect, ServedModel, read_manifest
from aios_conformance.spec._documents import openapi
from aios_conformance.spec._files import DIALECTS, SpecError, read_yaml
from aios_conformance.spec._nodes import Nodes, each_operation
from aios_conformance.spec._operations import api_named
from aios_conformance.spec._plain import read_plain
from aios_conformance.spec._references import each_line
from aios_conformance.spec._sources import Source
from aios_conformance.spec._sources import sources as known_sources
from aios_conformance.spec._yaml import compose_yaml

_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+-\d{3}")
_NAMING = ("x-requirements", "x-promises", "x-missing")
_COMPUTED = frozenset({"requirements"})  # of a ruling
_KEYWORDS = frozenset(
    """
    $ref $id $anchor $defs $comment type const enum required properties items
    prefixItems additionalProperties propertyNames patternProperties contains
    minContains maxContains minProperties maxProperties dependentRequired
    dependentSchemas unevaluatedItems unevaluatedProperties minimum maximum
    exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems
    maxItems uniqueItems format allOf anyOf oneOf not if then else title description
    default examples example deprecated readOnly writeOnly contentEncoding
    contentMediaType contentSchema discriminator xml externalDocs
    """.split()
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, and what would be right."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        """As compilers say it."""
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class _File:
    """A YAML file with the line of each of its places."""

    path: Path
    value: Any
    lines: Mapping[tuple[Any, ...], int]

    def problem(self, place: tuple[Any, ...], text: str) -> Problem:
        """A problem at a place, or at the nearest one around it that has a line."""
        while place and place not in self.lines:
            place = place[:-1]
        return Problem(self.path, self.lines.get(place, 1), text)

    def rows(self, member: str) -> list[Any]:
        """The list under a member; [] where there is none."""
        found = self.value.get(member) if isinstance(self.value, Mapping) else None
        return found if isinstance(found, list) else []


def _opened(path: Path) -> _File:
    value = read_yaml(path)
    node = compose_yaml(read_plain(path))
    return _File(path, value, dict(_lines(node, ())) if node else {})


def _lines(
    node: yaml.Node, place: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*place, key.value))
            yield (*place, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            yield from _lines(value, (*place, position))


def problems(folder: Path) -> tuple[Problem, ...]:
    """Everything that is wrong with a folder, in the order of its files.

    Raises:
        SpecError: there is no manifest, or one that cannot be followed.

    """
    parts = read_manifest(folder)
    found: list[Problem] = []
    try:
        document = bundle(read_yaml(parts.openapi), parts.openapi.parent)
    except (SpecError, KeyError, TypeError, AttributeError) as error:
        told = str(error).removeprefix(f"cannot read {parts.openapi}: ")
        return (Problem(parts.openapi, 1, f"cannot be read: {told}"),)
    if wrong := tuple(_misshapen(parts)):
        return wrong  # all else relies on the shapes
    try:
        found += _in_document(_opened(parts.openapi), document, _ids(parts))
    except (LookupError, TypeError, AttributeError) as error:
        told = f"is no OpenAPI document that can be followed: {error!r}"
        return (Problem(parts.openapi, 1, told),)
    ours = {source.id: source.lines for source in known_sources().values()}
    cited = {**ours, **_documents(parts)}
    stated = {*known_rulings(), *_stated(parts)}
    seen: set[str] = set()
    for path in parts.requirements:
        file = _opened(path)
        for position, row in enumerate(file.rows("requirements")):
            place = ("requirements", position)
            found += _in_row(file, place, row, seen)
            found += _citations(file, place, row, cited)
            found += _followed(file, place, row, document, stated)
    for path, member, kind in _tables(parts):
        if kind is not Requirement:
            found += _records(_opened(path), member, kind)
    return tuple(found)


def _tables(parts: Dialect) -> Iterator[tuple[Path, str, type[Any]]]:
    """The files that hold a list each: under which member, and of what."""
    for path in parts.requirements:
        yield path, "requirements", Requirement
    for named, member, kind in (
        (parts.sources, "sources", Source),
        (parts.rulings, "rulings", Ruling),
        (parts.models, "models", ServedModel),
    ):
        if named is not None:
            yield named, member, kind


def _misshapen(parts: Dialect) -> Iterator[Problem]:
    """What is no list of objects, or a member of another type than it must be."""
    for path, member, kind in _tables(parts):
        file = _opened(path)
        given = {} if file.value is None else file.value
        rows = given.get(member) or [] if isinstance(given, Mapping) else None
        if not isinstance(rows, list):
            yield file.problem((member,), f"{member} must be a list of objects")
            continue
        for position, row in enumerate(rows):
            try:
                msgspec.convert(row, kind)
            except msgspec.ValidationError as error:
                said, _, where = str(error).partition(" - at `$")
                name = re.match(r"\.?(\w*)", where)
                at = (member, position, name[1] if name else "")
                if not said.startswith(("Object missing", "Invalid enum")):
                    yield file.problem(at, f"{at[2] or member}: {said}")  # else below


def _in_row(
    file: _File, place: tuple[Any, ...], row: Mapping[str, Any], seen: set[str]
) -> Iterator[Problem]:
    valid = [field.name for field in fields(Requirement)]
    yield from _keys(file, place, row, valid)
    for name in ("id", "level", "statement", "topic", "api", "operations", "sources"):
        if name not in row:
            yield file.problem(place, f"{row.get('id', 'a row')}: {name} is missing")
    identifier = str(row.get("id"))
    if not _ID.fullmatch(identifier):
        yield file.problem(
            (*place, "id"), f"id {identifier!r} must look like ACME-REQ-001"
        )
    if identifier in seen or identifier in _ours():
        whose = "stated twice" if identifier in seen else "a row of ours"
        yield file.problem((*place, "id"), f"{identifier} is {whose}")
    seen.add(identifier)
    for name, choices in (("level", tuple(Level)), ("api", (*APIS, "common"))):
        if name in row and row[name] not in choices:
            near = _near(row[name], choices)
            yield file.problem(
                (*place, name),
                f"{identifier}: {name} is {row[name]!r}{near}; valid are "
                f"{', '.join(choices)}",
            )


def _citations(
    file: _File,
    place: tuple[Any, ...],
    row: Mapping[str, Any],
    known: Mapping[str, Any],
) -> Iterator[Problem]:
    for position, reference in enumerate(row.get("sources") or ()):
        where = (*place, "sources", position)
        try:
            lines = list(each_line([str(reference)]))
        except SpecError as error:
            yield file.problem(where, f"{row.get('id')}: {error}")
            continue
        for document, number in lines[-1:]:
            if document not in known:
                yield file.problem(
                    where, f"{row.get('id')}: no document {document} is in sources"
                )
            elif number > int(known[document]):
                yield file.problem(
                    where,
                    f"{row.get('id')}: document {document} has {known[document]} "
                    f"lines, {reference} is cited",
                )


def _followed(
    file: _File,
    place: tuple[Any, ...],
    row: Mapping[str, Any],
    document: Mapping[str, Any],
    stated: set[str],
) -> Iterator[Problem]:
    operations = [name for name, _ in each_operation(document)]
    for member, given, valid in (
        ("operations", row.get("operations"), operations),
        ("rulings", row.get("rulings"), sorted(stated)),
    ):
        for position, name in enumerate(given if isinstance(given, list) else ()):
            if name not in valid:
                yield file.problem(
                    (*place, member, position),
                    f"{row.get('id')}: {name!r} is none of the {member}"
                    f"{_near(name, valid)}",
                )


def _in_document(
    file: _File, document: Mapping[str, Any], ids: set[str]
) -> Iterator[Problem]:
    for name, node in each_operation(document):
        method, _, path = name.partition(" ")
        place = ("paths", path, method.lower())
        if api_named(node) not in APIS:
            yield file.problem(
                place,
                f"{name}: x-api or the first tag must be one of {', '.join(APIS)}, got "
                f"{api_named(node)!r}{_near(api_named(node), APIS)}",
            )
        if "200" not in node.get("responses", {}):
            yield file.problem(place, f"{name}: a response for 200 is missing")
    walk = Nodes(document)
    for place, node in _nodes(file.value, ()):
        yield from _extensions(file, place, node, ids)
        try:
            walk.resolved(node if str(node.get("$ref", "")).startswith("#") else {})
        except SpecError as error:
            yield file.problem((*place, "$ref"), str(error))
    for place, schema in _schemas(file.value, ()):
        unknown = [k for k in schema if k not in _KEYWORDS and not k.startswith("x-")]
        for key in unknown:
            text = f"unknown keyword {key!r}{_near(key, _KEYWORDS)}"
            yield file.problem((*place, key), text)
        try:
            Draft202012Validator({**schema, **_parts(document)})
        except (ValidationError, ValueError) as error:
            yield file.problem(
                place, f"is no JSON schema: {str(error).splitlines()[0]}"
            )


def _parts(document: Mapping[str, Any]) -> dict[str, Any]:
    """The components that references of a schema lead to, if they are well-formed."""
    parts = document.get("components", {})
    return {"components": {"schemas": parts.get("schemas", {})}}


def _extensions(
    file: _File, place: tuple[Any, ...], node: Mapping[str, Any], ids: set[str]
) -> Iterator[Problem]:
    for key in node:
        if str(key).startswith("x-") and key not in _known_extensions():
            valid = _known_extensions()
            near = _near(key, valid) or f"; valid are {', '.join(sorted(valid))}"
            yield file.problem((*place, key), f"unknown key {key!r}{near}")
    for key in _NAMING:
        named = node.get(key, [])
        for position, row in enumerate(named if isinstance(named, list) else [named]):
            if not isinstance(row, str) or row not in ids:
                text = f"{key} names {row!r}, which is no row{_near(row, ids)}"
                yield file.problem((*place, key, position), text)


def _nodes(
    value: Any, place: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """Every object of a document that is no example."""
    if isinstance(value, Mapping):
        yield place, value
        for key, child in value.items():
            if key not in ("example", "examples", "value", "x-safe"):
                yield from _nodes(child, (*place, str(key)))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _nodes(child, (*place, position))


def _schemas(
    value: Any, place: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """The schemas of a document: components, those of bodies, and all below them."""
    if isinstance(value, Mapping):
        parts = value.get("components", {}).get("schemas", {})
        for name, schema in parts.items():
            yield from _below(schema, ("components", "schemas", name))
    for where, node in _nodes(value, place):
        if where[-1:] == ("schema",) and "components" not in where:
            yield from _below(node, where)


def _below(
    schema: Any, place: tuple[Any, ...]
) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    if not isinstance(schema, Mapping):
        return
    yield place, schema
    for name, child in (schema.get("properties") or {}).items():
        yield from _below(child, (*place, "properties", name))
    yield from _below(schema.get("items"), (*place, "items"))
    for keyword in ("allOf", "anyOf", "oneOf"):
        for position, part in enumerate(schema.get(keyword) or ()):
            yield from _below(part, (*place, keyword, position))


def _records(file: _File, member: str, kind: type[Any]) -> Iterator[Problem]:
    computed = _COMPUTED if kind is Ruling else frozenset()
    valid = [each.name for each in fields(kind) if each.name not in computed]
    for position, row in enumerate(file.rows(member)):
        yield from _keys(file, (member, position), row, valid)
        if kind is ServedModel and row.get("kind") not in KINDS:
            near = _near(row.get("kind"), KINDS)
            text = f"kind is {row.get('kind')!r}{near}; valid are {', '.join(KINDS)}"
            yield file.problem((member, position, "kind"), text)


def _keys(
    file: _File, place: tuple[Any, ...], row: Mapping[str, Any], valid: Iterable[str]
) -> Iterator[Problem]:
    known = list(valid)
    for key in row:
        if key not in known:
            near = _near(key, known) or f"; valid are {', '.join(known)}"
            yield file.problem((*place, key), f"unknown key {key!r}{near}")


def _near(word: Any, valid: Iterable[str]) -> str:
    found = get_close_matches(str(word), list(valid), n=1)
    return f": did you mean {found[0]}?" if found else ""


@cache
def _ours() -> frozenset[str]:
    return frozenset(row.id for name in DIALECTS for row in requirements(name))


@cache
def _known_extensions() -> frozenset[str]:
    """What our own documents use; ../openapi.yaml explains it."""
    found = (
        str(key)
        for name in DIALECTS
        for _, node in _nodes(openapi(name), ())
        for key in node
    )
    return frozenset({"x-api", *(key for key in found if key.startswith("x-"))})


def _ids(parts: Dialect) -> set[str]:
    """Ids of the rows of a dialect, those that it shares included."""
    files = [_opened(path) for path in (*parts.requirements, *parts.include)]
    rows = [row for file in files for row in file.rows("requirements")]
    return {str(row["id"]) for row in rows if isinstance(row, Mapping) and "id" in row}


def _documents(parts: Dialect) -> dict[str, Any]:
    """How many lines each document of a dialect has."""
    rows = _opened(parts.sources).rows("sources") if parts.sources else []
    return {str(row.get("id")): row.get("lines", 0) for row in rows}


def _stated(parts: Dialect) -> set[str]:
    rows = _opened(parts.rulings).rows("rulings") if parts.rulings else []
    return {str(row.get("id")) for row in rows}
