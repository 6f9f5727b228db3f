"""All exchanges that are judged together, and what they have to do with each other."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from aios_conformance.mockserver.clients.seen import Seen
from aios_conformance.mockserver.clients.turns import Turn, said, sent_back

_RETRY: Final = "x-stainless-retry-count"  # of OpenAI's clients
_MOMENT: Final = 0.005  # seconds between two clocks of one machine


@dataclass(frozen=True, eq=False)
class Session:
    """All that is judged together."""

    exchanges: Sequence[Seen]
    now: float
    forgotten: int = 0  # exchanges that the journal no longer has

    @cached_property
    def _alike(self) -> Collection[Sequence[Seen]]:
        alike: dict[object, list[Seen]] = {}
        for seen in self.exchanges:
            alike.setdefault(seen.key, []).append(seen)
        return alike.values()

    @cached_property
    def attempts(self) -> Mapping[int, Seen]:
        """The attempt that followed a failed exchange, by the number of the latter."""
        return {
            before.number: after
            for group in self._alike
            for before, after in _followed(group)
        }

    @cached_property
    def crowded(self) -> Collection[int]:
        """The exchanges that were alike and ran side by side.

        Which of them is another attempt at which is then a guess.
        """
        return {
            seen.number
            for group in self._alike
            if any(two.started < _over(one) for one, two in pairwise(group))
            for seen in group
        }

    @cached_property
    def answers(self) -> Sequence[Turn]:
        """All that the model said, the oldest first."""
        return [turn for seen in self.of("chat") for turn in said(seen)]

    @cached_property
    def returned(self) -> Sequence[Turn]:
        """All that clients say that the model said, the oldest first."""
        return [turn for seen in self.of("chat") for turn in sent_back(seen)]

    def of(self, api: str) -> Iterator[Seen]:
        """Yield the exchanges of an API, the oldest first."""
        return (seen for seen in self.exchanges if seen.api == api)


def _followed(group: Sequence[Seen]) -> Iterator[tuple[Seen, Seen]]:
    """Pair failures with the next attempt that began after them, each attempt once.

    Attempts that say themselves that they are retries have the first choice.
    """
    waiting = [seen for seen in group if seen.failed and seen.ended is not None]
    said = [seen for seen in group if seen.headers.get(_RETRY, "0") != "0"]
    for after in (*said, *(seen for seen in group if seen not in said)):
        for before in waiting:
            if before.number < after.number and _over(before) <= after.started:
                waiting.remove(before)
                yield before, after
                break


def _over(seen: Seen) -> float:
    return (seen.ended or seen.started) - _MOMENT
