"""`GET /_mock/events`: exchanges as they begin and end, as server-sent events.

An event `entries` holds exchanges in one line each: first those of the journal, then
each that is new or has ended. `reset` says that all that was told is forgotten.
"""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from aiohttp import web

from aios_conformance.mockserver.control.journal import Journal, summarised
from aios_conformance.mockserver.state import MockState
from aios_conformance.serving import sse
from aios_conformance.serving.codec import encode

_PAUSE: Final = 0.1  # seconds between two looks at the journal
_QUIET: Final = 150  # looks after which a comment keeps the connection alive
_TOGETHER: Final = 200  # entries of one event

CLOSING = web.AppKey("closing", asyncio.Event)
"""Set when the server stops, so that nobody who watches keeps it."""


class _View:
    """What one who watches has been told."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._generation = journal.generation
        self._last = 0
        self._open: dict[int, Any] = {}

    def news(self) -> Iterator[bytes]:
        """Yield what has happened since the last look."""
        journal = self._journal
        if journal.generation != self._generation:
            self._generation, self._last = journal.generation, 0
            self._open.clear()
            yield b"event: reset\ndata: {}\n\n"
        ended = [one for one in self._open.values() if one.transport is None]
        begun = journal.after(self._last)
        for one in ended:
            del self._open[one.number]
        for one in begun:
            self._last = one.number
            if one.transport is not None:
                self._open[one.number] = one
        told = [*ended, *begun]
        for start in range(0, len(told), _TOGETHER):
            entries = [summarised(one) for one in told[start : start + _TOGETHER]]
            yield b"event: entries\ndata: " + encode(entries) + b"\n\n"


async def watched(request: web.Request, state: MockState) -> web.StreamResponse:
    """Tell what happens until the one who watches leaves, or the server stops."""
    response = web.StreamResponse(headers=sse.HEADERS)
    await response.prepare(request)
    view, closing = _View(state.journal), request.app[CLOSING]
    try:
        await response.write(b": watching\n\n")
        for look in count(1):
            for block in view.news():
                await response.write(block)
                await asyncio.sleep(0)
            if look % _QUIET == 0:
                await response.write(b": quiet\n\n")
            if await _within(closing):
                break
        await response.write_eof()
    except ConnectionResetError:
        pass  # who watched has left
    return response


async def _within(closing: asyncio.Event) -> bool:
    """Pause; tell whether the server stops meanwhile."""
    try:
        await asyncio.wait_for(closing.wait(), _PAUSE)
    except TimeoutError:
        return False
    return True


async def close(app: web.Application) -> None:
    """End all watching (for `app.on_shutdown`)."""
    app[CLOSING].set()
