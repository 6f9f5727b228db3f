"""How often a finding was seen, and under which conditions only.

Each time that its scenario was sent is a trial. A condition that every trial with the
finding met, and none without it, is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aios_conformance.conformance.terms.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Occasion:
    """A request on which a finding was made, or could have been made again."""

    is_broken: bool
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A finding was seen so many times of those that it was looked for."""

    count: int
    of: int
    only: str = ""  # "while other requests are in flight"

    def __str__(self) -> str:
        """The same in words."""
        only = f", only {self.only}" if self.only else ""
        return f"seen {self.count} of {self.of} times{only}"


def occurrence(trials: Sequence[Occasion], exchanges: Sequence[Exchange]) -> Occurrence:
    """What trials have in common. `exchanges` are all that were recorded."""
    count = sum(trial.is_broken for trial in trials)
    only = ""
    if count < len(trials):
        broken = [trial.is_broken for trial in trials]
        only = next(
            (
                words
                for words, met in _conditions([t.exchange for t in trials], exchanges)
                if met == broken
            ),
            "",
        )
    return Occurrence(count, len(trials), only)


def _conditions(
    tried: Sequence[Exchange], exchanges: Sequence[Exchange]
) -> Iterator[tuple[str, list[bool]]]:
    """Conditions in words, and which of some exchanges met them."""
    yield (
        "while other requests are in flight",
        [any(True for _ in neighbours(each, exchanges)) for each in tried],
    )
    before = [preceding(each, exchanges) for each in tried]
    yield (
        "after a refusal",
        [each is not None and 400 <= each.status < 500 for each in before],
    )
    first = _first_times(exchanges)
    yield (
        "the first time",
        [each.sent_at <= first[_request(each)] for each in tried],
    )
    asked = [_request(each) if each is not None else None for each in before]
    for other in before:
        met = [each == _request(other) for each in asked] if other is not None else []
        if other is not None and sum(met) > 1:  # one alone says nothing
            yield f"right after what {other.id} asks", met


def neighbours(exchange: Exchange, exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """What was in flight at the same time."""
    begin, end = exchange.sent_at, exchange.sent_at + exchange.total_s
    for other in exchanges:
        overlaps = other.sent_at < end and begin < other.sent_at + other.total_s
        if overlaps and other.id != exchange.id:
            yield other


def preceding(exchange: Exchange, exchanges: Iterable[Exchange]) -> Exchange | None:
    """What its API was asked just before an exchange."""
    before = (
        other
        for other in exchanges
        if other.api == exchange.api and other.sent_at < exchange.sent_at
    )
    return max(before, key=lambda other: other.sent_at, default=None)


def _request(exchange: Exchange) -> tuple[str, bytes]:
    return exchange.request.operation, exchange.request.body


def _first_times(exchanges: Iterable[Exchange]) -> Mapping[tuple[str, bytes], float]:
    """When each request was sent first."""
    found: dict[tuple[str, bytes], float] = {}
    for each in exchanges:
        known = found.get(_request(each), each.sent_at)
        found[_request(each)] = min(known, each.sent_at)
    return found
