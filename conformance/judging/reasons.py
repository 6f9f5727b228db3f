"""Reasons: why a row does not apply to a run, and why it was not exercised."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from aios_conformance.conformance.judging.judged_recording import JudgedRecording
from aios_conformance.conformance.terms.exchange import Exchange, Observation
from aios_conformance.conformance.terms.result import CheckCoverage
from aios_conformance.conformance.terms.scenario import PlannedScenario
from aios_conformance.conformance.terms.traceability import is_exercised
from aios_conformance.conformance.terms.views import Record
from aios_conformance.conformance.terms.words import answered
from aios_conformance.spec import (
    Level,
    Requirement,
    apis,
    locators,
    model_apis,
    nodes,
)

_WORD = re.compile(r"[a-z0-9_]+")

ABANDONED = "left in the middle"
"""How a failure begins that was meant: nothing is learnt of it."""

ALL_APIS_ROW = "COMMON-REQ-001"
"""That all five APIs are offered: not applicable as soon as one is absent."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is, and an exchange that shows it, if one does."""

    text: str
    shown: Exchange | None = None


def is_judged(run: JudgedRecording, row: Requirement) -> bool:
    """Findings on the row count in this run."""
    selection = run.recording.setting.selection
    is_selected = selection is None or row.id in selection
    return is_selected and row.level != Level.MAY and out_of_scope(run, row) is None


def out_of_scope(run: JudgedRecording, row: Requirement) -> str | None:
    """Why a row does not apply to this run, or None when it does."""
    setting, absent = run.recording.setting, run.recording.absent
    for need in row.needs:
        if need in setting.without:
            return f"--without {need}"
    if "api_key" in row.needs and not setting.has_key:
        return "no API key was given"
    gone: dict[str, str] = {api: absent[api] for api in absent}
    if setting.apis:
        gone |= {
            api: f"{api} is outside --apis"
            for api in model_apis()
            if api not in setting.apis
        }
    if row.api in gone:
        return gone[row.api]
    apis = run.traceability.apis(row.id)
    if apis and (row.id == ALL_APIS_ROW or apis <= gone.keys()):
        return next((gone[api] for api in sorted(apis) if api in gone), None)
    return None


def why_inconclusive(
    run: JudgedRecording,
    row: Requirement,
    coverage: Sequence[CheckCoverage],
    lacking: Sequence[CheckCoverage],
) -> Reason:
    """Why a row is inconclusive, in typed words."""
    recording = run.recording
    if not recording.scenarios and recording.cut_short:
        return Reason(f"cut short: {recording.cut_short}")
    short = lacking or coverage
    names = _concerned(run, row, short) if coverage else set()
    if not names:
        if (gone := _unserved(run, row)) is not None:
            return Reason(f"refused prerequisite: {gone} is not served")
        apis = run.traceability.apis(row.id)
        if any(_is_acceptance(run, coverage) for coverage in short):
            # a row of refusals as such, whatever was refused
            crashes = (
                _crashed(exchange)
                for exchange in recording.exchanges
                if exchange.api in apis and _is_crash(exchange)
            )
            if (told := next(crashes, None)) is not None:
                return told
        if (told := _unplayed(run, row)) is not None:
            return told
        if seen := sum(c.judged for c in coverage):
            return Reason(f"too little evidence: {seen} of {row.evidence} observations")
        asked = any(not apis.isdisjoint(s.apis) for s in recording.scenarios)
        if asked and row.id in run.traceability.annotated:
            return _lacking_member(run, row) or Reason(
                "too little evidence: no answer has the member that it speaks of"
            )
        return Reason(f"not exercised by preset {recording.setting.preset}")
    told = _unproved_step(run, row, short) or _unanswered(run, names)
    told = told or _unsent(run, row, names, short) or _refused(run, row, short)
    told = told or _refused_parameter(run, row) or _lacking_member(run, row)
    if told is not None:
        return told
    promises = {check.name: check.promise.rstrip(".") for check in run.known.checks}
    each = ", ".join(
        f"“{promises[c.check]}” judged {c.judged} of {c.needed}" for c in lacking
    )
    total = sum(c.judged for c in coverage)
    each = each or f"{total} of {row.evidence} observations"
    return Reason(f"too little evidence: {each}")


def _unserved(run: JudgedRecording, row: Requirement) -> str | None:
    """A path on which alone the row could be shown, and which is not there."""
    for scenario in run.recording.scenarios:
        for step in scenario.steps:
            if row.id in step.serves and step.operation in run.unserved:
                return step.operation
    return None


def _unanswered(
    run: JudgedRecording, names: Collection[tuple[str, int]]
) -> Reason | None:
    """Something that these scenarios ask for was not answered or not asked."""
    for exchange in _exchanges(run, names):
        failure = exchange.failure
        if failure is not None and not failure.startswith(ABANDONED):
            return Reason(_typed(failure))
    played = {(seen.probe, seen.draw) for seen in run.recording.observations}
    if not played.issuperset(names):
        return Reason(f"cut short: {run.recording.cut_short or 'not played'}")
    return None


def _unplayed(run: JudgedRecording, row: Requirement) -> Reason | None:
    """A limit, or the end of the run, kept from being sent what could have shown it."""
    names = {
        (scenario.probe, scenario.draw)
        for scenario in run.recording.scenarios
        if run.traceability.exercises(scenario, row.id)
    }
    for exchange in _exchanges(run, names):
        if exchange.failure is not None and exchange.failure.startswith("not sent"):
            return Reason(_typed(exchange.failure))
    played = {(seen.probe, seen.draw) for seen in run.recording.observations}
    if run.recording.cut_short and not played.issuperset(names):
        return Reason(f"cut short: {run.recording.cut_short}")
    return None


def _unsent(
    run: JudgedRecording,
    row: Requirement,
    names: AbstractSet[tuple[str, int]],
    short: Sequence[CheckCoverage],
) -> Reason | None:
    """A step could not be made from the answers before it, best one of a refusal.

    What other scenarios could have shown without it was not kept back by it.
    """
    found = [each for each in run.recording.unsent if (each.probe, each.draw) in names]
    kept_back = {(each.probe, each.draw) for each in found}
    if not any(_is_acceptance(run, coverage) for coverage in short):
        for name in names - kept_back:
            if _is_whole([*_exchanges(run, {name})], run.traceability.apis(row.id)):
                return None
    for left in found:
        before = _exchanges(run, {(left.probe, left.draw)})
        if (told := _refused_among(before, every=False)) is not None:
            return told
    texts = (f"{each.probe}, {each.label}: {each.reason}" for each in found)
    text = next(texts, None)
    return None if text is None else Reason(f"refused prerequisite: {text}")


def _unproved_step(
    run: JudgedRecording, row: Requirement, short: Sequence[CheckCoverage]
) -> Reason | None:
    """A step whose own end would have proved the row ended otherwise."""
    if not any(_is_acceptance(run, coverage) for coverage in short):
        return None
    for seen in run.recording.observations:
        for exchange in seen.steps.values():
            if row.id not in exchange.serves or exchange.response is None:
                continue
            if exchange.expect == "accept" and not exchange.is_success:
                return _prerequisite(exchange)
            if exchange.expect != "accept" and _is_crash(exchange):
                return _crashed(exchange)
            if exchange.expect != "accept" and exchange.is_success:
                return _told_as_success(exchange)
            told = _refused_among(seen.steps.values(), every=True)
            if exchange.expect == "refuse" and told is not None:
                return told
    return None


def _refused(
    run: JudgedRecording, row: Requirement, short: Sequence[CheckCoverage]
) -> Reason | None:
    """What a relation stands on was refused, or all that a view could be made of."""
    apis = run.traceability.apis(row.id)
    for coverage in short:
        check = next(c for c in run.known.checks if c.name == coverage.check)
        if _is_acceptance(run, coverage) or issubclass(check.view, Record):
            continue
        names = {(s.probe, s.draw) for s in run.scenarios[check.name]}
        is_relation = issubclass(check.view, Observation)
        asked = [e for e in _exchanges(run, names) if not apis or e.api in apis]
        told = _refused_among(asked, every=True)
        if told is None and is_relation:
            whole = any(_is_whole([*_exchanges(run, {n})], apis) for n in names)
            told = None if whole else _refused_among(asked, every=False)
            told = told or next((_crashed(e) for e in asked if _is_crash(e)), None)
        if told is not None:
            return told
    return None


def _refused_parameter(run: JudgedRecording, row: Requirement) -> Reason | None:
    """All valid requests with a parameter that the row names were refused."""
    words = _named(row)
    for name, api in apis(run.known.dialect).items():
        if name not in run.traceability.apis(row.id):
            continue
        for member in sorted(api.members.keys() - {*api.required}):
            if words.isdisjoint((member, member.removesuffix("s"))):
                continue
            idle = (None, api.members[member].get("default"))
            tried = [
                exchange
                for exchange in run.recording.exchanges
                if exchange.api == name
                and isinstance(exchange.request.json, dict)
                and exchange.request.json.get(member) not in idle
            ]
            told = _refused_among(tried, every=True)
            if told is not None:
                return Reason(f"{told.text}, as was all with {member}", told.shown)
    return None


def _lacking_member(run: JudgedRecording, row: Requirement) -> Reason | None:
    """A member that the row speaks of is missing in the answers."""
    words = _named(row)
    apis = run.traceability.apis(row.id)
    for name, traces in run.traces.items():
        for trace in traces:
            where = trace.finding.pointer
            lack = trace.finding.actual
            if (
                not where
                or lack not in ("absent", None)
                or trace.exchange.api not in apis
            ):
                continue
            if not words.isdisjoint(_lost(run, trace.exchange, where)):
                how = "missing" if lack else "null"
                text = f"too little evidence: {where} is {how}, see {name}"
                return Reason(text, trace.exchange)
    return None


def _named(row: Requirement) -> set[str]:
    """The words of a row: its statement, and where in the documents it stands."""
    places = (place.words for place in locators(row))
    return set(_WORD.findall(" ".join((row.statement, *places)).lower()))


def _lost(run: JudgedRecording, exchange: Exchange, pointer: str) -> set[str]:
    """A member that is missing, with those that it would have had."""
    walk = nodes(run.known.dialect)
    answer = walk.content(walk.success(exchange.request.operation))
    node = answer.get("application/json", {})
    names = pointer.split("/")[1:]
    for name in names:
        node = walk.members(node).get(name, {})
    return {names[-1], *walk.members(node)}


def _refused_among(exchanges: Iterable[Exchange], *, every: bool) -> Reason | None:
    """The shortest valid request that was not accepted; `every`: if none was."""
    valid = [e for e in exchanges if e.expect == "accept" and e.response]
    refused = [e for e in valid if not e.is_success]
    if not refused or (every and len(refused) < len(valid)):
        return None
    return _prerequisite(min(refused, key=lambda e: len(e.request.body)))


def _is_whole(steps: Sequence[Exchange], apis: Collection[str]) -> bool:
    """A scenario was played, and nothing valid in it was refused."""
    mine = [each for each in steps if not apis or each.api in apis]
    return any(e.is_success for e in mine) and all(
        e.is_success for e in mine if e.expect == "accept"
    )


def _prerequisite(exchange: Exchange) -> Reason:
    asked = f"{exchange.probe}, {exchange.label}"
    return Reason(
        f"refused prerequisite: {asked} was answered with {answered(exchange)}",
        exchange,
    )


def _is_crash(exchange: Exchange) -> bool:
    is_fault = exchange.status >= 500 and exchange.status not in exchange.codes
    return exchange.expect != "accept" and is_fault


def _crashed(exchange: Exchange) -> Reason:
    return _mishandled("server error", exchange, "COMMON-ERR-004")


def _told_as_success(exchange: Exchange) -> Reason:
    return _mishandled("refused as a success", exchange, "COMMON-ERR-001")


def _mishandled(how: str, exchange: Exchange, row: str) -> Reason:
    broken = f" ({exchange.breaks})" if exchange.breaks else ""
    return Reason(
        f"{how}: {exchange.probe}, {exchange.label}{broken} was answered with "
        f"{answered(exchange)}, see {row}",
        exchange,
    )


def _is_acceptance(run: JudgedRecording, coverage: CheckCoverage) -> bool:
    return any(
        check.name == coverage.check and check.judges == "acceptance"
        for check in run.known.checks
    )


def _concerned(
    run: JudgedRecording, row: Requirement, short: Sequence[CheckCoverage]
) -> set[tuple[str, int]]:
    """The scenarios with steps for the row, and those that these checks judge."""
    names = {c.check for c in short}
    serving = (
        scenario
        for scenario in run.recording.scenarios
        if any(row.id in step.serves for step in scenario.steps)
    )
    judging = (
        scenario
        for check in run.known.checks
        if check.name in names and check.judges != "acceptance"
        for scenario in run.scenarios[check.name]
    )
    return {(each.probe, each.draw) for each in (*serving, *judging)}


def _exchanges(
    run: JudgedRecording, names: Collection[tuple[str, int]]
) -> Iterator[Exchange]:
    for seen in run.recording.observations:
        if (seen.probe, seen.draw) in names:
            yield from seen.steps.values()


def _typed(failure: str) -> str:
    if failure.startswith("not sent: --max"):
        return f"budget: {failure.removeprefix('not sent: ')}"
    if failure.startswith(("timeout", "not sent")):
        return failure
    return f"no answer: {failure}"


def left_out(run: JudgedRecording, row: Requirement) -> str | None:
    """Why all that would exercise a row was left out, if that is so."""
    for name, dropped in run.recording.dropped.items():
        probe = run.known.probes.get(name)
        if row.id in dropped.serves:
            return dropped.reason
        if probe and any(
            row.id in check.ids
            and is_exercised(check, PlannedScenario(name, 0, (probe.api,), ()))
            for check in run.known.checks
        ):
            return dropped.reason
    return None
