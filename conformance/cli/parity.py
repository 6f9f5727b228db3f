"""`run A --against B`: two targets asked the same, and what they do differently."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from aios_conformance.conformance.cli.progress import progress
from aios_conformance.conformance.comparing.causes import Cause
from aios_conformance.conformance.comparing.comparison import Compared, compare
from aios_conformance.conformance.comparing.pairs import Side
from aios_conformance.conformance.options.selection import selected
from aios_conformance.conformance.options.settings import (
    ALL_DIALECTS,
    read_against,
    read_options,
)
from aios_conformance.conformance.options.table import AGAINST
from aios_conformance.conformance.options.values import (
    ExitCode,
    OptionError,
    RunOptions,
)
from aios_conformance.conformance.reporting.comparison_words import (
    counts,
    outcome,
    statuses,
)
from aios_conformance.conformance.reporting.json_report import report
from aios_conformance.conformance.reporting.parity import STEM, write_files
from aios_conformance.conformance.reporting.wording import counts_line
from aios_conformance.conformance.running.run import Outcomes
from aios_conformance.conformance.running.session import run_and_report_all
from aios_conformance.conformance.running.side_by_side import run_side_by_side
from aios_conformance.conformance.terms.redact import Redactor

CAUSES_SHOWN = 12


def verify_alone(arguments: argparse.Namespace) -> None:
    """Raise OptionError for an option of a second target where there is none."""
    for option in AGAINST[1:]:
        if getattr(arguments, option.name):
            raise OptionError(
                f"{option.flag}: there is no second target",
                code="bad-option",
                hint="name it with --against URL",
            )


def run_against(
    arguments: argparse.Namespace,
    out: Console,
    environ: Mapping[str, str],
) -> int:
    """Judge two targets side by side; 1 if they do not do the same.

    Raises:
        OptionError: a bad option.
        TargetError: one of them cannot be reached, or serves no usable model.

    """
    if arguments.dialect == ALL_DIALECTS:
        raise OptionError(
            "--against: two targets are compared under one dialect",
            code="bad-option",
            hint="leave out --dialect all, or run it for each dialect",
        )
    first = read_options(vars(arguments), environ)
    for flag, value in (("--resume", first.resume), ("--baseline", first.baseline)):
        if value:
            raise OptionError(
                f"{flag} is of no use with --against: two servers are compared, not "
                "two runs",
                code="bad-option",
            )
    selection = selected(arguments.only, first.dialect)
    both = (first, read_against(vars(arguments), environ, first))
    found: list[Compared] = []

    def beside(outcomes: Outcomes, directory: Path) -> None:
        compared = compare(*_sides(outcomes, both))
        write_files(compared, directory, redact=lambda text: _redacted(text, both))
        found.append(compared)

    with progress(out, *both) as listener:
        outcomes = run_and_report_all(
            both, listener, selection, record=run_side_by_side, beside=beside
        )
    if outcomes.error is not None:
        raise outcomes.error
    if not found:  # ended before anything was sent
        return ExitCode.CUT_SHORT
    _show(found[0], outcomes, first.report_dir, out, both)
    return _exit_code(found[0], outcomes)


def _sides(outcomes: Outcomes, both: Sequence[RunOptions]) -> tuple[Side, Side]:
    one, other = (
        Side(
            name,
            report(ended.result),
            ended.result.observations,
            ended.result.exchanges,
            options.api_key_env,
        )
        for name, ended, options in zip("AB", outcomes.runs, both, strict=True)
    )
    return one, other


def _redacted(text: str, both: Sequence[RunOptions]) -> str:
    for each in both:
        known = Redactor.of(each.api_key, each.api_key_env, each.headers)
        text = known.text(text)
    return text


def _exit_code(compared: Compared, outcomes: Outcomes) -> int:
    if any(each.is_interrupted for each in outcomes.runs):
        return ExitCode.CUT_SHORT
    if compared.differs:
        return ExitCode.RED
    if not all(each.result.complete for each in outcomes.runs):
        return ExitCode.CUT_SHORT
    return ExitCode.JUDGED if compared.pairs else ExitCode.NOTHING


def _show(
    compared: Compared,
    outcomes: Outcomes,
    directory: Path,
    out: Console,
    both: Sequence[RunOptions],
) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("", "target", "claim", "verdicts", "requests"):
        table.add_column(title, header_style="bold")
    for name, ended in zip("AB", outcomes.runs, strict=True):
        result = ended.result
        said = (result.url, result.claim, counts_line(result))
        table.add_row(name, *said, str(result.usage.requests))
    out.print(table)
    out.print()
    show_causes(compared.causes, out, lambda text: _redacted(text, both))
    out.print(outcome(compared), style="bold", soft_wrap=True)
    out.print(counts(compared), soft_wrap=True)
    out.print(f"requirements: {statuses(compared)}", soft_wrap=True)
    for name, ended in zip("AB", outcomes.runs, strict=True):
        if not ended.result.complete:
            why = ended.result.cut_short
            out.print(f"{name} was cut short: {why}", style="yellow", soft_wrap=True)
    out.print(f"report: {directory / f'{STEM}.html'}", soft_wrap=True)


def show_causes(
    causes: Sequence[Cause], out: Console, redact: Callable[[str], str]
) -> None:
    """Print causes, those that do not count in dim letters."""
    for number, cause in enumerate(causes[:CAUSES_SHOWN], 1):
        where = f" ({len(cause.found)} of {cause.of}: {', '.join(cause.apis)})"
        line = f"{number:>2} {cause.title}{where if cause.found else ''}"
        if cause.excuse:
            line += f"; does not count: {cause.excuse}"
        style = "dim" if cause.excuse else "red"
        out.print(redact(line), style=style, markup=False, soft_wrap=True)
    if len(causes) > CAUSES_SHOWN:
        out.print(f"   … and {len(causes) - CAUSES_SHOWN} more in the report")
    if causes:
        out.print()
