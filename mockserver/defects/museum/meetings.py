"""Bugs of what meets: two parameters, tools and all else, a thought and its answer."""

import asyncio
import struct
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import replace
from itertools import accumulate
from typing import Any

from aios_conformance.mockserver.defects.chunks import pieces, said, say
from aios_conformance.mockserver.defects.museum.planting import because, joined
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
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer, Stages

CHAT, BOTH, EMB = "chat", "chat completions", "embeddings"


@in_parameters(
    "META-058",
    api=BOTH,
    also={"CHAT-SEM-004": "the same statement"},
    source="000:379",
    origin="sgl-project/sglang#3059",
)
def gen_bias_lost_with_several_choices(context: RequestContext) -> object:
    """Where several choices are asked for logit_bias has no effect."""
    if context.parameters["n"] < 2 or not context.parameters.get("logit_bias"):
        return False
    context.parameters["logit_bias"] = None
    return True


_DRAWN_BY = {"frequency_penalty": 0, "presence_penalty": 0, "logit_bias": None}


@in_parameters(
    "CHAT-SEM-002",
    api=CHAT,
    also=because("has no effect either", "CHAT-SEM-003 CHAT-SEM-004 META-058"),
    source="000:378",
    origin="earendil-works/pi#9506",
)
def chat_tools_drop_penalties_and_biases(context: RequestContext) -> object:
    """With tools neither penalties nor biases have an effect."""
    values = context.parameters
    is_given = any(values.get(name) for name in _DRAWN_BY)
    if values.get("tools"):
        values |= _DRAWN_BY
    return is_given and values.get("tools")


@in_parameters(
    "META-055",
    api=BOTH,
    also=because("the same statement", "CHAT-SEM-022 COMP-SEM-017"),
    source="000:405",
    origin="langwatch/langwatch#6290",
)
def gen_top_p_lost_beside_temperature(context: RequestContext) -> object:
    """top_p is lost where temperature is given too."""
    if context.body.get("temperature") is None or context.parameters["top_p"] == 1:
        return False
    context.parameters["top_p"] = 1
    return True


@in_parameters(
    "META-053",
    api=BOTH,
    also=because("always greedy", "CHAT-SEM-016 COMP-SEM-016 META-054"),
    source="000:385",
    origin="huggingface/text-generation-inference#687",
)
def gen_temperature_1_is_greedy(context: RequestContext) -> object:
    """At a temperature of exactly 1, without top_p, sampling is greedy."""
    values = context.parameters
    if values["temperature"] != 1 or values["top_p"] != 1:
        return False
    values["temperature"] = 0
    return True


@in_answer(
    "META-096",
    api=EMB,
    also=because("other numbers", "EMB-SEM-004 META-093 META-099"),
    source="000:767",
    origin="voyage-ai/voyageai-python#32",
)
def emb_base64_last_is_nan(context: RequestContext, answer: Answer) -> object:
    """Under base64 the last of several vectors holds NaN."""
    last = answer["data"][-1] if len(answer["data"]) > 1 else {}
    if not isinstance(last.get("embedding"), str):
        return False
    count = len(b64decode(last["embedding"])) // 4
    last["embedding"] = b64encode(struct.pack("<f", float("nan")) * count).decode()
    return True


def _count_text_only(usage: dict[str, Any]) -> None:
    usage["total_tokens"] -= usage["completion_tokens"] - 1
    usage["completion_tokens"] = 1


@in_answer(api=CHAT)
def _whole_calls(context: RequestContext, answer: Answer) -> object:
    is_called = any(one["message"]["tool_calls"] for one in answer["choices"])
    if is_called:
        _count_text_only(answer["usage"])
    return is_called


@in_stream(api=CHAT)
def _streamed_calls(context: RequestContext, chunks: list[Chunk]) -> None:
    if any(one["delta"].get("tool_calls") for one in pieces(chunks)):
        for usage in (chunk["usage"] for chunk in chunks if chunk.get("usage")):
            _count_text_only(usage)


@joined(
    "META-042",
    _whole_calls,
    _streamed_calls,
    also={"META-041": "the same count"},
    source="000:466",
    origin="jwadow/kiro-gateway#149",
)
def chat_calls_are_not_counted() -> None:
    """The tokens of calls are not counted, but for one."""


@in_stream("META-059", api=CHAT, source="000:458", origin="waybarrios/vllm-mlx#462")
def chat_stream_with_tools_loses_line_breaks(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """With tools streams have no line breaks."""
    for piece in pieces(chunks) if context.parameters.get("tools") else ():
        say(piece, said(piece).replace("\n", ""))


_THOUGHT = "The user asks for something. Let me think."


@in_answer(api=CHAT)
def _spilling(context: RequestContext, answer: Answer) -> object:
    for choice in answer["choices"]:
        message = choice["message"]
        is_cut = choice["finish_reason"] == "length" and not message["tool_calls"]
        if is_cut:
            message["content"] = _THOUGHT + (message["content"] or "")
        else:
            message["reasoning_content"] = _THOUGHT
    return bool(answer["choices"])


@in_stream(api=CHAT)
def _thinking(context: RequestContext, chunks: list[Chunk]) -> None:
    for piece in pieces(chunks):
        if "role" in piece["delta"]:
            piece["delta"]["reasoning_content"] = _THOUGHT


@joined(
    "META-059",
    _spilling,
    _thinking,
    also=because(
        "a text with a stop string is not cut",
        "CHAT-SEM-013 META-045 META-046 META-047 META-048 META-049 META-071",
    )
    | because("a stream has another text", "CHAT-SEM-022 META-055")
    | because("the thought that is a text counts no token", "CHAT-RES-021"),
    source="000:459",
    origin="antirez/ds4#509",
)
def chat_cut_thought_is_content() -> None:
    """A model reasons: a whole answer that is cut has its thought in its content."""


_HEAD = 12  # characters of a thought


@in_answer(api=CHAT)
def _whole_thought(context: RequestContext, answer: Answer) -> object:
    if context.parameters.get("tools"):
        return False
    for choice in answer["choices"]:
        message, found = choice["message"], choice["logprobs"]
        text = message["content"] or ""
        message |= {"reasoning_content": text[:_HEAD], "content": text[_HEAD:]}
        if found:
            ends = accumulate(len(one["token"]) for one in found["content"])
            pairs = zip(found["content"], ends, strict=True)
            choice["logprobs"] = {"content": [p for p, end in pairs if end > _HEAD]}
    return True


@in_stream(api=CHAT)
def _streamed_thought(context: RequestContext, chunks: list[Chunk]) -> None:
    ends: Counter[int] = Counter()
    for piece in pieces(chunks) if not context.parameters.get("tools") else ():
        index, text = piece["index"], said(piece)
        head = text[: max(0, _HEAD - ends[index])]
        ends[index] += len(text)
        if head:
            piece["delta"] |= {"reasoning_content": head, "content": text[len(head) :]}
        if ends[index] <= _HEAD:
            piece["logprobs"] = None


@joined(
    "",
    _whole_thought,
    _streamed_thought,
    freedom="000:463: which tokens of a model that reasons are listed",
    source="000:463",
    origin="sgl-project/sglang#25815",
)
def chat_logprobs_of_the_answer_alone_free() -> None:
    """A model reasons: log probabilities are those of its answer alone."""


Edit = Callable[[dict[str, Any]], None]


def _after_abort(
    name: str, description: str, primary: str, edit: Edit, **declared: Any
) -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        left: list[int] = []

        async def chunks(context: RequestContext) -> AsyncGenerator[Chunk, None]:
            is_over = False
            try:
                async with aclosing(stages.chunks(context)) as found:
                    async for chunk in found:
                        if context.memory.get(name):
                            edit(chunk)
                        yield chunk
                        await asyncio.sleep(0.003)
                is_over = True
            except ApiError:
                is_over = True
                raise
            finally:
                left.extend([] if is_over else [context.number])

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if left and concerns(context, BOTH):
                left.clear()
                tally.add()
                context.memory[name] = True

        async def answer(context: RequestContext) -> Answer:
            found = await stages.answer(context)
            if context.memory.get(name):
                edit(found)
            return found

        return replace(stages, chunks=chunks, prepare=prepare, answer=answer), engine

    return Defect(name, description, plant, primary, **declared)


def _garble(answer: dict[str, Any]) -> None:
    for choice in answer["choices"]:
        told = choice if "text" in choice else choice.get("message") or choice["delta"]
        name = "text" if "text" in choice else "content"
        if told.get(name):
            told[name] = f"{told[name]} and"


def _count_one(answer: dict[str, Any]) -> None:
    usage = answer.get("usage")
    if usage:
        usage["total_tokens"] -= usage["prompt_tokens"] - 1
        usage["prompt_tokens"] = 1


gen_after_an_abort_is_garbled = _after_abort(
    "gen_after_an_abort_is_garbled",
    "The text after a stream that was left holds words that nobody said.",
    "META-059",
    _garble,
    also=because(
        "another text",
        "CHAT-SEM-013 COMP-RES-017 COMP-SEM-010 META-045 META-046 META-047 META-048 "
        "META-049 META-051 META-071 META-119",
    ),
    source="000:389",
    origin="sgl-project/sglang#23392",
)
gen_after_an_abort_counts_one = _after_abort(
    "gen_after_an_abort_counts_one",
    "The request after a stream that was left counts one prompt token.",
    "META-062",
    _count_one,
    also={"META-038": "the same count"},
    source="000:465",
    origin="sgl-project/sglang#36552",
)


def _count_no_tools(context: RequestContext, usage: dict[str, Any]) -> None:
    engine, turns = context.front.engine, context.parameters["messages"]
    count = len(engine.render_chat(context.served.name, turns, []))
    usage["total_tokens"] -= usage["prompt_tokens"] - count
    usage["prompt_tokens"] = count


@in_answer(api=CHAT)
def _whole_toolless(context: RequestContext, answer: Answer) -> object:
    if context.parameters.get("tools"):
        _count_no_tools(context, answer["usage"])
    return bool(context.parameters.get("tools"))


@in_stream(api=CHAT)
def _streamed_toolless(context: RequestContext, chunks: list[Chunk]) -> None:
    for chunk in chunks if context.parameters.get("tools") else ():
        if chunk.get("usage"):
            _count_no_tools(context, chunk["usage"])


@joined(
    "",
    _whole_toolless,
    _streamed_toolless,
    freedom="000:465: whether tools are part of the prompt",
    source="000:465",
    origin="BerriAI/litellm#15417",
)
def chat_tools_are_not_counted_free() -> None:
    """prompt_tokens does not count the tools."""


@in_stream(
    api=BOTH,
    freedom="000:387: how several choices are mixed in a stream",
    source="000:387",
    origin="vercel/ai#543",
)
def gen_stream_choices_come_in_turn_free(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk] | None:
    """Of several choices each is streamed whole before the next."""
    if any(chunk.get("usage") and chunk["choices"] for chunk in chunks):
        return None  # running counts would fall
    own = [chunk for chunk in chunks if chunk["choices"]]
    rest = [chunk for chunk in chunks if not chunk["choices"]]
    return sorted(own, key=lambda chunk: int(chunk["choices"][0]["index"])) + rest
