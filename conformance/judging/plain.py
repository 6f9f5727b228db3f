"""Plainness: which of several requests shows a fault most plainly to a reader.

A text that the documents print needs no explanation; a drawn one does. An empty list
of messages shows nothing about a limit, unless nothing else does.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from aios_conformance.conformance.terms.exchange import Api, Exchange
from aios_conformance.spec import apis, examples


def strangeness(exchange: Exchange, dialect: str) -> tuple[int, int]:
    """How many required members are empty, and how many texts nobody prints."""
    body = exchange.request.json
    api = apis(dialect).get(exchange.api)
    if api is None or not isinstance(body, dict):
        return 0, 0
    empty = sum(body.get(name) in ("", [], [""]) for name in api.required)
    given = {name: value for name, value in body.items() if name != "model"}
    known = _familiar(dialect, exchange.api)
    return empty, sum(text not in known for text in _texts(given))


@cache
def _familiar(dialect: str, name: Api) -> frozenset[str]:
    """The texts of the printed requests and of the smallest body of an API."""
    api = apis(dialect)[name]
    printed = [
        each.body
        for each in examples(dialect).values()
        if each.direction == "request" and each.operation in api.operations
    ]
    return frozenset(_texts([*printed, dict(api.smallest)]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
