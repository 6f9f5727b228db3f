"""POST /v1/chat/completions: the next message of a conversation (`000:344`)."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Model, Token
from aios_conformance.serving.errors import BadRequest, Meaningless
from aios_conformance.serving.generation import (
    PendingChoice,
    arriving,
    choices,
    collected,
    known_tokens,
    sampling,
    stop_strings,
)
from aios_conformance.serving.limits import Allowance
from aios_conformance.serving.logprobs import chat_logprobs
from aios_conformance.serving.reader import AnswerPart, TokenStep
from aios_conformance.serving.streaming import ChunkStream
from aios_conformance.serving.structured import wanted_schema
from aios_conformance.serving.tools import plan_tools
from aios_conformance.serving.turns import LONG, aside
from aios_conformance.serving.usage import usage

_IMAGES = ("https://", "http://", "data:image/")  # what the URL of one begins with


async def answer(context: RequestContext) -> dict[str, Any]:
    """Return the whole answer."""
    pending = await aside(context.heavy, _pending, context)
    written = await collected(context.front.engine, pending)
    generated = sum(steps[-1].tokens for steps in written)
    made = [
        await aside(generated > LONG, _choice, context, index, steps)
        for index, steps in enumerate(written)
    ]
    return {
        "id": context.id,
        "object": "chat.completion",
        "created": context.created,
        "model": context.parameters["model"],
        "choices": made,
        "usage": usage(len(pending[0].prompt), generated),
        "prompt_logprobs": None,
    }


async def chunks(context: RequestContext) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the answer piece by piece, in OpenAI's form (`A-100`).

    Each choice opens with its role and closes with a chunk that holds nothing but
    why it ended; the usage, where asked for, comes last and by itself (`A-099`).
    """
    pending = await aside(context.heavy, _pending, context)
    stream = ChunkStream(context, "chat.completion.chunk", len(pending[0].prompt))
    messages = [_Message(context) for _ in pending]

    def chunk(
        index: int,
        delta: dict[str, Any],
        logprobs: Any = None,
        end: TokenStep | None = None,
    ) -> dict[str, Any]:
        return stream.chunk(
            {
                "index": index,
                "delta": delta,
                "logprobs": logprobs,
                "finish_reason": end and end.finish,
                "stop_reason": end and end.stop_reason,
            }
        )

    async with aclosing(arriving(context.front.engine, pending)) as all_:
        async for index, step in all_:
            message = messages[index]
            if not message.opened:
                message.opened = True
                yield chunk(index, {"role": "assistant", "content": ""})
            stream.tokens[index] = step.tokens
            for part in step.parts:
                logprobs = message.logprobs(part.tokens)
                if part.text or logprobs:
                    yield chunk(index, message.delta(part), logprobs)
            if step.finish is not None:
                stream.finishes.append(step.finish)
                yield chunk(index, {}, end=step)
    if stream.counted:
        yield stream.last()


def _choice(
    context: RequestContext, index: int, steps: Sequence[TokenStep]
) -> dict[str, Any]:
    """Put the steps of a choice together."""
    content: list[str] = []
    reasoning: list[str] = []
    calls: list[dict[str, Any]] = []
    tokens: list[Token] = []
    message = _Message(context)
    for step in steps:
        for part in step.parts:
            tokens += part.tokens
            if part.kind == "content":
                content.append(part.text)
            elif part.kind == "reasoning":
                reasoning.append(part.text)
            elif part.kind == "call":
                calls += message.delta(part)["tool_calls"]
            else:
                calls[-1]["function"]["arguments"] += part.text
    for call in calls:
        del call["index"]
    return {
        "index": index,
        "message": {
            "role": "assistant",
            "reasoning_content": "".join(reasoning) or None,
            "content": "".join(content) or (None if calls else ""),
            "tool_calls": calls,
        },
        "logprobs": chat_logprobs(tokens) if message.with_logprobs else None,
        "finish_reason": step.finish,
        "stop_reason": step.stop_reason,
    }


class _Message:
    """Turns the parts of one choice into deltas of its message."""

    __slots__ = ("_calls", "_context", "opened", "with_logprobs")

    def __init__(self, context: RequestContext) -> None:
        self._context = context
        self._calls = 0
        self.opened = False
        self.with_logprobs: bool = context.parameters["logprobs"]

    def delta(self, part: AnswerPart) -> dict[str, Any]:
        """Return what a part adds; a call has its id, type and name once."""
        if part.kind == "content":
            return {"content": part.text}
        if part.kind == "reasoning":
            return {"reasoning_content": part.text}
        if part.kind == "arguments":
            piece = {"index": self._calls - 1, "function": {"arguments": part.text}}
            return {"tool_calls": [piece]}
        self._calls += 1
        call = {
            "index": self._calls - 1,
            "id": f"call_{self._context.front.identity()}",
            "type": "function",
            "function": {"name": part.text, "arguments": ""},
        }
        return {"tool_calls": [call]}

    def logprobs(self, tokens: Sequence[Token]) -> dict[str, Any] | None:
        return chat_logprobs(tokens) if self.with_logprobs and tokens else None


def _pending(context: RequestContext) -> list[PendingChoice]:
    """Read everything that the request says about generation.

    Raises ApiError for what has no meaning, TooLong for a prompt without room.
    """
    values, model, engine = context.parameters, context.served, context.front.engine
    if not values["messages"]:
        raise Meaningless(
            "/messages must hold at least one message", code="empty", param="messages"
        )
    plan = plan_tools(values.get("tools"), values.get("tool_choice"))
    schema = plan.schema or wanted_schema(values.get("response_format"))
    prompt = engine.render_chat(
        model.name,
        [_flat(one, model, n) for n, one in enumerate(values["messages"])],
        plan.offered,
    )
    top = values.get("top_logprobs")
    drawn = sampling(
        values,
        model,
        prompt,
        schema=schema,
        must_call=plan.schema is not None,
        parallel=values.get("parallel_tool_calls") is not False,
        top_logprobs=int(top or 0) if values["logprobs"] else None,
    )
    known_tokens(engine, model, drawn.logit_bias)
    if not _thinks(values):
        drawn = replace(drawn, thinking=False)
    if values.get("bare") and plan.schema is None:
        drawn = replace(drawn, bare=True)
    choice = PendingChoice(
        model,
        prompt,
        drawn,
        stops=stop_strings(values.get("stop")),
        plan=plan,
        reasoning=None if schema or not drawn.thinking else model.reasoning,
        allowance=Allowance(context.front.limits),
    )
    return choices(choice, values["n"])


def _thinks(values: Mapping[str, Any]) -> bool:
    """Tell whether a model that reasons may; only some documents let one choose."""
    template = values.get("chat_template_kwargs") or {}
    return (
        template.get("enable_thinking") is not False
        and values.get("reasoning_effort") != "none"
        and values.get("include_reasoning") is not False
    )


def _flat(message: Mapping[str, Any], model: Model, position: int) -> Mapping[str, Any]:
    """Join the text parts of a message; BadRequest for what the model cannot read.

    Images stay as they are, for a model that takes them.
    """
    parts = message.get("content")
    if not isinstance(parts, list):
        return message
    images = [(n, part) for n, part in enumerate(parts) if part["type"] != "text"]
    for number, part in images:
        _readable(part, model, f"messages[{position}].content[{number}]")
    if images:
        return message
    return {**message, "content": "".join(part["text"] for part in parts)}


def _readable(part: Mapping[str, Any], model: Model, param: str) -> None:
    """Raise BadRequest unless a part is an image, and the model takes images."""
    if part["type"] != "image_url" or not model.images:
        taken = "text and image_url are" if model.images else "only text is"
        raise BadRequest(
            f"{param}.type is {part['type'][:100]!r}; {taken} served by {model.name}",
            code="unsupported_part",
            param=f"{param}.type",
        )
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    if not isinstance(url, str) or not url.startswith(_IMAGES):
        raise BadRequest(
            f"{param}.image_url.url must begin with {', '.join(_IMAGES)}",
            code="unsupported_image",
            param=f"{param}.image_url.url",
        )
