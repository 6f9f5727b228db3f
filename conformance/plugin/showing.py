"""What pytest's terminal shows of a run; imported only when there is one."""

from collections.abc import Callable, Collection
from io import StringIO
from typing import Any

from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.plugin.items import Outcome
from aios_conformance.conformance.reporting.duration import (
    Remaining,
    before,
    duration,
)
from aios_conformance.conformance.reporting.terminal import (
    console,
    plan_table,
    summary,
)
from aios_conformance.conformance.reporting.wording import (
    KIND_MEANINGS,
    VERDICT_WORDS,
    actual_text,
    found_sentence,
    in_short,
    mark,
    paragraph,
    place,
)
from aios_conformance.conformance.running.run import RunOutcome
from aios_conformance.conformance.running.session import run_and_report
from aios_conformance.conformance.terms.events import (
    ExchangeDone,
    Explaining,
    PlanMade,
    RunEvent,
    RunJudged,
)
from aios_conformance.conformance.terms.result import (
    Evidence,
    RequirementResult,
    RunResult,
)
from aios_conformance.conformance.terms.visible import visible

_FINDINGS_SHOWN = 3


def run_shown(
    options: RunOptions, selection: Collection[str] | None, reporter: Any
) -> RunOutcome:
    """Run and report, with a line of progress where a user looks on."""
    listener = _progress(reporter, options) if reporter is not None else _silent
    return run_and_report(options, listener, selection)


def _silent(_: RunEvent) -> None:
    """Show nothing."""


def _progress(reporter: Any, options: RunOptions) -> Callable[[RunEvent], None]:
    """What is left, in a line that is rewritten, under -q too; in a log a line each."""
    quiet = reporter.config.option.verbose < 0
    remaining = Remaining(options.requests_to_explain)

    def listen(event: RunEvent) -> None:
        if isinstance(event, PlanMade):
            planned = event.summary.requests
            remaining.planned(event.summary)
            text = f"recording: at most {planned} requests"
            text += f", {remaining.more} more on findings"
            if time := before(event.summary, options):
                text += f", {time}"
            if not quiet:
                reporter.write_line(text)
        elif not reporter.isatty:
            if not quiet and (line := remaining.line(event)):
                reporter.write_line(line)
        elif isinstance(event, ExchangeDone):
            is_last = event.done >= event.planned
            text = remaining.text(event, remaining.after(event))
            reporter.rewrite("" if is_last else text, erase=True)
        elif isinstance(event, RunJudged):
            reporter.rewrite("", erase=True)
        elif isinstance(event, Explaining):
            reporter.rewrite(f"explaining: {event.probe}", erase=True)

    return listen


def plan_text(options: RunOptions, selection: Collection[str] | None) -> str:
    """The plan of what is selected, with its ceilings."""
    buffer = StringIO()
    planned = plan(options, selection).summary
    time = duration(planned, options)
    console(buffer).print(plan_table(planned, options.requests_to_explain, time))
    return buffer.getvalue()


def summary_text(outcome: RunOutcome, options: RunOptions, writer: Any) -> str:
    """The end of a run, and why it ended early."""
    shown = summary(
        outcome.result,
        options.report_dir,
        options.fail_on,
        is_judged=outcome.error is None,
    )
    buffer = StringIO()
    width = writer.fullwidth if writer.hasmarkup else None
    console(buffer, width=width, colours=writer.hasmarkup).print(shown)
    if outcome.error is not None:
        buffer.write(f"\nERROR: {visible(paragraph(outcome.error))}\n")
    return "\n".join(line.rstrip() for line in buffer.getvalue().split("\n"))


def outcomes(result: RunResult) -> dict[str, Outcome]:
    """How each item ends."""
    stale = frozenset(result.stale_waivers)
    return {each.requirement.id: _outcome(each, stale) for each in result.requirements}


def _outcome(each: RequirementResult, stale: Collection[str]) -> Outcome:
    verdict = each.verdict
    if not each.is_scored:
        reason = f"{mark(each)}, newer than the edition; its verdict is {verdict}"
        return Outcome("skipped", reason, verdict)
    if verdict == "error":
        return Outcome("error", f"error: {each.reason}", verdict)
    if each.requirement.id in stale and verdict != "fail":
        text = "waived, but it passes: remove the waiver"
        return Outcome("failed", f"stale waiver: {text}", verdict)
    if verdict == "fail" and each.change == "known":
        return Outcome("xfailed", f"{mark(each)}: {in_short(each)}", verdict)
    if each.is_lost:
        return Outcome("failed", f"lost since the baseline: {each.reason}", verdict)
    if verdict == "fail":
        return Outcome("failed", failure_text(each), verdict)
    if verdict in {"inconclusive", "not_applicable"}:
        reason = f": {each.reason}" if each.reason else ""
        return Outcome("skipped", f"{VERDICT_WORDS[verdict]}{reason}", verdict)
    if verdict == "waived":
        return Outcome("xfailed", f"waived: {each.reason}", verdict)
    return Outcome("passed", "", verdict)


def _where(finding: Evidence) -> str:
    return f"{finding.pointer or 'the whole answer'}  ({finding.exchange})"


def failure_text(each: RequirementResult) -> str:
    """A failed requirement: its first line is what pytest's short summary shows."""
    row = each.requirement
    if not each.findings:
        return f"{each.reason or 'failed'}\n\n{row.level}  {row.statement}"
    first = each.findings[0]
    ruling = f" (ruling {row.ruling})" if row.ruling else ""
    again = {True: ", seen again when re-sent", False: ", not seen again", None: ""}[
        each.reproduced
    ]
    if each.occurrence is not None:
        again = f", {each.occurrence}"
    lines = [
        f"{first.kind}: {found_sentence(first)}",
        "",
        f"{row.level}      {row.statement}",
        f"topic     {row.topic}",
        f"where     {place(row)}",
        f"sources   {', '.join(row.sources)}{ruling}",
        f"judged    {each.evidence} observations{again}",
    ]
    for finding in each.findings[:_FINDINGS_SHOWN]:
        lines += [
            "",
            f"kind      {finding.kind}: {KIND_MEANINGS[finding.kind]}",
            f"expected  {finding.expected}",
            f"actual    {actual_text(finding.actual)}",
            f"at        {_where(finding)}",
            f"run       {finding.curl}",
        ]
    if (more := len(each.findings) - _FINDINGS_SHOWN) > 0:
        lines += ["", f"… and {more} more in the report"]
    return "\n".join(lines)
