"""Bugs of one form that its twin has not: a string or a list, whole or in pieces.

And of what is kept, or told, from one request or one position to the next.
"""

import json
import re
from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import pairwise
from typing import Any

from aios_conformance.mockserver.defects.chunks import pieces, say
from aios_conformance.mockserver.defects.museum.planting import in_both, remembering
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
EMB, RERANK = "embeddings", "rerank"
LIMITS = ("max_tokens", "max_completion_tokens")


@in_stream("META-059", api=BOTH,
           also={"COMP-SEM-002": "no echo either", "META-084": "likewise",
                 "META-071": "its token is told"},
           source="000:387", origin="ai-dynamo/dynamo#3531")  # fmt: skip
def gen_stream_loses_an_only_token(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams there is no text where the limit is one token."""
    if any(context.parameters.get(name) == 1 for name in LIMITS):
        for piece in pieces(chunks):
            say(piece, "")


def _parts(chunk: Chunk) -> list[dict[str, Any]]:
    return [
        part
        for piece in chunk["choices"]
        for part in piece["delta"].get("tool_calls") or ()
    ]


def _added(chunk: Chunk, calls: list[dict[str, Any]]) -> Chunk:
    """A chunk like another one, that holds pieces of calls and nothing else."""
    more = deepcopy(chunk)
    more["choices"][0] |= {
        "delta": {"tool_calls": calls},
        "finish_reason": None,
        "logprobs": None,
    }
    return more


@in_stream("META-059", api=CHAT,
           also={"CHAT-SEM-020": "no JSON", "META-080": "no JSON"},
           source="000:460", origin="lidge-jun/opencodex#361")  # fmt: skip
def chat_stream_arguments_come_again(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """In streams the arguments of a call come once more, whole, at its end."""
    said: dict[tuple[int, int], str] = {}
    for chunk in chunks:
        for piece in chunk["choices"]:
            for part in piece["delta"].get("tool_calls") or ():
                key = (piece["index"], part["index"])
                told = part["function"].get("arguments") or ""
                said[key] = said.get(key, "") + told
            calls = [
                {"index": call, "function": {"arguments": text}}
                for (index, call), text in said.items()
                if index == piece["index"]
            ]
            if piece["finish_reason"] and calls:
                yield _added(chunk, calls)
        yield chunk


@in_stream(api=CHAT, freedom="000:387: what pieces of a call hold beside its text",
           source="000:387", origin="QuantumNous/new-api#3326")  # fmt: skip
def chat_stream_last_arguments_are_null_free(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """In streams a last piece of a call has arguments that are null."""
    last = next((chunk for chunk in reversed(chunks) if _parts(chunk)), None)
    for chunk in chunks:
        yield chunk
        if chunk is last:
            index = _parts(chunk)[-1]["index"]
            yield _added(chunk, [{"index": index, "function": {"arguments": None}}])


def _reworded(told: Answer, reword: Callable[[str], str]) -> bool:
    """Spell the arguments of calls otherwise, whole or in pieces."""
    acted = False
    for choice in told["choices"]:
        message = choice.get("message") or choice.get("delta") or {}
        for call in message.get("tool_calls") or ():
            before = call["function"].get("arguments") or ""
            call["function"]["arguments"] = reword(before)
            acted |= call["function"]["arguments"] != before
    return acted


@in_answer("META-080", api=CHAT, source="000:460", origin="Kong/kong#12019")
def chat_integers_have_14_digits(context: RequestContext, told: Answer) -> object:
    """In whole answers integers in arguments are written with 14 digits at most."""

    def rounded(text: str) -> str:
        return re.sub(r"\d{15,}", lambda found: f"{int(found[0]):.14g}", text)

    return _reworded(told, rounded)


@in_both(api=CHAT, freedom="000:460: any JSON says the same",
         source="000:460", origin="Yeachan-Heo/gajae-code#4352")  # fmt: skip
def chat_arguments_are_escaped_free(context: RequestContext, told: Answer) -> object:
    """Arguments spell characters beyond ASCII by their escapes."""
    return _reworded(
        told,
        lambda text: "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text),
    )


@remembering(in_answer, "CHAT-SEM-006", api=BOTH,
             also={"META-068": "another number", "COMP-SEM-003": "another number"},
             source="000:400", origin="BerriAI/litellm#3271")  # fmt: skip
def gen_cache_key_lacks_top_logprobs() -> Any:
    """Whole answers are cached under a key that lacks the number of alternatives."""
    first: dict[str, Answer] = {}

    def edit(context: RequestContext, answer: Answer) -> bool:
        values = dict(context.parameters)
        values |= {"top_logprobs": None, "logprobs": bool(values.get("logprobs"))}
        key = repr((context.api, sorted(values.items())))
        new = {name: deepcopy(answer[name]) for name in ("choices", "usage")}
        answer |= deepcopy(first.setdefault(key, new))
        return bool(answer["choices"] != new["choices"])

    return edit


@remembering(in_parameters, "META-078", api=CHAT, also={
    "CHAT-REQ-044": "the same statement",
    "CHAT-EX-005": "the printed request is the next one",
    **dict.fromkeys(
        ("CHAT-SEM-003", "CHAT-SEM-022", "META-037", "META-038", "META-055", "META-071",
         "META-073", "META-118"),
        "tools are part of the prompt, and calls are no text",
    ),
}, source="000:394", origin="ddalcu/mlx-serve#286")  # fmt: skip
def chat_tools_are_offered_to_the_next() -> Any:
    """Tools, and how they are to be chosen, hold for the next request as well."""
    last: dict[str, Any] = {}

    def edit(context: RequestContext) -> bool:
        before, own = dict(last), context.body
        last.clear()
        last.update({k: own[k] for k in ("tools", "tool_choice") if own.get(k)})
        if not before.get("tools") or context.parameters.get("tools"):
            return False
        context.parameters |= {"tool_choice": "auto"} | before
        return True

    return edit


@in_answer("META-092", api=EMB, also={
    "EMB-SEM-003": "of another length", "META-090": "of another length",
    "META-097": "of another length",
}, source="000:767", origin="dapr/dapr-agents#675")  # fmt: skip
def emb_string_is_not_normalized(context: RequestContext, answer: Answer) -> object:
    """Vectors of lists are of length 1, that of a string is longer."""
    if not isinstance(context.parameters["input"], str):
        return False
    for item in answer["data"]:
        vector = item["embedding"]
        if isinstance(vector, list):
            item["embedding"] = [1.5 * number for number in vector]
        else:
            numbers = array("f", (1.5 * x for x in array("f", b64decode(vector))))
            item["embedding"] = b64encode(numbers.tobytes()).decode()
    return True


@in_answer("RERANK-RES-017", api=RERANK, source="000:107",
           origin="ollama/ollama#14172")  # fmt: skip
def rerank_scores_beyond_8_are_null(context: RequestContext, answer: Answer) -> object:
    """The scores of documents beyond the eighth are null, and stand last."""
    for result in answer["results"]:
        if result["index"] >= 8:
            result["relevance_score"] = None
    answer["results"].sort(key=lambda result: -(result["relevance_score"] or 0))
    return any(result["relevance_score"] is None for result in answer["results"])


@in_parameters("COMP-SEM-010", api=COMP, also={
    "META-045": "the same statement", "META-086": "single prompts are stopped",
}, source="000:584",
   origin="huggingface/transformers-bloom-inference#13")  # fmt: skip
def comp_list_is_not_stopped(context: RequestContext) -> object:
    """Stop strings are read for a single prompt only."""
    values = context.parameters
    several = isinstance(values["prompt"], list) and len(values["prompt"]) > 1
    if not several or not values.get("stop"):
        return False
    values["stop"] = None
    return True


@in_answer("COMP-SEM-003", api=COMP, also={"META-067": "not of this position"},
           source="000:578", origin="mobilint/vllm-mblt#8")  # fmt: skip
def comp_echo_lists_one_position(context: RequestContext, answer: Answer) -> object:
    """Each token of an echoed prompt has the alternatives of the last of all."""
    acted = False
    for choice in answer["choices"] if context.parameters["echo"] else ():
        listed = (choice["logprobs"] or {}).get("top_logprobs") or []
        for place in range(1, len(listed)):
            acted |= listed[place] != listed[-1]
            listed[place] = deepcopy(listed[-1])
    return acted


@in_both("CHAT-SEM-006", api=BOTH, also={
    "COMP-SEM-003": "not of this token", "META-069": "not of this token",
    "META-059": "pieces of one token are right",
}, source="000:463", origin="AI-Hypercomputer/maxtext#2103")  # fmt: skip
def gen_logprobs_are_of_the_next_token(context: RequestContext, told: Answer) -> object:
    """Each token stands beside the log probabilities of the next one."""
    acted = False
    for choice in told["choices"]:
        found = choice["logprobs"] or {}
        for name in ("token_logprobs", "top_logprobs"):
            if found.get(name):
                found[name] = found[name][1:] + found[name][-1:]
                acted = True
        content = found.get("content") or ()
        for one, behind in pairwise(content):
            one |= {name: behind[name] for name in ("logprob", "top_logprobs")}
            acted = True
    return acted


@remembering(in_both, api=BOTH, freedom="000:632: details, which may be an object",
             source="000:632", origin="waybarrios/vllm-mlx#732")  # fmt: skip
def gen_usage_tells_what_was_cached_free() -> Any:
    """prompt_tokens_details tells how many tokens of the prompt were in a cache."""
    seen: set[str] = set()

    def edit(context: RequestContext, told: Answer) -> bool:
        read = repr(context.body.get("messages") or context.body.get("prompt"))
        usage = told.get("usage")
        if usage:
            cached = usage["prompt_tokens"] if read in seen else 0
            usage["prompt_tokens_details"] = {"cached_tokens": cached}
            seen.add(read)
        return bool(usage)

    return edit
