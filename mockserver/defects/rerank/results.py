"""What a rerank server can get wrong."""

from typing import Any

from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
    in_response,
)
from aios_conformance.serving.codec import encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import NotFound
from aios_conformance.serving.stages import Answer, Response

API = "rerank"


ORDER = {"META-001": "the same statement as a property"}


def _scores(answer: Answer) -> list[float]:
    return [r["relevance_score"] for r in answer["results"]]


@in_answer("RERANK-SEM-006", api=API, also=ORDER, origin="mudler/LocalAI#7189")
def rerank_unsorted_beyond_three(context: RequestContext, answer: Answer) -> object:
    """Results come in input order once there are more than three of them."""
    before = list(answer["results"])
    if len(before) > 3:
        answer["results"].sort(key=lambda r: r["index"])
    return answer["results"] != before


@in_answer("RERANK-SEM-006", api=API, also=ORDER)
def rerank_last_two_swapped(context: RequestContext, answer: Answer) -> object:
    """The last two results change places."""
    scores = _scores(answer)
    if len(scores) < 3 or scores[-1] == scores[-2]:
        return False
    answer["results"][-2:] = reversed(answer["results"][-2:])
    return True


@in_answer("RERANK-SEM-002", api=API, also={
    "RERANK-SEM-004": "fewer results", "RERANK-SEM-005": "fewer results",
    "META-007": "a text comes back once instead of twice",
    "RERANK-SEM-003": "fewer results than documents",
    "META-005": "the indices are no permutation",
})  # fmt: skip
def rerank_duplicates_merged(context: RequestContext, answer: Answer) -> object:
    """Equal documents come back only once."""
    seen: dict[str, Any] = {}
    for result in answer["results"]:
        seen.setdefault(result["document"]["text"], result)
    merged = list(seen.values())
    changed = len(merged) < len(answer["results"])
    answer["results"] = merged
    return changed


@in_answer("META-010", api=API)
def rerank_second_copy_scores_less(context: RequestContext, answer: Answer) -> object:
    """The second of two equal documents loses a hundredth of its score."""
    seen: set[str] = set()
    acted = False
    for result in sorted(answer["results"], key=lambda r: r["index"]):
        text = result["document"]["text"]
        if text in seen:
            result["relevance_score"] *= 0.97
            acted = True
        seen.add(text)
    answer["results"].sort(key=lambda r: -r["relevance_score"])
    return acted


@in_answer("RERANK-RES-013", api=API, also={"META-006": "the same as a property"})
def rerank_index_of_another_document(context: RequestContext, answer: Answer) -> object:
    """The indices of the first two results are exchanged."""
    results = answer["results"]
    if len(results) < 2 or [r["index"] for r in results[:2]] == [1, 0]:
        return False
    results[0]["index"], results[1]["index"] = results[1]["index"], results[0]["index"]
    return results[0]["document"]["text"] != results[1]["document"]["text"]


@in_answer("RERANK-RES-011", api=API, also={
    "META-005": "the same statement as a property",
    "RERANK-RES-013": "no document is at that position",
    "META-006": "no document is at that position",
})  # fmt: skip
def rerank_index_counts_from_one(context: RequestContext, answer: Answer) -> object:
    """Indices count from 1."""
    for result in answer["results"]:
        result["index"] += 1
    return True


@in_answer("RERANK-RES-012", api=API, also={
    "META-005": "the same statement as a property",
    "RERANK-RES-013": "the index leads to another document",
    "META-006": "the index leads to another document",
})  # fmt: skip
def rerank_last_index_repeats_the_first(
    context: RequestContext, answer: Answer
) -> object:
    """The last of three or more results carries the index of the first."""
    results = answer["results"]
    if len(results) < 3:
        return False
    results[-1]["index"] = results[0]["index"]
    return True


TEXT = {
    "COMMON-REQ-015": "the text beyond ASCII is harmed",
    "META-006": "documents[index] is another text",
    "META-007": "the texts are not those submitted",
    "RERANK-RES-013": "documents[index] is another text",
}


@in_answer("RERANK-RES-016", api=API, also={
    **TEXT, "META-009": "two texts become one", "META-010": "two texts become one",
    "RERANK-SEM-008": "two texts become one",
})  # fmt: skip
def rerank_long_text_cut(context: RequestContext, answer: Answer) -> object:
    """Texts of more than 40 characters come back cut."""
    acted = False
    for result in answer["results"]:
        text = result["document"]["text"]
        result["document"]["text"] = text[:40]
        acted |= len(text) > 40
    return acted


@in_answer(
    "RERANK-RES-016",
    api=API,
    also=TEXT,
)
def rerank_non_ascii_replaced(context: RequestContext, answer: Answer) -> object:
    """Characters beyond ASCII come back as question marks."""
    acted = False
    for result in answer["results"]:
        text = result["document"]["text"]
        plain = text.encode("ascii", "replace").decode()
        result["document"]["text"] = plain
        acted |= plain != text
    return acted


@in_answer("RERANK-RES-016", api=API, also=TEXT)
def rerank_last_text_lower_cased(context: RequestContext, answer: Answer) -> object:
    """The text of the last result is lower-cased."""
    last = answer["results"][-1]["document"]
    before = last["text"]
    last["text"] = before.lower()
    return last["text"] != before


RANGE = {"META-004": "the same statement as a property"}


@in_answer("RERANK-RES-018", api=API, also={
    **RANGE, "META-017": "score still gives 0 to 1",
    "RERANK-SEM-007": "a cosine is at most 1",
}, origin="ggml-org/llama.cpp#8555")  # fmt: skip
def rerank_raw_logits(context: RequestContext, answer: Answer) -> object:
    """Scores are raw logits, from minus to plus infinity."""
    for result in answer["results"]:
        result["relevance_score"] = result["relevance_score"] * 14 - 7
    return True


@in_answer("RERANK-RES-018", api=API, also={
    "META-009": "the best depends on others",
    "META-010": "only the first of two copies is the best",
    "RERANK-SEM-008": "the best depends on others",
    **RANGE, "META-017": "score still gives 0 to 1",
    "RERANK-SEM-007": "a cosine is at most 1",
})  # fmt: skip
def rerank_best_score_above_one(context: RequestContext, answer: Answer) -> object:
    """The best score is a percentage."""
    answer["results"][0]["relevance_score"] *= 100
    return answer["results"][0]["relevance_score"] > 1


@in_answer("RERANK-SEM-001", api=API, also={
    "META-011": "the same statement as a property",
})  # fmt: skip
def rerank_v2_scores_differ(context: RequestContext, answer: Answer) -> object:
    """Only /v2/rerank gives scores that are a tenth lower."""
    if context.path != "/v2/rerank":
        return False
    for result in answer["results"]:
        result["relevance_score"] *= 0.9
    return True


@in_answer("META-011", api=API, also={
    "RERANK-SEM-001": "the same statement",
    "RERANK-RES-014": "the object became a string",
})  # fmt: skip
def rerank_root_path_gives_plain_documents(
    context: RequestContext, answer: Answer
) -> object:
    """Only /rerank returns the document as a bare string."""
    if context.path != "/rerank":
        return False
    for result in answer["results"]:
        result["document"] = result["document"]["text"]
    return True


@in_answer("META-008", api=API, also={
    "META-002": "scores depend on positions",
    "RERANK-SEM-004": "scores depend on positions",
    "RERANK-SEM-007": "scores depend on positions",
    "META-009": "a lone document has another position",
    "META-010": "copies stand at different positions",
    "META-017": "score has no positions",
    "RERANK-SEM-008": "the score depends on the other documents",
})  # fmt: skip
def rerank_scores_depend_on_position(context: RequestContext, answer: Answer) -> object:
    """Each position in the request takes three thousandths off the score."""
    for result in answer["results"]:
        result["relevance_score"] -= 0.003 * result["index"]
        result["relevance_score"] = max(result["relevance_score"], 0.0)
    answer["results"].sort(key=lambda r: -r["relevance_score"])
    return len(answer["results"]) > 1


@in_answer("META-009", api=API, also={
    "RERANK-SEM-008": "the same for a cross-encoder",
    "META-017": "score is not normalised",
    "RERANK-SEM-007": "scores are no cosines any more",
})  # fmt: skip
def rerank_scores_relative_to_the_best(
    context: RequestContext, answer: Answer
) -> object:
    """Scores are divided by the best of all documents."""
    best = max(_scores(answer), default=0.0)
    if best <= 0:
        return False
    for result in answer["results"]:
        result["relevance_score"] /= best
    return best < 0.995


@in_answer("META-012", api=API, also={"RERANK-SEM-010": "the same statement"})
def rerank_usage_counts_returned_only(
    context: RequestContext, answer: Answer
) -> object:
    """total_tokens is counted over the returned documents only."""
    share = len(answer["results"]) / len(context.parameters["documents"])
    total = answer["usage"]["total_tokens"]
    answer["usage"]["total_tokens"] = max(1, int(total * share))
    return share < 1


@in_answer(
    "META-013",
    also=dict.fromkeys(("META-014", "RERANK-SEM-009"), "it is above a tight limit"),
    api=API,
)
def rerank_usage_constant(context: RequestContext, answer: Answer) -> object:
    """total_tokens is that of one pair, however many documents there are."""
    count = len(context.parameters["documents"])
    answer["usage"]["total_tokens"] = 12
    return count > 1


@in_parameters("META-014", api=API, also={
    "RERANK-SEM-009": "the same statement",
})  # fmt: skip
def rerank_truncation_ignored(context: RequestContext) -> object:
    """truncate_prompt_tokens is accepted and ignored."""
    return context.parameters.pop("truncate_prompt_tokens", None) is not None


@in_answer("META-015", api=API)
def rerank_any_limit_halves_the_scores(
    context: RequestContext, answer: Answer
) -> object:
    """Any truncation limit, however roomy, halves the scores."""
    if not context.parameters.get("truncate_prompt_tokens"):
        return False
    for result in answer["results"]:
        result["relevance_score"] /= 2
    return True


@in_answer("META-016", api=API, also={
    "META-002": "the worst are kept", "RERANK-SEM-004": "the worst are kept",
    "RERANK-EX-004": "the printed answer is no longer first",
    "META-017": "score keeps the order",
    "RERANK-SEM-007": "scores are no cosines any more",
})  # fmt: skip
def rerank_least_relevant_first(context: RequestContext, answer: Answer) -> object:
    """Scores are turned round: the worst document is given the best score."""
    for result in answer["results"]:
        result["relevance_score"] = 1 - result["relevance_score"]
    answer["results"].reverse()
    return len(answer["results"]) > 1


@in_response("RERANK-REQ-003", api=API, also={
    "COMMON-REQ-001": "a listed path is missing",
})  # fmt: skip
def rerank_v2_not_served(context: RequestContext, response: Response) -> Response:
    """/v2/rerank answers 404 to everything."""
    if context.path != "/v2/rerank":
        return response
    error = NotFound("no such path", code="not_found")
    return 404, response[1], encode(error.body())
