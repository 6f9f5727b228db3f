"""Every tolerance of the suite, once, with its reason."""

from math import frexp, isfinite

BETWEEN_CALLS = 1e-3
"""Vectors and scores compared between two calls: batching reorders float sums, and
real servers differ by up to 3e-4 between float and base64 answers."""

HALF_PRECISION = 2.0**-6
"""Numbers of a vector between two calls, in units of its largest: bfloat16 keeps 8
bits, of which sums through many layers lose two. In it a real model gives 384 numbers
that differ by up to 0.0013, where 1e-3 would blame the arithmetic."""

WITHIN_ANSWER = 1e-6
"""Numbers of one answer compared with each other: printing and parsing only."""

_BITS = 8  # of the numbers of bfloat16


def between_calls(*scores: float) -> float:
    """How far apart scores of the same texts may be: BETWEEN_CALLS, or more if coarse.

    Scores that are all numbers of bfloat16 were rounded to it, and each of them may be
    the next one: two steps of the largest.
    """
    finite = [score for score in scores if isfinite(score)]
    if not all(map(is_coarse, finite)):
        return BETWEEN_CALLS
    steps = (2.0 ** (frexp(score)[1] - _BITS) for score in finite)
    return max(BETWEEN_CALLS, 2 * max(steps, default=0.0))


def is_coarse(score: float) -> bool:
    """A finite score that is a number of bfloat16."""
    return isfinite(score) and not (frexp(score)[0] * 2**_BITS) % 1


PROBABILITY_MASS = 1e-3
"""Excess over 1 allowed to a sum of probabilities: logits in bfloat16 (META-067)."""

COSINE_SAME = 0.999
"""Two vectors of the same text, from separate calls (META-090, META-097)."""

COSINE_NEAR = 0.9
"""Below it a vector is of another text, or of none: no arithmetic is that coarse."""

SCORE_NEAR = 0.1
"""Beyond it a score is of another pair: an order of magnitude above half precision."""

COSINE_SCORE = 1e-2
"""Score of an embedding model against the cosine of its vectors (META-025)."""

BATCHED = 0.25
"""Log probabilities of the same tokens after the same text, alone and beside others.

Half precision and another order of sums move them by some hundredths; a position that
was shifted, or that of another text, is off by more."""

ALIKE = 4
"""Characters with which two generated texts begin alike, of which floating point made
one go on otherwise: a token or two. What differs from the first one on was asked of
another model, with other parameters or of another prompt (META-051)."""

LONGEST_TOKEN = 128
"""Characters of one token at most, by the vocabularies in use (a run of spaces): what
is longer than so many for each token of its limit has broken it, counted or not."""

CLOCK_S = 300.0
"""Skew allowed between our clock and the target's, in seconds (A-022)."""

MOVED = 5e-4
"""Scores of the same request, from two servers or two days, beyond which one has moved:
above the 3e-4 that real servers differ by between equal calls, below a change of 1e-3
that users notice in a ranking."""

COSINE_MOVED = 1e-4
"""By so much less than 1 the cosine of two vectors of the same text may be: components
that each differ by 3e-4 make half of it in 1024 dimensions."""

LOGPROB_MOVED = 5e-3
"""Log probabilities of the same token, from two servers or two days: sums of logits
round more coarsely than scores, and it is half a percent of a probability."""

TIES = 0.1
"""Of texts that leave no choice to the server this share may begin alike and then part,
which is what near ties of floating point do: it is told, and is no difference."""
