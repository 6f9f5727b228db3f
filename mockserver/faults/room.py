"""A queue as that of a real server: so many run, so many wait, the others must go.

With pacing, the time to the first token therefore grows with the load.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from aios_conformance.mockserver.faults.quotas import OverQuota
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Busy
from aios_conformance.serving.stages import Answer, Chunks, Stages


@dataclass(frozen=True, slots=True)
class Room:
    """How many requests may run, and how many wait for a place; None: all."""

    running: int | None = None
    waiting: int | None = None
    overflow: int = 503  # the status of who finds no place to wait; else 429


class Queue:
    """Who runs and who waits, first come, first served."""

    def __init__(self, room: Room, by_model: Counter[str]) -> None:
        """Nobody is there. `by_model` is told who waits."""
        self._room = room
        self._by_model = by_model
        self._places = asyncio.Semaphore(room.running or 0)
        self.running = 0
        self.waiting = 0

    @asynccontextmanager
    async def place(self, context: RequestContext) -> AsyncIterator[None]:
        """Wait for a place and hold it. Raises Busy or OverQuota if too many wait."""
        most = self._room.waiting
        if self._places.locked() and most is not None and self.waiting >= most:
            kind = Busy if self._room.overflow == Busy.status else OverQuota
            raise kind(
                f"{self.running} requests run and {self.waiting} wait, which is all "
                "that there is room for",
                code="queue_full",
                headers={"Retry-After": "1"},
            )
        name = context.model.name if context.model else ""
        self.waiting += 1
        self._by_model[name] += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
            self._by_model[name] -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._places.release()


def queued(stages: Stages, room: Room, waiting: Counter[str]) -> Stages:
    """Return stages whose answers wait for their place; `waiting` counts, by model."""
    if room.running is None:
        return stages
    queue = Queue(room, waiting)

    async def answer(context: RequestContext) -> Answer:
        async with queue.place(context):
            return await stages.answer(context)

    async def chunks(context: RequestContext) -> Chunks:
        async with queue.place(context), aclosing(stages.chunks(context)) as source:
            async for chunk in source:
                yield chunk

    return replace(stages, answer=answer, chunks=chunks)
