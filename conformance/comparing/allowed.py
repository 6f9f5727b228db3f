"""What counts as the same, as every comparison states it."""

from aios_conformance.conformance.terms.tolerances import (
    BETWEEN_CALLS,
    COSINE_MOVED,
    LOGPROB_MOVED,
    MOVED,
    TIES,
)

TOLERANCES: tuple[tuple[str, float, str], ...] = (
    (
        "scores",
        MOVED,
        "relevance scores, scores and other fractions, by their distance",
    ),
    ("rank", MOVED, "results whose scores lie closer may stand in either order"),
    ("cosine", COSINE_MOVED, "by so much less than 1 the cosine of two vectors may be"),
    ("vector", BETWEEN_CALLS, "numbers of a vector, in units of the largest above 1"),
    ("logprob", LOGPROB_MOVED, "log probabilities of the same token"),
    ("counts", 0, "tokens, indices and lengths are the same"),
    ("texts", 0, "texts at temperature 0 or with a seed are the same"),
    ("ties", TIES, "share of such texts that may part after the same beginning"),
)
"""Name, how far two values may lie apart, and what it is about."""

FREE_THINGS = (
    "ids and times of creation",
    "the wording of errors",
    "times, headers but Content-Type, and how a stream is cut into pieces",
    "texts that a request leaves to chance, with no seed and no temperature 0",
    "the length, tokens, end and probabilities of such a text",
    "tokens that a cache had",
    "what each of the two does not answer the same way twice by itself",
)
"""What is never a difference."""
