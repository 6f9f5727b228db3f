"""Bugs of log probabilities, penalties, biases and several choices."""

from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from aios_conformance.mockserver.defects.museum.planting import (
    OtherEngine,
    joined,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    concerns,
    in_answer,
    in_engine,
    in_parameters,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine, Sampling, Token
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer, Stages

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
PENALTIES = ("frequency_penalty", "presence_penalty")
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


@in_answer("META-071", api=COMP, also={"COMP-RES-017": "offsets lead elsewhere"},
           source="000:624", origin="theroyallab/tabbyAPI#141")  # fmt: skip
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


class _PenalizedPrompt(OtherEngine):
    """An engine whose penalties count the words of the prompt too."""

    def _sampling(self, prompt: Sequence[int], sampling: Sampling) -> Sampling:
        frequency, presence = sampling.frequency_penalty, sampling.presence_penalty
        if not (frequency or presence):
            return sampling
        self._tally.add()
        bias = {
            token: -(presence + frequency * count)
            for token, count in Counter(prompt).items()
            if token < 128_000
        }
        return replace(sampling, logit_bias={**bias, **sampling.logit_bias})

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield the tokens under biases against the prompt's."""
        sampling = self._sampling(prompt, sampling)
        async for token in self._engine.generate(model, prompt, sampling):
            yield token


@in_engine(freedom="000:384: the existing text may include the prompt",
           source="000:384", origin="osaurus-ai/vmlx-swift#295")  # fmt: skip
def gen_penalties_count_the_prompt_free(engine: Engine, tally: Tally) -> Engine:
    """Penalties count the tokens of the prompt as well."""
    return cast("Engine", _PenalizedPrompt(engine, tally))


@in_parameters("CHAT-SEM-002", api=BOTH, also={
    "CHAT-SEM-003": "the other penalty", "COMP-SEM-013": "the same statement",
    "COMP-SEM-014": "the other penalty", "META-056": "the same statement",
}, source="000:378", origin="vllm-project/vllm#913")  # fmt: skip
def gen_negative_penalties_not_read(context: RequestContext) -> object:
    """Penalties below 0 are accepted and have no effect."""
    acted = False
    for name in PENALTIES:
        if context.parameters[name] < 0:
            context.parameters[name], acted = 0, True
    return acted


@in_parameters("CHAT-SEM-002", api=BOTH, also={
    "COMP-SEM-013": "the same statement", "META-056": "the same statement",
}, source="000:378", origin="mlc-ai/mlc-llm#1693")  # fmt: skip
def gen_frequency_penalty_is_the_other(context: RequestContext) -> object:
    """frequency_penalty has the value of presence_penalty, whatever it was given."""
    values = context.parameters
    before, values["frequency_penalty"] = (
        values["frequency_penalty"], values["presence_penalty"],
    )  # fmt: skip
    return before != values["presence_penalty"]


@in_parameters("COMP-SEM-014", api=COMP, also={
    "COMP-SEM-013": "the other penalty", "META-056": "the same statement",
}, source="000:582", origin="ikawrakow/ik_llama.cpp#2398")  # fmt: skip
def comp_penalties_not_read(context: RequestContext) -> object:
    """Completions accept penalties, which have no effect."""
    given = any(context.parameters[name] for name in PENALTIES)
    context.parameters |= dict.fromkeys(PENALTIES, 0)
    return given


@in_parameters("META-058", api=BOTH, also={
    "CHAT-SEM-004": "the same statement", "COMP-SEM-015": "the same statement",
}, source="000:379",
               origin="SillyTavern/SillyTavern#4017")  # fmt: skip
def gen_negative_bias_not_read(context: RequestContext) -> object:
    """Biases below 0 are accepted and have no effect."""
    given = context.parameters.get("logit_bias") or {}
    kept = {token: bias for token, bias in given.items() if bias > 0}
    context.parameters["logit_bias"] = kept or None
    return len(kept) < len(given)


@in_answer(api=BOTH, freedom="000:383: no line says that responses differ",
           source="000:383", origin="vllm-project/vllm#10852")  # fmt: skip
def gen_choices_are_copies_free(context: RequestContext, answer: Answer) -> object:
    """All choices of one prompt are copies of the first."""
    n = context.parameters["n"]
    before = repr(answer["choices"])
    made = answer["choices"]
    for place, choice in enumerate(made):
        made[place] = {**made[place // n * n], "index": choice["index"]}
    return repr(made) != before


@in_stream("META-065", api=BOTH, also={
    **dict.fromkeys(
        ("META-035", "META-061", "META-077", "META-086", "META-088", "META-037",
         "META-070", "META-071"), "choices are one"),
    **dict.fromkeys(
        ("CHAT-SEM-008", "CHAT-SEM-011", "CHAT-SEM-020", "COMP-SEM-004",
         "COMP-SEM-005", "COMP-SEM-008", "COMP-SEM-018", "META-040",
         "COMP-RES-017"), "choices are one"),
}, source="000:455", origin="BerriAI/litellm#9242")  # fmt: skip
def gen_stream_index_is_0(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams all choices have index 0."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            piece["index"] = 0


@in_answer("META-086", api=COMP, also={
    "COMP-SEM-018": "the same statement",
    "COMP-SEM-008": "n choices for each prompt", "META-035": "likewise",
}, source="000:574", origin="openai/openai-python#90")  # fmt: skip
def comp_last_prompt_only(context: RequestContext, answer: Answer) -> object:
    """Of a list of prompts only the last is answered, under its own index."""
    several = len(answer["choices"]) > context.parameters["n"]
    answer["choices"] = answer["choices"][-context.parameters["n"] :]
    return several


@in_stream("CHAT-RES-025", api=CHAT,
           source="000:457", origin="maximhq/bifrost#6523")  # fmt: skip
def chat_stream_has_no_role(context: RequestContext, chunks: list[Chunk]) -> None:
    """No delta of a stream says the role."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            piece["delta"].pop("role", None)


@in_stream(api=CHAT, freedom="000:348: the client reads it",
           source="000:348", origin="BerriAI/litellm#9986")  # fmt: skip
def chat_stream_role_in_each_delta_free(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Every delta says the role."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            piece["delta"]["role"] = "assistant"


@in_stream("CHAT-RES-025", api=CHAT,
           source="000:457", origin="MiniMax-AI/MiniMax-M2.5#2")  # fmt: skip
def chat_stream_role_is_empty(context: RequestContext, chunks: list[Chunk]) -> None:
    """Every delta but the first has an empty role."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            piece["delta"].setdefault("role", "")


@in_stream("META-061", api=BOTH, also={
    **dict.fromkeys(
        ("CHAT-SEM-010", "CHAT-SEM-013", "COMP-SEM-007", "COMP-SEM-010", "META-041",
         "META-047", "META-059"), "the first reason is none"),
    "CHAT-RES-025": "no reason of OpenAI's", "COMP-RES-018": "likewise",
}, source="000:461", origin="mudler/LocalAI#1886")  # fmt: skip
def gen_stream_finish_reason_is_empty(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Every piece but the last has an empty finish_reason."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            if piece["finish_reason"] is None:
                piece["finish_reason"] = ""


@in_stream("CHAT-RES-003", api=CHAT, also={
    "COMMON-RES-006": "the same statement", "META-116": "later than the call",
}, source="000:452", origin="EricLBuehler/mistral.rs#1805")  # fmt: skip
def chat_stream_created_in_milliseconds(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams created counts milliseconds."""
    for chunk in chunks:
        chunk["created"] *= 1_000


EXHIBITS: tuple[Defect, ...] = (
    chat_alternatives_are_one_fewer,
    chat_null_top_logprobs_drops_all,
    chat_logprobs_need_top_logprobs,
    gen_logprobs_beyond_the_stop,
    comp_tokens_are_the_likeliest,
    chat_logprobs_as_of_completions,
    gen_part_of_a_character_is_fffd_free,
    chat_first_log_probability_is_null,
    comp_offsets_count_bytes,
    comp_echo_of_a_cached_prompt_is_0,
    _refused_where_it_stops(),
    gen_penalties_count_the_prompt_free,
    gen_negative_penalties_not_read,
    gen_frequency_penalty_is_the_other,
    comp_penalties_not_read,
    gen_negative_bias_not_read,
    gen_choices_are_copies_free,
    gen_stream_index_is_0,
    comp_last_prompt_only,
    chat_stream_has_no_role,
    chat_stream_role_in_each_delta_free,
    chat_stream_role_is_empty,
    gen_stream_finish_reason_is_empty,
    chat_stream_created_in_milliseconds,
)
