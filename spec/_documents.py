"""The OpenAPI documents, the printed examples and the schema of report.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from aios_conformance.spec._bundle import bundle
from aios_conformance.spec._files import HERE, check_dialect, read_own


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
def openapi(dialect: str = "aios") -> dict[str, Any]:
    """The OpenAPI 3.1 document of a dialect, self-contained; do not change it.

    Raises:
        SpecError: no such dialect.

    """
    check_dialect(dialect)
    name = "openapi.yaml" if dialect == "aios" else f"dialects/{dialect}.yaml"
    return bundle(read_own(name), (HERE / name).parent)


@cache
def examples(dialect: str = "aios") -> Mapping[str, Example]:
    """The printed examples of a dialect by id; do not change their bodies.

    Raises:
        SpecError: no such dialect.

    """
    check_dialect(dialect)
    found = {
        row["id"]: _example(row)
        for row in read_own("examples/index.yaml")["examples"]
        if row["dialect"] == dialect
    }
    return MappingProxyType(found)


def _example(row: Mapping[str, Any]) -> Example:
    members = {name: value for name, value in row.items() if name != "file"}
    members["sources"] = tuple(row["sources"])
    members["requirements"] = tuple(row["requirements"])
    if "file" in row:
        members["body"] = _read_json(f"examples/{row['file']}")
    return Example(**members)


@cache
def report_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of report.json; do not change it."""
    schema: dict[str, Any] = _read_json("report.schema.json")
    return schema


def _read_json(name: str) -> Any:
    return json.loads((HERE / name).read_bytes())
