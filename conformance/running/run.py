"""A target is recorded once, and judged under one dialect or several.

The runs of the dialects take turns at each stage: all search for models, all play what
they have planned or reuse, then what is to come last of all, then what is to be
explained. They share one connection, one set of limits, and every answer.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeVar

from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.observing.answer_cache import Shared
from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.earlier import Earlier
from aios_conformance.conformance.observing.servers import (
    serving,
    with_own_key,
    within_claims,
)
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import (
    ConformanceError,
    ExitCode,
    RunOptions,
)
from aios_conformance.conformance.planning.cross_contract import is_reused
from aios_conformance.conformance.planning.plan import Plan, jointly
from aios_conformance.conformance.running.signals import interruptible
from aios_conformance.conformance.running.stages import (
    Run,
    begin,
    close,
    connect,
    explain,
    last_call,
    play,
    search,
    settle,
    take_notes,
)
from aios_conformance.conformance.terms.events import (
    ExchangeDone,
    Listener,
    PlanMade,
    RunEvent,
    RunJudged,
)
from aios_conformance.conformance.terms.result import RunResult

INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class RunOutcome:
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


@dataclass(frozen=True)
class Outcomes:
    """What the runs came to, in the order of the dialects."""

    runs: Sequence[RunOutcome]
    error: Exception | None = None  # that ended all of them
    requests: int = 0  # that were sent
    apart: int = 0  # that as many runs, one after the other, would have sent


async def run(
    options: RunOptions,
    listener: Listener,
    selection: Collection[str] | None = None,
) -> RunResult:
    """Judge a target under one dialect; see `run_dialects`.

    Raises:
        OptionError: a bad option.
        TargetError: the target cannot be reached, or serves no usable model.
        SuiteError: our own fault.

    """
    outcomes = await run_dialects([options], listener, selection)
    (only,) = outcomes.runs
    if error := outcomes.error or only.error:
        raise error
    return only.result


async def run_dialects(
    options: Sequence[RunOptions],
    listener: Listener,
    selection: Collection[str] | None = None,
    earlier: Sequence[Earlier | None] = (),
) -> Outcomes:
    """Record a target once, and judge it under each dialect.

    `options` differ in dialect and report folder only. `selection`: ids of the rows
    to exercise, None for all. `earlier`: what each run was answered before it was cut
    short, if it goes on. What was recorded is judged even if the task is
    cancelled or fails: the results then say so.

    Raises:
        OptionError: a bad option.
        SuiteError: our own fault, found before anything was sent.

    """
    told = JoinedListener(listener)
    shared = Shared(Budget(options[0].max_requests, options[0].max_tokens))
    options = completed(options)
    runs = [
        begin(each, selection, told, shared, before)
        for each, before in zip_longest(options, earlier)
    ]
    told.plan([each.plan for each in runs])

    async def record(transport: Transport) -> None:
        await _record(runs, transport, told)

    error, cut_short = await guarded(
        _opened(options, listener, told), record, options[0].max_time_s
    )
    ended = closed(runs, cut_short, listener)
    asked = (e for each in runs for e in each.exchanges if not is_reused(e.probe))
    apart = sum(exchange.attempts for exchange in asked)
    return Outcomes(ended, error, shared.ledger.spent.requests, apart)


T = TypeVar("T")


@asynccontextmanager
async def _opened(
    options: Sequence[RunOptions], listener: Listener, told: Listener
) -> AsyncIterator[Transport]:
    """The way to the target of several dialects."""
    async with (
        serving(options[0], listener, [each.dialect for each in options]) as url,
        Transport(options[0], url, listener=told) as transport,
    ):
        yield transport


async def guarded(
    opened: AbstractAsyncContextManager[T],
    record: Callable[[T], Awaitable[None]],
    max_time_s: float,
) -> tuple[Exception | None, str | None]:
    """Record, whatever happens: what ended it, and why it was cut short."""
    clock: asyncio.Timeout | None = None
    try:
        async with opened as way:
            async with asyncio.timeout(max_time_s) as clock:
                await record(way)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # what was recorded is still judged, in peace
        return None, INTERRUPTED
    except Exception as caught:  # noqa: BLE001  handed to the caller with the results
        if clock is not None and clock.expired():
            return None, f"--max-time {max_time_s:g}"
        return caught, str(caught)
    return None, None


def closed(
    runs: Sequence[Run], cut_short: str | None, listener: Listener
) -> list[RunOutcome]:
    """Judge what runs have recorded; no recording stays open, whatever happens."""
    ended, until = [], last_call()
    with ExitStack() as held:
        for each in runs:
            held.callback(each.writer.close)
        for each in runs:
            with interruptible():
                whole = replace(each, cut_short=cut_short or each.cut_short)
                result = close(whole, until)
            listener(RunJudged(result))
            ended.append(RunOutcome(result, each.error))
    return ended


@dataclass
class JoinedListener:
    """Tells a listener of all runs as if they were one."""

    listener: Listener
    done: int = 0
    planned: int = 0

    def __call__(self, event: RunEvent) -> None:
        """Count exchanges over all runs, and pass everything on."""
        if isinstance(event, ExchangeDone):
            self.done += 1
            event = replace(event, done=self.done, planned=self.planned)
        self.listener(event)

    def plan(self, plans: Sequence[Plan]) -> None:
        """Tell what is going to be sent, at most."""
        summary = jointly(plans)
        self.planned = summary.requests
        self.listener(PlanMade(summary))


async def _record(runs: list[Run], transport: Transport, told: JoinedListener) -> None:
    """Send everything. `runs` holds at any time how far each of them has come."""
    runs[:] = [connect(each, transport) for each in runs]
    models: dict[str, str] = {}
    for i, each in enumerate(runs):
        runs[i] = await search(each, models)
    own = {i: each.plan for i, each in _going(runs)}
    for i, each in _going(runs):
        runs[i] = settle(each, [plan for j, plan in own.items() if j != i])
    sent = (each.plan.summary.requests for _, each in _going(runs))
    told.planned = told.done + sum(sent)
    for is_last in (False, True):
        for _, each in _going(runs):
            await play(each, is_last=is_last)
    for i, each in _going(runs):
        with interruptible():
            runs[i] = take_notes(each, transport)
        await explain(runs[i])


def _going(runs: Sequence[Run]) -> Iterator[tuple[int, Run]]:
    """The runs that take part, each with its place."""
    return ((i, each) for i, each in enumerate(runs) if each.error is None)


def completed(options: Sequence[RunOptions]) -> list[RunOptions]:
    """Options of runs that need the same key, and ask a bundled server what it claims.

    The first dialect that demands a key has one made up for all.
    """
    keys = (with_own_key(each).api_key for each in options)
    key = next((key for key in keys if key), None)
    return [within_claims(replace(each, api_key=key)) for each in options]
