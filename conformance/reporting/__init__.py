"""Reports: pure functions from a result to text, and the one place that writes them.

Each file is replaced as a whole, so that a reader never sees half a report, and a
run that broke off leaves all of them.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.reporting import (
    badge,
    html_page,
    json_report,
    junit,
    markdown,
)
from aios_conformance.conformance.terms.result import RunResult

WRITERS: Mapping[str, Callable[[RunResult], str]] = {
    "report.json": json_report.render,
    "junit.xml": junit.render,
    "report.md": markdown.render,
    "badge.json": badge.render_json,
    "badge.svg": badge.render_svg,
    "report.html": html_page.render,
}


def write_reports(result: RunResult, directory: Path) -> None:
    """Write every report into a directory, which is made if need be.

    Raises OptionError when the directory cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, render in WRITERS.items():
            write_atomically(directory / name, render(result))
    except OSError as error:
        raise OptionError(
            f"--report-dir {directory}: cannot write the reports ({error.strerror})",
            code="report-dir",
        ) from error


def link(path: str) -> str:
    """The relative address of a file, for a page; its name may be any bytes."""
    return quote(os.fsencode(path))


def write_atomically(path: Path, text: str) -> None:
    """Replace a file as a whole."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(
            handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
        ) as stream:
            stream.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
