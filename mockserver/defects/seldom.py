"""Any defect, made seldom: it strikes some requests only, and the rest are right.

NAME@third           every third request of an API
NAME@after-refusal   the request after one that was refused, of the same API
NAME@in-company      while another request of the same API is in flight
NAME@repeated        a request that was made before, byte for byte
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, cast

from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError, Violation
from aios_conformance.serving.stages import Answer, Chunks, Frames, Response, Stages

MARK = "@"
_PAUSE = 0.002  # seconds that a request waits for company
_STRUCK: ContextVar[bool] = ContextVar("struck", default=False)


class _Memory:
    """What a server remembers of its requests."""

    def __init__(self) -> None:
        self.count: Counter[str | None] = Counter()
        self.refused: dict[str | None, bool] = {}
        self.flying: Counter[str | None] = Counter()
        self.seen: Counter[tuple[str, bytes]] = Counter()


Trigger = Callable[[RequestContext, _Memory], bool]

TRIGGERS: Mapping[str, Trigger] = {
    "third": lambda context, memory: memory.count[context.api] % 3 == 0,
    "after-refusal": lambda context, memory: memory.refused.get(context.api, False),
    "in-company": lambda context, memory: memory.flying[context.api] > 1,
    "repeated": lambda context, memory: memory.seen[context.path, context.raw] > 1,
}


def seldom(defect: Defect, trigger: str) -> Defect:
    """The defect, struck by a trigger only."""
    strikes = TRIGGERS[trigger]

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        broken, other = defect.plant(stages, engine, tally)
        memory = _Memory()
        waits = trigger == "in-company"
        switched = _switched(stages, broken, memory, strikes, waits=waits)
        return switched, cast("Engine", _Either(engine, other))

    return replace(defect, name=f"{defect.name}{MARK}{trigger}", plant=plant)


class _Either:
    """The broken engine for requests that are struck, the faithful one for others."""

    def __init__(self, faithful: Engine, broken: Engine) -> None:
        self._faithful = faithful
        self._broken = broken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broken if _STRUCK.get() else self._faithful, name)


def _switched(
    stages: Stages, broken: Stages, memory: _Memory, strikes: Trigger, *, waits: bool
) -> Stages:
    """Stages that are the broken ones for a request that is struck."""

    def chosen(context: RequestContext) -> Stages:
        return broken if context.memory.get("seldom") else stages

    def decide(context: RequestContext) -> None:
        context.memory["seldom"] = strikes(context, memory)
        _STRUCK.set(context.memory["seldom"])

    def admit(context: RequestContext) -> None:
        memory.count[context.api] += 1
        memory.seen[context.path, context.raw] += 1
        if not waits:
            decide(context)
        memory.refused[context.api] = False
        chosen(context).admit(context)

    def validate(context: RequestContext) -> list[Violation]:
        return chosen(context).validate(context)

    def prepare(context: RequestContext) -> None:
        if waits:  # those who are refused are no company
            memory.flying[context.api] += 1
            context.memory["flies"] = True
            decide(context)
        chosen(context).prepare(context)

    def lands(context: RequestContext) -> None:
        if context.memory.pop("flies", False):
            memory.flying[context.api] -= 1

    async def answer(context: RequestContext) -> Answer:
        try:
            if waits:
                await asyncio.sleep(_PAUSE)
            return await chosen(context).answer(context)
        finally:
            lands(context)

    async def chunks(context: RequestContext) -> AsyncGenerator[dict[str, Any], None]:
        source: Chunks
        try:
            if waits:
                await asyncio.sleep(_PAUSE)
            async with aclosing(chosen(context).chunks(context)) as source:
                async for chunk in source:
                    yield chunk
        finally:
            lands(context)

    def respond(context: RequestContext, whole: Answer) -> Response:
        return chosen(context).respond(context, whole)

    def frames(context: RequestContext, source: Chunks) -> Frames:
        return chosen(context).frames(context, source)

    def stream(context: RequestContext) -> tuple[int, Mapping[str, str]]:
        return chosen(context).stream(context)

    def refusal(context: RequestContext, error: ApiError) -> Response:
        lands(context)
        memory.refused[context.api] = True
        return chosen(context).refusal(context, error)

    return Stages(
        admit, validate, prepare, answer, respond, chunks, frames, stream, refusal
    )
