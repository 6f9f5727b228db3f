"""One seeded geometry behind embeddings, score and rerank.

Every word has a pseudo-random direction, mixed lightly with those of its letter
groups so that related forms are near each other. A text is the weighted sum of its
words, plus a direction that all texts share (real embedding spaces are as skewed;
it keeps nearly all cosines above zero) and a trace of the exact text (so that
different texts differ). Function words and punctuation hardly count.

Vectors are sums of small whole numbers held in the lanes of one big integer: adding
two directions is one addition, which is what makes a cold embedding cheap.
"""

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b, shake_256
from itertools import chain, repeat
from math import hypot, isqrt, sqrt
from operator import mul
from string import punctuation
from struct import Struct
from typing import Final

from aios_conformance.serving.codec import encode

LANE: Final = 4  # bytes of one component while summing

_TRACES: Final = 64  # directions to choose each part of a trace from
_TURN: Final = 37  # components by which each repetition of a block is turned

BLOCK: Final = 512
"""Components that are summed; longer vectors repeat them."""

CONTENT, FUNCTION, MARK = 8, 1, 1
"""Weights of content words (and symbols), function words and punctuation.

The latter two count only in a text that has nothing else.
"""

_WORD_SHARE, _GROUP_SHARE = 3, 1  # a word's own direction against its letter groups
_WORD_ENERGY = 15  # about the squared length of a word's direction, in shares
_LONGEST_WORD = 24  # letters of a word that count towards its groups

FUNCTION_WORDS: Final = frozenset(
    """a an and are as at be been being but by can could did do does for from had has
    have he her his how i if in into is it its me my of on or our she should so some
    than that the their them then there these they this those to us was we were what
    when where which who why will with would you your please about""".split()  # noqa: SIM905 - word lists read best as text
)
_FEATURE: Final = re.compile(
    # One Han, Hiragana or Katakana character, a run of other letters or digits, or
    # one mark.
    r"[\u2e80-\u2fdf\u3005-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff]"
    r"|[^\W_\u2e80-\u2fdf\u3005-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff]+|[^\w\s]|_"
)
_ASCII_FEATURE: Final = re.compile(r"[a-z0-9]+|[^a-z0-9\s]")
"""The same for text in ASCII without capitals, and quicker."""


def features(text: str) -> list[str]:
    """Split text into words, single CJK characters and marks, without case."""
    if text.isascii():
        return _ASCII_FEATURE.findall(text.lower())
    return _FEATURE.findall(unicodedata.normalize("NFKC", text).casefold())


def _weight(feature: str) -> int:
    if unicodedata.category(feature[0])[0] not in "LNS":
        return MARK
    return FUNCTION if feature in FUNCTION_WORDS else CONTENT


_SLIGHT: Final = FUNCTION_WORDS | frozenset(punctuation)


def _groups(word: str) -> set[str]:
    """Return the letter groups of a word: threes, or pairs outside ASCII."""
    size = 3 if word.isascii() else 2
    if len(word) <= size or not word.isalpha():
        return set()
    marked = f"^{word[:_LONGEST_WORD]}$"
    return {marked[i : i + size] for i in range(len(marked) - size + 1)}


def _telling(text: str) -> dict[str, int]:
    """Count the words of a text; function words and marks only if it has no others."""
    found = features(text)
    telling = [feature for feature in found if feature not in _SLIGHT] or found
    times = dict.fromkeys(telling, 0)
    for feature in telling:
        times[feature] += 1
    return times


class Geometry:
    """Texts as vectors of a fixed length.

    A longer vector is one block, repeated from another place each time: that leaves
    cosines as they are and costs next to nothing.
    """

    def __init__(self, seed: int, dimensions: int) -> None:
        """Make a space; spaces of the same seed begin alike."""
        self.dimensions = dimensions
        self._seed = f"{seed}:".encode()
        block = BLOCK if dimensions % BLOCK == 0 else dimensions
        self._size = LANE * block
        self._repeats = dimensions // block
        self._offset = 255 * int.from_bytes(b"\1\0\0\0" * block, "little")
        self._middle = int.from_bytes(b"\0\0\0\x80" * block, "little")
        self._lanes = Struct(f"<{block}i").unpack
        self._block = Struct(f"<{block}f")
        self._all = Struct(f"<{dimensions}f").unpack
        self._direction = lru_cache(maxsize=1_024)(self._make_direction)
        self._weighted = lru_cache(maxsize=1_024)(self._weigh)
        self._shared = self._direction("shared")

    def _hashed(self, name: str) -> bytes:
        data = self._seed + name.encode("utf-8", "surrogatepass")
        return shake_256(data).digest(self._size // LANE)

    def _make_direction(self, name: str) -> int:
        """Hash a name to lanes of odd numbers from -255 to 255."""
        lanes = bytearray(self._size)
        lanes[::LANE] = self._hashed(name)
        return 2 * int.from_bytes(lanes, "little") - self._offset

    def _weigh(self, feature: str) -> tuple[int, int]:
        """Return the weight of a feature and its direction times that weight."""
        weight = _weight(feature)
        return weight, weight * self._word(feature)

    def _word(self, word: str) -> int:
        groups = sorted(_groups(word))
        if not groups:
            # As long as a word with groups, so that short words count the same.
            return (_WORD_SHARE + _GROUP_SHARE) * self._make_direction(f"word {word}")
        total = _WORD_SHARE * self._make_direction(f"word {word}")
        for group in groups:
            total += _GROUP_SHARE * self._direction(f"group {group}")
        return total

    def packed(self, text: str) -> bytes:
        """Return the unit vector of a text (never all zero) as float32 bytes."""
        total = energy = 0
        for feature, times in _telling(text).items():
            # Each number is met once, and would push out the words.
            weigh = self._weighted if feature.isalpha() else self._weigh
            weight, part = weigh(feature)
            if times > 1:
                damped = isqrt(times)
                weight, part = weight * damped, part * damped
            energy += weight * weight
            total += part
        length = isqrt(_WORD_ENERGY * energy)
        total += (length * 2 // 5 or 12) * self._shared
        total += (length // 36 + 1 if energy else 18) * self._trace(text)
        # Lanes may be negative: lift them all above zero, cut, let them fall back.
        data = ((total + self._middle) ^ self._middle).to_bytes(self._size, "little")
        lanes = self._lanes(data)
        scale = 1 / (hypot(*lanes) * sqrt(self._repeats))
        block = self._block.pack(*map(mul, lanes, repeat(scale)))
        if self._repeats == 1:
            return block
        turns = range(0, self._repeats * LANE * _TURN, LANE * _TURN)
        return b"".join([block[turn:] + block[:turn] for turn in turns])

    def json(self, packed: bytes) -> bytes:
        """Write a vector of this space as a JSON array.

        Each number of the block is written once; its turns are cut from that.
        """
        block = self._block.unpack_from(packed)
        cuts = range(0, self._repeats * _TURN, _TURN)
        parts = [
            encode(block[start:end])[1:-1]
            for start, end in zip(cuts, (*cuts[1:], None), strict=True)
        ]
        turns = (parts[turn:] + parts[:turn] for turn in range(self._repeats))
        return b"[%b]" % b",".join(filter(None, chain.from_iterable(turns)))

    def _trace(self, text: str) -> int:
        """Return the direction of the exact text: three of many, chosen by its hash."""
        data = text.encode("utf-8", "surrogatepass")
        one, two, three = blake2b(data, digest_size=3).digest()
        return (
            self._direction(f"trace 1 {one % _TRACES}")
            + self._direction(f"trace 2 {two % _TRACES}")
            + self._direction(f"trace 3 {three % _TRACES}")
        )

    def vector(self, text: str) -> tuple[float, ...]:
        """Return the unit vector of a text as numbers."""
        return self._all(self.packed(text))
