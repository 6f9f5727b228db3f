"""Bugs of what is said: pieces of calls and texts, stop strings, likelihoods."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from aios_conformance.mockserver.defects.chunks import pieces, said
from aios_conformance.mockserver.defects.museum.planting import (
    because,
    in_both,
    joined,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.generation import stop_strings
from aios_conformance.serving.stages import Answer

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
_STOPS = "stops to look for"
MISREAD = because("the arguments are no JSON", "CHAT-SEM-020 META-080")


def _parts(chunks: list[Chunk]) -> Iterator[tuple[tuple[int, int], dict[str, Any]]]:
    """The pieces of calls, each with the numbers of its choice and its call."""
    for piece in pieces(chunks):
        for part in piece["delta"].get("tool_calls", ()):
            yield (piece["index"], part["index"]), part


@in_stream("META-059", api=CHAT, also=MISREAD,
           source="000:387", origin="NousResearch/hermes-agent#35718")  # fmt: skip
def chat_stream_arguments_are_told_so_far(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams each piece of a call has all of its arguments so far."""
    so_far: dict[tuple[int, int], str] = defaultdict(str)
    for call, part in _parts(chunks):
        so_far[call] += part["function"].get("arguments", "")
        if part["function"].get("arguments"):
            part["function"]["arguments"] = so_far[call]


@in_stream("META-059", api=CHAT, also=MISREAD,
           source="000:387", origin="sgl-project/sglang#29883")  # fmt: skip
def chat_stream_no_arguments_end_with_quotes(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams two quotes follow the arguments {} of a call."""
    ends: dict[tuple[int, int], dict[str, Any]] = {}
    told: dict[tuple[int, int], str] = defaultdict(str)
    for call, part in _parts(chunks):
        told[call] += part["function"].get("arguments", "")
        ends[call] = part["function"]
    for call, function in ends.items():
        if told[call] == "{}":
            function["arguments"] = function.get("arguments", "") + '""'


@in_stream("META-059", api=CHAT, also=MISREAD | {
    "CHAT-SEM-018": "a call without a name", "META-077": "no call is whole",
    "CHAT-SEM-019": "the same statement",
}, source="000:387", origin="dirac-run/dirac#215")  # fmt: skip
def chat_stream_index_of_a_call_drifts(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams the later pieces of a call come under the next index."""
    seen: dict[tuple[int, int], int] = defaultdict(int)
    for call, part in [*_parts(chunks)]:
        seen[call] += 1
        if seen[call] > 2:  # the first has the name
            part["index"] += 1


@in_stream("META-071", api=BOTH,
           also=because("tokens and texts are fewer",
                        "META-037 META-059 META-070 COMP-RES-017"),
           source="000:387", origin="Quorinex/Kiro-Go#138")  # fmt: skip
def gen_stream_piece_like_the_last_is_lost(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams the text of a piece that is like the one before is dropped."""
    before: dict[int, str] = {}
    for piece in pieces(chunks):
        index, text = piece["index"], said(piece)
        if text and before.get(index) == text:
            told = piece if "text" in piece else piece["delta"]
            told["text" if "text" in piece else "content"] = ""
        elif text:
            before[index] = text


def _looked_for(wanted: Callable[[Sequence[str]], bool]) -> Defect:
    """Generate without stop strings, which are looked for when all is said."""

    @in_parameters(api=BOTH)
    def later(context: RequestContext) -> object:
        values, stops = context.parameters, stop_strings(context.parameters.get("stop"))
        is_plain = not (values["stream"] or values.get("logprobs"))
        if is_plain and not values.get("echo") and wanted(stops):
            context.memory[_STOPS], values["stop"] = stops, None
        return False

    return later


def _cut(place: Callable[[str, Sequence[str]], tuple[int, str] | None]) -> Defect:
    """End a text where, and at which stop string, `place` says."""

    @in_answer(api=BOTH)
    def cut(context: RequestContext, answer: Answer) -> object:
        stops, acted = context.memory.get(_STOPS, ()), False
        for choice in answer["choices"]:
            told = choice if "text" in choice else choice["message"]
            name = "text" if "text" in choice else "content"
            text = told[name] or ""
            found = place(text, stops)
            if found is not None:
                told[name] = text[: found[0]]
                choice |= {"finish_reason": "stop", "stop_reason": found[1]}
                acted |= found[0] > min(text.find(s) for s in stops if s in text)
        return acted

    return cut


def _first_listed(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    return next(((text.find(stop), stop) for stop in stops if stop in text), None)


def _last_place(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    return next(((text.rfind(stop), stop) for stop in stops if stop in text), None)


RUN_ON = because(
    "the text goes on",
    "CHAT-SEM-013 COMP-SEM-010 META-046 META-047 META-048 META-086",
)


@joined("META-045", _looked_for(lambda stops: len(stops) > 1), _cut(_first_listed),
        also=RUN_ON, source="000:386", origin="paiml/aprender#2022")  # fmt: skip
def gen_first_listed_stop_strikes() -> None:
    """Of several stop strings that listed first ends a whole text, not the earliest."""


@joined("META-045", _looked_for(bool), _cut(_last_place),
        also=RUN_ON, source="000:386",
        origin="huggingface/smolagents#2780")  # fmt: skip
def gen_last_place_of_a_stop_strikes() -> None:
    """A whole text ends at the last place of a stop string."""


@in_parameters("META-045", api=BOTH, also=RUN_ON | {"META-059": "streams go on"},
               source="000:386", origin="paiml/aprender#2019")  # fmt: skip
def gen_stop_beyond_ascii_ignored(context: RequestContext) -> object:
    """Stop strings with a letter beyond ASCII, which spans tokens, are never seen."""
    given = stop_strings(context.parameters.get("stop"))
    kept = [stop for stop in given if stop.isascii()]
    context.parameters["stop"] = kept or None
    return len(kept) < len(given)


@in_both("COMP-SEM-003", api=COMP, also={"META-068": "none are listed"},
         source="000:578", origin="pegainfer-project/pegainfer#64")  # fmt: skip
def comp_echo_has_no_likelihoods(context: RequestContext, told: Answer) -> object:
    """The tokens of an echoed prompt are listed, with null for what they are worth."""
    prompt, acted = context.parameters["prompt"], False
    if not context.parameters["echo"] or not isinstance(prompt, str):
        return False
    for choice in told["choices"]:
        given = choice["logprobs"] or {"text_offset": ()}
        for i, offset in enumerate(given["text_offset"]):
            if offset < len(prompt):
                acted |= given["token_logprobs"][i] is not None
                given["token_logprobs"][i] = given["top_logprobs"][i] = None
    return acted


@in_both("CHAT-SEM-006", api=CHAT, also={
    "META-068": "they are one", "META-069": "no names", "META-075": "no names",
    "META-067": "one token has several likelihoods",
}, source="000:403", origin="ai-dynamo/dynamo#6953")  # fmt: skip
def chat_alternatives_have_no_names(context: RequestContext, told: Answer) -> object:
    """Each alternative but the chosen token is an empty text, without bytes."""
    acted = False
    for choice in told["choices"]:
        for entry in (choice["logprobs"] or {}).get("content") or ():
            for other in entry["top_logprobs"]:
                if other["token"] != entry["token"]:
                    other |= {"token": "", "bytes": None}
                    acted = True
    return acted


@in_stream("CHAT-RES-021", api=BOTH, also={
    "COMP-RES-015": "the same statement", "COMMON-RES-009": "no tokens of a text",
}, source="000:466", origin="pleaseai/shunt#607")  # fmt: skip
def gen_stopped_stream_counts_nothing(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Where a stop string strikes, completion_tokens of a stream is 0."""
    if any(piece.get("stop_reason") for piece in pieces(chunks)):
        for chunk in chunks:
            if usage := chunk.get("usage"):
                count = {"completion_tokens": 0, "total_tokens": usage["prompt_tokens"]}
                chunk["usage"] = usage | count
