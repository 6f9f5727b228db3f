"""What a server can get wrong about paths, methods, headers and keys."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.planting import Defect, in_refusal
from aios_conformance.mockserver.defects.tables import turns_away
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import (
    ApiError,
    BadRequest,
    Broken,
    NotAllowed,
    NotFound,
    Unauthorized,
)
from aios_conformance.serving.stages import Response, Stages


class _UnsupportedMedia(BadRequest):
    """415, which no right server needs here."""

    status = 415


class _NotAcceptable(BadRequest):
    """406, which no right server needs here."""

    status = 406


def _header(context: RequestContext, wanted: str) -> str:
    return next((v for k, v in context.headers.items() if k.lower() == wanted), "")


def _is(context: RequestContext, path: str, *members: str) -> bool:
    """The request is to a path, and its body has exactly these members."""
    return context.path == path and context.body.keys() == {"model", *members}


def _texts(context: RequestContext) -> Any:
    return context.body.get("messages")


@in_refusal("COMMON-REQ-003")
def get_lists_what_there_is(
    context: RequestContext, error: ApiError, found: Response
) -> Response:
    """GET on a documented path is answered 200."""
    return (200, *found[1:]) if isinstance(error, NotAllowed) else found


WITHOUT_QUERY = dict.fromkeys(
    (
        *(
            "COMMON-REQ-005",
            "COMMON-REQ-012",
            "COMMON-RES-001",
            "META-118",
        ),
        *(
            "META-118",
            "META-119",
            "META-120",
            "EMB-REQ-001",
            "EMB-REQ-003",
            "EMB-REQ-006",
        ),
        *("EMB-REQ-007", "EMB-EX-001"),
    ),
    "the valid request lacks the query",
)


NOWHERE = {
    "EMB-REQ-001": "it is that path",
    "COMMON-REQ-001": "it is one of the paths",
    "COMMON-REQ-002": "it is one of the paths",
    "COMMON-RES-001": "the valid request is not found",
}


def _lost(
    name: str, text: str, primary: str, also: Mapping[str, str], refusal: ApiError
) -> Defect:
    """After a 500, which shows that it is served, embeddings refuses everything."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: RequestContext) -> None:
            if context.api == "embeddings":
                tally.add()
                if tally.acts == 1:
                    raise Broken("warming up", code="crashed")
                raise refusal
            stages.admit(context)

        return replace(stages, admit=admit), engine

    return Defect(name, text, plant, primary, also)


DEFECTS: tuple[Defect, ...] = (
    get_lists_what_there_is,
    _lost(
        "embeddings_demands_a_query",
        "Embeddings begins with a 500, and then refuses all that lacks ?region=.",
        "COMMON-REQ-008",
        WITHOUT_QUERY,
        BadRequest("?region= is missing", code="region_missing"),
    ),
    _lost(
        "embeddings_moves_away",
        "Embeddings begins with a 500, and is then not found.",
        "COMMON-REQ-009",
        NOWHERE,
        NotFound("nothing is here", code="not_found"),
    ),
    turns_away(
        "score_root_is_missing",
        "COMMON-REQ-001",
        "/score is not served.",
        lambda context: context.path == "/score",
        also={"SCORE-REQ-001": "it is that path"},
        error=NotFound,
    ),
    turns_away(
        "rerank_v2_wants_another_method",
        "COMMON-REQ-002",
        "POST on /v2/rerank is answered 405.",
        lambda context: context.path == "/v2/rerank",
        also={
            "COMMON-REQ-001": "it is a listed path",
            "RERANK-REQ-003": "it is that path",
        },
        error=NotAllowed,
    ),
    turns_away(
        "accept_header_is_demanded",
        "COMMON-REQ-005",
        "A request without any Accept header is refused.",
        lambda context: not _header(context, "accept"),
    ),
    turns_away(
        "embeddings_accept_is_not_read",
        "EMB-REQ-003",
        "Embeddings answers 406 to Accept: application/json.",
        lambda context: (
            context.api == "embeddings"
            and _header(context, "accept") == "application/json"
        ),
        also={"COMMON-REQ-005": "the header is optional"},
        error=_NotAcceptable,
    ),
    turns_away(
        "charset_is_demanded",
        "COMMON-REQ-004",
        "Chat answers 415 to text beyond ASCII whose Content-Type names no charset.",
        lambda context: (
            context.api == "chat"
            and not str(_texts(context)).isascii()
            and "charset" not in _header(context, "content-type")
        ),
        also={
            "COMMON-RES-001": "a valid request is not answered 200",
            "COMMON-REQ-015": "text beyond ASCII is refused",
            "META-083": "a conversation is beyond ASCII",
        },
        error=_UnsupportedMedia,
    ),
    turns_away(
        "tools_demand_a_key",
        "COMMON-SEM-001",
        "Chat with a forced tool is answered 401 without a key.",
        lambda context: (
            context.body.get("tool_choice") == "required"
            and not _header(context, "authorization")
        ),
        also={
            "COMMON-RES-001": "a valid request is not answered 200",
            "CHAT-REQ-043": "required is a documented value",
            "CHAT-REQ-046": "a conversation with a tool is not taken",
        },
        error=Unauthorized,
    ),
    turns_away(
        "rerank_root_refuses_long_lists",
        "RERANK-REQ-001",
        "/rerank refuses more than three documents without top_n.",
        lambda context: (
            _is(context, "/rerank", "query", "documents")
            and len(context.body["documents"]) > 3
        ),
    ),
    turns_away(
        "rerank_v1_refuses_four_documents",
        "RERANK-REQ-002",
        "/v1/rerank refuses four documents without top_n.",
        lambda context: (
            _is(context, "/v1/rerank", "query", "documents")
            and len(context.body["documents"]) == 4
        ),
        also={"COMMON-RES-001": "a valid request is not answered 200"},
    ),
    turns_away(
        "score_root_refuses_strings",
        "SCORE-REQ-001",
        "/score refuses a pair of two strings.",
        lambda context: (
            _is(context, "/score", "text_1", "text_2")
            and isinstance(context.body["text_1"], str)
        ),
        also={"COMMON-RES-001": "a valid request is not answered 200"},
    ),
    turns_away(
        "embeddings_in_floats_is_nowhere",
        "EMB-REQ-001",
        "A single text with encoding_format float is answered 404.",
        lambda context: (
            _is(context, "/v1/embeddings", "input", "encoding_format")
            and context.body["encoding_format"] == "float"
            and isinstance(context.body["input"], str)
        ),
        also={"EMB-REQ-012": "float may be spelt out"},
        error=NotFound,
    ),
    turns_away(
        "chat_begun_by_the_assistant_is_nowhere",
        "CHAT-REQ-001",
        "An assistant's preamble without a limit is answered 404.",
        lambda context: (
            _is(context, "/v1/chat/completions", "messages")
            and [m["role"] for m in _texts(context)] == ["assistant", "user"]
        ),
        error=NotFound,
    ),
    turns_away(
        "completions_at_070_is_nowhere",
        "COMP-REQ-001",
        "A temperature of 0.7 without a limit is answered 404.",
        lambda context: (
            _is(context, "/v1/completions", "prompt", "temperature")
            and context.body["temperature"] == 0.7
        ),
        error=NotFound,
    ),
)
