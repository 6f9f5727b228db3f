"""A run from its options to its reports, whatever happens in between.

Both front ends conduct a run alike: it is recorded and judged, and every report is
written even when the run broke off. What broke it is kept for the exit code.
"""

import asyncio
import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.options.values import (
    ConformanceError,
    ExitCode,
    RunOptions,
)
from aios_conformance.conformance.reporting import write_reports
from aios_conformance.conformance.running.run import INTERRUPTED, run
from aios_conformance.conformance.terms.events import Judged, Listener, RunEvent
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.result import (
    RequirementResult,
    RunResult,
    Usage,
)
from aios_conformance.spec import Level, Requirement, requirements


@dataclass(frozen=True)
class Conducted:
    """What a run came to: a result that is always there, and why it ended early."""

    result: RunResult
    error: ConformanceError | None = None

    @property
    def is_interrupted(self) -> bool:
        """The user has ended the run."""
        return self.result.cut_short == INTERRUPTED

    def exit_code(self, fail_on: Collection[str]) -> int:
        """0 judged, 1 red, 2 cut short, 3 our own error, 4 unusable, 5 nothing."""
        if self.error is not None:
            return int(self.error.exit_code)
        if self.is_interrupted:
            return int(ExitCode.CUT_SHORT)
        return int(exit_code(self.result, fail_on))


def conduct(
    options: RunOptions, listener: Listener, selection: Iterable[str] | None = None
) -> Conducted:
    """Run, judge and report. `selection`: requirement ids, None for all.

    A ConformanceError and Ctrl-C are part of what is returned, never raised. Any
    other exception is a bug of ours: it is raised once the reports are written.
    """
    judged: list[RunResult] = []

    def listen(event: RunEvent) -> None:
        if isinstance(event, Judged):
            judged.append(event.result)
        listener(event)

    chosen = None if selection is None else sorted(selection)
    started, began = datetime.now(UTC), monotonic()
    error: Exception | None = None
    try:
        with rarely_collecting():
            judged.append(asyncio.run(run(options, listen, chosen)))
    except Exception as caught:  # noqa: BLE001  raised again, or told
        error = caught
    except KeyboardInterrupt:  # before or after the run, which has its own end
        pass
    if judged:
        result = judged[-1]
    else:
        why = str(error) if error else INTERRUPTED
        result = broken_off(options, why, started, monotonic() - began, chosen)
    write_reports(result, options.report_dir)
    if error is None or isinstance(error, ConformanceError):
        return Conducted(result, error)
    raise error


@contextmanager
def rarely_collecting() -> Iterator[None]:
    """Look for garbage less often: a run keeps nearly all that it makes.

    At the usual rate this takes a tenth of the time, and finds nothing.
    """
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def broken_off(
    options: RunOptions,
    why: str,
    started: datetime,
    duration_s: float,
    selection: Collection[str] | None,
) -> RunResult:
    """The truth about a run that ended before anything could be judged."""
    rows = requirements(options.dialect)
    return RunResult(
        url=options.target,
        dialect=options.dialect,
        preset=options.preset,
        seed=options.seed,
        facts=Facts(dialect=options.dialect),
        server=None,
        started=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        duration_s=round(duration_s, 3),
        complete=False,
        claim="none",
        selection=None if selection is None else list(selection),
        requirements=[_unjudged(row, why) for row in rows if row.excluded is None],
        excluded=[row for row in rows if row.excluded is not None],
        usage=Usage(),
        timing={},
        cut_short=why,
    )


def _unjudged(row: Requirement, why: str) -> RequirementResult:
    if row.level is Level.MAY:
        return RequirementResult(row, "info")
    return RequirementResult(row, "inconclusive", reason=f"the run ended early: {why}")
