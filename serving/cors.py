"""Cross-origin requests, for pages that may call the API from a browser.

Off by default: a browser then keeps the answers from pages of other origins.
"""

from collections.abc import Sequence
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

_SECONDS: Final = "600"  # that a browser may remember what is allowed


def allow_origins(app: web.Application, origins: Sequence[str]) -> None:
    """Let pages of these origins read answers; `*` stands for all."""
    if not origins:
        return

    async def marked(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get("Origin")
        if origin is None or not {"*", origin}.intersection(origins):
            return
        if "Access-Control-Allow-Origin" in response.headers:
            return  # whoever made the answer has said it
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers.add("Vary", "Origin")
        wanted = request.headers.get("Access-Control-Request-Method")
        if wanted is not None:
            asked = request.headers.get("Access-Control-Request-Headers", "")
            response.headers["Access-Control-Allow-Methods"] = wanted
            response.headers["Access-Control-Allow-Headers"] = asked
            response.headers["Access-Control-Max-Age"] = _SECONDS

    @web.middleware
    async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (
            request.method == "OPTIONS"
            and "Access-Control-Request-Method" in request.headers
        ):
            return web.Response(status=204)
        return await handler(request)

    app.middlewares.insert(0, preflight)
    app.on_response_prepare.append(marked)
