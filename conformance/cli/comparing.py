"""`diff`: what has become worse, and what better, between two runs."""

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from aios_conformance.conformance.cli.parity import show_causes
from aios_conformance.conformance.cli.saved import observed
from aios_conformance.conformance.comparing.causes import Cause
from aios_conformance.conformance.comparing.comparison import Compared, compare
from aios_conformance.conformance.comparing.history import BROKEN
from aios_conformance.conformance.judging.against import BADNESS
from aios_conformance.conformance.options.saved import saved_report
from aios_conformance.conformance.options.values import ExitCode, OptionError
from aios_conformance.conformance.reporting import link
from aios_conformance.conformance.reporting.comparison_words import counts
from aios_conformance.conformance.reporting.parity import Naming, write_files
from aios_conformance.conformance.reporting.wording import VERDICT_WORDS

SLOWER = "slower"


@dataclass(frozen=True, slots=True)
class Change:
    """A requirement whose verdict differs."""

    id: str
    statement: str
    before: str
    after: str

    @property
    def is_regression(self) -> bool:
        """It has become worse."""
        return BADNESS[self.after] > BADNESS[self.before]


def diff(arguments: argparse.Namespace, out: Console, _: Mapping[str, str]) -> int:
    """Compare two runs; 1 if anything has become worse, or is answered otherwise.

    Where a broken row became better, and none worse, other answers are the mend. Later
    first tokens are red where `--fail-on slower` says so. Runs of several dialects are
    compared dialect by dialect.
    """
    is_timed = _is_timed(arguments.fail_on)
    homes = (Path(arguments.before), Path(arguments.after))
    written = Path(arguments.report_dir) if arguments.report_dir else None
    several = sorted(set.intersection(*map(_dialects, homes)))
    if not several:
        return _diff(homes, written, out, is_timed=is_timed)
    codes = []
    for name in several:
        out.print(f"dialect {name}", style="bold")
        below = None if written is None else written / name
        both = [home / name for home in homes]
        codes.append(_diff(both, below, out, is_timed=is_timed))
        out.print()
    return ExitCode.RED if ExitCode.RED in codes else max(codes)


def _dialects(home: Path) -> set[str]:
    """The folders of the runs that `--dialect all` left; none in that of one run."""
    if not (home / "dialects.json").is_file():
        return set()
    return {each.parent.name for each in home.glob("*/report.json")}


def _is_timed(fail_on: str | None) -> bool:
    """Whether later first tokens are red."""
    words = {word.strip() for word in (fail_on or "").split(",")} - {""}
    if unknown := sorted(words - {SLOWER}):
        raise OptionError(
            f"--fail-on: unknown name {unknown[0]!r}",
            code="unknown-name",
            hint=f"valid is {SLOWER}: first tokens that come later",
        )
    return SLOWER in words


def _diff(
    folders: Sequence[Path], written: Path | None, out: Console, *, is_timed: bool
) -> ExitCode:
    before, after = (saved_report(str(folder)) for folder in folders)
    changed = changes(before, after)
    worse = [change for change in changed if change.is_regression]
    better = [change for change in changed if not change.is_regression]
    for title, rows, style in (("worse", worse, "red"), ("better", better, "green")):
        if rows:
            out.print(_table(title, rows, style))
            out.print()
    sides = [
        observed(name, report, folder)
        for name, report, folder in zip("AB", (before, after), folders, strict=True)
    ]
    compared = compare(sides[0].side, sides[1].side)
    moved = [each for each in compared.counted if each.kind != "verdict"]
    told = [each for each in compared.causes if each.kind not in ("verdict", "time")]
    if told:
        out.print("answered otherwise", style="bold")
        show_causes(told, out, str)
    missing = [each.why for each in sides if each.why]
    uncompared = () if missing else _uncompared(compared)
    for note in (*_notes(before, after), *missing, *uncompared):
        out.print(f"note: {note}", style="dim", markup=False, soft_wrap=True)
    for each in compared.times:
        out.print(f"note: {each.text}", style="yellow", markup=False, soft_wrap=True)
    if written is not None:
        _write(compared, folders, written, out)
    out.print(f"{len(worse)} worse, {len(better)} better or otherwise changed")
    if not missing:
        out.print(f"{_counted(moved)}; {counts(compared)}", soft_wrap=True)
    is_in_common = compared.pairs or before["dialect"] == after["dialect"]
    if not is_in_common:
        return ExitCode.NOTHING
    is_mended = any(change.before in BROKEN for change in better)
    is_late = is_timed and any(each.is_later for each in compared.times)
    is_red = worse or is_late or (moved and not is_mended)
    return ExitCode.RED if is_red else ExitCode.JUDGED


def _counted(moved: Sequence[Cause]) -> str:
    if not moved:
        return "nothing is answered otherwise"
    plural = "s are" if len(moved) > 1 else " is"
    return f"{len(moved)} thing{plural} answered otherwise"


def _uncompared(compared: Compared) -> Iterable[str]:
    for why, number in compared.left.items():
        yield f"{number} answers were not compared: {why}"


def _write(
    compared: Compared, folders: Sequence[Path], directory: Path, out: Console
) -> None:
    """Write drift.json, .md and .html."""
    reports = {}
    for name, folder in zip("AB", folders, strict=True):
        home = folder if folder.is_dir() else folder.parent
        reports[name] = link(os.path.relpath(home / "report.html", directory))
    write_files(compared, directory, Naming("drift", "Drift between two runs", reports))
    out.print(f"report: {directory / 'drift.html'}", soft_wrap=True)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The requirements of both runs whose verdicts differ, in their order."""
    earlier = {each["id"]: each["verdict"] for each in before["requirements"]}
    return [
        Change(each["id"], each["statement"], earlier[each["id"]], each["verdict"])
        for each in after["requirements"]
        if each["id"] in earlier and earlier[each["id"]] != each["verdict"]
    ]


def _table(title: str, rows: Iterable[Change], style: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(title, header_style=f"bold {style}", no_wrap=True)
    table.add_column("before", header_style="bold")
    table.add_column("after", header_style="bold", style=style)
    table.add_column("statement", header_style="bold")
    for row in rows:
        words = [VERDICT_WORDS[verdict] for verdict in (row.before, row.after)]  # type: ignore[index]
        table.add_row(row.id, *words, row.statement)
    return table


def _notes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    """What makes the comparison less than it seems."""
    for name, run in (("A", before), ("B", after)):
        if not run["complete"]:
            yield f"run {name} was cut short ({run.get('cut_short') or 'a limit'})"
        if run["selection"] is not None:
            yield f"run {name} exercised only {len(run['selection'])} requirements"
    if before["dialect"] != after["dialect"]:
        names = f"{before['dialect']}, {after['dialect']}"
        yield f"the runs differ in dialect ({names}): requirements cannot be compared"
    for name in ("preset", "seed"):
        if before[name] != after[name]:
            yield f"the runs differ in {name}: {before[name]}, {after[name]}"
    is_one = before["dialect"] == after["dialect"]
    fingerprints = {each["suite"]["requirements_sha256"] for each in (before, after)}
    if len(fingerprints) > 1 and is_one:
        yield "the requirements themselves have changed between the two versions"
    ids = [{each["id"] for each in run["requirements"]} for run in (before, after)]
    if only := ids[0] ^ ids[1]:
        yield f"{len(only)} requirements stand in one run only"
