"""Bugs of encoders: unequal lengths, limits, and scores of long texts."""

from array import array
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from aios_conformance.mockserver.defects.museum.planting import CRASHED, OtherEngine
from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_engine,
    in_parameters,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Embedded, Engine
from aios_conformance.serving.errors import Broken
from aios_conformance.serving.stages import Answer

RERANK, SCORE = "rerank", "score"
ALONE = dict.fromkeys(
    (
        "META-008",
        "META-009",
        "META-010",
        "META-017",
        "RERANK-SEM-007",
        "META-002",
        "RERANK-SEM-004",
        "META-016",
        "RERANK-SEM-002",
    ),
    "not of the pair alone",
)


class _Padded(OtherEngine):
    """An engine that counts each text of a batch as long as the longest."""

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Embed, and count what is padded."""
        found = await self._engine.embed(model, inputs, **options)
        width = max((one.tokens for one in found), default=0)
        if any(one.tokens != width for one in found):
            self._tally.add()
        return [replace(one, tokens=width) for one in found]


@in_engine("META-101", source="000:769", origin="modelscope/ms-swift#10094")
def emb_counts_padding(engine: Engine, tally: Tally) -> Engine:
    """prompt_tokens of a batch counts each input as long as the longest."""
    return cast("Engine", _Padded(engine, tally))


@in_answer(
    "RERANK-SEM-008",
    api=RERANK,
    also=ALONE
    | dict.fromkeys(
        ("META-015", "RERANK-REQ-008", "META-011", "RERANK-SEM-001"), "another score"
    ),
    source="000:26",
    origin="mem0ai/mem0#5714",
)
def rerank_one_document_scores_0(context: RequestContext, answer: Answer) -> object:
    """The score of the only document of a list is 0."""
    if len(context.parameters["documents"]) != 1:
        return False
    for result in answer["results"]:
        result["relevance_score"] = 0.0
    return True


@in_answer(
    "RERANK-SEM-008",
    api=RERANK,
    also=ALONE,
    source="000:26",
    origin="huggingface/text-embeddings-inference#142",
)
def rerank_scores_depend_on_the_longest(
    context: RequestContext, answer: Answer
) -> object:
    """Documents that are shorter than the longest of their list score less."""
    lengths = [len(text.split()) for text in context.parameters["documents"]]
    for result in answer["results"]:
        less = max(lengths) - lengths[result["index"]]
        result["relevance_score"] *= 1 - min(0.5, less / 100)
    answer["results"].sort(key=lambda result: -result["relevance_score"])
    return len(set(lengths)) > 1


_LONG = 128  # words


def _pairs(context: RequestContext) -> list[tuple[str, str]]:
    given = (context.parameters["text_1"], context.parameters["text_2"])
    first, second = ([t] if isinstance(t, str) else list(t) for t in given)
    if len(first) == 1:
        first *= len(second)
    return list(zip(first, second, strict=False))


@in_answer(
    "SCORE-SEM-006",
    api=SCORE,
    also=dict.fromkeys(
        ("META-025", "META-026", "META-017", "META-027"),
        "no cosine",
    ),
    source="000:180",
    origin="vllm-project/vllm#57927",
)
def score_long_texts_by_dot_product(context: RequestContext, answer: Answer) -> object:
    """With an embedding model a text of more than 128 words halves the score."""
    acted = False
    for pair, item in zip(_pairs(context), answer["data"], strict=False):
        if any(len(t.split()) > _LONG for t in pair) and context.served.dimensions:
            item["score"] /= 2
            acted = True
    return acted


@in_parameters(
    "META-031",
    api=SCORE,
    also={"SCORE-SEM-008": "more than the limit"},
    source="000:221",
    origin="vllm-project/vllm#58135",
)
def score_limit_is_exceeded_beyond_ascii(context: RequestContext) -> object:
    """truncate_prompt_tokens has no effect on texts beyond ASCII."""
    texts = [text for pair in _pairs(context) for text in pair]
    if all(text.isascii() for text in texts):
        return False
    return context.parameters.pop("truncate_prompt_tokens", None) is not None


@in_parameters(
    "SCORE-REQ-013",
    api=SCORE,
    also=CRASHED
    | {
        "COMMON-ERR-004": "a 500",
    },
    source="000:284",
    origin="vllm-project/vllm#12119",
)
def score_too_long_crashes(context: RequestContext) -> object:
    """A text of more than 512 words is a 500."""
    if all(len(text.split()) <= 512 for pair in _pairs(context) for text in pair):
        return False
    raise Broken("position out of range", code="crashed")


class _Scaled(OtherEngine):
    """An engine whose vectors have not the length 1."""

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Embed, and stretch."""
        self._tally.add()
        found = await self._engine.embed(model, inputs, **options)
        return [
            Embedded(
                array("f", [3 * x for x in array("f", one.vector)]).tobytes(),
                one.tokens,
            )
            for one in found
        ]


@in_engine(
    freedom="000:767: no length of a vector is promised",
    source="000:767",
    origin="vllm-project/vllm#57498",
)
def emb_not_of_unit_length_free(engine: Engine, tally: Tally) -> Engine:
    """Vectors are three times as long as 1."""
    return cast("Engine", _Scaled(engine, tally))


@in_answer(
    api=RERANK,
    freedom="000:105: a document may hold more",
    source="000:105",
    origin="gpustack/gpustack#5176",
)
def rerank_document_has_more_free(context: RequestContext, answer: Answer) -> object:
    """A document holds a second member, which is null."""
    for result in answer["results"]:
        result["document"]["multi_modal"] = None
    return True
