"""Long lists: servers split them at sizes of their own, and sort, cut and join again.

A list holds texts of a word and of hundreds of characters, of several scripts, JSON,
markup, what tokenizers end and part texts with, with white space at the ends and
inside, a copy, and words of few letters up to its size: one in capitals as well, one
with a space, and a number.
None is blank, which may be refused (A-131): `blanks` go in a list of their own.
"""

from collections.abc import Sequence
from itertools import chain, islice, product
from string import ascii_lowercase
from typing import TypeVar

from hypothesis import strategies as st

from aios_conformance.conformance.probes import texts

LONG = " ".join(texts.SENTENCES[:17])
"""More than 128 words, and less than the 256 tokens of small models."""

T = TypeVar("T")

PLACES = (4, 8, 16, 32, 64)
"""Servers split lists into batches of so many."""

_ACCENTED = texts.BEYOND_ASCII[4]  # decomposed: another text when normalised


@st.composite
def lists(draw: st.DrawFn, count: int) -> list[str]:
    """So many texts; the second half of them are words of few letters."""
    plain = draw(texts.sentences(5, 5))
    foreign = draw(texts.beyond_ascii())
    rich = [
        plain[0],
        f"  # {plain[1]}\n\n\t```{plain[2]}```\n| </s> [SEP] it's ",
        LONG,
        f"{_ACCENTED} 🦀, né, là",
        plain[3],
        plain[0],
    ]
    rest = few_letters(count - len(rich) - 3)
    # `sampled` asks for each of these again without what it is likely to be taken for
    rest[0] = rest[1].upper()
    if len(rest) > 25:
        rest[8], rest[25] = f"{rest[9]} ", "42"
    return [*rich, '{"text":"x"}', *rest, plain[4], foreign + " "]


def few_letters(count: int) -> list[str]:
    """So many different words of two letters, then of three."""
    sizes = (product(ascii_lowercase, repeat=size) for size in (2, 3))
    return list(islice(map("".join, chain.from_iterable(sizes)), count))


def sampled(given: Sequence[T]) -> list[T]:
    """Some of a long list in another order: from each part that a server may split."""
    return [given[i] for i in (-1, *reversed(PLACES), 0) if i < len(given)]


def blanks(given: Sequence[str]) -> list[str]:
    """A list in which some texts are blank, those of interest last."""
    return [given[4], "", given[7], " \n\t", given[0], given[-1]]


def bounded(given: Sequence[str], limit: int | None) -> list[str]:
    """The texts, none of them longer than what a model says it reads may be."""
    if limit is None:
        return list(given)
    return [" ".join(text.split(" ")[: limit // 2]) for text in given]
