"""Bugs of rerank and score: what two parameters do to each other, and long lists."""

from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import (
    CRASHED,
    because,
    in_company,
)
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError, BadRequest, Broken
from aios_conformance.serving.stages import Answer, Response, Stages

RERANK, SCORE, EMB = "rerank", "score", "embeddings"
ORDER = {
    "META-001": "the same statement", "META-002": "not the first of all",
    "META-003": "another list", "RERANK-EX-004": "the best may not stand first",
    "RERANK-SEM-005": "another order", "META-008": "another order",
    "RERANK-SEM-001": "another order", "META-011": "another order",
}  # fmt: skip
ALONE = {
    "RERANK-SEM-008": "not of the pair alone", "META-008": "not of the pair alone",
    "META-009": "not of the pair alone", "META-010": "copies differ",
    "META-016": "no relevance", "META-017": "score knows better",
    "RERANK-SEM-002": "no relevance", "RERANK-SEM-007": "no cosine",
    "META-002": "another list", "META-011": "another list",
    "META-003": "another list", "RERANK-REQ-012": "another list",
    "META-118": "other scores for the same JSON",
    "RERANK-SEM-001": "another list", "RERANK-SEM-004": "not the best",
}  # fmt: skip
REFUSED = {
    "COMMON-RES-001": "a valid request", "RERANK-REQ-006": "a valid request",
    "RERANK-REQ-010": "a valid request", "RERANK-SEM-003": "no result",
    "RERANK-REQ-013": "a valid request", "RERANK-REQ-014": "a valid request",
    "RERANK-REQ-005": "a valid request", "COMMON-ERR-004": "a 500",
    "RERANK-REQ-008": "a valid request", "RERANK-REQ-016": "a valid request",
    "RERANK-REQ-018": "a valid request", "COMMON-REQ-015": "a valid request",
    "COMMON-REQ-005": "a valid request",
}  # fmt: skip
_NEXT = "META-119 META-120 COMMON-REQ-012 RERANK-REQ-011 RERANK-SEM-005"


def _ranked(answer: Answer) -> None:
    answer["results"].sort(key=lambda result: -result["relevance_score"])


@in_answer("RERANK-SEM-006", api=RERANK, also=ORDER,
           source="000:57", origin="infiniflow/ragflow#15278")  # fmt: skip
def rerank_unsorted_where_all_return(context: RequestContext, answer: Answer) -> object:
    """Results are in the order of the request where top_n is the count or more."""
    results = answer["results"]
    if (context.body.get("top_n") or 0) < len(context.parameters["documents"]):
        return False
    before = list(results)
    results.sort(key=lambda result: result["index"])
    return before != results


@in_answer("RERANK-SEM-008", api=RERANK, also=ALONE | {
    "RERANK-SEM-006": "the best may be last", "RERANK-SEM-004": "not the best",
}, source="000:23", origin="infiniflow/ragflow#4797")  # fmt: skip
def rerank_scores_64_only(context: RequestContext, answer: Answer) -> object:
    """Documents beyond the 64th have the score 0."""
    for result in answer["results"]:
        if result["index"] >= 64:
            result["relevance_score"] = 0.0
    _ranked(answer)
    return len(context.parameters["documents"]) > 64


@in_parameters("RERANK-REQ-006", api=RERANK, also=REFUSED | CRASHED,
               source="000:56", origin="alibaba/rtp-llm#104")  # fmt: skip
def rerank_limit_is_of_the_sum(context: RequestContext) -> object:
    """What all pairs of a list have together, not each, may be 512 words at most."""
    query = len(context.parameters["query"].split())
    words = [len(text.split()) + query for text in context.parameters["documents"]]
    if sum(words) <= 512:
        return False
    raise Broken("long prompt error, not scheduled", code="crashed")


@in_parameters("RERANK-REQ-005", api=RERANK, also=REFUSED,
               source="000:55",
               origin="JohnGUnderwood/atlas-hybrid-search#29")  # fmt: skip
def rerank_long_query_is_refused(context: RequestContext) -> object:
    """A query of more than 64 words is refused."""
    if len(context.parameters["query"].split()) <= 64:
        return False
    raise BadRequest("the query is too long", code="too_long")


@in_answer("RERANK-RES-013", api=RERANK, also={
    "META-006": "not the document at index", "META-005": "another index",
    "META-002": "another index", "META-003": "another index",
}, source="000:104", origin="infiniflow/ragflow#2575")  # fmt: skip
def rerank_index_is_rank_under_top_n(context: RequestContext, answer: Answer) -> object:
    """With top_n index is the rank, without it the place in the request."""
    if not context.body.get("top_n"):
        return False
    for rank, result in enumerate(answer["results"]):
        result["index"] = rank
    return True


@in_answer("RERANK-RES-016", api=RERANK, also={
    "META-006": "not the text", "META-007": "not the text",
}, source="000:106", origin="felladrin/MiniSearch#2260")  # fmt: skip
def rerank_text_is_what_was_read(context: RequestContext, answer: Answer) -> object:
    """Where truncation strikes, document.text is what is left of the document."""
    limit = context.parameters.get("truncate_prompt_tokens")
    if not limit:
        return False
    room = max(1, limit - len(context.parameters["query"].split()) - 2)
    acted = False
    for result in answer["results"]:
        words = result["document"]["text"].split()
        if len(words) > room:
            result["document"]["text"] = " ".join(words[:room])
            acted = True
    return acted


@in_answer("SCORE-RES-006", api=SCORE, also={
    "META-018": "not 0 to N - 1", "SCORE-SEM-002": "not 0 to N - 1",
}, source="000:269", origin="lfnovo/esperanto#260")  # fmt: skip
def score_index_restarts_at_16(context: RequestContext, answer: Answer) -> object:
    """Index restarts in each batch of 16 pairs."""
    for item in answer["data"]:
        item["index"] %= 16
    return len(answer["data"]) > 16


@in_answer("META-027", api=SCORE, also={
    "META-017": "rerank knows better", "META-025": "no cosine",
    "META-026": "a text is unlike itself", "SCORE-SEM-006": "no cosine",
    "SCORE-EX-003": "turned round",
}, source="000:177", origin="langchain-ai/langchain#22578")  # fmt: skip
def scores_are_of_irrelevance(context: RequestContext, answer: Answer) -> object:
    """Of two classes score tells the probability of the wrong one."""
    for item in answer["data"]:
        item["score"] = 1 - item["score"]
    return True


@in_company("RERANK-SEM-008", api=RERANK, also=ALONE | {"META-015": "likewise"},
            source="000:26", origin="mem0ai/mem0#4658")  # fmt: skip
def rerank_half_in_company(context: RequestContext, others: Any) -> object:
    """While others are in flight, what fails to be scored is given 0.5."""
    context.memory["half"] = True
    return True


def _half(stage: Defect) -> Defect:
    """Give the last document 0.5 where a request was marked."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        async def answer(context: RequestContext) -> Answer:
            found = await stages.answer(context)
            if context.memory.pop("half", False):
                last = len(context.parameters["documents"]) - 1
                for result in found["results"]:
                    if result["index"] == last:
                        result["relevance_score"] = 0.5
                _ranked(found)
            return found

        return stage.plant(replace(stages, answer=answer), engine, tally)

    return replace(stage, plant=plant)


def _spoils() -> Defect:
    """After a refused embeddings request the next rerank request is a 500."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        broken = [False]

        def refusal(context: RequestContext, error: ApiError) -> Response:
            if context.api == EMB and error.status in (400, 422):
                broken[0] = True
            return stages.refusal(context, error)

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if context.api == RERANK and broken[0]:
                broken[0] = False
                tally.add()
                raise Broken("the batch handler has stopped", code="crashed")

        return replace(stages, refusal=refusal, prepare=prepare), engine

    return Defect(
        "rerank_fails_after_embeddings_refuse",
        _spoils.__doc__ or "",
        plant,
        "COMMON-RES-001",
        REFUSED | CRASHED | because("it is the next request", _NEXT),
        origin="michaelfeil/infinity#242",
        source="000:113",
    )


@in_answer("RERANK-RES-012", api=RERANK, also={
    "META-005": "the same statement", "META-007": "another text",
}, source="000:104", origin="apecloud/ApeRAG#1542")  # fmt: skip
def rerank_copies_share_an_index(context: RequestContext, answer: Answer) -> object:
    """The results of documents with one text all have the index of the first."""
    given, acted = context.parameters["documents"], False
    for result in answer["results"]:
        first = given.index(given[result["index"]])
        acted |= first != result["index"]
        result["index"] = first
    return acted


@in_answer("SCORE-SEM-003", api=SCORE, also={
    "META-021": "not of its pair", "META-027": "not of its pair",
    "META-026": "not of its pair",
}, source="000:213", origin="run-llama/llama_index#20597")  # fmt: skip
def scores_of_one_text_are_sorted(context: RequestContext, answer: Answer) -> object:
    """Scores of one text against several come sorted, under an index of their own."""
    before = [item["score"] for item in answer["data"]]
    after = sorted(before, reverse=True)
    if not isinstance(context.parameters["text_1"], str) or after == before:
        return False
    for item, score in zip(answer["data"], after, strict=True):
        item["score"] = score
    return True


@in_parameters(api=RERANK, freedom="000:56: blank documents are not described",
               source="000:56", origin="volcengine/OpenViking#1712")  # fmt: skip
def rerank_blank_document_refused_free(context: RequestContext) -> object:
    """A list with a blank document is refused."""
    if all(text.strip() for text in context.parameters["documents"]):
        return False
    raise BadRequest("documents must not be empty", code="refused")


EXHIBITS: tuple[Defect, ...] = (
    rerank_unsorted_where_all_return,
    rerank_scores_64_only,
    rerank_limit_is_of_the_sum,
    rerank_long_query_is_refused,
    rerank_index_is_rank_under_top_n,
    rerank_text_is_what_was_read,
    score_index_restarts_at_16,
    scores_are_of_irrelevance,
    _half(rerank_half_in_company),
    _spoils(),
    rerank_copies_share_an_index,
    scores_of_one_text_are_sorted,
    rerank_blank_document_refused_free,
)
