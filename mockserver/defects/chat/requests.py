"""What a chat server can get wrong in reading requests."""

from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.planting import (
    Chunk,
    Defect,
    in_answer,
    in_stream,
)
from aios_conformance.mockserver.defects.tables import refuses
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import Violation
from aios_conformance.serving.stages import Answer, Stages

API = "chat"
VALID = {"COMMON-RES-001": "a valid request is not answered 200"}


def _alternatives_turn_logprobs_on() -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def validate(context: RequestContext) -> list[Violation]:
            asked = context.body.get("top_logprobs")
            if context.api == API and asked and "logprobs" not in context.body:
                tally.add()
                context.body["logprobs"] = True
            return stages.validate(context)

        return replace(stages, validate=validate), engine

    return Defect(
        "chat_alternatives_turn_logprobs_on",
        "top_logprobs without logprobs is read as if logprobs were true.",
        plant,
        "CHAT-REQ-052",
        {"META-074": "the same statement"},
    )


@in_answer("CHAT-RES-011", api=API)
def chat_last_choice_thinks_aloud(context: RequestContext, answer: Answer) -> object:
    """Of several choices the last has its reasoning, with its markup, as content."""
    last = answer["choices"][-1]["message"]
    is_asked_more = context.body.keys() & {"stop", "logprobs", "tools"}
    if len(answer["choices"]) < 2 or is_asked_more:
        return False
    last["content"] = f"<think>Hm.</think>{last['content']}"
    return True


@in_answer("CHAT-SEM-018", api=API, also={"CHAT-SEM-020": "an id for each call"})
def chat_auto_calls_have_no_id(context: RequestContext, answer: Answer) -> object:
    """Calls that are not demanded have an empty id."""
    calls = [c for each in answer["choices"] for c in each["message"]["tool_calls"]]
    if context.body.get("tool_choice", "auto") != "auto":
        return False
    for call in calls:
        call["id"] = ""
    return bool(calls)


@in_stream("COMMON-SEM-002", api=API, also={
    "CHAT-SEM-001": "the same statement", "CHAT-SEM-014": "an error ends a stream",
})  # fmt: skip
def chat_chunks_carry_an_error(context: RequestContext, chunks: list[Chunk]) -> None:
    """Each chunk has a member `error` that says all is well, which clients raise."""
    for chunk in chunks:
        chunk["error"] = {"code": 0, "message": "success"}


def _roles(body: Any) -> list[str]:
    return [message["role"] for message in body["messages"]]


DEFECTS: tuple[Defect, ...] = (
    _alternatives_turn_logprobs_on(),
    chat_last_choice_thinks_aloud,
    chat_auto_calls_have_no_id,
    chat_chunks_carry_an_error,
    refuses("chat_refuses_an_assistant_turn", "CHAT-REQ-008", API,
            lambda body: _roles(body)[1:2] == ["assistant"]
            and "temperature" not in body, why="the user speaks", also={
                **VALID, "CHAT-REQ-005": "a list of messages",
                "META-083": "a conversation of three"}),
    refuses("chat_refuses_a_stop_string", "CHAT-REQ-030", API,
            lambda body: isinstance(body.get("stop"), str),
            why="/stop must be an array", also=VALID),
    refuses("chat_refuses_null_stop_alone", "CHAT-REQ-032", API,
            lambda body: "stop" in body and body["stop"] is None
            and "logit_bias" not in body, why="/stop must be a string or an array"),
    refuses("chat_refuses_usage_switched_off", "CHAT-REQ-036", API,
            lambda body: (body.get("stream_options") or {}).get("include_usage")
            is False, why="/stream_options/include_usage must be true"),
    refuses("chat_refuses_three_alternatives", "CHAT-REQ-050", API,
            lambda body: body.get("top_logprobs") == 3 and body["max_tokens"] > 6
            and "stream" not in body, why="0 or 5 alternatives"),
    refuses("chat_demands_the_old_limit", "CHAT-REQ-019", API,
            lambda body: "max_completion_tokens" in body and "max_tokens" not in body,
            why="/max_tokens is missing", also={
                **VALID, "CHAT-REQ-020": "the new limit is enough"}),
    refuses("completions_demands_a_limit", "COMMON-REQ-012", "completions",
            lambda body: body.keys() == {"model", "prompt"},
            why="/max_tokens is missing", also={"META-120": "the same statement"}),
    refuses("completions_demands_a_temperature", "META-120", "completions",
            lambda body: body.keys() == {"model", "prompt"},
            why="/temperature is missing", also={"COMMON-REQ-012": "the same"}),
)  # fmt: skip
