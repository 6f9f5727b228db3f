"""One recording under several dialects: what is shared, and how it ends."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import miniatures
import pytest
from listening import Asked, Behaviour, Said, listening, refuse

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.observing.recording import read_recording
from aios_conformance.conformance.options.values import RunOptions, TargetError
from aios_conformance.conformance.running.conclude import conclude
from aios_conformance.conformance.running.run import (
    INTERRUPTED,
    Outcomes,
    run_dialects,
)
from aios_conformance.conformance.running.session import run_and_report_all
from aios_conformance.conformance.terms.events import ExchangeDone, PlanMade, RunEvent

NAMES = ("aios", "infinity", "aihubmix")


def options(root: Path, target: str) -> list[RunOptions]:
    given = RunOptions(target, preset="smoke", concurrency=2, cache_dir=None)
    return [replace(given, dialect=name, report_dir=root / name) for name in NAMES]


class Counting:
    """Serves embeddings as AIOS has them, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, bytes]] = Counter()

    def __call__(self, asked: Asked) -> Said:
        self.asked[asked.path, asked.body] += 1
        is_served = asked.path in ("/v1/embeddings", "/v1/models")
        return miniatures.honest(asked) if is_served else refuse(404, "no such path")


def heard_from(behaviour: Behaviour, root: Path) -> tuple[Outcomes, list[RunEvent]]:
    events: list[RunEvent] = []
    with listening(behaviour) as url:
        return run_and_report_all(options(root, url), events.append), events


@pytest.fixture(scope="module")
def ended(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Outcomes, list[RunEvent], Counting, Path]:
    root, server = tmp_path_factory.mktemp("together"), Counting()
    return *heard_from(server, root), server, root


Ended = tuple[Outcomes, list[RunEvent], Counting, Path]


def test_the_runs_tell_what_the_target_was_asked(ended: Ended) -> None:
    outcomes, _, server, _ = ended
    assert outcomes.requests == server.asked.total() < outcomes.apart
    spent = [done.result.usage for done in outcomes.runs]
    assert outcomes.requests == sum(u.requests + u.shrink_requests for u in spent)


def test_the_model_is_looked_for_once(ended: Ended) -> None:
    outcomes, *_ = ended
    searched = [done.result.usage.discovery_requests for done in outcomes.runs]
    assert searched[0] > 0
    assert searched[1:] == [0, 0]
    assert {done.result.facts.models["embeddings"] for done in outcomes.runs} == {
        miniatures.MODEL
    }


def test_what_one_was_asked_is_judged_under_the_others(ended: Ended) -> None:
    outcomes, *_ = ended
    probes = {
        done.result.dialect: {e.probe for e in done.result.exchanges}
        for done in outcomes.runs
    }
    assert "infinity.lent" in probes["infinity"]
    assert "aihubmix.lent" in probes["aihubmix"]


def test_the_events_are_those_of_one_run(ended: Ended) -> None:
    _, events, *_ = ended
    assert sum(isinstance(event, PlanMade) for event in events) == 1
    counted = [event.done for event in events if isinstance(event, ExchangeDone)]
    assert counted == list(range(1, len(counted) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_each_recording_can_be_judged_alone(ended: Ended, name: str) -> None:
    *_, root = ended
    report = json.loads((root / name / "report.json").read_text())
    again = conclude(read_recording(root / name))
    assert {row["id"]: row["verdict"] for row in report["requirements"]} == {
        row.requirement.id: row.verdict for row in again.requirements
    }


def test_limits_hold_for_all_outcomes(tmp_path: Path) -> None:
    server = Counting()
    with listening(server) as url:
        given = [replace(each, max_requests=30) for each in options(tmp_path, url)]
        outcomes = run_and_report_all(given, lambda _: None)
    assert server.asked.total() <= 30
    last = outcomes.runs[-1].result
    assert last.cut_short == "--max-requests 30"


def test_a_target_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with listening(miniatures.honest) as url:
        pass
    outcomes = run_and_report_all(options(tmp_path, url), lambda _: None)
    assert isinstance(outcomes.error, TargetError)
    assert "does not answer" in str(outcomes.error)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(NAMES)
    report = json.loads((tmp_path / "infinity" / "report.json").read_text())
    assert report["complete"] is False


def test_what_was_recorded_is_judged_when_the_user_has_enough(tmp_path: Path) -> None:
    server = miniatures.Stalling(40)

    async def story(url: str) -> Outcomes:
        given = [replace(each, concurrency=1) for each in options(tmp_path, url)]
        going = asyncio.create_task(run_dialects(given, lambda _: None))
        await asyncio.to_thread(server.stalled.wait, 30)
        going.cancel()
        return await going

    with listening(server) as url:
        outcomes = asyncio.run(story(url))
        server.release.set()
    assert all(done.is_interrupted for done in outcomes.runs)
    assert outcomes.runs[0].result.cut_short == INTERRUPTED
    verdicts = {row.verdict for row in outcomes.runs[0].result.requirements}
    assert {"pass", "inconclusive"} <= verdicts


def test_the_plan_tells_what_sharing_saves(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "mock", "--dialect", "all", "--plan", "--preset", "smoke"]) == 0
    said = capsys.readouterr().out
    found = re.search(r"together: at most (\d+) requests in place of (\d+)", said)
    assert found is not None
    assert 0 < int(found[1]) < int(found[2])
    assert all(f"dialect {name}" in said for name in NAMES)
