"""Server-sent events: framing, and joining frames that are ready together."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aios_conformance.serving.codec import encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import EngineError
from aios_conformance.serving.errors import ApiError, Broken, refused

DONE = b"data: [DONE]\n\n"
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
_AHEAD = 512  # frames that may wait for a slow client before generation pauses

_log = logging.getLogger(__name__)


def event(payload: Any) -> bytes:
    """Frame one JSON payload as an event of a single line."""
    return b"data: " + encode(payload) + b"\n\n"


async def frames(
    context: RequestContext, chunks: AsyncGenerator[dict[str, Any], None]
) -> AsyncGenerator[bytes, None]:
    """Frame chunks as they come; [DONE] is the last event, and the only one.

    What goes wrong after the first chunk is told in an error event, since the
    status has been sent; before it, the error is raised.
    """
    told, begun = context.front.told, False
    async with aclosing(chunks):
        try:
            async for chunk in chunks:
                yield event(chunk)
                begun = True
        except ApiError as error:
            if not begun:
                raise
            yield event(told(error)[1])
        except EngineError as error:
            if not begun:
                raise
            yield event(told(refused(error))[1])
        except Exception:
            if not begun:
                raise
            _log.exception("%s broke off", context.operation_id)
            yield event(told(Broken("the answer broke off", code="internal"))[1])
    yield DONE


async def coalesced(
    source: AsyncGenerator[bytes, None],
) -> AsyncGenerator[bytes, None]:
    """Join frames that are ready at the same moment into one block of bytes.

    A frame never waits for a later one: what exists is sent as soon as the event
    loop comes back to the sender. A server that generates without waiting thus
    sends its whole stream in one write, a slow one each token by itself.
    """
    ready: list[bytes] = []
    grown = asyncio.Event()
    drained = asyncio.Event()

    async def pump() -> None:
        try:
            async with aclosing(source):
                async for frame in source:
                    ready.append(frame)
                    if len(ready) == 1:
                        grown.set()
                    elif len(ready) >= _AHEAD:
                        drained.clear()
                        await drained.wait()
        finally:
            grown.set()

    task = asyncio.create_task(pump())
    try:
        while True:
            await grown.wait()
            grown.clear()
            ended = task.done()
            if ready:
                block = b"".join(ready)
                ready.clear()
                drained.set()
                yield block
            elif ended or task.done():
                break
            if task.done():
                grown.set()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
