"""The main job from outside: the command judges the mock, and misses no obligation."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from aios_conformance import spec
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.plan import plan


def judged(directory: Path, *arguments: str) -> dict[str, Any]:
    """The report of `aios-conformance run mock`; the run must be green."""
    command = [sys.executable, "-m", "aios_conformance.conformance", "run", "mock"]
    found = subprocess.run(
        [*command, "--report-dir", str(directory), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    report: dict[str, Any] = json.loads((directory / "report.json").read_text())
    jsonschema.validate(report, spec.report_schema())
    recording = (directory / "exchanges.jsonl").read_text()
    report["discovery"] = recording.count('"probe":"discovery"')
    return report


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Two runs: an embedding model and a cross-encoder rank and score (A-049)."""
    folder = tmp_path_factory.mktemp("judged")
    encoder = "sds/bge-reranker-v2-m3"
    cross = ["--model", f"rerank={encoder}", "--model", f"score={encoder}"]
    return [
        judged(folder / "embedding"),
        judged(folder / "cross-encoder", *cross, "--hypothesis-seed", "7"),
    ]


def test_the_claim_is_full(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        assert report["complete"] is True
        assert report["claim"] == "full"
        summary = report["summary"]
        assert [summary[name] for name in ("warn", "fail", "error")] == [0, 0, 0]


def test_every_must_and_should_is_exercised(reports: list[dict[str, Any]]) -> None:
    """Traceability comes from runs: no row of the documents went unjudged."""
    passed = {
        row["id"]
        for report in reports
        for row in report["requirements"]
        if row["verdict"] == "pass"
    }
    wanted = {
        row.id
        for row in spec.requirements()
        if row.level != "MAY" and row.excluded is None
    }
    assert wanted - passed == set()


def test_the_standard_preset_keeps_its_budget(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        usage = report["usage"]
        assert usage["requests"] <= 500
        assert usage["completion_tokens"] <= 8_000
        assert usage["prompt_tokens"] <= 60_000


def test_the_plan_says_what_is_sent(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        options = RunOptions(target="mock", seed=report["seed"])
        planned, usage = plan(options).summary, report["usage"]
        assert planned.requests == usage["requests"] - report["discovery"]
        assert usage["prompt_tokens"] <= planned.prompt_tokens <= 60_000
        assert usage["completion_tokens"] <= planned.completion_tokens <= 8_000
