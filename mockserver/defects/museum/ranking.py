"""Bugs of rerank and score: splits of lists, long and blank texts, truncation."""

import re
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import ACCEPTED, joined
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.mockserver.defects.tables import turns_away
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest, Meaningless
from aios_conformance.serving.stages import Answer

RERANK, SCORE = "rerank", "score"
TEXTS = {
    "META-006": "the text is not that of the document at index",
    "META-007": "not the submitted texts",
}
ALL = {
    "META-003": "not all documents", "META-005": "no permutation",
    "META-007": "not all documents", "RERANK-SEM-002": "not every document",
}  # fmt: skip


def _ranked(answer: Answer) -> None:
    """Put results in the order of their scores."""
    answer["results"].sort(key=lambda result: -result["relevance_score"])


@in_answer("META-016", api=RERANK, also={
    "RERANK-SEM-002": "scores are of the position",
    "META-008": "scores follow the position", "META-010": "copies differ",
    "META-009": "scores follow the position", "RERANK-SEM-008": "likewise",
    "META-017": "score knows no position", "RERANK-SEM-007": "no cosines",
    "RERANK-SEM-004": "not the best",
}, source="000:23", origin="vllm-project/vllm#22983")  # fmt: skip
def rerank_long_documents_in_order(context: RequestContext, answer: Answer) -> object:
    """With a document above 600 characters scores follow the input order."""
    texts: list[str] = context.parameters["documents"]
    if max(map(len, texts)) <= 600:
        return False
    for result in answer["results"]:
        result["relevance_score"] = 0.9 / (1 + result["index"])
    _ranked(answer)
    return True


@in_answer("RERANK-RES-016", api=RERANK, also=TEXTS,
           source="000:106", origin="felladrin/MiniSearch#2193")  # fmt: skip
def rerank_text_cut_at_512(context: RequestContext, answer: Answer) -> object:
    """document.text comes back cut at 512 characters."""
    return _retold(answer, lambda text: text[:512])


@in_answer("RERANK-RES-016", api=RERANK, also=TEXTS | {
    "META-010": "texts that differ in white space become one",
    "RERANK-RES-013": "likewise",
    "COMMON-REQ-015": "a text is not what was sent",
}, source="000:106", origin="FlagOpen/FlagEmbedding#1336")  # fmt: skip
def rerank_text_white_space_folded(context: RequestContext, answer: Answer) -> object:
    """document.text comes back with white space folded."""
    return _retold(answer, lambda text: re.sub(r"\s+", " ", text).strip())


def _retold(answer: Answer, tell: Any) -> bool:
    acted = False
    for result in answer["results"]:
        text = result["document"]["text"]
        result["document"]["text"] = tell(text)
        acted |= result["document"]["text"] != text
    return acted


@in_answer("RERANK-SEM-003", api=RERANK, also=ALL,
           source="000:57", origin="deepset-ai/haystack#4252")  # fmt: skip
def rerank_last_batch_only(context: RequestContext, answer: Answer) -> object:
    """Of more than 32 documents only those of the last batch of 32 come back."""
    begin = (len(context.parameters["documents"]) - 1) // 32 * 32
    kept = [result for result in answer["results"] if result["index"] >= begin]
    answer["results"] = kept
    return begin > 0


@in_answer(api=RERANK)
def _keep_the_first(context: RequestContext, answer: Answer) -> bool:
    most = context.body.get("top_n") or 0
    if not most:
        return False
    best = [result["index"] for result in answer["results"][:most]]
    answer["results"] = [r for r in answer["results"] if r["index"] < most]
    return best != [result["index"] for result in answer["results"]]


@in_parameters(api=RERANK)
def _score_them_all(context: RequestContext) -> bool:
    context.parameters["top_n"] = 0
    return False


@joined("RERANK-SEM-004", _keep_the_first, _score_them_all, also={
    "META-002": "not the first of all", "RERANK-EX-004": "the best may be missing",
}, source="000:57", origin="infiniflow/ragflow#11038")  # fmt: skip
def rerank_cut_before_sorting() -> None:
    """The first top_n documents are taken, then ranked."""


@in_parameters("RERANK-SEM-004", api=RERANK, also={
    "META-002": "more than k", "RERANK-EX-003": "three results in place of two",
}, source="000:57", origin="mudler/LocalAI#6700")  # fmt: skip
def rerank_top_n_not_read(context: RequestContext) -> object:
    """top_n is accepted and ignored."""
    given = context.parameters["top_n"]
    context.parameters["top_n"] = 0
    return 0 < given < len(context.parameters["documents"])


@in_answer("RERANK-SEM-006", api=RERANK, also={
    "META-001": "the same statement", "META-002": "not the first of all",
    "RERANK-EX-004": "the best may not stand first",
}, source="000:56", origin="mudler/LocalAI#7189")  # fmt: skip
def rerank_results_in_input_order(context: RequestContext, answer: Answer) -> object:
    """Results come in the order of the documents, whatever their scores."""
    before = list(answer["results"])
    answer["results"].sort(key=lambda result: result["index"])
    return before != answer["results"]


@in_answer("RERANK-REQ-012", api=RERANK, also=ALL | {
    "RERANK-SEM-003": "all is the default", "RERANK-REQ-008": "no result for one",
}, source="000:57", origin="xorbitsai/inference#2939")  # fmt: skip
def rerank_nothing_without_top_n(context: RequestContext, answer: Answer) -> object:
    """Without top_n the list of results is empty."""
    if "top_n" in context.body:
        return False
    answer["results"].clear()
    return True


@in_parameters("META-007", api=RERANK, also={
    "META-003": "not all documents", "META-005": "no permutation",
    "RERANK-SEM-002": "not every document", "RERANK-SEM-004": "fewer than k",
    "RERANK-SEM-005": "fewer than submitted", "META-010": "there are no copies",
    "RERANK-SEM-003": "fewer than submitted",
    "META-006": "index counts the distinct ones", "RERANK-RES-013": "likewise",
}, source="000:106", origin="langgenius/dify#1661")  # fmt: skip
def rerank_index_of_distinct_documents(context: RequestContext) -> object:
    """Repeated documents are dropped first, and index counts those that are left."""
    texts = context.parameters["documents"]
    context.parameters["documents"] = list(dict.fromkeys(texts))
    return len(context.parameters["documents"]) < len(texts)


@in_answer(
    "META-016",
    api=RERANK,
    also={
        "RERANK-SEM-002": "no score of the pair",
    }
    | {"META-010": "a query that is cut ranks otherwise"},
    source="000:23",
    origin="Tencent/WeKnora#2160",
)
def rerank_truncation_cuts_the_query(context: RequestContext, answer: Answer) -> object:
    """Where truncation strikes, the query is cut off and all scores come near zero."""
    limit = context.parameters.get("truncate_prompt_tokens")
    words = max(len(text.split()) for text in context.parameters["documents"])
    if not limit or words <= limit:
        return False
    for result in answer["results"]:
        result["relevance_score"] = 0.006 / (1 + result["index"])
    _ranked(answer)
    return True


@in_parameters("RERANK-SEM-009", api=RERANK, also={
    "META-014": "more tokens than the limit allows",
}, source="000:58", origin="BerriAI/litellm#39363")  # fmt: skip
def rerank_truncation_not_forwarded(context: RequestContext) -> object:
    """truncate_prompt_tokens is lost on the way to the engine."""
    return context.parameters.pop("truncate_prompt_tokens", None) is not None


@in_answer("META-025", api=f"{RERANK} {SCORE}", also={
    "RERANK-SEM-007": "no cosines", "SCORE-SEM-006": "no cosines",
}, source="000:180", origin="michaelfeil/infinity#203")  # fmt: skip
def scores_saturate_at_1(context: RequestContext, answer: Answer) -> object:
    """Every score above 0.55 comes as exactly 1.0."""
    acted = False
    for item in answer.get("results") or answer.get("data") or ():
        name = "relevance_score" if "relevance_score" in item else "score"
        if 0.55 < item[name] < 1:
            item[name], acted = 1.0, True
    return acted


@in_answer("SCORE-SEM-002", api=SCORE, also={
    "META-019": "a pair scores otherwise alone", "META-020": "likewise",
    "META-021": "likewise", "META-017": "rerank is not shifted",
    "SCORE-SEM-003": "likewise", "SCORE-SEM-005": "likewise",
}, source="000:233", origin="xorbitsai/inference#5496")  # fmt: skip
def score_over_16_shifted(context: RequestContext, answer: Answer) -> object:
    """Scores slip by one from the 18th pair on."""
    scores = [item["score"] for item in answer["data"]]
    for place, item in enumerate(answer["data"]):
        if place > 16:
            item["score"] = scores[place - 1]
    return len(scores) > 17


@in_answer("META-018", api=SCORE, also={
    "SCORE-SEM-002": "fewer scores than pairs", "SCORE-SEM-003": "likewise",
    "SCORE-RES-005": "likewise", "SCORE-SEM-001": "likewise",
}, source="000:268", origin="daniel3303/Equibles#820")  # fmt: skip
def score_blank_pair_dropped(context: RequestContext, answer: Answer) -> object:
    """A pair with an empty text is left out."""
    left, right = (
        given if isinstance(given, list) else [given]
        for given in (context.parameters["text_1"], context.parameters["text_2"])
    )
    left = left * len(right) if len(left) == 1 else left
    blank = ["" in pair for pair in zip(left, right, strict=True)]
    kept = [item for item, drop in zip(answer["data"], blank, strict=True) if not drop]
    if not kept or not any(blank):
        return False
    for index, item in enumerate(kept):
        item["index"] = index
    answer["data"] = kept
    return True


@in_answer("META-027", api=SCORE, also={
    "SCORE-SEM-001": "no score of the pair", "SCORE-SEM-002": "likewise",
}, source="000:177", origin="vllm-project/vllm#47772")  # fmt: skip
def score_truncated_pair_is_misread(context: RequestContext, answer: Answer) -> object:
    """Where truncation strikes, the second text is read as the first: scores err."""
    limit = context.parameters.get("truncate_prompt_tokens")
    given = (context.parameters["text_1"], context.parameters["text_2"])
    texts = [t for g in given for t in (g if isinstance(g, list) else [g])]
    if not limit or max(len(text.split()) for text in texts) <= limit:
        return False
    for item in answer["data"]:
        item["score"] = 1 - item["score"]
    return True


def _many_documents(context: RequestContext) -> bool:
    return context.api == RERANK and len(context.parameters["documents"]) > 32


def _limit_of_one(context: RequestContext) -> bool:
    return context.parameters.get("truncate_prompt_tokens") == 1


EXHIBITS: tuple[Defect, ...] = (
    replace(
        turns_away("rerank_over_32_refused", "RERANK-REQ-006", "too many documents",
                   _many_documents, error=Meaningless, also=ACCEPTED,
                   origin="linagora/openrag#625"),
        description="More than 32 documents are refused with 422.", source="000:56"),
    replace(
        turns_away("enc_truncate_1_refused", "EMB-REQ-015",
                   "truncate_prompt_tokens must be above 1", _limit_of_one,
                   error=BadRequest, origin="vllm-project/vllm#22635",
                   also=ACCEPTED | {"RERANK-REQ-016": "1 is a valid limit",
                                    "SCORE-REQ-019": "1 is a valid limit"}),
        description="truncate_prompt_tokens 1 is refused.", source="000:731"),
    rerank_long_documents_in_order,
    rerank_text_cut_at_512,
    rerank_text_white_space_folded,
    rerank_last_batch_only,
    rerank_cut_before_sorting,
    rerank_top_n_not_read,
    rerank_results_in_input_order,
    rerank_nothing_without_top_n,
    rerank_index_of_distinct_documents,
    rerank_truncation_cuts_the_query,
    rerank_truncation_not_forwarded,
    scores_saturate_at_1,
    score_over_16_shifted,
    score_blank_pair_dropped,
    score_truncated_pair_is_misread,
)  # fmt: skip
