"""`site`: a static site of the history of servers, from the folders of their runs."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from aios_conformance.conformance.comparing.run_records import (
    RECORD,
    RECORDED,
    REPORT,
    run_records,
)
from aios_conformance.conformance.options.values import ExitCode, OptionError
from aios_conformance.conformance.reporting.site import write_site
from aios_conformance.conformance.reporting.site_index import counted


def site(arguments: argparse.Namespace, out: Console, _: Mapping[str, str]) -> int:
    """Build the site; what is no run is named and left out.

    Raises OptionError where there is no run at all.
    """
    root, target = Path(arguments.runs_dir), Path(arguments.out)
    if not root.is_dir():
        raise OptionError(f"{root}: is no folder", code="no-runs")
    if target.exists() and not target.is_dir():
        raise OptionError(f"{target}: is no folder", code="bad-site")
    if target.resolve() == root.resolve():
        raise OptionError(
            f"{target}: holds the runs themselves",
            code="bad-site",
            hint="name a folder inside it, or elsewhere",
        )
    if (root / REPORT).is_file():
        raise OptionError(
            f"{root}: is a run itself", code="no-runs", hint="name the folder above it"
        )
    found = run_records(root, target)
    for name, why in found.skipped.items():
        line = f"warning: {root / name} is no run ({why}), and left out"
        out.print(line, style="yellow", markup=False, soft_wrap=True)
    for run in found.runs:
        if run.unread:
            names, known = ", ".join(run.unread), ", ".join(RECORDED)
            line = (
                f"warning: {root / run.path / RECORD}: {names} not read ({known} are)"
            )
            out.print(line, style="yellow", markup=False, soft_wrap=True)
    if not found.runs:
        raise OptionError(
            f"{root}: holds no run",
            code="no-runs",
            hint="a run is a folder with report.json in it",
        )
    write_site(found, root, target)
    out.print(f"{counted(found.runs)}: {target / 'index.html'}", soft_wrap=True)
    return ExitCode.JUDGED
