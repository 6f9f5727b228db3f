"""Bugs of what a call is made of: its name and the values of its arguments."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import in_both, joined
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer

CHAT = "chat"
Rewrite = Callable[[dict[str, Any]], dict[str, Any]]


def _called(answer: Answer) -> Iterator[dict[str, Any]]:
    for choice in answer["choices"]:
        for call in choice["message"]["tool_calls"] or ():
            yield call["function"]


def _pieces(chunks: list[Chunk]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    """The pieces of each streamed call."""
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for chunk in chunks:
        for piece in chunk["choices"]:
            for call in piece["delta"].get("tool_calls") or ():
                place = (piece["index"], call["index"])
                found.setdefault(place, []).append(call["function"])
    return found


def _rewritten(text: str, rewrite: Rewrite) -> str:
    try:
        given = json.loads(text)
    except ValueError:
        return text
    other = rewrite(dict(given)) if isinstance(given, dict) else given
    return text if other == given else json.dumps(other)


def _arguments(rewrite: Rewrite, **declared: Any) -> Callable[..., Defect]:
    @in_answer(api=CHAT)
    def whole(context: RequestContext, answer: Answer) -> bool:
        acted = False
        for called in _called(answer):
            before = called["arguments"]
            called["arguments"] = _rewritten(before, rewrite)
            acted |= called["arguments"] != before
        return acted

    @in_stream(api=CHAT)
    def streamed(context: RequestContext, chunks: list[Chunk]) -> None:
        for pieces in _pieces(chunks).values():
            said = "".join(one.get("arguments") or "" for one in pieces)
            other = _rewritten(said, rewrite)
            if other != said:
                for one in pieces:
                    one["arguments"] = ""
                pieces[-1]["arguments"] = other

    return joined("META-080", whole, streamed, source="000:396", **declared)


def _texts_of_structures(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(one) if isinstance(one, dict | list) else one
        for name, one in given.items()
    }


@_arguments(_texts_of_structures, origin="Hmbown/Codewhale#5349")
def chat_nested_arguments_are_text() -> None:
    """Arguments that are objects or lists come as the JSON text of them."""


def _texts_of_numbers(given: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(one)
        if isinstance(one, int | float) and not isinstance(one, bool)
        else one
        for name, one in given.items()
    }


@_arguments(_texts_of_numbers, origin="Datus-ai/Datus-agent#1365")
def chat_numbers_in_arguments_are_text() -> None:
    """Arguments that are numbers come as text."""


@in_stream(
    "META-080",
    api=CHAT,
    also={"META-059": "the whole call is well"}
    | {"CHAT-SEM-020": "arguments that are cut are no JSON"},
    source="000:396",
    origin="vllm-project/vllm#16919",
)
def chat_stream_nested_arguments_lose_a_brace(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams arguments that end with an object lack the last brace."""
    for pieces in _pieces(chunks).values():
        said = "".join(one.get("arguments") or "" for one in pieces)
        if said.replace(" ", "").endswith("}}"):
            last = [one for one in pieces if (one.get("arguments") or "").strip()][-1]
            last["arguments"] = last["arguments"].rstrip()[:-1]


@in_stream(
    "META-080",
    api=CHAT,
    also={"META-059": "the whole calls are well"}
    | {"CHAT-SEM-020": "no arguments are no JSON"},
    source="000:396",
    origin="vllm-project/vllm#47901",
)
def chat_stream_call_after_an_empty_one_lacks_arguments(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams a call after one without arguments has none either."""
    empty: set[int] = set()
    for (choice, _), pieces in sorted(_pieces(chunks).items()):
        said = "".join(one.get("arguments") or "" for one in pieces)
        if choice in empty:
            for one in pieces:
                if one.get("arguments"):
                    one["arguments"] = ""
        elif said.strip() in ("", "{}"):
            empty.add(choice)


@in_both(
    "CHAT-SEM-020",
    also=dict.fromkeys(
        ("META-077", "META-081"), "the function called is none of those offered"
    ),
    api=CHAT,
    source="000:460",
    origin="openclaw/openclaw#25772",
)
def chat_tool_name_is_sanitized(context: RequestContext, said: Answer) -> object:
    """In the name of a called function a hyphen comes as an underscore."""
    acted = False
    for choice in said["choices"]:
        told = choice.get("message") or choice["delta"]
        for call in told.get("tool_calls") or ():
            name = call["function"].get("name")
            if name and "-" in name:
                call["function"]["name"], acted = name.replace("-", "_"), True
    return acted


@in_parameters(
    "CHAT-REQ-046",
    api=CHAT,
    also={
        "COMMON-RES-001": "a valid request is not answered 200",
    }
    | {"CHAT-REQ-043": "turns that offer such a function are refused"},
    source="000:396",
    origin="earendil-works/pi#4138",
)
def chat_property_without_type_refused(context: RequestContext) -> object:
    """A function with a parameter whose schema has no type is refused."""
    for tool in context.body.get("tools") or ():
        schema = tool["function"].get("parameters") or {}
        if any("type" not in one for one in (schema.get("properties") or {}).values()):
            raise BadRequest("type is not defined", code="refused")
    return False


@_arguments(
    lambda given: {
        name: one.title() if isinstance(one, str) else one
        for name, one in given.items()
    },
    origin="vllm-project/vllm#10395",
)
def chat_words_in_arguments_are_capitalized() -> None:
    """Arguments that are words, those of an enum too, come with capitals."""


def _of_python(text: str) -> str:
    return re.sub(r"(?<=[\[:,]) ?(true|false)\b", lambda m: m[0].title(), text)


@in_answer(api=CHAT)
def _whole_of_python(context: RequestContext, answer: Answer) -> bool:
    acted = False
    for called in _called(answer):
        before = called["arguments"]
        called["arguments"] = _of_python(before)
        acted |= called["arguments"] != before
    return acted


@in_stream(api=CHAT)
def _streamed_of_python(context: RequestContext, chunks: list[Chunk]) -> None:
    for pieces in _pieces(chunks).values():
        said = "".join(one.get("arguments") or "" for one in pieces)
        for one in pieces:
            one["arguments"] = ""
        pieces[-1]["arguments"] = _of_python(said)


@joined("CHAT-SEM-020", _whole_of_python, _streamed_of_python,
        also={"META-080": "no JSON"},
        source="000:460", origin="PrimeIntellect-ai/renderers#47")  # fmt: skip
def chat_booleans_in_arguments_are_of_python() -> None:
    """Arguments that are booleans come as True and False."""


@_arguments(
    lambda given: {
        "".join(c if c.isascii() else "-" for c in name): one
        for name, one in given.items()
    },
    origin="ggml-org/llama.cpp#28429",
)
def chat_names_of_arguments_lose_letters() -> None:
    """Letters beyond ASCII in the names of arguments come as hyphens."""
