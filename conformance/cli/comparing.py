"""`diff`: what has become worse, and what better, between two runs."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from aios_conformance.conformance.cli.saved import saved_report
from aios_conformance.conformance.options.values import ExitCode, OptionError
from aios_conformance.conformance.reporting.wording import VERDICT_WORDS

# The greater the worse. What is no longer shown to be kept is worse than kept.
_BADNESS = {
    "info": 0,
    "pass": 0,
    "unstable": 1,
    "warn": 1,
    "not_applicable": 2,
    "inconclusive": 2,
    "waived": 3,
    "fail": 4,
    "error": 4,
}


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
        return _BADNESS[self.after] > _BADNESS[self.before]


def diff(arguments: argparse.Namespace, out: Console, _: Mapping[str, str]) -> int:
    """Compare two runs; 1 if anything has become worse."""
    before, after = saved_report(arguments.before), saved_report(arguments.after)
    if before["dialect"] != after["dialect"]:
        raise OptionError(
            f"the runs differ in dialect ({before['dialect']}, {after['dialect']}): "
            f"their requirements cannot be compared",
            code="bad-comparison",
        )
    changed = changes(before, after)
    worse = [change for change in changed if change.is_regression]
    better = [change for change in changed if not change.is_regression]
    for title, rows, style in (("worse", worse, "red"), ("better", better, "green")):
        if rows:
            out.print(_table(title, rows, style))
            out.print()
    for note in _notes(before, after):
        out.print(f"note: {note}", style="dim", soft_wrap=True)
    out.print(f"{len(worse)} worse, {len(better)} better or otherwise changed")
    return ExitCode.RED if worse else ExitCode.JUDGED


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
    for name in ("preset", "seed"):
        if before[name] != after[name]:
            yield f"the runs differ in {name}: {before[name]}, {after[name]}"
    fingerprints = {each["suite"]["requirements_sha256"] for each in (before, after)}
    if len(fingerprints) > 1:
        yield "the requirements themselves have changed between the two versions"
    ids = [{each["id"] for each in run["requirements"]} for run in (before, after)]
    if only := ids[0] ^ ids[1]:
        yield f"{len(only)} requirements stand in one run only"
