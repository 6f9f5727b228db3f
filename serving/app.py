"""The aiohttp application: routes from the contract, one way through for each request.

Outermost first: `middlewares` of the caller, `unrouted`, the route's handler. A
middleware finds the request's context, once there is one, in `request.get(CONTEXT)`.

One port can serve several contracts (`together`); serving.dialects says which one
stands where.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import count
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aios_conformance.serving import admission, apis, sse
from aios_conformance.serving.bodies import REQUEST_TIMEOUT, body
from aios_conformance.serving.codec import Vector, encode, pieces
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.contract import Operation
from aios_conformance.serving.dialects import places
from aios_conformance.serving.engine import Engine, EngineError
from aios_conformance.serving.errors import (
    ApiError,
    BadRequest,
    Broken,
    Invalid,
    NotAllowed,
    NotFound,
    refused,
)
from aios_conformance.serving.models import listed
from aios_conformance.serving.selfcheck import SelfCheck
from aios_conformance.serving.stages import Response, Stages
from aios_conformance.serving.turns import LONG, aside
from aios_conformance.spec import LISTING

__all__ = ["CONTEXT", "Handler", "Middleware", "Server", "application", "together"]

CONTEXT = web.RequestKey("context", RequestContext)
"""Where a middleware finds the request's context, once the front has made it."""

_VECTORS = 1_024  # that an answer may hold and still be built as a whole
_ITEMS = 64  # of a list in an answer that is written in passing

_log = logging.getLogger(__name__)


Route = tuple[str, str, Handler]  # method, path, what answers


class Server:
    """One front with its stages, as routes to serve."""

    def __init__(
        self, front: Front, stages: Stages, check: SelfCheck | None = None
    ) -> None:
        """Serve as `restart` says, now and later under the document of this front."""
        self._document = encode(dict(front.contract.document))
        self.restart(front, stages, check)

    def restart(
        self, front: Front, stages: Stages, check: SelfCheck | None = None
    ) -> None:
        """Serve another front of the same contract from now on, as if just started.

        Requests count from 1. A front with self_check judges its own answers.
        """
        self._front = front
        self._stages = stages
        self._numbers = count(1)
        if check is None and front.self_check:
            check = SelfCheck(front.contract)
        self._check = check

    @property
    def front(self) -> Front:
        """Engine and contract."""
        return self._front

    def documented(self) -> Iterator[Route]:
        """Yield the routes that the contract promises."""
        for operation in self._front.contract.operations.values():
            yield operation.method, operation.path, self._handler(operation)

    def besides(self) -> Iterator[Route]:
        """Yield what every server of ours has where no contract says otherwise."""
        yield "GET", "/health", _health
        yield "GET", "/openapi.json", self._openapi
        yield "GET", LISTING.removeprefix("GET "), self._models

    async def unrouted(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Answer what no route takes."""
        return await self._guarded(request, self._context(request), handler)

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            context = self._context(request, operation)

            async def answer(request: web.Request) -> web.StreamResponse:
                return await self._answer(request, context)

            return await self._guarded(request, context, answer)

        return handle

    async def _answer(
        self, request: web.Request, context: RequestContext
    ) -> web.StreamResponse:
        context.raw = await body(request)
        stages = self._stages
        await aside(context.heavy, _opened, stages, context)
        if apis.streamed(context):
            return await self._stream(request, context)
        answer = await stages.answer(context)
        if _many_vectors(answer):
            return web.Response(body=_streamed(answer), content_type="application/json")
        heavy = context.heavy or _long(answer)
        response = await aside(heavy, stages.respond, context, answer)
        if self._check is not None:
            self._check.response(context, response)
        return _whole(response)

    async def _stream(
        self, request: web.Request, context: RequestContext
    ) -> web.StreamResponse:
        stages = self._stages
        chunks = stages.chunks(context)
        if self._check is not None:
            chunks = self._check.chunks(context, chunks)
        blocks = sse.coalesced(stages.frames(context, chunks))
        async with aclosing(blocks):
            # what fails before the first byte is an ordinary refusal
            first = await anext(blocks, b"")
            status, headers = stages.stream(context)
            response = web.StreamResponse(status=status, headers=headers)
            try:
                await response.prepare(request)
                await response.write(first)
                async for block in blocks:
                    await response.write(block)
                await response.write_eof()
            except ConnectionResetError:
                _log.debug("the client of %s left", context.operation_id)
            return response

    async def _guarded(
        self, request: web.Request, context: RequestContext, handler: Handler
    ) -> web.StreamResponse:
        """Turn whatever goes wrong into an answer that the client can read."""
        try:
            return await handler(request)
        except ApiError as error:
            refusal = error
        except EngineError as error:
            refusal = refused(error)
        except web.HTTPException as error:
            refusal = _routed(request, error)
        except RecursionError:
            refusal = BadRequest("the body is nested too deeply", code="too_deep")
        except Exception:  # noqa: BLE001 - the last resort, logged in full
            _log.exception("%s failed", context.operation_id)
            refusal = Broken("the server failed", code="internal")
        return _whole(self._stages.refusal(context, refusal))

    def _context(
        self, request: web.Request, operation: Operation | None = None
    ) -> RequestContext:
        context = RequestContext(
            front=self._front,
            number=next(self._numbers),
            method=operation.method if operation else request.method,
            path=operation.path if operation else request.path,
            headers=request.headers,
            operation=operation,
        )
        request[CONTEXT] = context
        return context

    async def _openapi(self, request: web.Request) -> web.Response:
        del request
        return web.Response(body=self._document, content_type="application/json")

    async def _models(self, request: web.Request) -> web.StreamResponse:
        context = self._context(request)

        async def answer(request: web.Request) -> web.StreamResponse:
            del request
            admission.authorize(context)
            listing = encode(listed(self._front))
            return web.Response(body=listing, content_type="application/json")

        return await self._guarded(request, context, answer)


def application(
    front: Front,
    stages: Stages | None = None,
    *,
    middlewares: Sequence[Middleware] = (),
    check: SelfCheck | None = None,
) -> web.Application:
    """Return the application of a front, with other stages if given.

    A front with self_check judges its own answers, with `check` if it is given.
    """
    return together({"": Server(front, stages or Stages(), check)}, middlewares)


def together(
    servers: Mapping[str, Server], middlewares: Sequence[Middleware] = ()
) -> web.Application:
    """Return one application of servers by dialect, in the order of precedence.

    It starts and closes each engine once. The first server's limit on bodies holds.
    """
    first, *_ = servers.values()
    placed = places({n: one.front.contract.document for n, one in servers.items()})
    under = {f"/{name}": one for name, one in servers.items()}

    @web.middleware
    async def unrouted(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            return await handler(request)
        prefix = "/" + request.path.split("/", 2)[1] if "/" in request.path else ""
        return await under.get(prefix, first).unrouted(request, handler)

    app = web.Application(
        middlewares=[*middlewares, unrouted], client_max_size=first.front.body_limit
    )
    app[REQUEST_TIMEOUT] = first.front.request_timeout
    routes: dict[tuple[str, str], Handler] = {}
    for kind in (Server.documented, Server.besides):
        for name, prefixes in placed.items():
            for method, path, handler in kind(servers[name]):
                for prefix in prefixes:
                    routes.setdefault((method, prefix + path), handler)
    for (method, path), handler in routes.items():
        if method == "GET":
            app.router.add_get(path, handler)  # HEAD too
        else:
            app.router.add_route(method, path, handler)
    engines = {id(one.front.engine): one.front.engine for one in servers.values()}
    app.cleanup_ctx.extend(map(_running, engines.values()))
    return app


def _running(
    engine: Engine,
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(app: web.Application) -> AsyncIterator[None]:
        del app
        await engine.start()
        yield
        await engine.close()

    return run


def _many_vectors(answer: Any) -> bool:
    """Tell whether an answer holds so many vectors that it is never held whole."""
    data = answer.get("data") if isinstance(answer, dict) else None
    return (
        isinstance(data, list)
        and len(data) > _VECTORS
        and isinstance(data[0], dict)
        and isinstance(data[0].get("embedding"), Vector)
    )


async def _streamed(answer: Mapping[str, Any]) -> AsyncIterator[bytes]:
    for piece in pieces(answer, "data"):
        yield piece
        await asyncio.sleep(0)


def _long(answer: Any) -> bool:
    """Tell whether an answer takes long to be written."""
    if not isinstance(answer, dict):
        return True
    usage = answer.get("usage")
    tokens = usage.get("total_tokens") if isinstance(usage, dict) else 0
    return (
        not isinstance(tokens, int)
        or tokens > LONG
        or any(
            isinstance(member, list) and len(member) > _ITEMS
            for member in answer.values()
        )
    )


def _opened(stages: Stages, context: RequestContext) -> None:
    """Take a request through the stages before its answer."""
    stages.admit(context)
    violations = stages.validate(context)
    if violations:
        raise Invalid(violations)
    stages.prepare(context)


async def _health(request: web.Request) -> web.Response:
    del request
    return web.json_response({"status": "ok"})


def _whole(response: Response) -> web.Response:
    status, headers, body = response
    whole = web.Response(status=status, headers=headers, body=body)
    if headers.get("Connection") == "close":
        whole.force_close()
    return whole


def _routed(request: web.Request, error: web.HTTPException) -> ApiError:
    """Say what aiohttp's router or reader found."""
    match error:
        case web.HTTPMethodNotAllowed(allowed_methods=methods):
            allowed = ", ".join(sorted(methods))
            return NotAllowed(
                f"{request.path} takes {allowed}, not {request.method}",
                code="method_not_allowed",
                headers={"Allow": allowed},
            )
        case web.HTTPNotFound():
            return NotFound(
                f"there is no path {request.path}; GET /openapi.json lists those that "
                "are served",
                code="path_not_found",
            )
        case _:
            return BadRequest(error.reason, code="bad_request")
