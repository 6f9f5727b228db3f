"""The contract as data: OpenAPI documents, requirements, rulings, sources.

What is loaded is loaded once and shared, so callers must not change it. The servers
need `openapi` alone; the catalogue is read on first use. Everything that goes wrong
is a SpecError.
"""

from aios_conformance.spec._apis import (
    LISTING,
    MODEL_APIS,
    Api,
    ApiSpec,
    ModelKind,
    api_of,
    apis,
    described,
    model_apis,
    served_by,
    title,
)
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
from aios_conformance.spec._nodes import Node, Nodes, nodes
from aios_conformance.spec._sources import Source, SourceLine, source_lines, sources

__all__ = [
    "DIALECTS",
    "LEVEL_RULE",
    "LISTING",
    "MODEL_APIS",
    "Api",
    "ApiSpec",
    "Example",
    "Level",
    "ModelKind",
    "Node",
    "Nodes",
    "Reading",
    "Requirement",
    "Ruling",
    "Source",
    "SourceLine",
    "SpecError",
    "api_of",
    "apis",
    "described",
    "examples",
    "model_apis",
    "nodes",
    "openapi",
    "report_schema",
    "requirement",
    "requirements",
    "requirements_sha256",
    "rulings",
    "served_by",
    "source_lines",
    "sources",
    "title",
]
