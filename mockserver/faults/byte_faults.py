"""The same events in other bytes: what a parser of server-sent events must bear.

All but the last two are legal (HTML Living Standard, 9.2 "Server-sent events"); a
client fails on them only if it reads lines or packets where it should read events.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aios_conformance.serving import sse
from aios_conformance.serving.stages import Frames

_SETTLE: Final = 8  # turns of the event loop until written bytes are on their way
_MERGED: Final = 3  # events of which a packet holds the last one in part
_STRIDE: Final = 7  # how far the cut moves from event to event


async def settle() -> None:
    """Let the event loop send what was written before."""
    for _ in range(_SETTLE):
        await asyncio.sleep(0)


async def _crlf(events: Frames) -> Frames:
    async for event in events:
        yield event.replace(b"\n", b"\r\n")


async def _bom(events: Frames) -> Frames:
    yield b"\xef\xbb\xbf"
    async for event in events:
        yield event


async def _ping(events: Frames) -> Frames:
    async for event in events:
        yield b": ping\n\n" + event


async def _no_space(events: Frames) -> Frames:
    async for event in events:
        yield event.replace(b"data: ", b"data:", 1)


async def _split(events: Frames) -> Frames:
    """Cut each event somewhere else: in its name, a character, between newlines."""
    place = 0
    async for event in events:
        place += _STRIDE
        cut = 1 + place % (len(event) - 1)
        yield event[:cut]
        await settle()
        yield event[cut:]
        await settle()


async def _merge(events: Frames) -> Frames:
    """Send two events and a half together, and the other half with the next."""
    waiting: list[bytes] = []
    async for event in events:
        waiting.append(event)
        if len(waiting) == _MERGED:
            half = len(event) // 2
            yield b"".join(waiting)[: half - len(event)]
            await settle()
            waiting = [event[half:]]
    yield b"".join(waiting)


async def _done_twice(events: Frames) -> Frames:
    async for event in events:
        yield event * 2 if event == sse.DONE else event


async def _no_done(events: Frames) -> Frames:
    async for event in events:
        if event != sse.DONE:
            yield event


BYTE_FAULTS: Final[Mapping[str, Callable[[Frames], Frames]]] = {
    "crlf": _crlf,
    "bom": _bom,
    "ping": _ping,
    "no-space": _no_space,
    "split": _split,
    "merge": _merge,
    "done-twice": _done_twice,
    "no-done": _no_done,
}
"""What each does to the events of a stream."""
