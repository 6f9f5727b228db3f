"""How one token is drawn from a distribution, as real servers do it.

Order: bias and penalties act on the logits; reported log probabilities are taken
there; then temperature, then top_p, then the draw.
"""

from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from math import exp, fsum, log

from mockserver.language import Distribution
from mockserver.tokenizer import BEGIN, END, PIECES, SIZE, TOOLS
from serving.engine import Candidate, Sampling

_GREEDY = 1e-5  # a lower temperature is as good as zero
_FLOOR = -9999.0  # the log probability of what cannot be, as JSON knows no infinity


@dataclass(frozen=True, slots=True)
class Scored:
    """Log weights of the candidates after bias and penalties, and their total."""

    tokens: tuple[int, ...]
    logits: list[float]
    rest: float
    log_total: float

    def logprob(self, token: int) -> float:
        """Return the natural logarithm of a token's probability."""
        logit = (
            self.logits[self.tokens.index(token)] if token in self.tokens else self.rest
        )
        return max(_FLOOR, min(0.0, logit - self.log_total))

    def top(self, count: int) -> tuple[Candidate, ...]:
        """Return the likeliest tokens, the likeliest first."""
        ranked = sorted(zip(self.logits, self.tokens, strict=True), key=_rank)[:count]
        return tuple(
            Candidate(token, self.logprob(token), PIECES[token]) for _, token in ranked
        )


def _rank(entry: tuple[float, int]) -> tuple[float, int]:
    logit, token = entry
    return -logit, token


def adjust(
    distribution: Distribution, sampling: Sampling, counts: Mapping[int, int]
) -> Scored:
    """Apply logit_bias and penalties (000:378-384).

    `counts` says how often each token was generated so far.
    """
    logits = {
        token: log(weight)
        for token, weight in zip(distribution.tokens, distribution.weights, strict=True)
    }
    rest = log(distribution.rest)
    for token, bias in sampling.logit_bias.items():
        logits[token] = logits.get(token, rest) + bias
    if sampling.frequency_penalty or sampling.presence_penalty:
        for token, count in counts.items():
            penalty = sampling.frequency_penalty * count + sampling.presence_penalty
            logits[token] = logits.get(token, rest) - penalty
    values = list(logits.values())
    highest = max(values)
    others = SIZE - len(values)
    total = fsum(exp(value - highest) for value in values)
    total += others * exp(rest - highest)
    return Scored(tuple(logits), values, rest, highest + log(total))


def draw(scored: Scored, sampling: Sampling, key: bytes, context: bytes) -> int:
    """Choose a token id.

    The choice is a pure function of the seed behind `key`, the digest of the context
    and the distribution, so that a repeated request repeats its answer.
    """
    if sampling.temperature < _GREEDY or sampling.top_p <= 0:
        return min(zip(scored.logits, scored.tokens, strict=True), key=_rank)[1]
    ranked = sorted(zip(scored.logits, scored.tokens, strict=True), key=_rank)
    highest = ranked[0][0]
    heat = 1 / sampling.temperature
    weights = [exp((logit - highest) * heat) for logit, _ in ranked]
    others = SIZE - len(ranked)
    rest = others * exp((scored.rest - highest) * heat)
    total = fsum(weights) + rest
    nucleus = sampling.top_p * total
    sums = list(accumulate(weights))
    kept = bisect(sums, nucleus * (1 - 1e-12)) + 1
    point = int.from_bytes(blake2b(context, key=key, digest_size=8).digest()) / 2**64
    if kept <= len(ranked):
        return ranked[bisect(sums, point * sums[kept - 1], hi=kept - 1)][1]
    # Beyond the candidates all tokens are equally likely.
    place = point * nucleus
    if place < sums[-1]:
        return ranked[bisect(sums, place)][1]
    return _other(int((place - sums[-1]) / rest * SIZE), set(scored.tokens))


def _other(start: int, taken: set[int]) -> int:
    """Return the first token from `start` on that is neither taken nor special."""
    for step in range(SIZE):
        token = (start + step) % SIZE
        if token not in taken and (token == END or not BEGIN <= token <= TOOLS):
            return token
    return END
