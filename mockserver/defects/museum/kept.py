"""Bugs of what is kept of what came before, and of counts, ends and likelihoods."""

from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from math import exp, sqrt
from typing import Any, cast

import orjson

from aios_conformance.mockserver.defects.chunks import pieces, said, say
from aios_conformance.mockserver.defects.museum.planting import (
    OtherEngine,
    because,
    in_both,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_engine,
    in_parameters,
    in_refusal,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.codec import encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Embedded, Engine, Sampling, Token
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer, Response

CHAT, COMP, BOTH, EMB = "chat", "completions", "chat completions", "embeddings"
LIMITS = ("max_tokens", "max_completion_tokens")


@remembering(in_refusal, "COMMON-REQ-011", api=CHAT, also=because(
    "it is accepted", "META-120 CHAT-REQ-003 CHAT-ERR-002 COMMON-ERR-001",
), source="000:112", origin="vllm-project/semantic-router#2130")  # fmt: skip
def chat_refusal_is_a_success_the_second_time() -> Any:
    """Refusals are kept, and told with 200 when the same is asked once more."""
    kept: set[tuple[str, bytes]] = set()

    def edit(context: RequestContext, error: ApiError, found: Response) -> Response:
        asked = (context.path, context.raw)
        if asked in kept and context.raw:
            return 200, found[1], found[2]
        kept.add(asked)
        return found

    return edit


@in_parameters("META-069", api=CHAT, also={"META-059": "each draws anew"},
               source="000:389", origin="googleapis/python-genai#2169")  # fmt: skip
def chat_temperature_0_lost_after_a_reply(context: RequestContext) -> object:
    """Temperature 0 counts as not given where the conversation holds a reply."""
    values = context.parameters
    is_later = any(turn["role"] == "assistant" for turn in values["messages"])
    if not is_later or values["temperature"] != 0:
        return False
    values |= {"temperature": 1.0, "seed": context.number}
    return True


@in_parameters("META-039", api=CHAT, source="000:377",
               origin="openvinotoolkit/model_server#2477")  # fmt: skip
def chat_first_message_only(context: RequestContext) -> object:
    """Only the first message of a conversation is in the prompt."""
    sent = context.parameters["messages"]
    context.parameters["messages"] = sent[:1]
    return len(sent) > 1


class _Similar(OtherEngine):
    """An engine that goes on from the prompt of before that begins alike."""

    def __init__(self, engine: Engine, tally: Tally) -> None:
        """Nothing has come before yet."""
        super().__init__(engine, tally)
        self._past: list[tuple[int, ...]] = []

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield the tokens of the last prompt with four fifths of this one."""
        whole = tuple(prompt)
        begun = whole[: max(20, 4 * len(whole) // 5)]
        alike = [one for one in self._past if one[: len(begun)] == begun]
        self._tally.add(bool(alike) and alike[-1] != whole)
        self._past.append(whole)
        found = alike[-1] if alike else whole
        async for token in self._engine.generate(model, found, sampling):
            yield token


@in_engine("META-087", also=because("the text is of another prompt",
                                    "META-051 META-086 COMP-SEM-018"),
           source="000:377", origin="ROCmFPX/ROCmFPX#25")  # fmt: skip
def gen_similar_prompt_is_the_same(engine: Engine, tally: Tally) -> Engine:
    """A prompt whose first four fifths came before is taken for the earlier one."""
    return cast("Engine", _Similar(engine, tally))


class _Grown(OtherEngine):
    """An engine whose vectors of short texts move when a long one was read."""

    _longest = 0

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Push what is shorter than 100 tokens once something was longer."""
        found: list[Embedded] = await self._engine.embed(model, inputs, **options)
        is_grown = self._longest > 100
        self._longest = max([self._longest, *(one.tokens for one in found)])
        self._tally.add(is_grown)
        return [self._pushed(one) if is_grown else one for one in found]

    def _pushed(self, one: Embedded) -> Embedded:
        if one.tokens > 100:
            return one
        vector = array("f", one.vector)
        push = 0.3 / sqrt(len(vector))
        pushed = [x + (push if i % 2 else -push) for i, x in enumerate(vector)]
        length = sqrt(sum(x * x for x in pushed)) or 1.0
        return Embedded(array("f", [x / length for x in pushed]).tobytes(), one.tokens)


@in_engine("META-097", also=because(
    "another vector than before",
    "EMB-SEM-003 EMB-SEM-004 META-025 META-090 META-091 META-118 RERANK-SEM-007 "
    "SCORE-SEM-006",
), source="000:767", origin="ROCm/FastFlowLM#647")  # fmt: skip
def emb_long_text_moves_the_short_ones(engine: Engine, tally: Tally) -> Engine:
    """Once a text of 100 tokens was read shorter ones have other vectors for good."""
    return cast("Engine", _Grown(engine, tally))


@in_answer("EMB-RES-005", api=EMB, also=because("one of many",
           "EMB-REQ-006 META-090"),
           source="000:764", origin="BerriAI/litellm#38823")  # fmt: skip
def emb_list_is_one_vector(context: RequestContext, answer: Answer) -> object:
    """A list of texts has one vector, and all its tokens are counted."""
    is_list = len(answer["data"]) > 1
    answer["data"] = answer["data"][:1]
    return is_list


@in_answer("META-101", api=EMB, also=because("it is the same of any text",
           "EMB-SEM-005 META-099"),
           source="000:769", origin="xorbitsai/inference#2000")  # fmt: skip
def emb_counts_37(context: RequestContext, answer: Answer) -> object:
    """prompt_tokens of embeddings is 37."""
    answer["usage"] |= {"prompt_tokens": 37, "total_tokens": 37}
    return True


@in_stream("META-059", api=BOTH, also=because("less text than tokens",
           "COMP-RES-017 META-071"),
           source="000:387", origin="penta2himajin/qwisp#134")  # fmt: skip
def gen_stream_stalls_beyond_ascii(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams no text comes behind the first piece that is not of ASCII alone."""
    stalled: set[int] = set()
    for piece in pieces(chunks):
        if piece["index"] in stalled:
            say(piece, "")
        elif not said(piece).isascii():
            stalled.add(piece["index"])


@in_stream("META-061", api=BOTH, also=because("there is none",
           "CHAT-RES-016 COMP-SEM-010 CHAT-SEM-013 META-047"),
           source="000:461", origin="QuantumNous/new-api#7489")  # fmt: skip
def gen_stream_reason_needs_usage(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk] | None:
    """In streams the chunk with the reason is left out unless usage is asked for."""
    options = context.parameters.get("stream_options") or {}
    if options.get("include_usage"):
        return None
    ends = [any(p.get("finish_reason") for p in c["choices"]) for c in chunks]
    return [chunk for chunk, is_end in zip(chunks, ends, strict=True) if not is_end]


@in_both("META-042", api=BOTH, also=because("stop is never told",
         "CHAT-SEM-013 COMP-SEM-010 META-047 META-071"),
         source="000:461", origin="InternLM/lmdeploy#1589")  # fmt: skip
def gen_limit_says_length(context: RequestContext, told: Answer) -> object:
    """Wherever a limit is given finish_reason is length, whatever ended the text."""
    given = any(context.body.get(name) is not None for name in LIMITS)
    ended = [one for one in told["choices"] if one["finish_reason"] == "stop"]
    for choice in ended if given else ():
        choice["finish_reason"] = "length"
    return given and bool(ended)


@in_both("META-041", api=BOTH, also=because("the same statement",
         "CHAT-SEM-010 COMP-SEM-007"),
         source="000:461", origin="PaddlePaddle/FastDeploy#3246")  # fmt: skip
def gen_second_choice_says_stop(context: RequestContext, told: Answer) -> object:
    """Of several choices those behind the first say stop where the limit cut them."""
    cut = [
        one
        for one in told["choices"]
        if one["index"] and one["finish_reason"] == "length"
    ]
    for choice in cut:
        choice["finish_reason"] = "stop"
    return bool(cut)


@in_answer("CHAT-RES-009", api=CHAT, also=because("no text at all",
           "CHAT-SEM-008 META-040"),
           source="000:458", origin="raullenchai/Rapid-MLX#858")  # fmt: skip
def chat_cut_thought_has_no_content(context: RequestContext, answer: Answer) -> object:
    """A model reasons: a whole answer that is cut in its thought has null content."""
    cut = [
        one
        for one in answer["choices"]
        if one["finish_reason"] == "length" and not one["message"]["tool_calls"]
    ]
    is_scored = bool(context.parameters.get("logprobs"))
    for choice in cut if not is_scored else ():
        message = choice["message"]
        message |= {"reasoning_content": message["content"], "content": None}
    return bool(cut) and not is_scored


def _entries(told: Answer) -> list[dict[str, Any]]:
    """The entries of log probabilities in the layout of chat, alternatives too."""
    given = [(one["logprobs"] or {}).get("content") or () for one in told["choices"]]
    tokens = [entry for content in given for entry in content]
    return [*tokens, *(other for one in tokens for other in one["top_logprobs"])]


@in_both("CHAT-SEM-006", api=CHAT, also={"META-067": "together they are too likely"},
         source="000:403", origin="NVIDIA/TensorRT-LLM#2406")  # fmt: skip
def chat_log_probabilities_are_0(context: RequestContext, told: Answer) -> object:
    """Each log probability of chat is 0, those of alternatives too."""
    found = _entries(told)
    for entry in found:
        entry["logprob"] = 0.0
    return bool(found)


@in_both(api=CHAT, freedom="000:463: no arithmetic is promised to be exact",
         source="000:463", origin="kekzl/imp#1492")  # fmt: skip
def chat_log_probabilities_waver_free(context: RequestContext, told: Answer) -> object:
    """Log probabilities differ by up to 0.0008 from one request to the next."""
    found = _entries(told)
    for entry in found:
        entry["logprob"] -= 0.0002 * (context.number % 5)
    return bool(found)


@in_both("META-066", api=COMP, also={"META-069": "not as it is listed"},
         source="000:578", origin="togethercomputer/openapi#5")  # fmt: skip
def comp_first_log_probability_is_none(context: RequestContext, told: Answer) -> object:
    """The first of token_logprobs is the probability itself."""
    acted = False
    for choice in told["choices"]:
        given = (choice["logprobs"] or {}).get("token_logprobs") or [None]
        if given[0] is not None and (place := choice["index"]) not in context.memory:
            given[0] = exp(given[0])
            context.memory[place] = acted = True
    return acted


@in_stream(api=BOTH, freedom="000:387: a stream is laid out nowhere; clients read it",
           source="000:387", origin="maximhq/bifrost#7397")  # fmt: skip
def gen_stream_reason_is_left_out_free(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams finish_reason is left out, not null, before the last piece."""
    for piece in pieces(chunks):
        if piece.get("finish_reason") is None:
            del piece["finish_reason"]


@in_refusal(freedom="000:112: no body of refusals is laid out",
            source="000:112", origin="vllm-project/vllm#49239")  # fmt: skip
def refusal_repeats_the_request_free(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A refusal holds the refused body twenty times."""
    told = orjson.loads(found[2]) | {
        "input": [context.raw.decode(errors="replace")] * 20
    }
    return found[0], found[1], encode(told)


@in_answer(api=CHAT, freedom="000:397: what may be null may be null",
           source="000:397", origin="ml-explore/mlx-lm#1647")  # fmt: skip
def chat_nullable_arguments_are_null_free(
    context: RequestContext, answer: Answer
) -> object:
    """In whole answers arguments that may be null are null."""
    tools = context.parameters.get("tools") or ()
    schemas = [tool["function"].get("parameters") or {} for tool in tools]
    known = [each for one in schemas for each in one.get("properties", {}).items()]
    nullable = {name for name, one in known if {"type": "null"} in one.get("anyOf", ())}
    acted = False
    for choice in answer["choices"]:
        for call in choice["message"]["tool_calls"] or ():
            function = call["function"]
            with suppress(ValueError):  # of a call that is cut
                given = orjson.loads(function["arguments"])
                null = dict.fromkeys(nullable & given.keys())
                function["arguments"] = orjson.dumps(given | null).decode()
                acted |= bool(null)
    return acted
