"""Bugs of chat servers: the turns of an agent, calls, log probabilities."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import ACCEPTED
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_frames,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest, Broken
from aios_conformance.serving.sse import DONE
from aios_conformance.serving.stages import Answer

API = "chat"
CUT = {
    "META-041": "the same statement",
    "META-042": "the limit is reached",
    "META-061": "the streamed reason",
}
NO_REASON = {
    "CHAT-RES-025": "no reason at all",
    "CHAT-RES-016": "no reason is given",
}
CALLED = {
    "META-077": "no offered tool is called",
    "META-080": "the arguments are no JSON",
    "CHAT-SEM-020": "the call cannot be read",
    "META-059": "the whole answer differs",
}


def _messages(context: RequestContext) -> list[Mapping[str, Any]]:
    return [m for m in context.body["messages"] if isinstance(m, dict)]


def pieces(chunks: list[Chunk]) -> Iterator[dict[str, Any]]:
    """The choice objects of all chunks."""
    for chunk in chunks:
        yield from chunk["choices"]


def _has_call(chunks: list[Chunk]) -> bool:
    return any(piece["delta"].get("tool_calls") for piece in pieces(chunks))


@in_parameters("META-083", api=API, also=ACCEPTED | {
    "CHAT-REQ-005": "messages are refused", "CHAT-REQ-007": "content is refused",
}, source="000:377",
   origin="lmstudio-ai/lmstudio-bug-tracker#261")  # fmt: skip
def chat_tool_turn_refused(context: RequestContext) -> object:
    """The turn after a tool call (content null, role tool) is refused."""
    if not any(
        m.get("role") == "tool" or m.get("content", "") is None
        for m in _messages(context)
    ):
        return False
    raise BadRequest("content must be a string", code="refused")


@in_parameters("META-083", api=API, also=ACCEPTED | {
    "CHAT-REQ-005": "messages are refused",
}, source="000:377", origin="cubist38/mlx-openai-server#205")  # fmt: skip
def chat_tool_result_loses_its_call(context: RequestContext) -> object:
    """A call with content null is left out, so that its result is a 500."""
    roles = [m.get("role") for m in _messages(context) if m.get("content") is not None]
    if "tool" not in roles or len(roles) == len(context.body["messages"]):
        return False
    raise Broken("a result without a call", code="crashed")


@in_parameters("META-083", api=API, also=ACCEPTED | {
    "CHAT-REQ-005": "messages are refused",
}, source="000:377", origin="tashfeenahmed/freellmapi#232")  # fmt: skip
def chat_null_calls_in_history_refused(context: RequestContext) -> object:
    """An earlier reply that comes back with tool_calls null is refused."""
    if all(m.get("tool_calls", ()) is not None for m in _messages(context)):
        return False
    raise BadRequest("tool_calls must be an array", code="refused")


@in_parameters(
    "CHAT-REQ-046",
    api=API,
    also=ACCEPTED
    | {
        "CHAT-SEM-019": "nothing is called",
        "META-077": "nothing is called",
    },
    source="000:396",
    origin="ggml-org/llama.cpp#17667",
)
def chat_function_without_parameters_refused(context: RequestContext) -> object:
    """A function without parameters is refused."""
    tools = context.parameters.get("tools") or ()
    if all("parameters" in tool.get("function", {}) for tool in tools):
        return False
    raise BadRequest("the key parameters is missing", code="refused")


@in_answer("CHAT-SEM-010", api=API, also=CUT,
           source="000:461", origin="ROCm/FastFlowLM#728")  # fmt: skip
def chat_cut_call_says_tool_calls(context: RequestContext, answer: Answer) -> object:
    """A whole call cut at the limit ends with tool_calls, not length."""
    acted = False
    for choice in answer["choices"]:
        if choice["finish_reason"] == "length" and choice["message"]["tool_calls"]:
            choice["finish_reason"], acted = "tool_calls", True
    return acted


@in_stream("CHAT-SEM-010", api=API, also=CUT,
           source="000:461", origin="vllm-project/vllm#53269")  # fmt: skip
def chat_stream_cut_call_says_tool_calls(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """A streamed call cut at the limit ends with tool_calls, not length."""
    if _has_call(chunks):
        for piece in pieces(chunks):
            if piece["finish_reason"] == "length":
                piece["finish_reason"] = "tool_calls"


@in_frames("CHAT-SEM-010", api=API, also=CUT | {
    "CHAT-SEM-014": "the stream breaks off", "COMMON-SEM-002": "likewise",
    "CHAT-SEM-001": "likewise", "CHAT-RES-025": "likewise",
}, source="000:461", origin="vllm-project/vllm#37937")  # fmt: skip
def chat_stream_cut_call_breaks_off(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """A streamed call that meets the limit ends in an error event."""
    is_call = any(b'"tool_calls":[{' in frame for frame in frames)
    cut = [b'"finish_reason":"length"' in frame for frame in frames]
    if not is_call or not any(cut):
        return frames
    error = b'data: {"error": {"message": "list index out of range"}}\n\n'
    return [*frames[: cut.index(True)], error, DONE]


@in_stream("META-059", api=API, also={
    "CHAT-RES-025": "clients of OpenAI's API wait for tool_calls",
}, source="000:387", origin="BerriAI/litellm#35663")  # fmt: skip
def chat_stream_call_says_stop(context: RequestContext, chunks: list[Chunk]) -> None:
    """A streamed call ends with finish_reason stop, a whole one with tool_calls."""
    for piece in pieces(chunks):
        if piece["finish_reason"] == "tool_calls":
            piece["finish_reason"] = "stop"


@in_stream("META-061", api=API, also=NO_REASON,
           source="000:461", origin="waybarrios/vllm-mlx#672")  # fmt: skip
def chat_stream_call_never_finishes(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """No chunk of a streamed call has a finish_reason."""
    if _has_call(chunks):
        for piece in pieces(chunks):
            piece["finish_reason"] = None


@in_stream("META-061", api=API, also=NO_REASON,
           source="000:461", origin="waybarrios/vllm-mlx#628")  # fmt: skip
def chat_stream_natural_end_never_finishes(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """A streamed reply that ends of itself has no finish_reason; length works."""
    for piece in pieces(chunks):
        if piece["finish_reason"] == "stop" and piece["stop_reason"] is None:
            piece["finish_reason"] = None


@in_stream("META-061", api=API, also=NO_REASON,
           source="000:461", origin="BerriAI/litellm#10686")  # fmt: skip
def chat_stream_logprobs_no_finish(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """finish_reason is lost in streams with logprobs."""
    if context.parameters["logprobs"]:
        for piece in pieces(chunks):
            piece["finish_reason"] = None


@in_stream("CHAT-SEM-020", api=API, also=CALLED | {
    "META-061": "calls of another choice come after its end",
    "CHAT-SEM-008": "log probabilities come twice", "META-040": "likewise",
}, source="000:460", origin="LibreChat-AI/agents#260")  # fmt: skip
def chat_stream_parallel_calls_one_index(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """A second streamed call comes under index 0 too."""
    calls = [
        json.loads(json.dumps(chunk))
        for chunk in chunks
        if any(piece["delta"].get("tool_calls") for piece in chunk["choices"])
    ]
    for piece in pieces(calls):
        for call in piece["delta"]["tool_calls"]:
            if "id" in call:
                call["id"] += "_2"
    last = max((i for i, c in enumerate(chunks) if _has_call([c])), default=-1)
    return [*chunks[: last + 1], *calls, *chunks[last + 1 :]]


@in_stream("CHAT-SEM-019", api=API, also=CALLED,
           source="000:393", origin="sgl-project/sglang-jax#1275")  # fmt: skip
def chat_stream_required_call_is_text(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams tool_choice required gives the call as text."""
    if context.parameters.get("tool_choice") != "required":
        return
    for piece in pieces(chunks):
        calls = piece["delta"].pop("tool_calls", None) or []
        if calls:
            said = "".join(call["function"].get("arguments", "") for call in calls)
            piece["delta"]["content"] = said
        if piece["finish_reason"] == "tool_calls":
            piece["finish_reason"] = "stop"


@in_answer("CHAT-SEM-019", api=API, also=CALLED | CUT | {
    "CHAT-SEM-010": "a cut one says tool_calls too",
    "CHAT-RES-009": "there is no text either",
}, source="000:393", origin="vllm-project/vllm#53255")  # fmt: skip
def chat_required_call_is_empty(context: RequestContext, answer: Answer) -> object:
    """finish_reason is tool_calls, and there is no call."""
    if context.parameters.get("tool_choice") != "required":
        return False
    for choice in answer["choices"]:
        choice["message"]["tool_calls"] = []
        choice["finish_reason"] = "tool_calls"
    return True


def _is_plain(context: RequestContext, chunks: list[Chunk]) -> bool:
    return bool(context.parameters.get("tools")) and not _has_call(chunks)


@in_stream("META-059", api=API, also={
    "CHAT-SEM-018": "neither text nor call", "CHAT-SEM-014": "nothing is delivered",
}, source="000:387", origin="sgl-project/sglang#9657")  # fmt: skip
def chat_stream_with_tools_says_nothing(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """With tools that are not called, a stream has no text."""
    if _is_plain(context, chunks):
        for piece in pieces(chunks):
            if piece["delta"].get("content"):
                piece["delta"]["content"] = ""


@in_stream("META-059", api=API, also={"META-047": "less than before the stop"},
           source="000:387", origin="vllm-project/vllm#42210")  # fmt: skip
def chat_stream_with_tools_loses_the_end(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """With tools, a stream that a stop string ends loses its last piece of text."""
    stopped = any(isinstance(p.get("stop_reason"), str) for p in pieces(chunks))
    texts = [p for p in pieces(chunks) if p["delta"].get("content")]
    if stopped and texts and _is_plain(context, chunks):
        texts[-1]["delta"]["content"] = ""


@in_stream("CHAT-SEM-005", api=API, also={
    "META-070": "no positions", "META-071": "no tokens",
}, source="000:463", origin="vllm-project/vllm#34875")  # fmt: skip
def chat_stream_n_logprobs_second_missing(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """A streamed second choice lacks logprobs."""
    for piece in pieces(chunks):
        if piece["index"] == 1:
            piece["logprobs"] = None


@in_stream("CHAT-SEM-005", api=API, also={
    "META-070": "no positions", "META-071": "no tokens", "META-073": "no tokens",
    "META-059": "whole answers have them",
}, source="000:463", origin="ml-explore/mlx-lm#1630")  # fmt: skip
def chat_stream_logprobs_dropped(context: RequestContext, chunks: list[Chunk]) -> None:
    """Streams have no logprobs."""
    for piece in pieces(chunks):
        piece["logprobs"] = None


@in_answer("CHAT-SEM-006", api=API, also={
    "META-069": "the chosen token is not among them", "META-067": "likewise",
    "META-075": "likewise",
}, source="000:400", origin="sgl-project/sglang#2088")  # fmt: skip
def chat_alternatives_of_the_first_position(
    context: RequestContext, answer: Answer
) -> object:
    """Every position lists the alternatives of the first."""
    acted = False
    for choice in answer["choices"]:
        for position in ((choice["logprobs"] or {}).get("content") or [])[1:]:
            first = choice["logprobs"]["content"][0]["top_logprobs"]
            acted |= position["top_logprobs"] != first
            position["top_logprobs"] = first
    return acted


@in_answer("CHAT-SEM-006", api=API, also={
    "META-075": "fewer than k", "META-068": "fewer than k",
},
           source="000:403",
           origin="huggingface/text-generation-inference#2108")  # fmt: skip
def chat_top_p_cuts_the_alternatives(context: RequestContext, answer: Answer) -> object:
    """With top_p below 1 only the chosen token is listed, with log probability 0."""
    if context.parameters["top_p"] >= 1 or not context.parameters["logprobs"]:
        return False
    acted = False
    for choice in answer["choices"]:
        for position in (choice["logprobs"] or {}).get("content") or []:
            acted |= bool(position["top_logprobs"])
            position["logprob"] = 0.0
            del position["top_logprobs"][1:]
            for entry in position["top_logprobs"]:
                entry |= {k: position[k] for k in ("token", "logprob", "bytes")}
    return acted


@in_parameters("CHAT-SEM-007", api=API, also={
    "META-040": "more than the limit", "META-041": "not cut", "META-043": "no limit",
    "META-044": "not cut", "CHAT-SEM-010": "not cut", "META-042": "not cut",
    "CHAT-REQ-020": "a limit of 0 makes text",
}, source="000:381", origin="Luce-Org/lucebox#165")  # fmt: skip
def chat_new_limit_not_read(context: RequestContext) -> object:
    """max_completion_tokens is ignored for a default of 512."""
    values = context.parameters
    if values.pop("max_completion_tokens", None) is None:
        return False
    values["max_tokens"] = values.get("max_tokens") or 512
    return True


@in_stream("CHAT-RES-001", api=API, also={
    "META-061": "chunks differ", "COMMON-RES-005": "no id of the answer",
}, source="000:450", origin="BerriAI/litellm#1571")  # fmt: skip
def chat_stream_id_of_each_chunk(context: RequestContext, chunks: list[Chunk]) -> None:
    """Every chunk of a streamed chat has an id of its own."""
    for number, chunk in enumerate(chunks):
        chunk["id"] = f"{chunk['id']}-{number}"
