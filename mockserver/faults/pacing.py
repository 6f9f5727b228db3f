"""Delays as a real model has them: a first token, and then one after another."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer, Chunks, Stages


@dataclass(frozen=True, slots=True)
class Clock:
    """Time in seconds, so that tests need not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep

    async def sleep_if(self, seconds: float) -> None:
        """Sleep, unless there is nothing to wait for."""
        if seconds > 0:
            await self.sleep(seconds)


REAL_CLOCK: Final = Clock()


@dataclass(frozen=True, slots=True)
class Pacing:
    """How long answers take.

    `ttft_ms` to the first token, `itl_ms` between two tokens (both milliseconds);
    `jitter` from 0 to 1 varies each delay by up to that share, by `seed`.
    """

    ttft_ms: float = 0.0
    itl_ms: float = 0.0
    jitter: float = 0.0
    seed: int = 0

    def __bool__(self) -> bool:
        """Tell whether anything is delayed at all."""
        return self.ttft_ms > 0 or self.itl_ms > 0

    def delays(self, number: int, choice: int = 0) -> Iterator[float]:
        """Yield the seconds before each token of one choice, without end."""
        random = Random(f"{self.seed} {number} {choice}")  # noqa: S311 - no secret
        delay = self.ttft_ms / 1000
        while True:
            yield delay * (1 + self.jitter * random.uniform(-1, 1))
            delay = self.itl_ms / 1000


NO_PACING: Final = Pacing()

SPEEDS: Final = {
    "h100-8b": Pacing(ttft_ms=30, itl_ms=8, jitter=0.1),
    "h100-70b": Pacing(ttft_ms=120, itl_ms=25, jitter=0.1),
    "a10g-8b": Pacing(ttft_ms=150, itl_ms=35, jitter=0.15),
    "cpu": Pacing(ttft_ms=2_000, itl_ms=180, jitter=0.3),
    "groq-like": Pacing(ttft_ms=180, itl_ms=2, jitter=0.2),
    "openai-like": Pacing(ttft_ms=450, itl_ms=15, jitter=0.5),
    "busy": Pacing(ttft_ms=6_000, itl_ms=90, jitter=0.6),
}
"""Speeds by name: what one might meet, for illustration; none of them was measured."""


def paced(stages: Stages, pacing: Pacing, clock: Clock = REAL_CLOCK) -> Stages:
    """Delay whole answers by their length, and streams token by token.

    Delays add up on one schedule, so that a late token does not make later ones
    late, and fractions of a millisecond are not lost.
    """
    if not pacing:
        return stages

    async def answer(context: RequestContext) -> Answer:
        begun = clock.now()
        found = await stages.answer(context)
        delays = pacing.delays(context.number)
        wait = sum(next(delays) for _ in range(max(1, _tokens(found))))
        await clock.sleep_if(begun + wait - clock.now())
        return found

    async def chunks(context: RequestContext) -> Chunks:
        begun = clock.now()
        schedules: dict[int, Iterator[float]] = {}
        due: dict[int, float] = {}
        begun_to_speak: set[int] = set()
        async with aclosing(stages.chunks(context)) as source:
            async for chunk in source:
                index = _choice(chunk)
                if index not in schedules:
                    # A chunk that opens a choice without text comes with its first.
                    schedules[index] = pacing.delays(context.number, index)
                    due[index] = begun + next(schedules[index])
                elif index in begun_to_speak and _says(chunk):
                    due[index] += next(schedules[index])
                if _says(chunk):
                    begun_to_speak.add(index)
                await clock.sleep_if(due[index] - clock.now())
                yield chunk

    return replace(stages, answer=answer, chunks=chunks)


def _tokens(answer: Answer) -> int:
    """Count the tokens of the average choice; they are generated side by side."""
    generated: int = (answer.get("usage") or {}).get("completion_tokens", 0)
    return generated // len(answer.get("choices") or "1")


def _choice(chunk: dict[str, Any]) -> int:
    choices = chunk.get("choices")
    return choices[0]["index"] if choices else 0


def _says(chunk: dict[str, Any]) -> bool:
    """Tell whether a chunk brings text."""
    for choice in chunk.get("choices") or ():
        delta = choice.get("delta") or choice
        if any(delta.get(key) for key in _TEXTS):
            return True
    return False


_TEXTS: Final = ("content", "reasoning_content", "tool_calls", "text")
