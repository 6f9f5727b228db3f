"""What any of the five APIs can get wrong: transport, errors, shared members."""

from collections.abc import Mapping
from dataclasses import replace

from mockserver.defects.planting import (
    Defect,
    Plant,
    in_answer,
    in_parameters,
    in_refusal,
    in_response,
)
from mockserver.defects.tables import REMOVED, crashes, forgives, member, refuses
from mockserver.defects.whens import lacks
from mockserver.plan import Tally
from serving.context import Context
from serving.engine import Engine
from serving.errors import ApiError, BadRequest
from serving.stages import Answer, Response, Stages

ALL = "rerank score chat completions embeddings"
GENERATING = "chat completions"


class _UnsupportedMedia(BadRequest):
    """415, which no right server needs here."""

    status = 415


_UNFIT: Mapping[int, type[ApiError]] = {400: BadRequest, 415: _UnsupportedMedia}


def _admitting(
    name: str,
    primary: str,
    text: str,
    plant: Plant,
    also: Mapping[str, str],
    origin: str = "",
) -> Defect:
    return Defect(name, text, plant, primary, also, origin=origin)


def _refused_unless(name: str, primary: str, text: str, header: str, value: str, status: int, also: Mapping[str, str], origin: str = "") -> Defect:  # fmt: skip  # noqa: E501
    """Refuse requests whose header does not hold a value."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: Context) -> None:
            stages.admit(context)
            sent = next(
                (v for k, v in context.headers.items() if k.lower() == header), ""
            )
            if value not in sent:
                tally.add()
                raise _UNFIT[status](text, code="refused")

        return replace(stages, admit=admit), engine

    return _admitting(name, primary, text, plant, also, origin)


@in_refusal("COMMON-ERR-001", also={
    "COMMON-ERR-003": "which code a breach gets",
    "META-120": "refused with another code",
})  # fmt: skip
def breaches_are_403(context: Context, error: ApiError, found: Response) -> Response:
    """Schema breaches are answered 403."""
    return (403, *found[1:]) if found[0] == 422 else found


@in_refusal("COMMON-ERR-002", also={
    "COMMON-ERR-001": "an undocumented code",
})  # fmt: skip
def not_json_is_415(context: Context, error: ApiError, found: Response) -> Response:
    """A body that is not JSON is answered 415."""
    return (415, *found[1:]) if not context.body and found[0] == 400 else found


@in_refusal("COMMON-ERR-003", api="rerank", also={
    "COMMON-ERR-001": "an undocumented code",
})  # fmt: skip
def rerank_breaches_are_404(
    context: Context, error: ApiError, found: Response
) -> Response:
    """A breach of rerank's table is answered 404."""
    return (404, *found[1:]) if found[0] == 422 else found


@in_refusal("COMMON-ERR-006", origin="vllm-project/vllm#51654")
def refusals_are_plain_text(
    context: Context, error: ApiError, found: Response
) -> Response:
    """Refusals are plain text."""
    return found[0], {"Content-Type": "text/plain"}, error.message.encode()


@in_refusal("COMMON-ERR-006", api="chat")
def chat_refusals_are_empty(
    context: Context, error: ApiError, found: Response
) -> Response:
    """Chat's refusals have no body."""
    return found[0], found[1], b""


@in_refusal("COMMON-ERR-008", also={
    "COMMON-ERR-004": "never: it is no error at all",
}, origin="runpod-workers/worker-vllm#57")  # fmt: skip
def unknown_model_is_200(
    context: Context, error: ApiError, found: Response
) -> Response:
    """An unknown model is answered 200 with an error body."""
    return (200, *found[1:]) if error.code == "model_not_found" else found


@in_response("COMMON-RES-001")
def success_is_201(context: Context, found: Response) -> Response:
    """Whole successes are answered 201."""
    return (201, *found[1:])


@in_response("COMMON-RES-001", api="score")
def score_success_is_202(context: Context, found: Response) -> Response:
    """Score successes are answered 202."""
    return (202, *found[1:])


@in_response("COMMON-RES-002", also={
    "COMMON-SEM-002": "the client reads no array", "CHAT-SEM-001": "no object",
    "COMP-SEM-001": "no object",
})  # fmt: skip
def success_is_an_array(context: Context, found: Response) -> Response:
    """Successes come as an array with one object."""
    return found[0], found[1], b"[" + found[2] + b"]"


@in_response("COMMON-RES-003")
def success_is_labelled_text(context: Context, found: Response) -> Response:
    """Successes carry Content-Type text/plain."""
    return found[0], {"Content-Type": "text/plain"}, found[2]


@in_response("COMMON-RES-002", api=ALL, also={
    "COMMON-SEM-002": "half a body", "CHAT-SEM-001": "half a body",
    "COMP-SEM-001": "half a body",
})  # fmt: skip
def every_fifth_body_is_cut(context: Context, found: Response) -> Response:
    """Every fifth answer lacks its last ten bytes."""
    return (*found[:2], found[2][:-10]) if context.number % 5 == 0 else found


@in_answer("META-115", also={
    "COMMON-RES-005": "the same statement",
    "RERANK-RES-001": "the same statement", "SCORE-RES-001": "the same statement",
    "CHAT-RES-001": "the same statement", "COMP-RES-001": "the same statement",
    "EMB-RES-001": "the same statement",
})  # fmt: skip
def ids_repeat_after_a_while(context: Context, answer: Answer) -> object:
    """Ids are numbered modulo 7."""
    answer["id"] = f"id-{context.number % 7}"
    return True


@in_answer("META-116", api="score chat completions embeddings", also={
    "COMMON-RES-006": "never: within the bracket",
})  # fmt: skip
def created_runs_backwards(context: Context, answer: Answer) -> object:
    """Created falls by a second with each request."""
    answer["created"] -= context.number % 250
    return context.number % 250 > 0


@in_answer("COMMON-RES-006", api="chat", also={"META-116": "the same statement"})
def chat_created_an_hour_ahead(context: Context, answer: Answer) -> object:
    """Chat's created is an hour ahead."""
    answer["created"] += 3600
    return True


def _broken_after_an_error() -> Plant:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        refused: dict[str, bool] = {}

        def refusal(context: Context, error: ApiError) -> Response:
            if context.api and error.status == 422:
                refused[context.api] = True
            return stages.refusal(context, error)

        async def answer(context: Context) -> Answer:
            whole = await stages.answer(context)
            if refused.pop(context.api or "", False):
                tally.add()
                _harm(whole)
            return whole

        return replace(stages, refusal=refusal, answer=answer), engine

    return plant


def _harm(answer: Answer) -> None:
    """Change what an answer says, and nothing of its shape."""
    for item in answer.get("data", []):
        if "score" in item:
            item["score"] /= 2
        elif isinstance(item["embedding"], list):
            item["embedding"] = item["embedding"][::-1]
    for result in answer.get("results", []):
        result["relevance_score"] /= 2
    for choice in answer.get("choices", []):
        if "message" in choice:
            choice["message"]["content"] = "Sorry?"
        else:
            choice["text"] = "Sorry?"


STALE = {
    "META-118": "the answer after an error is another one",
    "META-117": "the answer after an error is another one",
}


@in_parameters("META-118", api="rerank")
def rerank_member_order_matters(context: Context) -> object:
    """Rerank with `documents` before `query` in the body loses the last document."""
    names = list(context.body)
    if "query" not in names or names.index("query") < names.index("documents"):
        return False
    context.parameters["documents"] = context.parameters["documents"][:-1]
    return True


@in_parameters("META-117", api=GENERATING, also={
    "COMMON-REQ-013": "never: it is accepted",
    "META-048": "stop null ends the text too", "META-057": "a null bias counts",
})  # fmt: skip
def null_means_one_token(context: Context) -> object:
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
    every_fifth_body_is_cut,
    ids_repeat_after_a_while,
    created_runs_backwards,
    chat_created_an_hour_ahead,
    _admitting(
        "an_error_spoils_the_next_answer",
        "META-119",
        "The first answer after a schema breach says something else.",
        _broken_after_an_error(),
        STALE,
    ),
    rerank_member_order_matters,
    null_means_one_token,
    _refused_unless(
        "accept_header_is_demanded",
        "COMMON-REQ-005",
        "A request without an Accept header for JSON is refused.",
        "accept",
        "application/json",
        400,
        {**VALID, "EMB-REQ-003": "embeddings too"},
    ),
    _refused_unless(
        "charset_is_demanded",
        "COMMON-REQ-004",
        "A Content-Type without charset is answered 415.",
        "content-type",
        "charset",
        415,
        VALID,
    ),
    refuses("chat_refuses_null_stop", "COMMON-REQ-013", "chat",
            lambda body: "stop" in body and body["stop"] is None,
            why="/stop must be a string or an array", also={
                "META-117": "null is not omission", "CHAT-REQ-032": "null is allowed",
                **VALID}),
    refuses("completions_refuses_null_logprobs", "COMMON-REQ-013", "completions",
            lambda body: "logprobs" in body and body["logprobs"] is None,
            why="/logprobs must be an integer", also={
                "META-117": "null is not omission",
                "COMP-REQ-016": "null is the default", **VALID}),
    refuses("chat_refuses_null_seed", "COMMON-REQ-014", "chat",
            lambda body: "seed" in body and body["seed"] is None,
            why="/seed must be an integer", also=VALID),
    refuses("chat_refuses_non_ascii", "COMMON-REQ-015", "chat",
            lambda body: not str(body["messages"]).isascii(),
            why="only ASCII is read", also={
                **VALID, "CHAT-REQ-008": "the texts may be beyond ASCII"}),
    forgives("chat_array_body_is_read", "COMMON-REQ-011", "chat", "/messages",
             keyword="required", instead=[{"role": "user", "content": "?"}],
             also={"META-120": "a ticked field", "CHAT-REQ-004": "it is required",
                   "CHAT-ERR-002": "a missing field",
                   "COMMON-ERR-003": "a breach of the table"}),
    crashes("a_missing_model_crashes", "COMMON-ERR-004", "", lacks("model"),
            what="a missing model", also={
                f"{name}-ERR-003": "the same statement"
                for name in ("RERANK", "SCORE", "CHAT", "COMP", "EMB")}),
    member("model_is_never_echoed", "COMMON-RES-008", ALL, "model",
           lambda name: f"/mnt/models/{name}"),
    member("details_missing_in_embeddings", "EMB-RES-016", "embeddings",
           "usage/prompt_tokens_details", REMOVED,
           also={"COMMON-RES-011": "the same member"}),
    member("chat_total_is_the_completion", "META-034", "chat", "usage",
           lambda usage: usage | {"total_tokens": usage["completion_tokens"]},
           also={"CHAT-RES-022": "the same statement", "CHAT-EX-003": "the same",
                 "COMMON-RES-010": "the same statement",
                 "META-062": "the stream adds up"}),
)  # fmt: skip
