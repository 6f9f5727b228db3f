"""Each token stands beside its own log probabilities, not beside those of another.

How a token is spelt among its alternatives is for nobody to say, so that one which is
as likely may be the token itself; of several positions together it is told.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from aios_conformance.conformance.checks.generated import EVERYWHERE
from aios_conformance.conformance.checks.scored import Position, WithLogprobs
from aios_conformance.conformance.terms.check import Finding, Note, check

_OWN = {True: ("CHAT-SEM-006",), False: ("COMP-SEM-003",)}
_TELLING = 4
"""Positions that are alike, or off by one, by no chance."""


@check("CHAT-SEM-006", "COMP-SEM-003", on=EVERYWHERE, evidence=0, witness=True)
def no_token_has_its_neighbours_likelihood(answer: WithLogprobs) -> Iterator[Note]:
    """What is as likely as a token is that token, not the one before or behind it."""
    for choice in answer.read:
        positions = [p for p in choice.positions or () if p.alternatives]
        behind = [*pairwise(positions)]
        # a token that is listed under its own name stands at its own place
        named = sum(map(_is_named, positions))
        for pairs in (behind, [(one, other) for other, one in behind]):
            found = [one for one, other in pairs if _is_of(one, other)]
            if len(found) >= max(_TELLING, named + 1):
                yield Finding(
                    expected=f"the likelihood of {found[0].token!r}",
                    actual="that of the next token, or of the one before",
                    pointer=f"{choice.pointer}/logprobs",
                    ids=_OWN[answer.is_chat],
                )
                return


def _is_named(position: Position) -> bool:
    return any(other.name == position.name for other in position.alternatives)


def _is_of(one: Position, other: Position) -> bool:
    """What is as likely as one token is spelt as another one."""
    twin = one.listed()
    return twin is not None and twin.name == other.name != one.name


@check("COMP-SEM-003", on=EVERYWHERE, evidence=0, witness=True)
def an_echo_lists_alternatives_of_each_token(answer: WithLogprobs) -> Iterator[Note]:
    """Tokens of an echoed prompt do not all list the same, equally likely (soft)."""
    for choice in answer.read if answer.is_echoed else ():
        positions = choice.positions or []
        told = positions[: len(positions) - _most_generated(answer)]
        if _list_the_same([p for p in told if len(p.alternatives) > 1]):
            yield Finding(
                expected="the alternatives of each token of the prompt",
                actual=f"the same at {len(told)} positions",
                pointer=f"{choice.pointer}/logprobs/top_logprobs",
                soft=True,
                ids=("COMP-SEM-003",),
            )
            return


def _list_the_same(positions: Sequence[Position]) -> bool:
    """Different tokens have one list of alternatives."""
    names = {position.name for position in positions}
    lists = {tuple((a.name, a.logprob) for a in p.ranked) for p in positions}
    return len(names) >= _TELLING and len(lists) == 1


def _most_generated(answer: WithLogprobs) -> int:
    """How many positions of a choice may be of tokens that are no part of an echo."""
    given = (answer.sent.get(name) for name in ("max_tokens", "max_completion_tokens"))
    return max((limit for limit in given if isinstance(limit, int)), default=16)
