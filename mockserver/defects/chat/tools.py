"""What a chat server can get wrong about tools and their calls."""

import json
from typing import Any

from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

API = "chat"
UNLIKE = {"META-059": "streams are right, and differ"}


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [c for choice in answer["choices"] for c in choice["message"]["tool_calls"]]


@in_parameters("META-076", api=API, also={
    "CHAT-SEM-017": "the same statement",
})  # fmt: skip
def chat_tool_choice_none_calls(context: RequestContext) -> object:
    """tool_choice none calls a tool all the same."""
    asked = context.parameters
    if asked.get("tool_choice") != "none" or not asked.get("tools"):
        return False
    asked["tool_choice"] = "required"
    return True


@in_parameters("META-077", api=API, also={
    "CHAT-SEM-019": "the same statement",
})  # fmt: skip
def chat_tool_choice_required_ignored(context: RequestContext) -> object:
    """tool_choice required answers in text."""
    if context.parameters.get("tool_choice") != "required":
        return False
    context.parameters["tool_choice"] = "none"
    return True


def _invented(answer: Answer, name: str) -> None:
    call = {
        "id": f"call-of-{answer['id']}",
        "type": "function",
        "function": {"name": name, "arguments": "{}"},
    }
    for choice in answer["choices"]:
        choice["message"]["tool_calls"] = [call]


@in_answer("META-078", api=API, also={
    "CHAT-REQ-044": "the default is none",
})  # fmt: skip
def chat_calls_without_tools(context: RequestContext, answer: Answer) -> object:
    """An answer to a request without tools has a call."""
    if context.parameters.get("tools"):
        return False
    _invented(answer, "search")
    return True


@in_parameters("CHAT-REQ-045", api=API, also={
    "META-079": "auto and the default differ",
    "META-059": "one is streamed, the other is not",
})  # fmt: skip
def chat_tools_default_to_required(context: RequestContext) -> object:
    """With tools and no tool_choice a call is forced."""
    if not context.parameters.get("tools") or context.body.get("tool_choice"):
        return False
    context.parameters["tool_choice"] = "required"
    return True


@in_answer("CHAT-SEM-020", api=API, also=UNLIKE | {
    "META-077": "its soft clause",
    "META-081": "a name outside the list",
})  # fmt: skip
def chat_called_name_is_prefixed(context: RequestContext, answer: Answer) -> object:
    """Calls name the function with a prefix."""
    calls = _calls(answer)
    for call in calls:
        call["function"]["name"] = "functions." + call["function"]["name"]
    return bool(calls)


@in_answer("META-080", api=API, also=UNLIKE | {
    "CHAT-SEM-020": "arguments are no JSON",
})  # fmt: skip
def chat_arguments_are_cut(context: RequestContext, answer: Answer) -> object:
    """Arguments lack their last brace."""
    calls = _calls(answer)
    for call in calls:
        call["function"]["arguments"] = call["function"]["arguments"][:-1]
    return bool(calls)


@in_answer("META-080", api=API, also=UNLIKE)
def chat_arguments_are_strings(context: RequestContext, answer: Answer) -> object:
    """Every argument is a number, whatever the schema says."""
    acted = False
    for call in _calls(answer):
        function = call["function"]
        if not function["arguments"].endswith("}"):
            continue  # cut at the limit
        given = json.loads(function["arguments"])
        function["arguments"] = json.dumps(dict.fromkeys(given, 0.5))
        acted |= bool(given)
    return acted


@in_answer("META-080", api=API, also=UNLIKE)
def chat_arguments_miss_the_required(context: RequestContext, answer: Answer) -> object:
    """Arguments are empty, although the schema requires some."""
    acted = False
    for call in _calls(answer):
        acted |= call["function"]["arguments"] != "{}"
        call["function"]["arguments"] = "{}"
    return acted


@in_answer("META-081", api=API, also=UNLIKE | {
    "CHAT-SEM-020": "a name that was not offered", "META-077": "its soft clause",
})  # fmt: skip
def chat_calls_what_it_was_trained_on(
    context: RequestContext, answer: Answer
) -> object:
    """Calls name the weather tool, whatever it is called now."""
    acted = False
    for call in _calls(answer):
        acted |= call["function"]["name"] != "get_weather"
        call["function"]["name"] = "get_weather"
    return acted


@in_stream("CHAT-SEM-020", api=API, also={
    "META-059": "whole answers are right", "META-077": "its soft clause",
}, origin="vllm-project/vllm#14951")  # fmt: skip
def chat_streamed_name_repeats(context: RequestContext, chunks: list[Chunk]) -> None:
    """Every tool-call delta repeats the name."""
    name = ""
    for chunk in chunks:
        for piece in chunk["choices"]:
            for call in piece["delta"].get("tool_calls") or []:
                name = call["function"].get("name") or name
                call["function"]["name"] = name


@in_stream("META-080", api=API, also={
    "CHAT-SEM-020": "arguments are no JSON", "META-059": "whole answers are right",
}, origin="vllm-project/vllm#21046")  # fmt: skip
def chat_streamed_arguments_lose_a_piece(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The last piece of streamed arguments is lost."""
    pieces = [
        call["function"]
        for chunk in chunks
        for piece in chunk["choices"]
        for call in piece["delta"].get("tool_calls") or []
        if call["function"].get("arguments")
    ]
    if pieces:
        pieces[-1]["arguments"] = ""


@in_answer("CHAT-RES-014", api=API, origin="vllm-project/vllm#44104")
def chat_tool_calls_is_null(context: RequestContext, answer: Answer) -> object:
    """A plain answer has null in place of an empty list of calls."""
    plain = [c["message"] for c in answer["choices"] if not c["message"]["tool_calls"]]
    for message in plain:
        message["tool_calls"] = None
    return bool(plain)
