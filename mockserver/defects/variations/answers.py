"""Freedoms that the documents leave: no judge may raise anything.

Each names the ruling, row or line that leaves it open.
"""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
    in_refusal,
    in_response,
)
from aios_conformance.mockserver.defects.tables import REMOVED, member
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.codec import decode, encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError, BadRequest, Violation
from aios_conformance.serving.stages import Answer, Response, Stages

GENERATING = "chat completions"
DONE = b"data: [DONE]\n\n"


@in_refusal(freedom="A-003")
def breaches_are_400(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Schema breaches are answered 400."""
    return (400, *found[1:]) if found[0] == 422 else found


@in_refusal(freedom="A-003")
def not_json_is_422(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """What is not JSON is answered 422."""
    return (422, *found[1:]) if found[0] == 400 else found


@in_refusal(freedom="A-005")
def unknown_model_is_400(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """An unknown model is answered 400."""
    return (400, *found[1:]) if error.code == "model_not_found" else found


@in_refusal(freedom="A-004")
def flat_error_bodies(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Error bodies are flat, as vLLM's once were."""
    body = {"object": "error", "message": error.message, "code": found[0]}
    return found[0], found[1], encode(body)


@in_refusal(freedom="A-004")
def detail_error_bodies(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Error bodies are FastAPI's: a list of details."""
    return found[0], found[1], encode({"detail": [{"msg": error.message}]})


@in_refusal(freedom="A-004")
def empty_object_as_error(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """Error bodies are empty objects."""
    return found[0], found[1], b"{}"


@in_refusal(freedom="COMMON-REQ-003")
def other_methods_are_404(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """GET on a documented path is answered 404."""
    return (404, *found[1:]) if found[0] == 405 else found


@in_answer(freedom="A-025")
def extra_members_everywhere(context: RequestContext, answer: Answer) -> None:
    """Answers carry members that no table lists."""
    answer["system_fingerprint"] = "fp_1"
    answer["kv_transfer_params"] = None
    for name in ("results", "data", "choices"):
        for item in answer.get(name, []):
            item["x_note"] = {"a": [1]}
    answer["usage"]["cost"] = 0.01


@in_response(freedom="RFC 8259: members are unordered")
def members_in_reverse(context: RequestContext, found: Response) -> Response:
    """Members come in reverse order."""
    body = decode(found[2])
    return found[0], found[1], encode(dict(reversed(body.items())))


@in_response(freedom="RFC 8259: white space")
def white_space_around_members(context: RequestContext, found: Response) -> Response:
    """Bodies begin and end with white space."""
    return found[0], found[1], b"\n  " + found[2] + b"\r\n"


def _escape(character: str) -> str:
    units = character.encode("utf-16-be").hex("-", 2).split("-")
    return "".join(f"\\u{unit}" for unit in units)


@in_response(freedom="RFC 8259: \\u escapes")
def everything_escaped(context: RequestContext, found: Response) -> Response:
    """Text beyond ASCII comes as escapes."""
    escaped = "".join(c if c.isascii() else _escape(c) for c in found[2].decode())
    return found[0], found[1], escaped.encode()


@in_response(freedom="A-013")
def media_type_with_charset(context: RequestContext, found: Response) -> Response:
    """Content-Type carries a charset."""
    return found[0], {"Content-Type": "application/json; charset=utf-8"}, found[2]


@in_answer(freedom="A-033")
def ids_are_uuids(context: RequestContext, answer: Answer) -> None:
    """Ids are UUIDs without a prefix."""
    answer["id"] = str(UUID(answer["id"].rpartition("-")[2]))


@in_answer(freedom="A-018", api="score chat completions embeddings")
def whole_numbers_with_a_point(context: RequestContext, answer: Answer) -> None:
    """Whole numbers are written 1.0."""
    answer["created"] = float(answer["created"])
    answer["usage"] = {
        name: float(value) if isinstance(value, int) else value
        for name, value in answer["usage"].items()
    }
    for item in (*answer.get("choices", ()), *answer.get("data", ())):
        item["index"] = float(item["index"])


@in_answer(freedom="A-081", api="chat")
def alternatives_in_any_order(context: RequestContext, answer: Answer) -> object:
    """Alternatives are listed from the least likely on."""
    acted = False
    for choice in answer["choices"]:
        for position in (choice["logprobs"] or {}).get("content") or ():
            position["top_logprobs"].reverse()
            acted |= len(position["top_logprobs"]) > 1
    return acted


@in_answer(freedom="A-035", api="rerank")
def index_counts_ranks(context: RequestContext, answer: Answer) -> None:
    """Rerank's index is the position in the results."""
    for rank, result in enumerate(answer["results"]):
        result["index"] = rank


@in_answer(freedom="A-054", api="rerank")
def ties_in_reverse(context: RequestContext, answer: Answer) -> object:
    """Equal scores come in reverse order."""
    before = list(answer["results"])
    answer["results"].sort(key=lambda r: (-r["relevance_score"], -r["index"]))
    return before != answer["results"]


def _jittered(value: float, number: int) -> float:
    return min(max(value + 2e-4 * ((number % 3) - 1), 0.0), 1.0)


@in_answer(freedom="BETWEEN_CALLS: batch numerics", api="rerank score")
def scores_jitter(context: RequestContext, answer: Answer) -> bool:
    """Scores differ by up to 4e-4 between calls."""
    for result in answer.get("results", []):
        result["relevance_score"] = _jittered(result["relevance_score"], context.number)
    for item in answer.get("data", []):
        item["score"] = _jittered(item["score"], context.number)
    return context.number % 3 != 1


@in_answer(freedom="BETWEEN_CALLS: batch numerics", api="embeddings")
def vectors_jitter(context: RequestContext, answer: Answer) -> bool:
    """Vector components differ by 1e-4 between calls."""
    if context.parameters.get("encoding_format") == "base64" or context.number % 2:
        return False
    for item in answer["data"]:
        item["embedding"] = [x + 1e-4 for x in item["embedding"]]
    return True


@in_answer(freedom="A-130", api="embeddings")
def vectors_not_of_unit_length(context: RequestContext, answer: Answer) -> bool:
    """Vectors are not of unit length."""
    if context.parameters.get("encoding_format") == "base64":
        return False
    for item in answer["data"]:
        item["embedding"] = [x * 1.0001 for x in item["embedding"]]
    return True


@in_parameters(freedom="A-046", api="embeddings")
def truncation_keeps_the_end(context: RequestContext) -> bool:
    """Truncation keeps the last words in place of the first."""
    limit = context.parameters.get("truncate_prompt_tokens")
    texts = context.parameters["input"]
    if not limit or limit > 60 or not isinstance(texts, list):
        return False
    context.parameters["input"] = [
        " ".join(reversed(str(text).split())) for text in texts
    ]
    return True


@in_answer(freedom="A-092", api="chat")
def tool_calls_absent_in_plain_answers(context: RequestContext, answer: Answer) -> bool:
    """A plain answer has no tool_calls member."""
    acted = False
    for choice in answer["choices"]:
        if not choice["message"]["tool_calls"]:
            del choice["message"]["tool_calls"]
            acted = True
    return acted


@in_answer(freedom="A-092", api="chat")
def arguments_are_spelled_otherwise(context: RequestContext, answer: Answer) -> bool:
    """Whole answers spell the JSON of arguments in another way than streams."""
    acted = False
    for choice in answer["choices"]:
        for call in choice["message"]["tool_calls"]:
            given = call["function"]["arguments"]
            if given.endswith("}"):  # it was not cut
                text = given.replace('": ', '":').replace('":', '" : ')
                call["function"]["arguments"], acted = text, True
    return acted


@in_answer(freedom="A-093", api="chat")
def content_empty_beside_calls(context: RequestContext, answer: Answer) -> bool:
    """Content beside a call is "" in place of null."""
    acted = False
    for choice in answer["choices"]:
        if choice["message"]["content"] is None:
            choice["message"]["content"] = ""
            acted = True
    return acted


@in_answer(freedom="A-096", api=GENERATING)
def stop_reason_is_a_token_id(context: RequestContext, answer: Answer) -> bool:
    """stop_reason is a number where a string ended the text."""
    acted = False
    for choice in answer["choices"]:
        if isinstance(choice["stop_reason"], str):
            choice["stop_reason"] = 128009
            acted = True
    return acted


@in_answer(freedom="META-035: any order in the array", api=GENERATING)
def choices_in_reverse(context: RequestContext, answer: Answer) -> bool:
    """Choices come in reverse order, each with its index."""
    answer["choices"].reverse()
    return len(answer["choices"]) > 1


@in_answer(freedom="A-081", api="chat")
def chosen_token_listed_too(context: RequestContext, answer: Answer) -> bool:
    """top_logprobs lists k + 1 when the chosen token is not among the k."""
    acted = False
    for choice in answer["choices"]:
        for position in (choice["logprobs"] or {}).get("content") or []:
            listed = position["top_logprobs"]
            if listed and position["token"] not in [e["token"] for e in listed]:
                own = {k: position[k] for k in ("token", "logprob", "bytes")}
                listed.append(own)
                acted = True
    return acted


@in_parameters(freedom="A-007")
def unlisted_members_are_refused(context: RequestContext) -> bool:
    """A member that no table lists is answered 400."""
    operation = context.operation
    if operation is None:
        return False
    for name in context.body:
        if name.startswith("x_"):
            raise BadRequest(f"unknown member {name}", code="unknown_member")
    return False


def _refusing(
    name: str, text: str, freedom: str, when: Callable[[RequestContext], bool]
) -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def validate(context: RequestContext) -> list[Violation]:
            found = stages.validate(context)
            if not found and when(context):
                tally.add()
                return [Violation("", text, "variation")]
            return found

        return replace(stages, validate=validate), engine

    return Defect(name, text, plant, freedom=freedom)


def _empty(context: RequestContext) -> bool:
    return any(value in ([], "") for value in context.body.values())


DEFECTS: tuple[Defect, ...] = (
    breaches_are_400,
    not_json_is_422,
    unknown_model_is_400,
    flat_error_bodies,
    detail_error_bodies,
    empty_object_as_error,
    other_methods_are_404,
    extra_members_everywhere,
    members_in_reverse,
    white_space_around_members,
    everything_escaped,
    media_type_with_charset,
    ids_are_uuids,
    whole_numbers_with_a_point,
    alternatives_in_any_order,
    index_counts_ranks,
    ties_in_reverse,
    scores_jitter,
    vectors_jitter,
    vectors_not_of_unit_length,
    truncation_keeps_the_end,
    tool_calls_absent_in_plain_answers,
    arguments_are_spelled_otherwise,
    content_empty_beside_calls,
    stop_reason_is_a_token_id,
    choices_in_reverse,
    chosen_token_listed_too,
    unlisted_members_are_refused,
    replace(
        member("reasoning_absent", "", "chat",
               "choices/*/message/reasoning_content", REMOVED),
        freedom="A-094",
    ),
    replace(
        member("prompt_logprobs_absent", "", "chat", "prompt_logprobs", REMOVED),
        freedom="A-097",
    ),
    replace(
        member("details_absent_in_chat", "", "chat",
               "usage/prompt_tokens_details", REMOVED),
        freedom="A-097",
    ),
    replace(
        member("details_tell_of_a_cache", "", "chat completions embeddings",
               "usage/prompt_tokens_details", {"cached_tokens": 0}),
        freedom="A-019",
    ),
    _refusing("top_p_zero_is_refused", "top_p 0 is refused.", "A-087",
              lambda c: c.body.get("top_p", 1) == 0),
    _refusing("empty_input_is_refused", "Empty texts and arrays are refused.",
              "A-044, A-131, A-105", _empty),
    _refusing("token_ids_are_refused", "Token ids as prompt or input are refused.",
              "A-110, A-120",
              lambda c: any(isinstance(v, list) and v and isinstance(v[0], int)
                            for v in (c.body.get("prompt"), c.body.get("input")))),
    _refusing("named_tool_choice_is_refused", "tool_choice objects are refused.",
              "A-088", lambda c: isinstance(c.body.get("tool_choice"), dict)),
    _refusing("options_without_stream_are_refused",
              "stream_options without stream are refused.", "A-098",
              lambda c: bool(c.body.get("stream_options"))
              and not c.body.get("stream")),
)  # fmt: skip
