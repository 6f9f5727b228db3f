"""The aiohttp application: routes from the contract, one way through for each request.

Outermost first: `middlewares` of the caller, `unrouted`, the route's handler. A
middleware finds the request's context, once there is one, in
`request.get(server.CONTEXT)`. What need not wait for anything may pass by all of these
(serving.at_once).

One port can serve several contracts (`mounted`); serving.dialects says which one
stands where.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import methodcaller

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aios_conformance.serving.bodies import REQUEST_TIMEOUT, ROOM, new_room
from aios_conformance.serving.context import Front
from aios_conformance.serving.dialects import places
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.selfcheck import SelfCheck
from aios_conformance.serving.server import Server, ToPost
from aios_conformance.serving.stages import Stages


@dataclass(frozen=True)
class _Reached:
    """Knows which server a request has reached."""

    first: Server
    under: Mapping[str, Server]  # prefixes, for paths that no route has
    owners: dict[object, Server] = field(default_factory=dict)  # of handlers

    def by(self, request: web.Request) -> Server:
        prefix = "/" + request.path.split("/", 2)[1] if "/" in request.path else ""
        owner = self.owners.get(request.match_info.handler)
        return owner or self.under.get(prefix, self.first)


_REACHED = web.AppKey("reached", _Reached)

POSTS = web.AppKey("posts", Mapping[str, ToPost])
"""What may answer at once, by path."""


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
    return mounted({"": Server(front, stages or Stages(), check)}, middlewares)


def mounted(
    servers: Mapping[str, Server], middlewares: Sequence[Middleware] = ()
) -> web.Application:
    """Return one application of servers by dialect, in the order of precedence.

    It starts and closes each engine once. The first server's limit on bodies holds.
    """
    first, *_ = servers.values()
    placed = places({n: one.front.contract.document for n, one in servers.items()})

    reached = _Reached(first, {f"/{name}": one for name, one in servers.items()})

    @web.middleware
    async def unrouted(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            return await handler(request)
        return await reached.by(request).unrouted(request, handler)

    app = web.Application(
        middlewares=[*middlewares, unrouted], client_max_size=first.front.body_limit
    )
    app[REQUEST_TIMEOUT] = first.front.request_timeout
    app[ROOM] = new_room()
    app[_REACHED] = reached
    routes: dict[tuple[str, str], Handler] = {}
    for kind in (methodcaller("documented"), methodcaller("besides")):
        for name, prefixes in placed.items():
            for method, path, handler in kind(servers[name]):
                reached.owners[handler] = servers[name]
                for prefix in prefixes:
                    routes.setdefault((method, prefix + path), handler)
    for (method, path), handler in routes.items():
        if method == "GET":
            app.router.add_get(path, handler, expect_handler=_expected)  # HEAD too
        else:
            app.router.add_route(method, path, handler, expect_handler=_expected)
    app[POSTS] = {
        prefix + path: answer
        for name, prefixes in reversed([*placed.items()])
        for path, answer in servers[name].posts()
        for prefix in prefixes
    }
    engines = {id(one.front.engine): one.front.engine for one in servers.values()}
    app.cleanup_ctx.extend(map(_running, engines.values()))
    return app


def refuse(request: web.Request, error: ApiError) -> web.Response:
    """Return a refusal as the server writes it that a request has reached."""
    return request.app[_REACHED].by(request).refuse(request, error)


def api_at(request: web.Request) -> str | None:
    """Return the API whose path a request has, with a dialect's prefix or without."""
    operations = request.app[_REACHED].by(request).front.contract.operations
    for path in (request.path, "/" + request.path[1:].partition("/")[2]):
        if found := operations.get(f"{request.method} {path}"):
            return found.api
    return None


async def _expected(request: web.Request) -> None:
    """Ask for the body of who waits for that; no other expectation matters to us."""
    if request.headers["Expect"].lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _running(
    engine: Engine,
) -> Callable[[web.Application], AsyncIterator[None]]:
    async def run(app: web.Application) -> AsyncIterator[None]:
        del app
        await engine.start()
        yield
        await engine.close()

    return run
