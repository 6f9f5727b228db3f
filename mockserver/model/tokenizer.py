"""A byte-lossless tokenizer with the ids of a real vocabulary, and no training data.

Ids are those of cl100k_base, which Llama 3 has kept: the bytes, and the words, numbers
and marks of `vocabulary.json`. Every other id stands for a made-up word of its own, so
that vocabularies of any size can be read without a file of them. A known word is one
token; other text falls apart into the longest known pieces and bytes, so that a
character outside ASCII is split between tokens, as byte-level vocabularies really do.
"""

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

SPECIALS: Final = range(128_000, 128_256)
"""Ids of special tokens, where Llama 3 has them. None of them has text of its own."""

BEGIN, SYSTEM, USER, ASSISTANT, TOOL, TOOLS = SPECIALS[:6]
END: Final = 128_009

SYLLABLES: Final = [a + b for a in "bdfghjkmpvwxz" for b in "aeiou"][:64]

MOST: Final = len(SYLLABLES) ** 3
"""Ids that can be decoded: no vocabulary is larger."""

_READ: Final = 100_256  # made-up words of lower ids are read as one token
_SPREAD: Final = 40_503  # makes words of ids that are near each other unlike
_GATHER: Final = pow(_SPREAD, -1, MOST)


class _Pieces(dict[int, bytes]):
    """Text bytes by token id: the known ones are kept, the others made when wanted."""

    def __missing__(self, token: int) -> bytes:
        if not 0 <= token < MOST:
            raise IndexError(token)
        if token in SPECIALS:
            return b""
        made = token * _SPREAD % MOST
        parts = (made >> 12, made >> 6 & 63, made & 63)
        return f" {''.join(SYLLABLES[part] for part in parts)}".encode()


def _pieces() -> _Pieces:
    # Bytes are in the order in which GPT-2 listed them: printable ones first.
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    order = [*shown, *(byte for byte in range(256) if byte not in shown)]
    found = _Pieces((token, bytes([byte])) for token, byte in enumerate(order))
    path = Path(__file__).with_name("vocabulary.json")
    known = json.loads(path.read_text(encoding="ascii"))
    found.update((token, text.encode()) for text, token in known.items())
    return found


PIECES: Final = _pieces()
"""Text bytes of each token id; IndexError for an id that no vocabulary has."""

LONGEST: Final = max(map(len, PIECES.values()))
"""Bytes that one token has at most."""

_ID: Final = {data: token for token, data in PIECES.items()}
_PART: Final = {text: number for number, text in enumerate(SYLLABLES)}
_MADE: Final = 7  # characters of a made-up word
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
    """Tokenize one piece of text: whole if known, else by its longest known parts."""
    data = word.encode("utf-8", "surrogatepass")
    known = _ID.get(data, _made_up(word))
    if known is not None:
        return (known,)
    ids: list[int] = []
    while data:
        size = min(len(data), LONGEST)
        while data[:size] not in _ID:
            size -= 1
        ids.append(_ID[data[:size]])
        data = data[size:]
    return tuple(ids)


def _made_up(word: str) -> int | None:
    """Return the id that a made-up word stands for; None for any other text."""
    if len(word) != _MADE or word[0] != " ":
        return None
    made = 0
    for start in (1, 3, 5):
        part = _PART.get(word[start : start + 2])
        if part is None:
            return None
        made = made << 6 | part
    token = made * _GATHER % MOST
    return token if token < _READ and token not in PIECES else None


def encode(text: str) -> list[int]:
    """Turn text into token ids, without special tokens; `decode` undoes it."""
    if len(text) > _REMEMBERED:
        return _encoded(text)
    return [*_remembered(text)]


def token_count(text: str) -> int:
    """Return how many ids `encode` would make of a text."""
    return sum(map(len, map(_encode_word, _split(text))))


def _encoded(text: str) -> list[int]:
    return [*chain.from_iterable(map(_encode_word, _split(text)))]


def _split(text: str) -> Iterable[str]:
    split = _ASCII_SPLIT if text.isascii() else _SPLIT
    if len(text) <= _AT_ONCE:
        return split.findall(text)
    return (word[0] for word in split.finditer(text))  # other threads have their turn


_remembered = lru_cache(maxsize=1_024)(_encoded)


def beginning(text: str, count: int) -> str:
    """Return at least as much of a text as its first `count` tokens have."""
    return text[: count * LONGEST + _WORD]


def decode(ids: Sequence[int]) -> bytes:
    """Turn token ids back into text bytes. Raises IndexError for an unknown id."""
    return b"".join(map(PIECES.__getitem__, ids))
