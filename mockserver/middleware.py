"""Around the whole exchange: control, journal, delays, faults of whole answers, tape.

One middleware outside of everything. It plays, in this order: `/_mock/`, the
`X-Mock-` headers and `Prefer`, a fault drawn by its rate, the tape, and then the front.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from aios_conformance.mockserver.answer_cache import LARGEST, Key, again, send
from aios_conformance.mockserver.control import endpoints as control
from aios_conformance.mockserver.control.elsewhere import LINE
from aios_conformance.mockserver.control.exchange import Exchange, current
from aios_conformance.mockserver.control.journal import kept
from aios_conformance.mockserver.control.steady import now
from aios_conformance.mockserver.control.strangers import stranger
from aios_conformance.mockserver.faults import kinds as faults
from aios_conformance.mockserver.faults.effects import PlayedRefusal, harmed, refusal
from aios_conformance.mockserver.faults.kinds import Fault, FaultError
from aios_conformance.mockserver.faults.pacing import REAL_CLOCK, Clock
from aios_conformance.mockserver.state import MockState
from aios_conformance.mockserver.wishes import wished, wishes
from aios_conformance.serving.app import api_at, refuse
from aios_conformance.serving.at_once import RequestHead, framed
from aios_conformance.serving.bodies import body
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.server import CONTEXT, ToPost

METRICS = "/metrics"

_OWN = ("/health", "/openapi.json", METRICS)  # never harmed, never in the journal


class Outside:
    """What is around the front."""

    def __init__(
        self,
        state: MockState,
        alone: Callable[[], bool],
        clock: Clock = REAL_CLOCK,
    ) -> None:
        """`alone` tells whether a request may be answered at once."""
        self._state = state
        self._alone = alone
        self._clock = clock

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Be this module's middleware."""
        state = self._state
        is_routed = request.match_info.http_exception is None
        if is_routed and request.path.endswith(_OWN):  # of any dialect
            return await handler(request)
        if state.plan.control and request.path.startswith(control.ROOT):
            key = None if control.open_to_all(request) else state.plan.api_key
            refused = stranger(request, state.plan.hosts, key)
            if refused is not None:
                return refusal(refused.status, refused.message, code=refused.code)
            return await control.answer(request, state)
        return await self.journaled(request, handler)

    async def journaled(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Enter an exchange into the journal while it is played."""
        state, line = self._state, request.get(LINE)
        headers = request.headers if line is None else line.headers(request)
        exchange = Exchange(
            state.journal.next_number(),
            now(),
            request.method,
            request.path,
            headers,
            request.transport,
        )
        exchange.line = line
        current.set(exchange)
        state.journal.add(exchange)
        exchange.begun = time.perf_counter()
        try:
            if self._plain(headers):
                return await self._repeated(request, handler, exchange)
            if state.faults or state.relay is not None or self._wishes(headers):
                response = await self._played(request, handler, exchange)
            else:
                response = await handler(request)
                if exchange.fault is not None:  # a rule chose one
                    response = await _harmed(request, response, exchange.fault)
            _note(exchange, headers, response)
            return response
        finally:
            context = request.get(CONTEXT)
            if context is not None:
                exchange.api = context.api
                _keep(exchange, context.raw)
            self._over(exchange)

    def _over(self, exchange: Exchange) -> None:
        exchange.duration = time.perf_counter() - exchange.begun
        exchange.transport = None
        self._state.journal.settle(exchange)
        self._state.meter.note(exchange)

    def at_once(
        self,
        posts: Mapping[str, ToPost],
        asked: RequestHead,
        raw: bytes,
        transport: asyncio.Transport,
    ) -> bytes | None:
        """Do as `journaled` does, if nothing is to be waited for, or refused."""
        state, headers = self._state, asked.headers
        answer = posts.get(asked.path)
        if (
            answer is None
            or not self._alone()
            or not self._plain(headers)
            or "X-Request-Id" in headers
        ):
            return None
        exchange = Exchange(0, now(), "POST", asked.path, headers, transport)
        exchange.begun = time.perf_counter()
        current.set(exchange)
        key = _key(exchange, raw)
        repeats, context = state.repeats, None
        repeat = repeats and repeats.find(key)
        if repeat:
            fields: Mapping[str, str] = repeat.headers
            body = again(repeat, exchange)
        else:
            found = answer(headers, raw)
            if found is None:
                return None
            context, (_, fields, body) = found
            exchange.api = context.api
            exchange.response, exchange.response_size = [kept(body)], len(body)
        exchange.status, exchange.finished = 200, True
        exchange.answered, sent = framed(fields, body, chunked=exchange.streamed)
        exchange.number = state.journal.next_number()
        state.journal.add(exchange)
        _keep(exchange, raw)
        if repeats and not repeat and repeats.came_before(key):
            repeats.keep(key, exchange, context)
        self._over(exchange)
        return sent

    def _plain(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request alone decides what is answered."""
        state = self._state
        return (
            state.repeats is not None
            and not (state.faults or state.rules.rules or self._wishes(headers))
            and state.relay is None
            and state.quotas is None
        )

    async def _repeated(
        self, request: web.Request, handler: Handler, exchange: Exchange
    ) -> web.StreamResponse:
        """Answer from memory what came before, and remember it otherwise."""
        repeats, headers = self._state.repeats, request.headers
        raw = await _read(request, exchange)
        if repeats is None or raw is None or len(raw) > LARGEST:
            response = await handler(request)
            _note(exchange, headers, response)
            return response
        key = _key(exchange, raw)
        repeat = repeats.find(key)
        if repeat is not None:
            response = await send(repeat, request, exchange)
            _note(exchange, headers, response)
            return response
        response = await handler(request)
        _note(exchange, headers, response)
        if repeats.came_before(key):
            repeats.keep(key, exchange, request.get(CONTEXT))
        return response

    def _wishes(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request may control its own answer."""
        return self._state.plan.control and wishes(headers)

    async def _played(
        self, request: web.Request, handler: Handler, exchange: Exchange
    ) -> web.StreamResponse:
        """Play what concerns the exchange as a whole."""
        exchange.api = api_at(request)
        raw = await _read(request, exchange)  # before the client can leave
        try:
            exchange.fault = await self._chosen(request, exchange)
        except FaultError as error:
            return refuse(request, PlayedRefusal(400, str(error), "invalid_header"))
        if exchange.fault is not None and exchange.fault.status is not None:
            return refuse(request, PlayedRefusal(exchange.fault.status))
        response: web.StreamResponse | None = None
        relay = self._state.relay
        if relay is not None and raw is not None:
            response = await relay.answer(request, self._state.upstream)
            exchange.replayed = response is not None
        if response is None:
            response = await handler(request)
        if exchange.fault is None:
            return response
        return await _harmed(request, response, exchange.fault)

    async def _chosen(self, request: web.Request, exchange: Exchange) -> Fault | None:
        """Return the fault that the request asks for, else one drawn by its rate."""
        plan = self._state.plan
        if plan.control:
            wish = wished(request.headers)
            exchange.example = wish.example
            await self._clock.sleep_if(wish.delay)
            if wish.fault is not None:
                return wish.fault
        return faults.draw(self._state.faults, plan.seed, exchange.number)


async def _harmed(
    request: web.Request, response: web.StreamResponse, fault: Fault
) -> web.StreamResponse:
    """Harm a whole answer; a status was its refusal, a stream is harmed inside."""
    if fault.status is not None or not isinstance(response, web.Response):
        return response
    return await harmed(request, response, fault)


def _key(exchange: Exchange, raw: bytes) -> Key:
    headers = exchange.headers
    return (
        exchange.path,
        raw,
        headers.get("Content-Type"),
        headers.get("Authorization"),
    )


def _note(
    exchange: Exchange, headers: Mapping[str, str], response: web.StreamResponse
) -> None:
    exchange.status = response.status
    exchange.answered = response.headers
    if exchange.streamed:
        return  # a stream of the front keeps account by itself
    exchange.finished = exchange.fault is None or not exchange.fault.breaks_off
    if isinstance(response, web.Response):
        identity = headers.get("X-Request-Id")
        if identity is not None:
            response.headers["X-Request-Id"] = identity
        if exchange.taken is not None:
            response.headers.update(exchange.taken.headers())
        if exchange.added:
            response.headers.update(exchange.added)
        body = response.body if isinstance(response.body, bytes) else b""
        exchange.response = [kept(body)]
        exchange.response_size = len(body)


def _keep(exchange: Exchange, raw: bytes) -> None:
    exchange.request = kept(raw)
    exchange.request_size = len(raw)


async def _read(request: web.Request, exchange: Exchange) -> bytes | None:
    """Read the body before the front does; None if that fails, as it will there."""
    try:
        raw = await body(request)
    except ApiError:
        return None
    _keep(exchange, raw)
    return raw
