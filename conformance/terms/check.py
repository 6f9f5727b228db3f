"""Checks: pure functions from what was observed to findings.

The type of a check's only parameter says what it judges:

    an answer view (conformance.terms.views: RerankAnswer, ChatStream, Refusal …)
        every exchange that the view can be made of, whatever probe sent it;
    Observation
        every played scenario of the probes named in `on` (a relation);
    Record
        all exchanges of the run (ids distinct over calls …).

A check yields
    Finding   something is not as promised;
    FollowedReading   which of several accepted readings the target follows, or, for a
              MAY row, what it does; never judged;
    Witness   only for checks declared `witness=True`: the rows that this
              observation exercised (elsewhere every judged observation counts as
              evidence for all rows of the check).

Level, statement and sources of a row live in spec/requirements. A finding on a
SHOULD row warns; so does a `soft` finding on a MUST row (the catalogue's soft
clauses). MAY rows never have findings.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["silent", "refused", "malformed", "crash"]

Judges = Literal["meaning", "shape", "acceptance"]
"""What a check looks at. By a finding on the shape an answer is malformed; acceptance
is that of every step, and concerns the rows that the steps serve, or those declared."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise: what was expected, what was there, and where."""

    expected: str
    actual: object
    pointer: str = ""  # JSON pointer into the answer (or "/chunks/3/choices/0/…")
    kind: Kind = "malformed"
    soft: bool = False
    step: str = ""  # which step of an Observation; default: its last
    exchange: str = ""  # which exchange of a Record, by id
    ids: tuple[str, ...] = ()  # the rows it concerns; default: all of the check
    drift: bool = False  # generated texts that are alike up to a point


@dataclass(frozen=True, slots=True)
class FollowedReading:
    """Which accepted reading the target follows, in a few words."""

    text: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Witness:
    """Rows that were exercised by this observation."""

    ids: tuple[str, ...] = ()  # default: all of the check


Note = Finding | FollowedReading | Witness
Judge = Callable[[Any], Iterator[Note]]


@dataclass(frozen=True, slots=True)
class Check:
    """A judging function with the rows that it serves."""

    name: str
    ids: tuple[str, ...]
    judge: Judge
    view: type
    on: tuple[str, ...] = ()  # probes (names or prefixes ending in "."); () = all
    when: Callable[[Any], bool] | None = None  # else the observation is no evidence
    evidence: int = 1  # judged observations below which its rows stay inconclusive; 0
    # where a target that keeps the documents need not give it anything to judge
    witness: bool = False
    names: tuple[str, ...] = ()  # rows that its notes may name besides
    judges: Judges = "meaning"

    @property
    def promise(self) -> str:
        """What the check holds the target to: the docstring's first line."""
        return (inspect.getdoc(self.judge) or "").partition("\n")[0]


def check(
    *ids: str,
    on: str | tuple[str, ...] = (),
    when: Callable[[Any], bool] | None = None,
    evidence: int = 1,
    witness: bool = False,
    names: tuple[str, ...] = (),
    judges: Judges = "meaning",
) -> Callable[[Judge], Check]:
    """Declare a check for the given requirement ids.

    `when` is a predicate on the view: an observation that cannot show the promise
    kept or broken (one result cannot be out of order) is then no evidence. `names`
    are further rows that a witnessing check may name in its notes.
    """

    def make(judge: Judge) -> Check:
        (parameter,) = inspect.signature(judge, eval_str=True).parameters.values()
        probes = (on,) if isinstance(on, str) else on
        return Check(
            judge.__name__,
            ids,
            judge,
            parameter.annotation,
            probes,
            when,
            evidence,
            witness,
            names,
            judges,
        )

    return make
