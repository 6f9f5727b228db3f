"""The stages under a profile: requests read and answers written as it deviates.

A profile without deviations leaves the stages alone, and costs nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from aios_conformance.mockserver.model.constraints import constrain
from aios_conformance.mockserver.profile.lenient import Lenient
from aios_conformance.mockserver.profile.vllm import (
    CLAMPED_BIAS,
    ERROR_LAYOUT,
    EXTRA_MEMBERS,
    GREEDY_ALONE,
    REASONING_TWICE,
    REQUEST_IDS,
    STATUS_400,
    STREAM_OPTIONS,
    STRUCTURED_OUTPUTS,
    TOOL_CALLS,
)
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.errors import ApiError, BadRequest, Invalid, Meaningless
from aios_conformance.serving.profile import Profile
from aios_conformance.serving.stages import Answer, Chunks, Stages

_CLASSES: Final[Mapping[int, str]] = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    408: "RequestTimeoutError",
    413: "BadRequestError",
    500: "InternalServerError",
    503: "ServiceUnavailableError",
}
_BESIDE: Final[Mapping[str, Any]] = dict.fromkeys(
    ("service_tier", "system_fingerprint", "kv_transfer_params")
)
_PROMPT: Final[Mapping[str, Any]] = {"prompt_token_ids": None}
"""One for a chat; of completions each choice has its own."""
_MESSAGE: Final[Mapping[str, Any]] = dict.fromkeys(
    ("refusal", "annotations", "audio", "function_call")
)


def profiled(stages: Stages, front: Front) -> Stages:
    """Return stages that deviate as the front's profile says."""
    profile = front.profile
    if not profile.deviations:
        return stages
    lenient = Lenient(front)

    def admit(context: RequestContext) -> None:
        stages.admit(context)
        lenient.read(context)

    def prepare(context: RequestContext) -> None:
        stages.prepare(context)
        _adjust(profile, context)

    async def answer(context: RequestContext) -> Answer:
        return _completed(profile, context, await stages.answer(context))

    async def chunks(context: RequestContext) -> Chunks:
        async with aclosing(stages.chunks(context)) as source:
            async for chunk in source:
                yield _chunk(profile, context, chunk)

    return replace(
        stages,
        admit=admit,
        prepare=prepare,
        answer=answer,
        chunks=chunks,
    )


def told(profile: Profile, error: ApiError) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of an error as the profile has them."""
    status, body = error.status, error.body()
    if STATUS_400 in profile and isinstance(error, Invalid | Meaningless):
        status = BadRequest.status
    if ERROR_LAYOUT in profile:
        named = {"type": _CLASSES.get(status) or _phrase(status), "code": status}
        body = {"error": {**body["error"], **named}}
    return status, body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "APIError"


def _adjust(profile: Profile, context: RequestContext) -> None:
    """Change what was asked for, as far as the schema cannot say it."""
    values = context.parameters
    if values.get("truncate_prompt_tokens") == -1:
        del values["truncate_prompt_tokens"]
    if values.get("top_n", 0) < 0:
        values["top_n"] = 0
    if STRUCTURED_OUTPUTS in profile:
        constrain(values)
    if CLAMPED_BIAS in profile and values.get("logit_bias"):
        values["logit_bias"] = {
            token: max(-100, min(100, bias))
            for token, bias in values["logit_bias"].items()
        }
    if GREEDY_ALONE in profile and values.get("temperature") == 0 and values["n"] > 1:
        raise BadRequest(
            f"/n must be 1 with temperature 0, got {values['n']}",
            code="greedy",
            param="n",
        )
    if (
        STREAM_OPTIONS in profile
        and values.get("stream_options")
        and not values.get("stream")
    ):
        raise BadRequest(
            "/stream_options needs stream true", code="no_stream", param="stream"
        )
    identity = context.headers.get("X-Request-Id")
    if identity and context.operation and REQUEST_IDS in profile:
        context.id = context.operation.about.answer_id + identity


def _completed(profile: Profile, context: RequestContext, answer: Answer) -> Answer:
    """Return a whole answer with the members that the profile has besides."""
    api, choices = context.api, tuple(_choices(answer))
    for choice in choices:
        _said(profile, context, choice, choice.get("message"))
        if EXTRA_MEMBERS in profile:
            choice.update({"token_ids": None, **({} if api == "chat" else _PROMPT)})
            if isinstance(choice.get("message"), dict):
                choice["message"].update(_MESSAGE)
    if EXTRA_MEMBERS in profile:
        if choices:
            answer = {**answer, **_BESIDE, **(_PROMPT if api == "chat" else {})}
        if api == "rerank" and isinstance(usage := answer.get("usage"), dict):
            total = usage.get("total_tokens")
            answer["usage"] = {"prompt_tokens": total, **usage}
    return answer


def _chunk(profile: Profile, context: RequestContext, chunk: Answer) -> Answer:
    """Return a chunk as the profile writes it."""
    extra = EXTRA_MEMBERS in profile
    for choice in _choices(chunk):
        _said(profile, context, choice, choice.get("delta"))
        if extra:
            choice["token_ids"] = None
            if choice.get("finish_reason") is None:
                choice.pop("stop_reason", None)
    if extra and "usage" in chunk and chunk["usage"] is None:
        del chunk["usage"]
    return chunk


def _said(
    profile: Profile, context: RequestContext, choice: dict[str, Any], message: Any
) -> None:
    """Change what a choice, or its delta, says."""
    if isinstance(message, dict):
        if REASONING_TWICE in profile and "reasoning_content" in message:
            message["reasoning"] = message["reasoning_content"]
        if TOOL_CALLS in profile:
            for call in message.get("tool_calls") or ():
                if "id" in call:
                    call["id"] = call["id"].replace("call_", "chatcmpl-tool-", 1)
    named = isinstance(context.parameters.get("tool_choice"), dict)
    if named and TOOL_CALLS in profile and choice.get("finish_reason") == "tool_calls":
        choice["finish_reason"] = "stop"


def _choices(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield the choices of an answer that has some."""
    yield from answer.get("choices", ())
