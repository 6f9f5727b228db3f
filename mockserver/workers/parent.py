"""The parent: it has the state of all, and answers what concerns all."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from operator import attrgetter
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from aios_conformance.mockserver.app import STATE, mock_application
from aios_conformance.mockserver.control import endpoints as control
from aios_conformance.mockserver.control.elsewhere import LINE, LINE_HEADER, FarLine
from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.options import MockOptions
from aios_conformance.mockserver.state import MockState
from aios_conformance.mockserver.workers.channel import (
    HEADERS,
    Channel,
    Entry,
    Order,
    Report,
)

_PAUSE: Final = 0.1  # seconds between two reports for those who watch
_WATCHED: Final = f"{control.PREFIX}events"


class Parent:
    """What the workers are to those who use them: one mock."""

    def __init__(self, options: MockOptions) -> None:
        """No worker is there yet."""
        self.application = mock_application(
            options, outer=[self._middleware], alone=lambda: False
        )
        self._state = self.application[STATE]
        self._workers: list[_Worker] = []
        self._pile: list[Act] = []
        self._gathering: asyncio.Task[None] | None = None

    async def lead(self, channels: Sequence[Channel]) -> bool:
        """Have workers serve; tells whether all do."""
        self._workers = [
            _Worker(one, self._state, self._pile, self._told) for one in channels
        ]
        await self.gather()
        return not any(one.listening.done() for one in self._workers)

    async def died(self) -> int:
        """Return the index of the first worker that is gone."""
        gone = [one.listening for one in self._workers]
        await asyncio.wait(gone, return_when=asyncio.FIRST_COMPLETED)
        return next(index for index, one in enumerate(gone) if one.done())

    async def gather(self, *, rest: bool = True) -> None:
        """Have every worker obey, and know what it has done."""
        generation, alone = self._state.journal.generation, counting(self._state)
        orders = [one.obey(generation, alone, rest) for one in self._workers]
        self._enter(min(await asyncio.gather(*orders)))

    def _told(self) -> None:
        """Gather, now that a worker has much to tell."""
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self.gather(rest=False))

    def _enter(self, until: float) -> None:
        """Let happen here what the workers have reported, in the order of time.

        What began after `until` waits: not all have told yet what began before it.
        """
        later: set[Exchange] = set()
        acts = sorted(self._pile, key=attrgetter("at"))
        self._pile.clear()
        for act in acts:
            exchange = act.exchange
            if exchange is None:
                act.happens()
            elif exchange in later or (act.begins and act.at > until):
                later.add(exchange)
                self._pile.append(act)
            elif act.generation == self._state.journal.generation:
                act.happens()

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        index, line, address = request.headers[LINE_HEADER].split(" ", 2)
        request[LINE] = self._workers[int(index)].line(int(line), address)
        if request.path == _WATCHED:
            keeping_up = asyncio.create_task(self._keep_up())
            try:
                return await handler(request)
            finally:
                keeping_up.cancel()
        controls = request.path.startswith(control.ROOT)
        if controls or not counting(self._state):
            await self.gather()
        response = await handler(request)
        if controls and request.method != "GET":
            await self.gather()
        return response

    async def _keep_up(self) -> None:
        while True:
            await self.gather(rest=False)
            await asyncio.sleep(_PAUSE)


def counting(state: MockState) -> bool:
    """Tell whether something is counted over all requests, or has an order."""
    return bool(
        state.rules.rules
        or state.faults
        or state.tallies
        or state.quotas is not None
        or state.relay is not None
        or state.strict
        or state.plan.room.running is not None
    )


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happened in a worker."""

    at: float
    happens: Callable[[], object]
    exchange: Exchange | None = None
    begins: bool = False
    generation: int = 0


class _Worker:
    """What the parent knows of a worker."""

    def __init__(
        self,
        channel: Channel,
        state: MockState,
        pile: list[Act],
        told: Callable[[], None],
    ) -> None:
        """What happens goes to `pile`; `told` is called if it is reported unasked."""
        self._channel = channel
        self._state = state
        self._generation = state.journal.generation
        self._told = told
        self._orders = count()
        self._obeyed: dict[int, asyncio.Future[float]] = {}
        self._acts = pile
        self._lines: dict[int, FarLine] = {}
        self._under_way: dict[int, Exchange] = {}
        self._running: Counter[str] = Counter()
        self.listening = asyncio.create_task(self._listen())

    async def obey(self, generation: int, alone: bool, rest: bool) -> float:
        """Send an order; returns when it was obeyed, or at once to who is gone."""
        if self.listening.done():
            return 0.0
        number = next(self._orders)
        obeyed: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._obeyed[number] = obeyed
        self._channel.send(Order(number, generation, alone, rest))
        return await obeyed

    def line(self, number: int, address: str | None = None) -> FarLine:
        """Return a connection of the worker."""
        found = self._lines.get(number)
        if found is None:
            found = self._lines[number] = FarLine()
        found.address = address or found.address
        return found

    async def _listen(self) -> None:
        while (report := await self._channel.receive()) is not None:
            self._noted(report)
            if report.order is None:
                self._told()
            else:
                self._answer(report.order, report.at)
        for order in tuple(self._obeyed):
            self._answer(order, 0.0)

    def _answer(self, order: int, at: float) -> None:
        waiting = self._obeyed.pop(order)
        if not waiting.done():  # whoever gave the order may have left
            waiting.set_result(at)

    def _noted(self, report: Report) -> None:
        if self._generation != self._state.journal.generation:  # there was a reset
            self._generation = self._state.journal.generation
            self._under_way.clear()
            self._running.clear()
        if report.generation == self._generation:
            self._happened(report)
        for at, number in report.closed:
            line = self._lines.pop(number, None)
            if line is not None:
                self._acts.append(Act(at, line.close))

    def _happened(self, report: Report) -> None:
        for entry in report.begun:
            self._under_way[entry[0]] = self._begun(entry)
        for entry in report.ended:
            exchange = self._under_way.pop(entry[0], None) or self._begun(entry)
            _tell(exchange, entry[2])
            over = exchange.started + exchange.duration
            self._note(over, partial(self._end, exchange), exchange)
        running = self._state.meter.running
        running.update(report.running)
        running.subtract(self._running)
        self._running = Counter(report.running)

    def _begun(self, entry: Entry) -> Exchange:
        _, line, told = entry
        exchange = Exchange(0, 0.0, "", "", {})
        _tell(exchange, told)
        exchange.line = self.line(line)
        exchange.transport = cast("asyncio.Transport", exchange.line)
        self._note(
            exchange.started, partial(self._begin, exchange), exchange, begins=True
        )
        return exchange

    def _note(
        self,
        at: float,
        happens: Callable[[], object],
        exchange: Exchange,
        *,
        begins: bool = False,
    ) -> None:
        self._acts.append(Act(at, happens, exchange, begins, self._generation))

    def _begin(self, exchange: Exchange) -> None:
        exchange.number = self._state.journal.next_number()
        self._state.journal.add(exchange)

    def _end(self, exchange: Exchange) -> None:
        exchange.transport = None
        self._state.journal.settle(exchange)
        self._state.meter.note(exchange)


def _tell(exchange: Exchange, told: Mapping[str, Any]) -> None:
    """Give an exchange the attributes that its worker has told of."""
    vars(exchange).update(told)
    for name in HEADERS:
        setattr(exchange, name, CIMultiDict(told[name]))
