"""What rerank and score can get wrong with one kind of model only."""

from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer

COSINE = {
    "META-025": "scores are no cosines any more",
    "SCORE-SEM-006": "scores are no cosines any more",
}


def _is_embedding(context: RequestContext) -> bool:
    return not context.served.cross_encoder


@in_parameters("RERANK-REQ-019", api="rerank")
def rerank_refuses_embedding_models(context: RequestContext) -> object:
    """Rerank refuses the embedding model."""
    if not _is_embedding(context):
        return False
    raise BadRequest("this model does not rank", code="refused")


@in_parameters("SCORE-REQ-021", api="score")
def score_refuses_embedding_models(context: RequestContext) -> object:
    """Score refuses the embedding model."""
    if not _is_embedding(context):
        return False
    raise BadRequest("this model does not score", code="refused")


@in_answer("RERANK-SEM-007", api="rerank")
def rerank_with_vectors_is_squared(context: RequestContext, answer: Answer) -> object:
    """With an embedding model relevance is the square of the similarity."""
    if not _is_embedding(context):
        return False
    for result in answer["results"]:
        result["relevance_score"] **= 2
    return True


@in_answer("META-025", api="score", also=COSINE)
def score_with_vectors_is_squared(context: RequestContext, answer: Answer) -> object:
    """With an embedding model a score is the square of the similarity."""
    if not _is_embedding(context):
        return False
    for item in answer["data"]:
        item["score"] **= 2
    return True


@in_answer("META-026", api="score", also=COSINE)
def score_with_vectors_stops_at_09(context: RequestContext, answer: Answer) -> object:
    """With an embedding model no score is above 0.9, not even that of equal texts."""
    acted = False
    for item in answer["data"]:
        if _is_embedding(context) and item["score"] > 0.9:
            item["score"] = 0.9
            acted = True
    return acted


@in_answer("META-017", api="score")
def score_of_pairs_is_lower(context: RequestContext, answer: Answer) -> object:
    """A cross-encoder's scores are a tenth below those of rerank."""
    if _is_embedding(context):
        return False
    for item in answer["data"]:
        item["score"] *= 0.9
    return True


@in_answer("RERANK-SEM-008", api="rerank", also={
    "META-009": "a document left out raises the others",
    "META-017": "score knows no other documents",
})  # fmt: skip
def rerank_of_many_is_flattened(context: RequestContext, answer: Answer) -> object:
    """A cross-encoder's scores fall by a fiftieth for each document beside, to half."""
    if _is_embedding(context):
        return False
    others = len(context.parameters["documents"]) - 1
    for result in answer["results"]:
        result["relevance_score"] *= max(1 - 0.02 * others, 0.5)
    return others > 0


@in_answer("SCORE-SEM-005", api="score", also={
    "META-019": "a batch scores less than its pairs alone",
    "META-020": "so does one text against many", "META-021": "so does a part of it",
    "SCORE-SEM-003": "so does one text against many",
    "META-017": "rerank has no batches",
    "SCORE-SEM-002": "its soft clause",
})  # fmt: skip
def score_of_a_batch_is_flattened(context: RequestContext, answer: Answer) -> object:
    """A cross-encoder's scores fall by a fiftieth for each pair beside, to half."""
    if _is_embedding(context):
        return False
    others = len(answer["data"]) - 1
    for item in answer["data"]:
        item["score"] *= max(1 - 0.02 * others, 0.5)
    return others > 0
