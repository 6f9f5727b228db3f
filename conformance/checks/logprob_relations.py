"""Log probabilities of the same greedy request, asked for in several ways."""

import math
from collections.abc import Iterator

from aios_conformance.conformance.checks.generated import equal, on
from aios_conformance.conformance.checks.scored import Position, WithLogprobs
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.tolerances import BETWEEN_CALLS


@check("META-073", on=on("logprobs"), witness=True)
def log_probabilities_leave_the_text_alone(seen: Observation) -> Iterator[Note]:
    """Greedy text is the same with and without log probabilities."""
    asked = [
        label
        for label, exchange in seen.steps.items()
        if label != "off" and exchange.expect != "refuse"
    ]
    yield from equal(seen, ("META-073",), "off", asked)


def _shared_positions(
    seen: Observation, few: str, many: str
) -> Iterator[tuple[int, Position, Position]]:
    """Positions of two greedy answers, as far as their tokens agree."""
    views = [
        WithLogprobs.of(seen[s], seen.facts) for s in (few, many) if s in seen.steps
    ]
    if len(views) < 2 or any(view is None or not view.read for view in views):
        return
    left, right = (view.read[0].positions or [] for view in views if view)
    for i, (one, other) in enumerate(zip(left, right, strict=False)):
        if one.name != other.name:
            return
        yield i, one, other


@check("META-075", on="chat.logprobs", witness=True)
def fewer_alternatives_begin_more(seen: Observation) -> Iterator[Note]:
    """The 3 likeliest tokens of a greedy position are the first 3 of the 20."""
    for i, few, many in _shared_positions(seen, "few", "many"):
        yield Witness(("META-075",))
        for one, other in zip(few.ranked, many.ranked, strict=False):
            is_tie = abs(one.logprob - other.logprob) <= BETWEEN_CALLS
            if one.name != other.name and not is_tie:
                yield Finding(
                    expected=f"{one.token!r} ({one.logprob}), as under a lower k",
                    actual=f"{other.token!r} ({other.logprob})",
                    pointer=f"/choices/0/logprobs/content/{i}/top_logprobs",
                    step="many",
                    ids=("META-075",),
                )
                return


@check("META-089", on="completions.logprobs", witness=True)
def fewer_alternatives_are_among_more(seen: Observation) -> Iterator[Note]:
    """The likeliest token of a greedy position is among the 5 likeliest."""
    for i, few, many in _shared_positions(seen, "few", "many"):
        yield Witness(("META-089",))
        known = {other.name: other.logprob for other in many.alternatives}
        least = min(known.values(), default=-math.inf)
        for one in few.alternatives:
            is_tie = one.logprob <= least + BETWEEN_CALLS
            if one.name not in known and not is_tie:
                yield Finding(
                    expected=f"{one.token!r} ({one.logprob}), as under logprobs 1",
                    actual=sorted(map(str, known)),
                    pointer=f"/choices/0/logprobs/top_logprobs/{i}",
                    step="many",
                    ids=("META-089",),
                )
                return
