"""`run --dialect all`: one recording, judged under each contract that answers."""

import argparse
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from aios_conformance.conformance.cli.progress import progress
from aios_conformance.conformance.options.settings import read_options
from aios_conformance.conformance.options.values import (
    ExitCode,
    OptionError,
    RunOptions,
    TargetError,
)
from aios_conformance.conformance.planning.plan import jointly, plan
from aios_conformance.conformance.reporting.compared import (
    Comparison,
    DialectOutcome,
    compare,
)
from aios_conformance.conformance.reporting.dialects import STEM, write_comparison
from aios_conformance.conformance.reporting.duration import duration
from aios_conformance.conformance.reporting.terminal import plan_table
from aios_conformance.conformance.reporting.wording import (
    VERDICT_WORDS,
    counts_line,
    paragraph,
)
from aios_conformance.conformance.running.run import RunOutcome
from aios_conformance.conformance.running.session import run_and_report_all
from aios_conformance.spec import DIALECTS

_ABSENT = "no-api"
# The worst first: an error of ours says most, nothing to judge says least.
_SEVERITY = (
    ExitCode.OWN_ERROR,
    ExitCode.UNUSABLE,
    ExitCode.CUT_SHORT,
    ExitCode.RED,
    ExitCode.NOTHING,
    ExitCode.JUDGED,
)


def run_all(
    arguments: argparse.Namespace, out: Console, environ: Mapping[str, str]
) -> int:
    """Judge one target under every dialect; the worst exit code of those that answer.

    Raises:
        OptionError: a bad option, or one that fits a single dialect only.
        TargetError: nothing answers, or no dialect has its paths there.

    """
    if arguments.waivers:
        raise OptionError(
            "--waivers: a waiver belongs to one dialect, so --dialect all takes none",
            code="bad-option",
            hint=f"judge one dialect: {', '.join(DIALECTS)}",
        )
    chosen = [read_options(_of(vars(arguments), name), environ) for name in DIALECTS]
    root = chosen[0].report_dir
    apart = [replace(each, report_dir=root / each.dialect) for each in chosen]
    if arguments.plan:
        return _show_plans(apart, out)
    with progress(out, *apart) as listener:
        outcomes = run_and_report_all(apart, listener)
    if outcomes.error is not None:
        raise outcomes.error
    judgements = judged(outcomes.runs, chosen[0].fail_on)
    comparison = compare(judgements, outcomes.requests, outcomes.apart)
    write_comparison(comparison, root)
    _show(comparison, root, out)
    if not comparison.names:
        raise TargetError(
            f"no dialect answers: {judgements[0].reason}",
            code=_ABSENT,
            hint="name the base URL, without the path of an API",
        )
    return worst([each for each in judgements if each.result is not None])


def _of(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The words of one dialect's run; its baseline lies where its reports did."""
    place = values.get("baseline")
    within = str(Path(place) / name) if place else None
    return {**values, "dialect": name, "baseline": within}


def judged(
    ended: Iterable[RunOutcome], fail_on: Collection[str]
) -> list[DialectOutcome]:
    """What the runs came to; where no path of a dialect answers, no result."""
    judgements = []
    for done in ended:
        is_absent = done.error is not None and done.error.code == _ABSENT
        why = paragraph(done.error) if done.error else done.result.cut_short or ""
        judgements.append(
            DialectOutcome(
                done.result.dialect,
                done.result.url,
                None if is_absent else done.result,
                done.exit_code(fail_on),
                why,
            )
        )
    return judgements


def worst(judgements: Sequence[DialectOutcome]) -> int:
    """The exit code that says most."""
    codes = {each.exit_code for each in judgements}
    return int(next(code for code in _SEVERITY if code in codes))


def _show_plans(options: Sequence[RunOptions], out: Console) -> int:
    plans = [plan(each) for each in options]
    for each, wished in zip(plans, options, strict=True):
        out.print(f"dialect {wished.dialect}", style="bold")
        out.print(plan_table(each.summary, wished.requests_to_explain))
        out.print()
    joint, apart = jointly(plans), sum(each.summary.requests for each in plans)
    out.print(
        f"recorded together: at most {joint.requests} requests in place of {apart}, "
        f"{joint.prompt_tokens} prompt tokens; where something is found, at most "
        f"{sum(each.requests_to_explain for each in options) + joint.spare_requests} "
        f"more. Time: {duration(joint, options[0])}.",
        soft_wrap=True,
    )
    return ExitCode.JUDGED


def _show(comparison: Comparison, root: Path, out: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("dialect", "claim", "verdicts"):
        table.add_column(title, header_style="bold")
    for each in comparison.judgements:
        if each.result is None:
            table.add_row(each.dialect, "not answered", each.reason)
        else:
            verdicts = each.reason or counts_line(each.result)
            table.add_row(each.dialect, each.result.claim, verdicts)
    out.print(table)
    out.print()
    for row in comparison.rows:
        if row.differs:
            words = ", ".join(
                f"{name} {VERDICT_WORDS[cell.verdict]}"
                for name, cell in row.cells.items()
            )
            out.print(
                f"{row.promise.group}, {row.promise.title}: {words}", soft_wrap=True
            )
    out.print(f"\n{comparison.sentence}", soft_wrap=True)
    out.print(comparison.cost, soft_wrap=True)
    out.print(f"report: {root / f'{STEM}.html'}", soft_wrap=True)
