"""One front with its stages, as routes: one way through for each request."""

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
)
from contextlib import aclosing
from functools import partial
from itertools import count
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from aios_conformance.serving import admission, apis, sse
from aios_conformance.serving.at_once import immediate
from aios_conformance.serving.bodies import RequestKey, body
from aios_conformance.serving.codec import Vector, encode, pieces
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.contract import Operation
from aios_conformance.serving.engine import EngineError, Model, Mortal
from aios_conformance.serving.errors import (
    ApiError,
    BadRequest,
    Broken,
    Invalid,
    NotAllowed,
    NotFound,
    refused,
)
from aios_conformance.serving.models import card, named
from aios_conformance.serving.near_paths import nearest_path
from aios_conformance.serving.selfcheck import SelfCheck
from aios_conformance.serving.stages import Response, Stages
from aios_conformance.serving.turns import LONG, TURNS, aside
from aios_conformance.spec import LISTING

CONTEXT = RequestKey("context", RequestContext)
"""Where a middleware finds the request's context, once the front has made it."""

_VECTORS = 1_024  # that an answer may hold and still be built as a whole
_SHOWN = 200  # characters of a path in a message
_ITEMS = 64  # of a list in an answer that is written in passing

_log = logging.getLogger(__name__)


Route = tuple[str, str, Handler]  # method, path, what answers

ToPost = Callable[[Mapping[str, str], bytes], tuple[RequestContext, Response] | None]
"""Answers the headers and body of a request, if it need not wait for anything."""


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
        yield "GET", "/health", self._health
        yield "GET", "/openapi.json", self._openapi
        if LISTING not in self._front.contract.operations:
            path = LISTING.removeprefix("GET ")
            yield "GET", path, self.answering(self._models)
            yield "GET", path + "/{model:.+}", self.answering(self._model)

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

    def posts(self) -> Iterator[tuple[str, ToPost]]:
        """Yield the paths of what answers a body, with what may do so at once."""
        for operation in self._front.contract.operations.values():
            if operation.method == "POST" and operation.request is not None:
                yield operation.path, partial(self._at_once, operation)

    def _at_once(
        self, operation: Operation, headers: Mapping[str, str], raw: bytes
    ) -> tuple[RequestContext, Response] | None:
        """Answer without waiting for anything; None if that is not possible.

        A refusal is not told either: the usual way, which it then goes, tells it.
        """
        stages = self._stages
        if len(raw) > self._front.body_limit:
            return None
        context = RequestContext(
            self._front,
            next(self._numbers),
            operation.method,
            operation.path,
            headers,
            operation,
            raw,
        )
        try:
            _opened(stages, context)
            if apis.streamed(context):
                return None
            answer = immediate(stages.answer(context))
            return (
                None if answer is None else (context, stages.respond(context, answer))
            )
        except Exception:  # noqa: BLE001 - it happens again, and is told then
            return None

    async def _answer(
        self, request: web.Request, context: RequestContext
    ) -> web.StreamResponse:
        context.raw = await body(request)
        stages = self._stages
        await TURNS.next()
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
        try:
            return _whole(self._stages.refusal(context, refusal))
        finally:
            del refusal  # whose traceback holds this frame, and so the body

    def refuse(self, request: web.Request, error: ApiError) -> web.Response:
        """Refuse a request that need not have met any stage."""
        context = request.get(CONTEXT)
        if context is None:
            context = RequestContext(
                self._front, 0, request.method, request.path, request.headers
            )
        return _whole(self._stages.refusal(context, error))

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

    async def _health(self, request: web.Request) -> web.Response:
        del request
        engine = self._front.engine
        illness = engine.illness() if isinstance(engine, Mortal) else None
        if illness is None:
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "unwell", "reason": illness}, status=503)

    def card(self, model: Model) -> Mapping[str, Any]:
        """Tell of a model in a listing that no contract describes."""
        return card(model)

    async def _models(
        self, context: RequestContext, request: web.Request
    ) -> Mapping[str, Any]:
        del context, request
        models = self._front.engine.models
        return {"object": "list", "data": [self.card(model) for model in models]}

    async def _model(
        self, context: RequestContext, request: web.Request
    ) -> Mapping[str, Any]:
        del context
        return self.card(named(self._front, request.match_info["model"]))

    def answering(
        self,
        answer: Callable[[RequestContext, web.Request], Awaitable[Mapping[str, Any]]],
    ) -> Handler:
        """Return a handler for who has the key; what goes wrong is told as ever."""

        async def handle(request: web.Request) -> web.StreamResponse:
            context = self._context(request)

            async def authorized(request: web.Request) -> web.StreamResponse:
                admission.authorize(context)
                told = encode(await answer(context, request))
                return web.Response(body=told, content_type="application/json")

            return await self._guarded(request, context, authorized)

        return handle

    async def read(self, context: RequestContext, request: web.Request) -> None:
        """Read the body of a request that no contract describes."""
        context.raw = await body(request)
        await aside(context.heavy, self._stages.admit, context)


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
                f"there is no path {request.path[:_SHOWN]}; {_instead(request)}",
                code="path_not_found",
            )
        case _:
            return BadRequest(error.reason, code="bad_request")


def _instead(request: web.Request) -> str:
    """Say which path was probably meant."""
    served = {
        route.resource.canonical: route.method
        for route in request.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    near = nearest_path(request.path, served)
    if near is None:
        return "GET /openapi.json lists those that are served"
    hint = f"did you mean {served[near]} {near}?"
    base, slash, _ = near.partition("/v1/")
    if slash and request.path.count("/v1") != 1:
        hint += f" The base URL that clients want ends in {base}/v1, once"
    return hint
