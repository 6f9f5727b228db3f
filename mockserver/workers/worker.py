"""A worker: it answers what it can answer alone, and hands on the rest."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from aios_conformance.mockserver.app import STATE, mock_application
from aios_conformance.mockserver.control import endpoints as control
from aios_conformance.mockserver.control.elsewhere import LINE_HEADER
from aios_conformance.mockserver.faults.effects import abort
from aios_conformance.mockserver.faults.quotas import Quota
from aios_conformance.mockserver.faults.room import Room
from aios_conformance.mockserver.options import MockOptions
from aios_conformance.mockserver.workers.channel import Channel, Farewell, Order
from aios_conformance.mockserver.workers.reports import Reports
from aios_conformance.serving.bodies import body
from aios_conformance.serving.errors import ApiError

_ALONE: Final = ("/health", "/ping", "/version", "/openapi.json")
"""What is read with GET and is the same in every process."""

_HOP: Final = ("Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length")
_SENT: Final = (*_HOP, "Content-Encoding", "Expect", LINE_HEADER)
"""Headers of a request that do not go on: the body has been read, and inflated."""

_DEFAULTS: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")
"""Headers that the client of aiohttp would add."""


class ServingProcess:
    """One process that answers."""

    def __init__(self, options: MockOptions, parent: str) -> None:
        """`parent` is the path of the socket on which the parent serves."""
        self._parent = parent
        self._index = 0
        self.reports = Reports()
        self.application = mock_application(
            replace(
                options,
                rules=None,
                strict=False,
                faults=(),
                defects=(),
                quota=Quota(),
                room=Room(),
                replay=None,
                record=None,
            ),
            self.reports,
            [self._middleware],
            self._alone,
        )
        self._state = self.application[STATE]
        self.application.cleanup_ctx.append(self._connected)

    async def follow(self, channel: Channel, index: int) -> bool:
        """Obey the parent, whose worker `index` this is; whether it said farewell."""
        self._index = index
        reports = self.reports
        reports.channel = channel
        while isinstance(order := await channel.receive(), Order):
            if order.generation != reports.generation:
                self._state.reset()
                reports.generation = order.generation
            reports.handing_on = order.handing_on
            reports.running = self._state.meter.running
            if order.rest:
                await reports.at_rest()
            reports.tell(order.number)
        return isinstance(order, Farewell)

    async def _connected(self, app: web.Application) -> AsyncIterator[None]:
        del app
        # a kept connection would make aiohttp send again what the parent drops
        connector = aiohttp.UnixConnector(self._parent, limit=0, force_close=True)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as self._session:
            yield

    def _alone(self) -> bool:
        """Tell whether requests need nobody else, who has heard of the last ones."""
        channel = self.reports.channel
        return not (self.reports.handing_on or (channel and channel.full))

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        if self.reports.channel is not None:
            await self.reports.channel.drain()
        if not self._concerns_all(request):
            return await handler(request)
        try:
            raw = await body(request)
        except ApiError:
            return await handler(request)  # which cannot read it either, and says so
        return await self._handed_on(request, raw)

    def _concerns_all(self, request: web.Request) -> bool:
        """Tell whether the answer depends on what happens in other processes."""
        if request.path.startswith(control.ROOT):
            return True
        if request.path.endswith(_ALONE):
            return False
        return self.reports.handing_on or request.method in ("GET", "HEAD")

    async def _handed_on(self, request: web.Request, raw: bytes) -> web.StreamResponse:
        """Answer as the parent does, and break off where it does."""
        headers = _without(request.headers, _SENT)
        line, transport = self.reports.line(request.transport), request.transport
        address = transport.get_extra_info("sockname")[0] if transport else ""
        headers[LINE_HEADER] = f"{self._index} {line} {address}"
        try:
            async with self._session.request(
                request.method,
                URL(f"http://mock{request.raw_path}", encoded=True),
                data=raw or None,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=_DEFAULTS,
            ) as answer:
                return await _passed_on(request, answer)
        except aiohttp.ClientError:
            abort(transport)
            return web.Response()


async def _passed_on(
    request: web.Request, answer: aiohttp.ClientResponse
) -> web.StreamResponse:
    """Send an answer as it comes."""
    headers = _without(answer.headers, _HOP)
    is_whole = answer.content.is_eof() and "Content-Length" in answer.headers
    if is_whole and request.method != "HEAD":
        return web.Response(
            status=answer.status, headers=headers, body=await answer.read()
        )
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = answer.content_length
    await response.prepare(request)
    async for piece in answer.content.iter_any():
        await response.write(piece)
    await response.write_eof()
    return response


def _without(
    headers: CIMultiDictProxy[str], names: tuple[str, ...]
) -> CIMultiDict[str]:
    left = CIMultiDict(headers)
    for name in names:
        left.popall(name, None)
    return left
