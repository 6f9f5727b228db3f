"""Bugs of what an answer tells: log probabilities, calls, counts, reasons."""

from collections.abc import Iterable, Iterator
from typing import Any

from aios_conformance.mockserver.defects.chunks import pieces, said, say
from aios_conformance.mockserver.defects.museum.planting import joined
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
COUNTS = dict.fromkeys(
    (
        "META-062",
        "META-042",
        "META-070",
        "META-085",
        "META-037",
        "META-064",
        "CHAT-SEM-010",
        "COMP-SEM-007",
        "META-041",
        "META-086",
        "CHAT-RES-021",
        "COMP-RES-015",
    ),
    "other counts",
)


def _fewer(usage: dict[str, Any], cut: int) -> bool:
    usage["completion_tokens"] -= cut
    usage["total_tokens"] -= cut
    return cut > 0


def _cut(choices: Iterable[dict[str, Any]]) -> int:
    return sum(one["finish_reason"] == "length" for one in choices)


@in_answer(api=BOTH)
def _whole_fewer(context: RequestContext, answer: Answer) -> object:
    usage = answer["usage"]
    return _fewer(usage, min(_cut(answer["choices"]), usage["completion_tokens"]))


@in_stream(api=BOTH)
def _streamed_fewer(context: RequestContext, chunks: list[Chunk]) -> None:
    usage = chunks[-1].get("usage") if chunks else None
    if usage:
        _fewer(usage, min(_cut(pieces(chunks)), usage["completion_tokens"]))


@joined(
    "META-041",
    _whole_fewer,
    _streamed_fewer,
    also=COUNTS,
    source="000:466",
    origin="lmstudio-ai/lmstudio-bug-tracker#2335",
)
def gen_cut_counts_one_fewer() -> None:
    """Of a choice that is cut at the limit the last token is not counted."""


def _stops(context: RequestContext) -> list[str]:
    given = context.parameters.get("stop") or []
    return [given] if isinstance(given, str) else list(given)


@in_answer(
    "META-046",
    api=BOTH,
    also=dict.fromkeys(
        (
            "META-045",
            "META-047",
            "META-048",
            "CHAT-SEM-013",
            "COMP-SEM-010",
            "META-071",
        ),
        "more text than before the stop",
    ),
    source="000:386",
    origin="jundot/omlx#2386",
)
def gen_stop_with_a_longer_twin_leaks(
    context: RequestContext, answer: Answer
) -> object:
    """Of two stop strings of which one begins the other, a part stays in the text."""
    stops = _stops(context)
    acted = False
    for choice in answer["choices"]:
        struck = choice["stop_reason"]
        twins = [s for s in stops if struck and s != struck and s.startswith(struck)]
        if twins and len(struck) > 1:
            part = struck[: len(struck) // 2]
            if "text" in choice:
                choice["text"] += part
            else:
                choice["message"]["content"] += part
            acted = True
    return acted


@in_answer(
    "COMP-RES-008",
    api=COMP,
    also=dict.fromkeys(
        ("COMP-SEM-003", "META-070", "META-071", "META-086"),
        "none are given",
    ),
    source="000:624",
    origin="PaddlePaddle/FastDeploy#3620",
)
def comp_list_has_no_logprobs(context: RequestContext, answer: Answer) -> object:
    """For several prompts log probabilities are null."""
    given = context.parameters["prompt"]
    if not isinstance(given, list) or len(given) < 2 or not isinstance(given[0], str):
        return False
    acted = any(choice["logprobs"] for choice in answer["choices"])
    for choice in answer["choices"]:
        choice["logprobs"] = None
    return acted


@in_answer(
    "COMP-RES-017",
    api=COMP,
    also={"META-088": "no offsets of the text"},
    source="000:624",
    origin="sgl-project/sglang#782",
)
def comp_offsets_are_minus_1(context: RequestContext, answer: Answer) -> object:
    """text_offset is -1 at each position."""
    acted = False
    for choice in answer["choices"]:
        found = choice["logprobs"] or {}
        if found.get("text_offset"):
            found["text_offset"] = [-1] * len(found["text_offset"])
            acted = True
    return acted


@in_stream(
    "META-062",
    api=BOTH,
    also=COUNTS
    | dict.fromkeys(
        (
            "COMP-RES-015",
            "COMP-RES-018",
            "CHAT-RES-021",
            "CHAT-RES-025",
            "CHAT-SEM-001",
            "COMP-SEM-001",
            "COMMON-SEM-002",
            "META-034",
            "COMMON-RES-010",
            "CHAT-SEM-015",
            "COMP-SEM-012",
        ),
        "a count is missing",
    ),
    source="000:466",
    origin="router-for-me/CLIProxyAPI#4498",
)
def gen_stream_usage_lacks_completion_tokens(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The usage of streams has no completion_tokens."""
    for chunk in chunks:
        if chunk.get("usage"):
            del chunk["usage"]["completion_tokens"]


@in_answer(
    "EMB-RES-014",
    api="embeddings score",
    also=dict.fromkeys(
        (
            "SCORE-RES-013",
            "EMB-RES-015",
            "SCORE-RES-014",
            "META-028",
            "META-029",
            "META-102",
            "META-103",
            "COMMON-RES-010",
            "EMB-RES-013",
            "SCORE-RES-012",
            "EMB-EX-003",
            "SCORE-EX-005",
        ),
        "a count is missing",
    )
    | dict.fromkeys(("COMMON-RES-002", "COMMON-RES-009"), "a count is missing"),
    source="000:771",
    origin="Laisky/one-api#190",
)
def enc_zero_counts_are_left_out(context: RequestContext, answer: Answer) -> object:
    """Counts that are 0 are left out of the usage."""
    usage = answer["usage"]
    zeros = [name for name, count in usage.items() if count == 0]
    for name in zeros:
        del usage[name]
    return bool(zeros)


def _called(chunks: Iterable[Chunk]) -> Iterator[dict[str, Any]]:
    for piece in pieces(chunks):
        yield from piece["delta"].get("tool_calls") or ()


@in_stream(
    "CHAT-SEM-020",
    api=CHAT,
    also=dict.fromkeys(
        ("META-059", "META-077", "CHAT-SEM-019", "META-081"),
        "another name",
    ),
    source="000:460",
    origin="ggml-org/llama.cpp#13800",
)
def chat_stream_call_repeats_its_name(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams each piece of a call has its name."""
    names: dict[int, str] = {}
    for call in _called(chunks):
        name = names.setdefault(call["index"], call["function"].get("name") or "")
        call["function"]["name"] = name


@in_stream(
    api=CHAT,
    freedom="000:387: how a call is cut into pieces",
    source="000:387",
    origin="theroyallab/tabbyAPI#460",
)
def chat_stream_calls_come_whole_free(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """A streamed call comes in one piece."""
    first: dict[tuple[int, int], tuple[Any, Any]] = {}
    kept = []
    for chunk in chunks:
        piece = chunk["choices"][0] if chunk["choices"] else {}
        calls = piece.get("delta", {}).get("tool_calls") or []
        own = calls[0] if len(calls) == 1 and not piece["finish_reason"] else None
        key = (piece["index"], own["index"]) if own else (-1, -1)
        if own is None or key not in first:
            kept.append(chunk)
            if own:
                first[key] = (own, piece)
            continue
        call, begun = first[key]
        call["function"]["arguments"] += own["function"]["arguments"]
        if piece.get("logprobs"):
            begun["logprobs"]["content"] += piece["logprobs"]["content"]
    return kept


@in_stream(
    api=CHAT,
    freedom="000:387: what later pieces of a call repeat",
    source="000:387",
    origin="InternLM/lmdeploy#3412",
)
def chat_stream_later_pieces_have_a_blank_id_free(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Later pieces of a call have a blank id."""
    for call in _called(chunks):
        if not call.get("id"):
            call["id"] = ""


@in_stream(
    api=BOTH,
    freedom="000:387: what the last piece holds",
    source="000:387",
    origin="vllm-project/vllm#36944",
)
def gen_stream_last_text_has_the_reason_free(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """The last text of a choice and its reason share a chunk."""
    kept: list[Chunk] = []
    for chunk in chunks:
        one = chunk["choices"][0] if len(chunk["choices"]) == 1 else None
        last = kept[-1]["choices"][0] if kept and kept[-1]["choices"] else None
        if (
            one
            and last
            and one["finish_reason"]
            and not said(one)
            and said(last)
            and last["index"] == one["index"]
            and not (one.get("logprobs") or {}).get("content")
        ):
            say(one, said(last))
            if last.get("logprobs"):
                one["logprobs"] = last["logprobs"]
            kept.pop()
        kept.append(chunk)
    return kept
