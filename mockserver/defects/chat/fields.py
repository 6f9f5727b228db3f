"""What a chat server can get wrong in single fields of requests and answers."""

from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.tables import (
    REMOVED,
    breaks_down,
    forgives,
    member,
    refuses,
)

API = "chat"
TICKED = {"META-120": "a ticked field", "COMMON-REQ-011": "a ticked field"}
VALID = {"COMMON-RES-001": "a valid request is not answered 200"}
USER = [{"role": "user", "content": "?"}]

DEFECTS: tuple[Defect, ...] = (
    member("chat_message_is_a_string", "CHAT-RES-007", API, "choices/*/message",
           lambda message: message["content"], also={
               "COMMON-SEM-002": "no message", "CHAT-SEM-001": "no message"}),
    member("chat_reasoning_is_a_number", "CHAT-RES-012", API,
           "choices/*/message/reasoning_content", 0,
           also={"CHAT-RES-011": "the same member"}),
    member("chat_tool_calls_is_a_string", "CHAT-RES-013", API,
           "choices/*/message/tool_calls", "",
           also={"CHAT-RES-009": "content is null beside",
                 "META-079": "no calls to read", "CHAT-REQ-045": "no calls to read",
                 "META-083": "its own reply is refused",
                 "CHAT-REQ-008": "its own reply is refused"}),
    member("chat_logprobs_is_a_list", "CHAT-RES-018", API, "choices/*/logprobs", [],
           also={"CHAT-SEM-005": "no object",
                 "META-072": "not null"}),
    member("chat_role_is_system", "CHAT-RES-008", API, "choices/*/message/role",
           "system", also={"META-082": "the same statement"}),
    member("chat_prompt_tokens_is_zero", "CHAT-RES-020", API, "usage",
           lambda usage: usage | {"prompt_tokens": 0,
                                  "total_tokens": usage["completion_tokens"]},
           also={"META-062": "the stream counts them",
                 "META-064": "the stream counts them",
                 "META-039": "a longer prompt counts no more"}),
    forgives("chat_messages_may_be_missing", "CHAT-REQ-004", API, "/messages",
             keyword="required", instead=USER, also={
                 "META-120": "a ticked field", "COMMON-REQ-011": "a ticked field",
                 "CHAT-ERR-002": "a missing field"}),
    forgives("chat_messages_may_be_a_string", "CHAT-REQ-005", API, "/messages*",
             when=lambda value: isinstance(value, str), instead=USER),
    forgives("chat_role_may_be_missing", "CHAT-REQ-006", API, "/messages*",
             when=lambda value: isinstance(value, list) and any(
                 "role" not in m for m in value), instead=USER),
    forgives("chat_content_may_be_missing", "CHAT-REQ-007", API, "/messages*",
             when=lambda value: isinstance(value, list) and any(
                 "content" not in m for m in value), instead=USER),
    forgives("chat_logprobs_may_be_an_object", "CHAT-REQ-018", API, "/logprobs*",
             when=lambda value: isinstance(value, dict)),
    forgives("chat_tool_choice_may_be_a_word", "CHAT-REQ-043", API, "/tool_choice*",
             when=lambda value: isinstance(value, str), instead="auto"),
    forgives("chat_tools_may_be_an_object", "CHAT-REQ-046", API, "/tools*",
             when=lambda value: isinstance(value, dict | str)),
    forgives("chat_tools_of_any_type", "CHAT-REQ-047", API, "/tools*",
             when=lambda value: isinstance(value, list) and len(value) < 10),
    forgives("chat_129_tools", "CHAT-REQ-049", API, "/tools*",
             when=lambda value: isinstance(value, list) and len(value) > 128),
    forgives("chat_top_logprobs_may_be_negative", "CHAT-REQ-051", API,
             "/top_logprobs*", keyword="minimum"),
    forgives("chat_top_logprobs_may_be_21", "CHAT-REQ-051", API, "/top_logprobs*",
             keyword="maximum"),
    refuses("chat_refuses_system", "CHAT-REQ-009", API,
            lambda body: any(m.get("role") == "system" for m in body["messages"]),
            why="no system messages"),
    refuses("chat_refuses_assistant_first", "CHAT-REQ-010", API,
            lambda body: body["messages"][:1] and (
                body["messages"][0].get("role") == "assistant"),
            why="the user speaks first", also={
                **VALID, "CHAT-EX-001": "the printed request"}),
    refuses("chat_refuses_128_tools", "CHAT-REQ-048", API,
            lambda body: len(body.get("tools") or []) > 100, why="too many tools"),
    refuses("chat_refuses_top_logprobs_20", "CHAT-REQ-051", API,
            lambda body: body.get("top_logprobs") == 20, why="at most 5"),
    refuses("chat_refuses_history", "META-083", API,
            lambda body: len(body["messages"]) > 2, why="one turn only", also={
                **VALID, "CHAT-REQ-008": "a conversation of three",
                "CHAT-REQ-005": "a list of messages"}),
    refuses("chat_refuses_penalty_2", "CHAT-REQ-014", API,
            lambda body: body.get("frequency_penalty") == 2.0, why="below 2"),
    member("chat_usage_lacks_completion_tokens", "CHAT-RES-021", API,
           "usage/completion_tokens", REMOVED,
           also={"COMMON-RES-009": "the same member"}),
    breaks_down("chat_breaks_down_on_a_huge_limit", "CHAT-REQ-021", "chat",
                lambda context: b'"max_completion_tokens":2147483647' in context.raw,
                what="the largest limit of 31 bits",
                also={"COMMON-ERR-004": "no input may crash",
                      "CHAT-ERR-003": "no input may crash"}),
)  # fmt: skip
