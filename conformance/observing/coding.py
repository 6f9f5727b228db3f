"""Content codings are read here, whatever is installed beside us (RFC 9110, 8.4).

We ask for none. An answer that comes coded all the same is judged by what it says;
that it is coded is told by its header.
"""

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


class CodingError(Exception):
    """A coding that nobody knows, or bytes that are not of it."""


class _Decoder(Protocol):
    def feed(self, data: bytes, most: int) -> bytes:
        """Decode some bytes, to `most` bytes or few more."""
        ...

    @property
    def eof(self) -> bool:
        """The coded data has come to its own end."""
        ...


class _Member(Protocol):
    """What zlib and zstd decompress one member with."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, most: int, /) -> bytes: ...


class _Members:
    """One member after the other, as gzip and zstd allow (RFC 1952, 2.2; 8878, 3.1).

    What follows the last one, and begins no other, is passed over.
    """

    def __init__(self, make: Callable[[bytes], _Member], begins: bytes) -> None:
        """`make` takes the first bytes of a member; `begins`: the first of another."""
        self._make, self._begins = make, begins
        self._inner: _Member | None = None

    @property
    def eof(self) -> bool:
        return self._inner is None or self._inner.eof

    def feed(self, data: bytes, most: int) -> bytes:
        made = b""
        while data and len(made) < most:
            if self._inner is None or self._inner.eof:
                if self._inner is not None and data[0] not in self._begins:
                    break
                self._inner = self._make(data)
            made += self._inner.decompress(data, most - len(made))
            data = self._inner.unused_data if self._inner.eof else b""
        return made


class _Brotli:
    def __init__(self) -> None:
        self._inner, self._is_begun = brotli.Decompressor(), False

    @property
    def eof(self) -> bool:
        return not self._is_begun or bool(self._inner.is_finished())

    def feed(self, data: bytes, most: int) -> bytes:
        self._is_begun = self._is_begun or bool(data)
        made: bytes = self._inner.process(data, output_buffer_limit=most)
        return made


def _gzip(_: bytes) -> _Member:
    return zlib.decompressobj(16 + zlib.MAX_WBITS)


def _deflate(begin: bytes) -> _Member:
    """With or without the zlib header that some servers leave out."""
    has_header = begin[0] & 0x0F == 8
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _zstd(_: bytes) -> _Member:
    return zstd.ZstdDecompressor()


_FRAMES = bytes([0x28, *range(0x50, 0x60)])  # also those that are to be skipped
_KNOWN: dict[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Members(_gzip, b"\x1f"),
    "x-gzip": lambda: _Members(_gzip, b"\x1f"),
    "deflate": lambda: _Members(_deflate, b""),
    "br": _Brotli,
    "zstd": lambda: _Members(_zstd, _FRAMES),
}


class Decoding:
    """Undoes the codings of one answer, piece by piece."""

    def __init__(self, header: str | None) -> None:
        """Read a Content-Encoding header, its last coding being undone first.

        Raises:
            CodingError: a coding that is not known.

        """
        names = [word.strip().lower() for word in (header or "").split(",")]
        names = [name for name in names if name not in ("", "identity")]
        for name in names:
            if name not in _KNOWN:
                raise CodingError(f"the content coding {name!r} is not known")
        self._decoders = [(name, _KNOWN[name]()) for name in reversed(names)]

    def feed(self, data: bytes, most: int) -> bytes:
        """The plain bytes of a piece; beyond `most` of them some are left out.

        Raises:
            CodingError: the bytes are not of the coding that the header names.

        """
        for name, decoder in self._decoders:
            try:
                data = decoder.feed(data, most)
            except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
                raise CodingError(f"the body is not {name}: {error}") from error
        return data

    def end(self) -> None:
        """There is no more. Raises CodingError: a coding has not come to its end."""
        for name, decoder in self._decoders:
            if not decoder.eof:
                raise CodingError(f"the body ends within its {name}")
