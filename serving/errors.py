# ruff: noqa: N818 - these names read as the facts that they state
"""What the server answers when it cannot answer.

ApiError                 one refusal: status, message, type, param, code
├── BadRequest      400  not JSON, not an object, or more than the model can do
├── Unauthorized    401  no key, or not the accepted one
├── Forbidden       403  not for everyone who reaches the server
├── NotFound        404  no such path or model
├── NotAllowed      405  the path exists, the method does not
├── TimedOut        408  the request did not arrive in time
├── BodyTooLarge        413  the body exceeds the server's limit
├── Invalid         422  the body breaks the contract's schema
├── Meaningless     422  the schema is kept, but the parameters say nothing sensible
├── Broken          500  our own fault
├── Busy            503  the queue is full; Retry-After says when to come back
└── Unavailable     503  what runs the models does not answer

The documents name the codes 400, 422 and 500 (`000:112`) but no error body; ours
is OpenAI's: `{"error": {"message", "type", "param", "code"}}` (`A-003`, `A-004`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aios_conformance.serving.engine import EngineError, Overloaded, TooLong, Unwell
from aios_conformance.serving.pointers import steps


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach of the request schema.

    `pointer` is the JSON pointer of the offending member, `message` a sentence
    about it that says what is valid, `keyword` the schema keyword that failed.
    """

    pointer: str
    message: str
    keyword: str


class ApiError(Exception):
    """A refusal that the client gets to read."""

    status: int = 500
    type: str = "server_error"

    def __init__(
        self,
        message: str,
        *,
        code: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`code` is stable and for programs; `param` names the request member."""
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the refusal."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }


class BadRequest(ApiError):
    """The request cannot be understood, or the named model cannot serve it."""

    status = 400
    type = "invalid_request_error"


class Unauthorized(ApiError):
    """The key is missing or wrong."""

    status = 401
    type = "authentication_error"


class Forbidden(ApiError):
    """The request comes from where it must not."""

    status = 403
    type = "permission_error"


class NotFound(ApiError):
    """Nothing answers to this path or model name."""

    status = 404
    type = "not_found_error"


class NotAllowed(ApiError):
    """The path does not offer this method."""

    status = 405
    type = "invalid_request_error"


class TimedOut(ApiError):
    """The request did not arrive in time."""

    status = 408
    type = "invalid_request_error"


class BodyTooLarge(ApiError):
    """The body exceeds the server's limit."""

    status = 413
    type = "invalid_request_error"


class Invalid(ApiError):
    """The body is JSON but breaks the contract's schema."""

    status = 422
    type = "invalid_request_error"

    def __init__(self, violations: Sequence[Violation]) -> None:
        """Name at most three violations, the first one as `param`."""
        named = "; ".join(violation.message for violation in violations[:3])
        more = len(violations) - 3
        super().__init__(
            f"{named}; and {more} more" if more > 0 else named,
            code="validation_error",
            param=member(violations[0].pointer),
        )
        self.violations = tuple(violations)


class Meaningless(ApiError):
    """The parameters keep the schema, but not what is said about them in words.

    That can be told from the body alone (texts that do not pair up, an empty list,
    a tool that is not offered) or is a documented bound (`000:381`, `A-003`). What
    only this model cannot do is a BadRequest.
    """

    status = 422
    type = "invalid_request_error"


class Broken(ApiError):
    """Our own fault."""


class Busy(ApiError):
    """The queue is full."""

    status = 503
    type = "overloaded_error"


class Unavailable(ApiError):
    """What runs the models does not answer, or has died."""

    status = 503
    type = "service_unavailable"


def member(pointer: str) -> str | None:
    """Spell a JSON pointer as OpenAI's `param`: `/messages/0/role` → messages[0].role.

    >>> member("/messages/0/role")
    'messages[0].role'
    """
    name = ""
    for key in steps(pointer):
        name += f"[{key}]" if key.isdecimal() else f".{key}" if name else key
    return name or None


def refused(error: EngineError) -> ApiError:
    """Translate what an engine raises into what a client can act on."""
    match error:
        case Overloaded(retry_after=seconds):
            return Busy(
                str(error), code="overloaded", headers={"Retry-After": str(seconds)}
            )
        case TooLong():
            return BadRequest(str(error), code="context_length_exceeded")
        case Unwell():
            return Unavailable(str(error), code="engine_unavailable")
        case _:
            return BadRequest(str(error), code="unsupported")
