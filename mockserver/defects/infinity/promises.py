"""What a server of Infinity's API can get wrong (002), and the freedoms it has."""

from dataclasses import replace

from aios_conformance.mockserver.defects import neighbours as sins
from aios_conformance.mockserver.defects.neighbours import API, asks, of_form
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
    in_response,
)
from aios_conformance.mockserver.defects.tables import (
    REMOVED,
    crashes,
    forgives,
    member,
    refuses,
)
from aios_conformance.mockserver.defects.whens import equals
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer, Response

LIST = "models"
UNLISTED = {
    "INF-RES-001": "a list is not answered 200", "INF-REQ-002": "the call is bare",
    "INF-REQ-001": "a list is not answered 200",
}  # fmt: skip
CALLED = {
    "INF-SEM-001": "a listed model does not answer",
    "INF-SEM-003": "a listed model does not answer",
    "META-105": "a listed model does not answer",
}
VALID = {
    "INF-REQ-003": "a valid request", "INF-RES-019": "a valid request",
    "INF-REQ-013": "a valid request",
}  # fmt: skip
SIZED = {"META-104": "another length", "INF-SEM-005": "another length"}


@in_parameters("INF-REQ-002", api=LIST, also=UNLISTED)
def infinity_list_wants_a_limit(context: RequestContext) -> None:
    """The model list is refused without a query parameter."""
    raise BadRequest("the parameter limit is missing", code="missing")


@in_answer("INF-RES-004", api=LIST, also={"META-105": "the same statement"})
def infinity_ids_are_repeated(context: RequestContext, answer: Answer) -> None:
    """Two models share an id."""
    answer["data"].append(dict(answer["data"][0]))


@in_answer("META-105", api=LIST, also=CALLED)
def infinity_lists_a_ghost(context: RequestContext, answer: Answer) -> None:
    """The list has a model that nobody serves."""
    answer["data"].append(answer["data"][0] | {"id": "ghost-embedding"})


@in_answer("INF-SEM-001", api=LIST, also=CALLED)
def infinity_lists_another_spelling(context: RequestContext, answer: Answer) -> None:
    """The last model is listed under a name that does not call it."""
    answer["data"][-1]["id"] += "-latest"


@in_parameters("INF-SEM-003", api=API, also=CALLED)
def infinity_second_model_is_refused(context: RequestContext) -> bool:
    """A model that is listed with embed does not embed."""
    if context.served.name != context.front.engine.models[-1].name:
        return False
    raise BadRequest("this model does not embed", code="model_unfit")


@in_answer("META-106", api=LIST)
def infinity_owner_changes(context: RequestContext, answer: Answer) -> bool:
    """The provider of a model differs from list to list."""
    for model in answer["data"]:
        model["owned_by"] += f"-{context.number}"
    return True


@in_response("INF-RES-015", api=LIST)
def infinity_list_is_text(context: RequestContext, found: Response) -> Response:
    """The model list comes as text/plain."""
    return found[0], {"Content-Type": "text/plain"}, found[2]


@in_response("INF-RES-017", api=LIST)
def infinity_date_is_iso(context: RequestContext, found: Response) -> Response:
    """The Date header is an ISO time."""
    return found[0], {**found[1], "Date": "2025-06-27T01:52:24Z"}, found[2]


@in_response("INF-RES-016", api=LIST, also={
    **UNLISTED, **CALLED, "META-106": "the body breaks off",
})  # fmt: skip
def infinity_length_is_too_large(context: RequestContext, found: Response) -> Response:
    """The model list has two bytes less than its Content-Length says."""
    length = str(len(found[2]) + 2)
    headers = {**found[1], "Content-Length": length, "Connection": "close"}
    return found[0], headers, found[2]


def _stat(name: str, row: str, path: str, value: object) -> Defect:
    return member(f"infinity_{name}", row, LIST, path, value)


_TABLE: tuple[Defect, ...] = (
    sins.gone("infinity_list_is_gone", "INF-REQ-001", LIST, {
        **UNLISTED, "META-106": "no second list"}),
    sins.gone("infinity_embeddings_are_gone", "INF-REQ-003", API, {
        **VALID, **CALLED, "INF-REQ-007": "not answered", "INF-REQ-008": "the same",
        "INF-REQ-011": "not answered", "INF-REQ-014": "not answered",
        "INF-EX-002": "not answered"}),
    sins.created_201("infinity_list_is_201", "INF-RES-001", LIST, {}),
    sins.created_201("infinity_embeddings_are_201", "INF-RES-019", API, {}),
    _stat("list_object_differs", "INF-RES-002", "object", "models"),
    member("infinity_list_is_an_object", "INF-RES-003", LIST, "data",
           lambda data: {model["id"]: model for model in data},
           also={"META-105": "no list"}),
    _stat("model_object_missing", "INF-RES-005", "data/-1/object", REMOVED),
    _stat("owner_is_null", "INF-RES-006", "data/*/owned_by", None),
    _stat("created_is_milliseconds", "INF-RES-007", "data/*/created",
          lambda seconds: seconds * 1000),
    _stat("backend_is_an_object", "INF-RES-008", "data/*/backend", {"name": "torch"}),
    _stat("capabilities_is_a_string", "INF-RES-009", "data/-1/capabilities", "embed"),
    member("infinity_stats_is_a_list", "INF-RES-010", LIST, "data/*/stats", [],
           also={"INF-SEM-002": "no object"}),
    member("infinity_stats_missing", "INF-SEM-002", LIST, "data/-1/stats", REMOVED,
           also={"INF-RES-010": "the same member"}),
    _stat("fraction_is_negative", "INF-RES-011", "data/*/stats/queue_fraction", -1),
    _stat("fraction_is_text", "INF-RES-011", "data/*/stats/queue_fraction", "0%"),
    _stat("queue_is_broken", "INF-RES-012", "data/*/stats/queue_absolute", 0.5),
    _stat("pending_is_null", "INF-RES-013", "data/*/stats/results_pending", None),
    _stat("batch_size_is_zero", "INF-RES-014", "data/*/stats/batch_size", 0),
    forgives("infinity_model_may_be_missing", "INF-REQ-004", API, "/model",
             keyword="required", instead="text-embedding-3-large"),
    forgives("infinity_model_may_be_an_object", "INF-REQ-005", API, "/model*",
             when=lambda value: isinstance(value, dict),
             instead="text-embedding-3-large"),
    forgives("infinity_input_may_be_missing", "INF-REQ-006", API, "/input",
             keyword="required", instead=""),
    forgives("infinity_format_may_be_hex", "INF-REQ-012", API, "/encoding_format*"),
    forgives("infinity_dimensions_may_be_a_word", "INF-REQ-014", API, "/dimensions*",
             when=lambda value: isinstance(value, str)),
    sins.tires("infinity_refuses_strings", "INF-REQ-007", of_form("text"),
               "input must be a list", {
                **VALID, **CALLED, "INF-EX-002": "it has a string",
                "INF-REQ-014": "it has a string"}),
    refuses("infinity_refuses_arrays", "INF-REQ-008", API, of_form("texts"),
            why="input must be a string", also={
                "INF-REQ-011": "it has an array", "INF-REQ-014": "it has an array"}),
    refuses("infinity_refuses_base64", "INF-REQ-011", API,
            equals("encoding_format", "base64"), why="no such format",
            also={"INF-REQ-014": "lengths are asked for in it as well"}),
    sins.tires("infinity_wants_dimensions", "INF-REQ-013",
               lambda body: asks(body, "text") and len(body) == 2,
               "dimensions is missing",
               {**VALID, **CALLED, "INF-REQ-007": "it has no dimensions"}),
    refuses("infinity_refuses_1536", "INF-EX-002", API, equals("dimensions", 1536),
            why="no such length"),
    refuses("infinity_refuses_short_vectors", "INF-REQ-014", API,
            lambda body: body.get("dimensions", 1536) < 1536, why="no such length"),
    sins.base64_by_default("infinity_default_is_base64", "INF-REQ-010", {
        "INF-RES-023": "text in float mode", "META-094": "the same statement"}),
    crashes("infinity_crashes_on_odd_dimensions", "INF-REQ-015", API,
            lambda context: context.body.get("dimensions") is not None,
            what="dimensions of a model that has one length",
            also={"INF-REQ-014": "a word as well", **SIZED}),
    sins.last_missing("infinity_last_is_missing", "INF-RES-021",
                      {"INF-REQ-008": "an item for each"}),
    sins.vectors_alike("infinity_vectors_are_alike", "INF-SEM-004", {
        "INF-RES-024": "the vector of another text"}),
    sins.big_endian("infinity_base64_big_endian", "META-093", {}),
    sins.default_differs("infinity_default_vector_differs", "META-094", {
        "INF-REQ-010": "the same statement"}),
    sins.dimensions_ignored("infinity_dimensions_ignored", "INF-SEM-005", {
        **SIZED, "INF-EX-002": "the model's own length"}),
    sins.dimensions_as("infinity_dimensions_rounded", "META-104", SIZED,
                       lambda wanted: -(-wanted // 64) * 64,
                       "Lengths are rounded up to the next multiple of 64."),
    sins.dimensions_as("infinity_dimensions_capped", "INF-EX-002", SIZED,
                       lambda wanted: min(wanted, 1024),
                       "Vectors have at most 1024 values."),
    member("infinity_object_missing", "INF-RES-020", API, "object", REMOVED),
    member("infinity_item_object_differs", "INF-RES-022", API, "data/-1/object",
           "vector"),
    member("infinity_component_is_null", "INF-RES-023", API, "data/-1/embedding/-1",
           None, when=lambda context: not sins.is_base64(context),
           also={"INF-SEM-004": "no vector", "INF-EX-002": "no vector of 1536"}),
    member("infinity_index_counts_from_one", "INF-RES-024", API, "data/*/index",
           lambda index: index + 1),
    member("infinity_model_is_another", "INF-RES-025", API, "model", "default"),
    member("infinity_usage_lacks_the_total", "INF-RES-026", API, "usage/total_tokens",
           REMOVED, also={"INF-EX-004": "no total"}),
    member("infinity_total_is_twice", "INF-EX-004", API, "usage/total_tokens",
           lambda total: total * 2),
)  # fmt: skip


@in_answer(freedom="A-143", api=LIST)
def infinity_more_capabilities(context: RequestContext, answer: Answer) -> None:
    """Models can do more than embed."""
    for model in answer["data"]:
        model["capabilities"] = ["rerank", *model["capabilities"]]


@in_answer(freedom="A-140", api=LIST)
def infinity_counters_move(context: RequestContext, answer: Answer) -> None:
    """The counters and the times differ from list to list, and fit no other one."""
    for model in answer["data"]:
        model["created"] += context.number
        model["stats"] |= {"results_pending": context.number, "queue_fraction": 1}


@in_parameters(freedom="A-137", api=API)
def infinity_odd_dimensions_ignored(context: RequestContext) -> bool:
    """A wanted length has no effect on a model that has one."""
    if context.served.matryoshka or "dimensions" not in context.parameters:
        return False
    del context.parameters["dimensions"]
    return True


DEFECTS: tuple[Defect, ...] = sins.of(
    "infinity",
    (
        infinity_list_wants_a_limit,
        infinity_ids_are_repeated,
        infinity_lists_a_ghost,
        infinity_lists_another_spelling,
        infinity_second_model_is_refused,
        infinity_owner_changes,
        infinity_list_is_text,
        infinity_date_is_iso,
        infinity_length_is_too_large,
        *_TABLE,
        infinity_more_capabilities,
        infinity_counters_move,
        infinity_odd_dimensions_ignored,
        *sins.freedoms("infinity"),
        replace(
            refuses("infinity_ids_are_refused", "", API, of_form("ids"), why="no ids"),
            freedom="A-169",
        ),
    ),
)
