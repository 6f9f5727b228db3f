"""Connections that begin a request and do not go on are closed.

A client that sends half of a request's head costs a connection for as long as it
likes. So each connection has a watch between the network and aiohttp: it runs from
the first moment, and from the first byte of each request, until the head is complete.

A client that has ended its side is answered all the same, if that begins soon: some
proxies and `nc -N` say so that they have asked all. So does one that leaves; it is told
apart by the first bytes that it does not take.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from aios_conformance.serving.at_once import AtOnce, received

_HALF_OPEN: Final = 1.0
"""Seconds within which an answer begins for who has ended its side, or is gone."""

_LATE: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class Watch:
    """The watches of all connections of one server."""

    def __init__(
        self,
        seconds: float,
        lost: Callable[[asyncio.Transport], object] | None = None,
        at_once: AtOnce | None = None,
    ) -> None:
        """Give each request this long to send its head.

        `lost` is told of each connection that is gone. `at_once` answers what it can
        before aiohttp sees it.
        """
        self._seconds = seconds
        self._told = lost
        self._at_once = at_once
        self._lines: dict[object, _Line] = {}

    def protocol(self, inner: Callable[[], web.RequestHandler]) -> asyncio.Protocol:
        """Return a new connection's protocol around that of aiohttp."""
        handler = inner()

        def lost(transport: asyncio.Transport | None) -> None:
            self._lines.pop(handler, None)
            if self._told is not None and transport is not None:
                self._told(transport)

        line = self._lines[handler] = _Line(handler, self._seconds, lost, self._at_once)
        return line

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Stop the connection's watch while a request is answered."""
        line = self._lines.get(request.protocol)
        if line is None:
            return await handler(request)
        line.begin(request)
        try:
            return await handler(request)
        finally:
            line.end()


class _Line(asyncio.Protocol):
    """One connection: hands on everything, and looks at the time."""

    def __init__(
        self,
        inner: web.RequestHandler,
        seconds: float,
        lost: Callable[[asyncio.Transport | None], object],
        at_once: AtOnce | None,
    ) -> None:
        self._inner = inner
        self._seconds = seconds
        self._lost = lost
        self._at_once = at_once
        self._held = b""  # of a request that will be answered at once
        self._full = False  # the client does not read what it is sent
        self._ended = False  # nor will it say any more
        self._elsewhere = False  # aiohttp has a request, or a part of one
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._request: web.Request | None = None  # that is being answered

    @property
    def _has_begun(self) -> bool:
        """Some of an answer was sent."""
        return self._request is not None and self._request.writer.output_size > 0

    def begin(self, request: web.Request) -> None:
        self._request = request
        if not self._ended:
            self._stop()

    def end(self) -> None:
        self._request, self._elsewhere = None, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        if not (self._elsewhere or self._full):
            self._held += data
            if self._answered():
                return
            data, self._held = self._held, b""
        if self._timer is None and self._request is None:
            self._start()
        self._elsewhere = True
        self._inner.data_received(data)

    def _answered(self) -> bool:
        """Tell whether what is held is answered, or will be when it is whole."""
        found = None if self._at_once is None else received(self._held)
        if found is None or self._at_once is None or self._transport is None:
            return False
        asked, body = found
        if len(body) < asked.length:
            if self._timer is None:
                self._start()
            return True
        answer = self._at_once(asked, body, self._transport)
        if answer is None:
            return False
        self._held = b""
        self._stop()
        # those that came together leave together: what reads them wakes up once
        asyncio.get_running_loop().call_soon(self._transport.write, answer)
        return True

    def _hand_over(self) -> None:
        """Leave to aiohttp what is held: it will not be answered at once."""
        held, self._held = self._held, b""
        if held:
            self._elsewhere = True
            self._inner.data_received(held)

    def eof_received(self) -> bool:
        self._hand_over()
        self._stop()
        if self._elsewhere and not self._has_begun:
            self._ended = True
            self._inner.close()  # after the answer
            self._start(_HALF_OPEN)
        elif self._transport is not None:
            # what was answered at once is yet to be written
            asyncio.get_running_loop().call_soon(self._transport.close)
        return True

    def pause_writing(self) -> None:
        self._full = True
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._full = False
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        self._lost(self._transport)
        self._inner.connection_lost(exc)

    def _start(self, seconds: float | None = None) -> None:
        loop = asyncio.get_running_loop()
        after = self._seconds if seconds is None else seconds
        self._timer = loop.call_later(after, self._late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._held:
            self._hand_over()  # there is a head; the time of the body begins
        elif self._ended:
            if not self._has_begun and self._transport is not None:
                self._transport.close()
        elif self._transport is not None:
            self._transport.write(_LATE)
            self._transport.close()
