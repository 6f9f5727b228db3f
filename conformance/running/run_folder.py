"""The folder that a run writes to, from its first byte to its last report.

What a run writes lies aside, in `.unfinished`, until it is whole; then it takes the
place of the run before. So a run that could not start, or was killed, spoils nothing,
and two runs never write into one another.
"""

import gzip
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from aios_conformance.conformance.observing.recording import FILE_NAME, whole_lines
from aios_conformance.conformance.options.values import AGAINST_DIR, OptionError

ASIDE = ".unfinished"
KEPT_NAME = "before.jsonl"
LATEST = "latest"
EARLIER = "earlier"
KEPT = 10
"""So many runs before the last one are kept beside `latest`."""
_COMPARISON = ("parity.json", "parity.md", "parity.html")
PACKED_FROM = 8 * 1024 * 1024
"""A recording of more bytes is packed."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run writes while it goes on, and where its reports are then found."""

    directory: Path

    @property
    def aside(self) -> Path:
        """Where it writes meanwhile."""
        return self.directory / ASIDE

    @property
    def kept(self) -> Path:
        """What was recorded before the run was cut short; only of one that goes on."""
        return self.aside / KEPT_NAME

    def keep(self) -> None:
        """Put what a killed run has recorded behind what was kept of it before."""
        recorded = self.aside / FILE_NAME
        if not recorded.is_file():
            return
        with recorded.open("rb") as file:
            lines = [*whole_lines(file)]
        if lines:
            with self.kept.open("ab") as kept:
                kept.writelines(lines)
        recorded.unlink()

    @property
    def has_report(self) -> bool:
        """An earlier run has left its report."""
        return (self.directory / "report.json").is_file()

    def publish(self) -> None:
        """Put what lies aside in the place of the run before."""
        is_new = not self.kept.is_file()
        self.kept.unlink(missing_ok=True)
        if self.directory.name == LATEST and self.has_report and is_new:
            self._keep_earlier()
        _pack(self.aside / FILE_NAME)
        for stale in (FILE_NAME, f"{FILE_NAME}.gz", *_COMPARISON):
            (self.directory / stale).unlink(missing_ok=True)
        for path in self.aside.iterdir():
            path.replace(self.directory / path.name)
        self.aside.rmdir()

    def _keep_earlier(self) -> None:
        try:
            report = orjson.loads((self.directory / "report.json").read_bytes())
            began = datetime.fromisoformat(report["started"])  # and no path
        except (OSError, KeyError, TypeError, ValueError):
            return
        shelf = self.directory.parent / EARLIER
        kept = shelf / began.strftime("%Y-%m-%dT%H-%M-%SZ")
        for path in (
            *self.directory.iterdir(),
            *self.directory.glob(f"{AGAINST_DIR}/*"),
        ):
            if path.is_file() and not path.name.startswith("."):
                target = kept / path.relative_to(self.directory)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        for old in sorted(p for p in shelf.iterdir() if p.is_dir())[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def run_folder(directory: Path, *, resume: bool = False) -> Iterator[RunFolder]:
    """The folder of a run, which has it to itself.

    `resume`: what a killed run has left there is kept.

    Raises:
        OptionError: another run writes there, or nobody can.

    """
    folder = RunFolder(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = _locked(directory)
        if not resume:
            shutil.rmtree(folder.aside, ignore_errors=True)
        folder.aside.mkdir(exist_ok=True)
        folder.keep()
    except BlockingIOError:
        raise OptionError(
            f"--report-dir: another run writes to {directory}",
            code="report-dir-in-use",
            hint="name another folder, or wait until that run has ended",
        ) from None
    except (OSError, ValueError) as error:
        raise unwritable(directory, error) from error
    try:
        yield folder
    except OSError as error:
        raise unwritable(directory, error) from error
    finally:
        with suppress(OSError):
            folder.aside.rmdir()  # unless something is in it
        if lock is not None:
            os.close(lock)


def unwritable(directory: Path, error: Exception) -> OptionError:
    """What a folder is told to be that cannot be written to, or no longer."""
    return OptionError(
        f"--report-dir: cannot write to {directory}: {error}",
        code="bad-report-dir",
        hint="name a folder that can be written to",
    )


def _locked(directory: Path) -> int | None:
    """A lock on a folder that ends with its holder, however that ends.

    Raises:
        BlockingIOError: another process holds it.

    """
    try:
        import fcntl  # noqa: PLC0415  not everywhere
    except ImportError:
        return None
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _pack(recording: Path) -> None:
    if not recording.is_file() or recording.stat().st_size < PACKED_FROM:
        return
    packed = recording.with_name(f"{FILE_NAME}.gz")
    with recording.open("rb") as plain, gzip.open(packed, "wb", 6) as target:
        shutil.copyfileobj(plain, target, 1 << 20)
    recording.unlink()
