"""Verdicts: from notes to one result per requirement.

The first of these that holds is the verdict of a row:
    not_applicable  its API or capability is absent, or outside the declared scope
    error           a check of ours failed, or a request of ours was not what it claims
    fail, warn      a finding stands (MUST fails, SHOULD and soft findings warn)
    inconclusive    too little was exercised, with the reason
    pass            all that serves it was exercised, and nothing was found
A waiver turns a fail or a warn into `waived`. MAY rows are `info`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from conformance.catalogue import ACCEPTANCE, Catalogue
from conformance.curl import curl_line
from conformance.exchange import Exchange
from conformance.feeding import Feeding, fed
from conformance.judge import Judgement, Trace
from conformance.options import ExitCode
from conformance.recording import Recording
from conformance.result import (
    CheckCoverage,
    Evidence,
    RequirementResult,
    RunResult,
    Verdict,
)
from conformance.scenario import APIS, PlannedScenario
from spec import Level, Requirement

ALL_APIS_ROW = "COMMON-REQ-001"
"""That all five APIs are offered: not applicable as soon as one is absent."""

MOST_FINDINGS = 5
MOST_EXCHANGES = 20
_MODEL_KINDS = ("embedding_model", "cross_encoder")


@dataclass(frozen=True)
class Bench:
    """All that verdicts are made from."""

    known: Catalogue
    recording: Recording
    main: Judgement
    again: Mapping[tuple[str, int], Judgement] = field(default_factory=dict)
    smaller: Sequence[Judgement] = ()

    @cached_property
    def feeding(self) -> Feeding:
        """Which scenarios feed which rows."""
        return Feeding(self.known)

    @cached_property
    def traces(self) -> Mapping[str, list[Trace]]:
        """Findings by row."""
        found: dict[str, list[Trace]] = {}
        for trace in self.main.traces:
            for row in trace.rows:
                found.setdefault(row, []).append(trace)
        return found

    @cached_property
    def serving(self) -> Mapping[str, int]:
        """How many planned steps serve each row by their acceptance or refusal."""
        counts: dict[str, int] = {}
        for scenario in self.recording.scenarios:
            for step in scenario.steps:
                for row in step.serves:
                    counts[row] = counts.get(row, 0) + 1
        return counts

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
        for row, traces in self.traces.items():
            if self.known.requirements[row].level == Level.MAY:
                told = f"check {traces[0].check} made a finding on a MAY row"
                found.setdefault(row, told)
        return found

    def _judged_on(self, probe: str) -> tuple[str, ...]:
        rows = [r for c in self.known.checks if probe in c.on for r in c.ids]
        return tuple(dict.fromkeys(rows))

    @cached_property
    def scenarios(self) -> Mapping[str, list[PlannedScenario]]:
        """The planned scenarios that feed each check."""
        return {
            check.name: [s for s in self.recording.scenarios if fed(check, s)]
            for check in self.known.checks
        }

    def reproduced(self, trace: Trace, row: str) -> bool | None:
        """The finding was there again when its scenario was sent again."""
        again = self.again.get((trace.probe, trace.draw))
        if again is None:
            return None
        return any(trace.repeats(other, row) for other in again.traces)


def verdicts(bench: Bench) -> list[RequirementResult]:
    """One result for every row of the dialect that is not excluded."""
    return [_result(bench, row) for row in bench.known.scored]


def _result(bench: Bench, row: Requirement) -> RequirementResult:
    selection = bench.recording.setting.selection
    if selection is not None and row.id not in selection:
        return RequirementResult(row, "inconclusive", "not selected")
    coverage = tuple(_coverage(bench, row))
    evidence = sum(c.judged for c in coverage)
    standing = list(_standing(bench, row))
    flags = [bench.reproduced(t, row.id) for t in bench.traces.get(row.id, ())]
    reproduced = True if True in flags else False if False in flags else None
    verdict, reason = _verdict(bench, row, coverage, standing)
    is_kept = verdict in ("fail", "warn", "waived")
    return RequirementResult(
        row,
        verdict,
        reason,
        _reading(bench, row),
        evidence,
        reproduced,
        tuple(_evidence(bench, row, standing)) if is_kept else (),
        coverage,
    )


def _verdict(
    bench: Bench,
    row: Requirement,
    coverage: Sequence[CheckCoverage],
    standing: Sequence[Trace],
) -> tuple[Verdict, str | None]:
    reason = out_of_scope(bench, row)
    if reason is not None:
        return "not_applicable", reason
    if row.id in bench.faults:
        return "error", bench.faults[row.id]
    if row.level == Level.MAY:
        return "info", None
    if standing:
        is_hard = any(not trace.finding.soft for trace in standing)
        is_fail = row.level == Level.MUST and is_hard and not row.statistical
        waiver = next(
            (w for w in bench.recording.setting.waivers if w.id == row.id), None
        )
        if waiver and bench.recording.setting.started[:10] <= waiver.expires:
            return "waived", f"{waiver.reason} (until {waiver.expires})"
        expired = f"the waiver expired on {waiver.expires}" if waiver else None
        return ("fail" if is_fail else "warn"), expired
    return _unbroken(bench, row, coverage)


def _unbroken(
    bench: Bench, row: Requirement, coverage: Sequence[CheckCoverage]
) -> tuple[Verdict, str | None]:
    """The verdict on a row without findings: passed if enough of it was exercised."""
    lacking = [c for c in coverage if c.judged < c.needed]
    total = sum(c.judged for c in coverage)
    if coverage and not lacking and total >= row.evidence:
        found = bench.traces.get(row.id, ())
        if any(bench.reproduced(trace, row.id) is None for trace in found):
            return "inconclusive", "budget: a finding could not be checked again"
        return "pass", "a finding did not reproduce" if found else None
    wanted = [need for need in row.needs if need in _MODEL_KINDS]
    if wanted and total == 0:
        kinds = bench.recording.facts.kinds
        kind = next((kinds[api] for api in kinds if api == row.api), "unknown")
        named = " and ".join(need.replace("_", " ") for need in wanted)
        return "not_applicable", f"needs {named}; the served model's kind is {kind}"
    dropped = _dropped(bench, row)
    if not coverage and dropped:
        return "not_applicable", dropped
    return "inconclusive", _why(bench, row, coverage, lacking)


def is_judged(bench: Bench, row: Requirement) -> bool:
    """Findings on the row count in this run."""
    selection = bench.recording.setting.selection
    is_selected = selection is None or row.id in selection
    return is_selected and row.level != Level.MAY and out_of_scope(bench, row) is None


def out_of_scope(bench: Bench, row: Requirement) -> str | None:
    """Why a row does not apply to this run, or None when it does."""
    setting, absent = bench.recording.setting, bench.recording.absent
    for need in row.needs:
        if need in setting.without:
            return f"--without {need}"
    if "api_key" in row.needs and not setting.has_key:
        return "no API key was given"
    gone: dict[str, str] = {api: absent[api] for api in absent}
    if setting.apis:
        gone |= {
            api: f"{api} is outside --apis" for api in APIS if api not in setting.apis
        }
    if row.api in gone:
        return gone[row.api]
    apis = bench.feeding.apis(row.id)
    if apis and (row.id == ALL_APIS_ROW or apis <= gone.keys()):
        return next((gone[api] for api in sorted(apis) if api in gone), None)
    return None


def _standing(bench: Bench, row: Requirement) -> Iterator[Trace]:
    """Findings that count: those of a noisy row only if they reproduced."""
    for trace in bench.traces.get(row.id, ()):
        if not row.noisy or bench.reproduced(trace, row.id):
            yield trace


def _coverage(bench: Bench, row: Requirement) -> Iterator[CheckCoverage]:
    """What judged the row and what had to; checks that cannot apply are left out."""
    for check in bench.known.checks:
        judged = bench.main.judged.get(row.id, {}).get(check.name, [])
        some = tuple(dict.fromkeys(judged))[:MOST_EXCHANGES]
        needed = check.evidence
        if check.judge.__module__ == ACCEPTANCE:
            needed = bench.serving.get(row.id, needed)
            is_due = row.id in bench.serving or row.id in check.names
        else:
            is_declared = row.id in check.ids or row.id in check.names
            is_due = is_declared and bool(bench.scenarios[check.name])
        if is_due or judged:
            yield CheckCoverage(check.name, len(judged), needed, some)


def _why(
    bench: Bench,
    row: Requirement,
    coverage: Sequence[CheckCoverage],
    lacking: Sequence[CheckCoverage],
) -> str:
    """Why a row is inconclusive, in typed words."""
    if not coverage:
        return f"not exercised by preset {bench.recording.setting.preset}"
    feeding = [
        s for s in bench.recording.scenarios if _concerns(bench, s, row, lacking)
    ]
    names = {(s.probe, s.draw) for s in feeding}
    if not feeding:
        return f"not exercised by preset {bench.recording.setting.preset}"
    played = {(o.probe, o.draw) for o in bench.recording.observations}
    for exchange in _exchanges(bench, names):
        if exchange.failure is not None:
            return _typed(exchange.failure)
    if names - played:
        return f"cut short: {bench.recording.cut_short or 'not played'}"
    for left in bench.recording.unsent:
        if (left.probe, left.draw) in names:
            return f"refused prerequisite: {left.probe}, {left.label}: {left.reason}"
    for exchange in _exchanges(bench, names):
        if exchange.expect == "accept" and not exchange.is_success:
            return (
                f"refused prerequisite: {exchange.probe}, {exchange.label} was "
                f"answered with {exchange.status}"
            )
    short = ", ".join(f"{c.check} judged {c.judged} of {c.needed}" for c in lacking)
    total = sum(c.judged for c in coverage)
    return f"too little evidence: {short or f'{total} of {row.evidence} observations'}"


def _concerns(
    bench: Bench,
    scenario: PlannedScenario,
    row: Requirement,
    lacking: Sequence[CheckCoverage],
) -> bool:
    if any(row.id in step.serves for step in scenario.steps):
        return True
    names = {c.check for c in lacking}
    return any(
        scenario in bench.scenarios[check.name]
        for check in bench.known.checks
        if check.name in names and check.judge.__module__ != ACCEPTANCE
    )


def _exchanges(bench: Bench, names: Collection[tuple[str, int]]) -> Iterator[Exchange]:
    for seen in bench.recording.observations:
        if (seen.probe, seen.draw) in names:
            yield from seen.steps.values()


def _typed(failure: str) -> str:
    if failure.startswith("not sent: --max"):
        return f"budget: {failure.removeprefix('not sent: ')}"
    if failure.startswith(("timeout", "not sent")):
        return failure
    return f"no answer: {failure}"


def _dropped(bench: Bench, row: Requirement) -> str | None:
    """Why all that would feed a row was left out, if that is so."""
    for name, dropped in bench.recording.dropped.items():
        probe = bench.known.probes.get(name)
        if row.id in dropped.serves:
            return dropped.reason
        if probe and any(
            row.id in check.ids
            and fed(check, PlannedScenario(name, 0, (probe.api,), ()))
            for check in bench.known.checks
        ):
            return dropped.reason
    return None


def _reading(bench: Bench, row: Requirement) -> str | None:
    counts = bench.main.readings.get(row.id)
    if not counts:
        return None
    texts = [text for text, _ in counts.most_common(3)]
    return "; ".join(texts)


def _evidence(
    bench: Bench, row: Requirement, standing: Sequence[Trace]
) -> Iterator[Evidence]:
    """The best findings: hard before soft, made smaller first, then the shortest."""
    small = [
        trace
        for judgement in bench.smaller
        for trace in judgement.traces
        if any(found.repeats(trace, row.id) for found in standing)
    ]
    ranked = sorted(
        [(0, trace) for trace in small] + [(1, trace) for trace in standing],
        key=lambda pair: (
            pair[1].finding.soft,
            pair[0],
            not bench.reproduced(pair[1], row.id),
            len(pair[1].exchange.request.body),
        ),
    )
    seen: set[tuple[str, str]] = set()
    for _, trace in ranked:
        finding, exchange = trace.finding, trace.exchange
        place = (trace.check, finding.pointer)
        if place in seen or len(seen) >= MOST_FINDINGS:
            continue
        seen.add(place)
        yield Evidence(
            finding.kind,
            finding.expected,
            finding.actual,
            finding.pointer,
            exchange.id,
            curl_line(bench.recording.setting.url, exchange.request),
            trace.check,
            finding.soft,
        )


def stale_waivers(
    bench: Bench, results: Sequence[RequirementResult]
) -> tuple[str, ...]:
    """Rows that are waived and pass all the same."""
    passed = {r.requirement.id for r in results if r.verdict == "pass"}
    return tuple(w.id for w in bench.recording.setting.waivers if w.id in passed)


def claim(bench: Bench, results: Sequence[RequirementResult]) -> str:
    """What the target may call itself after this run.

    `full`, `partial: …` with the APIs that were judged, or `none`.
    """
    setting = bench.recording.setting
    if setting.selection is not None or bench.recording.cut_short:
        return "none"
    if not any(r.verdict == "pass" for r in results):
        return "none"
    for result in results:
        is_must = result.requirement.level == Level.MUST
        if result.verdict in ("fail", "error") or (
            is_must and result.verdict in ("inconclusive", "waived")
        ):
            return "none"
    offered = {api for r in results for api in bench.feeding.apis(r.requirement.id)}
    judged = [
        api
        for api in APIS
        if api in offered
        and api not in bench.recording.absent
        and (not setting.apis or api in setting.apis)
    ]
    is_whole = not (bench.recording.absent or setting.apis or setting.without)
    if is_whole:
        return "full"
    without = f", without {', '.join(setting.without)}" if setting.without else ""
    return f"partial: {', '.join(judged)}{without}"


def is_red(result: RunResult, fail_on: Collection[str]) -> bool:
    """A run that must not be let through: `must` always counts."""
    for row in result.requirements:
        is_must = row.requirement.level == Level.MUST
        if row.verdict == "fail":
            return True
        if row.verdict == "warn" and "should" in fail_on:
            return True
        is_open = row.verdict == "inconclusive" and row.reason != "not selected"
        if is_open and (
            "inconclusive" in fail_on or (is_must and "inconclusive-must" in fail_on)
        ):
            return True
    return bool(result.stale_waivers)


def exit_code(result: RunResult, fail_on: Collection[str] = ("must",)) -> ExitCode:
    """What pytest and the command answer: red first, then our own errors."""
    found = {row.verdict for row in result.requirements}
    if is_red(result, fail_on):
        return ExitCode.RED
    if "error" in found:
        return ExitCode.OWN_ERROR
    if not result.complete:
        return ExitCode.CUT_SHORT
    if found.isdisjoint({"pass", "warn", "waived"}):
        return ExitCode.NOTHING
    return ExitCode.JUDGED
