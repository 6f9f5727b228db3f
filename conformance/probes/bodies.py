"""The smallest valid body of each API: what mutants and variants start from."""

from typing import Any

from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Served
from aios_conformance.spec import apis

OPERATION = {name: api.operation for name, api in apis().items()}
REQUIRED = {name: api.required for name, api in apis().items()}


def valid(api: Api, served: Served) -> dict[str, Any]:
    """A small body that the documents allow; generation is always limited."""
    known = apis()[api]
    limit = {"max_tokens": 4} if known.generates else {}
    return {"model": served.model(api), **known.smallest, **limit}
