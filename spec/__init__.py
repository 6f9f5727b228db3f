"""The contract as data: OpenAPI documents, requirements, rulings, sources.

What is loaded is loaded once and shared, so callers must not change it. The servers
need `openapi` alone; the catalogue is read on first use. Everything that goes wrong
is a SpecError.
"""

from aios_conformance.spec._apis import (
    APIS,
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
    Parts,
    PartsOf,
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
    sound_dialect,
)
from aios_conformance.spec._documents import Example, examples, openapi, report_schema
from aios_conformance.spec._editions import (
    Edition,
    edition,
    edition_of,
    editions,
)
from aios_conformance.spec._files import DIALECTS, SpecError
from aios_conformance.spec._levels import LEVEL_RULE
from aios_conformance.spec._nodes import Node, Nodes, each_operation, nodes
from aios_conformance.spec._operations import (
    api_named,
    forms,
    operations,
    smallest_body,
    smallest_value,
)
from aios_conformance.spec._places import BELOW, Locator, locators
from aios_conformance.spec._plain import plain, read_plain
from aios_conformance.spec._promises import Promise, promises
from aios_conformance.spec._sources import Source, SourceLine, source_lines, sources
from aios_conformance.spec._topics import named, row, rows
from aios_conformance.spec._yaml import NoYaml, compose_yaml, parse_yaml, value_of

__all__ = [
    "APIS",
    "BELOW",
    "DIALECTS",
    "LEVEL_RULE",
    "LISTING",
    "MODEL_APIS",
    "Api",
    "ApiSpec",
    "Dialect",
    "Edition",
    "Example",
    "Level",
    "Locator",
    "ModelKind",
    "NoYaml",
    "Node",
    "Nodes",
    "Parts",
    "PartsOf",
    "Promise",
    "Reading",
    "Requirement",
    "Ruling",
    "ServedModel",
    "Source",
    "SourceLine",
    "SpecError",
    "api_named",
    "api_of",
    "apis",
    "compose_yaml",
    "described",
    "dialect",
    "each_operation",
    "edition",
    "edition_of",
    "editions",
    "examples",
    "find_dialect",
    "forms",
    "known_dialects",
    "locators",
    "model_apis",
    "models",
    "named",
    "nodes",
    "openapi",
    "operations",
    "parse_yaml",
    "plain",
    "promises",
    "read_plain",
    "report_schema",
    "requirement",
    "requirements",
    "requirements_sha256",
    "row",
    "rows",
    "rulings",
    "served_by",
    "smallest_body",
    "smallest_value",
    "sound_dialect",
    "source_lines",
    "sources",
    "title",
    "value_of",
]
