"""`run --dialect all`: the same target under every contract whose paths answer."""

import argparse
import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.cli.progress import progress
from conformance.conduct import Conducted, conduct
from conformance.events import Listener
from conformance.options import ExitCode, OptionError, RunOptions, TargetError
from conformance.plan import plan
from conformance.reporting.compared import Comparison, Judgement, compare
from conformance.reporting.dialects import STEM, write_comparison
from conformance.reporting.terminal import plan_table
from conformance.reporting.wording import VERDICT_WORDS, counts_line, paragraph
from conformance.servers import MODULES, serving, with_own_key
from conformance.settings import read_options
from spec import DIALECTS

_ABSENT = "no-api"
_UNREACHABLE = "unreachable"
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
    chosen = [
        read_options({**vars(arguments), "dialect": name}, environ) for name in DIALECTS
    ]
    if arguments.plan:
        return _show_plans(chosen, out)
    root = chosen[0].report_dir
    with progress(out) as listener, _running(chosen, listener) as running:
        judgements = judge_all(
            [replace(each, report_dir=root / each.dialect) for each in running],
            lambda each: conduct(each, listener),
        )
        comparison = compare(running[0].target, judgements)
    write_comparison(comparison, root)
    _show(comparison, root, out)
    if not comparison.names:
        raise TargetError(
            f"no dialect answers: {judgements[0].reason}",
            code=_ABSENT,
            hint="name the base URL, without the path of an API",
        )
    return worst([each for each in judgements if each.result is not None])


def judge_all(
    options: Sequence[RunOptions], conducted: Callable[[RunOptions], Conducted]
) -> list[Judgement]:
    """Judge each dialect in turn; a run that the user has ended is the last one.

    Raises OptionError or TargetError for what would stop every dialect alike.
    """
    judgements: list[Judgement] = []
    for each in options:
        done = conducted(each)
        error = done.error
        if isinstance(error, OptionError) or (error and error.code == _UNREACHABLE):
            raise error
        is_absent = error is not None and error.code == _ABSENT
        judgements.append(
            Judgement(
                each.dialect,
                None if is_absent else done.result,
                done.exit_code(each.fail_on),
                paragraph(error) if error else done.result.cut_short or "",
            )
        )
        if done.is_interrupted:
            break
    return judgements


def worst(judgements: Sequence[Judgement]) -> int:
    """The exit code that says most."""
    codes = {each.exit_code for each in judgements}
    return int(next(code for code in _SEVERITY if code in codes))


def _show_plans(options: Sequence[RunOptions], out: Console) -> int:
    for each in options:
        out.print(f"dialect {each.dialect}", style="bold")
        out.print(plan_table(plan(each).summary))
        out.print()
    return ExitCode.JUDGED


@contextmanager
def _running(
    options: Sequence[RunOptions], listener: Listener
) -> Iterator[list[RunOptions]]:
    """The options with an address; a bundled server serves all dialects meanwhile."""
    if options[0].target not in MODULES:
        yield list(options)
        return
    key = with_own_key(replace(options[0], dialect="aihubmix")).api_key
    keyed = [replace(each, api_key=key) for each in options]
    named = [word for name in DIALECTS for word in ("--dialect", name)]
    with asyncio.Runner() as runner:
        server = serving(keyed[0], listener, named)
        url = runner.run(server.__aenter__())
        try:
            yield [replace(each, target=url) for each in keyed]
        finally:
            runner.run(server.__aexit__(None, None, None))


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
    out.print(f"report: {root / f'{STEM}.html'}", soft_wrap=True)
