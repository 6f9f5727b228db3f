"""The path of a request as seven plain functions, each of which can be wrapped.

A request meets the stages in this order; its `RequestContext` goes with it throughout::

    admit ──► validate ──► prepare ──┬──► answer ──► respond        stream false
                                     └──► chunks ──► frames ──► bytes   stream true
    refusal ◄── an ApiError raised anywhere, or an EngineError

admit(context)      check key, content type and size; parse `context.raw` and put the
                    JSON object into `context.body`. Raises ApiError.
validate(context)   return the Violations of the body; any at all refuse it with 422.
                    Drop one to break a promise, add one to invent a rule.
prepare(context)    find `context.model`; fill `context.parameters` from the body and
                    the document's defaults. What follows reads parameters, not body,
                    so a wrapper that edits them after this stage changes one thing
                    in whole and streamed answers alike.
answer(context)     return the whole answer as a dict. Async.
respond(context, answer)     return (status, headers, body bytes).
chunks(context)     return an async generator of chunk dicts, without the [DONE] mark.
                    It may raise ApiError before its first chunk: an ordinary refusal.
frames(context, chunks)      return an async generator of bytes: each chunk framed as an
                    event, the [DONE] mark, and an error event if the chunks break off.
stream(context)     return (status, headers) with which the stream opens.
refusal(context, error)      return (status, headers, body bytes) for an ApiError.

To change a stage, replace it by a function that calls the one before::

    def top_n_ignored(stages: Stages) -> Stages:
        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            context.parameters["top_n"] = 0
        return replace(stages, prepare=prepare)

    def done_missing(stages: Stages) -> Stages:
        async def frames(context: RequestContext, chunks: Chunks) -> Frames:
            async with aclosing(stages.frames(context, chunks)) as events:
                async for event in events:
                    if event != DONE:
                        yield event
        return replace(stages, frames=frames)

`context.api` is chat, completions, embeddings, rerank or score (None for a path that
the document does not have), `context.operation_id` is like "POST /v1/rerank",
`context.number` counts the requests since the start from 1, and `context.memory` is a
dict that belongs to the wrappers. What a model does is changed by wrapping the engine.
"""

# ruff: noqa: ARG001 - a stage has its signature whether it uses all of it or not

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aios_conformance.serving import admission, apis, sse
from aios_conformance.serving.codec import encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError, Violation

Answer = dict[str, Any]
Chunks = AsyncGenerator[dict[str, Any], None]
Frames = AsyncGenerator[bytes, None]
Response = tuple[int, Mapping[str, str], bytes]


def respond(context: RequestContext, answer: Answer) -> Response:
    """Write a whole answer."""
    return 200, {"Content-Type": "application/json"}, encode(answer)


def stream(context: RequestContext) -> tuple[int, Mapping[str, str]]:
    """Open a stream."""
    return 200, sse.HEADERS


def refusal(context: RequestContext, error: ApiError) -> Response:
    """Write a refusal."""
    headers = {"Content-Type": "application/json", **error.headers}
    status, body = context.front.told(error)
    return status, headers, encode(body)


@dataclass(frozen=True, slots=True)
class Stages:
    """The functions of this module's docstring; by default the correct ones."""

    admit: Callable[[RequestContext], None] = admission.admit
    validate: Callable[[RequestContext], list[Violation]] = admission.validate
    prepare: Callable[[RequestContext], None] = admission.prepare
    answer: Callable[[RequestContext], Awaitable[Answer]] = apis.answer
    respond: Callable[[RequestContext, Answer], Response] = respond
    chunks: Callable[[RequestContext], Chunks] = apis.chunks
    frames: Callable[[RequestContext, Chunks], Frames] = sse.frames
    stream: Callable[[RequestContext], tuple[int, Mapping[str, str]]] = stream
    refusal: Callable[[RequestContext, ApiError], Response] = refusal
