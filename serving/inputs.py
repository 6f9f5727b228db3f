"""One text or several, each as text or as token ids."""

from collections.abc import Sequence
from typing import Any

from aios_conformance.serving.errors import Meaningless

Input = str | Sequence[int]


def inputs(value: Any, member: str) -> list[Input]:
    """Return one entry for each input of a valid `member`.

    A flat list of token ids is one input (`A-150`). Raises Meaningless for no input.
    """
    if isinstance(value, str):
        return [value]
    if not value:
        raise Meaningless(
            f"/{member} must hold at least one text", code="empty", param=member
        )
    if isinstance(value[0], int | float):
        return [[int(token) for token in value]]
    return [
        item if isinstance(item, str) else [int(token) for token in item]
        for item in value
    ]
