"""The recorder plays scenarios and keeps what was observed."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from aios_conformance.conformance.observing.earlier import Earlier
    from aios_conformance.spec import ModelKind

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
    earlier: "Earlier | None" = None
    exchanges: list[Exchange] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    unsent: list[Unsent] = field(default_factory=list)
    suite_faults: list[SuiteFault] = field(default_factory=list)
    cut_short: str | None = None  # the limit or the silence that ended sending
    _shared: dict[bytes, "asyncio.Future[Exchange]"] = field(default_factory=dict)
    _names: dict[bytes, list[str]] = field(default_factory=dict)  # of what is shared
    _silent: int = 0

    async def play(
        self,
        scenarios: Sequence[Scenario],
        facts: Facts,
        first_id: Callable[[Scenario], str],
        concurrency: int,
    ) -> list[Observation]:
        """Play scenarios; what was observed. See `in_groups` for their order.

        `first_id` names the exchanges of a scenario: "ex-12" for its first, and so
        on. Cancelling keeps what was recorded until then.
        """
        before = len(self.observations)
        if self.earlier:
            self._name(scenarios, first_id)

        async def play_one(scenario: Scenario) -> None:
            await self.play_one(scenario, facts, first_id(scenario))

        await in_groups(scenarios, play_one, concurrency)
        return self.observations[before:]

    def _name(
        self, scenarios: Iterable[Scenario], first_id: Callable[[Scenario], str]
    ) -> None:
        """Note under which names each request that is shared may have been sent."""
        for scenario in scenarios:
            prefix, _, number = first_id(scenario).rpartition("-")
            for i, step in enumerate(scenario.steps):
                if step.shared:
                    names = self._names.setdefault(content_key(step), [])
                    names.append(f"{prefix}-{int(number) + i}")

    async def play_one(self, scenario: Scenario, facts: Facts, first_id: str) -> None:
        """Send the steps of one scenario, and keep what was observed."""
        name, draw = scenario.name
        prefix, _, number = first_id.rpartition("-")
        answers: dict[str, Exchange] = {}

        async def send(place: int, step: Step, made: Outgoing, cost: Cost) -> None:
            exchange_id = f"{prefix}-{int(number) + place}"
            api = scenario.api(step)
            make = partial(exchanged, exchange_id, name, draw, api, step)
            answers[step.label] = await self._exchange(
                step, made, make, cost, exchange_id
            )

        try:
            for burst in _bursts(scenario.steps):
                sent = []
                for i, step, cost in burst:
                    made = self._made(scenario, step, answers)
                    if made is None:
                        continue
                    if wrong := suite_fault(self.dialect, step, made.body):
                        self.suite_faults.append(
                            SuiteFault(name, draw, step.label, step.serves, wrong)
                        )
                    sent.append(send(i, step, made, cost))
                await concurrently(sent)
        except asyncio.CancelledError:
            for step in scenario.steps:
                if step.label not in answers:
                    self._leave(scenario, step, "interrupted")
            raise
        finally:
            self.observations.append(_seen(scenario, answers, facts))

    def _made(
        self, scenario: Scenario, step: Step, answers: Mapping[str, Exchange]
    ) -> Outgoing | None:
        """The request of a step; None if earlier answers, or a limit, let it be."""
        made = outgoing(step, answers)
        if made is None and not step.spare:
            wanted = step.wants or "what it is made of"
            self._leave(scenario, step, f"no earlier answer has {wanted}")
        if made is None or not step.narrows or self.ledger.narrows():
            return made
        self._leave(
            scenario, step, "what a run may spend on telling what is to blame was spent"
        )
        return None

    def _leave(self, scenario: Scenario, step: Step, reason: str) -> None:
        name, draw = scenario.name
        self.unsent.append(Unsent(name, draw, step.label, step.serves, reason))

    async def _exchange(
        self, step: Step, made: Outgoing, make: Make, cost: Cost, name: str
    ) -> Exchange:
        """Send a step; one that is shared is sent once, and seen by all."""
        if not step.shared:
            return await self.send(made, make, cost, [name])
        content = content_key(step)
        if content not in self._shared:
            self._shared[content] = asyncio.get_running_loop().create_future()
            try:
                first = await self.send(
                    made, make, cost, self._names.get(content, [name])
                )
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
            first.clock_s,
        )
        return replace(make(same), id=first.id)

    async def send(
        self, made: Outgoing, make: Make, cost: Cost, names: Sequence[str]
    ) -> Exchange:
        """Send one request within the limits and record the exchange.

        It has one of the `names`.

        `make` makes it of what was received. An answer that another dialect's run was
        given costs nothing; one that this run had before it was cut short is not asked
        for again, and counts as it did.
        """
        place = self.answers.place(made)
        known = self.answers.answers.get(place)
        if known is not None:
            return self._keep(make(known))
        had = self.earlier and self.earlier.answer(
            names, self.transport.request(made), leaves=made.leaves
        )
        if had:
            self.answers.answers[place] = had
            exchange = make(had)
            actual = replace(spent(exchange, cost), requests=exchange.attempts)
            await self.ledger.settle(NOTHING, actual)
            return self._keep(exchange, is_new=False)
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

    def _keep(self, exchange: Exchange, *, is_new: bool = True) -> Exchange:
        self.exchanges.append(exchange)
        done = len(self.exchanges)
        self.listener(ExchangeDone(exchange, done, is_new=is_new))
        return exchange


async def in_groups(
    scenarios: Sequence[Scenario],
    play_one: Callable[[Scenario], Coroutine[None, None, None]],
    concurrency: int,
) -> None:
    """Play scenarios, so many at a time.

    Those that have their models to themselves come first, one after the other: what
    they share was not sent before, and what one request does to the next is seen in
    theirs. The last ones come after all.
    """
    last = [(s,) for s in scenarios if s.is_last]
    others = [(s,) for s in scenarios if not (s.is_alone or s.is_last)]
    alone: dict[frozenset[ModelKind], list[Scenario]] = {}
    for scenario in scenarios:
        if scenario.is_alone and not scenario.is_last:
            alone.setdefault(scenario.served_by, []).append(scenario)

    async def work(waiting: Iterator[Sequence[Scenario]]) -> None:
        for queue in waiting:
            for scenario in queue:
                await play_one(scenario)

    for group in (list(alone.values()), others, last):
        waiting = iter(group)
        workers = min(max(1, concurrency), len(group))
        await concurrently(work(waiting) for _ in range(workers))


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
        clock_s=received.clock_s,
    )


def _seen(
    scenario: Scenario, answers: Mapping[str, Exchange], facts: Facts
) -> Observation:
    """What was observed of a scenario, in the order of its steps."""
    name, draw = scenario.name
    sent = [step for step in scenario.steps if step.label in answers]
    steps = {step.label: answers[step.label] for step in sent if not step.beside}
    beside = [answers[step.label] for step in sent if step.beside]
    return Observation(name, draw, scenario.params, steps, facts, beside)


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


async def concurrently(parts: Iterable[Coroutine[None, None, None]]) -> None:
    """Wait for all; the first error ends the others."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None
