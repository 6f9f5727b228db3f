"""The recorder plays scenarios and keeps what was observed."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby

from aios_conformance.conformance.observing.answer_cache import AnswerCache
from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.selfcheck import SuiteFault, suite_fault
from aios_conformance.conformance.observing.transport import (
    MOST_RUN_BYTES,
    Received,
    Transport,
)
from aios_conformance.conformance.terms.cost import NOTHING, Cost, ceilings, spent
from aios_conformance.conformance.terms.events import ExchangeDone, Listener
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Observation,
    Request,
)
from aios_conformance.conformance.terms.probe import Step
from aios_conformance.conformance.terms.requests import Outgoing, content_key, outgoing
from aios_conformance.conformance.terms.scenario import Scenario

Make = Callable[[Received], Exchange]

SILENCE = 16
"""So many requests in a row without any answer: the target is gone, and waiting for
each of the others would only take time."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """A step that was not sent, and why."""

    probe: str
    draw: int
    label: str
    serves: tuple[str, ...]
    reason: str


@dataclass(slots=True)
class Recorder:
    """Sends the steps of scenarios in order, scenarios at the same time."""

    transport: Transport
    ledger: Budget
    listener: Listener
    dialect: str = "aios"
    answers: AnswerCache = field(default_factory=AnswerCache)
    exchanges: list[Exchange] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    unsent: list[Unsent] = field(default_factory=list)
    suite_faults: list[SuiteFault] = field(default_factory=list)
    cut_short: str | None = None  # the limit or the silence that ended sending
    _shared: dict[bytes, "asyncio.Future[Exchange]"] = field(default_factory=dict)
    _silent: int = 0

    async def play(
        self,
        scenarios: Sequence[Scenario],
        facts: Facts,
        first_id: Callable[[Scenario], str],
        concurrency: int,
    ) -> list[Observation]:
        """Play scenarios; what was observed.

        Those that have their API to themselves come first, one after the other, so
        that what they share was not sent before; the last ones come after all.

        `first_id` names the exchanges of a scenario: "ex-12" for its first, and so
        on. Cancelling keeps what was recorded until then.
        """
        before = len(self.observations)
        last = [(s,) for s in scenarios if s.is_last]
        alone = [s for s in scenarios if s.is_alone and not s.is_last]
        others = [(s,) for s in scenarios if not (s.is_alone or s.is_last)]
        by_api = groupby(sorted(alone, key=_home), _home)
        for group in ([tuple(queue) for _, queue in by_api], others, last):
            waiting = iter(group)
            workers = min(max(1, concurrency), len(group))
            await _all(self._work(waiting, facts, first_id) for _ in range(workers))
        return self.observations[before:]

    async def _work(
        self,
        waiting: Iterator[Sequence[Scenario]],
        facts: Facts,
        first_id: Callable[[Scenario], str],
    ) -> None:
        for queue in waiting:
            for scenario in queue:
                await self._play(scenario, facts, first_id(scenario))

    async def _play(self, scenario: Scenario, facts: Facts, first_id: str) -> None:
        name, draw = scenario.name
        prefix, _, number = first_id.rpartition("-")
        answers: dict[str, Exchange] = {}

        async def send(place: int, step: Step, made: Outgoing, cost: Cost) -> None:
            exchange_id = f"{prefix}-{int(number) + place}"
            api = scenario.api(step)
            make = partial(exchanged, exchange_id, name, draw, api, step)
            answers[step.label] = await self._exchange(step, made, make, cost)

        try:
            for burst in _bursts(scenario.steps):
                sent = []
                for i, step, cost in burst:
                    made = outgoing(step, answers)
                    if made is None:
                        if not step.spare:
                            why = "an earlier answer did not allow it"
                            self._leave(scenario, step, why)
                        continue
                    if wrong := suite_fault(self.dialect, step, made.body):
                        self.suite_faults.append(
                            SuiteFault(name, draw, step.label, step.serves, wrong)
                        )
                    sent.append(send(i, step, made, cost))
                await _all(sent)
        except asyncio.CancelledError:
            for step in scenario.steps:
                if step.label not in answers:
                    self._leave(scenario, step, "interrupted")
            raise
        finally:
            in_order = {
                step.label: answers[step.label]
                for step in scenario.steps
                if step.label in answers
            }
            self.observations.append(
                Observation(name, draw, scenario.params, in_order, facts)
            )

    def _leave(self, scenario: Scenario, step: Step, reason: str) -> None:
        name, draw = scenario.name
        self.unsent.append(Unsent(name, draw, step.label, step.serves, reason))

    async def _exchange(
        self, step: Step, made: Outgoing, make: Make, cost: Cost
    ) -> Exchange:
        """Send a step; one that is shared is sent once, and seen by all."""
        if not step.shared:
            return await self.send(made, make, cost)
        content = content_key(step)
        if content not in self._shared:
            self._shared[content] = asyncio.get_running_loop().create_future()
            try:
                first = await self.send(made, make, cost)
            except BaseException:
                self._shared.pop(content).cancel()
                raise
            self._shared[content].set_result(first)
            return first
        first = await asyncio.shield(self._shared[content])
        same = Received(
            first.request,
            first.response,
            first.failure,
            first.sent_at,
            first.total_s,
            first.attempts,
            first.partial,
        )
        return replace(make(same), id=first.id)

    async def send(self, made: Outgoing, make: Make, cost: Cost) -> Exchange:
        """Send one request within the limits and record the exchange.

        `make` makes it of what was received. An answer that another dialect's run was
        given costs nothing.
        """
        place = self.answers.place(made)
        known = self.answers.answers.get(place)
        if known is not None:
            return self._keep(make(known))
        limit = self.cut_short or await self.ledger.reserve(cost)
        if limit is not None:
            self.cut_short = limit
            request = Request(made.operation, b"")
            unsent = Received(request, None, f"not sent: {limit}", 0.0, 0.0, 0)
            return self._keep(make(unsent))
        actual = NOTHING
        try:
            received = await self.transport.send(made)
            self.answers.answers[place] = received
            exchange = make(received)
            actual = replace(spent(exchange, cost), requests=exchange.attempts)
        finally:
            await self.ledger.settle(cost, actual)
        if not made.leaves:
            self._silent = 0 if exchange.response else self._silent + 1
        if self._silent >= SILENCE and self.cut_short is None:
            self.cut_short = f"the target stopped answering ({exchange.failure})"
        if self.transport.received > MOST_RUN_BYTES and self.cut_short is None:
            self.cut_short = f"the answers fill more than {MOST_RUN_BYTES} bytes"
        return self._keep(exchange)

    def _keep(self, exchange: Exchange) -> Exchange:
        self.exchanges.append(exchange)
        self.listener(ExchangeDone(exchange, len(self.exchanges)))
        return exchange


def exchanged(
    name: str, probe: str, draw: int, api: Api, step: Step, received: Received
) -> Exchange:
    """The exchange of a step; `name` is its id."""
    return Exchange(
        id=name,
        probe=probe,
        draw=draw,
        label=step.label,
        api=api,
        expect=step.expect,
        request=received.request,
        serves=step.serves,
        breaks=step.breaks,
        codes=step.codes,
        response=received.response,
        failure=received.failure,
        partial=received.partial,
        sent_at=received.sent_at,
        total_s=received.total_s,
        attempts=received.attempts,
    )


def _home(scenario: Scenario) -> Api:
    """The API that a scenario may have to itself."""
    return scenario.probe.api


def _bursts(steps: tuple[Step, ...]) -> Iterator[list[tuple[int, Step, Cost]]]:
    """The steps with place and cost, those that are sent at the same time together."""
    burst: list[tuple[int, Step, Cost]] = []
    for i, (step, cost) in enumerate(zip(steps, ceilings(steps), strict=True)):
        if burst and not (step.together and burst[-1][1].together):
            yield burst
            burst = []
        burst.append((i, step, cost))
    if burst:
        yield burst


async def _all(parts: Iterable[Coroutine[None, None, None]]) -> None:
    """Wait for all; the first error ends the others."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
