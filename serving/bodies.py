"""The body of a request: read once, in time, and never larger than it may be.

What is compressed is inflated beside the loop and no further than it may be, so that
a small body which would be a large one fills neither the memory nor the time of
others. Large bodies are read a few dozen at a time, the others wait in the network.
"""

import asyncio
import zlib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from aiohttp import web

from aios_conformance.serving.errors import ApiError, BadRequest, BodyTooLarge, TimedOut
from aios_conformance.serving.turns import aside

__all__ = ["REQUEST_TIMEOUT", "ROOM", "RequestKey", "body", "new_room"]

if TYPE_CHECKING:
    from aiohttp.web import RequestKey
else:
    RequestKey = getattr(web, "RequestKey", web.AppKey)  # aiohttp has it since 3.14

REQUEST_TIMEOUT = web.AppKey("request_timeout", float)
"""Seconds that an application gives a body to arrive."""

ROOM = web.AppKey("room", asyncio.Semaphore)
"""Whom an application lets read a large body."""

_AT_ONCE: Final = 64  # large bodies that are read
_LARGE: Final = 256 * 1024  # bytes
_SMALL: Final = 256  # bytes that are inflated in passing: at most a thousand times

_READ = RequestKey("read", object)  # the body, or why there is none
_PLAIN: Final = frozenset({"", "identity"})
_MEMBERS: Final = 64  # that a gzip file may be put together of
_GZIP: Final = 16 + zlib.MAX_WBITS
_CODINGS: Final = _PLAIN | {"gzip", "deflate"}


def new_room() -> asyncio.Semaphore:
    """Return the room that an application has for large bodies."""
    return asyncio.Semaphore(_AT_ONCE)


async def body(request: web.Request) -> bytes:
    """Return the body. Raises ApiError for one that is too large, late or unreadable.

    However often it is asked for, it is read once.
    """
    read = request.get(_READ)
    if read is None:
        try:
            read = await _arrived(request)
        except ApiError as error:
            read = error.with_traceback(None)  # its frames hold what was read
            read.__cause__ = read.__context__ = None
        request[_READ] = read
    if isinstance(read, ApiError):
        raise read
    assert isinstance(read, bytes)  # noqa: S101 - nothing else is put there
    return read


async def _arrived(request: web.Request) -> bytes:
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in _CODINGS:
        raise BadRequest(
            f"the body has the Content-Encoding {coding[:100]!r}; gzip and deflate are "
            "read",
            code="content_encoding",
        )
    most = request.client_max_size
    if (request.content_length or 0) > most:
        raise _too_large(most)
    raw = await _in_time(request)
    if coding in _PLAIN:
        return raw
    return await aside(len(raw) > _SMALL, _inflated, raw, coding, most)


async def _in_time(request: web.Request) -> bytes:
    if request.content.is_eof():
        return await _read(request)
    seconds = request.app[REQUEST_TIMEOUT]
    try:
        return await asyncio.wait_for(_read(request), seconds)
    except TimeoutError:
        _leave(request)
        raise TimedOut(
            f"the body did not arrive within {seconds:g} seconds, as the server's "
            "option --request-timeout says",
            code="body_late",
            headers={"Connection": "close"},
        ) from None


async def _read(request: web.Request) -> bytes:
    most, room = request.client_max_size, request.app[ROOM]
    pieces: list[bytes] = []
    size = 0
    async with AsyncExitStack() as reading:
        try:
            while piece := await request.content.readany():
                pieces.append(piece)
                if size <= _LARGE < size + len(piece):
                    await reading.enter_async_context(room)
                size += len(piece)
                if size > most:
                    raise _too_large(most)
        except (web.RequestPayloadError, ConnectionError, ValueError) as error:
            raise _unreadable(error) from error
        return await aside(size > _LARGE, b"".join, pieces)


def _inflated(raw: bytes, coding: str, most: int) -> bytes:
    """Inflate a body up to one byte more than it may have. Raises ApiError."""
    headed = raw[:1] and raw[0] & 15 == zlib.DEFLATED
    bits = zlib.MAX_WBITS if headed else -zlib.MAX_WBITS
    pieces: list[bytes] = []
    room = most
    try:
        for _ in range(_MEMBERS if coding == "gzip" else 1):
            stream = zlib.decompressobj(bits if coding == "deflate" else _GZIP)
            pieces.append(stream.decompress(raw, room + 1))
            room -= len(pieces[-1])
            if room < 0:
                raise _too_large(most)
            if not stream.eof:
                raise _unreadable("it is cut off")
            raw = stream.unused_data
            if not raw:
                return b"".join(pieces)
    except zlib.error as error:
        raise _unreadable(error) from error
    raise _unreadable("it goes on behind its end")


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body must have at most {most} bytes, as the server's option "
        "--body-limit says",
        code="body_too_large",
        headers={"Connection": "close"},
    )


def _unreadable(error: object) -> BadRequest:
    return BadRequest(f"the body cannot be read: {error}", code="body_unreadable")


def _leave(request: web.Request) -> None:
    """Read no more of the body, not even to throw it away."""
    request.content.set_exception(TimeoutError())
