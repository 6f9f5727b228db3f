"""JSON to bytes and back, in one place because both directions have traps.

orjson refuses what JSON does not know (NaN, Infinity, numbers beyond a double,
half a surrogate pair, bytes that are no UTF-8) and reads integers beyond 64 bits
as doubles, so what `decode` returns can always be encoded again.
"""

import json
from array import array
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

_PIECE = 16  # items of a list that are written at once


class Vector:
    """An embedding that is written out at most once, however often it is sent.

    Holds little-endian float32 values; `json` is the JSON array of the same.
    """

    __slots__ = ("_base64", "_json", "_write", "data")

    def __init__(self, data: bytes, write: Callable[[], bytes] | None = None) -> None:
        """`data` is 4 bytes for each dimension; `write` may write them as JSON."""
        self.data = data
        self._write = write
        self._json: bytes | None = None
        self._base64: str | None = None

    def values(self) -> list[float]:
        """Return the components."""
        return floats(self.data)

    @property
    def json(self) -> bytes:
        """The components as a JSON array."""
        if self._json is None:
            self._json = self.written()
        return self._json

    def written(self) -> bytes:
        """Return the components as a JSON array, and do not keep it."""
        return self._write() if self._write else orjson.dumps(self.values())

    @property
    def base64(self) -> str:
        """The components as base64 text (`A-124`: little-endian float32)."""
        if self._base64 is None:
            self._base64 = b64encode(self.data).decode()
        return self._base64


def floats(data: bytes) -> list[float]:
    """Read little-endian float32 bytes."""
    numbers = array("f", data)
    if _BIG_ENDIAN:
        numbers.byteswap()
    return numbers.tolist()


_BIG_ENDIAN = array("H", b"\x00\x01")[0] == 1


def decode(raw: bytes) -> Any:
    """Parse JSON; raises ValueError with the position of the first fault."""
    return orjson.loads(raw)


def encode(value: Any) -> bytes:
    """Write JSON. Text that is no Unicode (half a surrogate pair) is escaped."""
    try:
        # orjson leaves what it wrote in the buffer that it grew for it, which may be
        # ten times as large; a copy has its own size.
        return bytes(memoryview(orjson.dumps(value, default=_spliced)))
    except TypeError:
        return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def pieces(answer: Mapping[str, Any], member: str) -> Iterator[bytes]:
    """Write JSON piece by piece; `member` is a long list that may hold vectors."""
    mark = b'"%b":[]' % member.encode()  # inside a string its quotes would be escaped
    before, _, after = encode({**answer, member: []}).partition(mark)
    yield before + mark[:-1]
    items = answer[member]
    for start in range(0, len(items), _PIECE):
        some = orjson.dumps(items[start : start + _PIECE], default=_passing)
        yield (b"," if start else b"") + some[1:-1]
    yield b"]" + after


def _passing(value: Any) -> Any:
    if isinstance(value, Vector):
        return orjson.Fragment(value.written())
    raise TypeError(type(value).__name__)


def _spliced(value: Any) -> Any:
    if isinstance(value, Vector):
        return orjson.Fragment(value.json)
    raise TypeError(type(value).__name__)


def _plain(value: Any) -> Any:
    if isinstance(value, Vector):
        return value.values()
    raise TypeError(type(value).__name__)
