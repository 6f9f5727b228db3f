"""The OpenAPI documents, the printed examples and the schema of report.json."""

import json
from functools import cache
from typing import Any

from spec._bundle import bundle
from spec._files import HERE, check_dialect, read_own


def _document_path(dialect: str) -> str:
    return "openapi.yaml" if dialect == "aios" else f"dialects/{dialect}.yaml"


@cache
def openapi(dialect: str = "aios") -> dict[str, Any]:
    """The OpenAPI 3.1 document of a dialect, self-contained; do not change it.

    Raises:
        SpecError: no such dialect.

    """
    check_dialect(dialect)
    path = _document_path(dialect)
    return bundle(read_own(path), (HERE / path).parent)


@cache
def report_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of report.json; do not change it."""
    schema: dict[str, Any] = json.loads((HERE / "report.schema.json").read_bytes())
    return schema
