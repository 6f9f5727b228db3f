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


class _Zlib:
    """gzip, and deflate with or without the zlib header that some servers leave out."""

    def __init__(self, bits: int) -> None:
        self._inner = zlib.decompressobj(bits)
        self._is_open = bits == zlib.MAX_WBITS

    def feed(self, data: bytes, most: int) -> bytes:
        if self._is_open and data:
            self._is_open = False
            if data[0] & 0x0F != 8:
                self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        return self._inner.decompress(data, most)


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    def feed(self, data: bytes, most: int) -> bytes:
        made: bytes = self._inner.process(data, output_buffer_limit=most)
        return made


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstd.ZstdDecompressor()

    def feed(self, data: bytes, most: int) -> bytes:
        return self._inner.decompress(data, most)


_KNOWN: dict[str, Callable[[], _Decoder]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
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
