"""From a recording to its result: judged, with verdicts, claim and figures."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from aios_conformance.conformance.judging.against import against
from aios_conformance.conformance.judging.judge import Judgement, judge
from aios_conformance.conformance.judging.judged_recording import JudgedRecording
from aios_conformance.conformance.judging.verdict import claim, stale_waivers, verdicts
from aios_conformance.conformance.observing.recording import Recording
from aios_conformance.conformance.observing.setting import Setting
from aios_conformance.conformance.reporting.presentable import presentable
from aios_conformance.conformance.reporting.timing import timing
from aios_conformance.conformance.running.discovery import LISTING
from aios_conformance.conformance.running.discovery import PROBE as DISCOVERY
from aios_conformance.conformance.terms.catalogue import Catalogue, catalogue
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.redact import Redactor
from aios_conformance.conformance.terms.result import RequirementResult, RunResult
from aios_conformance.spec import edition

_Judged = tuple[Observation, Judgement]


def conclude(
    recording: Recording,
    main: Judgement | None = None,
    redactor: Redactor | None = None,
    until: float = math.inf,
) -> RunResult:
    """The result of a recording: judged, with verdicts, claim and figures.

    `main` are the notes on what plan and discovery recorded, where they were taken
    before. `redactor` knows the secrets of the run. What is not judged `until` then,
    by the monotonic clock, is left out, and the result says so.
    """
    setting, facts = recording.setting, recording.facts
    known = catalogue(setting.dialect)
    exchanges = recording.in_order
    main = main or judge_main(known, recording, until)

    def judged_later(later: Sequence[Observation]) -> Iterator[_Judged]:
        for seen in later:
            sent = tuple(seen.steps.values())
            notes = judge(known, sent, [seen], facts, until, main)
            if not notes.undone:
                yield seen, notes

    again, smaller = judged_later(recording.again), judged_later(recording.smaller)
    if main.undone:
        why = recording.cut_short or next(iter(main.undone.values()))
        recording = replace(recording, cut_short=why)
    run = JudgedRecording(
        known, recording, main, [*again], [notes for _, notes in smaller]
    )
    absent = recording.absent.values()
    judged = against(verdicts(run), setting.baseline, absent)
    results = _scored(judged, setting)
    named = (e.response.header("server") for e in exchanges if e.response)
    result = RunResult(
        url=setting.url,
        dialect=setting.dialect,
        preset=setting.preset,
        seed=setting.seed,
        facts=facts,
        server=next((name for name in named if name), None),
        started=setting.started,
        duration_s=recording.duration_s,
        complete=recording.cut_short is None,
        claim=claim(run, [each for each in results if each.is_scored]),
        selection=setting.selection,
        requirements=results,
        excluded=[r for r in known.requirements.values() if r.excluded is not None],
        usage=recording.usage,
        timing=timing(exchanges),
        stale_waivers=stale_waivers(run, results),
        exchanges=[*exchanges, *recording.later],
        observations=list(recording.observations),
        cut_short=recording.cut_short,
        baseline=setting.baseline,
        target=setting.target,
        resumed=setting.resumed,
        edition=setting.edition,
    )
    return presentable(result, redactor)


def _scored(
    results: Sequence[RequirementResult], setting: Setting
) -> Sequence[RequirementResult]:
    """The results, those that are newer than the edition unscored."""
    if setting.edition is None:
        return results
    rows = edition(setting.edition, setting.dialect).rows[setting.dialect]
    return [replace(e, is_scored=e.requirement.id in rows) for e in results]


def judge_main(
    known: Catalogue, recording: Recording, until: float = math.inf
) -> Judgement:
    """Judge what the plan and discovery recorded.

    The listing of models is left out where the dialect does not document it: it
    was asked for our own convenience.
    """
    judged = [
        exchange
        for exchange in recording.in_order
        if exchange.request.operation != LISTING or exchange.probe != DISCOVERY
    ]
    return judge(known, judged, recording.observations, recording.facts, until)
