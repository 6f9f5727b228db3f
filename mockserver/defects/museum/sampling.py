"""Bugs of penalties, biases and several choices, and of the pieces of streams."""

from collections import Counter
from collections.abc import (
    AsyncIterator,
    Sequence,
)
from dataclasses import replace
from typing import cast

from aios_conformance.mockserver.defects.museum.planting import (
    OtherEngine,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_engine,
    in_parameters,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine, Sampling, Token
from aios_conformance.serving.stages import Answer

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
PENALTIES = ("frequency_penalty", "presence_penalty")


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


class _OneChoice(OtherEngine):
    """An engine that draws each choice as it draws the first."""

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield the tokens of the first choice."""
        self._tally.add(sampling.choice > 0)
        first = replace(sampling, choice=0)
        async for token in self._engine.generate(model, prompt, first):
            yield token


@in_engine(freedom="000:383: no line says that responses differ",
           source="000:383", origin="vllm-project/vllm#10852")  # fmt: skip
def gen_choices_are_copies_free(engine: Engine, tally: Tally) -> Engine:
    """All choices of one prompt are copies of the first."""
    return cast("Engine", _OneChoice(engine, tally))


@in_stream("META-065", api=BOTH, also={
    **dict.fromkeys(
        ("META-035", "META-061", "META-077", "META-086", "META-088", "META-037",
         "META-070", "META-071"), "choices are one"),
    **dict.fromkeys(
        ("CHAT-SEM-007", "CHAT-SEM-008", "CHAT-SEM-011", "CHAT-SEM-012",
         "CHAT-SEM-020", "META-050",
         "COMP-SEM-004", "COMP-SEM-005", "COMP-SEM-008", "COMP-SEM-017",
         "COMP-SEM-018", "META-040", "META-055", "COMP-RES-017"), "choices are one"),
}, source="000:455", origin="BerriAI/litellm#9242")  # fmt: skip
def gen_stream_index_is_0(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams all choices have index 0."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            piece["index"] = 0


@in_answer("META-086", api=COMP, also={
    "COMP-SEM-018": "the same statement",
    "COMP-SEM-008": "n choices for each prompt", "META-035": "likewise",
    "META-070": "the tokens of all prompts are counted",
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


@in_stream("META-059", api=BOTH, also=dict.fromkeys(
    ("CHAT-REQ-040", "CHAT-REQ-054", "CHAT-SEM-006", "CHAT-SEM-008", "CHAT-SEM-012",
     "CHAT-SEM-020", "COMP-REQ-011", "COMP-RES-017", "COMP-SEM-004", "COMP-SEM-005",
     "COMP-SEM-009", "META-037", "META-040", "META-047", "META-050", "META-052",
     "META-061", "META-070", "META-071", "META-080"),
    "there is one piece more",
), source="000:387", origin="adaline/gateway#26")  # fmt: skip
def gen_stream_says_a_piece_twice(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk]:
    """The 16th piece of a stream comes twice."""
    return chunks[:16] + chunks[15:] if len(chunks) > 20 else chunks
