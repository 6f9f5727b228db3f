"""Explaining findings: whether they happen again, and their smallest case.

A failing scenario is sent again (see `running.again`), unless it has a `last` step that
the target has accepted: what that costs is spent once. Then a printed request that
shows the same is sought (see `running.exhibits`), or else it is made smaller:
its seeded draw is repeated with the recording as cache, so that only unseen
parameters are sent. Past a small budget unseen ones count as passing.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aios_conformance.conformance.judging.judge import Judgement, Trace, judge
from aios_conformance.conformance.observing.recorder import Recorder
from aios_conformance.conformance.observing.selfcheck import suite_fault
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.drawing import Enough, key, shrink
from aios_conformance.conformance.planning.plan import Plan, scenario_of
from aios_conformance.conformance.planning.turns import taking_turns
from aios_conformance.conformance.running.again import Broken, Name, Resender, breaks
from aios_conformance.conformance.running.exhibits import Exhibits
from aios_conformance.conformance.running.signals import interruptible
from aios_conformance.conformance.terms.cost import ceilings
from aios_conformance.conformance.terms.events import Explaining
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step
from aios_conformance.conformance.terms.requests import outgoing
from aios_conformance.conformance.terms.scenario import Scenario
from aios_conformance.conformance.terms.views import Record
from aios_conformance.spec import Level

LEAST = 15
"""Requests for one search, if that many are left: fewer find nothing."""


@dataclass(slots=True)
class Explainer:
    """Sends failing scenarios again and makes them smaller.

    `recorder` is one of its own: nothing that the run recorded is shared with it.
    """

    plan: Plan
    served: Served
    recorder: Recorder
    options: RunOptions
    until: float = math.inf  # when judging ends at the latest, by the monotonic clock
    again: list[Observation] = field(default_factory=list)
    smaller: list[Observation] = field(default_factory=list)
    shrink_requests: int = 0
    _number: int = 1  # of the next exchange
    _main: Judgement | None = None  # on all that the run recorded
    left_out: tuple[Name, ...] = ()  # what there was nothing left to send again for
    _scenarios: dict[Name, Scenario] = field(init=False)
    _spent: frozenset[Name] = frozenset()  # never sent again
    _views: dict[str, type] = field(init=False)

    def __post_init__(self) -> None:
        """Find scenarios and checks by their names."""
        self._scenarios = {s.name: s for s in self.plan.scenarios}
        self._views = {c.name: c.view for c in self.plan.catalogue.checks}

    async def explain(
        self, main: Judgement, rows: Iterable[str], played: Sequence[Observation] = ()
    ) -> None:
        """Explain the findings on some rows. `played`: what the run has observed."""
        self._main = main
        self._spent = frozenset(
            (seen.probe, seen.draw) for seen in played if self._is_spent(seen)
        )
        groups = self._groups(main, frozenset(rows))
        again = await self._send_again(groups, played)
        await self._make_smaller(main, groups, again)

    def _is_spent(self, seen: Observation) -> bool:
        """A step that comes last was accepted, at its full cost."""
        scenario = self._scenarios.get((seen.probe, seen.draw))
        return scenario is not None and any(
            step.last
            and step.label in seen.steps
            and seen[step.label].status // 100 == 2
            for step in scenario.steps
        )

    def _groups(
        self, main: Judgement, rows: frozenset[str]
    ) -> dict[Broken, list[Trace]]:
        """Findings by broken promise, the weightiest first."""
        groups: dict[Broken, list[Trace]] = {}
        for trace in main.traces:
            name = (trace.probe, trace.draw)
            if name not in self._scenarios or name in self._spent:
                continue  # of discovery, or too costly
            if self._views.get(trace.check) is Record:
                continue  # of the record as a whole
            for row in trace.rows:
                if row in rows:
                    groups.setdefault((trace.check, row), []).append(trace)

        def weight(broken: Broken) -> tuple[bool, bool]:
            row = self.plan.catalogue.requirements[broken[1]]
            return not row.noisy, row.level != Level.MUST

        return {broken: groups[broken] for broken in sorted(groups, key=weight)}

    async def _send_again(
        self, groups: Mapping[Broken, Sequence[Trace]], played: Sequence[Observation]
    ) -> Resender:
        exchanges = [exchange for seen in played for exchange in seen.steps.values()]
        sender = Resender(
            self.plan,
            self.served,
            self.options,
            self._play_again,
            self._judge,
            exchanges,
            self._spent,
        )
        await sender.send(groups)
        self.left_out = sender.left_out
        return sender

    async def _play_again(
        self, scenarios: Sequence[Scenario], concurrency: int
    ) -> list[Observation]:
        for scenario in scenarios:
            self.recorder.listener(Explaining(scenario.probe.name, len(scenario.steps)))
        seen = await self._play(scenarios, "again", concurrency)
        self.again.extend(seen)
        return seen

    async def _play_small(self, scenario: Scenario) -> list[Observation]:
        self.recorder.listener(Explaining(scenario.probe.name, len(scenario.steps)))
        return await self._play([scenario], "small")

    async def _make_smaller(
        self,
        main: Judgement,
        groups: Mapping[Broken, Sequence[Trace]],
        again: Resender,
    ) -> None:
        left = self.options.requests_for_smaller
        plan, facts = self.plan, self.served.facts
        exhibits = Exhibits(
            plan, facts, self._play_small, self._judge, self._fault, left // 2
        )
        await exhibits.seek(groups, again)
        left -= exhibits.sent
        self.shrink_requests += exhibits.sent
        self.smaller.extend(exhibits.found)
        targets: dict[str, tuple[Probe, Broken]] = {}
        for broken, traces in groups.items():
            probe = self._shrinkable(broken, traces, again)
            if probe is not None and broken not in exhibits.shown:
                targets.setdefault(broken[0], (probe, broken))
        for i, (probe, broken) in enumerate(targets.values()):
            share = min(left, max(left // (len(targets) - i), LEAST))
            if share == 0:
                break
            known = self._known(probe, broken, main)
            search = _Search(self, probe, broken, share, known)
            await search.run()
            left -= search.sent
            self.shrink_requests += search.sent
            if search.best is not None:
                self.smaller.append(search.best)

    def _shrinkable(
        self,
        broken: Broken,
        traces: Sequence[Trace],
        again: Resender,
    ) -> Probe | None:
        """The probe whose failing scenario is the best one to begin with.

        A table has no smaller rows, and what did not happen again will not in the
        search either.
        """
        found = []
        for trace in traces:
            name = (trace.probe, trace.draw)
            scenario = self._scenarios[name]
            is_shaky = name in again.judged and not again.fails(name, broken)
            is_table = scenario.probe.rows or scenario.probe.made
            if not is_table and not is_shaky:
                size = len(trace.exchange.request.body)
                found.append((len(scenario.steps), size, name))
        return self._scenarios[min(found)[2]].probe if found else None

    def _known(self, probe: Probe, broken: Broken, main: Judgement) -> dict[str, bool]:
        """Which drawn parameters of a probe fail, from the recording."""
        failing = {
            (t.probe, t.draw)
            for t in main.traces
            if t.check == broken[0] and broken[1] in t.rows
        }
        return {
            key(s.params): s.name in failing
            for s in self.plan.scenarios
            if s.probe.name == probe.name
        }

    async def try_params(
        self, probe: Probe, params: Params, number: int
    ) -> tuple[Observation, Judgement] | None:
        """Play parameters that were not drawn, and judge them."""
        known, options = self.plan.catalogue, self.options
        scenario = taking_turns(
            scenario_of(known, probe, number, params, self.served),
            known.dialect,
            self.plan.seed,
            options.without,
        )
        faults = len(self.recorder.suite_faults)
        if any(self._fault(step) for step in scenario.steps):
            return None  # smaller, but not what its steps claim: it shows nothing
        seen = await self._play([scenario], "small")
        if len(self.recorder.suite_faults) > faults:
            return None
        return (seen[0], self._judge(seen[0])) if seen else None

    def _fault(self, step: Step) -> str | None:
        if callable(step.body) and step.raw is None:
            return None  # is seen to when it is made
        made = outgoing(step, {})
        return suite_fault(self.options.dialect, step, made.body if made else None)

    async def _play(
        self, scenarios: Sequence[Scenario], prefix: str, concurrency: int = 1
    ) -> list[Observation]:
        first: dict[Name, int] = {}
        for scenario in scenarios:  # a step keeps its number when it is not sent
            first[scenario.name] = self._number
            self._number += len(scenario.steps)

        def first_id(scenario: Scenario) -> str:
            return f"{prefix}-{first[scenario.name]}"

        fresh = [
            # nothing is shared with what was sent before, nor put off to the end
            replace(
                s, steps=tuple(replace(t, shared=False, last=False) for t in s.steps)
            )
            for s in scenarios
        ]
        return await self.recorder.play(fresh, self.served.facts, first_id, concurrency)

    def _judge(self, seen: Observation) -> Judgement:
        known = self.plan.catalogue
        sent = tuple(seen.steps.values())
        try:
            with interruptible():
                return judge(known, sent, [seen], seen.facts, self.until, self._main)
        except KeyboardInterrupt:
            raise asyncio.CancelledError from None  # what is known by now is judged


class _Search:
    """The search for the smallest parameters that break a promise."""

    def __init__(
        self,
        explainer: Explainer,
        probe: Probe,
        broken: Broken,
        budget: int,
        known: dict[str, bool],
    ) -> None:
        self.sent = 0
        self.best: Observation | None = None
        self._explainer = explainer
        self._probe = probe
        self._broken = broken
        self._budget = budget
        self._known = known
        self._size = min((len(k) for k, fails in known.items() if fails), default=0)
        self._is_shrinking = False
        self._is_over = False
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Search in a thread of its own; requests are sent from here."""
        draws = len(self._known)
        seed = self._explainer.plan.seed
        probe = self._probe
        self._explainer.recorder.listener(Explaining(probe.name, self._budget))
        try:
            await asyncio.to_thread(
                shrink, probe.name, probe.params, draws, seed, self._fails
            )
        finally:
            self._is_over = True

    def _fails(self, params: Params) -> bool:
        """Asked by Hypothesis, in its thread."""
        found = self._known.get(key(params))
        if found is not None:
            self._is_shrinking = self._is_shrinking or found
            return found
        if self._is_over:
            raise Enough
        if not self._is_shrinking:
            return False
        return asyncio.run_coroutine_threadsafe(self._try(params), self._loop).result()

    async def _try(self, params: Params) -> bool:
        steps = tuple(self._probe.build(params, self._explainer.served))
        cost = sum(c.requests for c in ceilings(steps))
        if self.sent + cost > self._budget or self._explainer.recorder.cut_short:
            self._is_over = True  # and the next question ends the search
            return False
        self.sent += cost
        number = 1000 + len(self._known)
        found = await self._explainer.try_params(self._probe, params, number)
        fails = found is not None and breaks(found[1], self._broken)
        self._known[key(params)] = fails
        if fails and found is not None and len(key(params)) <= self._size:
            self._size = len(key(params))
            self.best = found[0]
        return fails
