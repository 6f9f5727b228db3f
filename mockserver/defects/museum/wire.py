"""Bugs on the wire: events that are none, refusals sent as success, usage, JSON."""

import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace

from aios_conformance.mockserver.control.exchange import current
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    concerns,
    in_frames,
    in_refusal,
    in_response,
    in_stream,
)
from aios_conformance.mockserver.faults.byte_faults import settle
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving import sse
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Chunks, Response, Stages

API = "chat completions"
CLIENT = {
    "COMMON-SEM-002": "the client cannot read it",
    "CHAT-SEM-001": "the client cannot read it",
    "COMP-SEM-001": "the client cannot read it",
    "COMP-RES-018": "the same statement",
}
REFUSED = {
    "COMMON-ERR-007": "a bound is not kept", "COMMON-ERR-003": "no 422",
    "COMMON-ERR-006": "no JSON", "CHAT-REQ-051": "not refused",
    "CHAT-ERR-002": "not refused", "COMP-ERR-002": "not refused",
    "META-120": "not refused", "COMMON-REQ-011": "not refused",
}  # fmt: skip
_HALF = 30  # bytes of an event that come before what splits it


@in_frames("CHAT-RES-025", api=API, also=CLIENT,
           source="000:348", origin="omnigent-ai/omnigent#1474")  # fmt: skip
def sse_empty_data_heartbeat(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """Heartbeats are events with empty data."""
    return [frames[0], b"data:\n\n", *frames[1:]]


@in_frames("CHAT-SEM-001", api=API, also=CLIENT,
           source="000:348", origin="openai/openai-python#2722")  # fmt: skip
def sse_retry_only_event(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """The stream begins with an event of retry alone."""
    return [b"retry: 3000\n\n", *frames]


@in_frames("CHAT-SEM-001", api=API, also=CLIENT,
           source="000:348", origin="theopenco/llmgateway#2334")  # fmt: skip
def sse_id_then_ping(context: RequestContext, frames: list[bytes]) -> Iterable[bytes]:
    """Events have an id, and a comment with a blank line comes between them."""
    return [
        b"id: %d\n%s: ping\n\n" % (number, frame) for number, frame in enumerate(frames)
    ]


@in_frames("CHAT-RES-025", api=API, also=CLIENT | {
    "CHAT-SEM-014": "a piece is lost", "COMP-SEM-011": "a piece is lost",
}, source="000:348", origin="router-for-me/CLIProxyAPI#4047")  # fmt: skip
def sse_heartbeat_inside_event(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """A heartbeat with a blank line splits an event in the middle of its JSON."""
    first = frames[0]
    split = first[:_HALF] + b"\n: heartbeat\n\n" + first[_HALF:]
    return [split, *frames[1:]]


def _without_last_chunk() -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        async def frames(
            context: RequestContext, chunks: Chunks
        ) -> AsyncGenerator[bytes, None]:
            async with aclosing(stages.frames(context, chunks)) as source:
                async for frame in source:
                    yield frame
            transport = current.get().transport
            if concerns(context, API) and transport is not None:
                tally.add()
                await settle()
                transport.close()

        return replace(stages, frames=frames), engine

    return Defect(
        "sse_no_last_chunk",
        "The connection closes after [DONE] without the last HTTP chunk.",
        plant,
        "CHAT-SEM-014",
        CLIENT | {"COMP-SEM-011": "the same statement", "CHAT-RES-025": "no end"},
        origin="npuichigo/openai_trtllm#31",
        source="000:387",
    )


def _as_event(body: bytes) -> Response:
    return 200, sse.HEADERS, b"data: " + body + b"\n\n" + sse.DONE


def _is_streamed(context: RequestContext) -> bool:
    return context.body.get("stream") is True


@in_refusal("COMMON-ERR-001", api=API, also=REFUSED,
            source="000:473", origin="ggml-org/llama.cpp#14566")  # fmt: skip
def gen_stream_refusal_is_200(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """What is refused under stream true comes as 200 with an error event."""
    return _as_event(found[2]) if _is_streamed(context) else found


@in_refusal("COMMON-ERR-001", api=API,
            also=REFUSED | {"CHAT-RES-025": "no end of the call that is refused"},
            source="000:473", origin="coder/aibridge#56")  # fmt: skip
def gen_stream_refusal_is_blank(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """What is refused under stream true comes as 200 with no body."""
    return (200, sse.HEADERS, b"") if _is_streamed(context) else found


@in_refusal("COMMON-ERR-001", api=API, also=REFUSED | {
    "CHAT-REQ-021": "neither refused nor clamped",
}, source="000:473", origin="sgl-project/sglang#22785")  # fmt: skip
def gen_stream_too_long_is_200(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A prompt or limit beyond the model under stream true is 200 with an error."""
    too_long = error.code in ("context_length_exceeded", "limit_too_large")
    return _as_event(found[2]) if too_long and _is_streamed(context) else found


@in_response("COMMON-RES-002", api=API, also={
    "COMMON-SEM-002": "no JSON", "CHAT-SEM-001": "no JSON", "COMP-SEM-001": "no JSON",
    "CHAT-SEM-005": "no JSON", "CHAT-SEM-006": "no JSON", "COMP-SEM-003": "no JSON",
    "COMP-RES-008": "no JSON", "META-070": "no JSON", "CHAT-RES-018": "no JSON",
    "CHAT-REQ-018": "no JSON", "COMP-REQ-016": "no JSON", "COMP-REQ-017": "no JSON",
}, source="000:449", origin="tenstorrent/vllm#435")  # fmt: skip
def gen_minus_infinity_literal(context: RequestContext, found: Response) -> Response:
    """A log probability is the literal -Infinity, which is no JSON."""
    status, headers, body = found
    if context.api == "chat":
        body = re.sub(rb'"logprob":-[0-9.e-]+', b'"logprob":-Infinity', body, count=1)
    else:
        body = re.sub(
            rb'"token_logprobs":\[(null|-?[0-9.e-]+)',
            b'"token_logprobs":[-Infinity',
            body,
            count=1,
        )
    return status, headers, body


@in_stream("META-062", api=API, also={
    "META-064": "one token more", "META-037": "one token more",
}, source="000:388", origin="ARahim3/mlx-dspark#37")  # fmt: skip
def gen_stream_prompt_tokens_one_more(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Streams count one prompt token more than whole answers."""
    for chunk in chunks:
        if chunk.get("usage"):
            chunk["usage"]["prompt_tokens"] += 1
            chunk["usage"]["total_tokens"] += 1


@in_stream("META-062", api=API, also={
    "META-064": "more tokens", "META-040": "more than the limit",
    "META-041": "more than the limit", "META-042": "more than the limit",
    "META-037": "more tokens", "CHAT-REQ-023": "more than the limit of 0",
    "META-070": "more tokens than log probabilities",
    **dict.fromkeys(
        ("CHAT-SEM-007", "CHAT-SEM-008", "COMP-SEM-004", "COMP-SEM-005"),
        "more than the limit",
    ),
}, source="000:388", origin="BerriAI/litellm#1304")  # fmt: skip
def gen_stream_completion_tokens_recounted(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Streams count three completion tokens more than whole answers."""
    for chunk in chunks:
        if chunk.get("usage"):
            chunk["usage"]["completion_tokens"] += 3
            chunk["usage"]["total_tokens"] += 3


EXHIBITS: tuple[Defect, ...] = (
    sse_empty_data_heartbeat,
    sse_retry_only_event,
    sse_id_then_ping,
    sse_heartbeat_inside_event,
    _without_last_chunk(),
    gen_stream_refusal_is_200,
    gen_stream_refusal_is_blank,
    gen_stream_too_long_is_200,
    gen_minus_infinity_literal,
    gen_stream_prompt_tokens_one_more,
    gen_stream_completion_tokens_recounted,
)
