"""What a score server can get wrong in single fields of requests and answers."""

from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.tables import (
    REMOVED,
    answers,
    crashes,
    forgives,
    member,
    refuses,
)
from aios_conformance.mockserver.defects.whens import (
    equals,
    has,
    is_list,
    lacks,
    starts_with,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError

API = "score"
TICKED = {"META-120": "a ticked field", "COMMON-REQ-011": "a ticked field"}
VALID = {"COMMON-RES-001": "a valid request is not answered 200"}


def _has_nan(context: RequestContext, error: ApiError) -> bool:
    return b":NaN" in context.raw


DEFECTS: tuple[Defect, ...] = (
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
               "COMMON-RES-010": "the same statement"}),
    member("score_completion_tokens_is_one", "META-029", API, "usage",
           lambda usage: usage | {"completion_tokens": 1,
                                  "total_tokens": usage["prompt_tokens"] + 1},
           also={"SCORE-RES-014": "the same statement"}),
    member("score_details_tell_of_a_cache", "SCORE-RES-015", API,
           "usage/prompt_tokens_details", {"cached_tokens": 0}),
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
                 **TICKED, "SCORE-ERR-002": "a missing text_2"}),
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
            also={"SCORE-EX-001": "the printed request has it", **VALID}),
    refuses("score_refuses_int", "SCORE-REQ-017", API,
            equals("encoding_format", "int"), why="no such format"),
    refuses("score_refuses_text_1_list", "SCORE-REQ-008", API, is_list("text_1"),
            why="text_1 must be a string", also={
                "SCORE-EX-001": "the printed request has lists", **VALID,
                "SCORE-SEM-002": "batches are lists"}),
    refuses("score_refuses_text_2_list", "SCORE-REQ-010", API, is_list("text_2"),
            why="text_2 must be a string", also={
                "SCORE-EX-001": "the printed request has lists", **VALID,
                "SCORE-SEM-002": "batches are lists",
                "SCORE-SEM-003": "one against many"}),
    refuses("score_refuses_long_questions", "SCORE-REQ-007", API,
            lambda body: isinstance(body["text_1"], str) and len(body["text_1"]) > 35
            and isinstance(body["text_2"], str) and len(body) == 3,
            why="/text_1 is too long",
            also={"SCORE-REQ-009": "both are strings", "SCORE-SEM-001": "one pair"}),
    refuses("score_refuses_long_answers", "SCORE-REQ-009", API,
            lambda body: isinstance(body["text_2"], str) and len(body["text_2"]) > 55
            and isinstance(body["text_1"], str) and len(body) == 3,
            why="/text_2 is too long",
            also={"SCORE-REQ-007": "both are strings", "SCORE-SEM-001": "one pair"}),
    refuses("score_refuses_100", "SCORE-REQ-019", API,
            equals("truncate_prompt_tokens", 100), why="too small a limit"),
    crashes("score_crashes_on_missing_text_2", "SCORE-ERR-003", API, lacks("text_2"),
            what="a missing text_2", also={"COMMON-ERR-004": "the same statement"}),
    crashes("score_crashes_on_a_text", "SCORE-ERR-003", API, starts_with(b'"'),
            what="a bare string as body",
            also={"COMMON-ERR-004": "the same statement"}),
    crashes("score_crashes_on_unknown_model", "COMMON-ERR-004", API,
            lambda context: context.model is None and has("model")(context.body),
            what="an unknown model", also={"SCORE-ERR-003": "the same statement"}),
    answers("score_reads_nan", "SCORE-ERR-001", "score", _has_nan,
            what="a body with NaN, which is no JSON,"),
    crashes("score_crashes_on_nan", "SCORE-ERR-003", "score",
            lambda context: b":NaN" in context.raw, what="a body with NaN",
            also={"COMMON-ERR-004": "the same statement"}),
)  # fmt: skip
