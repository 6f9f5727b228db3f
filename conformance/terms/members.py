"""The members of a request's body with their values, so that they can be compared."""

from collections.abc import Iterator

import orjson

from aios_conformance.conformance.terms.exchange import Exchange, Member


def members_of(exchange: Exchange) -> Iterator[Member]:
    """The members of a JSON object that was sent; none of any other body."""
    body = exchange.request.json
    if isinstance(body, dict):
        where = exchange.request.operation
        for name, value in body.items():
            yield where, name, orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
