"""What a rerank server can get wrong about top_n."""

from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

API = "rerank"
COUNTED = {
    "META-012": "the same statement as a property",
    "RERANK-SEM-010": "the same statement",
}


@in_parameters(
    "META-002",
    api=API,
    also={
        **COUNTED,
        "RERANK-SEM-004": "the best are not among the ones returned",
    },
)
def rerank_top_n_before_sorting(context: RequestContext) -> object:
    """top_n takes the first k documents as they came, and sorts only those."""
    top = context.parameters["top_n"]
    documents = context.parameters["documents"]
    context.parameters["documents"] = documents[: top or None]
    return 0 < top < len(documents)


@in_parameters(
    "RERANK-SEM-004",
    api=API,
    also={
        "META-002": "the list is longer than k",
        "RERANK-EX-003": "the printed request asks for two",
    },
    origin="mudler/LocalAI#7189",
)
def rerank_top_n_ignored(context: RequestContext) -> object:
    """top_n is accepted, and all documents come back."""
    cuts = 0 < context.parameters["top_n"] < len(context.parameters["documents"])
    context.parameters["top_n"] = 0
    return cuts


@in_parameters(
    "RERANK-SEM-004",
    api=API,
    also={
        "META-002": "the list is shorter than k",
        "RERANK-EX-003": "the printed request asks for two",
    },
)
def rerank_top_n_one_short(context: RequestContext) -> object:
    """A top_n above one returns one result too few."""
    top = context.parameters["top_n"]
    if not 1 < top < len(context.parameters["documents"]):
        return False
    context.parameters["top_n"] = top - 1
    return True


@in_answer("RERANK-SEM-003", api=API, also={
    "RERANK-REQ-012": "omitted and 0 differ",
    "RERANK-SEM-002": "a document goes without a score",
    "META-003": "the lists for 0 and for N differ",
    "META-005": "the indices are no permutation",
    "META-007": "a text is lost",
})  # fmt: skip
def rerank_top_n_0_drops_the_last(context: RequestContext, answer: Answer) -> object:
    """top_n 0, when it is spelt out, loses the least relevant of several documents."""
    if context.body.get("top_n") != 0 or len(answer["results"]) < 3:
        return False
    answer["results"].pop()
    return True


@in_answer("RERANK-REQ-012", api=API, also={
    "META-003": "the same statement as a property",
    "RERANK-SEM-003": "all is the default", "RERANK-SEM-002": "likewise",
    "META-005": "likewise", "META-007": "likewise",
})  # fmt: skip
def rerank_top_n_defaults_to_three(context: RequestContext, answer: Answer) -> object:
    """Without top_n at most three results come back."""
    if "top_n" in context.body or len(answer["results"]) <= 3:
        return False
    del answer["results"][3:]
    return True


@in_answer("RERANK-SEM-005", api=API)
def rerank_too_large_top_n_drops_one(context: RequestContext, answer: Answer) -> object:
    """A top_n above the number of documents loses the last result."""
    if context.parameters["top_n"] <= len(context.parameters["documents"]):
        return False
    answer["results"].pop()
    return True


@in_answer("META-003", api=API, also={"RERANK-SEM-004": "N - 1 for N"})
def rerank_top_n_equal_to_count_drops_one(
    context: RequestContext, answer: Answer
) -> object:
    """A top_n of exactly N returns N - 1 results."""
    count = len(context.parameters["documents"])
    if count < 3 or context.parameters["top_n"] != count:
        return False
    answer["results"].pop()
    return True
