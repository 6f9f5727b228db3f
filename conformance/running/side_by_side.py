"""Two targets are asked the same, scenario by scenario at the same time.

So time and load weigh on both alike. Each has its own connection, limits, models and
recording, and is judged as in a run of its own; nothing more is sent than that sends.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import count

from aios_conformance.conformance.observing.answer_cache import Shared
from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.earlier import Earlier
from aios_conformance.conformance.observing.recorder import concurrently, in_groups
from aios_conformance.conformance.observing.servers import (
    serving,
    with_own_key,
    within_claims,
)
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import RunOptions, TargetError
from aios_conformance.conformance.running.run import (
    JoinedListener,
    Outcomes,
    closed,
    guarded,
)
from aios_conformance.conformance.running.signals import interruptible
from aios_conformance.conformance.running.stages import (
    Run,
    begin,
    connect,
    explain,
    search,
    settle,
    take_notes,
)
from aios_conformance.conformance.terms.events import Listener
from aios_conformance.conformance.terms.scenario import Scenario


async def run_side_by_side(
    options: Sequence[RunOptions],
    listener: Listener,
    selection: Collection[str] | None = None,
    earlier: Sequence[Earlier | None] = (),  # noqa: ARG001  nothing is gone on with
) -> Outcomes:
    """Record two targets beside each other, and judge each.

    `options` are those of both; what only one of them does not claim is asked of
    neither, so that the requests are the same.

    Raises:
        OptionError: a bad option.
        SuiteError: our own fault, found before anything was sent.

    """
    own = [within_claims(with_own_key(each)) for each in options]
    without = tuple(dict.fromkeys(name for each in own for name in each.without))
    own = [replace(each, without=without) for each in own]
    told = JoinedListener(listener)
    ledgers = [Budget(each.max_requests, each.max_tokens) for each in own]
    runs = [
        begin(each, selection, told, Shared(ledger))
        for each, ledger in zip(own, ledgers, strict=True)
    ]
    told.plan([each.plan for each in runs])

    async def record(transports: Sequence[Transport]) -> None:
        await _record(runs, transports, told)

    error, cut_short = await guarded(
        _opened(own, listener, told), record, own[0].max_time_s
    )
    ended = closed(runs, cut_short, listener)
    sent = sum(ledger.spent.requests for ledger in ledgers)
    return Outcomes(ended, error, sent, sent)


@asynccontextmanager
async def _opened(
    options: Sequence[RunOptions], listener: Listener, told: Listener
) -> AsyncIterator[list[Transport]]:
    """The ways to both targets."""
    async with AsyncExitStack() as held:
        ways = []
        for each in options:
            url = await held.enter_async_context(
                serving(each, listener, [each.dialect])
            )
            way = Transport(each, url, listener=told)
            ways.append(await held.enter_async_context(way))
        yield ways


async def _record(
    runs: list[Run], transports: Sequence[Transport], told: JoinedListener
) -> None:
    """Send everything. `runs` holds at any time how far each of them has come."""
    runs[:] = [connect(run, way) for run, way in zip(runs, transports, strict=True)]
    for i, flag in enumerate(("--target", "--against")):
        try:
            runs[i] = await search(runs[i], {}, runs[0].facts.models if i else None)
        except TargetError as error:
            raise _named(error, flag) from error
        if failed := runs[i].error:
            if isinstance(failed, TargetError):
                failed = _named(failed, flag)
            raise failed
    runs[:] = [settle(run, ()) for run in runs]
    told.planned = told.done + sum(run.plan.summary.requests for run in runs)
    await _play(runs)
    for i, (run, way) in enumerate(zip(runs, transports, strict=True)):
        with interruptible():
            runs[i] = take_notes(run, way)
    await concurrently(explain(run) for run in runs)


def _named(error: TargetError, flag: str) -> TargetError:
    """The same error; of the other target it says so."""
    if flag == "--target":
        return error
    hint = error.hint.replace("--model", "--against-model")
    hint = hint.replace("--api-key-env", "--against-api-key-env")
    return TargetError(f"{flag}: {error}", code=error.code, hint=hint)


async def _play(runs: Sequence[Run]) -> None:
    """Play each scenario on both sides at once; who begins changes each time."""
    scenarios: dict[tuple[str, int], Scenario] = {}
    for run in runs:
        scenarios = {s.name: s for s in run.plan.scenarios} | scenarios
    ordered = [s for s in scenarios.values() if not s.is_last]
    ordered += [s for s in scenarios.values() if s.is_last]
    own = [{s.name: s for s in run.plan.scenarios} for run in runs]
    turns = count()

    async def play_one(run: Run, scenario: Scenario) -> None:
        assert run.recorder is not None  # noqa: S101 - it is connected
        place = run.first + run.plan.positions[scenario.name]
        await run.recorder.play_one(scenario, run.facts, f"ex-{place}")

    async def play_both(scenario: Scenario) -> None:
        both = [
            play_one(run, mine[scenario.name])
            for run, mine in zip(runs, own, strict=True)
            if scenario.name in mine
        ]
        await concurrently(reversed(both) if next(turns) % 2 else both)

    await in_groups(ordered, play_both, runs[0].options.concurrency)
