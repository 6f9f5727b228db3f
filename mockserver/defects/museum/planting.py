"""Three more ways to plant: bugs with a memory, bugs in company, bugs of two stages.

They stand beside those of `mockserver.defects.planting`. Whatever a bug remembers is
made anew for each server that it is planted in.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.planting import Defect, concerns, made
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError, BadRequest, Broken
from aios_conformance.serving.stages import Answer, Chunks, Stages

Company = Callable[[RequestContext, Sequence[RequestContext]], object]

ACCEPTED = {"COMMON-RES-001": "a valid request is not answered 200"}
"""What else notices that a valid request is turned away."""

CRASHED = {
    f"{api}-ERR-003": "a 500" for api in ("CHAT", "COMP", "EMB", "RERANK", "SCORE")
}
"""What else notices that an input crashes the server."""

BROKEN = ACCEPTED | CRASHED | {"COMMON-ERR-004": "a 500"}
"""What else notices that a valid request crashes it."""

_PAUSE = 0.003  # seconds that a request waits for company, and then keeps it


def because(reason: str, rows: str) -> dict[str, str]:
    """Rows, with spaces between them, that trip for one reason."""
    return dict.fromkeys(rows.split(), reason)


def refuse_if(found: object) -> bool:
    """Turn a request away, as 400, that has what was found."""
    if found:
        raise BadRequest("this is not supported", code="refused")
    return False


def crash_if(found: object) -> bool:
    """Answer a request with 500 that has what was found."""
    if found:
        raise Broken("this was not foreseen", code="crashed")
    return False


class OtherEngine:
    """An engine that differs in what a subclass defines, and counts when it does."""

    def __init__(self, engine: Engine, tally: Tally) -> None:
        """`engine` is the faithful one."""
        self._engine = engine
        self._tally = tally

    def whole(self, *_: Any) -> None:
        """Say nothing at once, so that each token comes by `generate`."""

    def __getattr__(self, name: str) -> Any:
        """What it does not define is the faithful engine's."""
        return getattr(self._engine, name)


def remembering(
    helper: Callable[..., Callable[[Any], Defect]],
    primary: str = "",
    *,
    api: str = "",
    **declared: Any,
) -> Callable[[Callable[[], Any]], Defect]:
    """Plant by `helper` what the function returns, which is called for each server."""

    def make(begin: Callable[[], Any]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            return helper(api=api)(begin()).plant(stages, engine, tally)

        return made(begin, plant, primary, declared)

    return make


def joined(
    primary: str, *parts: Defect, **declared: Any
) -> Callable[[Callable[[], None]], Defect]:
    """Plant several parts, the last one outermost; the function only describes."""

    def make(described: Callable[[], None]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            for part in parts:
                stages, engine = part.plant(stages, engine, tally)
            return stages, engine

        return made(described, plant, primary, declared)

    return make


def in_company(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Company], Defect]:
    """Edit a request's parameters while others are in flight, which are given too.

    Every request waits a moment before it is answered, so that there can be others.
    """

    def make(edit: Company) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            flying: dict[int, RequestContext] = {}

            @asynccontextmanager
            async def among(context: RequestContext) -> AsyncIterator[None]:
                if not concerns(context, api):
                    yield
                    return
                flying[context.number] = context
                try:
                    await asyncio.sleep(_PAUSE)
                    others = [o for n, o in flying.items() if n != context.number]
                    if others:
                        _act(edit, context, others, tally)
                    yield
                    await asyncio.sleep(_PAUSE)
                finally:
                    del flying[context.number]

            async def answer(context: RequestContext) -> Answer:
                async with among(context):
                    return await stages.answer(context)

            async def chunks(
                context: RequestContext,
            ) -> AsyncGenerator[dict[str, Any], None]:
                source: Chunks
                async with among(context), aclosing(stages.chunks(context)) as source:
                    async for chunk in source:
                        yield chunk

            return replace(stages, answer=answer, chunks=chunks), engine

        return made(edit, plant, primary, declared)

    return make


def _act(
    edit: Company,
    context: RequestContext,
    others: Sequence[RequestContext],
    tally: Tally,
) -> None:
    """Edit, and count it, a refusal too."""
    try:
        tally.add(edit(context, others))
    except ApiError:
        tally.add()
        raise


def in_both(
    primary: str = "", *, api: str, **declared: Any
) -> Callable[[Callable[[RequestContext, Answer], object]], Defect]:
    """Edit whole answers, and in the same way each chunk of a stream, in place."""

    def make(edit: Callable[[RequestContext, Answer], object]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            async def answer(context: RequestContext) -> Answer:
                whole = await stages.answer(context)
                if concerns(context, api):
                    tally.add(edit(context, whole))
                return whole

            async def chunks(
                context: RequestContext,
            ) -> AsyncGenerator[dict[str, Any], None]:
                async with aclosing(stages.chunks(context)) as source:
                    async for chunk in source:
                        if concerns(context, api):
                            tally.add(edit(context, chunk))
                        yield chunk

            return replace(stages, answer=answer, chunks=chunks), engine

        return made(edit, plant, primary, declared)

    return make
