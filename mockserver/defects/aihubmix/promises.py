"""What a server of AIHubMix's API can get wrong (004), and the freedoms it has."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects import neighbours as sins
from aios_conformance.mockserver.defects.neighbours import API, of_form
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
    in_refusal,
)
from aios_conformance.mockserver.defects.tables import (
    REMOVED,
    crashes,
    forgives,
    member,
    refuses,
)
from aios_conformance.mockserver.defects.whens import equals, has
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine, TooLong
from aios_conformance.serving.errors import ApiError, Meaningless, Unauthorized
from aios_conformance.serving.stages import Answer, Response, Stages

MODEL = "text-embedding-3-small"
VALID = {
    "AHM-REQ-001": "a valid request", "AHM-REQ-005": "a valid request",
    "AHM-RES-001": "a valid request", "AHM-EX-001": "a valid request",
}  # fmt: skip


def _unlimited(name: str, primary: str, many: bool, also: Mapping[str, str]) -> Defect:
    """Read only the beginning where a limit on tokens is broken: the answer is 200."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        async def answer(context: RequestContext) -> Answer:
            try:
                return await stages.answer(context)
            except (Meaningless, TooLong):
                value = context.parameters["input"]
                if isinstance(value, list) is not many:
                    raise
                tally.add()
                short = [one[:20] for one in value] if many else value[:20]
                context.parameters["input"] = short
                return await stages.answer(context)

        return replace(stages, answer=answer), engine

    what = "all inputs together" if many else "one input"
    return Defect(name, f"The limit on the tokens of {what} is not kept.", plant,
                  primary, also)  # fmt: skip


@in_parameters("AHM-SEM-003", api=API, also={"META-112": "the same statement"})
def aihubmix_user_is_embedded(context: RequestContext) -> bool:
    """The user's name is a part of the text."""
    user, text = context.parameters.get("user"), context.parameters["input"]
    if user is None or not isinstance(text, str):
        return False
    context.parameters["input"] = f"{user}: {text}"
    return True


@in_answer("META-112", api=API, also={"AHM-SEM-003": "the same statement"})
def aihubmix_user_turns_vectors(context: RequestContext, answer: Answer) -> bool:
    """With a user the vectors are shifted by one component."""
    if "user" not in context.parameters:
        return False
    for item in answer["data"]:
        item["embedding"] = item["embedding"][1:] + item["embedding"][:1]
    return True


@in_answer("AHM-SEM-002", api=API, also={"META-093": "another vector"})
def aihubmix_base64_is_another_vector(context: RequestContext, answer: Answer) -> bool:
    """base64 holds the vector shifted by three bytes."""
    if not sins.is_base64(context):
        return False
    for item in answer["data"]:
        item["embedding"] = item["embedding"][4:-4] + item["embedding"][:4] + "AAAA"
    return True


@in_answer("META-113", api=API, also={"AHM-RES-008": "the same member"})
def aihubmix_object_of_a_batch_differs(context: RequestContext, answer: Answer) -> bool:
    """The answer to a batch is called a batch."""
    if len(answer["data"]) < 2:
        return False
    answer["object"] = "batch"
    return True


@in_refusal("META-114", api=API)
def aihubmix_wrong_keys_are_400(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A wrong key is answered 400."""
    return (400, *found[1:]) if error.code == "invalid_api_key" else found


def _admitting(
    name: str,
    primary: str,
    also: Mapping[str, str],
    sin: Callable[[RequestContext], Any],
) -> Defect:
    """Commit a sin before a request is admitted; it may raise."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: RequestContext) -> None:
            stages.admit(context)
            try:
                tally.add(sin(context))
            except ApiError:
                tally.add()
                raise

        return replace(stages, admit=admit), engine

    return Defect(name, sin.__doc__ or "", plant, primary, also)


def _forgets_its_key(context: RequestContext) -> bool:
    """The right key is answered 401 but for the first three requests."""
    if context.number <= 3:
        return False
    raise Unauthorized("the key is unknown", code="invalid_api_key")


def _old(context: RequestContext) -> bool:
    return "ada" in str(context.body.get("model"))


def _entries(body: Mapping[str, Any]) -> int:
    value = body.get("input")
    return len(value) if isinstance(value, list) else 0


_TABLE: tuple[Defect, ...] = (
    sins.gone("aihubmix_embeddings_are_gone", "AHM-REQ-001", API, {
        **VALID, **{f"AHM-REQ-{number:03}": "not answered" for number in (
            2, 3, 8, 9, 10, 11, 12, 14, 18, 20, 21, 23)},
        "META-110": "2048 texts are not answered"}),
    sins.created_201("aihubmix_embeddings_are_201", "AHM-RES-001", API, {}),
    sins.keyless("aihubmix_needs_no_key", "AHM-REQ-002",
                 {"META-114": "a missing key"}, "missing_api_key",
                 "A request without a key is served."),
    sins.keyless("aihubmix_takes_any_key", "META-114", {}, "invalid_api_key",
                 "Any key is accepted."),
    _admitting("aihubmix_forgets_its_key", "AHM-REQ-003", {
        **VALID, **{f"AHM-REQ-{number:03}": "not answered" for number in (
            2, 8, 9, 10, 11, 12, 14, 18, 20, 21, 23)},
        "META-110": "2048 texts are not answered", "META-114": "no valid neighbour",
    }, _forgets_its_key),
    sins.any_model_serves("aihubmix_any_name_serves", "AHM-REQ-017", {},
                          frozenset({"model_not_found"})),
    forgives("aihubmix_model_may_be_an_object", "AHM-REQ-017", API, "/model*",
             when=lambda value: isinstance(value, dict), instead=MODEL),
    forgives("aihubmix_model_may_be_missing", "AHM-REQ-016", API, "/model",
             keyword="required", instead=MODEL),
    forgives("aihubmix_input_may_be_missing", "AHM-REQ-006", API, "/input",
             keyword="required", instead="nothing"),
    forgives("aihubmix_input_may_be_empty", "AHM-REQ-013", API, "/input*",
             when=lambda value: value == "", instead=" ",
             also={"META-110": "the same limit"}),
    forgives("aihubmix_2049_are_accepted", "AHM-REQ-014", API, "/input*",
             when=lambda value: isinstance(value, list) and len(value) > 2048,
             instead=["word"], also={
                 "META-110": "the same limit", "AHM-ERR-001": "no client error"}),
    refuses("aihubmix_2048_are_too_many", "META-110", API,
            lambda body: _entries(body) == 2048, why="at most 1000 inputs",
            also={"AHM-REQ-014": "the same limit"}),
    crashes("aihubmix_crashes_on_2049", "AHM-ERR-001", API,
            lambda context: _entries(context.body) > 2048, what="a list too long",
            also={"AHM-REQ-014": "the same limit", "META-110": "the same limit"}),
    _unlimited("aihubmix_long_inputs_are_cut", "AHM-REQ-012", many=False, also={
        "META-111": "the same limit", "AHM-ERR-001": "no client error"}),
    _unlimited("aihubmix_large_sums_are_accepted", "AHM-REQ-015", many=True, also={
        "META-111": "the same limit", "AHM-ERR-001": "no client error"}),
    _unlimited("aihubmix_sums_are_not_counted", "META-111", many=True, also={
        "AHM-REQ-015": "the same limit", "AHM-ERR-001": "no client error"}),
    sins.tires("aihubmix_refuses_strings", "AHM-REQ-008", of_form("text"),
               "input must be a list", {
                   **VALID, **{f"AHM-REQ-{number:03}": "it has a string" for number in (
                       2, 3, 12, 20, 21, 23)}}),
    refuses("aihubmix_refuses_arrays", "AHM-REQ-010", API, of_form("texts"),
            why="input must be a string", also={
                "AHM-REQ-018": "it has an array", "AHM-REQ-014": "it has an array",
                "META-110": "it has an array", "AHM-REQ-020": "it has an array"}),
    refuses("aihubmix_refuses_ids", "AHM-REQ-009", API, of_form("ids"),
            why="input must be text"),
    refuses("aihubmix_refuses_id_lists", "AHM-REQ-011", API, of_form("id lists"),
            why="input must be text"),
    refuses("aihubmix_refuses_the_printed_text", "AHM-EX-001", API,
            lambda body: "brown fox" in str(body["input"]), why="no such text"),
    refuses("aihubmix_refuses_json", "AHM-REQ-005", API,
            lambda body: body["input"] == "The sky is blue." and len(body) == 2,
            why="the media type must be another", also={
                **VALID, "AHM-REQ-008": "the same request",
                "AHM-REQ-002": "the same request", "AHM-REQ-003": "the same request"}),
    refuses("aihubmix_refuses_base64", "AHM-REQ-018", API,
            equals("encoding_format", "base64"), why="no such format", also={
                "AHM-REQ-014": "2048 texts are sent so", "META-110": "the same",
                "AHM-REQ-020": "lengths are asked for in it as well"}),
    forgives("aihubmix_format_may_be_hex", "AHM-REQ-018", API, "/encoding_format*"),
    sins.base64_by_default("aihubmix_default_is_base64", "AHM-REQ-019", {
        "AHM-RES-005": "text in float mode", "META-094": "the same statement",
        "AHM-SEM-002": "the same representation"}),
    refuses("aihubmix_refuses_dimensions", "AHM-REQ-020", API, has("dimensions"),
            why="no such member", also={
                "AHM-REQ-014": "2048 texts are sent so", "META-110": "the same",
                "AHM-REQ-021": "1 is allowed"}),
    forgives("aihubmix_dimensions_may_be_a_word", "AHM-REQ-020", API, "/dimensions*",
             when=lambda value: isinstance(value, str)),
    forgives("aihubmix_dimensions_may_be_zero", "AHM-REQ-021", API, "/dimensions*",
             when=lambda value: value == 0, also={"META-110": "the same limit"}),
    crashes("aihubmix_crashes_on_old_models", "AHM-REQ-022", API, _old,
            what="dimensions of a model of one length"),
    refuses("aihubmix_refuses_user", "AHM-REQ-023", API, has("user"),
            why="no such member"),
    forgives("aihubmix_user_may_be_an_object", "AHM-REQ-023", API, "/user*"),
    sins.big_endian("aihubmix_base64_big_endian", "META-093", {
        "AHM-SEM-002": "another vector"}),
    sins.default_differs("aihubmix_default_vector_differs", "META-094", {
        "AHM-REQ-019": "the same statement"}),
    sins.dimensions_ignored("aihubmix_dimensions_ignored", "AHM-SEM-001", {}),
    sins.last_missing("aihubmix_last_is_missing", "AHM-RES-003", {
        "AHM-REQ-010": "an item for each", "AHM-REQ-011": "an item for each",
        "AHM-REQ-014": "an item for each"}),
    member("aihubmix_data_missing", "AHM-RES-002", API, "data", REMOVED,
           also={"AHM-RES-003": "no list", "AHM-SEM-002": "nothing to decode",
                 "META-093": "nothing to decode"}),
    member("aihubmix_index_counts_from_one", "AHM-RES-004", API, "data/*/index",
           lambda index: index + 1),
    member("aihubmix_component_is_null", "AHM-RES-005", API, "data/-1/embedding/-1",
           None, when=lambda context: not sins.is_base64(context)),
    member("aihubmix_model_missing", "AHM-RES-007", API, "model", REMOVED),
    member("aihubmix_object_missing", "AHM-RES-008", API, "object", REMOVED,
           also={"META-113": "the same member"}),
    member("aihubmix_usage_is_a_list", "AHM-RES-009", API, "usage", [],
           also={"AHM-RES-010": "no counts"}),
    member("aihubmix_tokens_are_text", "AHM-RES-010", API, "usage/prompt_tokens", str),
)  # fmt: skip


@in_refusal(freedom="META-114: 401 or 403")
def aihubmix_keys_are_403(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A missing or wrong key is answered 403."""
    return (403, *found[1:]) if found[0] == 401 else found


@in_answer(freedom="A-153", api=API)
def aihubmix_items_have_no_object(context: RequestContext, answer: Answer) -> None:
    """Items have no object member, as in the sample."""
    for item in answer["data"]:
        del item["object"]


DEFECTS: tuple[Defect, ...] = sins.of(
    "aihubmix",
    (
        aihubmix_user_is_embedded,
        aihubmix_user_turns_vectors,
        aihubmix_base64_is_another_vector,
        aihubmix_object_of_a_batch_differs,
        aihubmix_wrong_keys_are_400,
        *_TABLE,
        aihubmix_keys_are_403,
        aihubmix_items_have_no_object,
        *sins.freedoms("aihubmix"),
    ),
)
