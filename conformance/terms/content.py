"""What an answer says, besides ids, names, times and counts: compared across calls."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.tolerances import ALIKE, between_calls
from aios_conformance.conformance.terms.vectors import is_close

_TELLING = ("results", "data", "choices")


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The first place where two answers say different things."""

    pointer: str  # JSON pointer into the later answer
    before: Any
    after: Any


def difference(before: Exchange, after: Exchange) -> FirstDifference | None:
    """Where the later answer departs from the earlier one; None if it says the same.

    Texts are equal, numbers within what float sums differ by between calls. Results of
    a rerank are held against each other by index: which of two equal scores comes first
    is free (META-001).
    """
    one, other = _content(before), _content(after)
    for name in {**one, **other}:
        pointer, left = one.get(name, (name, None))
        pointer, right = other.get(name, (pointer, None))
        if not _is_close(left, right):
            return _told(pointer, left, right)
    return None


def _told(pointer: str, left: object, right: object) -> FirstDifference:
    """Of two vectors the number that differs most is told, or how many there are."""
    if isinstance(left, tuple) and isinstance(right, tuple) and len(left) == len(right):
        apart = [abs(a - b) for a, b in zip(left, right, strict=True)]
        place = apart.index(max(apart))
        return FirstDifference(f"{pointer}/{place}", left[place], right[place])
    before, after = (
        f"{len(side)} numbers" if isinstance(side, tuple) else side
        for side in (left, right)
    )
    return FirstDifference(pointer, before, after)


def is_drift(one: object, other: object) -> bool:
    """Two texts that begin alike and then part, as near ties of floating point do.

    A text that ends where the other goes on was cut, which is no such thing. Of lists
    each item is the same or has drifted.
    """
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        pairs = zip(one, other, strict=False)
        alike = all(a == b or is_drift(a, b) for a, b in pairs)
        return len(one) == len(other) and alike
    if not (isinstance(one, str) and isinstance(other, str)):
        return False
    start = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    shared = one[: sum(1 for _ in start)]
    return len(shared.strip()) >= ALIKE and shared not in (one, other)


def _is_close(left: object, right: object) -> bool:
    if isinstance(left, tuple) and isinstance(right, tuple):
        return is_close(left, right)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return abs(left - right) <= between_calls(left, right)
    return left == right


def _content(exchange: Exchange) -> dict[str, tuple[str, Any]]:
    """The JSON pointer and value of everything that an answer says, by name."""
    body = exchange.response.json if exchange.response else None
    if not isinstance(body, dict):
        return {}
    found: dict[str, tuple[str, Any]] = {}
    told = {member: body.get(member) for member in _TELLING}
    waiting: list[tuple[str, str, Any]] = [("", "", told)]
    while waiting:
        name, pointer, value = waiting.pop()
        if isinstance(value, list) and {*map(type, value)} == {float}:
            found[name] = (pointer, tuple(value))
        elif isinstance(value, dict | list):
            inner = [
                (f"{name}/{known_by}", f"{pointer}/{place}", item)
                for place, known_by, item in _inner(name, value)
            ]
            waiting += reversed(inner)
        elif value is not None:
            found[name] = (pointer, value)
    return found


def _inner(name: str, value: Any) -> Iterator[tuple[object, object, Any]]:
    """What stands in an object or a list: its place, what it is known by, and it."""
    if isinstance(value, dict):
        yield from ((key, key, item) for key, item in value.items() if key != "id")
        return
    indices = [item.get("index") for item in value if isinstance(item, dict)]
    is_numbered = {*map(repr, indices)} == {*map(repr, range(len(value)))}
    by_index = name == "/results" and is_numbered
    for place, item in enumerate(value):
        yield place, indices[place] if by_index else place, item
