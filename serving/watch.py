"""Connections that begin a request and do not go on are closed.

A client that sends half of a request's head costs a connection for as long as it
likes. So each connection has a watch between the network and aiohttp: it runs from
the first moment, and from the first byte of each request, until the head is complete.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from aiohttp import web
from aiohttp.typedefs import Handler

_LATE: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Watch:
    """The watches of all connections of one server."""

    def __init__(
        self, seconds: float, lost: Callable[[asyncio.Transport], object] | None = None
    ) -> None:
        """Give each request this long to send its head.

        `lost` is told of each connection that is gone.
        """
        self._seconds = seconds
        self._told = lost
        self._lines: dict[object, _Line] = {}

    def protocol(self, inner: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """Return a new connection's protocol around that of aiohttp."""
        handler = inner()

        def lost(transport: asyncio.Transport | None) -> None:
            self._lines.pop(handler, None)
            if self._told is not None and transport is not None:
                self._told(transport)

        line = self._lines[handler] = _Line(handler, self._seconds, lost)
        return line

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Stop the connection's watch while a request is answered."""
        line = self._lines.get(request.protocol)
        if line is None:
            return await handler(request)
        line.begin()
        try:
            return await handler(request)
        finally:
            line.end()


class _Line(asyncio.Protocol):
    """One connection: hands on everything, and looks at the time."""

    def __init__(
        self,
        inner: asyncio.Protocol,
        seconds: float,
        lost: Callable[[asyncio.Transport | None], object],
    ) -> None:
        self._inner = inner
        self._seconds = seconds
        self._lost = lost
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._answering = False

    def begin(self) -> None:
        self._answering = True
        self._stop()

    def end(self) -> None:
        self._answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        if self._timer is None and not self._answering:
            self._start()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._lost(self._transport)
        self._inner.connection_lost(exc)

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._transport is not None:
            self._transport.write(_LATE)
            self._transport.close()
