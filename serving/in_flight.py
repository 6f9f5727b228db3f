"""What is in work, by model, and what it used: noted for the meter.

Whoever is slowed down by pacing or a rule is in work for as long as that takes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Protocol

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer, Stages
from aios_conformance.serving.streaming import STREAM


class Noted(Protocol):
    """A request of which is noted which model answered, how much, and why it ended."""

    model: str | None
    tokens: tuple[int, int]  # of the prompt, and generated
    finishes: Sequence[str]


def counted(stages: Stages, running: Counter[str], current: ContextVar[Any]) -> Stages:
    """Return stages that count whole answers in `running` while they are made.

    `current` knows the Noted of the running task, if there is one.
    """

    async def answer(context: RequestContext) -> Answer:
        if context.model is None:
            return await stages.answer(context)
        name = context.model.name
        exchange: Noted | None = current.get(None)
        if exchange is not None:
            exchange.model = name
        running[name] += 1
        try:
            made = await stages.answer(context)
        finally:
            running[name] -= 1
        if exchange is not None and isinstance(made, dict):  # a rule may say anything
            _used(exchange, made.get("usage"))
            exchange.finishes = _finishes(made.get("choices"))
        return made

    return replace(stages, answer=answer)


@contextmanager
def streaming(
    context: RequestContext, exchange: Noted, running: Counter[str]
) -> Iterator[None]:
    """Count a stream in `running` while it lasts."""
    name = context.served.name
    exchange.model = name
    running[name] += 1
    try:
        yield
    finally:
        running[name] -= 1
        stream = context.memory.get(STREAM)
        if stream is not None:  # else a rule made the chunks
            _used(exchange, stream.usage())
            exchange.finishes = stream.finishes


def _used(exchange: Noted, usage: Any) -> None:
    """Note what an answer used, unless a rule made nonsense of it."""
    if isinstance(usage, dict):
        total, generated = usage.get("total_tokens"), usage.get("completion_tokens", 0)
        if isinstance(total, int) and isinstance(generated, int):
            exchange.tokens = (total - generated, generated)


def _finishes(choices: Any) -> list[str]:
    if not isinstance(choices, list):
        return []
    return [
        choice["finish_reason"]
        for choice in choices
        if isinstance(choice, dict) and isinstance(choice.get("finish_reason"), str)
    ]
