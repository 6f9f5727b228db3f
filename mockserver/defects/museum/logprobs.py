"""Bugs of log probabilities: which tokens, how many, where, and beside what else."""

from collections.abc import (
    AsyncGenerator,
    Iterable,
    Iterator,
)
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import (
    in_both,
    joined,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    concerns,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer, Stages

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
_FFFD = {"token": "\ufffd", "bytes": [239, 191, 189]}


def _pieces(answer: Answer | Chunk) -> Iterator[dict[str, Any]]:
    yield from answer["choices"]


def _positions(choices: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for choice in choices:
        yield from (choice.get("logprobs") or {}).get("content") or ()


@in_answer(api=CHAT)
def _whole_one_fewer(context: RequestContext, answer: Answer) -> bool:
    acted = False
    for position in _positions(answer["choices"]):
        acted |= len(position["top_logprobs"]) > 1
        if len(position["top_logprobs"]) > 1:
            position["top_logprobs"].pop()
    return acted


@in_stream(api=CHAT)
def _streamed_one_fewer(context: RequestContext, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        for position in _positions(chunk["choices"]):
            if len(position["top_logprobs"]) > 1:
                position["top_logprobs"].pop()


@joined("CHAT-SEM-006", _whole_one_fewer, _streamed_one_fewer,
        also={"META-068": "k - 1 tokens"},
        source="000:403", origin="InternLM/lmdeploy#1548")  # fmt: skip
def chat_alternatives_are_one_fewer() -> None:
    """One alternative fewer is listed than top_logprobs asks for."""


@in_parameters("CHAT-SEM-005", api=CHAT,
               source="000:380", origin="vllm-project/vllm#47838")  # fmt: skip
def chat_null_top_logprobs_drops_all(context: RequestContext) -> object:
    """With top_logprobs null there are no log probabilities, though they are asked."""
    body = context.body
    if not body.get("logprobs") or body.get("top_logprobs", 0) is not None:
        return False
    context.parameters["logprobs"] = False
    return True


@in_parameters("CHAT-SEM-005", api=CHAT,
               source="000:380", origin="InternLM/lmdeploy#2802")  # fmt: skip
def chat_logprobs_need_top_logprobs(context: RequestContext) -> object:
    """Without top_logprobs there are no log probabilities, though they are asked."""
    body = context.body
    if not body.get("logprobs") or "top_logprobs" in body:
        return False
    context.parameters["logprobs"] = False
    return True


def _said(found: dict[str, Any], *tokens: str) -> None:
    """Add positions like the last one."""
    for token in tokens:
        if "content" in found:
            last = found["content"][-1]
            told = {"token": token, "bytes": [*token.encode()]}
            found["content"].append({**last, **told})
            continue
        for name, listed in found.items():
            found[name] = [*listed, listed[-1]]
        found["text_offset"][-1] += len(found["tokens"][-1])
        found["tokens"][-1] = token


@in_answer("META-071", api=BOTH, also={"COMP-RES-017": "no such text"},
           source="000:463", origin="vllm-project/vllm#47616")  # fmt: skip
def gen_logprobs_beyond_the_stop(context: RequestContext, answer: Answer) -> object:
    """Where a stop string strikes, log probabilities go on beyond it."""
    acted = False
    for choice in answer["choices"]:
        found, stop = choice["logprobs"], choice["stop_reason"]
        if isinstance(stop, str) and any((found or {}).values()):
            _said(found, stop, " and", " more")
            acted = True
    return acted


@in_answer(
    "META-071",
    api=COMP,
    also={
        "COMP-RES-017": "offsets lead elsewhere",
        "COMP-SEM-003": "texts that part in company seem to go on together",
    },
    source="000:624",
    origin="theroyallab/tabbyAPI#141",
)
def comp_tokens_are_the_likeliest(context: RequestContext, answer: Answer) -> object:
    """The listed tokens are the likeliest ones, not those that were chosen."""
    acted = False
    for choice in answer["choices"]:
        found = choice["logprobs"]
        for place, listed in enumerate(found["top_logprobs"] if found else ()):
            if listed:
                best = max(listed, key=lambda token: listed[token])
                acted |= found["tokens"][place] != best
                found["tokens"][place] = best
                found["token_logprobs"][place] = listed[best]
    return acted


def _legacy(choices: Iterable[dict[str, Any]]) -> bool:
    acted = False
    for choice in choices:
        if choice.get("logprobs"):
            acted = True
            found = choice["logprobs"]["content"]
            choice["logprobs"] = {
                "tokens": [one["token"] for one in found],
                "token_logprobs": [one["logprob"] for one in found],
                "top_logprobs": [
                    {o["token"]: o["logprob"] for o in one["top_logprobs"]}
                    for one in found
                ],
                "text_offset": [0 for _ in found],
            }
    return acted


@in_answer(api=CHAT)
def _whole_legacy(context: RequestContext, answer: Answer) -> bool:
    return _legacy(answer["choices"])


@in_stream(api=CHAT)
def _streamed_legacy(context: RequestContext, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        _legacy(chunk["choices"])


@joined("CHAT-SEM-005", _whole_legacy, _streamed_legacy,
        source="000:463", origin="abetlen/llama-cpp-python#1787")  # fmt: skip
def chat_logprobs_as_of_completions() -> None:
    """Log probabilities of chat have the layout of completions."""


def _replaced(choices: Iterable[dict[str, Any]]) -> bool:
    acted = False
    for choice in choices:
        found = choice.get("logprobs") or {}
        for position in found.get("content") or ():
            for entry in (position, *position["top_logprobs"]):
                if entry["token"].startswith("bytes:"):
                    entry.update(_FFFD)
                    acted = True
        tokens = found.get("tokens") or []
        for place, token in enumerate(tokens):
            if token.startswith("bytes:"):
                tokens[place], acted = "\ufffd", True
    return acted


@in_answer(api=BOTH)
def _whole_replaced(context: RequestContext, answer: Answer) -> bool:
    return _replaced(answer["choices"])


@in_stream(api=BOTH)
def _streamed_replaced(context: RequestContext, chunks: list[Chunk]) -> None:
    for chunk in chunks:
        _replaced(chunk["choices"])


@joined("", _whole_replaced, _streamed_replaced,
        freedom="000:463: how a part of a character is spelt",
        source="000:463", origin="ollama/ollama#13497")  # fmt: skip
def gen_part_of_a_character_is_fffd_free() -> None:
    """A token that is part of a character is listed as U+FFFD, with its bytes."""


@in_answer("CHAT-SEM-005", api=CHAT,
           source="000:463", origin="xorbitsai/inference#5252")  # fmt: skip
def chat_first_log_probability_is_null(
    context: RequestContext, answer: Answer
) -> object:
    """The log probability of the first token is null."""
    acted = False
    for choice in answer["choices"]:
        for position in ((choice["logprobs"] or {}).get("content") or ())[:1]:
            position["logprob"], acted = None, True
    return acted


def _bytewise(text: str, offset: int) -> int:
    return len(text[:offset].encode())


@in_answer(api=COMP)
def _whole_bytewise(context: RequestContext, answer: Answer) -> bool:
    acted = False
    for choice in answer["choices"]:
        if found := choice["logprobs"]:
            before = found["text_offset"]
            found["text_offset"] = [_bytewise(choice["text"], o) for o in before]
            acted |= before != found["text_offset"]
    return acted


@in_stream(api=COMP)
def _streamed_bytewise(context: RequestContext, chunks: list[Chunk]) -> None:
    said: dict[int, str] = {}
    for chunk in chunks:
        for piece in chunk["choices"]:
            said[piece["index"]] = said.get(piece["index"], "") + piece["text"]
    for chunk in chunks:
        for piece in chunk["choices"]:
            if found := piece["logprobs"]:
                text = said[piece["index"]]
                found["text_offset"] = [
                    _bytewise(text, o) for o in found["text_offset"]
                ]


@joined("COMP-RES-017", _whole_bytewise, _streamed_bytewise,
        source="000:624", origin="vllm-project/router#263")  # fmt: skip
def comp_offsets_count_bytes() -> None:
    """text_offset counts bytes, not characters."""


@remembering(in_answer, "META-067", api=COMP, also={
    "COMP-SEM-003": "not the likeliest",
}, source="000:624", origin="vllm-project/vllm#42245")  # fmt: skip
def comp_echo_of_a_cached_prompt_is_0() -> Any:
    """Echoed again, a prompt has log probabilities of 0 from the cache."""
    seen: set[str] = set()

    def edit(context: RequestContext, answer: Answer) -> bool:
        values = context.parameters
        asked = repr(values["prompt"])
        known = asked in seen
        seen.add(asked)
        if not known or not values["echo"] or values.get("logprobs") is None:
            return False
        length = len(values["prompt"]) if isinstance(values["prompt"], str) else 1
        for choice in answer["choices"]:
            found = choice["logprobs"]
            for place, offset in enumerate(found["text_offset"]):
                if offset < length and found["token_logprobs"][place] is not None:
                    found["token_logprobs"][place] = 0.0
                    listed = found["top_logprobs"][place]
                    listed |= dict.fromkeys(listed, 0.0)
        return True

    return edit


def _struck(choices: Iterable[dict[str, Any]]) -> bool:
    return any(isinstance(choice.get("stop_reason"), str) for choice in choices)


def _has_logprobs(context: RequestContext) -> bool:
    wanted = context.parameters.get("logprobs")
    return wanted is not None and wanted is not False


def _refused_where_it_stops() -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def look(context: RequestContext, choices: Iterable[dict[str, Any]]) -> None:
            if concerns(context, BOTH) and _has_logprobs(context) and _struck(choices):
                tally.add()
                raise BadRequest("tokens and log probabilities differ", code="refused")

        async def answer(context: RequestContext) -> Answer:
            whole = await stages.answer(context)
            look(context, whole.get("choices", ()))
            return whole

        async def chunks(context: RequestContext) -> AsyncGenerator[Chunk, None]:
            async with aclosing(stages.chunks(context)) as source:
                found = [chunk async for chunk in source]
            for chunk in found:
                look(context, chunk["choices"])
            for chunk in found:
                yield chunk

        return replace(stages, answer=answer, chunks=chunks), engine

    return Defect(
        "gen_logprobs_with_a_stop_refused",
        "Where a stop string strikes, a request for log probabilities is a 400.",
        plant,
        "COMMON-RES-001",
        {
            **dict.fromkeys(
                ("CHAT-REQ-018", "COMP-REQ-016", "COMP-REQ-017"), "logprobs are valid"
            ),
            **dict.fromkeys(
                ("CHAT-REQ-030", "CHAT-REQ-031", "COMP-REQ-029"), "stops are valid"
            ),
            **dict.fromkeys(
                (
                    "CHAT-REQ-005",
                    "CHAT-REQ-019",
                    "CHAT-REQ-020",
                    "CHAT-REQ-022",
                    "CHAT-REQ-023",
                    "CHAT-REQ-050",
                    "CHAT-REQ-051",
                    "COMP-REQ-004",
                    "COMP-REQ-005",
                    "COMMON-REQ-015",
                    "COMP-REQ-035",
                    "COMP-REQ-037",
                    "COMP-REQ-019",
                    "COMP-REQ-020",
                    "COMP-REQ-021",
                    "COMP-REQ-022",
                ),
                "only what is said with it strikes",
            ),
        },
        origin="NVIDIA/TensorRT-LLM#18190",
        source="000:386",
    )


gen_logprobs_with_a_stop_refused = _refused_where_it_stops()


@in_both("META-071", api=BOTH, also=dict.fromkeys(
    ("COMP-SEM-002", "META-059", "META-073", "META-084"), "another text"
), source="000:463", origin="ggml-org/llama.cpp#11210")  # fmt: skip
def gen_logprobs_garble_characters(context: RequestContext, said: Answer) -> object:
    """With log probabilities the characters of a text beyond ASCII are U+FFFD."""
    acted = False
    for choice in said["choices"] if context.parameters.get("logprobs") else ():
        told = choice if "text" in choice else choice.get("message") or choice["delta"]
        member = "text" if "text" in choice else "content"
        before = told.get(member) or ""
        after = "".join(one if one.isascii() else "\ufffd" for one in before)
        if after != before:
            told[member], acted = after, True
    return acted
