"""The stages of a run under one dialect, each from one value of it to the next.

begin → connect → search → settle → play → take notes → explain → close

A run can be closed after any stage, and in the middle of one: what was recorded until
then is judged.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from aios_conformance.conformance.judging.judge import Judgement
from aios_conformance.conformance.judging.judged_recording import JudgedRecording
from aios_conformance.conformance.judging.reasons import is_judged
from aios_conformance.conformance.observing.answer_cache import AnswerCache, Shared
from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.observing.earlier import Earlier
from aios_conformance.conformance.observing.recorder import Recorder
from aios_conformance.conformance.observing.recording import (
    Recording,
    RecordingWriter,
)
from aios_conformance.conformance.observing.setting import Setting
from aios_conformance.conformance.observing.transport import Transport
from aios_conformance.conformance.options.values import (
    NARROWED,
    ConformanceError,
    OptionError,
    RunOptions,
    TargetError,
)
from aios_conformance.conformance.planning.cross_contract import with_reused
from aios_conformance.conformance.planning.plan import Plan, assemble, drawn
from aios_conformance.conformance.planning.plan_cache import Drawn
from aios_conformance.conformance.running.conclude import conclude, judge_main
from aios_conformance.conformance.running.discovery import (
    UNREACHABLE,
    Discovery,
    discover,
    operation_of,
)
from aios_conformance.conformance.running.explain import Explainer
from aios_conformance.conformance.running.resuming import gone_on_with, setting_of
from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.conformance.terms.events import (
    Discovered,
    ExchangeDone,
    Listener,
    RunEvent,
)
from aios_conformance.conformance.terms.exchange import (
    Api,
    Exchange,
    Facts,
    Observation,
)
from aios_conformance.conformance.terms.result import RunResult, Usage

JUDGING_S = 15.0
"""What judging may take beyond --max-time, or after the answers that came too late."""


@dataclass(frozen=True)
class Run:
    """How far the run of one dialect has come; each stage hands on the next value.

    Recorder and writer alone change while a stage lasts: what they hold when a run is
    broken off is what is judged.
    """

    options: RunOptions
    selection: frozenset[str] | None
    parameters: Drawn
    plan: Plan  # with placeholders for models until these are found
    setting: Setting
    began: float
    until: float  # when judging ends at the latest, by the monotonic clock
    writer: RecordingWriter
    listener: Listener
    ledger: Budget
    answers: AnswerCache
    earlier: Earlier | None = None  # what it was answered before it was cut short
    recorder: Recorder | None = None  # from the moment that there is a connection
    found: Discovery | None = None
    discovery_requests: int = 0
    first: int = 1  # number of the first exchange after discovery
    is_planned: bool = False  # nothing changes the plan any more
    main: Judgement | None = None  # of all that was played
    explainer: Explainer | None = None
    error: ConformanceError | None = None  # it takes no further part
    cut_short: str | None = None

    @property
    def facts(self) -> Facts:
        """What the search has found."""
        return self.found.facts if self.found else Facts(self.options.dialect)

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """All that was asked, and asked again."""
        again = self.explainer.recorder.exchanges if self.explainer else ()
        return [*(self.recorder.exchanges if self.recorder else ()), *again]

    def recording(self) -> Recording:
        """All that is known so far."""
        recorder, explainer, spent = self.recorder, self.explainer, self.ledger.spent
        shrunk = explainer.shrink_requests if explainer else 0
        plan = self.plan if self.is_planned else None
        searched = self.discovery_requests if self.found else spent.requests
        return Recording(
            self.setting,
            self.facts,
            self.found.absent if self.found else {},
            tuple(s.planned for s in plan.scenarios) if plan else (),
            plan.dropped if plan else {},
            tuple(recorder.exchanges) if recorder else (),
            self._in_plan_order(recorder.observations) if recorder else (),
            tuple(explainer.again) if explainer else (),
            tuple(explainer.smaller) if explainer else (),
            unsent=tuple(recorder.unsent) if recorder else (),
            slips=tuple(recorder.suite_faults) if recorder else (),
            usage=Usage(
                spent.requests - shrunk,
                spent.prompt,
                spent.completion,
                shrunk,
                searched,
            ),
            duration_s=round(monotonic() - self.began, 3),
            cut_short=self.cut_short or (recorder.cut_short if recorder else None),
            left_out=explainer.left_out if explainer else (),
        )

    def _in_plan_order(
        self, observations: Sequence[Observation]
    ) -> tuple[Observation, ...]:
        """Observations as planned: two runs are judged in the same order."""
        positions = self.plan.positions
        return tuple(sorted(observations, key=lambda o: positions[o.probe, o.draw]))


def begin(
    options: RunOptions,
    selection: Collection[str] | None,
    listener: Listener,
    shared: Shared,
    earlier: Earlier | None = None,
) -> Run:
    """A run before anything is sent, or one that goes on."""
    chosen = None if selection is None else frozenset(selection)
    _verify_ids(options, chosen)
    parameters = drawn(options)
    plan = assemble(options, parameters, selection=chosen)
    writer = RecordingWriter(options.report_dir)

    def heard(event: RunEvent) -> None:
        if isinstance(event, ExchangeDone):
            writer.exchange(event.exchange)
        listener(event)

    setting = gone_on_with(setting_of(options, chosen), earlier)
    return Run(
        options,
        chosen,
        parameters,
        plan,
        setting,
        monotonic() - (earlier.seconds if earlier else 0),
        math.inf,
        writer,
        heard,
        Budget(beyond=shared.ledger, narrowing=NARROWED[options.preset]),
        AnswerCache(shared.answers),
        earlier,
    )


def connect(run: Run, transport: Transport) -> Run:
    """The run with a recorder of its own; its time begins."""
    setting = replace(run.setting, url=transport.url)
    run.writer.header(setting)
    until = monotonic() + run.options.max_time_s + JUDGING_S
    recorder = _recorder(run, transport)
    return replace(run, setting=setting, recorder=recorder, until=until)


def _recorder(run: Run, transport: Transport) -> Recorder:
    return Recorder(
        transport,
        run.ledger,
        run.listener,
        run.options.dialect,
        run.answers,
        run.earlier,
    )


async def search(
    run: Run, models: dict[str, str], hints: Mapping[Api, str] | None = None
) -> Run:
    """The run with the models that it found, and a plan of requests to them.

    `models`, by operation, were found by other dialects and are tried first where no
    option names one; what is found is added. `hints` are tried before what is listed.

    Raises:
        TargetError: the target does not answer at all.

    """
    assert run.recorder is not None  # noqa: S101 - it is connected
    options, operation = run.options, operation_of(run.options.dialect)
    if operation in models and not options.models:
        options = replace(options, models={"embeddings": models[operation]})
    try:
        found = await discover(run.recorder, options, hints)
    except ConformanceError as error:
        if isinstance(error, TargetError) and error.code == UNREACHABLE:
            raise
        return replace(run, error=error, cut_short=str(error))
    run.listener(Discovered(found.facts))
    if name := found.facts.models.get("embeddings"):
        models.setdefault(operation, name)
    plan = assemble(
        options,
        run.parameters,
        facts=found.facts,
        absent=found.absent,
        selection=run.selection,
    )
    return replace(
        run,
        found=found,
        discovery_requests=run.ledger.spent.requests,
        plan=plan,
        first=len(run.recorder.exchanges) + 1,
    )


def settle(run: Run, others: Sequence[Plan]) -> Run:
    """The run with all that it will send, what it reuses of others included."""
    plan = run.plan
    if others:
        plan = with_reused(plan, others, run.facts, run.options.without)
    run.writer.plan(
        run.facts,
        run.found.absent if run.found else {},
        [scenario.planned for scenario in plan.scenarios],
        plan.dropped,
    )
    return replace(run, plan=plan, is_planned=True)


async def play(run: Run, *, is_last: bool) -> None:
    """Send the plan's scenarios: those that come last of all, or the others."""
    assert run.recorder is not None  # noqa: S101 - it is connected
    scenarios = [s for s in run.plan.scenarios if s.is_last == is_last]
    positions = run.plan.positions
    await run.recorder.play(
        scenarios,
        run.facts,
        lambda scenario: f"ex-{run.first + positions[scenario.name]}",
        run.options.concurrency,
    )


def take_notes(run: Run, transport: Transport) -> Run:
    """The run with the notes on what was played, and what can explain them."""
    main = judge_main(run.plan.catalogue, run.recording(), run.until)
    own = _recorder(run, transport)
    explainer = Explainer(run.plan, run.plan.served, own, run.options, run.until)
    return replace(run, main=main, explainer=explainer)


async def explain(run: Run) -> None:
    """Send again what failed, and make it smaller."""
    assert run.main is not None  # noqa: S101 - it is judged
    assert run.explainer is not None  # noqa: S101 - it is judged
    known, recording = run.plan.catalogue, run.recording()
    notes = JudgedRecording(known, recording, run.main)
    rows = [row.id for row in known.scored if is_judged(notes, row)]
    await run.explainer.explain(run.main, rows, recording.observations)


def last_call() -> float:
    """When judging ends at the latest for runs that have just ended."""
    return monotonic() + JUDGING_S


def close(run: Run, until: float) -> RunResult:
    """Judge what was recorded, and close the recording."""
    recording = run.recording()
    run.writer.header(run.setting)
    for phase, observations in recording.phases.items():
        for seen in observations:
            run.writer.observation(seen, phase)
    run.writer.footer(recording)
    redactor = run.recorder.transport.redactor if run.recorder else None
    return conclude(recording, run.main, redactor, max(run.until, until))


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
