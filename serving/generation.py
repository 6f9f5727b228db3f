"""From a request's parameters to the parts of its choices, one step at a time."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aios_conformance.serving.digits import whole_number
from aios_conformance.serving.engine import (
    Engine,
    JsonSchema,
    Model,
    Sampling,
    Token,
    TooLong,
    Written,
)
from aios_conformance.serving.errors import BadRequest, Meaningless
from aios_conformance.serving.limits import Allowance, Limits
from aios_conformance.serving.located import short
from aios_conformance.serving.models import able
from aios_conformance.serving.reader import AnswerPart, TokenReader, TokenStep
from aios_conformance.serving.text import Utf8Decoder
from aios_conformance.serving.tools import NO_TOOLS, ToolPlan
from aios_conformance.serving.turns import TURNS

_MOST_CHOICES = 128  # OpenAI's own limit; the documents name none
_SIDE_BY_SIDE = 128  # choices of one request that are generated at a time
_SEEDS = 2**63


@dataclass(frozen=True, slots=True)
class PendingChoice:
    """One choice, ready to be generated."""

    model: Model
    prompt: Sequence[int]
    sampling: Sampling
    stops: tuple[str, ...] = ()
    plan: ToolPlan = NO_TOOLS
    reasoning: tuple[str, str] | None = None
    allowance: Allowance = field(default_factory=lambda: Allowance(Limits()))

    @property
    def plain(self) -> bool:
        """Whether the answer is its text, and no single token is of interest."""
        return (
            self.sampling.max_tokens > 0
            and self.sampling.top_logprobs is None
            and self.plan is NO_TOOLS
            and not (self.stops or self.reasoning)
        )

    def reader(self) -> TokenReader:
        """Return a new reader for this choice."""
        return TokenReader(
            self.sampling.max_tokens,
            stops=self.stops,
            reasoning=self.reasoning,
            calls=self.plan.reader(self.model),
        )


AtOnce = Callable[[str, Sequence[int], Sampling], Written | None]
"""What an engine may offer as `whole`: the answer to a plain choice (else None)."""


async def collected(
    engine: Engine, pending: Sequence[PendingChoice]
) -> list[list[TokenStep]]:
    """Generate several choices side by side; returns the steps of each."""
    at_once: AtOnce | None = getattr(engine, "whole", None)
    if len(pending) == 1:
        return [await _all_steps(engine, pending[0], at_once)]
    room = _room(engine, pending)
    await asyncio.sleep(0)  # who cannot wait leaves with nothing begun

    async def one(choice: PendingChoice) -> list[TokenStep]:
        async with room:
            await TURNS.next()
            return await _all_steps(engine, choice, at_once)

    tasks = [asyncio.create_task(one(choice)) for choice in pending]
    try:
        return await asyncio.gather(*tasks)
    finally:  # where one fails, nobody waits for the others
        await _ended(tasks)


def _room(engine: Engine, pending: Sequence[PendingChoice]) -> asyncio.Semaphore:
    """Return room for as many choices as an engine decodes together.

    What waits here and not with the engine lets other requests have their turn there.
    """
    together = int(engine.stats(pending[0].model.name).get("batch_size", _SIDE_BY_SIDE))
    return asyncio.Semaphore(max(1, min(together, _SIDE_BY_SIDE)))


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _all_steps(
    engine: Engine, choice: PendingChoice, at_once: AtOnce | None
) -> list[TokenStep]:
    if at_once is not None and choice.plain:
        found = at_once(choice.model.name, choice.prompt, choice.sampling)
        if found is not None:
            choice.allowance.take(found.tokens)
            text = AnswerPart("content", Utf8Decoder().feed(found.data), ())
            end = "stop" if found.ended else "length"
            return [TokenStep([text], found.tokens, end)]
    async with aclosing(steps(engine, choice)) as all_:
        return [step async for step in all_]


async def steps(
    engine: Engine, choice: PendingChoice
) -> AsyncGenerator[TokenStep, None]:
    """Generate one choice; the last step, and no other, has a finish reason."""
    reader = choice.reader()
    limit = choice.sampling.max_tokens
    parts: list[AnswerPart] = []
    if limit:
        tokens = engine.generate(choice.model.name, choice.prompt, choice.sampling)
        async with _closed(tokens):
            async for token in tokens:
                choice.allowance.take(1 + len(token.top))
                parts = reader.feed(token)
                if reader.finish is not None or reader.tokens >= limit:
                    break
                if parts:
                    yield TokenStep(parts, reader.tokens)
                    parts = []
        if reader.finish is None or reader.stop_reason is not None:
            parts = [*parts, *reader.close()]
    else:
        reader.finish = "length"
    yield TokenStep(parts, reader.tokens, reader.finish, reader.stop_reason)


@asynccontextmanager
async def _closed(tokens: AsyncIterator[Token]) -> AsyncIterator[None]:
    """Close the engine's iterator, which cancels the request, come what may."""
    try:
        yield
    finally:
        close = getattr(tokens, "aclose", None)
        if close is not None:
            await close()


async def arriving(
    engine: Engine, pending: Sequence[PendingChoice]
) -> AsyncGenerator[tuple[int, TokenStep], None]:
    """Interleave the steps of several choices as they come, each with its number."""
    if len(pending) > 1:
        async with aclosing(_interleaved(engine, pending)) as all_:
            async for numbered in all_:
                yield numbered
        return
    async with aclosing(steps(engine, pending[0])) as only:
        async for step in only:
            yield 0, step


async def _interleaved(
    engine: Engine, pending: Sequence[PendingChoice]
) -> AsyncGenerator[tuple[int, TokenStep], None]:
    queue: asyncio.Queue[tuple[int, TokenStep | Exception | None]] = asyncio.Queue(1)

    room = _room(engine, pending)

    async def pump(number: int, source: AsyncGenerator[TokenStep, None]) -> None:
        try:
            async with room:
                await TURNS.next()
                async for step in source:
                    await queue.put((number, step))
            await queue.put((number, None))
        except Exception as error:  # noqa: BLE001 - raised again by the consumer
            await queue.put((number, error))
        finally:
            await source.aclose()

    tasks = [
        asyncio.create_task(pump(number, steps(engine, choice)))
        for number, choice in enumerate(pending)
    ]
    try:
        running = len(tasks)
        while running:
            number, item = await queue.get()
            if item is None:
                running -= 1
            elif isinstance(item, Exception):
                raise item
            else:
                yield number, item
    finally:
        await _ended(tasks)


def sampling(
    values: Mapping[str, Any],
    model: Model,
    prompt: Sequence[int],
    *,
    default_limit: int | None = None,
    schema: JsonSchema | None = None,
    must_call: bool = False,
    parallel: bool = True,
    top_logprobs: int | None = None,
) -> Sampling:
    """Read the sampling parameters that chat and completions share.

    `default_limit` is in tokens; without it the rest of the model's context is the
    limit (`A-085`). Raises TooLong, or Meaningless for a limit beyond the model
    maximum (`000:381`, `A-083`).
    """
    room = model.context_length - len(prompt)
    limit = _limit(values, model)
    if room < 0 or (room == 0 and limit != 0):
        raise TooLong(len(prompt), model.context_length)
    if limit is None:
        limit = room if default_limit is None else default_limit
    if values.get("logit_bias"):
        able(model, "logit_bias", "logit_bias")
    if schema is not None:
        asked = "tool_choice" if must_call else "response_format"
        able(model, "structured_output", asked)
    seed = values.get("seed")
    limit = min(limit, room)
    return Sampling(
        max_tokens=limit,
        min_tokens=_least(values, limit),
        temperature=float(values["temperature"]),
        top_p=float(values["top_p"]),
        seed=None if seed is None else seed % _SEEDS,
        frequency_penalty=float(values["frequency_penalty"]),
        presence_penalty=float(values["presence_penalty"]),
        logit_bias={
            _token(name): float(bias)
            for name, bias in (values.get("logit_bias") or {}).items()
        },
        top_logprobs=top_logprobs,
        schema=schema,
        must_call=must_call,
        parallel=parallel,
    )


def _token(name: str) -> int:
    number = whole_number(name)
    if number is None:
        raise BadRequest(
            f"/logit_bias names {short(name)}, which is no token's id",
            code="unknown_token",
            param="logit_bias",
        )
    return number


def _least(values: Mapping[str, Any], limit: int) -> int:
    """Return how many tokens there must be, where the contract knows such members.

    Raises Meaningless for more than the limit allows.
    """
    if values.get("ignore_eos"):
        return limit
    least: int = values.get("min_tokens") or 0
    if least > limit:
        raise Meaningless(
            f"/min_tokens must be at most {limit}, the limit of this answer, got "
            f"{least}",
            code="min_tokens_too_large",
            param="min_tokens",
        )
    return least


def _limit(values: Mapping[str, Any], model: Model) -> int | None:
    """Return the smaller of the two limits that a request may set (`A-084`)."""
    limits = []
    for name in ("max_completion_tokens", "max_tokens"):
        limit = values.get(name)
        if limit is None:
            continue
        if limit > model.context_length:
            raise Meaningless(
                f"/{name} must be at most {model.context_length}, the model's "
                f"maximum, got {limit}",
                code="limit_too_large",
                param=name,
            )
        limits.append(int(limit))
    return min(limits, default=None)


def stop_strings(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the stop strings; Meaningless for an empty one (`A-101`)."""
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if "" in stops:
        raise Meaningless(
            "/stop must not hold an empty string", code="empty_stop", param="stop"
        )
    return stops


def choices(choice: PendingChoice, count: int) -> list[PendingChoice]:
    """Return `count` choices that differ in their randomness only."""
    if count > _MOST_CHOICES:
        raise Meaningless(
            f"/n must be at most {_MOST_CHOICES}, got {count}",
            code="too_many_choices",
            param="n",
        )
    return [
        choice
        if number == 0
        else replace(choice, sampling=replace(choice.sampling, choice=number))
        for number in range(count)
    ]


def ids_of(model: Model) -> str:
    """Say which token ids a model has, if that is known."""
    size = model.vocabulary
    return "" if size is None else f": its ids go from 0 to {size - 1}"


def known_tokens(engine: Engine, model: Model, bias: Mapping[int, float]) -> None:
    """Raise BadRequest if a bias names a token outside the vocabulary."""
    for token in bias:
        if engine.token(model.name, token) is None:
            raise BadRequest(
                f"/logit_bias names the token {token}, which is not in the model's "
                f"vocabulary{ids_of(model)}",
                code="unknown_token",
                param="logit_bias",
            )
