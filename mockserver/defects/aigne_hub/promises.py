"""What a server of AIGNE Hub's API can get wrong (003), and the freedoms it has."""

from dataclasses import replace

from aios_conformance.mockserver.defects import neighbours as sins
from aios_conformance.mockserver.defects.neighbours import API, of_form
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_refusal,
    in_response,
)
from aios_conformance.mockserver.defects.tables import (
    REMOVED,
    forgives,
    member,
    refuses,
)
from aios_conformance.serving.codec import decode, encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer, Response

VALID = {
    "AIGNE-REQ-001": "a valid request", "AIGNE-REQ-002": "a valid request",
    "AIGNE-RES-012": "a valid request", "AIGNE-EX-001": "a valid request",
}  # fmt: skip
KEYED = {"AIGNE-REQ-003": "the right key", "META-114": "no key is right"}


@in_answer("AIGNE-REQ-011", api=API, also={
    "META-107": "flat ids count as one", "AIGNE-RES-003": "an object per input",
})  # fmt: skip
def aigne_ids_are_many_inputs(context: RequestContext, answer: Answer) -> bool:
    """A flat array of token ids gives one item for each id."""
    ids = context.body["input"]
    if not sins.asks(context.body, "ids"):
        return False
    first = answer["data"][0]
    answer["data"] = [first | {"index": index} for index in range(len(ids))]
    return len(ids) > 1


@in_answer("META-107", api=API, also={
    "AIGNE-RES-003": "an object per input", "AIGNE-REQ-010": "an item for each",
})  # fmt: skip
def aigne_id_lists_are_merged(context: RequestContext, answer: Answer) -> bool:
    """An array of token arrays gives one item."""
    merged = sins.asks(context.body, "id lists") and len(answer["data"]) > 1
    if merged:
        del answer["data"][1:]
    return merged


@in_answer("META-108", api=API)
def aigne_nested_ids_differ(context: RequestContext, answer: Answer) -> bool:
    """An array of one token array has the vector turned round."""
    if not sins.asks(context.body, "id lists"):
        return False
    for item in answer["data"]:
        item["embedding"] = item["embedding"][::-1]
    return True


@in_answer("AIGNE-SEM-001", api=API, also={
    "AIGNE-SEM-002": "one number has no direction",
})  # fmt: skip
def aigne_vectors_of_one_number(context: RequestContext, answer: Answer) -> None:
    """A vector is a single number."""
    for item in answer["data"]:
        item["embedding"] = item["embedding"][:1]


@in_answer("AIGNE-SEM-002", api=API, also={"AIGNE-RES-007": "not that of the batch"})
def aigne_single_texts_lie_elsewhere(context: RequestContext, answer: Answer) -> bool:
    """A text alone has the opposite vector."""
    if not isinstance(context.body["input"], str):
        return False
    for item in answer["data"]:
        item["embedding"] = [-x for x in item["embedding"]]
    return True


@in_answer("META-109", api=API, also={"AIGNE-RES-009": "the same member"})
def aigne_object_of_a_batch_differs(context: RequestContext, answer: Answer) -> bool:
    """The answer to a batch is called a batch."""
    if len(answer["data"]) < 2:
        return False
    answer["object"] = "batch"
    return True


@in_response("AIGNE-RES-001", api=API, also={
    "AIGNE-RES-002": "no object has it", "AIGNE-RES-003": "no list is found",
    "META-107": "no list is found", "AIGNE-SEM-001": "no vector is found",
})  # fmt: skip
def aigne_answers_are_bare_lists(context: RequestContext, found: Response) -> Response:
    """The answer is the array of items, without an object around it."""
    return found[0], found[1], encode(decode(found[2])["data"])


@in_refusal("META-114", api=API)
def aigne_wrong_keys_are_400(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A wrong key is answered 400."""
    return (400, *found[1:]) if error.code == "invalid_api_key" else found


_TABLE: tuple[Defect, ...] = (
    sins.gone("aigne_embeddings_are_gone", "AIGNE-REQ-001", API, {
        **VALID, "AIGNE-REQ-003": "not answered", "AIGNE-REQ-007": "not answered",
        "AIGNE-REQ-008": "not answered", "AIGNE-REQ-009": "not answered",
        "AIGNE-REQ-010": "not answered", "AIGNE-REQ-011": "not answered"}),
    sins.created_201("aigne_embeddings_are_201", "AIGNE-RES-012", API, {}),
    sins.keyless("aigne_needs_no_key", "AIGNE-REQ-003",
                 {"META-114": "a missing key"}, "missing_api_key",
                 "A request without a key is served."),
    sins.keyless("aigne_takes_any_key", "META-114", {}, "invalid_api_key",
                 "Any key is accepted."),
    sins.any_model_serves("aigne_chat_models_embed", "AIGNE-REQ-005", {},
                          frozenset({"model_unfit", "model_not_found"})),
    forgives("aigne_model_may_be_missing", "AIGNE-REQ-004", API, "/model",
             keyword="required", instead="text-embedding-3-small"),
    forgives("aigne_model_may_be_an_object", "AIGNE-REQ-004", API, "/model*",
             when=lambda value: isinstance(value, dict),
             instead="text-embedding-3-small"),
    forgives("aigne_input_may_be_missing", "AIGNE-REQ-006", API, "/input",
             keyword="required", instead="nothing"),
    forgives("aigne_input_may_be_an_object", "AIGNE-REQ-006", API, "/input*",
             when=lambda value: isinstance(value, dict), instead="object"),
    sins.tires("aigne_refuses_strings", "AIGNE-REQ-007", of_form("text"),
               "input must be a list", {**VALID, "AIGNE-REQ-003": "it has a string"}),
    refuses("aigne_refuses_arrays", "AIGNE-REQ-008", API, of_form("texts"),
            why="input must be a string"),
    refuses("aigne_refuses_ids", "AIGNE-REQ-009", API, of_form("ids"),
            why="input must be text", also={"AIGNE-REQ-011": "flat ids"}),
    refuses("aigne_refuses_id_lists", "AIGNE-REQ-010", API, of_form("id lists"),
            why="input must be text"),
    refuses("aigne_refuses_the_printed_text", "AIGNE-EX-001", API,
            lambda body: "AI gateway" in str(body["input"]), why="no such text"),
    refuses("aigne_refuses_json", "AIGNE-REQ-002", API,
            lambda body: body["input"] == "The sky is blue." and len(body) == 2,
            why="the media type must be another", also={
                **VALID, "AIGNE-REQ-007": "the same request",
                "AIGNE-REQ-003": "the same request"}),
    sins.last_missing("aigne_last_is_missing", "AIGNE-RES-003", {
        "META-107": "the same statement", "AIGNE-REQ-008": "an item for each",
        "AIGNE-REQ-010": "an item for each", "AIGNE-SEM-002": "the text is gone"}),
    member("aigne_data_missing", "AIGNE-RES-002", API, "data", REMOVED, also={
        "AIGNE-RES-001": "no list", "AIGNE-RES-003": "no list",
        "META-107": "no list"}),
    member("aigne_data_is_an_object", "AIGNE-RES-002", API, "data",
           lambda data: {"0": data[0]}, also={"AIGNE-RES-001": "no list"}),
    member("aigne_item_has_two_members", "AIGNE-RES-004", API, "data/-1/index",
           REMOVED, also={"AIGNE-RES-007": "the member is missing"}),
    member("aigne_item_object_differs", "AIGNE-RES-005", API, "data/-1/object",
           "vector"),
    member("aigne_component_is_null", "AIGNE-RES-006", API, "data/-1/embedding/-1",
           None, also={"AIGNE-SEM-001": "no vector", "AIGNE-SEM-002": "no vector"}),
    member("aigne_index_counts_from_one", "AIGNE-RES-007", API, "data/*/index",
           lambda index: index + 1),
    member("aigne_model_is_null", "AIGNE-RES-008", API, "model", None),
    member("aigne_object_missing", "AIGNE-RES-009", API, "object", REMOVED,
           also={"META-109": "the same member"}),
    member("aigne_usage_is_null", "AIGNE-RES-010", API, "usage", None, also={
        "AIGNE-RES-011": "no counts", "AIGNE-EX-003": "no counts"}),
    member("aigne_tokens_are_text", "AIGNE-RES-011", API, "usage/prompt_tokens", str,
           also={"AIGNE-EX-003": "no count"}),
    member("aigne_total_is_twice", "AIGNE-EX-003", API, "usage/total_tokens",
           lambda total: total * 2),
)  # fmt: skip


@in_refusal(freedom="A-148")
def aigne_keys_are_403(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """A missing or wrong key is answered 403."""
    return (403, *found[1:]) if found[0] == 401 else found


DEFECTS: tuple[Defect, ...] = sins.of(
    "aigne-hub",
    (
        aigne_ids_are_many_inputs,
        aigne_id_lists_are_merged,
        aigne_nested_ids_differ,
        aigne_vectors_of_one_number,
        aigne_single_texts_lie_elsewhere,
        aigne_object_of_a_batch_differs,
        aigne_answers_are_bare_lists,
        aigne_wrong_keys_are_400,
        *_TABLE,
        aigne_keys_are_403,
        *sins.freedoms("aigne"),
        replace(
            refuses(
                "aigne_unlisted_members_are_refused", "", API,
                lambda body: len(body) > 2, why="only model and input are taken",
            ),
            freedom="A-149",
        ),
    ),
)  # fmt: skip
