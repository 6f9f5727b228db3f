"""Bugs of rerank, score and embeddings at their edges: one item, copies, formats."""

from array import array
from base64 import b64decode, b64encode
from math import exp
from struct import pack
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import CRASHED
from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Broken
from aios_conformance.serving.stages import Answer

EMB, RERANK, SCORE = "embeddings", "rerank", "score"


@in_parameters(
    "RERANK-REQ-008",
    also=dict.fromkeys(
        ("COMMON-ERR-004", "RERANK-ERR-003", "RERANK-REQ-010"),
        "a list of one document is a 500",
    ),
    api=RERANK,
    source="000:56",
    origin="xorbitsai/inference#1775",
)
def rerank_single_document_crashes(context: RequestContext) -> object:
    """A list of one document is a 500."""
    if len(context.parameters["documents"]) != 1:
        return False
    raise Broken("float is not subscriptable", code="crashed")


@in_answer("RERANK-RES-008", api=RERANK,
           source="000:103", origin="FlagOpen/FlagEmbedding#943")  # fmt: skip
def rerank_one_result_is_no_list(context: RequestContext, answer: Answer) -> object:
    """One result alone comes as an object, not as a list of it."""
    if len(answer["results"]) != 1:
        return False
    answer["results"] = answer["results"][0]
    return True


@in_answer("SCORE-RES-008", api=SCORE,
           source="000:271", origin="vllm-project/vllm#10400")  # fmt: skip
def score_of_one_pair_is_a_list(context: RequestContext, answer: Answer) -> object:
    """The score of one pair alone is a list that holds it."""
    if len(answer["data"]) != 1:
        return False
    answer["data"][0]["score"] = [answer["data"][0]["score"]]
    return True


@in_answer("SCORE-RES-011", api=SCORE,
           source="000:273", origin="vllm-project/vllm#10400")  # fmt: skip
def score_counts_nothing(context: RequestContext, answer: Answer) -> object:
    """prompt_tokens and total_tokens of score are 0."""
    answer["usage"] |= {"prompt_tokens": 0, "total_tokens": 0}
    return True


@in_answer(
    "RERANK-RES-007",
    also={"META-013": "the count grows with nothing"},
    api=RERANK,
    source="000:102",
    origin="BerriAI/litellm#36185",
)
def rerank_counts_nothing(context: RequestContext, answer: Answer) -> object:
    """total_tokens of rerank is 0."""
    answer["usage"]["total_tokens"] = 0
    return True


@in_answer(
    "RERANK-SEM-003",
    also=dict.fromkeys(
        ("META-005", "META-007", "RERANK-SEM-002"), "a document has no result"
    ),
    api=RERANK,
    source="000:57",
    origin="stargate/data-api#1989",
)
def rerank_blank_document_dropped(context: RequestContext, answer: Answer) -> object:
    """A document that is an empty string gets no result."""
    before = len(answer["results"])
    answer["results"] = [r for r in answer["results"] if r["document"]["text"]]
    return len(answer["results"]) < before


@in_parameters("COMMON-ERR-004", api=RERANK, also=CRASHED,
               source="000:115", origin="stargate/data-api#1954")  # fmt: skip
def rerank_blank_query_crashes(context: RequestContext) -> object:
    """A query that is an empty string is a 500."""
    if context.parameters["query"]:
        return False
    raise Broken("no query", code="crashed")


@in_answer(
    "RERANK-SEM-006",
    also=dict.fromkeys(
        (
            "META-001",
            "META-008",
            "META-009",
            "META-010",
            "META-016",
            "META-017",
            "RERANK-SEM-007",
            "RERANK-SEM-008",
        ),
        "scores belong to other documents",
    ),
    api=RERANK,
    source="000:57",
    origin="redis/redis-vl-python#694",
)
def rerank_scores_of_the_unsorted(context: RequestContext, answer: Answer) -> object:
    """Documents are ranked, their scores stand in the order of the request."""
    results = answer["results"]
    scores = [
        r["relevance_score"] for r in sorted(results, key=lambda one: one["index"])
    ]
    before = [result["relevance_score"] for result in results]
    for result, value in zip(results, scores, strict=True):
        result["relevance_score"] = value
    return scores != before


@in_answer(
    "META-008",
    also=dict.fromkeys(
        (
            "META-002",
            "META-009",
            "META-010",
            "META-016",
            "META-017",
            "RERANK-SEM-007",
            "RERANK-SEM-008",
        ),
        "documents belong to other scores",
    ),
    api=RERANK,
    source="000:107",
    origin="AnswerDotAI/rerankers#39",
)
def rerank_documents_of_the_unsorted(context: RequestContext, answer: Answer) -> object:
    """Scores are ranked, documents stand beside them in the order of the request."""
    results = answer["results"]
    before = [result["index"] for result in results]
    documents = sorted(
        ({"index": r["index"], "document": r["document"]} for r in results),
        key=lambda one: one["index"],
    )
    for result, document in zip(results, documents, strict=True):
        result.update(document)
    return before != [result["index"] for result in results]


@in_answer(
    "RERANK-RES-014",
    also=dict.fromkeys(
        ("META-011", "RERANK-SEM-001"), "the same path answers otherwise"
    ),
    api=RERANK,
    source="000:105",
    origin="cohere-ai/notebooks#202",
)
def rerank_v2_lacks_documents(context: RequestContext, answer: Answer) -> object:
    """On /v2/rerank results have no document."""
    if not context.path.endswith("/v2/rerank"):
        return False
    for result in answer["results"]:
        del result["document"]
    return True


@in_answer(
    "META-025",
    also=dict.fromkeys(
        ("META-026", "RERANK-SEM-007", "SCORE-SEM-006"), "a score is no cosine"
    ),
    api="rerank score",
    source="000:180",
    origin="vectorize-io/hindsight#1512",
)
def scores_are_squashed_twice(context: RequestContext, answer: Answer) -> object:
    """What is a score already is put through a sigmoid."""
    for item in answer.get("results") or answer.get("data") or ():
        name = "relevance_score" if "relevance_score" in item else "score"
        item[name] = 1 / (1 + exp(-item[name]))
    return True


def _vectors(context: RequestContext, answer: Answer) -> list[dict[str, Any]]:
    is_text = context.parameters["encoding_format"] == "base64"
    return answer["data"] if is_text else []


def _numbers(text: str) -> list[float]:
    return array("f", b64decode(text)).tolist()


@in_answer(
    "META-093",
    also=dict.fromkeys(("EMB-SEM-004", "META-099"), "the numbers are twice as many"),
    api=EMB,
    source="000:730",
    origin="vllm-project/vllm#5935",
)
def emb_base64_of_doubles(context: RequestContext, answer: Answer) -> object:
    """base64 holds numbers of eight bytes."""
    found = _vectors(context, answer)
    for item in found:
        values = _numbers(item["embedding"])
        packed = pack(f"<{len(values)}d", *values)
        item["embedding"] = b64encode(packed).decode()
    return bool(found)


@in_answer("EMB-RES-009", api=EMB,
           source="000:730", origin="Lightning-AI/LitServe#740")  # fmt: skip
def emb_base64_for_the_first_only(context: RequestContext, answer: Answer) -> object:
    """Of several vectors only the first comes as base64."""
    found = _vectors(context, answer)[1:]
    for item in found:
        item["embedding"] = _numbers(item["embedding"])
    return bool(found)


@in_answer(
    "EMB-RES-005",
    also=dict.fromkeys(("EMB-REQ-006", "META-090"), "inputs are fewer than were sent"),
    api=EMB,
    source="000:764",
    origin="raphaelsty/neural-cherche#4",
)
def emb_copies_dropped(context: RequestContext, answer: Answer) -> object:
    """An input that stands twice in a batch gets one vector."""
    given = context.parameters["input"]
    if not isinstance(given, list):
        return False
    seen: list[Any] = []
    kept: list[Answer] = []
    for text, item in zip(given, answer["data"], strict=False):
        if text not in seen:
            seen.append(text)
            kept.append(item | {"index": len(kept)})
    acted = len(kept) < len(answer["data"])
    answer["data"] = kept
    return acted
