"""What stands within codings: base64, base32, hexadecimal, one within another.

A run of their letters is decoded at every place where it may begin, as what stands
before it can use the same letters, and what comes out may be compressed.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

_BREAK = rb"(?:\r?\n|(?:\\+r)?\\+n)[ \t]*"
_SIGN = rb"\\+/|%(?:25)*(?:2[bBfF]|3[dD])"
_NUMBER = rb"[0-9]{12,24}(?![A-Za-z0-9+/_=-])"
RUN = re.compile(
    rb"(?<![A-Za-z0-9+/_=-])(?!%b)[A-Za-z0-9+/_=-]{12,}(?:(?:%b|%b)[A-Za-z0-9+/_=-]+)*"
    % (_NUMBER, _BREAK, _SIGN)
)
"""Letters that may be coded text, over several lines too; no number of a vector."""

_NO_LETTERS = re.compile(rb"\s|\\+[rn]|\\|=")
_ESCAPED = re.compile(rb"%(?:25)*(2[bBfF]|3[dD])")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_DECODERS: tuple[tuple[re.Pattern[bytes], int, Callable[[bytes], bytes]], ...] = (
    (
        re.compile(rb"[A-Z2-7]{16,}|[a-z2-7]{16,}"),
        8,
        partial(base64.b32decode, casefold=True),
    ),
    (
        re.compile(rb"[0-9A-V]{16,}|[0-9a-v]{16,}"),
        8,
        partial(base64.b32hexdecode, casefold=True),
    ),
    (re.compile(rb"[0-9A-F]{16,}|[0-9a-f]{16,}"), 2, binascii.unhexlify),
)
"""What else than base64 it may be, the letters of a group, how it is read."""

_EXPANDED = 65_536
"""Bytes that are read of what is compressed."""
_SELDOM = 65_536
"""Letters that are read as something else than base64."""


_IS_PLAIN = bytes(
    1 if chr(code).isascii() and (chr(code).isprintable() or code in b"\t\r\n\0") else 0
    for code in range(256)
)
_TEXT = b"\1" * 12
"""Whatever is worth reading, unlike the numbers of vectors: so many plain letters."""

_AROUND = 2048
"""Bytes that are read before and behind such letters."""


def decodings(run: bytes) -> Iterator[bytes]:
    """What every reading of a run shows of text."""
    for decoded in _readings(_letters(run)):
        for plain in filter(None, (decoded, *_expanded(decoded))):
            if worth := b"".join(_worth_reading(plain)):
                yield worth


def _worth_reading(data: bytes) -> Iterator[bytes]:
    """Text with what is around it: by chance some of the numbers of a vector."""
    is_plain, end = data.translate(_IS_PLAIN), 0
    while (found := is_plain.find(_TEXT, max(end - len(_TEXT), 0))) >= 0:
        start, end = max(found - _AROUND, end), found + len(_TEXT) + _AROUND
        yield data[start:end]


def _letters(run: bytes) -> bytes:
    """The run on one line, in the letters of base64 proper."""
    joined = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), run)
    return _NO_LETTERS.sub(b"", joined).translate(_URL_SAFE)


def _readings(letters: bytes) -> Iterator[bytes]:
    for at in range(4):
        yield binascii.a2b_base64(_groups(letters[at:], 4))
    for (pattern, size, decode), piece in product(_DECODERS, letters.split(b"/")):
        if pattern.fullmatch(piece, 0, _SELDOM):
            for at in range(size):
                yield decode(_groups(piece[at:_SELDOM], size))


def _groups(letters: bytes, size: int) -> bytes:
    """The letters with what their last group lacks, which is nought."""
    return letters + b"A" * (-len(letters) % size)


def _expanded(data: bytes) -> Iterator[bytes]:
    """What gzip or zlib make of it, if it is theirs."""
    if data.startswith((b"\x1f\x8b", b"\x78")):
        try:
            yield zlib.decompressobj(wbits=47).decompress(data, _EXPANDED)
        except zlib.error:
            return
