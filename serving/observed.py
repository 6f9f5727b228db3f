"""What a server of real models tells of its requests: metrics, and a line in a log.

A line has no content: neither what was asked nor what was answered.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import replace
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.in_flight import counted, streaming
from aios_conformance.serving.meter import Meter
from aios_conformance.serving.metrics import CONTENT_TYPE, written
from aios_conformance.serving.server import CONTEXT
from aios_conformance.serving.stages import Chunks, Frames, Stages

Log = Callable[[str], object]


class RequestProgress:
    """One request while it is answered."""

    api: str | None = None
    status: int | None = None
    model: str | None = None
    tokens: tuple[int, int] = (0, 0)
    finishes: Sequence[str] = ()
    finished: bool = False
    streamed: bool = False
    first: float | None = None
    duration: float = 0.0
    id: str = ""

    def __init__(self, method: str, path: str, tell: "Tell") -> None:
        """It begins now; `tell` is called once, when it is over."""
        self.method = method
        self.path = path
        self.began = time.perf_counter()
        self._tell: Tell | None = tell

    def elapsed(self) -> float:
        """Return the seconds since it began."""
        return time.perf_counter() - self.began

    def over(self, context: RequestContext | None) -> None:
        """It is over; who says so first is heard."""
        if self._tell is not None:
            tell, self._tell = self._tell, None
            self.duration = self.elapsed()
            if context is not None:
                self.api, self.id = context.api, context.id
            tell(self)

    def line(self) -> str:
        """Return what is to be logged, as one line of JSON."""
        prompt, generated = self.tokens
        told = {
            "time": round(time.time(), 3),
            "id": self.id or None,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "model": self.model,
            "stream": self.streamed,
            "finish_reasons": list(self.finishes),
            "prompt_tokens": prompt,
            "completion_tokens": generated,
            "first_byte_seconds": self.first and round(self.first, 4),
            "seconds": round(self.duration, 4),
        }
        return json.dumps(told)


Tell = Callable[[RequestProgress], object]

_current: ContextVar[RequestProgress] = ContextVar("observation")


def observed(stages: Stages, meter: Meter) -> Stages:
    """Return stages that note what the running request's observation is about."""
    stages = counted(stages, meter.running, _current)

    async def frames(context: RequestContext, chunks: Chunks) -> Frames:
        seen = _current.get()
        seen.streamed = True
        with streaming(context, seen, meter.running):
            async with aclosing(stages.frames(context, chunks)) as events:
                async for event in events:
                    if seen.first is None:
                        seen.first = seen.elapsed()
                    yield event
        # before the client sees the end: whoever has read all finds it counted
        seen.status, seen.finished = stages.stream(context)[0], True
        seen.over(context)

    return replace(stages, frames=frames)


def observer(meter: Meter, log: Log | None) -> Middleware:
    """Return a middleware that tells the meter, and the log if there is one."""

    def tell(seen: RequestProgress) -> None:
        meter.note(seen)
        if log is not None and seen.api is not None:
            log(seen.line())

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen = RequestProgress(request.method, request.path, tell)
        _current.set(seen)
        try:
            response = await handler(request)
            seen.status = response.status
            seen.finished = seen.finished or not seen.streamed
            return response
        finally:
            seen.over(request.get(CONTEXT))

    return observe


def metrics(meter: Meter, models: Iterable[str], places: int) -> Handler:
    """Return what answers GET /metrics; `places` requests are worked on at once."""
    return partial(_told, meter, tuple(models), places)


async def _told(
    meter: Meter, models: Sequence[str], places: int, request: web.Request
) -> web.StreamResponse:
    del request
    body = written(meter, models, places)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
