"""A run from its options to its result.

options → plan → discovery → recorder → recording → judgement → verdicts → result
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from aios_conformance.conformance.judging.judge import Judgement, judge
from aios_conformance.conformance.judging.judged_recording import JudgedRecording
from aios_conformance.conformance.judging.reasons import is_judged
from aios_conformance.conformance.judging.verdict import (
    claim,
    exit_code,
    stale_waivers,
    verdicts,
)
from aios_conformance.conformance.observing.answer_cache import AnswerCache, Shared
from aios_conformance.conformance.observing.recorder import Recorder
from aios_conformance.conformance.observing.recording import (
    Recording,
    RecordingWriter,
    Setting,
    read_recording,
)
from aios_conformance.conformance.observing.servers import (
    serving,
    with_own_key,
    within_claims,
)
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import (
    OptionError,
    RunOptions,
    SuiteError,
)
from aios_conformance.conformance.planning.plan import Plan, assemble, drawn, plan
from aios_conformance.conformance.planning.plan_cache import Drawn, suite_version
from aios_conformance.conformance.reporting.timing import timing
from aios_conformance.conformance.running.discovery import LISTING, Discovery, discover
from aios_conformance.conformance.running.discovery import PROBE as DISCOVERY
from aios_conformance.conformance.running.explain import Explainer
from aios_conformance.conformance.terms.catalogue import Catalogue, catalogue
from aios_conformance.conformance.terms.cost import Budget
from aios_conformance.conformance.terms.events import (
    Discovered,
    ExchangeDone,
    Judged,
    Listener,
    PlanMade,
    RunEvent,
)
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.conformance.terms.probe import Served
from aios_conformance.conformance.terms.result import RunResult, Usage
from aios_conformance.conformance.terms.scenario import Scenario

__all__ = ["conclude", "exit_code", "judge_recording", "plan", "run"]

INTERRUPTED = "interrupted"


async def run(
    options: RunOptions,
    listener: Listener,
    selection: Collection[str] | None = None,
) -> RunResult:
    """Judge a target. `selection`: ids of the rows to exercise, None for all.

    What was recorded is judged even if the run is cancelled or fails; the result
    then says so, and goes to the listener (`Judged`) before an error is raised.

    Raises:
        OptionError: a bad option.
        TargetError: the target cannot be reached, or serves no usable model.
        SuiteError: our own fault.

    """
    options = within_claims(with_own_key(options))
    chosen = None if selection is None else frozenset(selection)
    _verify_ids(options, chosen)
    parameters = drawn(options)
    planned = assemble(options, parameters, selection=chosen)
    going = Run(options, chosen, listener)
    listener(PlanMade(planned.summary))
    try:
        async with (
            serving(options, listener) as url,
            Transport(options, url) as transport,
        ):
            await going.record(transport, planned, parameters)
    except asyncio.CancelledError:
        going.cut_short = INTERRUPTED
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # what was recorded is still judged, in peace
    except Exception as error:
        going.cut_short = str(error)
        listener(Judged(going.result()))
        raise
    result = going.result()
    listener(Judged(result))
    return result


class Run:
    """The state of a run while it goes on."""

    def __init__(
        self,
        options: RunOptions,
        chosen: frozenset[str] | None,
        listener: Listener,
        shared: Shared | None = None,
    ) -> None:
        """`chosen`: ids of the rows to exercise; `shared`: with other dialects."""
        self.cut_short: str | None = None
        self.plan: Plan | None = None
        self._options = options
        self._chosen = chosen
        self._listener = listener
        self._writer = RecordingWriter(options.report_dir)
        self._began = monotonic()
        self._started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._setting = self._set(options.target)
        self._found = Discovery(Facts(options.dialect))
        self._discovery_requests = 0
        common = shared or Shared(Budget(options.max_requests, options.max_tokens))
        self._ledger = Budget(beyond=common.ledger)
        self._recall = AnswerCache(common.answers)
        self._recorder: Recorder | None = None
        self._first = 1  # number of the first exchange after discovery
        self._explainer: Explainer | None = None
        self._main: Judgement | None = None  # once all of the plan was played

    @property
    def facts(self) -> Facts:
        """What the search has found."""
        return self._found.facts

    @property
    def _playing(self) -> Recorder:
        if self._recorder is None:
            raise SuiteError("nothing is played before the search", code="order")
        return self._recorder

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """All that was asked, and asked again."""
        again = self._explainer.recorder.exchanges if self._explainer else ()
        return [*(self._recorder.exchanges if self._recorder else ()), *again]

    async def record(
        self, transport: Transport, planned: Plan, parameters: Drawn
    ) -> None:
        """Send everything: discovery, then the plan with the models it found."""
        found = await self.search(transport, parameters, planned.summary.requests)
        self.settle(found)
        await self.play(found.scenarios)
        await self.explain()

    async def search(
        self,
        transport: Transport,
        parameters: Drawn,
        expected: int,
        hints: Mapping[str, str] | None = None,
    ) -> Plan:
        """Find the models; the plan with them.

        `expected` are the requests of the plan, `hints` models that are known to be
        served, for where the options name none.
        """
        options = self._options
        if hints and not options.models:
            options = replace(options, models=hints)
        self._setting = self._set(transport.url)
        self._writer.header(self._setting)
        recorder = Recorder(
            transport,
            self._ledger,
            self._listen,
            options.dialect,
            expected,
            self._recall,
        )
        self._recorder = recorder
        try:
            self._found = await discover(recorder, options)
        finally:
            self._discovery_requests = self._ledger.spent.requests
        self._listener(Discovered(self._found.facts))
        return assemble(
            options,
            parameters,
            facts=self._found.facts,
            absent=self._found.absent,
            selection=self._chosen,
        )

    def settle(self, planned: Plan) -> None:
        """Write down what is going to be sent."""
        self.plan = planned
        recorder = self._playing
        self._first = len(recorder.exchanges) + 1
        recorder.planned = len(recorder.exchanges) + planned.summary.requests
        self._writer.plan(
            self._found.facts,
            self._found.absent,
            [scenario.planned for scenario in planned.scenarios],
            planned.dropped,
        )

    async def play(self, scenarios: Sequence[Scenario]) -> None:
        """Send some or all of the plan's scenarios."""
        positions = self.plan.positions if self.plan else {}

        def first_id(scenario: Scenario) -> str:
            return f"ex-{self._first + positions[scenario.name]}"

        await self._playing.play(
            scenarios, self._found.facts, first_id, self._options.concurrency
        )

    async def explain(self) -> None:
        """Send again what failed, and make it smaller."""
        planned = self.plan
        if planned is None:
            return
        options, facts = self._options, self._found.facts
        recording = self._recording()
        main = self._main = judge_main(planned.catalogue, recording)
        bench = JudgedRecording(planned.catalogue, recording, main)
        rows = [row.id for row in planned.catalogue.scored if is_judged(bench, row)]
        transport = self._playing.transport
        own = Recorder(
            transport,
            self._ledger,
            self._listen,
            options.dialect,
            recall=self._recall,
        )
        self._explainer = Explainer(planned, Served(facts), own, options)
        await self._explainer.explain(main, rows, recording.observations)

    def result(self) -> RunResult:
        """Judge what was recorded, and close the recording."""
        recording = self._recording()
        self._writer.header(self._setting)
        for phase, observations in recording.phases.items():
            for seen in observations:
                self._writer.observation(seen, phase)
        self._writer.footer(recording)
        return conclude(recording, self._main)

    def _recording(self) -> Recording:
        recorder, explainer = self._recorder, self._explainer
        spent = self._ledger.spent
        shrunk = explainer.shrink_requests if explainer else 0
        return Recording(
            self._setting,
            self._found.facts,
            self._found.absent,
            tuple(s.planned for s in self.plan.scenarios) if self.plan else (),
            self.plan.dropped if self.plan else {},
            tuple(recorder.exchanges) if recorder else (),
            self._in_plan_order(recorder.observations) if recorder else (),
            tuple(explainer.again) if explainer else (),
            tuple(explainer.smaller) if explainer else (),
            unsent=tuple(recorder.unsent) if recorder else (),
            slips=tuple(recorder.slips) if recorder else (),
            usage=Usage(
                spent.requests - shrunk,
                spent.prompt,
                spent.completion,
                shrunk,
                self._discovery_requests,
            ),
            duration_s=round(monotonic() - self._began, 3),
            cut_short=self.cut_short or (recorder.cut_short if recorder else None),
        )

    def _in_plan_order(
        self, observations: Sequence[Observation]
    ) -> tuple[Observation, ...]:
        """Observations as planned: two runs are judged in the same order."""
        positions = self.plan.positions if self.plan else {}

        def position(seen: Observation) -> int:
            return positions[seen.probe, seen.draw]

        return tuple(sorted(observations, key=position))

    def _listen(self, event: RunEvent) -> None:
        if isinstance(event, ExchangeDone):
            self._writer.exchange(event.exchange)
        self._listener(event)

    def _set(self, url: str) -> Setting:
        return Setting.of(
            self._options,
            url=url,
            started=self._started,
            suite=suite_version(),
            selection=self._chosen,
        )


def judge_recording(run_dir: Path) -> RunResult:
    """Judge the recording of a run again; nothing is sent.

    Raises:
        OptionError: no readable recording is there.

    """
    return conclude(read_recording(run_dir))


def conclude(recording: Recording, main: Judgement | None = None) -> RunResult:
    """The result of a recording: judged, with verdicts, claim and figures.

    `main` are the notes on what plan and discovery recorded, where they were taken
    before.
    """
    setting, facts = recording.setting, recording.facts
    known = catalogue(setting.dialect)
    exchanges = recording.in_order
    bench = JudgedRecording(
        known,
        recording,
        main or judge_main(known, recording),
        {
            (seen.probe, seen.draw): judge(
                known, tuple(seen.steps.values()), [seen], facts
            )
            for seen in recording.again
        },
        [
            judge(known, tuple(seen.steps.values()), [seen], facts)
            for seen in recording.smaller
        ],
    )
    results = verdicts(bench)
    later = [
        exchange
        for seen in (*recording.again, *recording.smaller)
        for exchange in seen.steps.values()
    ]
    named = (e.response.header("server") for e in exchanges if e.response)
    return RunResult(
        url=setting.url,
        dialect=setting.dialect,
        preset=setting.preset,
        seed=setting.seed,
        facts=facts,
        server=next((name for name in named if name), None),
        started=setting.started,
        duration_s=recording.duration_s,
        complete=recording.cut_short is None,
        claim=claim(bench, results),
        selection=setting.selection,
        requirements=results,
        excluded=[r for r in known.requirements.values() if r.excluded is not None],
        usage=recording.usage,
        timing=timing(exchanges),
        stale_waivers=stale_waivers(bench, results),
        exchanges=[*exchanges, *later],
        observations=list(recording.observations),
        cut_short=recording.cut_short,
    )


def judge_main(known: Catalogue, recording: Recording) -> Judgement:
    """Judge what the plan and discovery recorded.

    The listing of models is left out where the dialect does not document it: it
    was asked for our own convenience.
    """
    judged = [
        exchange
        for exchange in recording.in_order
        if exchange.request.operation != LISTING or exchange.probe != DISCOVERY
    ]
    return judge(known, judged, recording.observations, recording.facts)


def _verify_ids(options: RunOptions, chosen: frozenset[str] | None) -> None:
    """Raise OptionError for a waived or selected row that the dialect does not have."""
    known = catalogue(options.dialect).requirements
    for option, ids in (
        ("--waivers", [waiver.id for waiver in options.waivers]),
        ("selection", sorted(chosen or ())),
    ):
        for row in ids:
            if row not in known:
                raise OptionError(
                    f"{option}: unknown requirement {row!r}",
                    code="unknown-id",
                    hint="`aios-conformance list` prints them",
                )
