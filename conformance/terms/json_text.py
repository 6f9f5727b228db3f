"""Reading JSON that a target wrote: a value, or None, and never an exception."""

from typing import Any

import orjson

DEEPEST = 128
"""Levels that are read. Documented answers have eight; what recurses over a value has
room for these."""


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text; None where it is none, or nested too deep to read."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if _is_shallow(value) else None


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
