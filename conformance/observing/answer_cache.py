"""Answers that the runs of several dialects share: what one asked, another need not.

A run of one dialect has them to itself, and is never given one twice.
"""

from collections import Counter
from dataclasses import dataclass, field

from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.transport import Received
from aios_conformance.conformance.terms.requests import Outgoing

Key = tuple[str, bytes, tuple[tuple[str, str | None], ...]]
Place = tuple[Key, int]  # a request, and which time it is made
Answers = dict[Place, Received]


@dataclass(frozen=True, slots=True)
class Shared:
    """What the runs of several dialects have in common: limits and answers."""

    ledger: Budget
    answers: Answers = field(default_factory=dict)


@dataclass(slots=True)
class AnswerCache:
    """One run's way to the answers.

    The nth time that it makes a request it has the nth answer to it, whoever asked:
    a request that a run makes twice is meant twice, and sent twice.
    """

    answers: Answers = field(default_factory=dict)
    _times: Counter[Key] = field(default_factory=Counter)

    def place(self, made: Outgoing) -> Place:
        """Where the answer to a request stands, or will; each call is another time."""
        key = (made.operation, made.body or b"", tuple(sorted(made.headers.items())))
        self._times[key] += 1
        return key, self._times[key]
