"""Whole numbers in texts that anybody may have written."""

from typing import Final

_MOST: Final = 18  # digits; to read thousands of them is an error of its own


def whole_number(text: str) -> int | None:
    """Return the number that decimal digits spell; None for other texts, and longer.

    >>> [whole_number(text) for text in ("012", "-1", "9" * 5000)]
    [12, None, None]
    """
    return int(text) if len(text) <= _MOST and text.isdecimal() else None
