"""The journal: the latest exchanges, to see what a client really sent."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

from aios_conformance.mockserver.control.connections import Connections
from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.serving.codec import decode

BODY_LIMIT: Final = 64 * 1024
"""Bytes kept of each request and of each response."""

_BUDGET: Final = 2 * 1024 * 1024  # bytes kept of all bodies together
_EACH: Final = 2 * 1024
TURNS: Final = 256
"""Of the event loop, in which an answer that was read is noted as over."""

_SECRET: Final = frozenset(
    {"authorization", "api-key", "x-api-key", "cookie", "proxy-authorization"}
)


class Journal:
    """A ring of exchanges: a new one pushes out the oldest."""

    def __init__(self, size: int, budget: int | None = None) -> None:
        """At most `size` exchanges are kept, with at most `budget` bytes of bodies.

        Without a budget it is 2 MiB, or 2 KiB for each exchange if that is more.
        """
        self._ring: deque[Exchange] = deque()
        self._size = size
        self._budget = max(_BUDGET, size * _EACH) if budget is None else budget
        self._bytes = 0
        self._number = 0
        self._connections = Connections()
        self.generation = 0  # counts resets

    def next_number(self) -> int:
        """Count one more exchange."""
        self._number += 1
        return self._number

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange that is about to happen."""
        self._ring.append(exchange)
        line = exchange.line or exchange.transport
        if line is not None:
            exchange.connection = self._connections.begin(line)
        if len(self._ring) > self._size:
            self._drop_oldest()

    def settle(self, exchange: Exchange) -> None:
        """Count the bodies of an exchange that is over."""
        if exchange.connection is not None:
            exchange.connection.busy = False
        if not exchange.kept:
            return
        exchange.kept_bytes = len(exchange.request) + min(
            exchange.response_size, BODY_LIMIT
        )
        self._bytes += exchange.kept_bytes
        while self._bytes > self._budget and self._ring:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self._ring.popleft()
        oldest.kept = False
        self._bytes -= oldest.kept_bytes

    async def at_rest(self) -> None:
        """Let exchanges whose answers were read be noted as over.

        A client may have read everything a moment before the server notes it. An
        exchange that is really under way is not waited for.
        """
        for _ in range(TURNS):
            if all(exchange.transport is None for exchange in self._ring):
                return
            await asyncio.sleep(0)

    def reset(self) -> None:
        """Forget everything and count from 1 again."""
        while self._ring:
            self._drop_oldest()
        self._number = 0
        self._connections = Connections()
        self.generation += 1

    def after(self, number: int) -> list[Exchange]:
        """Return the exchanges that are kept and came after a number, oldest first."""
        found = [*takewhile(lambda one: one.number > number, reversed(self.copy()))]
        return found[::-1]

    def __iter__(self) -> Iterator[Exchange]:
        """Iterate over what is kept, the oldest first."""
        return iter(self.copy())

    def copy(self) -> tuple[Exchange, ...]:
        """Return what is kept, the oldest first."""
        return tuple(self._ring)


def kept(data: bytes) -> bytes:
    """Return as much of a body as the journal keeps."""
    return data[:BODY_LIMIT]


def summarised(exchange: Exchange) -> dict[str, Any]:
    """Return what fits into one line of a list, as plain JSON values."""
    return {
        "number": exchange.number,
        "started": exchange.started,
        "duration_ms": round(exchange.duration * 1000, 3),
        "method": exchange.method,
        "path": exchange.path,
        "api": exchange.api,
        "model": _model(exchange),
        "connection": exchange.connection and exchange.connection.number,
        "body_bytes": exchange.request_size,
        "status": exchange.status,
        "streamed": exchange.streamed,
        "events": exchange.events,
        "over": exchange.transport is None,
        "finished": exchange.finished,
        "response_bytes": exchange.response_size,
        "fault": None if exchange.fault is None else str(exchange.fault),
        "rule": exchange.rule,
        "replayed": exchange.replayed,
        "remarks": [one._asdict() for one in exchange.remarks or ()],
    }


def described(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as plain JSON values, without its secrets."""
    response = b"".join(exchange.response)
    return {
        **summarised(exchange),
        "headers": hashed(exchange.headers),
        "body": readable(exchange.request),
        "response_headers": dict(exchange.answered),
        "response": response.decode("utf-8", "replace")
        if exchange.streamed
        else readable(response),
        "event_ms": [round((at - exchange.begun) * 1000, 3) for at in exchange.times],
    }


def hashed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with secrets replaced by a hash that tells them apart."""
    return {
        name: _hashed(value) if name.lower() in _SECRET else value
        for name, value in headers.items()
    }


def _hashed(value: str) -> str:
    data = value.encode(errors="surrogateescape")
    return f"sha256:{hashlib.sha256(data).hexdigest()[:12]}"


def readable(data: bytes) -> Any:
    """Return JSON as values, and anything else (or what was cut off) as text."""
    if not data:
        return None
    try:
        return decode(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def chosen(exchange: Exchange, wanted: Mapping[str, str]) -> bool:
    """Tell whether an exchange has the wanted path, api, model, status, text."""
    for name, value in wanted.items():
        if name == "text":
            if not _holds(exchange, value):
                return False
            continue
        found = _model(exchange) if name == "model" else getattr(exchange, name, None)
        if str(found) != value:
            return False
    return True


def _holds(exchange: Exchange, text: str) -> bool:
    """Tell whether a text stands in either body, in any letter case."""
    bodies = exchange.request + b"\n" + b"".join(exchange.response)
    return text.lower() in bodies.decode("utf-8", "replace").lower()


def _model(exchange: Exchange) -> Any:
    body = readable(exchange.request)
    return body.get("model") if isinstance(body, dict) else None
