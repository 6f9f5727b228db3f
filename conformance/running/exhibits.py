"""Exhibits: findings of one request, shown by a printed request that is sent anew.

What a single request shows needs none of the others of its scenario, nor the texts
that were drawn for it (see `running.rebuilding`).
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from aios_conformance.conformance.judging.fingerprint import likeness
from aios_conformance.conformance.judging.judge import Judgement, Trace
from aios_conformance.conformance.judging.plain import differences, strangeness
from aios_conformance.conformance.planning.plan import Plan
from aios_conformance.conformance.running.again import Broken, Resender
from aios_conformance.conformance.running.rebuilding import Rebuilding, rebuilding
from aios_conformance.conformance.terms.exchange import Facts, Json, Observation
from aios_conformance.conformance.terms.probe import Draws, Probe, Step
from aios_conformance.conformance.terms.scenario import Scenario
from aios_conformance.conformance.terms.views import View

PLAIN = (0, 0, 1)
"""A printed request with one member changed: nothing is plainer."""

Cause = tuple[str, ...]


@dataclass(slots=True)
class Exhibits:
    """Sends printed requests that may show a finding, a few for each cause.

    `play` sends one scenario and `judge` says what is wrong with it; `fault` tells
    whether a step is not what it claims. `left`: the requests that may be spent.
    """

    plan: Plan
    facts: Facts
    play: Callable[[Scenario], Awaitable[Sequence[Observation]]]
    judge: Callable[[Observation], Judgement]
    fault: Callable[[Step], str | None]
    left: int
    sent: int = 0
    found: list[Observation] = field(default_factory=list)
    shown: set[Broken] = field(default_factory=set)
    _tried: int = 0

    async def seek(
        self, groups: Mapping[Broken, Sequence[Trace]], again: Resender
    ) -> None:
        """Seek an exhibit for each cause of each broken promise."""
        done: set[tuple[Cause, str]] = set()
        for broken, traces in groups.items():
            causes: dict[Cause, list[Trace]] = {}
            for trace in traces:
                name = (trace.probe, trace.draw)
                if name not in again.judged or again.fails(name, broken):
                    cause = (trace.check, *likeness(trace.finding))
                    causes.setdefault(cause, []).append(trace)
            is_shown = [
                (cause, broken[1]) in done or await self._show(found, broken[1], done)
                for cause, found in causes.items()
            ]
            if is_shown and all(is_shown):
                self.shown.add(broken)

    async def _show(
        self, traces: Sequence[Trace], row: str, done: set[tuple[Cause, str]]
    ) -> bool:
        """Whether a cause is shown plainly: it was, or it is by now."""
        dialect = self.plan.catalogue.dialect
        plainest = min(traces, key=lambda t: strangeness(t.exchange, dialect))
        if strangeness(plainest.exchange, dialect) <= PLAIN:
            return True
        step = self._step(plainest)
        requirement = self.plan.catalogue.requirements[row]
        told = (
            f"{plainest.finding.pointer} {plainest.finding.expected} "
            f"{plainest.exchange.breaks} {requirement.topic} {requirement.statement}"
        )
        made = rebuilding(plainest.exchange, told, dialect, self.facts)
        if step is None or made is None:
            return False
        if step.expect == "refuse" and step.off_schema and "model" not in made.changes:
            return False  # no schema tells whether the rebuilt one is to be refused
        return await self._search(made, step, plainest, done)

    def _step(self, trace: Trace) -> Step | None:
        """The step that is judged by itself; None if others have part in it."""
        check = next(c for c in self.plan.catalogue.checks if c.name == trace.check)
        if not (issubclass(check.view, View) or check.judges == "acceptance"):
            return None
        exchange = trace.exchange
        steps = (
            step
            for scenario in self.plan.scenarios
            if scenario.name == (trace.probe, trace.draw)
            for step in scenario.steps
            if step.label == exchange.label and step.raw is None and not step.leaves
        )
        step = next(steps, None)
        if step is None:
            return None
        serves = exchange.serves
        if exchange.expect == "accept" and not {*trace.rows} & {*serves}:
            serves = trace.rows  # of the members that were found to be the cause
        return Step(
            "plain",
            step.operation,
            expect=step.expect,
            serves=serves,
            breaks=step.breaks,
            codes=step.codes,
            headers=step.headers,
            off_schema=step.off_schema,
        )

    async def _search(
        self,
        made: Rebuilding,
        step: Step,
        trace: Trace,
        done: set[tuple[Cause, str]],
    ) -> bool:
        cause = (trace.check, *likeness(trace.finding))
        tried: set[str] = set()
        best: list[Observation] = []

        async def shows(body: Json) -> bool:
            if not differences(body, trace.exchange.request.json):
                best.clear()
                return True  # it was seen to
            steps = tuple(_steps(step, made.valid, body))
            if repr(body) in tried or len(steps) > self.left:
                return False
            tried.add(repr(body))
            if any(self.fault(each) for each in steps):
                return False
            self.left -= len(steps)
            self.sent += len(steps)
            self._tried += 1
            name = f"{trace.probe.partition('.')[0]}.plain"
            api = trace.exchange.api
            probe = Probe(name, api, st.none(), lambda *_: steps, Draws(0, 0, 0))
            seen = await self.play(Scenario(probe, self._tried, None, steps))
            rows = {
                row
                for each in seen
                for other in self.judge(each).traces
                if (other.check, *likeness(other.finding)) == cause
                and other.exchange.label == step.label
                and trace.repeats(other, other.rows[0])
                for row in other.rows
            }
            if {*trace.rows} <= rows:
                best[:] = seen
                return True
            return False

        is_shown = await made.search(shows, is_whole=bool(step.off_schema))
        self.found.extend(best)
        if is_shown:
            done.update((cause, row) for row in trace.rows)
        return is_shown


def _steps(step: Step, valid: Mapping[str, Json], body: Json) -> Iterator[Step]:
    """The request, after its valid neighbour where it is to be refused."""
    if step.expect == "refuse":
        yield Step("printed", step.operation, dict(valid))
    yield replace(step, body=body)
