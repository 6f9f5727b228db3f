"""A rule: a promise that good clients keep, and how to see it broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from inspect import getdoc

from aios_conformance.mockserver.clients.seen import Seen
from aios_conformance.mockserver.clients.session import Session


class Mark(StrEnum):
    """How a client did, the worst first."""

    FAIL = "fail"
    WARN = "warn"
    PASS = "pass"  # noqa: S105 - no password
    NOT_EXERCISED = "not exercised"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen once, and in which exchanges."""

    mark: Mark
    saw: str
    exchanges: tuple[int, ...] = ()
    where: str = ""  # the round in which it was seen, if there were several


Look = Callable[[Session], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class ClientRule:
    """A promise with its reason and what to do about it."""

    name: str
    promise: str
    why: str
    mend: str
    look: Look


def rule(*, why: str, mend: str) -> Callable[[Look], ClientRule]:
    """Make a rule of a function: its name is the rule's, its docstring the promise."""

    def made(look: Look) -> ClientRule:
        name = look.__name__.replace("_", "-")
        return ClientRule(name, getdoc(look) or "", why, mend, look)

    return made


def fail(saw: str, *exchanges: Seen) -> Finding:
    """Return what no client should do."""
    return _found(Mark.FAIL, saw, *exchanges)


def warn(saw: str, *exchanges: Seen) -> Finding:
    """Return what deserves a look, or what the wire shows in part only."""
    return _found(Mark.WARN, saw, *exchanges)


def good(saw: str, *exchanges: Seen) -> Finding:
    """Return that the promise was put to the test and kept."""
    return _found(Mark.PASS, saw, *exchanges)


def unseen(saw: str, *exchanges: Seen) -> Finding:
    """Return that something happened of which the wire does not show enough."""
    return _found(Mark.NOT_EXERCISED, saw, *exchanges)


def _found(mark: Mark, saw: str, *exchanges: Seen) -> Finding:
    return Finding(mark, saw, tuple(seen.number for seen in exchanges))
