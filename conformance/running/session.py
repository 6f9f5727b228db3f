"""A run from its options to its reports, whatever happens in between.

It is recorded and judged, and every report is written even when the run broke off.
What broke it is kept for the exit code.
"""

import asyncio
import gc
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from aios_conformance.conformance.observing.earlier import Earlier
from aios_conformance.conformance.options.values import (
    ConformanceError,
    ExitCode,
    RunOptions,
)
from aios_conformance.conformance.reporting import write_reports
from aios_conformance.conformance.running.resuming import resumable
from aios_conformance.conformance.running.run import (
    INTERRUPTED,
    Outcomes,
    RunOutcome,
    completed,
    run_dialects,
)
from aios_conformance.conformance.running.run_folder import run_folder, unwritable
from aios_conformance.conformance.running.signals import stopped_by_signals, swept
from aios_conformance.conformance.terms.events import Listener
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.result import (
    NOT_SELECTED,
    RequirementResult,
    RunResult,
    Usage,
)
from aios_conformance.spec import Level, Requirement, requirements

Record = Callable[
    [
        Sequence[RunOptions],
        Listener,
        Collection[str] | None,
        Sequence[Earlier | None],
    ],
    Coroutine[Any, Any, Outcomes],
]


def run_and_report(
    options: RunOptions, listener: Listener, selection: Collection[str] | None = None
) -> RunOutcome:
    """Run, judge and report under one dialect; see `run_and_report_all`."""
    outcomes = run_and_report_all([options], listener, selection)
    (only,) = outcomes.runs
    error = outcomes.error if isinstance(outcomes.error, ConformanceError) else None
    return RunOutcome(only.result, error or only.error)


def run_and_report_all(
    options: Sequence[RunOptions],
    listener: Listener,
    selection: Collection[str] | None = None,
    *,
    record: Record | None = None,
    beside: Callable[[Outcomes, Path], None] = lambda _, __: None,
) -> Outcomes:
    """Record, judge, and write the reports of each run.

    `record` makes the runs of their options (default: of several dialects at once).
    `beside` writes what is to lie in the first folder, beside the reports, where
    nothing went wrong. `selection`: requirement ids, None for all. Those that have
    `resume` go on with what their folders hold. A ConformanceError and Ctrl-C are part
    of what is returned, never raised. Any other exception is a bug of ours: it is
    raised once the reports are written.
    """
    with ExitStack() as held:
        held.enter_context(stopped_by_signals())
        folders = [
            held.enter_context(run_folder(o.report_dir, resume=o.resume))
            for o in options
        ]
        earlier = [
            resumable(each, folder, selection) if each.resume else None
            for each, folder in zip(completed(options), folders, strict=True)
        ]
        aside = [
            replace(each, report_dir=folder.aside)
            for each, folder in zip(options, folders, strict=True)
        ]
        play = record or run_dialects
        outcomes = _ran(aside, listener, selection, earlier, play)
        for folder, run in zip(folders, outcomes.runs, strict=True):
            write_reports(run.result, folder.aside)
        if not (outcomes.error or any(run.error for run in outcomes.runs)):
            beside(outcomes, folders[0].aside)
        for folder, run in zip(folders, outcomes.runs, strict=True):
            if not (_never_started(run, outcomes.error) and folder.has_report):
                folder.publish()
    if outcomes.error is None or isinstance(outcomes.error, ConformanceError):
        return outcomes
    raise outcomes.error


def _ran(
    options: Sequence[RunOptions],
    listener: Listener,
    selection: Collection[str] | None,
    earlier: Sequence[Earlier | None],
    record: Record,
) -> Outcomes:
    started, began = datetime.now(UTC), monotonic()
    error: Exception | None = None
    try:
        with rarely_collecting():
            return asyncio.run(record(options, listener, selection, earlier))
    except Exception as caught:  # noqa: BLE001  raised again, or told
        error = caught
        if isinstance(caught, OSError) and caught.errno is not None:
            error = unwritable(options[0].report_dir, caught)
    except KeyboardInterrupt as caught:  # recording has its own end
        swept(caught)
    why = str(error) if error else INTERRUPTED
    took = monotonic() - began
    ended = [broken_off(each, why, started, took, selection) for each in options]
    return Outcomes([RunOutcome(each) for each in ended], error)


def _never_started(run: RunOutcome, error: Exception | None) -> bool:
    """Nothing was recorded that could be judged: the last good report stays."""
    ends = [end for end in (run.error, error) if isinstance(end, ConformanceError)]
    return any(end.exit_code == ExitCode.UNUSABLE for end in ends)


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
        selection=None if selection is None else sorted(selection),
        requirements=[
            _unjudged(row, why)
            if selection is None or row.id in selection
            else RequirementResult(row, "not_applicable", NOT_SELECTED)
            for row in rows
            if row.excluded is None
        ],
        excluded=[row for row in rows if row.excluded is not None],
        usage=Usage(),
        timing={},
        cut_short=why,
    )


def _unjudged(row: Requirement, why: str) -> RequirementResult:
    if row.level is Level.MAY:
        return RequirementResult(row, "info")
    return RequirementResult(row, "inconclusive", reason=f"the run ended early: {why}")
