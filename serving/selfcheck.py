"""`--self-check`: the server holds its own answers against the contract.

Each whole answer is judged twice, by the compiled schema and by openapi-core, which
knows nothing of ours; each chunk of a stream by the schema. A breach is logged and
becomes a 500 with the code `self_check`, so that no test can overlook it.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from typing import Any

from aios_conformance.serving.codec import decode, encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.errors import Broken, Violation

_log = logging.getLogger(__name__)


class SelfCheck:
    """The judge of one server's own answers."""

    def __init__(self, contract: Contract) -> None:
        """Judge by this contract."""
        self._openapi = _independent_judge(encode(dict(contract.document)))

    def response(
        self, context: RequestContext, response: tuple[int, Any, bytes]
    ) -> None:
        """Raise Broken if a whole answer breaks the contract."""
        status, headers, body = response
        operation = context.operation
        if operation is None:
            return
        schema = operation.answers.get(str(status)) or operation.answers.get("default")
        if schema is not None:
            self._report(context, schema.violations(decode(body)))
        self._independent(context, status, headers, body)

    async def chunks(
        self, context: RequestContext, chunks: AsyncGenerator[dict[str, Any], None]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Pass chunks on; raise Broken at the first that breaks the contract."""
        schema = context.operation.chunk if context.operation else None
        async with aclosing(chunks):
            async for chunk in chunks:
                if schema is not None:
                    self._report(context, schema.violations(decode(encode(chunk))))
                yield chunk

    def _report(self, context: RequestContext, violations: list[Violation]) -> None:
        if violations:
            named = "; ".join(violation.message for violation in violations)
            self._fail(context, named)

    def _fail(self, context: RequestContext, reason: str) -> None:
        _log.error("%s broke the contract: %s", context.operation_id, reason)
        raise Broken(f"this answer breaks the contract: {reason}", code="self_check")

    def _independent(
        self, context: RequestContext, status: int, headers: Any, body: bytes
    ) -> None:
        from openapi_core.exceptions import OpenAPIError  # noqa: PLC0415
        from openapi_core.testing import MockRequest, MockResponse  # noqa: PLC0415

        request = MockRequest(
            "http://localhost",
            context.method.lower(),
            context.path,
            headers=dict(context.headers),
            data=context.raw,
            content_type="application/json",
        )
        response = MockResponse(
            body, status_code=status, content_type=headers["Content-Type"]
        )
        try:
            self._openapi.validate_response(request, response)
        except OpenAPIError as error:
            self._fail(context, f"openapi-core: {error!r}: {error.__cause__!r}")


@lru_cache(maxsize=16)
def _independent_judge(document: bytes) -> Any:
    """Return openapi-core's reading of a document, which it examines as a whole first.

    That takes a third of a second: servers that begin anew for each test share it.
    """
    from openapi_core import OpenAPI  # noqa: PLC0415  needed nowhere else

    return OpenAPI.from_dict(decode(document))
