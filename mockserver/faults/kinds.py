"""A bad day, to test a client: refusals, cut connections, stalled streams.

A fault is written `KIND` or `KIND@N`; a number from 400 to 599 is a status. N counts
the events of a stream that arrive unharmed (default 1). Whole answers are harmed in
the middle of their body. The last seven kinds concern streams as a whole.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from random import Random
from typing import Final

from aios_conformance.serving.digits import whole_number
from aios_conformance.serving.located import short

KINDS: Final = {
    "drop": "close the connection without a byte of an answer",
    "cut": "close the connection in the middle of the answer",
    "cut-utf8": "the same, inside a character of several bytes",
    "truncate": "end in the middle as if all were well: no finish, no [DONE]",
    "stall": "go silent in the middle and leave the connection open",
    "garbage": "send broken JSON",
    "error": "send an error event into the stream; a 500 for a whole answer",
    "empty": "answer 200 with no body",
    "dribble": "send the answer in pieces of a few bytes",
    "split": "send each event in two packets, cut anywhere",
    "merge": "send several events and a part of the next in one packet",
    "crlf": "end the lines of a stream with CR LF",
    "bom": "begin a stream with a byte order mark",
    "ping": "send a comment before each event of a stream",
    "no-space": "write `data:` without the space after it",
    "done-twice": "send [DONE] twice",
    "no-done": "send all but [DONE]",
}
"""What a fault can be, beside a status."""


class FaultError(argparse.ArgumentTypeError, ValueError):
    """A fault cannot be understood; the text says what is valid."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong; `at` counts events of a stream."""

    kind: str
    at: int = 1

    @property
    def status(self) -> int | None:
        """The status of a refusal; None for other kinds."""
        return int(self.kind) if self.kind.isdecimal() else None

    @property
    def breaks_off(self) -> bool:
        """Whether the client does not get the whole answer."""
        return self.kind in ("drop", "cut", "cut-utf8", "truncate", "stall")

    def __str__(self) -> str:
        """Spell the fault as options and headers do."""
        return self.kind if self.at == 1 else f"{self.kind}@{self.at}"


@dataclass(frozen=True, slots=True)
class FaultRate:
    """A fault, and the share of requests that meet it."""

    fault: Fault
    rate: float


def parse_fault(text: str) -> Fault:
    """Read `KIND`, `KIND@N` or a status; raises FaultError."""
    kind, at, count = text.strip().partition("@")
    status = 400 <= (whole_number(kind) or 0) <= 599
    events = whole_number(count) if at else 1
    if not (status or kind in KINDS) or events is None:
        near = get_close_matches(kind[:100], KINDS, 1)
        nearest = f"; the nearest is {near[0]!r}" if near else ""
        raise FaultError(
            f"must be a status from 400 to 599 or one of {', '.join(KINDS)}, each "
            f"with @N if wanted, got {short(text)}{nearest}"
        )
    return Fault(kind, events)


def parse_rate(text: str) -> FaultRate:
    """Read `FAULT=RATE` with a rate from 0 to 1, or `FAULT` alone (always)."""
    fault, given, share = text.partition("=")
    try:
        rate = float(share) if given else 1.0
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise FaultError(f"the rate must be a number from 0 to 1, got {short(share)}")
    return FaultRate(parse_fault(fault), rate)


def draw(rates: Sequence[FaultRate], seed: int, number: int) -> Fault | None:
    """Choose the fault of request `number`; the same seed makes the same choices."""
    if not rates:
        return None
    point = Random(f"{seed} {number}").random()  # noqa: S311 - no secret
    for one in rates:
        point -= one.rate
        if point < 0:
            return one.fault
    return None
