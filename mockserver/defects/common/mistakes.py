"""Client mistakes that are answered as if they were none, or that crash the server."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from aios_conformance import spec
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.defects.tables import answers, crashes
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Api, Engine
from aios_conformance.serving.errors import ApiError, Broken
from aios_conformance.serving.stages import Stages

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


def _has_nan(context: RequestContext, error: ApiError) -> bool:
    return b":NaN" in context.raw


def _is_minus_one(context: RequestContext, error: ApiError) -> bool:
    return context.body.get("truncate_prompt_tokens") == -1


def _has_alternatives_only(context: RequestContext, error: ApiError) -> bool:
    return "top_logprobs" in context.body and "logprobs" not in context.body


def _crash(api: Api) -> Mapping[str, str]:
    return {
        "COMMON-ERR-004": "no input may crash",
        spec.apis()[api].row("ERR-003"): "no input may crash",
    }


def _breaks_down(
    name: str,
    primary: str,
    api: str,
    when: Callable[[RequestContext], Any],
    *,
    what: str,
    also: Mapping[str, str],
) -> Defect:
    """Answer 500 to a body that may be accepted or refused."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: RequestContext) -> None:
            if context.api == api and when(context):
                tally.add()
                raise Broken("crashed", code="crashed")
            stages.admit(context)

        return replace(stages, admit=admit), engine

    return Defect(name, f"{api}: {what} is answered 500.", plant, primary, also)


DEFECTS: tuple[Defect, ...] = (
    answers("other_json_is_answered", "COMMON-REQ-006", "", _is_no_object,
            what="JSON that is no object"),
    *(
        answers(f"{api.name}_reads_cut_off_json", api.row("ERR-001"), api.name,
                _is_cut, what="a body that lacks its last brace")
        for api in APIS
    ),
    answers("score_reads_nan", "SCORE-ERR-001", "score", _has_nan,
            what="a body with NaN, which is no JSON,"),
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
    answers("chat_alternatives_without_logprobs", "META-074", "chat",
            _has_alternatives_only, what="top_logprobs without logprobs",
            also={"CHAT-REQ-052": "the same statement"}),
    crashes("chat_crashes_on_alternatives_alone", "CHAT-ERR-003", "chat",
            lambda context: "top_logprobs" in context.body
            and "logprobs" not in context.body,
            what="top_logprobs without logprobs",
            also={"COMMON-ERR-004": "the same statement"}),
    crashes("score_crashes_on_nan", "SCORE-ERR-003", "score",
            lambda context: b":NaN" in context.raw, what="a body with NaN",
            also={"COMMON-ERR-004": "the same statement"}),
    _breaks_down("rerank_breaks_down_on_a_lone_surrogate", "RERANK-ERR-003", "rerank",
                 lambda context: b"\\ud800" in context.raw,
                 what="half a character",
                 also={"COMMON-ERR-004": "the same statement"}),
    _breaks_down("completions_breaks_down_on_a_huge_seed", "COMP-ERR-003",
                 "completions", lambda context: b"0" * 30 in context.raw,
                 what="a seed of 31 digits",
                 also={"COMMON-ERR-004": "the same statement"}),
    _breaks_down("embeddings_breaks_down_on_other_bytes", "EMB-ERR-003", "embeddings",
                 lambda context: b"\xff\xfe" in context.raw,
                 what="a text that is no UTF-8",
                 also={"COMMON-ERR-004": "the same statement"}),
    _breaks_down("chat_breaks_down_on_deep_json", "COMMON-ERR-004", "chat",
                 lambda context: b"[" * 1_000 in context.raw,
                 what="a member nested 20,000 deep",
                 also={"CHAT-ERR-003": "the same statement"}),
    _breaks_down("rerank_breaks_down_on_a_long_document", "RERANK-REQ-010", "rerank",
                 lambda context: len(context.raw) > 10_000,
                 what="a document beyond the model's length", also=_crash("rerank")),
    _breaks_down("chat_breaks_down_on_a_huge_limit", "CHAT-REQ-021", "chat",
                 lambda context: b'"max_completion_tokens":10000000' in context.raw,
                 what="a limit of ten million", also=_crash("chat")),
)  # fmt: skip
