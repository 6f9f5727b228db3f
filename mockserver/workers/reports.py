"""The journal of a worker: it keeps nothing, but tells the parent."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.control.journal import BODY_LIMIT, TURNS, Journal
from aios_conformance.mockserver.control.steady import now
from aios_conformance.mockserver.workers.channel import HEADERS, Channel, Entry, Report

_MANY: Final = 64  # exchanges that are told of unasked
_LARGE: Final = 512 * 1024  # bytes of their bodies
_OURS: Final = frozenset(
    (
        *("number", "transport", "line", "connection", "kept", "kept_bytes"),
        *("example", "script", "taken", "added"),
    )
)
"""What of an exchange concerns only the process that has it."""


class Reports(Journal):
    """What is to be told to the parent."""

    def __init__(self) -> None:
        """Nothing is told before there is a channel."""
        super().__init__(0)
        self.channel: Channel | None = None
        self.handing_on = False
        self.running: Counter[str] = Counter()
        self._under_way: dict[int, tuple[Exchange, int]] = {}
        self._told: set[int] = set()  # of those
        self._ended: list[Entry] = []
        self._ended_bytes = 0
        self._closed: list[tuple[float, int]] = []
        self._lines: dict[object, int] = {}
        self._new_lines = count(1)

    def line(self, transport: object) -> int:
        """Return the number of a client's connection."""
        number = self._lines.get(transport)
        if number is None:
            number = self._lines[transport] = next(self._new_lines)
        return number

    def lost(self, transport: object) -> None:
        """Note that a connection is gone."""
        number = self._lines.pop(transport, None)
        if number is not None:
            self._closed.append((now(), number))

    def add(self, exchange: Exchange) -> None:
        """Note that an exchange begins."""
        line = self.line(exchange.transport)
        self._under_way[exchange.number] = exchange, line

    def settle(self, exchange: Exchange) -> None:
        """Note that an exchange is over, and tell of it if there is much to tell."""
        if not exchange.kept:  # it began before a reset
            return
        _, line = self._under_way.pop(exchange.number)
        self._told.discard(exchange.number)
        self._ended.append((exchange.number, line, _described(exchange)))
        self._ended_bytes += len(exchange.request)
        self._ended_bytes += min(exchange.response_size, BODY_LIMIT)
        much = len(self._ended) >= _MANY or self._ended_bytes > _LARGE
        if much or self.handing_on:
            self.tell(None)

    def tell(self, order: int | None) -> None:
        """Report what has happened."""
        begun = [
            (number, line, _described(exchange))
            for number, (exchange, line) in self._under_way.items()
            if number not in self._told
        ]
        self._told.update(self._under_way)
        running = {model: n for model, n in self.running.items() if n}
        at = now()
        report = Report(
            order, at, self.generation, begun, self._ended, self._closed, running
        )
        self._ended, self._closed, self._ended_bytes = [], [], 0
        if self.channel is not None:
            self.channel.send(report)

    async def at_rest(self) -> None:
        """Let exchanges whose answers were read be noted as over."""
        for _ in range(TURNS):
            if not self._under_way:
                return
            await asyncio.sleep(0)

    def reset(self) -> None:
        """Forget what was not told, and count from 1 again."""
        super().reset()
        for exchange, _ in self._under_way.values():
            exchange.kept = False
        self._under_way.clear()
        self._told.clear()
        self._ended, self._ended_bytes = [], 0


def _described(exchange: Exchange) -> Mapping[str, Any]:
    told = {name: value for name, value in vars(exchange).items() if name not in _OURS}
    for name in HEADERS:  # they are slow to pickle as they are
        told[name] = tuple(getattr(exchange, name).items())
    return told
