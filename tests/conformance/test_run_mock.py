"""A whole run against the mock: every promise is kept, and every one is looked at."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aios_conformance import spec
from aios_conformance.conformance.judging.judge import judge
from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.observing.recording import FILE_NAME, read_recording
from aios_conformance.conformance.options.values import ExitCode, RunOptions
from aios_conformance.conformance.running.conclude import conclude
from aios_conformance.conformance.running.run import run
from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.conformance.terms.events import (
    Discovered,
    ExchangeDone,
    PlanMade,
    RunEvent,
    RunJudged,
)
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.result import RequirementResult, RunResult
from aios_conformance.conformance.terms.traceability import Traceability
from aios_conformance.conformance.terms.views import Record


def row(result: RunResult, name: str) -> RequirementResult:
    return next(r for r in result.requirements if r.requirement.id == name)


@dataclass(frozen=True)
class Run:
    result: RunResult
    heard: list[RunEvent]
    directory: Path


def judged(directory: Path, plan_cache: Path, **options: Any) -> Run:
    heard: list[RunEvent] = []
    given = RunOptions("mock", report_dir=directory, cache_dir=plan_cache, **options)
    return Run(asyncio.run(run(given, heard.append)), heard, directory)


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory, plan_cache: Path) -> Run:
    """One standard run, in which an embedding model ranks and scores."""
    return judged(tmp_path_factory.mktemp("standard"), plan_cache)


@pytest.fixture(scope="module")
def both(
    standard: Run, tmp_path_factory: pytest.TempPathFactory, plan_cache: Path
) -> tuple[Run, Run]:
    """And one of another seed, in which a cross-encoder does (A-049)."""
    models = dict.fromkeys(("rerank", "score"), "sds/bge-reranker-v2-m3")
    folder = tmp_path_factory.mktemp("crossed")
    return standard, judged(folder, plan_cache, models=models, seed=7)


@pytest.mark.parametrize("api", spec.model_apis())
def test_one_api_is_enough_for_a_claim(
    tmp_path: Path, plan_cache: Path, api: str
) -> None:
    alone = judged(tmp_path, plan_cache, apis=(api,)).result
    open_rows = [r for r in alone.requirements if r.verdict == "inconclusive"]
    assert [(r.requirement.id, r.reason) for r in open_rows] == []
    assert alone.claim.startswith(f"partial: {api}")


def test_the_mock_keeps_every_promise(both: tuple[Run, Run]) -> None:
    for each in both:
        broken = {
            row.requirement.id: (row.verdict, row.reason, row.findings[:1])
            for row in each.result.requirements
            if row.verdict in ("fail", "warn", "error")
        }
        assert broken == {}
        assert each.result.complete
        assert each.result.claim == "full"
        assert exit_code(each.result) == ExitCode.JUDGED


def test_every_must_and_should_is_exercised(both: tuple[Run, Run]) -> None:
    """Traceability comes from runs: no row of the documents went unjudged."""
    passed = {
        row.requirement.id
        for each in both
        for row in each.result.requirements
        if row.verdict == "pass"
    }
    wanted = {
        row.id
        for row in spec.requirements()
        if row.level != "MAY" and row.excluded is None
    }
    assert wanted - passed == set()


def test_the_plan_is_exact_and_within_the_budget_of_the_preset(
    both: tuple[Run, Run],
) -> None:
    for each in both:
        (made,) = (event for event in each.heard if isinstance(event, PlanMade))
        usage, planned = each.result.usage, made.summary
        assert usage.requests - usage.discovery_requests == planned.requests
        assert usage.requests <= 500
        assert usage.shrink_requests == 0
        assert usage.prompt_tokens <= planned.prompt_tokens <= 60_000
        assert usage.completion_tokens <= planned.completion_tokens <= 8_000


def test_the_target_and_its_times_are_told(standard: Run) -> None:
    assert standard.result.url.startswith("http://127.0.0.1:")
    assert standard.result.timing["POST /v1/rerank"]["total_ms"]["count"] > 10


def test_a_run_tells_what_it_does(standard: Run) -> None:
    result, heard = standard.result, standard.heard
    kinds = [type(event) for event in heard]
    assert kinds.index(PlanMade) < kinds.index(ExchangeDone) < kinds.index(Discovered)
    assert isinstance(heard[-1], RunJudged)
    assert heard[-1].result is result
    last = [event for event in heard if isinstance(event, ExchangeDone)][-1]
    assert last.done == last.planned


def test_a_recording_is_judged_alike(standard: Run) -> None:
    result = standard.result
    again = conclude(read_recording(standard.directory))
    assert again.requirements == result.requirements
    for member in ("claim", "usage", "timing", "complete", "facts", "started"):
        assert getattr(again, member) == getattr(result, member)


def test_without_a_footer_a_recording_is_incomplete(
    standard: Run, tmp_path: Path
) -> None:
    lines = (standard.directory / FILE_NAME).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE_NAME).write_bytes(b"".join(lines[:-1]))
    broken_off = conclude(read_recording(tmp_path))
    assert not broken_off.complete
    assert broken_off.claim == "none"
    assert exit_code(broken_off) == ExitCode.CUT_SHORT


@pytest.mark.parametrize("api", spec.model_apis())
def test_what_is_left_out_for_a_row_says_nothing_of_it(standard: Run, api: str) -> None:
    """A check of the whole record, too, sees of a row's APIs all that it would see."""
    recording = read_recording(standard.directory)
    known = catalogue("aios")
    whole = judge(known, recording.exchanges, recording.observations, recording.facts)
    traceability = Traceability(known)
    rows = [
        row.id
        for row in known.scored
        if traceability.apis(row.id) == {api}
        and any(
            not check.on and issubclass(check.view, Record | Observation)
            for check in traceability.declaring(row.id)
        )
    ]
    assert rows
    for row in rows:
        left_out = {
            (scenario.probe, scenario.draw)
            for scenario in recording.scenarios
            if not traceability.exercises(scenario, row)
        }
        assert left_out
        sent = [e for e in recording.exchanges if (e.probe, e.draw) not in left_out]
        seen = [o for o in recording.observations if (o.probe, o.draw) not in left_out]
        part = judge(known, sent, seen, recording.facts)
        assert {c: len(ids) for c, ids in part.judged.get(row, {}).items()} == {
            c: len(ids) for c, ids in whole.judged.get(row, {}).items()
        }, row
        assert part.readings.get(row) == whole.readings.get(row)


@pytest.mark.parametrize("name", ["RERANK-SEM-006", "META-009", "COMMON-RES-005"])
def test_a_verdict_does_not_depend_on_the_selection(
    standard: Run, tmp_path: Path, plan_cache: Path, name: str
) -> None:
    result = standard.result
    options = RunOptions("mock", report_dir=tmp_path, cache_dir=plan_cache)
    selected = asyncio.run(run(options, lambda _: None, frozenset({name})))
    assert row(selected, name).verdict == row(result, name).verdict
    others = {r.reason for r in selected.requirements if r.requirement.id != name}
    assert others == {"not selected"}
    assert selected.usage.requests <= result.usage.requests
    assert selected.claim == "none"
