"""A recording with all notes on it, from which verdicts are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

from aios_conformance.conformance.judging.judge import Judgement, Trace
from aios_conformance.conformance.judging.occurrence import (
    Occasion,
    Occurrence,
    occurrence,
)
from aios_conformance.conformance.observing.recording import Recording
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.check import Check, Judges
from aios_conformance.conformance.terms.exchange import Exchange, Observation
from aios_conformance.conformance.terms.scenario import PlannedScenario
from aios_conformance.conformance.terms.traceability import Traceability, is_exercised
from aios_conformance.conformance.terms.views import Record
from aios_conformance.spec import Requirement, apis

_NOT_SENT = "not sent: "


@dataclass(frozen=True)
class JudgedRecording:
    """All that verdicts are made from."""

    known: Catalogue
    recording: Recording
    main: Judgement
    again: Sequence[tuple[Observation, Judgement]] = ()
    smaller: Sequence[Judgement] = ()

    @cached_property
    def traceability(self) -> Traceability:
        """Which scenarios exercise which rows."""
        return Traceability(self.known)

    @cached_property
    def traces(self) -> Mapping[str, list[Trace]]:
        """Findings by row; those of rows that broke only when they were sent again too.

        Of the record as a whole, no part that was sent again says anything.
        """
        found: dict[str, list[Trace]] = {row: [] for row in self._at_once}
        for trace in self.main.traces:
            for row in trace.rows:
                found[row].append(trace)
        later: dict[str, list[Trace]] = {}
        for _, judgement in self.again:
            for trace in judgement.traces:
                for row in trace.rows:
                    if row not in found and trace.check not in self.records:
                        later.setdefault(row, []).append(trace)
        return {**found, **later}

    @cached_property
    def _at_once(self) -> frozenset[str]:
        """The rows that broke before anything was sent again."""
        return frozenset(row for trace in self.main.traces for row in trace.rows)

    def is_later(self, row: str) -> bool:
        """It broke only when something was sent again."""
        return row in self.traces and row not in self._at_once

    def concerned(self, row: str) -> Sequence[Check]:
        """The checks that declare a row, may name it or have judged it."""
        return self._by_row.get(row, ())

    @cached_property
    def _by_row(self) -> Mapping[str, Sequence[Check]]:
        judged: dict[str, set[str]] = {}
        for row, by_check in self.main.judged.items():
            for name in by_check:
                judged.setdefault(name, set()).add(row)
        found: dict[str, list[Check]] = {}
        for check in self.known.checks:
            rows = {*check.ids, *check.names} | judged.get(check.name, set())
            if check.judges == "acceptance" and not check.ids:
                rows |= self.serving.keys()
            for row in rows:
                found.setdefault(row, []).append(check)
        return found

    @cached_property
    def serving(self) -> Mapping[str, int]:
        """How many planned steps serve each row by their acceptance or refusal.

        Steps to a path that is not served do not count: that is the path's own row,
        and what the rows promise is shown on the other paths.
        """
        counts: dict[str, int] = {}
        for scenario in self.recording.scenarios:
            for step in scenario.steps:
                if step.operation not in self.unserved:
                    for row in step.serves:
                        counts[row] = counts.get(row, 0) + 1
        return counts

    @cached_property
    def unserved(self) -> frozenset[str]:
        """The operations of which every valid request met 404 or 405."""
        tried: dict[str, bool] = {}
        for exchange in self.recording.exchanges:
            if exchange.expect == "accept" and exchange.response is not None:
                name, missed = exchange.request.operation, exchange.status in (404, 405)
                tried[name] = tried.get(name, True) and missed
        return frozenset(name for name, missed in tried.items() if missed)

    @cached_property
    def faults(self) -> Mapping[str, str]:
        """Our own faults by row."""
        found: dict[str, str] = {}
        for check in self.known.checks:
            if check.name in self.main.faults:
                for row in check.ids or check.names or ("COMMON-RES-002",):
                    told = f"check {check.name} failed: {self.main.faults[check.name]}"
                    found.setdefault(row, told)
        for slip in self.recording.slips:
            rows = slip.serves or self._judged_on(slip.probe) or ("COMMON-RES-001",)
            for row in rows:
                found.setdefault(row, f"{slip.probe}, {slip.label}: {slip.message}")
        return found

    def _judged_on(self, probe: str) -> tuple[str, ...]:
        rows = [r for c in self.known.checks if probe in c.on for r in c.ids]
        return tuple(dict.fromkeys(rows))

    @cached_property
    def scenarios(self) -> Mapping[str, list[PlannedScenario]]:
        """The planned scenarios that exercise each check."""
        return {
            check.name: [s for s in self.recording.scenarios if is_exercised(check, s)]
            for check in self.known.checks
        }

    @cached_property
    def records(self) -> frozenset[str]:
        """Checks of the record as a whole, which no single scenario can repeat."""
        return frozenset(c.name for c in self.known.checks if c.view is Record)

    @cached_property
    def judging(self) -> Mapping[Judges, frozenset[str]]:
        """The names of the checks by what they look at."""
        found: dict[Judges, set[str]] = {j: set() for j in get_args(Judges)}
        for check in self.known.checks:
            found[check.judges].add(check.name)
        return {judges: frozenset(names) for judges, names in found.items()}

    def is_unstable(self, trace: Trace, row: Requirement) -> bool:
        """Generated texts drifted apart once, as they do where requests are batched.

        Nothing else is excused by not coming again: not what depends on a cache or on
        other requests in flight, not a text that differs from its first word on.
        Vectors and scores have a bound (terms.tolerances).
        """
        api = apis(self.known.dialect).get(trace.exchange.api)
        return (
            row.noisy
            and api is not None
            and api.generates
            and trace.finding.drift
            and trace.check not in self.records
            and not self.reproduced(trace, row.id)
        )

    def reproduced(self, trace: Trace, row: str) -> bool | None:
        """The finding was there again when its scenario was sent again."""
        if trace.check in self.records:
            return None
        again = self._again.get((trace.probe, trace.draw))
        if again is None:
            return None
        return any(
            trace.repeats(other, row)
            for _, judgement in again
            for other in judgement.traces
            if other is not trace
        )

    def occurrence(self, row: str) -> Occurrence | None:
        """How often the findings of a row were seen; None if none was sent again."""
        trials: list[Occasion] = []
        was_sent_again = False
        first = {(t.probe, t.draw): t for t in reversed(self.traces.get(row, ()))}
        for name, trace in first.items():
            if trace.check in self.records:
                continue
            if not self.is_later(row):
                trials.append(Occasion(is_broken=True, exchange=trace.exchange))
            elif (one := self._first(name, trace.exchange.label)) is not None:
                trials.append(Occasion(is_broken=False, exchange=one))
            for seen, judgement in self._again.get(name, ()):
                exchange = seen.steps.get(trace.exchange.label)
                if exchange is None or exchange.response is None:
                    continue
                was_sent_again = True
                is_broken = any(trace.repeats(t, row) for t in judgement.traces)
                trials.append(Occasion(is_broken, exchange))
        if not was_sent_again:
            return None
        return occurrence(trials, self._exchanges)

    def _first(self, name: tuple[str, int], label: str) -> Exchange | None:
        """What the step of a scenario was answered before it was sent again."""
        for seen in self.recording.observations:
            if (seen.probe, seen.draw) == name:
                found = seen.steps.get(label)
                return found if found is not None and found.response else None
        return None

    def why_not_again(self, row: str) -> str | None:
        """Why the findings of a row were not sent again, where a limit forbade it."""
        names = {(t.probe, t.draw) for t in self.traces.get(row, ())}
        for name in names:
            for seen, _ in self._again.get(name, ()):
                for exchange in seen.steps.values():
                    told = exchange.failure or ""
                    if told.startswith(_NOT_SENT):
                        return f"not sent again: {told.removeprefix(_NOT_SENT)}"
        if not names.isdisjoint(self.recording.left_out):
            return "not sent again: what a run may spend on that was spent"
        return None

    @cached_property
    def _again(
        self,
    ) -> Mapping[tuple[str, int], Sequence[tuple[Observation, Judgement]]]:
        """What was sent again, by scenario."""
        found: dict[tuple[str, int], list[tuple[Observation, Judgement]]] = {}
        for seen, judgement in self.again:
            found.setdefault((seen.probe, seen.draw), []).append((seen, judgement))
        return found

    @cached_property
    def _exchanges(self) -> Sequence[Exchange]:
        """All that was sent, and sent again."""
        again = (e for seen, _ in self.again for e in seen.sent)
        return [*self.recording.exchanges, *again]
