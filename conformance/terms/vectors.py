"""Vectors: decoding and comparing them."""

import base64
import binascii
import math
import struct
from collections.abc import Iterable, Sequence

from aios_conformance.conformance.terms.tolerances import (
    BETWEEN_CALLS,
    HALF_PRECISION,
)

Vector = Sequence[float]


def decoded(text: str) -> list[float]:
    """The numbers of a base64 answer: little-endian 32-bit floats (A-124).

    Raises:
        ValueError: not base64, or not a whole number of floats.

    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    if len(data) % 4:
        raise ValueError(f"{len(data)} bytes are no whole number of 32-bit floats")
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def floats(embeddings: Iterable[Sequence[float] | str]) -> list[Vector]:
    """Vectors of either encoding, as numbers.

    Raises:
        ValueError: a string does not decode.

    """
    return [decoded(e) if isinstance(e, str) else e for e in embeddings]


def is_finite(vector: Vector) -> bool:
    """No component is infinite or not a number."""
    return all(map(math.isfinite, vector))


def cosine(one: Vector, other: Vector) -> float:
    """The cosine of two vectors.

    0.0 where there is none: a zero vector, an infinite component, lengths that differ.
    """
    if len(one) != len(other) or not (is_finite(one) and is_finite(other)):
        return 0.0
    norms = math.hypot(*one) * math.hypot(*other)
    dot = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return dot / norms if norms else 0.0


def likeness(one: Vector, other: Vector) -> float:
    """The cosine of vectors that should be the same; equal ones are, zeros too."""
    return 1.0 if one == other else cosine(one, other)


def agreement(one: Vector, other: Vector) -> float:
    """The cosine of vectors that should be the same, less where one of them is longer.

    Of 1 are equal ones alone: a vector of another length is another vector, though
    none need be of unit length (A-130).
    """
    if one == other:
        return 1.0
    lengths = sorted((math.hypot(*one), math.hypot(*other)))
    # 2ab / (a² + b²), 1 where both lengths are the same
    share = lengths[0] / lengths[1] if 0 < lengths[1] < math.inf else 0.0
    return cosine(one, other) * 2 * share / (1 + share * share)


def largest_difference(one: Vector, other: Vector) -> float:
    """The largest component of the difference of two vectors.

    Infinite if their lengths differ or a component is not finite. In units of the
    largest component where that exceeds 1: vectors need not be of unit length (A-130).
    """
    if len(one) != len(other) or not (is_finite(one) and is_finite(other)):
        return math.inf
    scale = max(abs(x) for x in (1.0, *one, *other))
    differences = (abs(a - b) for a, b in zip(one, other, strict=True))
    return max(differences, default=0.0) / scale


def is_close(one: Vector, other: Vector) -> bool:
    """Two vectors of the same texts are the same number by number, up to arithmetic."""
    apart = largest_difference(one, other)
    largest = max((abs(x) for x in (*one, *other)), default=0.0)
    return apart <= max(BETWEEN_CALLS, HALF_PRECISION * min(1.0, largest))
