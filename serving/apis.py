"""Which module answers for which API."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from aios_conformance.serving import (
    chat,
    completions,
    embeddings,
    models,
    rerank,
    score,
)
from aios_conformance.serving.context import RequestContext

_ANSWERS: Mapping[str, Callable[[RequestContext], Awaitable[dict[str, Any]]]] = {
    "chat": chat.answer,
    "completions": completions.answer,
    "embeddings": embeddings.answer,
    "models": models.answer,
    "rerank": rerank.answer,
    "score": score.answer,
}


async def answer(context: RequestContext) -> dict[str, Any]:
    """Return the whole answer of the context's API."""
    return await _ANSWERS[context.api or ""](context)


def chunks(context: RequestContext) -> AsyncGenerator[dict[str, Any], None]:
    """Return the chunks of the context's API."""
    if context.api == "chat":
        return chat.chunks(context)
    return completions.chunks(context)


def streamed(context: RequestContext) -> bool:
    """Tell whether the request wants a stream."""
    operation = context.operation
    can_stream = operation is not None and operation.about.streams
    return can_stream and bool(context.parameters.get("stream"))
