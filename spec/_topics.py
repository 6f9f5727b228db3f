"""Rows by what they are about: one topic names the rows of all that promise it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache

from aios_conformance.spec._catalogue import (
    Requirement,
    every_requirement,
    requirements,
)
from aios_conformance.spec._files import SpecError


def row(api: str, topic: str, dialect: str = "aios") -> str:
    """The id of the row about a topic, or of the one that covers it with others.

    Raises:
        SpecError: the API has no such row in this dialect; the nearest are named.

    """
    known = _topics(dialect).get(api, {})
    if topic in known:
        return known[topic]
    raise SpecError(f"{api} of {dialect} has no topic {topic!r}{_near(topic, known)}")


@cache
def rows(
    *topics: str, api: str | None = None, dialect: str | None = None
) -> tuple[str, ...]:
    """The ids of all rows about some topics, by topic; () where none is promised.

    `api`: only its rows, and those of several APIs that apply to it; `dialect`: only
    its own.

    Raises:
        SpecError: a topic that no row has; the nearest are named.

    """
    return tuple(
        each.id
        for topic in topics
        for each in named(topic)
        if api in (None, each.api)
        or (each.api == "common" and {*each.operations} & _operations(api))
        if dialect is None or dialect in each.dialects
    )


def named(name: str) -> tuple[Requirement, ...]:
    """The row of an id, or all rows of a topic, in any dialect.

    Raises:
        SpecError: neither is known; the nearest are named.

    """
    known = every_requirement()
    found = tuple(each for each in known.values() if name in (each.id, each.topic))
    if found:
        return found
    near = _near(name, {*known, *(each.topic for each in known.values())})
    looks = ": ids look like RERANK-SEM-006, topics like n-obeyed"
    raise SpecError(f"unknown requirement {name!r}{near or looks}")


def _operations(api: str | None) -> set[str]:
    """What an API promises to serve, in any dialect."""
    served = (each for each in named("served") if each.api == api)
    return {operation for each in served for operation in each.operations}


@cache
def _topics(dialect: str) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for each in requirements(dialect):
        for topic in (each.topic, *each.covers):
            found.setdefault(each.api, {})[topic] = each.id
    return found


def _near(name: str, known: Iterable[str]) -> str:
    valid = sorted(known)
    near = get_close_matches(name, valid, cutoff=0.7)
    near = near or get_close_matches(name.upper(), valid, cutoff=0.8)
    return f": did you mean {', '.join(near)}?" if near else ""
