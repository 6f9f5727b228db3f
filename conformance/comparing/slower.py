"""First tokens that come later than they did: told, never judged."""

from collections.abc import Iterator, Mapping
from typing import Any

LEAST_MS = 25.0
"""Medians that lie closer say nothing: a busy machine alone moves them so far."""
FEWEST = 10


def slower(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Operations whose median time to the first token has moved, in words.

    By more than either run's own times lie apart, nine tenths of them.
    """
    for operation, mine in before["timing"].items():
        theirs = after["timing"].get(operation, {})
        one, other = mine.get("ttft_ms", {}), theirs.get("ttft_ms", {})
        if min(each.get("count", 0) for each in (one, other)) < FEWEST:
            continue
        noise = max(LEAST_MS, *(each["p90"] - each["min"] for each in (one, other)))
        if abs(other["p50"] - one["p50"]) > noise:
            yield (
                f"the first token of {operation} comes after {other['p50']:.0f} ms in "
                f"B, {one['p50']:.0f} in A (medians; {noise:.0f} ms would be noise)"
            )
