"""What a completions server can get wrong in single fields of requests and answers."""

from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.tables import (
    REMOVED,
    breaks_down,
    forgives,
    member,
    refuses,
)

API = "completions"
TICKED = {"META-120": "a ticked field", "COMMON-REQ-011": "a ticked field"}
VALID = {"COMMON-RES-001": "a valid request is not answered 200"}

DEFECTS: tuple[Defect, ...] = (
    member("completions_text_is_a_list", "COMP-RES-007", API, "choices/*/text",
           lambda text: [text], also={
               "COMMON-SEM-002": "no string", "COMP-SEM-001": "no string"}),
    member("completions_prompt_logprobs_missing", "COMP-RES-011", API,
           "choices/*/prompt_logprobs", REMOVED),
    member("completions_prompt_logprobs_is_a_number", "COMP-RES-011", API,
           "choices/*/prompt_logprobs", 0.5),
    member("completions_details_missing", "COMP-RES-016", API,
           "usage/prompt_tokens_details", REMOVED,
           ),
    member("completions_logprobs_in_chats_layout", "COMP-RES-017", API,
           "choices/*/logprobs",
           lambda laid: laid and {"content": []}, also={
               "COMP-SEM-003": "nothing is listed"}),
    forgives("completions_prompt_may_be_missing", "COMP-REQ-003", API, "/prompt",
             keyword="required", instead="?", also={
                 "META-120": "a ticked field", "COMMON-REQ-011": "a ticked field",
                 "COMP-ERR-002": "a missing field"}),
    forgives("completions_prompt_may_be_a_number", "COMP-REQ-007", API, "/prompt*",
             when=lambda value: isinstance(value, int | float), instead="2.5"),
    forgives("completions_prompt_may_be_an_object", "COMP-REQ-007", API, "/prompt*",
             when=lambda value: isinstance(value, dict), instead="?"),
    forgives("completions_echo_may_be_an_object", "COMP-REQ-009", API, "/echo*",
             when=lambda value: isinstance(value, dict)),
    forgives("completions_logprobs_may_be_a_word", "COMP-REQ-016", API,
             "/logprobs*", when=lambda value: isinstance(value, str)),
    forgives("completions_logprobs_may_be_6", "COMP-REQ-018", API, "/logprobs*",
             keyword="maximum"),
    forgives("completions_logprobs_may_be_negative", "COMP-REQ-018", API,
             "/logprobs*", keyword="minimum"),
    refuses("completions_refuses_strings", "COMP-REQ-004", API,
            lambda body: isinstance(body["prompt"], str) and len(body) == 3,
            why="/prompt must be an array", also={
                **VALID, "COMMON-REQ-005": "the smallest body, without Accept",
                "COMP-EX-001": "the printed request has a temperature",
                "COMP-EX-002": "the printed request asks for a stream"}),
    refuses("completions_refuses_logprobs_5", "COMP-REQ-017", API,
            lambda body: body.get("logprobs") == 5, why="at most 4", also={
                **VALID, "COMP-REQ-016": "5 is the sample"}),
    refuses("completions_refuses_echo", "COMP-REQ-009", API,
            lambda body: body.get("echo") is True, why="no echo", also={
                **VALID, "COMMON-REQ-015": "sent with echo",
                "COMP-REQ-022": "a limit of 1 is refused with it"}),
    breaks_down("completions_breaks_down_on_a_huge_seed", "COMP-ERR-003",
                "completions", lambda context: b"0" * 30 in context.raw,
                what="a seed of 31 digits",
                also={"COMMON-ERR-004": "the same statement"}),
)  # fmt: skip
