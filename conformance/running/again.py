"""Sending again what failed: under the same conditions, then under others.

What depends on a cache, on company or on the request before comes again only where
these come again. So a failing scenario is sent

    in company   together with what was in flight beside it
    alone        one request after the other, with nothing else in flight
    afterwards   alone, each request after the one that its API was asked before it
    afresh       with parameters that the target has not seen, in company

the last two only as long as the finding has not come again. What the trials have in
common is told by `judging.occurrence`.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from aios_conformance.conformance.judging.judge import Judgement, Trace
from aios_conformance.conformance.judging.occurrence import (
    neighbours,
    preceding,
)
from aios_conformance.conformance.options.values import RESENT, RunOptions
from aios_conformance.conformance.planning.drawing import draw, key
from aios_conformance.conformance.planning.plan import Plan, scenario_of
from aios_conformance.conformance.terms.exchange import Exchange, Observation
from aios_conformance.conformance.terms.probe import Served, Step
from aios_conformance.conformance.terms.scenario import Scenario

Name = tuple[str, int]
Broken = tuple[str, str]  # check and row
Groups = Mapping[Broken, Sequence[Trace]]
Play = Callable[[Sequence[Scenario], int], Awaitable[list[Observation]]]


@dataclass(slots=True)
class Resender:
    """Sends the best scenario of each broken promise again.

    `play` sends scenarios, so many at a time; `judge` says what is wrong with one.
    """

    plan: Plan
    served: Served
    options: RunOptions
    play: Play
    judge: Callable[[Observation], Judgement]
    exchanges: Sequence[Exchange]  # all that the run has recorded
    spent: frozenset[Name] = frozenset()  # never sent again
    judged: dict[Name, list[Judgement]] = field(default_factory=dict)
    left_out: tuple[Name, ...] = ()  # what there was nothing left for
    _left: int = 0
    _scenarios: dict[Name, Scenario] = field(init=False)

    def __post_init__(self) -> None:
        """Find scenarios by name."""
        self._left = RESENT[self.options.preset]
        self._scenarios = {s.name: s for s in self.plan.scenarios}

    async def send(self, groups: Groups) -> dict[Name, list[Judgement]]:
        """Send again; what each scenario showed, in the order of sending."""
        chosen = self._chosen(groups)
        await self._round(self._with_company(chosen), self.options.concurrency)
        await self._round([_in_line(self._scenarios[name]) for name in chosen], 1)
        lost = self._lost(groups, chosen)
        await self._round([_in_line(self._afterwards(name)) for name in lost], 1)
        lost = self._lost(groups, chosen)
        afresh = [fresh for name in lost if (fresh := self._afresh(name)) is not None]
        await self._round(afresh, self.options.concurrency)
        self.left_out = tuple(name for name in chosen if name not in self.judged)
        return self.judged

    def fails(self, name: Name, broken: Broken) -> bool:
        """The finding was there again at least once."""
        return any(breaks(each, broken) for each in self.judged.get(name, ()))

    async def _round(self, scenarios: Sequence[Scenario], concurrency: int) -> None:
        affordable, sizes = [], {each.name: each.size for each in scenarios}
        for scenario in scenarios:
            if scenario.size <= self._left:
                self._left -= scenario.size
                affordable.append(scenario)
        for seen in await self.play(affordable, concurrency) if affordable else ():
            # open questions are asked as answers leave them: nobody knows them before
            self._left -= max(0, len(seen.steps) - sizes[seen.probe, seen.draw])
            self.judged.setdefault((seen.probe, seen.draw), []).append(self.judge(seen))

    def _chosen(self, groups: Groups) -> dict[Name, Exchange]:
        """The smallest scenario of each broken promise, and where it failed.

        One scenario may stand for several promises.
        """
        chosen: dict[Name, Exchange] = {}
        for traces in groups.values():
            found = {(trace.probe, trace.draw): trace.exchange for trace in traces}
            if not found.keys() & chosen.keys():
                name = min(found, key=lambda n: self._scenarios[n].size)
                chosen[name] = found[name]
        return chosen

    def _with_company(self, chosen: Mapping[Name, Exchange]) -> list[Scenario]:
        """The chosen scenarios, and as many neighbours as make company, in order."""
        names = dict.fromkeys(chosen)
        for exchange in chosen.values():
            for other in neighbours(exchange, self.exchanges):
                name = (other.probe, other.draw)
                is_known = name in self._scenarios and name not in self.spent
                if is_known and len(names) < self.options.concurrency:
                    names[name] = None
        ordered = sorted(names, key=self.plan.positions.__getitem__)
        # the chosen ones must not suffer from what their company costs
        ordered.sort(key=lambda name: name not in chosen)
        return [self._scenarios[name] for name in ordered]

    def _lost(
        self, groups: Groups, chosen: Mapping[Name, Exchange]
    ) -> dict[Name, Exchange]:
        """Chosen scenarios of which some finding has not come again."""
        return {
            name: exchange
            for name, exchange in chosen.items()
            if any(
                not self.fails(name, broken)
                for broken, traces in groups.items()
                if any((trace.probe, trace.draw) == name for trace in traces)
            )
        }

    def _afterwards(self, name: Name) -> Scenario:
        """The scenario, each step after what others had asked before it."""
        scenario = self._scenarios[name]
        before = {
            each.label: preceding(each, self.exchanges)
            for each in self.exchanges
            if (each.probe, each.draw) == name
        }

        def steps() -> Iterator[Step]:
            for step in scenario.steps:
                other = before.get(step.label)
                if other is not None and (other.probe, other.draw) != name:
                    yield _once_more(other, f"before {step.label}")
                yield step

        return replace(scenario, steps=tuple(steps()))

    def _afresh(self, name: Name) -> Scenario | None:
        """The scenario with parameters that the plan has not drawn."""
        scenario = self._scenarios[name]
        probe, known = scenario.probe, self.plan.catalogue
        if probe.rows or probe.made:
            return None  # a table has no others
        seen = {key(s.params) for s in self.plan.scenarios if s.probe is probe}
        drawn = draw(probe.name, probe.params, len(seen) + 3, self.plan.seed + 1)
        params = next((each for each in drawn if key(each) not in seen), None)
        if params is None:
            return None
        return scenario_of(known, probe, scenario.draw, params, self.served)


def breaks(judgement: Judgement, broken: Broken) -> bool:
    """A judgement has a finding of this check on this row."""
    check, row = broken
    return any(t.check == check and row in t.rows for t in judgement.traces)


def _in_line(scenario: Scenario) -> Scenario:
    """The scenario with one step after the other."""
    steps = tuple(replace(step, together=False) for step in scenario.steps)
    return replace(scenario, steps=steps)


def _once_more(exchange: Exchange, label: str) -> Step:
    return Step(
        label,
        exchange.request.operation,
        raw=exchange.request.body,
        expect="either",
        off_schema="it was sent before, and only what comes after it is judged",
        beside=True,
    )
