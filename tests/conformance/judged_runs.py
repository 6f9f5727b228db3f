"""Recordings made by hand, on the run from which verdicts are made."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import toys
from exchanges import observation
from test_judge import GOOD

from aios_conformance.conformance.judging.judge import Judgement, judge
from aios_conformance.conformance.judging.judged_recording import JudgedRecording
from aios_conformance.conformance.judging.verdict import (
    verdicts,
)
from aios_conformance.conformance.observing.recording import Recording
from aios_conformance.conformance.observing.setting import Setting
from aios_conformance.conformance.planning.plan import scenario_of
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.conformance.terms.probe import Served
from aios_conformance.conformance.terms.result import RequirementResult
from aios_conformance.spec import Level

ORDER = "RERANK-SEM-006"
SETTING = Setting("http://h", "aios", "standard", 0, "2026-06-15T12:00:00Z", "1")
PLANNED = {
    probe.name: scenario_of(toys.catalogue(), probe, 0, params, Served(Facts())).planned
    for probe, params in (
        (toys.counted, 3),
        (toys.later, None),
        (toys.refused, {"top_n": {}}),
        (toys.paths, None),
    )
}


def judged_run(
    *observations: Observation,
    known: Catalogue | None = None,
    again: Sequence[Observation] = (),
    smaller: Sequence[Observation] = (),
    setting: Setting = SETTING,
    planned: Sequence[str] | None = None,
    **recording: Any,
) -> JudgedRecording:
    known = known or toys.catalogue()
    facts = recording.pop("facts", Facts())
    exchanges = tuple(e for o in observations for e in o.steps.values())
    names = [o.probe for o in observations] if planned is None else planned
    whole = Recording(
        setting,
        facts,
        scenarios=tuple(PLANNED[name] for name in names if name in PLANNED),
        exchanges=exchanges,
        observations=observations,
        again=again,
        smaller=smaller,
        **recording,
    )

    def alone(seen: Observation) -> Judgement:
        return judge(known, tuple(seen.steps.values()), [seen], facts)

    return JudgedRecording(
        known,
        whole,
        judge(known, exchanges, observations, facts),
        [(o, alone(o)) for o in again],
        [alone(o) for o in smaller],
    )


def row(made: JudgedRecording, name: str = ORDER) -> RequirementResult:
    return next(r for r in verdicts(made) if r.requirement.id == name)


def counted(answer: Exchange = GOOD, **over: Any) -> Observation:
    return observation("toy.count", **{"all": answer, **over})


def noisy(name: str = ORDER) -> Catalogue:
    """The toy catalogue with one row marked noisy."""
    known = toys.catalogue()
    rows = dict(known.requirements)
    rows[name] = replace(rows[name], noisy=True)
    return replace(known, requirements=rows)


def leveled(level: str, **over: Any) -> Catalogue:
    known = toys.catalogue()
    rows = dict(known.requirements)
    rows[ORDER] = replace(rows[ORDER], level=Level(level), **over)
    return replace(known, requirements=rows)
