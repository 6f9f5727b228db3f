"""The summary on a terminal: verdicts by API, what was found, where the report is."""

import os
from collections.abc import Collection, Iterator
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import IO

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from aios_conformance.conformance.reporting.causes import (
    advice,
    causes,
    counted,
)
from aios_conformance.conformance.reporting.wording import (
    RESUMED,
    VERDICT_WORDS,
    api_rows,
    baseline_sentence,
    chosen,
    claim_sentence,
    edition_words,
    found_sentence,
    mark,
    resumed_sentence,
    unproved,
    waiver_sentences,
)
from aios_conformance.conformance.terms.result import (
    Cause,
    PlanSummary,
    RunResult,
    Verdict,
)
from aios_conformance.conformance.terms.visible import visible

FINDINGS_SHOWN = 12
OTHERS_SHOWN = 5
REASONS_SHOWN = 6
LOG_WIDTH = 110
CURL_LENGTH = 400
_STYLES: dict[Verdict, str] = {
    "pass": "green",
    "warn": "yellow",
    "fail": "bold red",
    "unstable": "yellow",
    "inconclusive": "magenta",
    "not_applicable": "dim",
    "waived": "cyan",
    "error": "bold red",
    "info": "dim",
}


def summary(
    result: RunResult,
    report_dir: Path | None,
    fail_on: Collection[str] = (),
    *,
    is_judged: bool = True,
) -> RenderableType:
    """What a user wants to know when the run is over.

    `report_dir`: where the reports were written, if anywhere. `is_judged`: the run
    reached the target; else there are no verdicts to show.
    """
    result = chosen(result)
    path = Text("No report was written; --report-dir DIR writes them.")
    if report_dir is not None:
        path = Text.assemble("report: ", (str(report_dir / "report.html"), "bold"))
    if not is_judged:
        return Group(*_footnotes(result, fail_on), path)
    return Group(
        verdict_table(result),
        Text(),
        _claim(result),
        *_baseline(result),
        *_findings(result),
        *_unproved(result),
        *_footnotes(result, fail_on),
        path,
    )


def verdict_table(result: RunResult) -> Table:
    """Counts by API and verdict; verdicts that do not occur have no column."""
    shown = [verdict for verdict, count in result.summary.items() if count]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("API", header_style="bold")
    for verdict in shown:
        style = _STYLES[verdict]
        table.add_column(
            VERDICT_WORDS[verdict], justify="right", style=style, header_style=style
        )
    for row in api_rows(result):
        table.add_row(row.title, *(str(row.counts[v] or "·") for v in shown))
    totals = [str(result.summary[verdict]) for verdict in shown]
    table.add_row("all", *totals, style="bold")
    return table


def _claim(result: RunResult) -> Text:
    style = "bold green" if result.claim.startswith("full") else "bold"
    claim = Text.assemble("claim: ", (result.claim, style))
    claim.append(f"  {claim_sentence(result)}")
    return claim


def _baseline(result: RunResult) -> Iterator[Text]:
    if said := baseline_sentence(result):
        yield Text(said)
    for api in dict.fromkeys(
        r.requirement.api for r in result.requirements if r.is_lost
    ):
        yield Text(f"lost since then: the {api} API is absent", style="bold red")


def _findings(result: RunResult) -> Iterator[RenderableType]:
    found = causes(result)
    if not found:
        return
    yield Text(counted(found), style="dim")
    for cause in found[:FINDINGS_SHOWN]:
        yield _finding(cause)
    if (more := len(found) - FINDINGS_SHOWN) > 0:
        yield Text(f"… and {more} more in the report", style="dim")


def _finding(cause: Cause) -> RenderableType:
    each, row = cause.lead, cause.lead.requirement
    head = Text(f"{VERDICT_WORDS[each.verdict]:<5} ", _STYLES[each.verdict])
    if mark(each):
        head.append(f"{mark(each)} ", "bold" if each.change == "new" else "dim")
    broken = Text.assemble(
        (f"{row.id} ", "bold"), (f"{row.topic} {row.level} ", "dim"), row.statement
    )
    if not each.findings:
        return Group(head + broken, _indented(Text(each.reason or "")))
    first = each.findings[0]
    how = Text(f"{first.kind}: {found_sentence(first)}")
    if len(each.findings) > 1:
        how.append(f" (and {len(each.findings) - 1} more)", "dim")
    shown: list[RenderableType] = [head + broken]
    if cause.title:
        shown = [head + Text(cause.title, "bold"), _indented(broken)]
    shown.append(_indented(how))
    if what := advice(cause):
        shown.append(_indented(Text(f"to do: {what}")))
    if each.verdict == "unstable":
        shown.append(_indented(Text(each.reason or "")))
    if each.occurrence:
        shown.append(_indented(Text(each.occurrence, style="dim")))
    if cause.others:
        more = len(cause.others) - OTHERS_SHOWN
        named = ", ".join(cause.others[:OTHERS_SHOWN])
        tail = f" and {more} more" if more > 0 else ""
        shown.append(_indented(Text(f"also {named}{tail}", style="dim")))
    return Group(*shown)


def _unproved(result: RunResult) -> Iterator[RenderableType]:
    found = list(unproved(result).items())
    if found:
        yield Text("\nobligations that could not be exercised:")
    for reason, rows in found[:REASONS_SHOWN]:
        more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        ids = ", ".join(row.requirement.id for row in rows[:3])
        yield _indented(Text(f"{reason}: {ids}{more}"))
        lines = (row.shown.curl for row in rows if row.shown is not None)
        line = next((each for each in lines if len(each) <= CURL_LENGTH), None)
        if line is not None:
            yield _indented(Text(f"  {line}", style="dim"))
    if len(found) > REASONS_SHOWN:
        yield _indented(Text("… and more in the report", style="dim"))


def _footnotes(result: RunResult, fail_on: Collection[str]) -> Iterator[RenderableType]:
    yield Text()
    for told in waiver_sentences(result):
        yield Text(told, style="red")
    if not result.complete and result.exchanges:
        yield Text(RESUMED)
    if said := resumed_sentence(result):
        yield Text(said, style="dim")
    if result.edition is not None:
        yield Text(f"edition {edition_words(result)}")
    also = [word for word in fail_on if word != "must"]
    if also:
        yield Text(f"also red by --fail-on: {', '.join(also)}")
    usage = result.usage
    yield Text(
        f"{usage.requests} requests, {usage.prompt_tokens} prompt and "
        f"{usage.completion_tokens} completion tokens, {result.duration_s:.1f} s"
        + (f"; shrinking: {usage.shrink_requests}" if usage.shrink_requests else ""),
        style="dim",
    )


def _indented(content: Text) -> Padding:
    return Padding(content, (0, 0, 0, 6), expand=False)


class _Console(Console):
    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """What is shown, whoever wrote it, with no character that hides or turns."""
        for each in super().render(renderable, options):
            yield each if each.control else each._replace(text=visible(each.text))

    def on_broken_pipe(self) -> None:
        """The reader has seen enough: the rest is for nobody, and no error."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def console(
    file: IO[str] | None, *, width: int | None = None, colours: bool | None = None
) -> Console:
    """A console that shows text as it is; wide where it is no terminal.

    What its encoding cannot spell reads `?`. Without a file it shows nothing.
    """
    if file is None:
        return Console(file=StringIO(), quiet=True)
    if isinstance(file, TextIOWrapper):
        file.reconfigure(errors="replace")
    is_terminal = file.isatty() if colours is None else colours
    return _Console(
        file=file,
        width=width or (None if is_terminal else LOG_WIDTH),
        force_terminal=colours,
        highlight=False,
        markup=False,
        emoji=False,
    )


def plan_table(plan: PlanSummary, more: int, duration: str = "") -> RenderableType:
    """The ceilings of a run, where the requests go, and how long it takes.

    `more` requests may follow where something is found.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("operation", header_style="bold")
    table.add_column("requests", justify="right", header_style="bold")
    for operation, count in sorted(plan.by_operation.items()):
        table.add_row(operation, str(count))
    beyond = plan.spare_requests + more
    total = Text(
        f"\nat most {plan.requests} requests, {plan.prompt_tokens} prompt tokens and "
        f"{plan.completion_tokens} completion tokens, from {len(plan.by_probe)} "
        f"probes; discovery comes on top.\nWhere something is found, at most {beyond} "
        f"more narrow it down, send it again and make it smaller: "
        f"{plan.requests + beyond} in all.\n"
        f"Prompt tokens are counted as tokenizers with a vocabulary make them: at most "
        f"one for two letters."
        + (f"\nTime: {duration}." if duration else "")
        + "\nNothing was sent."
    )
    return Group(table, total)
