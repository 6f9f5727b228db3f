"""A run to its reports, whatever ends it."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from results import made_result

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.options.values import (
    OptionError,
    RunOptions,
    SuiteError,
    TargetError,
)
from aios_conformance.conformance.reporting import WRITERS
from aios_conformance.conformance.running import session
from aios_conformance.conformance.running.run import Outcomes, RunOutcome
from aios_conformance.conformance.running.session import run_and_report
from aios_conformance.spec import report_schema


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions("mock", report_dir=tmp_path / "out")


def ending(monkeypatch: pytest.MonkeyPatch, end: Any, *, judged: bool = False) -> None:
    """Let a run end in one way."""

    async def run(*_: Any) -> Outcomes:
        if judged:
            cut = made_result(complete=False, cut_short="a fault")
            return Outcomes([RunOutcome(cut)], end)
        if isinstance(end, BaseException):
            raise end
        return Outcomes([RunOutcome(end)])

    monkeypatch.setattr(session, "run_dialects", run)


def written(options: RunOptions) -> Any:
    names = {path.name for path in options.report_dir.iterdir()}
    assert names == set(WRITERS)
    data = json.loads((options.report_dir / "report.json").read_bytes())
    jsonschema_rs.validate(report_schema(), data)
    return data


def silent(_: object) -> None:
    """Show nothing."""


def test_a_result_is_reported(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, made_result({}))
    assert run_and_report(options, silent).exit_code(("must",)) == 0
    assert written(options)["claim"] == "full"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TargetError("nobody there", code="x"), 4),
        (SuiteError("our fault", code="x"), 3),
        (OptionError("no", code="x"), 4),
    ],
)
def test_an_error_leaves_a_truthful_report(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    ending(monkeypatch, error)
    assert run_and_report(options, silent, ["EMB-RES-001"]).exit_code(("must",)) == code
    data = written(options)
    assert data["complete"] is False
    assert data["claim"] == "none"
    assert data["cut_short"] == str(error)
    assert data["selection"] == ["EMB-RES-001"]
    assert {row["verdict"] for row in data["requirements"]} == {
        "inconclusive",
        "not_applicable",
    }


def test_what_was_judged_before_an_error_is_kept(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, SuiteError("our fault", code="x"), judged=True)
    assert run_and_report(options, silent).exit_code(("must",)) == 3
    data = written(options)
    assert data["complete"] is False
    assert data["summary"]["pass"] > 100


def test_ctrl_c_before_the_run_is_a_cut(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending(monkeypatch, KeyboardInterrupt())
    assert run_and_report(options, silent).exit_code(("must",)) == 2
    assert written(options)["cut_short"] == "interrupted"


def test_a_task_that_returns_a_result_is_shown_at_once() -> None:
    """asyncio shows its task, with what it returned, at the end of every run."""
    assert len(repr(RunOutcome(made_result()))) < 200


def test_an_interrupted_run_is_cut_short_even_where_it_is_red() -> None:
    assert RunOutcome(made_result(cut_short="interrupted")).exit_code(("must",)) == 2


def test_a_bug_is_told_with_its_traceback_and_leaves_reports(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ending(monkeypatch, ZeroDivisionError("oh"), judged=True)
    assert main(["run", "mock", f"--report-dir={tmp_path / 'out'}"]) == 3
    err = capsys.readouterr().err
    assert "ZeroDivisionError: oh" in err
    assert "a fault of the suite itself" in err
    assert written(RunOptions("mock", report_dir=tmp_path / "out"))["complete"] is False
