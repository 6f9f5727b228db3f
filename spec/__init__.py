"""The contract as data: OpenAPI documents, requirements, rulings, sources.

What is loaded is loaded once and shared, so callers must not change it. The servers
need `openapi` alone; the catalogue is read on first use. Everything that goes wrong
is a SpecError.
"""

from aios_conformance.spec._catalogue import (
    Level,
    Reading,
    Requirement,
    Ruling,
    requirement,
    requirements,
    requirements_sha256,
    rulings,
)
from aios_conformance.spec._dialects import (
    Dialect,
    ServedModel,
    dialect,
    find_dialect,
    known_dialects,
    models,
)
from aios_conformance.spec._documents import Example, examples, openapi, report_schema
from aios_conformance.spec._files import DIALECTS, SpecError
from aios_conformance.spec._levels import LEVEL_RULE
from aios_conformance.spec._operations import (
    APIS,
    api_of,
    body_schema,
    each_operation,
    followed,
    operations,
    smallest_body,
    smallest_value,
)
from aios_conformance.spec._sources import Source, SourceLine, source_lines, sources
from aios_conformance.spec._topics import named, row, rows

__all__ = [
    "APIS",
    "DIALECTS",
    "LEVEL_RULE",
    "Dialect",
    "Example",
    "Level",
    "Reading",
    "Requirement",
    "Ruling",
    "ServedModel",
    "Source",
    "SourceLine",
    "SpecError",
    "api_of",
    "body_schema",
    "dialect",
    "each_operation",
    "examples",
    "find_dialect",
    "followed",
    "known_dialects",
    "models",
    "named",
    "openapi",
    "operations",
    "report_schema",
    "requirement",
    "requirements",
    "requirements_sha256",
    "row",
    "rows",
    "rulings",
    "smallest_body",
    "smallest_value",
    "source_lines",
    "sources",
]
