"""The OpenAPI documents, the printed examples and the schema of report.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from aios_conformance.spec._bundle import bundle
from aios_conformance.spec._dialects import dialect
from aios_conformance.spec._files import HERE, read_once


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A printed example, repaired where it is misprinted.

    Attributes:
        id: stable name, GOLD-….
        dialect: the document set that prints it.
        operation: "METHOD /path" that it belongs to.
        direction: request, response or headers.
        sources: the lines that print it.
        printed: valid if the text parses as it stands, invalid if it does after the
            repair, unusable if no body can be made of it.
        requirements: ids of the requirements that rest on it.
        repair: what was changed, None if nothing was.
        body: the JSON value, None if unusable. Names, texts, scores and vectors are
            as printed: whoever sends it replaces the model, and compares none of them.

    """

    id: str
    dialect: str
    operation: str
    direction: Literal["request", "response", "headers"]
    sources: tuple[str, ...]
    printed: Literal["valid", "invalid", "unusable"]
    requirements: tuple[str, ...]
    repair: str | None = None
    body: Any = None


@cache
def openapi(name: str = "aios") -> dict[str, Any]:
    """The OpenAPI 3.1 document of a dialect, self-contained; do not change it.

    Raises:
        SpecError: no such dialect.

    """
    path = dialect(name).openapi
    return bundle(read_once(path), path.parent)


@cache
def examples(name: str = "aios") -> Mapping[str, Example]:
    """The printed examples of a dialect by id; do not change their bodies.

    Raises:
        SpecError: no such dialect.

    """
    index = dialect(name).examples
    rows = ((read_once(index) or {}).get("examples") or ()) if index else ()
    found = {
        row["id"]: _example({"dialect": name, **row}, index.parent)
        for row in rows
        if index and row.get("dialect", name) == name
    }
    return MappingProxyType(found)


def _example(row: Mapping[str, Any], folder: Path) -> Example:
    members = {name: value for name, value in row.items() if name != "file"}
    members["sources"] = tuple(row["sources"])
    members["requirements"] = tuple(row["requirements"])
    if "file" in row:
        members["body"] = _read_json(folder / row["file"])
    return Example(**members)


@cache
def report_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of report.json; do not change it."""
    schema: dict[str, Any] = _read_json(HERE / "report.schema.json")
    return schema


def _read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())
