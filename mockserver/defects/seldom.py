"""Any defect, made seldom: it strikes some requests only, and the rest are right.

NAME@third           every third request on which it would act: the 1st, 4th, 7th, …
NAME@once-refused    the first request on which it would act after one that was refused
NAME@after-refusal   the first request after one that was refused, of the same API
NAME@in-company      while another request of the same API is in flight
NAME@repeated        a request that was made before, byte for byte
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from aios_conformance.mockserver.defects.either import STRUCK, Either
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.where_it_acts import (
    EveryThird,
    OnceRefused,
    Turn,
    where_it_acts,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError, Violation
from aios_conformance.serving.stages import Answer, Chunks, Frames, Response, Stages

MARK = "@"
_PAUSE = 0.002  # seconds that a request waits for company


class _Memory:
    """What a server remembers of its requests."""

    def __init__(self) -> None:
        self.refused: dict[str | None, bool] = {}
        self.flying: Counter[str | None] = Counter()
        self.seen: Counter[tuple[str, bytes]] = Counter()


Trigger = Callable[[RequestContext, _Memory], bool]

_CONDITIONS: Mapping[str, Trigger] = {
    "after-refusal": lambda context, memory: memory.refused.get(context.api, False),
    "in-company": lambda context, memory: memory.flying[context.api] > 1,
    "repeated": lambda context, memory: memory.seen[context.path, context.raw] > 1,
}
_TURNS: Mapping[str, Callable[[], Turn]] = {
    "third": EveryThird,
    "once-refused": OnceRefused,
}
TRIGGERS = (*_TURNS, *_CONDITIONS)


def seldom(defect: Defect, trigger: str) -> Defect:
    """The defect, struck by a trigger only."""
    name = f"{defect.name}{MARK}{trigger}"
    if trigger in _TURNS:
        return where_it_acts(defect, name, _TURNS[trigger])
    strikes = _CONDITIONS[trigger]

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        broken, other = defect.plant(stages, engine, tally)
        memory = _Memory()
        waits = trigger == "in-company"
        switched = _switched(stages, broken, memory, strikes, waits=waits)
        return switched, cast("Engine", Either(engine, other))

    return replace(defect, name=name, plant=plant)


def _switched(
    stages: Stages, broken: Stages, memory: _Memory, strikes: Trigger, *, waits: bool
) -> Stages:
    """Stages that are the broken ones for a request that is struck."""

    def chosen(context: RequestContext) -> Stages:
        return broken if context.memory.get("seldom") else stages

    def decide(context: RequestContext) -> None:
        context.memory["seldom"] = strikes(context, memory)
        STRUCK.set(context.memory["seldom"])

    def admit(context: RequestContext) -> None:
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
