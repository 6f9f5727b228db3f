"""How one token is drawn from a distribution, as real servers do it.

Order: bias and penalties act on the logits; reported log probabilities are taken
there; then temperature, then top_p, then the draw.
"""

from bisect import bisect
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from itertools import accumulate
from math import exp, log

from aios_conformance.mockserver.language import Distribution
from aios_conformance.mockserver.tokenizer import BEGIN, END, PIECES, SIZE, TOOLS
from aios_conformance.serving.engine import Candidate, Sampling

_GREEDY = 1e-5  # a lower temperature is as good as zero
_FLOOR = -9999.0  # the log probability of what cannot be, as JSON knows no infinity
_ROOM = 500.0  # logits above this would make weights overflow


def logprob(distribution: Distribution, token: int, total: float) -> float:
    """Return the natural logarithm of a token's probability, at least -9999.

    `total` is the distribution's total weight.
    """
    try:
        weight = distribution.weights[distribution.tokens.index(token)]
    except ValueError:
        weight = distribution.rest
    share = weight / total
    if share >= 1:
        return 0.0
    return log(share) if share > 0 else _FLOOR


def top(distribution: Distribution, count: int, total: float) -> tuple[Candidate, ...]:
    """Return the likeliest tokens, the likeliest first, ties by id."""
    if not count:
        return ()
    ranked = sorted(map(_rank, distribution.weights, distribution.tokens))[:count]
    return tuple(
        Candidate(token, logprob(distribution, token, total), PIECES[token])
        for _, token in ranked
    )


def _rank(weight: float, token: int) -> tuple[float, int]:
    return -weight, token


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
        token: log(weights.get(token, rest)) + change
        for token, change in changes.items()
    }
    shift = max(logits.values())
    if shift < _ROOM:
        shift = 0.0
    else:
        scale = exp(-shift)
        rest *= scale
        weights = {token: weight * scale for token, weight in weights.items()}
    weights.update({token: exp(logit - shift) for token, logit in logits.items()})
    return Distribution(
        tuple(weights), list(weights.values()), distribution.digest, rest
    )


def draw(distribution: Distribution, sampling: Sampling, key: bytes) -> int:
    """Choose a token id.

    The choice is a pure function of the seed behind `key`, the context and the
    distribution, so that a repeated request repeats its answer.
    """
    tokens, weights, _, rest = distribution
    if sampling.temperature < _GREEDY or sampling.top_p <= 0:
        highest = max(weights)
        if weights.count(highest) > 1:
            return min(map(_rank, weights, tokens))[1]
        return tokens[weights.index(highest)]
    if sampling.temperature != 1:
        weights, rest = _heated(weights, rest, 1 / sampling.temperature)
    others = rest * (SIZE - len(tokens))
    if sampling.top_p < 1:
        weights, others = _nucleus(weights, tokens, others, sampling.top_p)
    sums = list(accumulate(weights))
    digest = blake2b(distribution.digest, key=key, digest_size=8).digest()
    point = int.from_bytes(digest, "big") / 2**64 * (sums[-1] + others)
    place = bisect(sums, point)
    if place < len(tokens):
        return tokens[place]
    # Beyond the candidates all tokens are equally likely.
    share = min((point - sums[-1]) / others, 1.0) if others else 0.0
    return _other(int(share * SIZE), set(tokens))


def _heated(
    weights: list[float], rest: float, heat: float
) -> tuple[list[float], float]:
    """Raise weights to a power, in proportion to the highest where that is needed."""
    with suppress(OverflowError):
        heated = [weight**heat for weight in weights]
        if any(heated):
            return heated, rest**heat
    highest = max(weights)
    return [(weight / highest) ** heat for weight in weights], (rest / highest) ** heat


def _nucleus(
    weights: list[float], tokens: tuple[int, ...], others: float, top_p: float
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


def _other(start: int, taken: set[int]) -> int:
    """Return the first token from `start` on that is neither taken nor special."""
    for step in range(SIZE):
        token = (start + step) % SIZE
        if token not in taken and (token == END or not BEGIN <= token <= TOOLS):
            return token
    return END
