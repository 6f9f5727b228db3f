"""Reports: pure functions from a result to text, and the one place that writes them.

They are replaced together and each as a whole, so that a reader never sees half a
report, nor those of two runs where a disk is full.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
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
    texts = ((name, render(result)) for name, render in WRITERS.items())
    write_report_dir(directory, texts)


def write_report_dir(directory: Path, texts: Iterable[tuple[str, str]]) -> None:
    """Replace files of the folder of reports. Raises OptionError if nobody can."""
    try:
        replace_files(directory, texts)
    except OSError as error:
        raise OptionError(
            f"--report-dir {directory}: cannot write the reports ({error.strerror})",
            code="report-dir",
        ) from error


def link(path: str) -> str:
    """The relative address of a file, for a page; its name may be any bytes."""
    return quote(os.fsencode(path))


def replace_files(directory: Path, texts: Iterable[tuple[str, str]]) -> None:
    """Replace files of a folder, which is made if need be: all of them, or none.

    Raises OSError, which names the folder.
    """
    aside: dict[Path, Path] = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in texts:
            handle, made = tempfile.mkstemp(dir=directory, prefix=f".{name}.")
            aside[Path(made)] = directory / name
            with os.fdopen(
                handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
            ) as stream:
                stream.write(text)
            Path(made).chmod(0o644)
        for written, path in aside.items():
            written.replace(path)
    except OSError as error:
        error.filename = error.filename or str(directory)
        raise
    finally:
        for written in aside:
            written.unlink(missing_ok=True)
