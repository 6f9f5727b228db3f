"""Runs as they lie in a folder: one folder a run, read and never changed.

A run is a folder that holds report.json. What server it judged is said by the folder's
name (`vllm-0.32.0`, or one above it), or by a file record.json beside the report:

    {"server": "vllm", "version": "0.32.0", "commit": "3f2a91c", "reproduce": "vllm …"}

Without either, runs belong together whose target has the same host.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from aios_conformance.conformance.options.values import AGAINST_DIR
from aios_conformance.conformance.terms.run_command import run_command
from aios_conformance.spec import read_plain

REPORT = "report.json"
RECORD = "record.json"
PAGES = ("report.html", "parity.html", "drift.html")
BEGUN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_NAMED = re.compile(r"(?P<name>[A-Za-z].*?)-v?(?P<version>\d\S*)")
_SHELVES = ("earlier", "latest")  # where runs of any server lie


@dataclass(frozen=True, slots=True)
class RowRecord:
    """The result of a requirement; what an older report does not say is empty."""

    id: str
    verdict: str
    level: str = "MUST"
    topic: str = ""
    statement: str = ""


@dataclass(frozen=True, slots=True)
class _Target:
    url: str = ""
    given: str = ""
    server: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Suite:
    version: str = ""
    requirements_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """What the history needs of a report.json."""

    requirements: Sequence[RowRecord]
    target: _Target
    started: str
    claim: str = "none"
    suite: _Suite = _Suite()
    dialect: str = "aios"
    preset: str = "standard"
    seed: int = 0
    complete: bool = True
    cut_short: str | None = None
    selection: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class _Record:
    """What a vendor says of a run."""

    server: str = ""
    version: str = ""
    commit: str = ""
    reproduce: str = ""


RECORDED = tuple(each.name for each in fields(_Record))


@dataclass(frozen=True)
class RunRecord:
    """A run: its report, what it judged, and which pages it has."""

    path: str  # of its folder, below the folder of all runs
    report: ReportFile
    server: str
    version: str = ""
    commit: str = ""
    reproduce: str = ""
    pages: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()  # members of its record.json that mean nothing
    rows: Mapping[str, RowRecord] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The version, the commit, or the day."""
        words = filter(None, (self.version, self.commit[:12]))
        return " ".join(words) or self.report.started[:16].replace("T", " ")


@dataclass(frozen=True, slots=True)
class FoundRuns:
    """The runs of a folder, and what is none, each with the reason."""

    runs: Sequence[RunRecord]
    skipped: Mapping[str, str]


def run_records(root: Path, leave: Path | None = None) -> FoundRuns:
    """The runs below a folder; `leave` is a folder that is not looked into."""
    runs: list[RunRecord] = []
    skipped: dict[str, str] = {}
    for top in sorted(root.iterdir()):
        if top.name.startswith(".") or (leave and top.resolve() == leave.resolve()):
            continue
        folders = list(_folders(top)) if top.is_dir() else []
        if not folders:
            skipped[top.name] = f"no {REPORT} in it" if top.is_dir() else "no folder"
        for folder in folders:
            name = folder.relative_to(root).as_posix()
            try:
                runs.append(_run(root, folder))
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                reason = " ".join(str(error).split())
                skipped[name] = f"its {REPORT} cannot be read: {reason}"
    return FoundRuns(
        sorted(runs, key=lambda run: (run.report.started, run.path)), skipped
    )


def _folders(top: Path) -> Iterator[Path]:
    """The folders of runs at and below a folder."""
    for folder, below, files in os.walk(top):
        below[:] = sorted(name for name in below if not name.startswith("."))
        if REPORT in files:
            yield Path(folder)


def _run(root: Path, folder: Path) -> RunRecord:
    report = msgspec.json.decode(read_plain(folder / REPORT), type=ReportFile)
    if not BEGUN.match(report.started):
        raise ValueError(f"it began at {report.started!r}, which is no time")
    path = folder.relative_to(root).as_posix()
    said, unread = _said(folder)
    name, version = _named(path.split("/"), report)
    return RunRecord(
        path,
        report,
        said.server or name,
        said.version or version,
        said.commit,
        said.reproduce or _reproduce(report),
        tuple(page for page in PAGES if (folder / page).is_file()),
        unread,
        {row.id: row for row in report.requirements},
    )


def _said(folder: Path) -> tuple[_Record, tuple[str, ...]]:
    """What record.json says, and its other members; nothing where there is none.

    Raises msgspec's error when it is not what it must be.
    """
    path = folder / RECORD
    if not path.is_file():
        return _Record(), ()
    try:
        said = msgspec.json.decode(read_plain(path), type=dict[str, Any])
        other = (name for name in said if name not in RECORDED)
        return msgspec.convert(said, type=_Record), tuple(other)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{RECORD} beside it is wrong: {error}") from error


def _named(parts: Sequence[str], report: ReportFile) -> tuple[str, str]:
    """Server and version by the folders' names, the innermost first; or the host.

    The second target of a comparison is another server than its folder says.
    """
    for part in reversed(() if parts[-1] == AGAINST_DIR else parts):
        if found := _NAMED.fullmatch(part):
            return found["name"], found["version"]
    if len(parts) > 1 and parts[0] not in _SHELVES and parts[-1] != AGAINST_DIR:
        return parts[0], ""
    place = urlsplit(report.target.url)
    host = place.hostname or report.target.url
    is_own = host in ("localhost", "127.0.0.1", "::1")  # where ports mean nothing
    return (host if is_own else place.netloc) or "unknown", ""


def _reproduce(report: ReportFile) -> str:
    """The command that asks the same."""
    target = report.target
    return run_command(
        target.given or target.url,
        dialect=report.dialect,
        preset=report.preset,
        seed=report.seed,
        models=target.models.items(),
    )
