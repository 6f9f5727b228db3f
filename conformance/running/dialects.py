"""One recording of a target, judged under every dialect whose paths answer.

Each dialect has a run of its own, with its plan, its reports and its share of the
requests. The runs take turns: all search for models, all play what they have planned
or borrowed, then what is to come last of all, then what is to be explained. They share
one connection, one set of limits, and every answer.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aios_conformance.conformance.observing.answer_cache import Shared
from aios_conformance.conformance.observing.servers import serving
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import (
    ConformanceError,
    RunOptions,
    TargetError,
)
from aios_conformance.conformance.planning.cross_contract import is_lent, with_lent
from aios_conformance.conformance.planning.plan import Plan, assemble, drawn, summarised
from aios_conformance.conformance.planning.plan_cache import Drawn
from aios_conformance.conformance.reporting import write_reports
from aios_conformance.conformance.running.discovery import operation_of
from aios_conformance.conformance.running.run import INTERRUPTED, Run
from aios_conformance.conformance.running.session import Conducted
from aios_conformance.conformance.terms.cost import Budget, Cost
from aios_conformance.conformance.terms.events import (
    ExchangeDone,
    Listener,
    PlanMade,
    RunEvent,
)
from aios_conformance.conformance.terms.probe import Step
from aios_conformance.conformance.terms.requests import content_key
from aios_conformance.conformance.terms.result import PlanSummary
from aios_conformance.conformance.terms.scenario import Scenario

UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Together:
    """What the runs came to, in the order of the dialects."""

    ended: Sequence[Conducted]
    requests: int  # that were sent
    apart: int  # that as many runs, one after the other, would have sent


@dataclass
class _Dialect:
    """A dialect and its run. With an error it takes no further part."""

    options: RunOptions
    parameters: Drawn
    planned: Plan
    run: Run
    error: ConformanceError | None = None


@dataclass
class _Told:
    """Tells a listener of all runs as if they were one."""

    listener: Listener
    done: int = 0
    planned: int = 0

    def __call__(self, event: RunEvent) -> None:
        """Count exchanges over all runs, and pass everything on."""
        if isinstance(event, ExchangeDone):
            self.done += 1
            event = ExchangeDone(event.exchange, self.done, self.planned)
        self.listener(event)


def conduct_together(
    options: Sequence[RunOptions], listener: Listener, more: Sequence[str] = ()
) -> Together:
    """Record once, judge under each dialect, and write the reports of each.

    `options` differ in dialect and report folder only; `more` are further arguments
    for a bundled server.

    Raises:
        OptionError: a bad option.
        TargetError: the target cannot be reached.

    """
    return asyncio.run(run_together(options, listener, more))


async def run_together(
    options: Sequence[RunOptions], listener: Listener, more: Sequence[str] = ()
) -> Together:
    """What `conduct_together` does, as a task that can be cancelled.

    What was recorded until then is judged and reported.
    """
    told = _Told(listener)
    ledger = Budget(options[0].max_requests, options[0].max_tokens)
    shared = Shared(ledger)
    dialects = [_dialect(each, told, shared) for each in options]
    failure: Exception | None = None
    try:
        async with (
            serving(options[0], listener, more) as url,
            Transport(options[0], url) as transport,
        ):
            await _record(dialects, transport, told)
    except asyncio.CancelledError:
        for each in dialects:
            each.run.cut_short = INTERRUPTED
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # what was recorded is still judged, in peace
    except Exception as error:  # noqa: BLE001  raised again once all is written
        failure = error
        for each in dialects:
            each.run.cut_short = str(error)
    ended = []
    for each in dialects:
        result = each.run.result()
        write_reports(result, each.options.report_dir)
        ended.append(Conducted(result, each.error))
    if failure is not None:
        raise failure
    asked = (e for d in dialects for e in d.run.exchanges if not is_lent(e.probe))
    return Together(ended, ledger.spent.requests, sum(e.attempts for e in asked))


def _dialect(options: RunOptions, listener: Listener, shared: Shared) -> _Dialect:
    parameters = drawn(options)
    planned = assemble(options, parameters)
    return _Dialect(options, parameters, planned, Run(options, None, listener, shared))


async def _record(
    dialects: Sequence[_Dialect], transport: Transport, told: _Told
) -> None:
    """Send everything."""
    await _search(dialects, transport)
    there = [each for each in dialects if each.error is None]
    plans = {each.options.dialect: each.planned for each in there}
    told.listener(PlanMade(jointly(plans.values())))
    for each in there:
        others = [plan for name, plan in plans.items() if name != each.options.dialect]
        each.planned = with_lent(
            each.planned, others, each.run.facts, each.options.without
        )
        each.run.settle(each.planned)
        told.planned += each.planned.summary.requests
    for is_last in (False, True):
        for each in there:
            scenarios = [s for s in each.planned.scenarios if s.is_last == is_last]
            await each.run.play(scenarios)
    for each in there:
        await each.run.explain()


async def _search(dialects: Sequence[_Dialect], transport: Transport) -> None:
    """Find the models. What one dialect has found on a path is tried first by others.

    Raises TargetError for a target that does not answer.
    """
    found: dict[str, str] = {}
    for each in dialects:
        operation = operation_of(each.options.dialect)
        expected = each.planned.summary.requests
        hints = {"embeddings": found[operation]} if operation in found else {}
        try:
            each.planned = await each.run.search(
                transport, each.parameters, expected, hints
            )
        except ConformanceError as error:
            each.error = error
            each.run.cut_short = str(error)
            if isinstance(error, TargetError) and error.code == UNREACHABLE:
                raise
            continue
        if name := each.run.facts.models.get("embeddings"):
            found.setdefault(operation, name)


def jointly(plans: Iterable[Plan]) -> PlanSummary:
    """What plans send at most when they are recorded together."""
    return summarised(_jointly(plans))


def _jointly(plans: Iterable[Plan]) -> Iterator[tuple[Scenario, Step, Cost]]:
    seen: set[tuple[bytes, int]] = set()
    for plan in plans:
        times: Counter[bytes] = Counter()
        for scenario, step, cost in plan.sent():
            key = content_key(step)
            times[key] += 1
            if (key, times[key]) not in seen:
                seen.add((key, times[key]))
                yield scenario, step, cost
