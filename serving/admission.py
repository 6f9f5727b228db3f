"""The first stages: from bytes to a request that the server is willing to answer."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any, Final

from aios_conformance.serving.codec import decode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.contract import JSON
from aios_conformance.serving.engine import Model
from aios_conformance.serving.errors import (
    BadRequest,
    Unauthorized,
    Violation,
)
from aios_conformance.serving.limits import Limits
from aios_conformance.serving.models import named

OBEYED: Final = frozenset({"parallel_tool_calls", "response_format"})
"""What OpenAI's clients send, and is obeyed though the documents do not list it."""


def admit(context: RequestContext) -> None:
    """Check the key, parse the body.

    Raises Unauthorized, or BadRequest for what is no JSON object (`COMMON-ERR-002`).
    """
    authorize(context)
    if context.operation is not None and context.operation.request is None:
        return  # nothing to read
    content_type = context.headers.get("Content-Type", "")
    if content_type.partition(";")[0].strip().lower() != JSON:
        raise BadRequest(
            f"the header Content-Type must be {JSON}, got {content_type[:100]!r}",
            code="content_type",
        )
    context.body = read_object(context.raw, context.front.limits)


def authorize(context: RequestContext) -> None:
    """Raise Unauthorized unless the key is the accepted one.

    Without a configured key everything is open where the document asks for none
    (`A-006`), and any bearer key will do where it asks for one.
    """
    secured = context.operation is not None and context.operation.secured
    keyed(context.headers, context.front.api_key, demanded=secured)


def keyed(
    headers: Mapping[str, str], key: str | None, *, demanded: bool = False
) -> None:
    """Raise Unauthorized unless headers have the key; without one any, if demanded."""
    if key is None and not demanded:
        return
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    given = token.strip().encode("utf-8", "surrogateescape")
    if scheme.lower() != "bearer" or not given:
        raise Unauthorized(
            "the header Authorization must be: Bearer KEY",
            code="missing_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if key is not None and not compare_digest(given, key.encode()):
        raise Unauthorized(
            "the API key is not the accepted one",
            code="invalid_api_key",
            headers={"WWW-Authenticate": "Bearer"},
        )


def read_object(raw: bytes, limits: Limits) -> dict[str, Any]:
    """Return the JSON object that a body is. Raises BadRequest."""
    limits.parsed(raw)
    try:
        body = decode(raw)
    except ValueError as error:
        reason = str(error) if raw else "it is empty"
        raise BadRequest(
            f"the body is no JSON: {reason}", code="json_invalid"
        ) from None
    if not isinstance(body, dict):
        raise BadRequest(
            f"the body must be a JSON object, got {_kind(body)}", code="json_invalid"
        )
    limits.held(raw, body)
    return body


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "a number"


def validate(context: RequestContext) -> list[Violation]:
    """Hold the body against the request schema (`COMMON-ERR-003`)."""
    operation = context.operation
    if operation is None or operation.request is None:
        return []
    return operation.request.violations(context.body)


def prepare(context: RequestContext) -> None:
    """Find the model, fill in defaults, give the answer its id and time.

    What has no request body has a time only.

    Raises NotFound for an unknown model, BadRequest for one of the wrong kind
    (`COMMON-ERR-008`).
    """
    operation = context.operation
    assert operation is not None  # noqa: S101 - routes exist for operations only
    context.created = context.front.now()
    if operation.request is None:
        return
    model = named(context.front, context.body["model"])
    if operation.api not in model.apis:
        raise _unfit(model, operation.api)
    context.model = model
    context.parameters = operation.complete(context.body)
    for member in OBEYED & context.body.keys():
        context.parameters[member] = context.body[member]
    context.id = operation.about.answer_id + context.front.identity()


def _unfit(model: Model, api: str) -> BadRequest:
    offered = ", ".join(sorted(model.apis))
    return BadRequest(
        f"the model {model.name!r} does not serve {api}; it serves {offered}",
        code="model_unfit",
        param="model",
    )
