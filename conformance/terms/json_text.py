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
_EXACT = 2**53


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


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return True
    return False


def _with_integers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_integers(inner) for name, inner in value.items()}
    if isinstance(value, list):  # vectors are long: no call for a component
        return [
            inner
            if isinstance(inner, float) and not inner.is_integer()
            else _with_integers(inner)
            for inner in value
        ]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return int(value) if is_whole else value
