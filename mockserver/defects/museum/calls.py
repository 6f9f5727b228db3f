"""Bugs of calls: their ids, their arguments, several at once, what a stream loses."""

import json
from typing import Any

from aios_conformance.mockserver.defects.museum.chat import pieces
from aios_conformance.mockserver.defects.museum.planting import ACCEPTED
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer

API = "chat"
UNLIKE = {"META-059": "streams are right, and differ"}
LOST = {
    "META-062": "what is not said is counted",
    "META-061": "no fitting reason",
    "CHAT-RES-025": "clients of OpenAI's API wait for tool_calls",
    "CHAT-SEM-019": "a forced call is lost as well",
    "META-077": "likewise",
}


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [c for choice in answer["choices"] for c in choice["message"]["tool_calls"]]


def _parts(chunks: list[Chunk]) -> list[dict[str, Any]]:
    """The pieces of calls, in the order of the stream."""
    return [
        part
        for piece in pieces(chunks)
        for part in piece["delta"].get("tool_calls", ())
    ]


@in_answer("CHAT-SEM-001", api=API, also=UNLIKE | {
    "CHAT-SEM-020": "arguments are a text", "COMMON-SEM-002": "the same client",
    "CHAT-SEM-018": "the call is not well-formed", "META-080": "likewise",
    "CHAT-SEM-019": "there is no call that can be read", "META-077": "likewise",
    "META-083": "the reply cannot be sent back", "CHAT-REQ-045": "no call is read",
    "META-079": "likewise",
}, source="000:348", origin="ggml-org/llama.cpp#20198")  # fmt: skip
def chat_arguments_are_objects(context: RequestContext, answer: Answer) -> object:
    """The arguments of a call are an object, not the text of one."""
    acted = False
    for call in _calls(answer):
        text = call["function"]["arguments"]
        if text.endswith("}"):  # it was not cut
            call["function"]["arguments"], acted = json.loads(text), True
    return acted


@in_answer("CHAT-SEM-020", api=API, also={"CHAT-SEM-018": "not well-formed"},
           source="000:348", origin="ggml-org/llama.cpp#12279")  # fmt: skip
def chat_call_id_is_empty(context: RequestContext, answer: Answer) -> object:
    """The id of a call is an empty string."""
    for call in _calls(answer):
        call["id"] = ""
    return bool(_calls(answer))


@in_answer("CHAT-SEM-020", api=API, source="000:348",
           origin="OpenRouterTeam/ai-sdk-provider#160")  # fmt: skip
def chat_parallel_calls_share_an_id(context: RequestContext, answer: Answer) -> object:
    """Calls that are made at once have one id."""
    calls = _calls(answer)
    for call in calls:
        call["id"] = calls[0]["id"]
    return len(calls) > 1


@in_stream("META-059", api=API, also=LOST,
           source="000:387", origin="ai-dynamo/dynamo#8636")  # fmt: skip
def chat_stream_parallel_calls_are_dropped(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams calls that are made at once are left out, finish_reason stop."""
    if not any(part["index"] for part in _parts(chunks)):
        return
    for piece in pieces(chunks):
        piece["delta"].pop("tool_calls", None)
        if piece["finish_reason"] == "tool_calls":
            piece["finish_reason"] = "stop"


@in_stream("META-059", api=API, also=LOST,
           source="000:387", origin="ollama/ollama#5796")  # fmt: skip
def chat_stream_calls_are_text(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams calls come as text."""
    for piece in pieces(chunks):
        for part in piece["delta"].pop("tool_calls", ()):
            function = part["function"]
            said = function.get("name", "") + function.get("arguments", "")
            piece["delta"]["content"] = said
        if piece["finish_reason"] == "tool_calls":
            piece["finish_reason"] = "stop"


@in_parameters("META-076", api=API, also={"CHAT-SEM-017": "the same statement",
                                          "META-037": "a call has another prompt"},
               source="000:391", origin="vllm-project/vllm#42747")  # fmt: skip
def chat_stream_none_calls(context: RequestContext) -> object:
    """In streams tool_choice none calls a tool all the same."""
    values = context.parameters
    is_none = values.get("tool_choice") == "none" and values.get("tools")
    if not values["stream"] or not is_none:
        return False
    values["tool_choice"] = "required"
    return True


@in_stream("META-062", api=API, also={
    "COMMON-RES-010": "nothing adds up", "CHAT-RES-020": "a prompt of no tokens",
    "META-042": "the limit was reached, and nothing is counted",
}, source="000:388", origin="mudler/LocalAI#9927")  # fmt: skip
def chat_stream_with_tools_counts_nothing(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """With tools all counts of a stream are 0."""
    for chunk in chunks if context.parameters.get("tools") else ():
        if chunk.get("usage"):
            counts = ("prompt_tokens", "completion_tokens", "total_tokens")
            chunk["usage"] |= dict.fromkeys(counts, 0)


@in_stream("CHAT-SEM-015", api=API, also={"META-062": "no usage at the end"},
           source="000:388", origin="LostRuins/koboldcpp#2480")  # fmt: skip
def chat_stream_with_tools_has_no_usage(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk]:
    """With tools a stream has no usage, though it was asked for."""
    if not context.parameters.get("tools"):
        return chunks
    return [chunk for chunk in chunks if not chunk.get("usage")]


@in_answer("CHAT-RES-019", api=API, also={
    "COMMON-SEM-001": "no usage", "META-041": "nothing is counted",
}, source="000:464", origin="ai-dynamo/dynamo#4440")  # fmt: skip
def chat_call_has_no_usage(context: RequestContext, answer: Answer) -> object:
    """The usage of an answer that calls is null."""
    if _calls(answer):
        answer["usage"] = None
    return bool(_calls(answer))


@in_stream(
    "CHAT-SEM-020",
    api=API,
    also={"META-080": "no object"} | {"META-059": "the whole call is well"},
    source="000:460",
    origin="NVIDIA/TensorRT-LLM#19227",
)
def chat_stream_call_without_arguments_is_no_json(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams a call of a function without parameters has no arguments at all."""
    pieces_of: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for piece in pieces(chunks):
        for part in piece["delta"].get("tool_calls", ()):
            call = piece["index"], part["index"]
            pieces_of.setdefault(call, []).append(part["function"])
    for functions in pieces_of.values():
        if "".join(one.get("arguments", "") for one in functions) == "{}":
            for function in functions:
                function["arguments"] = ""


@in_stream("META-080", api=API, also={
    "CHAT-SEM-020": "no JSON", "META-059": "whole answers are right",
}, source="000:460", origin="vllm-project/vllm#15274")  # fmt: skip
def chat_stream_parallel_calls_lose_a_brace(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams the first of several calls lacks its last brace."""
    if any(part["index"] for part in _parts(chunks)):
        first = [part["function"] for part in _parts(chunks) if not part["index"]]
        first[-1]["arguments"] = first[-1].get("arguments", "").removesuffix("}")


@in_stream("META-059", api=API, source="000:463",
           origin="sgl-project/sglang#28456")  # fmt: skip
def chat_stream_call_loses_logprobs(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams the tokens of calls have no log probabilities."""
    for piece in pieces(chunks):
        if piece["delta"].get("tool_calls"):
            piece["logprobs"] = None


@in_parameters("META-083", api=API, also=ACCEPTED | {
    "CHAT-REQ-005": "messages are refused",
}, source="000:460", origin="huggingface/text-generation-inference#3198")  # fmt: skip
def chat_roles_must_alternate(context: RequestContext) -> object:
    """A role after which neither user nor assistant has its turn is refused."""
    roles = [m["role"] for m in context.body["messages"] if m.get("role") != "system"]
    turns = ("user", "assistant")
    if all(role == turns[i % 2] for i, role in enumerate(roles)) or "tool" not in roles:
        return False
    raise BadRequest("conversation roles must alternate", code="refused")
