"""What any of the five APIs can get wrong: transport, errors, shared members."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.planting import (
    Defect,
    Plant,
    in_answer,
    in_parameters,
    in_refusal,
    in_response,
)
from aios_conformance.mockserver.defects.tables import (
    crashes,
    forgives,
    member,
    refuses,
)
from aios_conformance.mockserver.defects.whens import lacks
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer, Response, Stages

ALL = "rerank score chat completions embeddings"
GENERATING = "chat completions"


@in_refusal("COMMON-ERR-001", also={
    "COMMON-ERR-003": "which code a breach gets",
})  # fmt: skip
def breaches_are_403(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Schema breaches are answered 403."""
    return (403, *found[1:]) if found[0] == 422 else found


@in_refusal("COMMON-ERR-002", also={
    "COMMON-ERR-001": "an undocumented code",
})  # fmt: skip
def not_json_is_415(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A body that is not JSON is answered 415."""
    return (415, *found[1:]) if not context.body and found[0] == 400 else found


@in_refusal("COMMON-ERR-003", api="rerank", also={
    "COMMON-ERR-001": "an undocumented code",
})  # fmt: skip
def rerank_breaches_are_404(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A breach of rerank's table is answered 404."""
    return (404, *found[1:]) if found[0] == 422 else found


@in_refusal("COMMON-ERR-006", origin="vllm-project/vllm#51654")
def refusals_are_plain_text(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Refusals are plain text."""
    return found[0], {"Content-Type": "text/plain"}, error.message.encode()


@in_refusal("COMMON-ERR-006", api="chat")
def chat_refusals_are_empty(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Chat's refusals have no body."""
    return found[0], found[1], b""


@in_refusal("COMMON-ERR-008", origin="runpod-workers/worker-vllm#57")
def unknown_model_is_200(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """An unknown model is answered 200 with an error body."""
    return (200, *found[1:]) if error.code == "model_not_found" else found


@in_response("COMMON-RES-001")
def success_is_201(context: RequestContext, found: Response) -> Response:
    """Whole successes are answered 201."""
    return (201, *found[1:])


@in_response("COMMON-RES-001", api="score")
def score_success_is_202(context: RequestContext, found: Response) -> Response:
    """Score successes are answered 202."""
    return (202, *found[1:])


@in_response("COMMON-RES-002", also={
    "COMMON-SEM-002": "the client reads no array", "CHAT-SEM-001": "no object",
    "COMP-SEM-001": "no object",
    "CHAT-REQ-034": "not one object", "COMP-REQ-030": "not one object",
    "META-060": "not one object",
})  # fmt: skip
def success_is_an_array(context: RequestContext, found: Response) -> Response:
    """Successes come as an array with one object."""
    return found[0], found[1], b"[" + found[2] + b"]"


@in_response("COMMON-RES-003")
def success_is_labelled_text(context: RequestContext, found: Response) -> Response:
    """Successes carry Content-Type text/plain."""
    return found[0], {"Content-Type": "text/plain"}, found[2]


@in_response("COMMON-RES-002", api="completions", also={
    "COMMON-SEM-002": "half a body", "COMP-SEM-001": "half a body",
    "COMP-REQ-030": "half a body is no JSON", "META-060": "half a body is no JSON",
})  # fmt: skip
def every_third_body_is_cut(context: RequestContext, found: Response) -> Response:
    """Every third answer of completions lacks its last ten bytes."""
    return (*found[:2], found[2][:-10]) if context.number % 3 == 0 else found


@in_answer("META-115", also={
    "COMMON-RES-005": "the same statement",
    "RERANK-RES-001": "the same statement", "SCORE-RES-001": "the same statement",
    "CHAT-RES-001": "the same statement", "COMP-RES-001": "the same statement",
    "EMB-RES-001": "the same statement",
})  # fmt: skip
def ids_repeat_after_a_while(context: RequestContext, answer: Answer) -> object:
    """Ids are numbered modulo 7."""
    answer["id"] = f"id-{context.number % 7}"
    return True


@in_answer("META-116", api="score chat completions embeddings")
def created_runs_backwards(context: RequestContext, answer: Answer) -> object:
    """Created falls by a second with each request."""
    answer["created"] -= context.number % 250
    return context.number % 250 > 0


@in_answer("COMMON-RES-006", api="chat", also={
    "META-116": "the same statement", "CHAT-RES-003": "the same member",
})  # fmt: skip
def chat_created_an_hour_ahead(context: RequestContext, answer: Answer) -> object:
    """Chat's created is an hour ahead."""
    answer["created"] += 3600
    return True


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a chat is told, by whatever model and in however many pieces."""
    return {k: v for k, v in body.items() if k not in ("model", "stream")}


def _broken_after_an_error() -> Plant:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        refused: list[dict[str, Any]] = []

        def refusal(context: RequestContext, error: ApiError) -> Response:
            if context.api == "chat" and "model" not in context.body:
                refused[:] = [_told(context.body)]
            return stages.refusal(context, error)

        async def answer(context: RequestContext) -> Answer:
            whole = await stages.answer(context)
            rest = _told(context.body)
            if context.api == "chat" and refused == [rest] and "temperature" in rest:
                refused.clear()
                tally.add()
                for choice in whole["choices"]:
                    choice["message"]["content"] = "Sorry?"
            return whole

        return replace(stages, refusal=refusal, answer=answer), engine

    return plant


@in_parameters("META-118", api="rerank", also={
    "META-005": "a document is missing", "META-007": "a document is missing",
    "RERANK-SEM-002": "a document is missing",
    "RERANK-SEM-003": "a document is missing", "META-012": "it is not counted",
})  # fmt: skip
def rerank_member_order_matters(context: RequestContext) -> object:
    """Rerank with `documents` before `query` in the body loses the last document."""
    names = list(context.body)
    if "query" not in names or names.index("query") < names.index("documents"):
        return False
    context.parameters["documents"] = context.parameters["documents"][:-1]
    return True


@in_parameters("META-117", api=GENERATING, also={
    "META-048": "stop null ends the text too", "META-057": "a null bias counts",
    "CHAT-REQ-032": "stop null ends the text too",
    "META-042": "cut before the limit", "META-073": "logprobs null cuts the text",
})  # fmt: skip
def null_means_one_token(context: RequestContext) -> object:
    """Any null member cuts the text after one token."""
    if None not in context.body.values():
        return False
    context.parameters["max_tokens"] = 1
    context.parameters["max_completion_tokens"] = 1
    return True


VALID = {"COMMON-RES-001": "a valid request is not answered 200"}
TICKED = {"META-120": "a ticked field", "COMMON-REQ-011": "a ticked field"}

DEFECTS: tuple[Defect, ...] = (
    breaches_are_403,
    not_json_is_415,
    rerank_breaches_are_404,
    refusals_are_plain_text,
    chat_refusals_are_empty,
    unknown_model_is_200,
    success_is_201,
    score_success_is_202,
    success_is_an_array,
    success_is_labelled_text,
    every_third_body_is_cut,
    ids_repeat_after_a_while,
    created_runs_backwards,
    chat_created_an_hour_ahead,
    Defect(
        "an_error_spoils_the_next_answer",
        "Chat answers a request otherwise if it was refused just before for want of a "
        "model.",
        _broken_after_an_error(),
        "META-119",
        {},
    ),
    rerank_member_order_matters,
    null_means_one_token,
    refuses("chat_refuses_null_stop", "COMMON-REQ-013", "chat",
            lambda body: "stop" in body and body["stop"] is None,
            why="/stop must be a string or an array", also={
                "META-117": "null is not omission", "CHAT-REQ-032": "null is allowed"}),
    refuses("completions_refuses_null_logprobs", "COMMON-REQ-013", "completions",
            lambda body: "logprobs" in body and body["logprobs"] is None,
            why="/logprobs must be an integer", also={
                "META-117": "null is not omission",
                "COMP-REQ-016": "null is the default", **VALID}),
    refuses("chat_refuses_null_seed", "COMMON-REQ-014", "chat",
            lambda body: "seed" in body and body["seed"] is None,
            why="/seed must be an integer"),
    refuses("chat_refuses_non_ascii", "COMMON-REQ-015", "chat",
            lambda body: not str(body["messages"]).isascii(),
            why="only ASCII is read", also={
                **VALID, "META-083": "a conversation beyond ASCII"}),
    forgives("chat_array_body_is_read", "COMMON-REQ-011", "chat", "/messages",
             keyword="required", instead=[{"role": "user", "content": "?"}],
             also={"META-120": "a ticked field", "CHAT-REQ-004": "it is required",
                   "CHAT-ERR-002": "a missing field"}),
    crashes("a_missing_model_crashes", "COMMON-ERR-004", "", lacks("model"),
            what="a missing model", also={
                f"{name}-ERR-003": "the same statement"
                for name in ("RERANK", "SCORE", "CHAT", "COMP", "EMB")}),
    member("model_is_never_echoed", "COMMON-RES-008", ALL, "model",
           lambda name: f"/mnt/models/{name}", also={
               f"{name}-RES-004": "the same statement"
               for name in ("SCORE", "CHAT", "COMP", "EMB")}),
    member("model_is_empty", "COMMON-RES-007", ALL, "model", "", also={
        "COMMON-RES-008": "no name that was sent", **{
            f"{name}-RES-004": "the same statement"
            for name in ("RERANK", "SCORE", "CHAT", "COMP", "EMB")}}),
    member("chat_total_is_the_completion", "META-034", "chat", "usage",
           lambda usage: usage | {"total_tokens": usage["completion_tokens"]},
           also={"CHAT-RES-022": "the same statement", "CHAT-EX-003": "the same",
                 "COMMON-RES-010": "the same statement",
                 "META-062": "the stream adds up", "META-064": "the stream adds up"}),
)  # fmt: skip
