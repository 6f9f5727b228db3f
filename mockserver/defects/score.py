"""What a score server can get wrong."""

from mockserver.defects.planting import (
    REMOVED,
    Defect,
    crashes,
    forgives,
    in_answer,
    in_parameters,
    in_response,
    member,
    refuses,
)
from mockserver.defects.whens import equals, has, is_list, lacks, starts_with
from serving.codec import encode
from serving.context import Context
from serving.errors import BadRequest, NotFound
from serving.stages import Answer, Response

API = "score"
TICKED = {"META-120": "a ticked field", "COMMON-REQ-011": "a ticked field"}
VALID = {"COMMON-RES-001": "a valid request is not answered 200"}


def _pairs(context: Context) -> int:
    second = context.parameters["text_2"]
    return len(second) if isinstance(second, list) else 1


@in_answer("SCORE-SEM-002", api=API, also={
    "SCORE-SEM-003": "a score is lost",
    "META-018": "items are lost", "META-020": "scores are lost",
    "META-019": "batch and single differ", "META-021": "scores are lost",
})  # fmt: skip
def score_drops_the_third_pair(context: Context, answer: Answer) -> object:
    """Only the first two pairs of a batch are scored."""
    count = len(answer["data"])
    del answer["data"][2:]
    return count > 2


@in_answer("META-019", api=API, also={
    "SCORE-SEM-002": "its soft clause", "META-020": "positions stay",
    "META-021": "one against many differs", "META-017": "rerank does not swap",
    "SCORE-SEM-003": "each score is that of another pair",
    "META-025": "the cosine is that of another pair",
    "SCORE-SEM-006": "the cosine is that of another pair",
    "SCORE-SEM-005": "the pair alone scores otherwise",
    "META-026": "a text meets another one", "META-024": "pairs are exchanged",
    "META-027": "the matching pair gets the other score",
})  # fmt: skip
def score_last_two_exchanged(context: Context, answer: Answer) -> object:
    """In a batch the last two scores change places."""
    data = answer["data"]
    if len(data) < 2 or data[-1]["score"] == data[-2]["score"]:
        return False
    data[-1]["score"], data[-2]["score"] = data[-2]["score"], data[-1]["score"]
    return True


@in_answer("META-020", api=API, also={
    "META-019": "positions matter", "META-021": "positions matter",
    "META-017": "rerank has no positions", "SCORE-SEM-002": "its soft clause",
    "SCORE-SEM-003": "each score depends on its position",
    "SCORE-SEM-005": "the score depends on the batch",
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
    "META-024": "the two directions stand at two positions",
    "META-026": "a text is less than itself",
    "META-022": "an array has positions too",
})  # fmt: skip
def score_fades_with_position(context: Context, answer: Answer) -> object:
    """Each position takes two hundredths off the score."""
    for position, item in enumerate(answer["data"]):
        item["score"] = max(item["score"] - 0.02 * position, 0.0)
    return len(answer["data"]) > 1


@in_parameters("META-021", api=API, also={
    "SCORE-SEM-003": "each pair is scored with another text",
    "META-019": "single pairs are scored rightly",
})  # fmt: skip
def score_broadcast_pairs_the_first_only(context: Context) -> object:
    """One text against many: all pairs but the first have an empty text."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    if isinstance(first, list) or not isinstance(second, list) or len(second) < 2:
        return False
    context.parameters["text_1"] = [first, *[""] * (len(second) - 1)]
    return True


@in_parameters("SCORE-SEM-003", api=API, also={
    "META-021": "one score in place of many", "META-017": "one score in place of many",
    **VALID,
})  # fmt: skip
def score_broadcast_scores_the_first_only(context: Context) -> object:
    """One text against many gives one score."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    if isinstance(first, list) or not isinstance(second, list) or len(second) < 2:
        return False
    context.parameters["text_2"] = second[:1]
    return True


@in_parameters("SCORE-SEM-004", api=API)
def score_pairs_what_there_is(context: Context) -> object:
    """Two against three texts are scored as two pairs."""
    first, second = context.parameters["text_1"], context.parameters["text_2"]
    if not (isinstance(first, list) and isinstance(second, list) and len(first) > 1):
        return False
    shorter = min(len(first), len(second))
    context.parameters |= {"text_1": first[:shorter], "text_2": second[:shorter]}
    return len(first) != len(second)


@in_answer("SCORE-SEM-001", api=API)
def score_of_two_strings_comes_twice(context: Context, answer: Answer) -> object:
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
def score_of_lists_is_less(context: Context, answer: Answer) -> object:
    """A text in an array scores a twentieth less than the bare string."""
    if not isinstance(context.parameters["text_1"], list):
        return False
    for item in answer["data"]:
        item["score"] *= 0.95
    return True


@in_answer("META-032", api=API, also={"SCORE-SEM-007": "the same statement"})
def score_root_path_is_coarse(context: Context, answer: Answer) -> object:
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
        "META-025": "the rounded score differs",
        "META-032": "the rounded score differs",
        "SCORE-SEM-006": "the rounded score differs",
        "SCORE-SEM-007": "the rounded score differs",
        "SCORE-REQ-015": "the same statement",
    },
)
def score_default_format_is_int(context: Context, answer: Answer) -> object:
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
def score_raw_logits(context: Context, answer: Answer) -> object:
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
    "META-021": "only the last is harmed",
    "SCORE-SEM-003": "a lone pair is within 0 and 1",
    "SCORE-SEM-005": "a lone pair is within 0 and 1",
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
})  # fmt: skip
def score_last_of_three_negative(context: Context, answer: Answer) -> object:
    """The last score of three or more is negative."""
    if len(answer["data"]) < 3:
        return False
    answer["data"][-1]["score"] = -0.25
    return True


@in_answer("META-030", api=API, also={
    "META-031": "usage stays under the limit",
})  # fmt: skip
def score_usage_counts_the_first_pair(context: Context, answer: Answer) -> object:
    """Usage of a batch is that of its first pair."""
    count = len(answer["data"])
    prompt = max(1, answer["usage"]["prompt_tokens"] // count)
    answer["usage"] |= {"prompt_tokens": prompt, "total_tokens": prompt}
    return count > 1


@in_parameters("META-031", api=API, also={"SCORE-SEM-008": "the same statement"})
def score_truncation_ignored(context: Context) -> object:
    """truncate_prompt_tokens is accepted and ignored."""
    return context.parameters.pop("truncate_prompt_tokens", None) is not None


@in_answer("META-024", api=API, also={
    "META-025": "scores are no cosines", "SCORE-SEM-006": "scores are no cosines",
    "META-019": "never: the same pair scores alike",
})  # fmt: skip
def score_depends_on_the_direction(context: Context, answer: Answer) -> object:
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
def score_turned_round(context: Context, answer: Answer) -> object:
    """Similar texts score low."""
    for item in answer["data"]:
        item["score"] = 1 - item["score"]
    return True


@in_answer("SCORE-REQ-017", api=API)
def score_int_gives_strings(context: Context, answer: Answer) -> object:
    """encoding_format int gives the score as a string."""
    if context.body.get("encoding_format") != "int":
        return False
    for item in answer["data"]:
        item["score"] = str(item["score"])
    return True


@in_response("SCORE-REQ-002", api=API, also={
    "SCORE-SEM-002": "batches are refused",
    "COMMON-REQ-001": "a listed path is missing",
    "META-032": "the other path is served", "SCORE-SEM-007": "the other is served",
})  # fmt: skip
def score_v1_refuses_batches(context: Context, response: Response) -> Response:
    """/v1/score answers 404 to a body without encoding_format."""
    if context.path != "/v1/score" or "encoding_format" in context.body:
        return response
    error = NotFound("no such path", code="not_found")
    return 404, response[1], encode(error.body())


@in_parameters("SCORE-REQ-013", api=API, also={
    "COMMON-ERR-004": "no input may crash", "SCORE-ERR-003": "no input may crash",
})  # fmt: skip
def score_crashes_on_long_text(context: Context) -> object:
    """A text beyond the model's length is answered 500."""
    texts = str(context.parameters["text_1"]) + str(context.parameters["text_2"])
    if len(texts) < 20_000:
        return False
    raise BrokenByLength


class BrokenByLength(BadRequest):
    """The crash of `score_crashes_on_long_text`."""

    status = 500

    def __init__(self) -> None:
        """Say little, as crashes do."""
        super().__init__("Internal Server Error", code="crashed")


_TABLE: tuple[Defect, ...] = (
    member("score_id_constant", "SCORE-RES-001", API, "id", "score-scp-aios-score",
           also={"COMMON-RES-005": "the same statement", "META-115": "the same"}),
    member("score_id_is_a_number", "SCORE-RES-001", API, "id", 7,
           also={"COMMON-RES-005": "the same member"}),
    member("score_object_is_score", "SCORE-RES-002", API, "object", "score"),
    member("score_created_is_fractional", "SCORE-RES-003", API, "created",
           lambda seconds: seconds + 0.5, also={"COMMON-RES-006": "the same member"}),
    member("score_created_is_uptime", "COMMON-RES-006", API, "created", 239_128,
           also={"META-116": "the same statement", "SCORE-RES-003": "the same member"},
           origin="vllm-project/vllm#10400"),
    member("score_model_missing", "SCORE-RES-004", API, "model", REMOVED,
           also={"COMMON-RES-007": "the same member"}),
    member("score_data_is_an_object", "SCORE-RES-005", API, "data",
           lambda data: {"0": data[0]}),
    member("score_index_always_0", "SCORE-RES-006", API, "data/*/index", 0,
           also={"META-018": "indices in order", "SCORE-EX-003": "indices 0 and 1"}),
    member("score_item_object_is_embedding", "SCORE-RES-007", API, "data/-1/object",
           "embedding"),
    member("score_is_a_list", "SCORE-RES-008", API, "data/*/score",
           lambda score: [score], origin="vllm-project/vllm#10400"),
    member("score_usage_is_null", "SCORE-RES-010", API, "usage", None),
    member("score_prompt_tokens_is_a_string", "SCORE-RES-011", API,
           "usage/prompt_tokens", str, also={"COMMON-RES-009": "the same member"}),
    member("score_total_is_one_more", "META-028", API, "usage/total_tokens",
           lambda total: total + 1, also={
               "SCORE-RES-012": "the same statement", "SCORE-EX-005": "the same",
               "COMMON-RES-010": "the same statement", "META-031": "one above"}),
    member("score_completion_tokens_missing", "SCORE-RES-013", API,
           "usage/completion_tokens", REMOVED,
           also={"COMMON-RES-009": "the same member"}),
    member("score_details_is_a_list", "COMMON-RES-011", API,
           "usage/prompt_tokens_details", [], also={"SCORE-RES-015": "the same"}),
    forgives("score_model_may_be_missing", "SCORE-REQ-004", API, "/model",
             keyword="required", instead="sds/bge-reranker-v2-m3", also=TICKED),
    forgives("score_text_1_may_be_missing", "SCORE-REQ-005", API, "/text_1",
             keyword="required", instead="", also=TICKED),
    forgives("score_text_2_may_be_missing", "SCORE-REQ-006", API, "/text_2",
             keyword="required", instead="", also={
                 **TICKED, "SCORE-ERR-002": "a missing text_2",
                 "COMMON-ERR-003": "a breach of the table"}),
    forgives("score_text_1_may_be_a_number", "SCORE-REQ-011", API, "/text_1*",
             when=lambda value: isinstance(value, int | float), instead="1"),
    forgives("score_text_2_may_be_an_object", "SCORE-REQ-011", API, "/text_2*",
             when=lambda value: isinstance(value, dict), instead="1"),
    forgives("score_format_may_be_an_object", "SCORE-REQ-014", API,
             "/encoding_format*", when=lambda value: isinstance(value, dict)),
    forgives("score_format_may_be_hex", "SCORE-REQ-018", API, "/encoding_format*",
             when=lambda value: isinstance(value, str)),
    forgives("score_limit_may_be_a_word", "SCORE-REQ-019", API,
             "/truncate_prompt_tokens*", when=lambda value: isinstance(value, str)),
    forgives("score_limit_may_be_zero", "SCORE-REQ-020", API,
             "/truncate_prompt_tokens*", when=lambda value: value == 0),
    forgives("score_limit_may_be_negative", "SCORE-REQ-020", API,
             "/truncate_prompt_tokens*", also={
                 "COMMON-ERR-007": "a bound on which the documents agree"},
             when=lambda value: isinstance(value, int) and value < 0),
    refuses("score_refuses_float", "SCORE-REQ-016", API,
            equals("encoding_format", "float"), why="no such format",
            also={"SCORE-EX-001": "the printed request has it", **VALID,
                  "SCORE-REQ-014": "float is the default"}),
    refuses("score_refuses_int", "SCORE-REQ-017", API,
            equals("encoding_format", "int"), why="no such format"),
    refuses("score_refuses_text_1_list", "SCORE-REQ-008", API, is_list("text_1"),
            why="text_1 must be a string", also={
                "SCORE-EX-001": "the printed request has lists", **VALID}),
    refuses("score_refuses_text_2_list", "SCORE-REQ-010", API, is_list("text_2"),
            why="text_2 must be a string", also={
                "SCORE-EX-001": "the printed request has lists", **VALID,
                "SCORE-SEM-003": "one against many"}),
    refuses("score_refuses_100", "SCORE-REQ-019", API,
            equals("truncate_prompt_tokens", 100), why="too small a limit",
            also=VALID),
    crashes("score_crashes_on_missing_text_2", "SCORE-ERR-003", API, lacks("text_2"),
            what="a missing text_2", also={"COMMON-ERR-004": "the same statement"}),
    crashes("score_crashes_on_null", "SCORE-ERR-003", API, starts_with(b"null"),
            what="null as body", also={"COMMON-ERR-004": "the same statement"}),
    crashes("score_crashes_on_unknown_model", "COMMON-ERR-004", API,
            lambda context: context.model is None and has("model")(context.body),
            what="an unknown model", also={"SCORE-ERR-003": "the same statement"}),
)  # fmt: skip

DEFECTS: tuple[Defect, ...] = (
    score_drops_the_third_pair,
    score_last_two_exchanged,
    score_fades_with_position,
    score_broadcast_pairs_the_first_only,
    score_broadcast_scores_the_first_only,
    score_pairs_what_there_is,
    score_of_two_strings_comes_twice,
    score_of_lists_is_less,
    score_root_path_is_coarse,
    score_default_format_is_int,
    score_raw_logits,
    score_last_of_three_negative,
    score_usage_counts_the_first_pair,
    score_truncation_ignored,
    score_depends_on_the_direction,
    score_turned_round,
    score_int_gives_strings,
    score_v1_refuses_batches,
    score_crashes_on_long_text,
    *_TABLE,
)
