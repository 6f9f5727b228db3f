"""First tokens that come later, or sooner, than they did: told, never counted.

A clock measures the network, the machine and its neighbours as well as the server.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

LEAST_MS = 25.0
"""Medians that lie closer say nothing: a busy machine alone moves them so far."""
FEWEST = 10


@dataclass(frozen=True, slots=True)
class Moved:
    """The median time to the first token of an operation, on both sides."""

    operation: str
    one_ms: float
    other_ms: float
    noise_ms: float

    @property
    def is_later(self) -> bool:
        """The second side takes longer."""
        return self.other_ms > self.one_ms

    @property
    def text(self) -> str:
        """In words."""
        return (
            f"the first token of `{self.operation}` comes after {self.other_ms:.0f} ms "
            f"in B, {self.one_ms:.0f} in A (medians; {self.noise_ms:.0f} ms would be "
            "noise)"
        )


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Moved]:
    """Operations whose median time to the first token differs between two reports.

    By more than either run's own times lie apart, nine tenths of them.
    """
    for operation, mine in before["timing"].items():
        theirs = after["timing"].get(operation, {})
        one, other = mine.get("ttft_ms", {}), theirs.get("ttft_ms", {})
        if min(each.get("count", 0) for each in (one, other)) < FEWEST:
            continue
        noise = max(LEAST_MS, *(each["p90"] - each["min"] for each in (one, other)))
        if abs(other["p50"] - one["p50"]) > noise:
            yield Moved(operation, one["p50"], other["p50"], noise)
