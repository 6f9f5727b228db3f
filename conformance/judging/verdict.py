"""Verdicts: from notes to one result per requirement.

The first of these that holds is the verdict of a row:
    not_applicable  its API or capability is absent, or outside the declared scope, or
                    it was not selected
    error           a check of ours failed, or a request of ours was not what it claims
    fail, warn      a finding stands on the row or on a part of it (MUST fails, SHOULD
                    and soft findings warn)
    unstable        generated texts differed, and not when they were asked for again
    inconclusive    too little was exercised, with the reason
    pass            all that serves it was exercised, and nothing was found
A waiver turns a fail or a warn into `waived`. MAY rows are `info`.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from aios_conformance.conformance.judging.fingerprint import likeness
from aios_conformance.conformance.judging.judge import Trace
from aios_conformance.conformance.judging.judged_recording import JudgedRecording
from aios_conformance.conformance.judging.plain import strangeness
from aios_conformance.conformance.judging.reasons import (
    Reason,
    left_out,
    out_of_scope,
    why_inconclusive,
)
from aios_conformance.conformance.judging.umbrellas import refutations
from aios_conformance.conformance.options.values import ExitCode
from aios_conformance.conformance.terms.curl import curl_line
from aios_conformance.conformance.terms.result import (
    EXPIRED,
    NOT_SELECTED,
    CheckCoverage,
    Evidence,
    RequirementResult,
    RunResult,
    Shown,
    Verdict,
)
from aios_conformance.spec import Level, Requirement, model_apis

MOST_FINDINGS = 5
MOST_EXCHANGES = 20
MOST_PARTS = 5
_MODEL_KINDS = {"embedding": "embedding_model", "cross_encoder": "cross_encoder"}


def verdicts(run: JudgedRecording) -> list[RequirementResult]:
    """One result for every row of the dialect that is not excluded."""
    return [_result_or_fault(run, row) for row in run.known.scored]


def _result_or_fault(run: JudgedRecording, row: Requirement) -> RequirementResult:
    try:
        return _result(run, row)
    except Exception as error:  # noqa: BLE001 - one row is lost, not the run
        told = f"no verdict could be given: {type(error).__name__}: {error}"
        return RequirementResult(row, "error", told)


def _result(run: JudgedRecording, row: Requirement) -> RequirementResult:
    setting = run.recording.setting
    if setting.selection is not None and row.id not in setting.selection:
        return RequirementResult(row, "not_applicable", NOT_SELECTED)
    coverage = tuple(_coverage(run, row))
    evidence = sum(c.judged for c in coverage)
    parts = list(refutations(run, row))
    found = [*run.traces.get(row.id, ()), *parts]
    standing = [trace for trace in found if not run.is_unstable(trace, row)]
    flags = [run.reproduced(trace, trace.place(row.id)) for trace in found]
    reproduced = True if True in flags else False if False in flags else None
    verdict, reason = _verdict(run, row, coverage, standing)
    shown = reason.shown if reason else None
    line = curl_line(setting.url, shown.request, (setting.key_env,)) if shown else ""
    is_kept = verdict in ("fail", "warn", "waived", "unstable")
    return RequirementResult(
        row,
        verdict,
        reason.text if reason else None,
        _reading(run, row),
        evidence,
        reproduced,
        tuple(_evidence(run, row, standing or found)) if is_kept else (),
        coverage,
        _occurrence(run, row) if is_kept else None,
        tuple(sorted({name for trace in parts for name in trace.rows}))
        if is_kept
        else (),
        Shown(shown.id, line) if shown else None,
    )


def _occurrence(run: JudgedRecording, row: Requirement) -> str | None:
    """How often the findings of a row were seen, or why they were not sent again."""
    seen = run.occurrence(row.id)
    return run.why_not_again(row.id) if seen is None else str(seen)


def _verdict(
    run: JudgedRecording,
    row: Requirement,
    coverage: Sequence[CheckCoverage],
    standing: Sequence[Trace],
) -> tuple[Verdict, Reason | None]:
    reason = out_of_scope(run, row)
    if reason is not None:
        return "not_applicable", Reason(reason)
    if row.id in run.faults:
        return "error", Reason(run.faults[row.id])
    if row.level == Level.MAY:
        return "info", None
    if standing:
        return _broken(run, row, standing)
    if found := run.traces.get(row.id):
        return "unstable", Reason(_how_often(run, row, found, coverage))
    return _unbroken(run, row, coverage)


def _broken(
    run: JudgedRecording, row: Requirement, standing: Sequence[Trace]
) -> tuple[Verdict, Reason | None]:
    """The verdict on a row with findings: waived if it is, or all that refutes it."""
    waivers = {waiver.id: waiver for waiver in run.recording.setting.waivers}
    today = run.recording.setting.started[:10]
    valid = {name for name, waiver in waivers.items() if today <= waiver.expires}
    places = {name for trace in standing for name in trace.rows}
    if row.id in valid or places <= valid:
        waiver = waivers[row.id if row.id in valid else min(places)]
        return "waived", Reason(f"{waiver.reason} (until {waiver.expires})")
    is_hard = any(not trace.finding.soft for trace in standing)
    is_fail = row.level == Level.MUST and is_hard and not row.statistical
    reason = None
    if row.id in waivers:
        reason = Reason(f"{EXPIRED}{waivers[row.id].expires}")
    elif row.id not in places:
        reason = Reason(f"refuted by {_listed(run, sorted(places))}")
    return ("fail" if is_fail else "warn"), reason


def _listed(run: JudgedRecording, rows: Sequence[str]) -> str:
    named = [f"{row} {run.known.requirements[row].topic}" for row in rows[:MOST_PARTS]]
    more = f" and {len(rows) - MOST_PARTS} more" if len(rows) > MOST_PARTS else ""
    return ", ".join(named) + more


def _unbroken(
    run: JudgedRecording, row: Requirement, coverage: Sequence[CheckCoverage]
) -> tuple[Verdict, Reason | None]:
    """The verdict on a row without findings: passed if enough of it was exercised."""
    undone = (run.main.undone.get(c.check) for c in coverage)
    if (why := next(filter(None, undone), None)) is not None:
        return "inconclusive", Reason(f"not judged: {why}")
    lacking = [c for c in coverage if c.judged < c.needed]
    total = sum(c.judged for c in coverage)
    if coverage and not lacking and total >= row.evidence:
        return "pass", None
    wanted = [need for need in row.needs if need in _MODEL_KINDS.values()]
    kinds = run.recording.facts.kinds
    kind = next((kinds[api] for api in kinds if api == row.api), "unknown")
    if wanted and total == 0 and wanted != [_MODEL_KINDS.get(kind)]:
        named = " and ".join(need.replace("_", " ") for need in wanted)
        text = f"needs {named}; the served model's kind is {kind}"
        return "not_applicable", Reason(text)
    dropped = left_out(run, row)
    if not coverage and dropped:
        return "not_applicable", Reason(dropped)
    return "inconclusive", why_inconclusive(run, row, coverage, lacking)


def _how_often(
    run: JudgedRecording,
    row: Requirement,
    found: Sequence[Trace],
    coverage: Sequence[CheckCoverage],
) -> str:
    """How many comparisons differed, and what became of them."""
    names = {trace.check for trace in found}
    total = sum(c.judged for c in coverage if c.check in names)
    if run.is_later(row.id):
        return (
            f"generated texts were the same {total} times, and differed when sent again"
        )
    differed = len({(trace.check, trace.probe, trace.draw) for trace in found})
    was_tried = any(run.reproduced(trace, row.id) is False for trace in found)
    again = "the same when sent again" if was_tried else "not sent again"
    return f"generated texts differed {differed} of {total} times; {again}"


def _coverage(run: JudgedRecording, row: Requirement) -> Iterator[CheckCoverage]:
    """What judged the row and what had to; checks that cannot apply are left out."""
    by_check = run.main.judged.get(row.id, {})
    for check in run.concerned(row.id):
        judged = by_check.get(check.name, [])
        some = tuple(dict.fromkeys(judged))[:MOST_EXCHANGES]
        needed = check.evidence
        if check.judges == "acceptance" and not check.ids:
            needed = run.serving.get(row.id, needed)
            is_due = row.id in run.serving or row.id in check.names
        else:
            is_declared = row.id in check.ids or row.id in check.names
            is_due = is_declared and bool(run.scenarios[check.name])
        if is_due or judged:
            yield CheckCoverage(check.name, len(judged), needed, some)


def _reading(run: JudgedRecording, row: Requirement) -> str | None:
    counts = run.main.readings.get(row.id, Counter[str]())
    texts = [text for text, _ in counts.most_common(3)]
    if row.level == Level.MAY:  # nothing is found at fault, but told
        found = [trace.finding for trace in run.traces.get(row.id, ())[:1]]
        texts += [f"expected {each.expected}, was {each.actual}" for each in found]
    return "; ".join(texts) or None


def _evidence(
    run: JudgedRecording, row: Requirement, standing: Sequence[Trace]
) -> Iterator[Evidence]:
    """The best findings, one of each cause: hard before soft, then the plainest.

    One that did not happen again comes after those that did, or were not tried.
    """
    setting = run.recording.setting
    small = [
        trace
        for judgement in run.smaller
        for trace in judgement.traces
        if trace.exchange.request.operation in row.operations
        and any(found.repeats(trace, found.place(row.id)) for found in standing)
    ]
    is_small = {trace.exchange.id for trace in small}
    # of the many findings in an answer each has the same request
    asked = {trace.exchange.id: trace.exchange for trace in (*small, *standing)}
    strange = {name: strangeness(e, setting.dialect) for name, e in asked.items()}
    ranked = sorted(
        [*small, *standing],
        key=lambda trace: (
            trace.finding.soft,
            trace.exchange.id not in is_small
            and run.reproduced(trace, trace.place(row.id)) is False,
            strange[trace.exchange.id],
            len(trace.exchange.request.body),
            trace.exchange.id not in is_small,
            trace.exchange.id,
        ),
    )
    seen: set[tuple[str, ...]] = set()
    for trace in ranked:
        finding, exchange = trace.finding, trace.exchange
        cause = (trace.check, *likeness(finding))
        if cause in seen or len(seen) >= MOST_FINDINGS:
            continue
        seen.add(cause)
        yield Evidence(
            finding.kind,
            finding.expected,
            finding.actual,
            finding.pointer,
            exchange.id,
            curl_line(setting.url, exchange.request, (setting.key_env,)),
            trace.check,
            finding.soft,
            () if row.id in trace.rows else trace.rows,
        )


def stale_waivers(
    run: JudgedRecording, results: Sequence[RequirementResult]
) -> tuple[str, ...]:
    """Rows that are waived and pass all the same."""
    passed = {r.requirement.id for r in results if r.verdict == "pass"}
    return tuple(w.id for w in run.recording.setting.waivers if w.id in passed)


def claim(run: JudgedRecording, results: Sequence[RequirementResult]) -> str:
    """What the target may call itself after this run.

    `full`, `partial: …` with the APIs that were judged, or `none`; the number of
    unstable rows is part of it.
    """
    setting = run.recording.setting
    if setting.selection is not None or run.recording.cut_short:
        return "none"
    if not any(r.verdict == "pass" for r in results):
        return "none"
    for result in results:
        is_must = result.requirement.level == Level.MUST
        if result.verdict in ("fail", "error") or (
            is_must and result.verdict in ("inconclusive", "waived")
        ):
            return "none"
    offered = {api for r in results for api in run.traceability.apis(r.requirement.id)}
    judged = [
        api
        for api in model_apis()
        if api in offered
        and api not in run.recording.absent
        and (not setting.apis or api in setting.apis)
    ]
    count = sum(result.verdict == "unstable" for result in results)
    unstable = f", {count} unstable" if count else ""
    is_whole = not (run.recording.absent or setting.apis or setting.without)
    if is_whole:
        return f"full{unstable}"
    without = f", without {', '.join(setting.without)}" if setting.without else ""
    return f"partial: {', '.join(judged)}{without}{unstable}"


def is_red(result: RunResult, fail_on: Collection[str]) -> bool:
    """A run that must not be let through: `must` always counts.

    What is known from the baseline does not; what was lost since then does. Only rows
    of the edition count.
    """
    for row in result.scored:
        if row.change == "known":
            continue
        if row.is_lost:
            return True
        is_must = row.requirement.level == Level.MUST
        if row.verdict == "fail":
            return True
        if row.verdict == "warn" and "should" in fail_on:
            return True
        if row.verdict == "unstable" and "unstable" in fail_on:
            return True
        is_open = row.verdict == "inconclusive"
        if is_open and (
            "inconclusive" in fail_on or (is_must and "inconclusive-must" in fail_on)
        ):
            return True
    return bool(result.stale_waivers)


def exit_code(result: RunResult, fail_on: Collection[str] = ("must",)) -> ExitCode:
    """What pytest and the command answer: red first, then our own errors."""
    found = {row.verdict for row in result.scored}
    if is_red(result, fail_on):
        return ExitCode.RED
    if "error" in found:
        return ExitCode.OWN_ERROR
    if not result.complete:
        return ExitCode.CUT_SHORT
    if found.isdisjoint({"pass", "warn", "unstable", "waived", "fail"}):
        return ExitCode.NOTHING
    return ExitCode.JUDGED
