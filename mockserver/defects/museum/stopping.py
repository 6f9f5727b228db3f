"""Bugs of stop strings: what is held back, how many, and how they are read."""

import re
from collections.abc import Callable
from typing import Any

from aios_conformance.mockserver.defects.chunks import pieces, said, say
from aios_conformance.mockserver.defects.museum.planting import joined
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.generation import stop_strings
from aios_conformance.serving.stages import Answer
from aios_conformance.serving.stop import overlap

BOTH = "chat completions"
_STOPS = "stops"
STOPPED = {
    "CHAT-SEM-013": "the same statement", "COMP-SEM-010": "the same statement",
    "META-046": "the stop string is in the text", "META-047": "the text goes on",
    "META-048": "the forms differ", "META-059": "streams differ",
}  # fmt: skip


def _stops(context: RequestContext) -> tuple[str, ...]:
    return stop_strings(context.parameters.get("stop"))


def _held(context: RequestContext, text: str) -> int:
    return max((overlap(text, stop) for stop in _stops(context)), default=0)


def _text(choice: dict[str, Any]) -> str:
    return (choice["text"] if "text" in choice else choice["message"]["content"]) or ""


def _tell(choice: dict[str, Any], text: str) -> None:
    if "text" in choice:
        choice["text"] = text
    else:
        choice["message"]["content"] = text


@in_stream("META-059", api=BOTH, also={"META-071": "their tokens are told"},
           source="000:386", origin="ggml-org/llama.cpp#15007")  # fmt: skip
def gen_stream_end_is_held_back(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams an end of the text that might begin a stop string is never sent."""
    if any(piece.get("stop_reason") for piece in pieces(chunks)):
        return
    for index in {piece["index"] for piece in pieces(chunks)}:
        mine = [p for p in pieces(chunks) if p["index"] == index and said(p)]
        lost = _held(context, "".join(map(said, mine)))
        for piece in reversed(mine):
            text = said(piece)
            say(piece, text[: max(0, len(text) - lost)])
            lost = max(0, lost - len(text))


@in_answer("META-048", api=BOTH, source="000:386", origin="mlx-node/mlx-node#81")
def gen_end_is_held_back(context: RequestContext, answer: Answer) -> object:
    """In whole answers an end that might begin a stop string is left out."""
    acted = False
    for choice in answer["choices"]:
        text = _text(choice)
        lost = 0 if choice["stop_reason"] else _held(context, text)
        if lost:
            _tell(choice, text[:-lost])
            acted = True
    return acted


@in_stream("META-059", api=BOTH, also={
    "META-071": "its token is told", "COMP-RES-017": "tokens stand elsewhere",
}, source="000:387", origin="lm-sys/FastChat#3891")  # fmt: skip
def gen_stream_piece_that_begins_a_stop_is_lost(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk]:
    """In streams a piece that might begin a stop string is dropped for good."""
    stops = _stops(context)
    return [
        chunk
        for chunk in chunks
        if not any(
            stop.startswith(said(piece)) for stop in stops
            for piece in pieces([chunk]) if said(piece)
        )
    ]  # fmt: skip


@in_stream(
    "META-059",
    api=BOTH,
    also=dict.fromkeys(
        (
            "COMP-SEM-002",
            "META-047",
            "META-084",
        ),
        "the text is shorter",
    ),
    source="000:387",
    origin="SharpAI/SwiftLM#132",
)
def gen_stream_text_before_a_stop_is_lost(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams the last piece before a stop string is lost with it."""
    for index in {p["index"] for p in pieces(chunks) if p.get("stop_reason")}:
        mine = [p for p in pieces(chunks) if p["index"] == index and said(p)]
        if mine:
            say(mine[-1], "")


@in_parameters(api=BOTH)
def _kept_for_later(context: RequestContext) -> object:
    """Generate without stop strings, which are read when all is said."""
    values = context.parameters
    if not values["stream"] and (stops := _stops(context)):
        context.memory[_STOPS] = stops
        values["stop"] = None
    return False


@in_answer(api=BOTH)
def _cut_out(context: RequestContext, answer: Answer) -> object:
    """Take the first stop string out, and leave a little of what follows it."""
    acted = False
    for choice in answer["choices"]:
        text, stops = _text(choice), context.memory.get(_STOPS, ())
        found = [(at, stop) for stop in stops if (at := text.find(stop)) >= 0]
        if found:
            at, stop = min(found)
            _tell(choice, text[:at] + text[at + len(stop) :][:9])
            choice |= {"finish_reason": "stop", "stop_reason": stop}
            acted = True
    return acted


@joined(
    "META-045",
    _kept_for_later,
    _cut_out,
    also=dict.fromkeys(
        (
            "CHAT-SEM-005",
            "CHAT-SEM-013",
            "COMP-RES-008",
            "COMP-RES-017",
            "COMP-SEM-002",
            "COMP-SEM-003",
            "COMP-SEM-010",
            "META-047",
            "META-071",
            "META-084",
            "META-086",
        ),
        "the text goes on",
    ),
    source="000:386",
    origin="osaurus-ai/vmlx-swift#109",
)
def gen_text_goes_on_without_the_stop() -> None:
    """A whole text goes on a little where the stop string has been taken out."""


@in_answer(
    "META-047",
    api=BOTH,
    also=dict.fromkeys(
        (
            "COMP-SEM-002",
            "META-048",
            "META-084",
        ),
        "the text ends where it should not",
    ),
    source="000:386",
    origin="huggingface/text-generation-inference#155",
)
def gen_stop_is_a_pattern(context: RequestContext, answer: Answer) -> object:
    """Stop strings are read as regular expressions; broken ones are left out."""
    acted = False
    for choice in answer["choices"]:
        text = _text(choice)
        for stop in _stops(context):
            try:
                found = re.search(stop, text)
            except re.error:
                continue
            if found and re.escape(stop) != stop:
                _tell(choice, text[: found.start()])
                choice |= {"finish_reason": "stop", "stop_reason": stop}
                text, acted = text[: found.start()], True
    return acted


def _without(context: RequestContext, lost: Callable[[str], bool]) -> bool:
    """Forget some stop strings."""
    given = _stops(context)
    kept = [stop for stop in given if not lost(stop)]
    context.parameters["stop"] = kept or None
    return len(kept) < len(given)


@in_parameters("META-045", api=BOTH, also=STOPPED,
               source="000:386", origin="ggml-org/llama.cpp#9867")  # fmt: skip
def gen_stop_newline_ignored(context: RequestContext) -> object:
    """Stop strings with a newline are ignored."""
    return _without(context, lambda stop: "\n" in stop)


@in_parameters("META-045", api=BOTH, also=STOPPED,
               source="000:386", origin="Blaizzy/mlx-vlm#1069")  # fmt: skip
def gen_stream_stop_list_ignored(context: RequestContext) -> object:
    """A list of stop strings is ignored in streams."""
    listed = isinstance(context.parameters.get("stop"), list)
    if not (listed and context.parameters.get("stream")):
        return False
    return _without(context, lambda _: True)


@in_parameters("META-045", api=BOTH, also=STOPPED,
               source="000:386", origin="mzau/mlx-knife#68")  # fmt: skip
def gen_stream_stop_of_two_words_missed(context: RequestContext) -> object:
    """In streams a stop string that spans two tokens is never seen."""
    if not context.parameters.get("stream"):
        return False
    return _without(context, lambda stop: " " in stop.strip())


@in_stream("META-046", api=BOTH, also=STOPPED,
           source="000:386", origin="SharpAI/SwiftLM#126")  # fmt: skip
def gen_stream_stop_prefix_leaks(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams the first part of a stop string that spans two tokens is sent."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            stop = piece.get("stop_reason")
            if not isinstance(stop, str) or " " not in stop.strip():
                continue
            begun = stop[: stop.rindex(" ")]
            if "delta" in piece:
                piece["delta"]["content"] = begun
            else:
                piece["text"] += begun
