"""How one token is drawn from a distribution, as real servers do it.

Order: bias and penalties act on the logits; reported log probabilities are taken
there; then temperature, then top_p, then the draw.
"""

import struct
from bisect import bisect
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from math import exp, log
from typing import Final

from aios_conformance.mockserver.model.language import (
    Distribution,
    latest,
    versions,
)
from aios_conformance.mockserver.model.sentences import NODES, Move
from aios_conformance.mockserver.model.tokenizer import END, SPECIALS
from aios_conformance.serving.engine import Sampling

_GREEDY: Final = 1e-5  # a lower temperature is as good as zero
_ROOM: Final = 500.0  # logits above this would make weights overflow
_SURE: Final = 2.0  # a bound that no point reaches
_EXCESS: Final = 1 + 1e-12  # so that rounding leaves no room for what weighs nothing

Bounds = list[float]
"""Ends of the candidates' shares of [0, 1); what is left belongs to all others."""

Way = tuple[tuple[int, ...], bytes, str]
"""The tokens of a word, their bytes in a hash, and the node they lead to; "": none."""

Choices = tuple[tuple[Bounds, tuple[Way, ...]], ...]
"""For each version of a node's weights their bounds, and the ways on."""


def packed(tokens: Sequence[int]) -> bytes:
    """Return tokens as a hash reads them."""
    return struct.pack(f"<{len(tokens)}I", *tokens)


def _way(move: Move) -> Way:
    tokens = (move.token, *move.rest)
    return tokens, packed(tokens), "" if move.token == END else move.to


_WAYS: Final[Mapping[str, tuple[Way, ...]]] = {
    node: tuple(map(_way, moves)) for node, moves in NODES.items()
}


def adjust(
    distribution: Distribution, sampling: Sampling, counts: Mapping[int, int]
) -> Distribution:
    """Apply logit_bias and penalties (000:378-384).

    `counts` says how often each token was generated so far.
    """
    changes = dict(sampling.logit_bias)
    if sampling.frequency_penalty or sampling.presence_penalty:
        for token, count in counts.items():
            penalty = sampling.frequency_penalty * count + sampling.presence_penalty
            changes[token] = changes.get(token, 0.0) - penalty
    if not changes:
        return distribution
    weights = dict(zip(distribution.tokens, distribution.weights, strict=True))
    rest = distribution.rest
    logits = {
        token: log(weight) + change
        for token, change in changes.items()
        if (weight := weights.get(token, rest))
    }
    shift = max(logits.values(), default=0.0)
    if shift < _ROOM:
        shift = 0.0
    else:
        scale = exp(-shift)
        rest *= scale
        weights = {token: weight * scale for token, weight in weights.items()}
    weights.update({token: exp(logit - shift) for token, logit in logits.items()})
    return Distribution(
        tuple(weights), tuple(weights.values()), distribution.size, rest
    )


def bounds(distribution: Distribution, temperature: float, top_p: float) -> Bounds:
    """Divide [0, 1) among the candidates as temperature and top_p have it."""
    tokens, weights = distribution.tokens, distribution.weights
    if temperature < _GREEDY or top_p <= 0:
        highest = max(weights)
        best = min(
            (token, place)
            for place, token in enumerate(tokens)
            if weights[place] == highest
        )[1]
        return [0.0] * best + [_SURE] * (len(tokens) - best)
    others = distribution.others
    if temperature != 1:
        weights, rest = _heated(weights, distribution.rest, 1 / temperature)
        others = rest * (distribution.size - len(tokens))
    if top_p < 1:
        weights, others = _nucleus(weights, tokens, others, top_p)
    ends = list(accumulate(weights))
    whole = ends[-1] + others
    scale = 1 / whole if others else _EXCESS / whole
    return [end * scale for end in ends]


class Sampler:
    """Draws at one temperature and top_p from a vocabulary of one size."""

    def __init__(self, temperature: float, top_p: float, size: int) -> None:
        """Know no node yet."""
        self._how = temperature, top_p
        self.size = size
        self._known: dict[tuple[str, int, bool], Choices] = {}
        # the same again, for an end that comes of itself: quick to be found
        self.by_run: Mapping[bool, Mapping[str, list[Choices | None]]] = {
            lists: {node: [None] * (latest(lists=lists) + 1) for node in NODES}
            for lists in (False, True)
        }

    def choices(self, node: str, near: int, lists: bool) -> Choices:
        """Return what a draw needs to know of a node."""
        place = node, near, lists
        found = self._known.get(place)
        if found is None:
            weighed = versions(node, near, lists, self.size)
            found = tuple((self.bounds(one), _WAYS[node]) for one in weighed)
            self._known[place] = found
        return found

    def bounds(self, distribution: Distribution) -> Bounds:
        """Return the bounds of any distribution."""
        return bounds(distribution, *self._how)


sampler = lru_cache(maxsize=4)(Sampler)
"""The sampler of a temperature, a top_p and a size; the latest ones are kept."""


@lru_cache(maxsize=1_024)
def draw_factor(seed: int | None, choice: int) -> float:
    """Return what takes the hash of a context to the point in [0, 1) that is drawn."""
    digest = blake2b(f"{seed} {choice}".encode(), digest_size=8).digest()
    return 1 + int.from_bytes(digest, "little") * 2.0**-64


def drawn(distribution: Distribution, ends: Bounds, where: float) -> int:
    """Return the token at a point in [0, 1).

    Beyond the candidates all others are equally likely, but for special tokens.
    """
    tokens, size = distribution.tokens, distribution.size
    place = bisect(ends, where)
    if place < len(tokens):
        return tokens[place]
    share = (where - ends[-1]) / (1 - ends[-1]) if ends[-1] < 1 else 0.0
    start, listed = int(share * size), frozenset(tokens)
    for step in range(size):
        token = (start + step) % size
        if token not in listed and (token == END or token not in SPECIALS):
            return token
    return END


def _heated(
    weights: Sequence[float], rest: float, heat: float
) -> tuple[list[float], float]:
    """Raise weights to a power, in proportion to the highest where that is needed."""
    with suppress(OverflowError):
        heated = [weight**heat for weight in weights]
        if any(heated):
            return heated, rest**heat
    highest = max(weights)
    return [(weight / highest) ** heat for weight in weights], (rest / highest) ** heat


def _nucleus(
    weights: Sequence[float], tokens: Sequence[int], others: float, top_p: float
) -> tuple[list[float], float]:
    """Keep the likeliest tokens that together reach `top_p`; weigh others zero."""
    wanted = top_p * (sum(weights) + others) * (1 - 1e-12)
    kept = [0.0] * len(weights)
    reached = 0.0
    for weight, _, index in sorted(
        (-weight, token, index)
        for index, (weight, token) in enumerate(zip(weights, tokens, strict=True))
    ):
        if reached >= wanted:
            break
        kept[index] = -weight
        reached -= weight
    return kept, max(0.0, wanted - reached)
