"""Reading JSON that a target wrote: a value, or None, and never an exception."""

import re
from typing import Any

import orjson

DEEPEST = 128
"""Levels that are read. Documented answers have eight; what recurses over a value has
room for these."""

MOST_TEXTS = 100_000
"""Names and texts that are read; nothing that is sent is answered by so many, and each
of them is looked at by many checks."""

_POINTED = re.compile(rb"\.0+(?!\d)")  # what it finds may be text as well
_HIGH, _LOW = (rb"\\u[dD][%b][\dA-Fa-f]{2}" % each for each in (b"89abAB", b"c-fC-F"))
_HALVES = re.compile(rb"\\[^u]|%b%b|(%b|%b)" % (_HIGH, _LOW, _HIGH, _LOW), re.DOTALL)
_EXACT = 2**53
_NESTING = frozenset({dict, list})


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text; None where it is none, or too deep or wide to read.

    Numbers without a fraction are integers, as JSON Schema counts them: 3.0 is 3.
    """
    data = text.encode(errors="replace") if isinstance(text, str) else text
    if data.count(b'"') > 2 * MOST_TEXTS:
        return None
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    opened = data.count(b"[") + data.count(b"{")  # most texts are told by that alone
    if opened > DEEPEST and not _is_shallow(value):
        return None
    return _with_integers(value) if _POINTED.search(data) else value


def read_answer(text: bytes | str) -> Any:
    """The value of what a target says; half of a surrogate pair is read as U+FFFD.

    The grammar of JSON allows such an escape, and who was sent one may say it again.
    """
    value = read_json(text)
    data = text.encode(errors="replace") if isinstance(text, str) else text
    if value is not None or b"\\u" not in data:
        return value
    whole = _HALVES.sub(_without_half, data)
    return None if whole == data else read_json(whole)


def _without_half(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found[1] else found[0]


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _nested(outer)]
        if not level:
            return True
    return False


def _nested(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or _NESTING.isdisjoint(map(type, inside)):
        return []  # a vector, which is long
    return [inner for inner in inside if type(inner) in _NESTING]


def _with_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_integers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return value if _is_fractions(value) else [*map(_with_integers, value)]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return int(value) if is_whole else value


def _is_fractions(values: list[Any]) -> bool:
    """All are numbers with a fraction, as those of vectors, told without a loop."""
    try:
        return not any(map(float.is_integer, values))
    except TypeError:
        return False
