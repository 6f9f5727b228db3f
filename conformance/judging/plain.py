"""Plainness: which of several requests shows a fault most plainly to a reader.

A request that the documents print needs no explanation; one with drawn texts does. An
empty list of messages shows nothing about a limit, unless nothing else does.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from aios_conformance.conformance.terms.exchange import Api, Exchange
from aios_conformance.spec import apis, examples

ABSENT = object()
"""In place of the value of a member that is not there."""


def strangeness(exchange: Exchange, dialect: str) -> tuple[int, int, int]:
    """How strange a request is; (0, 0, 0) is one that is printed, whatever its model.

    How many required members are empty, how many texts nobody prints, and how many
    members tell it from the nearest printed one; a stream is harder to read.
    """
    body = exchange.request.json
    api = apis(dialect).get(exchange.api)
    if api is None or not isinstance(body, dict):
        return 0, 0, 0
    empty = sum(body.get(name) in ("", [], [""]) for name in api.required)
    given = {name: value for name, value in body.items() if name != "model"}
    known = _familiar(dialect, exchange.api)
    unknown = sum(text not in known for text in _texts(given))
    harder = ("model" not in body) + (body.get("stream") is True)
    apart = min(
        len(differences(given, {k: v for k, v in base.items() if k != "model"}))
        for base in bases(dialect, exchange.api)
    )
    return empty, unknown, harder + apart


@cache
def bases(dialect: str, name: Api) -> tuple[Mapping[str, Any], ...]:
    """The printed requests of an API, or else its smallest body."""
    api = apis(dialect)[name]
    printed = tuple(
        each.body
        for each in examples(dialect).values()
        if each.direction == "request"
        and each.operation in api.operations
        and isinstance(each.body, dict)
    )
    return printed or (dict(api.smallest),)


def differences(body: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The members that make a body of a base: each with its value there, or ABSENT."""
    return {
        name: body.get(name, ABSENT)
        for name in (*base, *(name for name in body if name not in base))
        # as text: 1, 1.0 and true are not the same
        if repr(body.get(name, ABSENT)) != repr(base.get(name, ABSENT))
    }


@cache
def _familiar(dialect: str, name: Api) -> frozenset[str]:
    """The texts of the printed requests and of the smallest body of an API."""
    smallest = dict(apis(dialect)[name].smallest)
    return frozenset(_texts([*bases(dialect, name), smallest]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
