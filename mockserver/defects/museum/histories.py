"""Bugs of conversations and tools: turns, schemas, calls in pieces."""

import json
from collections.abc import Iterable
from typing import Any

from aios_conformance.mockserver.defects.chunks import pieces
from aios_conformance.mockserver.defects.museum.planting import in_both
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest, Broken
from aios_conformance.serving.stages import Answer

API = "chat"


def _roles(context: RequestContext) -> list[str]:
    return [message["role"] for message in context.parameters["messages"]]


@in_parameters(api=API, freedom="000:377: no order of roles is promised",
               source="000:377", origin="raullenchai/Rapid-MLX#1543")  # fmt: skip
def chat_later_system_message_refused_free(context: RequestContext) -> object:
    """A system message that is not the first of all is refused."""
    if "system" not in _roles(context)[1:]:
        return False
    raise BadRequest("System message must be at the beginning.", code="refused")


def _keep(context: RequestContext, kept: list[Any]) -> bool:
    acted = len(kept) < len(context.parameters["messages"])
    context.parameters["messages"] = kept
    return acted


@in_parameters("META-039", api=API, source="000:377", origin="coasys/ad4m#854")
def chat_user_turns_in_a_row_lose_the_first(context: RequestContext) -> object:
    """Of two user messages in a row only the second is in the prompt."""
    roles = [*_roles(context), ""]
    return _keep(context, [
        message for at, message in enumerate(context.parameters["messages"])
        if not roles[at] == roles[at + 1] == "user"
    ])  # fmt: skip


@in_parameters(
    "META-039",
    api=API,
    source="000:377",
    origin="BrowserOperator/browser-operator-core#69",
)
def chat_repeated_user_text_is_lost(context: RequestContext) -> object:
    """An earlier message with the very text of the last one is left out."""
    messages = context.parameters["messages"]
    last = messages[-1] if messages else None
    return _keep(context, [m for m in messages[:-1] if m != last] + messages[-1:])


@in_parameters("META-039", api=API, source="000:377", origin="unslothai/unsloth#10091")
def chat_second_tool_result_not_read(context: RequestContext) -> object:
    """Of several results of tools only the first is in the prompt."""
    roles = ["", *_roles(context)]
    return _keep(context, [
        message for at, message in enumerate(context.parameters["messages"])
        if not roles[at] == roles[at + 1] == "tool"
    ])  # fmt: skip


@in_parameters(
    "CHAT-REQ-043",
    api=API,
    also=dict.fromkeys(("COMMON-RES-001",), "a valid request is refused"),
    source="000:394",
    origin="vllm-project/vllm#9426",
)
def chat_none_without_tools_refused(context: RequestContext) -> object:
    """tool_choice none without tools is refused."""
    values = context.parameters
    if values.get("tools") or context.body.get("tool_choice") != "none":
        return False
    raise BadRequest("When using tool_choice, tools must be set.", code="refused")


@in_parameters(
    "CHAT-REQ-043",
    api=API,
    also=dict.fromkeys(("COMMON-RES-001",), "a valid request is refused"),
    source="000:392",
    origin="vllm-project/vllm#9986",
)
def chat_auto_refused(context: RequestContext) -> object:
    """tool_choice auto is refused where it is spelled out."""
    if context.body.get("tool_choice") != "auto":
        return False
    raise BadRequest("auto needs --enable-auto-tool-choice", code="refused")


@in_both("CHAT-SEM-020", api=API, source="000:460", origin="vllm-project/vllm#50295")
def chat_call_ids_count_from_0(context: RequestContext, told: Answer) -> object:
    """The ids of calls are call_0, call_1 and so on in every answer."""
    acted = False
    for choice in told["choices"]:
        message = choice.get("message") or choice.get("delta") or {}
        for at, call in enumerate(message.get("tool_calls") or ()):
            if call.get("id"):
                call["id"], acted = f"call_{call.get('index', at)}", True
    return acted


def _schemas(context: RequestContext) -> str:
    return json.dumps(context.parameters.get("tools") or [])


@in_parameters(
    "CHAT-REQ-046",
    api=API,
    also=dict.fromkeys(("COMMON-RES-001",), "a valid request is a 500"),
    source="000:396",
    origin="smg-project/smg#2392",
)
def chat_reference_in_parameters_crashes(context: RequestContext) -> object:
    """A function whose parameters refer to $defs is a 500."""
    if '"$ref"' not in _schemas(context):
        return False
    raise Broken("cannot find field $defs", code="crashed")


@in_parameters(
    "CHAT-REQ-046",
    api=API,
    also=dict.fromkeys(("COMMON-RES-001",), "a valid request is a 500"),
    source="000:396",
    origin="scouzi1966/maclocal-api#33",
)
def chat_nullable_parameter_crashes(context: RequestContext) -> object:
    """A function with a parameter that may be null is a 500."""
    if '"null"' not in _schemas(context) and ": null" not in _schemas(context):
        return False
    raise Broken("cannot convert value to Jinja value", code="crashed")


def _spelled(context: RequestContext, answer: Answer, *marks: str) -> bool:
    """Spell arguments as text whose schema has one of the marks."""
    schemas = {
        tool["function"]["name"]: tool["function"].get("parameters") or {}
        for tool in context.parameters.get("tools") or ()
    }
    acted = False
    for choice in answer["choices"]:
        for call in choice["message"]["tool_calls"]:
            function = call["function"]
            properties = schemas[function["name"]].get("properties", {})
            try:
                given = json.loads(function["arguments"])
            except ValueError:
                continue
            for name, value in given.items():
                schema = properties.get(name, {})
                marked = any(mark in schema for mark in marks)
                if (marked or isinstance(schema.get("type"), list)) and not isinstance(
                    value, str
                ):
                    given[name], acted = json.dumps(value), True
            if acted:
                function["arguments"] = json.dumps(given)
    return acted


@in_answer("META-080", api=API, source="000:460", origin="FlashML-org/FreeToken#435")
def chat_referred_arguments_are_text(context: RequestContext, answer: Answer) -> object:
    """Arguments whose schema is a $ref come as the JSON text of them."""
    return _spelled(context, answer, "$ref")


@in_answer("META-080", api=API, source="000:460", origin="FlashML-org/FreeToken#435")
def chat_union_arguments_are_text(context: RequestContext, answer: Answer) -> object:
    """Arguments of one of several types come as the JSON text of them."""
    return _spelled(context, answer, "anyOf", "oneOf")


def _calls(chunks: Iterable[Chunk]) -> list[dict[str, Any]]:
    return [p for piece in pieces(chunks) for p in piece["delta"].get("tool_calls", ())]


@in_stream(
    "CHAT-SEM-020", api=API, source="000:460", origin="cubist38/mlx-openai-server#216"
)
def chat_stream_call_has_an_id_in_each_piece(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams every piece of a call has an id of its own."""
    for number, part in enumerate(_calls(chunks)):
        part["id"] = f"call_{context.id[-12:]}{number}"


@in_stream(
    "CHAT-RES-025",
    api=API,
    also=dict.fromkeys(
        (
            "CHAT-SEM-020",
            "META-059",
        ),
        "pieces of several calls are one call",
    ),
    source="000:460",
    origin="EricLBuehler/mistral.rs#1507",
)
def chat_stream_call_has_no_index(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams the pieces of calls have no index."""
    for part in _calls(chunks):
        del part["index"]


@in_stream(
    "CHAT-SEM-020",
    api=API,
    also=dict.fromkeys(("CHAT-SEM-018",), "a call without an id"),
    source="000:460",
    origin="vllm-project/vllm#18412",
)
def chat_stream_call_has_no_id(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams calls have no id."""
    for part in _calls(chunks):
        part.pop("id", None)
