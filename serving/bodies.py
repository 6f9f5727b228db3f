"""The body of a request: read once, in time, and never larger than it may be.

What is compressed is inflated piece by piece, so that a small body which would be a
large one is refused when it has grown too far, not when it has filled the memory.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from aiohttp import web

from aios_conformance.serving.errors import ApiError, BadRequest, BodyTooLarge, TimedOut

__all__ = ["REQUEST_TIMEOUT", "RequestKey", "body"]

if TYPE_CHECKING:
    from aiohttp.web import RequestKey
else:
    RequestKey = getattr(web, "RequestKey", web.AppKey)  # aiohttp has it since 3.14

REQUEST_TIMEOUT = web.AppKey("request_timeout", float)
"""Seconds that an application gives a body to arrive."""

_READ = RequestKey("read", object)  # the body, or why there is none
_CODINGS: Final = frozenset({"", "identity", "gzip", "deflate"})


async def body(request: web.Request) -> bytes:
    """Return the body. Raises ApiError for one that is too large, late or unreadable.

    However often it is asked for, it is read once.
    """
    read = request.get(_READ)
    if read is None:
        try:
            read = await _arrived(request)
        except ApiError as error:
            read = error
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
    most = request.client_max_size
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := await request.content.readany():
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise BodyTooLarge(
                    f"the body must have at most {most} bytes, as the server's option "
                    "--body-limit says",
                    code="body_too_large",
                )
    except (web.RequestPayloadError, ValueError) as error:
        raise BadRequest(
            f"the body cannot be read: {error}", code="body_unreadable"
        ) from error
    return b"".join(pieces)


def _leave(request: web.Request) -> None:
    """Read no more of the body, not even to throw it away."""
    request.content.set_exception(TimeoutError())
