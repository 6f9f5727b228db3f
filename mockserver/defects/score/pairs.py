"""What a score server can get wrong."""

from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
    in_response,
)
from aios_conformance.serving.codec import encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest, NotFound
from aios_conformance.serving.stages import Answer, Response

API = "score"
VALID = {"COMMON-RES-001": "a valid request is not answered 200"}


def _pairs(context: RequestContext) -> int:
    second = context.parameters["text_2"]
    return len(second) if isinstance(second, list) else 1


@in_answer("SCORE-SEM-002", api=API, also={
    "SCORE-SEM-003": "a score is lost",
    "META-018": "items are lost",
})  # fmt: skip
def score_drops_the_third_pair(context: RequestContext, answer: Answer) -> object:
    """Only the first two pairs of a batch are scored."""
    count = len(answer["data"])
    del answer["data"][2:]
    return count > 2


@in_answer("META-019", api=API, also={
    "SCORE-SEM-002": "its soft clause", "META-020": "positions stay",
    "META-017": "rerank does not swap",
    "META-025": "the cosine is that of another pair",
    "SCORE-SEM-006": "the cosine is that of another pair",
    "SCORE-SEM-005": "the pair alone scores otherwise",
    "META-027": "the matching pair gets the other score",
})  # fmt: skip
def score_last_two_exchanged(context: RequestContext, answer: Answer) -> object:
    """In a batch the last two scores change places."""
    data = answer["data"]
    if len(data) < 2 or data[-1]["score"] == data[-2]["score"]:
        return False
    data[-1]["score"], data[-2]["score"] = data[-2]["score"], data[-1]["score"]
    return True


@in_answer("META-020", api=API, also={
    "META-019": "positions matter", "META-021": "positions matter",
    "SCORE-SEM-003": "positions matter",
    "META-017": "rerank has no positions", "SCORE-SEM-002": "its soft clause",
    "SCORE-SEM-005": "the score depends on the batch",
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
    "META-026": "a text is less than itself",
})  # fmt: skip
def score_fades_with_position(context: RequestContext, answer: Answer) -> object:
    """Each position takes two hundredths off the score."""
    for position, item in enumerate(answer["data"]):
        item["score"] = max(item["score"] - 0.02 * position, 0.0)
    return len(answer["data"]) > 1


@in_parameters("META-021", api=API, also={
    "SCORE-SEM-003": "each pair is scored with another text",
    "META-027": "the match is scored as another pair",
})  # fmt: skip
def score_broadcast_pairs_the_first_only(context: RequestContext) -> object:
    """One text against many: all pairs but the first have an empty text."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    if isinstance(first, list) or not isinstance(second, list) or len(second) < 2:
        return False
    context.parameters["text_1"] = [first, *[""] * (len(second) - 1)]
    return True


@in_parameters("SCORE-SEM-003", api=API, also={
    **VALID,
})  # fmt: skip
def score_broadcast_scores_the_first_only(context: RequestContext) -> object:
    """One text against many gives one score."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    if isinstance(first, list) or not isinstance(second, list) or len(second) < 2:
        return False
    context.parameters["text_2"] = second[:1]
    return True


@in_parameters("SCORE-SEM-004", api=API)
def score_pairs_what_there_is(context: RequestContext) -> object:
    """Two against three texts are scored as two pairs."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    if not (isinstance(first, list) and isinstance(second, list) and len(first) > 1):
        return False
    shorter = min(len(first), len(second))
    context.parameters |= {"text_1": first[:shorter], "text_2": second[:shorter]}
    return len(first) != len(second)


@in_answer("SCORE-SEM-001", api=API)
def score_of_two_strings_comes_twice(context: RequestContext, answer: Answer) -> object:
    """Two strings are scored in both directions: two items."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    if isinstance(first, list) or isinstance(second, list):
        return False
    answer["data"].append({**answer["data"][0], "index": 1})
    return True


@in_answer("META-022", api=API, also={
    "META-019": "the single pair may be strings", "META-021": "arrays score less",
    "SCORE-SEM-002": "its soft clause", "META-017": "rerank has no arrays",
    "SCORE-SEM-003": "the single pair may be strings",
    "SCORE-SEM-005": "the single pair may be strings",
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
    "META-026": "a text is less than itself",
})  # fmt: skip
def score_of_lists_is_less(context: RequestContext, answer: Answer) -> object:
    """A text in an array scores a twentieth less than the bare string."""
    if not isinstance(context.parameters["text_1"], list):
        return False
    for item in answer["data"]:
        item["score"] *= 0.95
    return True


@in_answer("META-032", api=API, also={"SCORE-SEM-007": "the same statement"})
def score_root_path_is_coarse(context: RequestContext, answer: Answer) -> object:
    """Only /score rounds to one digit."""
    if context.path != "/score":
        return False
    for item in answer["data"]:
        item["score"] = round(item["score"], 1)
    return True


@in_answer(
    "META-033",
    api=API,
    also={
        "META-017": "rerank does not round",
        "META-025": "the rounded score differs",
        "META-032": "the rounded score differs",
        "SCORE-SEM-006": "the rounded score differs",
        "SCORE-SEM-007": "the rounded score differs",
        "SCORE-REQ-015": "the same statement",
    },
)
def score_default_format_is_int(context: RequestContext, answer: Answer) -> object:
    """Without encoding_format scores are rounded."""
    if "encoding_format" in context.body or context.path == "/score":
        return False
    for item in answer["data"]:
        item["score"] = round(item["score"], 1)
    return True


@in_answer("META-023", api=API, also={
    "SCORE-RES-009": "the same statement", "META-025": "scores are no cosines",
    "SCORE-SEM-006": "scores are no cosines", "META-017": "rerank is within 0 and 1",
    "META-026": "a text scores above 1 against itself",
}, origin="huggingface/sentence-transformers#1004")  # fmt: skip
def score_raw_logits(context: RequestContext, answer: Answer) -> object:
    """Scores are raw logits."""
    for item in answer["data"]:
        item["score"] = item["score"] * 14 - 7
    return True


@in_answer("SCORE-RES-009", api=API, also={
    "META-026": "the last is harmed", "META-027": "the last is harmed",
    "META-023": "the same statement as a property",
    "META-019": "a lone pair is within 0 and 1",
    "META-017": "rerank is within 0 and 1",
    "SCORE-SEM-002": "its soft clause", "META-020": "only the last is harmed",
    "SCORE-SEM-005": "a lone pair is within 0 and 1",
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
})  # fmt: skip
def score_last_of_three_negative(context: RequestContext, answer: Answer) -> object:
    """The last score of three or more is negative."""
    if len(answer["data"]) < 3:
        return False
    answer["data"][-1]["score"] = -0.25
    return True


@in_answer("META-030", api=API)
def score_usage_counts_the_first_pair(
    context: RequestContext, answer: Answer
) -> object:
    """Usage of a batch is that of its first pair."""
    count = len(answer["data"])
    prompt = max(1, answer["usage"]["prompt_tokens"] // count)
    answer["usage"] |= {"prompt_tokens": prompt, "total_tokens": prompt}
    return count > 1


@in_parameters("META-031", api=API, also={"SCORE-SEM-008": "the same statement"})
def score_truncation_ignored(context: RequestContext) -> object:
    """truncate_prompt_tokens is accepted and ignored."""
    return context.parameters.pop("truncate_prompt_tokens", None) is not None


@in_answer("META-024", api=API, also={
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
    "META-017": "rerank asks for no direction",
})  # fmt: skip
def score_depends_on_the_direction(context: RequestContext, answer: Answer) -> object:
    """A first text shorter than the second takes a tenth off the score."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    ones = first if isinstance(first, list) else [first] * _pairs(context)
    twos = second if isinstance(second, list) else [second]
    acted = False
    for item, one, two in zip(answer["data"], ones, twos, strict=False):
        if len(one) < len(two):
            item["score"] *= 0.9
            acted = True
    return acted


@in_answer("META-027", api=API, also={
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
    "META-017": "rerank keeps the order", "META-026": "a text scores 0 with itself",
})  # fmt: skip
def score_turned_round(context: RequestContext, answer: Answer) -> object:
    """Similar texts score low."""
    for item in answer["data"]:
        item["score"] = 1 - item["score"]
    return True


@in_answer("SCORE-REQ-017", api=API, also={"SCORE-RES-008": "a string"})
def score_int_gives_strings(context: RequestContext, answer: Answer) -> object:
    """encoding_format int gives the score as a string."""
    if context.body.get("encoding_format") != "int":
        return False
    for item in answer["data"]:
        item["score"] = str(item["score"])
    return True


@in_response("SCORE-REQ-002", api=API, also={
    "SCORE-SEM-002": "batches are refused",
})  # fmt: skip
def score_v1_refuses_batches(context: RequestContext, response: Response) -> Response:
    """/v1/score answers 404 to a body without encoding_format."""
    if context.path != "/v1/score" or "encoding_format" in context.body:
        return response
    error = NotFound("no such path", code="not_found")
    return 404, response[1], encode(error.body())


@in_parameters("SCORE-REQ-013", api=API, also={
    "COMMON-ERR-004": "no input may crash", "SCORE-ERR-003": "no input may crash",
})  # fmt: skip
def score_crashes_on_long_text(context: RequestContext) -> object:
    """A text beyond the model's length is answered 500."""
    texts = str(context.parameters["text_1"]) + str(context.parameters["text_2"])
    if len(texts) < 10_000:
        return False
    raise BrokenByLength


class BrokenByLength(BadRequest):
    """The crash of `score_crashes_on_long_text`."""

    status = 500

    def __init__(self) -> None:
        """Say little, as crashes do."""
        super().__init__("Internal Server Error", code="crashed")
