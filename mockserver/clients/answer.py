"""`GET /_mock/verdict`: JSON, or what `?format=` or the header Accept prefers."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from aios_conformance.mockserver.clients.report import junit, text
from aios_conformance.mockserver.clients.verdict import Verdict, judged, session
from aios_conformance.mockserver.faults.effects import refusal
from aios_conformance.mockserver.state import MockState
from aios_conformance.serving.codec import encode

FORMATS: Final[Mapping[str, tuple[str, Callable[[Verdict], bytes]]]] = {
    "json": ("application/json", lambda verdict: encode(verdict.described())),
    "text": ("text/plain", lambda verdict: text(verdict).encode()),
    "junit": ("application/xml", junit),
}
_ACCEPTED: Final = {
    "application/json": "json",
    "text/plain": "text",
    "text/html": "text",
    "application/xml": "junit",
    "text/xml": "junit",
    "application/junit+xml": "junit",
}


def of_state(state: MockState) -> Verdict:
    """Judge what the journal holds."""
    return judged(session(state.journal))


async def answer(request: web.Request, state: MockState) -> web.Response:
    """Answer with the verdict on all that happened since the last reset."""
    wanted = request.query.get("format") or _accepted(request.headers.get("Accept"))
    if wanted not in FORMATS:
        valid = ", ".join(FORMATS)
        return refusal(
            400,
            f"there is no format {wanted[:40]!r}; valid are {valid}",
            code="unknown_format",
        )
    await state.journal.at_rest()
    kind, written = FORMATS[wanted]
    verdict = await asyncio.to_thread(of_state, state)
    return web.Response(body=written(verdict), content_type=kind, charset="utf-8")


def _accepted(accept: str | None) -> str:
    """Return the first format that a client would take."""
    for item in (accept or "").split(","):
        kind = item.partition(";")[0].strip().lower()
        if kind in _ACCEPTED:
            return _ACCEPTED[kind]
    return "json"
