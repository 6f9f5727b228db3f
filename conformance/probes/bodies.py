"""The smallest valid body of each API: what mutants and variants start from."""

from collections.abc import Mapping
from typing import Any

from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.conformance.terms.probe import Served
from aios_conformance.spec import ApiSpec, apis, nodes

OPERATION = {name: api.operation for name, api in apis().items()}
REQUIRED = {name: api.required for name, api in apis().items()}
TRUNCATION = "truncate_prompt_tokens"
OWN = "the document leaves null open, but replies of the server hold it"


def by_version(api: Api) -> dict[str, tuple[str, str]]:
    """Each operation of an API, with the row that promises it, by its version."""
    found: dict[str, tuple[str, str]] = {}
    for operation in sorted(apis()[api].operations):
        version = operation.partition("/")[2].rpartition("/")[0] or "root"
        found[version] = operation, nodes().operation(operation)["x-requirements"][0]
    return found


def function(name: str, **members: Json) -> dict[str, Any]:
    """A function tool (000:397)."""
    return {"type": "function", "function": {"name": name, **members}}


def is_beyond(body: Mapping[str, Any], api: Api, served: Served) -> bool:
    """The body's limit on tokens is more than the model says that it reads (A-047)."""
    limit, stated = served.facts.limits.get(api), body.get(TRUNCATION)
    return limit is not None and isinstance(stated, int) and stated > limit


def limit_of(api: ApiSpec) -> dict[str, int]:
    """What keeps an answer short: no default does, and a long one costs minutes."""
    return {"max_tokens": 4} if api.generates else {}


def valid(api: Api, served: Served) -> dict[str, Any]:
    """A small body that the documents allow; generation is always limited."""
    known = apis()[api]
    return {"model": served.model(api), **known.smallest, **limit_of(known)}
