"""Pairs of texts: how far each is read, and how alike their vectors are."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

from aios_conformance.mockserver.model.tokenizer import beginning, decode
from aios_conformance.serving.engine import Model, PairScore, TooLong

PAIR_TOKENS: Final = 4
"""Special tokens of a pair: one before, one after each text, one between."""


def first(ids: Sequence[int], count: int) -> str:
    """Return the text of the first tokens; half a character at the cut is dropped."""
    return decode(ids[: max(0, count)]).decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class TextPair:
    """Two texts as far as they are read, and their tokens together."""

    texts: tuple[str, str]
    tokens: int


def cut(
    model: Model,
    left: str,
    right: str,
    truncate: int | None,
    read: Callable[[str], list[int]],
) -> TextPair:
    """Return what is read of a pair, the longer text giving way. Raises TooLong."""
    most = model.context_length if truncate is None else truncate
    starts = beginning(left, most), beginning(right, most)
    a, b = map(read, starts)
    count = len(a) + len(b) + PAIR_TOKENS
    if truncate is not None and count > truncate:
        room = max(0, truncate - PAIR_TOKENS)
        keep = min(len(a), max(room - room // 2, room - len(b)))
        left, right = first(a, keep), first(b, room - keep)
        count = truncate
    if count > model.context_length:
        raise TooLong(count, model.context_length, least=starts != (left, right))
    return TextPair((left, right), count)


def similar(model: Model, one: bytes, two: bytes, tokens: int) -> PairScore:
    """Return the score of two vectors: their cosine, moved to what is promised."""
    read = struct.Struct(f"<{len(one) // 4}f").unpack
    product = sum(map(mul, read(one), read(two)))
    moved = (1 + min(1.0, max(-1.0, product))) / 2
    if not model.cross_encoder:
        return PairScore(moved, tokens)
    above = max(0.0, 2 * moved - 1)
    return PairScore(above * above * (3 - 2 * above), tokens)
