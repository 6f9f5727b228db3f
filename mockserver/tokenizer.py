"""A byte-lossless tokenizer with stable ids and no training data.

Ids, in order: the 256 bytes, the special tokens, pairs of small letters, and the
words of the language model with their leading space or capital. A known word is
one token; other text falls apart into letter pairs and bytes, so that a character
outside ASCII is split between tokens, as byte-level vocabularies really do.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from string import ascii_lowercase
from typing import Final

from aios_conformance.mockserver.words import PUNCTUATION, WORDS

_SPECIALS: Final = (
    "<|begin|>",
    "<|end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|tool|>",
    "<|tools|>",
)
BEGIN, END, SYSTEM, USER, ASSISTANT, TOOL, TOOLS = range(256, 256 + len(_SPECIALS))
"""Ids of the special tokens. None of them has text of its own."""


def _pieces() -> list[bytes]:
    """List the text of every id; special tokens have none."""
    pieces = [bytes([value]) for value in range(256)]
    pieces += [b""] * len(_SPECIALS)
    seen = set(pieces)

    def add(texts: Iterable[str]) -> None:
        for text in texts:
            data = text.encode()
            if data not in seen:
                seen.add(data)
                pieces.append(data)

    add(a + b for a in ascii_lowercase for b in ascii_lowercase)
    add(f" {a}" for a in ascii_lowercase)
    add(word for word in PUNCTUATION if word.isascii())
    for word in WORDS:
        if word.isascii():
            add((word, f" {word}", word.capitalize(), f" {word.capitalize()}"))
    return pieces


PIECES: Final = tuple(_pieces())
"""Text bytes of each token id."""

LONGEST: Final = max(map(len, PIECES))
"""Bytes that one token has at most."""

SIZE: Final = len(PIECES)
"""Number of token ids; every id from 0 to SIZE - 1 can be decoded."""

_ID: Final = {data: index for index, data in enumerate(PIECES) if data}
_WORD: Final = 33  # characters that are tokenized together
_REMEMBERED: Final = 2_048  # characters; longer texts are not worth the memory
_AT_ONCE: Final = 65_536  # characters that are split in one go
_SPLIT: Final = re.compile(r" ?[^\W\d_]{1,32}|\d{1,3}| ?[^\w\s]{1,32}|\s|\w")
_ASCII_SPLIT: Final = re.compile(
    r" ?[A-Za-z]{1,32}|[0-9]{1,3}| ?[^A-Za-z0-9_\s]{1,32}|\s|_"
)
"""The same for text in ASCII, and quicker."""


@lru_cache(maxsize=8_192)
def _encode_word(word: str) -> tuple[int, ...]:
    """Tokenize one piece of text: whole if known, else by pairs and bytes."""
    data = word.encode("utf-8", "surrogatepass")
    known = _ID.get(data)
    if known is not None:
        return (known,)
    ids: list[int] = []
    start = 0
    while start < len(data):
        pair = _ID.get(data[start : start + 2])
        ids.append(data[start] if pair is None else pair)
        start += 1 if pair is None else 2
    return tuple(ids)


def encode(text: str) -> list[int]:
    """Turn text into token ids, without special tokens; `decode` undoes it."""
    if len(text) > _REMEMBERED:
        return _encoded(text)
    return [*_remembered(text)]


def token_count(text: str) -> int:
    """Return how many ids `encode` would make of a text."""
    return sum(map(len, map(_encode_word, _split(text))))


def _encoded(text: str) -> list[int]:
    ids: list[int] = []
    for word in _split(text):
        ids += _encode_word(word)
    return ids


def _split(text: str) -> Iterable[str]:
    split = _ASCII_SPLIT if text.isascii() else _SPLIT
    if len(text) <= _AT_ONCE:
        return split.findall(text)
    return (word[0] for word in split.finditer(text))  # other threads have their turn


@lru_cache(maxsize=1_024)
def _remembered(text: str) -> tuple[int, ...]:
    return tuple(_encoded(text))


def beginning(text: str, count: int) -> str:
    """Return at least as much of a text as its first `count` tokens have."""
    return text[: count * LONGEST + _WORD]


def decode(ids: Sequence[int]) -> bytes:
    """Turn token ids back into text bytes. Raises IndexError for an unknown id."""
    return b"".join([PIECES[token] for token in ids])
