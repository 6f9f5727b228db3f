"""Client mistakes that are answered as if they were none, or that crash the server."""

from collections.abc import Callable

from aios_conformance import spec
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.tables import answers, breaks_down
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError

TICKED = {"META-120": "a ticked field", "COMMON-REQ-011": "a ticked field"}
APIS = tuple(api for api in spec.apis().values() if api.required)


def _required(field: str) -> str:
    """The topic of the row that requires a field."""
    return f"{field.replace('_', '-')}-required"


def _is_cut(context: RequestContext, error: ApiError) -> bool:
    return error.code == "json_invalid" and context.raw[:1] == b"{"


def _is_no_object(context: RequestContext, error: ApiError) -> bool:
    return error.code == "json_invalid" and context.raw[:1] in (b"[", b'"')


def _lacks_only(field: str) -> Callable[[RequestContext, ApiError], bool]:
    return lambda context, error: (
        error.code == "validation_error"
        and bool(context.body)
        and field not in context.body
    )


def _is_minus_one(context: RequestContext, error: ApiError) -> bool:
    return context.body.get("truncate_prompt_tokens") == -1


DEFECTS: tuple[Defect, ...] = (
    answers("other_json_is_answered", "COMMON-REQ-006", "", _is_no_object,
            what="JSON that is no object"),
    *(
        answers(f"{api.name}_reads_cut_off_json", api.row("ERR-001"), api.name,
                _is_cut, what="a body that lacks its last brace")
        for api in APIS
    ),
    *(
        answers(f"{api.name}_answers_without_{field}", api.row("ERR-002"), api.name,
                _lacks_only(field), what=f"a body without {field}",
                also={**TICKED, spec.row(api.name, _required(field)): "it is required"},
                origin="runpod-workers/worker-vllm#57")
        for api in APIS
        for field in api.required[-1:]  # what the API is about
    ),
    answers("score_limit_minus_one_is_answered", "COMMON-ERR-007", "score",
            _is_minus_one, what="truncate_prompt_tokens -1",
            also={"SCORE-REQ-020": "the same bound"}),
    breaks_down("chat_breaks_down_on_deep_json", "COMMON-ERR-004", "chat",
                lambda context: b"[" * 1_000 in context.raw,
                what="a member nested 20,000 deep",
                also={"CHAT-ERR-003": "the same statement"}),
)  # fmt: skip
