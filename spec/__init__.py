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
from aios_conformance.spec._documents import Example, examples, openapi, report_schema
from aios_conformance.spec._files import DIALECTS, SpecError
from aios_conformance.spec._levels import LEVEL_RULE
from aios_conformance.spec._sources import Source, SourceLine, source_lines, sources
from aios_conformance.spec._topics import named, row, rows

__all__ = [
    "DIALECTS",
    "LEVEL_RULE",
    "Example",
    "Level",
    "Reading",
    "Requirement",
    "Ruling",
    "Source",
    "SourceLine",
    "SpecError",
    "examples",
    "named",
    "openapi",
    "report_schema",
    "requirement",
    "requirements",
    "requirements_sha256",
    "row",
    "rows",
    "rulings",
    "source_lines",
    "sources",
]
