"""Play a fault: refuse, break off, stall, garble."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from aios_conformance.mockserver.faults.byte_faults import BYTE_FAULTS, settle
from aios_conformance.mockserver.faults.kinds import Fault
from aios_conformance.serving import sse
from aios_conformance.serving.app import refuse
from aios_conformance.serving.codec import encode
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Frames

_REASONS: Final = {
    401: ("authentication_error", "invalid_api_key"),
    404: ("not_found_error", "model_not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    503: ("overloaded_error", "overloaded"),
}
_RETRY: Final = {429: "1", 503: "1"}  # Retry-After in seconds
_GARBAGE: Final = b'data: {"id": "chatcmpl-\n\n'
_PIECE: Final = 7  # bytes; cuts characters and field names


class PlayedRefusal(ApiError):  # noqa: N818 - reads as the fact it states
    """A refusal with any status.

    Without a code it is one that is played, with the code that a client would meet.
    """

    def __init__(
        self, status: int, message: str | None = None, code: str | None = None
    ) -> None:
        """`status` is from 400 to 599."""
        kind, played = _REASONS.get(
            status,
            ("invalid_request_error" if status < 500 else "server_error", "mock_fault"),
        )
        super().__init__(
            message or f"the mock plays status {status}",
            code=code or played,
            headers={"Retry-After": _RETRY[status]} if status in _RETRY else None,
        )
        self.status = status
        self.type = kind


def refusal(status: int, message: str, code: str) -> web.Response:
    """Return a refusal of the mock's own paths, whatever profile it has."""
    error = PlayedRefusal(status, message, code)
    return web.Response(
        status=status,
        body=encode(error.body()),
        content_type="application/json",
        headers=error.headers,
    )


async def harmed(
    request: web.Request, response: web.Response, fault: Fault
) -> web.StreamResponse:
    """Play a fault on a whole answer that was not sent yet."""
    body = bytes(response.body) if isinstance(response.body, bytes) else b""
    half = _middle(body) if fault.kind == "cut-utf8" else len(body) // 2
    match fault.kind:
        case "drop":
            abort(request.transport)
        case "cut" | "cut-utf8" | "stall":
            partial = _like(response, len(body))
            await partial.prepare(request)
            await partial.write(body[:half])
            await settle()
            if fault.kind == "stall":
                await asyncio.Event().wait()  # until the client leaves
            abort(request.transport)
            return partial
        case "dribble" | "split":
            slow = _like(response, len(body))
            await slow.prepare(request)
            for piece in _pieces(body, fault):
                await settle()
                await slow.write(piece)
            return slow
        case "truncate" | "garbage":
            response.body = body[:half]
        case "error":
            return refuse(request, PlayedRefusal(500))
        case "empty":
            response.body = b""
    return response


async def harmed_frames(
    frames: Frames,
    fault: Fault,
    transport: asyncio.Transport | None,
    error: Mapping[str, Any] = MappingProxyType({}),
) -> Frames:
    """Play a fault on the events of a stream; `error` is what it may tell."""
    async with aclosing(frames) as events:
        match fault.kind:
            case "empty":
                return
            case kind if kind in BYTE_FAULTS:
                async with aclosing(BYTE_FAULTS[kind](events)) as other:
                    async for event in other:
                        yield event
            case "dribble":
                async for event in events:
                    for piece in _pieces(event, fault):
                        await settle()
                        yield piece
            case "garbage":
                count = 0
                async for event in events:
                    yield _GARBAGE if count == fault.at else event
                    count += 1
            case _:
                async with aclosing(_until(events, fault, error)) as unharmed:
                    async for event in unharmed:
                        yield event
                await _end(fault, transport)


async def _until(events: Frames, fault: Fault, error: Mapping[str, Any]) -> Frames:
    """Yield what arrives before the fault, and the piece that it leaves."""
    unharmed = 0 if fault.kind == "drop" else fault.at
    async for event in events:
        if unharmed:
            unharmed -= 1
            yield event
            continue
        match fault.kind:
            case "cut-utf8":
                inside = _inside_character(event)
                if inside is None and event != sse.DONE:
                    yield event  # a later event may have such a character
                    continue
                yield event[: inside or len(event) // 2]
            case "cut":
                yield event[: len(event) // 2]
            case "error":
                yield sse.event(error)
        return


async def _end(fault: Fault, transport: asyncio.Transport | None) -> None:
    await settle()
    if fault.kind == "stall":
        await asyncio.Event().wait()  # until the client leaves
    if fault.kind in ("drop", "cut", "cut-utf8"):
        abort(transport)


def _pieces(data: bytes, fault: Fault) -> list[bytes]:
    size = _PIECE if fault.kind == "dribble" else len(data) // 2 | 1
    return [data[start : start + size] for start in range(0, len(data), size)]


def abort(transport: asyncio.Transport | None) -> None:
    """Close a connection at once, without a proper end."""
    if transport is not None:
        transport.abort()


def _like(response: web.Response, size: int) -> web.StreamResponse:
    """Return an empty response that promises a body of `size` bytes."""
    headers = {
        name: value
        for name, value in response.headers.items()
        if name.lower() != "content-length"
    }
    same = web.StreamResponse(status=response.status, headers=headers)
    same.content_length = size
    return same


def _inside_character(data: bytes) -> int | None:
    """Return a place inside the first character of several bytes."""
    for place, byte in enumerate(data):
        if byte >= 0x80:
            return place + 1
    return None


def _middle(data: bytes) -> int:
    """Return a place inside a character of several bytes, else the middle."""
    return _inside_character(data) or len(data) // 2
