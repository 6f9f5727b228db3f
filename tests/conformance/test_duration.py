"""How long a run takes: told before it where it was measured, and while it goes on."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from results import exchange_of

from aios_conformance.conformance.cli.progress import progress
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.plugin.showing import _progress
from aios_conformance.conformance.reporting.duration import (
    Remaining,
    duration,
    spoken,
)
from aios_conformance.conformance.reporting.terminal import console
from aios_conformance.conformance.terms.events import ExchangeDone, PlanMade, RunJudged
from aios_conformance.conformance.terms.result import PlanSummary

PLAN = PlanSummary(400, 0, 0, {"POST /v1/rerank": 400})
DATE = "2026-11-01T00:00:00Z"
MEASURED = {
    "target": {"url": "http://h", "given": "http://h"},
    "complete": True,
    "preset": "standard",
    "duration_s": 50.0,
    "started": DATE,
    "usage": {"requests": 490, "shrink_requests": 10},
    "timing": {"POST /v1/chat/completions": {"total_ms": {"p90": 4000.0}}},
}


def told(folder: Path, report: Any, **over: Any) -> str:
    (folder / "report.json").write_text(json.dumps(report))
    options = RunOptions("http://h", report_dir=folder)
    made = replace(options, **over)
    return duration(PLAN, made)


def test_a_run_takes_as_long_as_the_one_before(tmp_path: Path) -> None:
    known = f"by what the run of {DATE} has measured"
    # 180 more, one after the other, each of 4 s
    more = "and at most about 22 min more where something is found"
    assert told(tmp_path, MEASURED) == f"about 40 s, {more}, {known}"
    # of another preset only the answers count: 400 of 4 s, eight at a time
    deep = told(tmp_path, {**MEASURED, "preset": "smoke"})
    assert deep == f"about 3 min, {more}, {known}"


@pytest.mark.parametrize(
    "report",
    [
        {**MEASURED, "complete": False},
        {**MEASURED, "target": {"url": "http://other"}},
        {**MEASURED, "usage": {"requests": 0, "shrink_requests": 0}},
        {**MEASURED, "timing": {}},
        [],
        None,
    ],
)
def test_what_is_not_measured_is_not_guessed(tmp_path: Path, report: Any) -> None:
    said = told(tmp_path, report)
    assert said.startswith("this target is not measured yet; with answers that take a")
    assert "a second about 50 s, and at most about 6 min more where" in said
    slow = told(tmp_path, report, rate=0.1)
    assert "a second about 67 min, and at most about 55 min more where" in slow


def test_what_waits_for_one_another_takes_its_time(tmp_path: Path) -> None:
    said = duration(
        replace(PLAN, in_turn=80), RunOptions("http://h", report_dir=tmp_path)
    )
    assert "a second about 2 min, and" in said  # 80, and 320 eight at a time


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "less than 5 s"),
        (42, "about 40 s"),
        (100, "about 2 min"),
        (6e3, "about 1.7 h"),
    ],
)
def test_a_length_is_told_as_exactly_as_it_is_known(seconds: float, said: str) -> None:
    assert spoken(seconds) == said


def test_what_is_sent_beyond_the_plan_is_no_recording() -> None:
    time = iter(range(100))
    remaining = Remaining(180, lambda: float(next(time)))
    remaining.planned(replace(PLAN, spare_requests=20))
    for done in range(1, 11):
        beyond = ExchangeDone(exchange_of("again-1", {}, {}), 400 + done, 400)
        said = remaining.after(beyond)
    assert remaining.text(beyond, said) == (
        "explaining: 10 of at most 200 requests beyond the plan, "
        "at most about 3 min left"
    )
    farther = ExchangeDone(exchange_of("again-1", {}, {}), 601, 400)
    assert remaining.text(farther, remaining.after(farther)) == (
        "explaining: 201 requests beyond the plan"
    )


def exchanges(number: int, planned: int) -> list[ExchangeDone]:
    seen = exchange_of("ex-1", {}, {})
    return [ExchangeDone(seen, done, planned) for done in range(1, number + 1)]


def test_what_is_left_follows_the_pace_of_the_last_requests() -> None:
    time = iter([*range(50), *range(50, 500, 10)])
    remaining = Remaining(0, lambda: float(next(time)))
    said = [remaining.after(each) for each in exchanges(90, 100)]
    assert said[6] == ""  # too few
    assert said[49] == "about 50 s left"
    assert said[89] == "about 2 min left"  # ten, of ten seconds each
    assert remaining.after(ExchangeDone(exchange_of("ex-1", {}, {}), 100, 100)) == ""


def test_a_log_has_a_line_now_and_then() -> None:
    time = iter(range(0, 1000, 10))
    shown = StringIO()
    remaining = Remaining(0, lambda: float(next(time)))
    with progress(console(shown), RunOptions("mock"), remaining=remaining) as listener:
        for each in exchanges(10, 70):
            listener(each)
    assert shown.getvalue().splitlines() == [
        "recording: 4 of 70",
        "recording: 7 of 70",
        "recording: 10 of 70, about 10 min left",
    ]


class Reporter:
    """Pytest's terminal, as far as it is asked."""

    def __init__(self, verbose: int, *, isatty: bool) -> None:
        self.config = type("C", (), {"option": type("O", (), {"verbose": verbose})})
        self.isatty = isatty
        self.lines: list[str] = []

    def write_line(self, text: str) -> None:
        self.lines.append(text)

    def rewrite(self, text: str, **_: bool) -> None:
        self.lines.append(f"\r{text}")


@pytest.mark.parametrize(
    ("verbose", "isatty", "first", "last"),
    [
        (
            0,
            True,
            "recording: at most 400 requests",
            "\rrecording: 9 of 400, less",
        ),
        (-1, True, "\rrecording: 1 of 400", "\rrecording: 9 of 400, less"),
        (0, False, "recording: at most 400 requests", ""),
    ],
)
def test_pytest_shows_what_is_left_where_somebody_looks_on(
    tmp_path: Path, verbose: int, isatty: bool, first: str, last: str
) -> None:
    reporter = Reporter(verbose, isatty=isatty)
    listen = _progress(reporter, RunOptions("mock", report_dir=tmp_path))
    listen(PlanMade(PLAN))
    for each in exchanges(9, 400):
        listen(each)
    assert reporter.lines[0].startswith(first)
    assert not last or reporter.lines[-1].startswith(last)
    if isatty:  # the line is ours, and gone in the end
        listen(RunJudged(None))  # type: ignore[arg-type]
        assert reporter.lines[-1] == "\r"


def test_a_quiet_log_stays_empty(tmp_path: Path) -> None:
    reporter = Reporter(-1, isatty=False)
    listen = _progress(reporter, RunOptions("mock", report_dir=tmp_path))
    listen(PlanMade(PLAN))
    for each in exchanges(9, 400):
        listen(each)
    assert reporter.lines == []
