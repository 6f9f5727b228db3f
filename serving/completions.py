"""POST /v1/completions: texts, continued (`000:539`)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import JsonSchema, Token
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.generation import (
    PendingChoice,
    arriving,
    choices,
    collected,
    ids_of,
    known_tokens,
    sampling,
    stop_strings,
)
from aios_conformance.serving.inputs import Input, inputs
from aios_conformance.serving.limits import Allowance
from aios_conformance.serving.logprobs import LegacyLogprobs
from aios_conformance.serving.models import able
from aios_conformance.serving.reader import TokenStep
from aios_conformance.serving.streaming import ChunkStream
from aios_conformance.serving.structured import wanted_schema
from aios_conformance.serving.turns import LONG, aside
from aios_conformance.serving.usage import usage

_GROUP = 8  # prompts that are read at a time
_SEVERAL = 64  # choices of an answer that is put together in passing
_DEFAULT_LIMIT = 16  # tokens; what OpenAI's API does and the sample shows


@dataclass(frozen=True, slots=True)
class _Echo:
    """The prompt as the beginning of the text, with its tokens if asked for."""

    text: str = ""
    tokens: Sequence[Token] = ()


async def answer(context: RequestContext) -> dict[str, Any]:
    """Return the whole answer: m prompts by n choices, index p·n + k (`A-110`)."""
    pending = await _pending(context)
    echoes = await _echoes(context, pending)
    written = await collected(context.front.engine, pending)
    generated = sum(steps[-1].tokens for steps in written)
    prompt = _prompt_tokens(context, pending)
    long = generated + prompt > LONG or len(pending) > _SEVERAL
    made = [
        await aside(long, _choice, context, index, steps, echo)
        for index, (steps, echo) in enumerate(zip(written, echoes, strict=True))
    ]
    return {
        "id": context.id,
        "object": "text_completion",
        "created": context.created,
        "model": context.parameters["model"],
        "choices": made,
        "usage": usage(prompt, generated),
    }


async def chunks(context: RequestContext) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the answer piece by piece, in OpenAI's form (`A-100`).

    An echoed prompt is the first piece of its choice; the last piece has no text.
    """
    pending = await _pending(context)
    echoes = await _echoes(context, pending)
    stream = ChunkStream(context, "text_completion", _prompt_tokens(context, pending))
    logprobs = [_logprobs(context) for _ in pending]
    opened: set[int] = set()

    def chunk(
        index: int,
        text: str,
        tokens: Sequence[Token] = (),
        end: TokenStep | None = None,
    ) -> dict[str, Any]:
        legacy = logprobs[index]
        return stream.chunk(
            {
                "index": index,
                "text": text,
                "logprobs": legacy.feed(tokens) if legacy and tokens else None,
                "finish_reason": end and end.finish,
                "stop_reason": end and end.stop_reason,
                "prompt_logprobs": None,
            }
        )

    async with aclosing(arriving(context.front.engine, pending)) as all_:
        async for index, step in all_:
            if index not in opened:
                opened.add(index)
                echo = echoes[index]
                if echo.text or echo.tokens:
                    yield chunk(index, echo.text, echo.tokens)
            stream.tokens[index] = step.tokens
            for part in step.parts:
                if part.text or logprobs[index]:
                    yield chunk(index, part.text, part.tokens)
            if step.finish is not None:
                stream.finishes.append(step.finish)
                yield chunk(index, "", end=step)
    if stream.counted:
        yield stream.last()


def _choice(
    context: RequestContext, index: int, steps: Sequence[TokenStep], echo: _Echo
) -> dict[str, Any]:
    """Put the steps of a choice together."""
    text = [echo.text]
    tokens = list(echo.tokens)
    for step in steps:
        for part in step.parts:
            text.append(part.text)
            tokens += part.tokens
    legacy = _logprobs(context)
    return {
        "index": index,
        "text": "".join(text),
        "logprobs": legacy.feed(tokens) if legacy else None,
        "finish_reason": step.finish,
        "stop_reason": step.stop_reason,
        "prompt_logprobs": None,
    }


def _logprobs(context: RequestContext) -> LegacyLogprobs | None:
    wanted = context.parameters.get("logprobs")
    return None if wanted is None else LegacyLogprobs()


async def _pending(context: RequestContext) -> list[PendingChoice]:
    """Return prompt after prompt its n choices; raises as chat's does.

    Whoever has many prompts lets others read theirs in between.
    """
    prompts, schema = await aside(context.heavy, _asked, context)
    allowance = Allowance(context.front.limits)
    pending: list[PendingChoice] = []
    for start in range(0, len(prompts), _GROUP):
        some = prompts[start : start + _GROUP]
        pending += await aside(
            context.heavy, _choices, context, some, schema, allowance
        )
    return pending


def _asked(context: RequestContext) -> tuple[list[Input], JsonSchema | None]:
    values = context.parameters
    prompts = inputs(values["prompt"], "prompt")
    count = len(prompts) * values["n"]
    context.front.limits.entries(count, "/prompt, times /n,", "prompt")
    return prompts, wanted_schema(values.get("response_format"))


def _choices(
    context: RequestContext,
    prompts: Sequence[Input],
    schema: JsonSchema | None,
    allowance: Allowance,
) -> list[PendingChoice]:
    values, model, engine = context.parameters, context.served, context.front.engine
    pending: list[PendingChoice] = []
    for prompt in prompts:
        ids = engine.encode(model.name, prompt) if isinstance(prompt, str) else prompt
        drawn = sampling(
            values,
            model,
            ids,
            default_limit=_DEFAULT_LIMIT,
            schema=schema,
            top_logprobs=values.get("logprobs"),
        )
        if values.get("bare"):
            drawn = replace(drawn, bare=True)
        known_tokens(engine, model, drawn.logit_bias)
        choice = PendingChoice(
            model,
            ids,
            drawn,
            stops=stop_strings(values.get("stop")),
            allowance=allowance,
        )
        if values["echo"] and drawn.top_logprobs is not None:
            allowance.take(len(ids) * (1 + drawn.top_logprobs))
        pending += choices(choice, values["n"])
    return pending


def _prompt_tokens(context: RequestContext, pending: Sequence[PendingChoice]) -> int:
    """Count each prompt once, however many choices it has (`META-037`)."""
    return sum(len(choice.prompt) for choice in pending[:: context.parameters["n"]])


async def _echoes(
    context: RequestContext, pending: Sequence[PendingChoice]
) -> list[_Echo]:
    """Return what each choice's text begins with (`A-117`)."""
    values = context.parameters
    if not values["echo"]:
        return [_Echo()] * len(pending)
    echoes: list[_Echo] = []
    prompts = await aside(context.heavy, inputs, values["prompt"], "prompt")
    for prompt, choice in zip(prompts, pending[:: values["n"]], strict=True):
        if isinstance(prompt, str):
            text = prompt
        else:
            text = await aside(context.heavy, _text, context, prompt)
        echoes += [_Echo(text, await _echoed(context, choice, text))] * values["n"]
    return echoes


def _text(context: RequestContext, ids: Sequence[int]) -> str:
    pieces = [_piece(context, token) for token in ids]
    return b"".join(pieces).decode("utf-8", "replace")


def _piece(context: RequestContext, token: int) -> bytes:
    data = context.front.engine.token(context.served.name, token)
    if data is None:
        raise BadRequest(
            f"/prompt holds the token {token}, which is not in the model's "
            f"vocabulary{ids_of(context.served)}",
            code="unknown_token",
            param="prompt",
        )
    return data


def _spelled(context: RequestContext, token: Token) -> Token:
    return replace(token, data=_piece(context, token.id))


async def _echoed(
    context: RequestContext, choice: PendingChoice, text: str
) -> list[Token]:
    """Return the prompt's tokens with their log probabilities, if wanted.

    Special ones are shown as the prompt spells them; one that was put before it is not.
    """
    top = choice.sampling.top_logprobs
    if top is None:
        return []
    able(context.served, "prompt_logprobs", "logprobs")
    tokens = await context.front.engine.prompt_logprobs(
        choice.model.name, choice.prompt, top
    )
    shown = [t if t.data else _spelled(context, t) for t in tokens]
    begins = text.encode("utf-8", "surrogatepass")
    if tokens and not tokens[0].data and not begins.startswith(shown[0].data):
        del shown[0]
    shown = [token for token in shown if token.data]
    # nothing that is shown comes before the first
    return [replace(token, logprob=None, top=()) for token in shown[:1]] + shown[1:]
