"""The command, in this process: what it prints and how it ends."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from miniatures import encoders_only, listening, not_found_everywhere, total_off_by_one
from results import BROKEN, made_result

from aios_conformance.conformance.cli import judging, main
from aios_conformance.conformance.reporting import WRITERS, write_reports
from aios_conformance.conformance.terms.result import RequirementResult
from aios_conformance.spec import requirement, requirements

SMOKE = "--preset=smoke"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AIOS_SOURCES_DIR", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recorded runs of a right and a wrong server, with their exit codes."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    for behaviour, code in ((encoders_only, 0), (total_off_by_one, 1)):
        directory = folder / behaviour.__name__
        with listening(behaviour) as url:
            assert main(["run", url, SMOKE, f"--report-dir={directory}"]) == code
        found[behaviour.__name__] = directory
    return found


def report(directory: Path) -> Any:
    return json.loads((directory / "report.json").read_bytes())


def test_a_run_writes_all_reports_and_sums_up(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with listening(encoders_only) as url:
        assert main(["run", url, SMOKE]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("API ")
    assert "claim: none" in out
    assert out.endswith("report: reports/latest/report.html\n")
    assert {path.name for path in Path("reports/latest").iterdir()} == {
        *WRITERS,
        "exchanges.jsonl",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "mok"], "did you mean mock?"),
        (["run", "http://127.0.0.1:9", SMOKE], "does not answer"),
        (["run", "mock", "--preset=smok"], "did you mean smoke?"),
        (["run", "mock", "--presett=smoke"], "did you mean --preset?"),
        (["run", "mock", "--seed=7"], "did you mean --hypothesis-seed?"),
        (["run"], "required: URL|mock|reference"),
        (["rnu", "mock"], "did you mean run?"),
        ([], "required: COMMAND"),
        (["list", "--level", "MUTS"], "did you mean MUST?"),
        (["list", "--api", "scroe"], "did you mean score?"),
        (["list", "--coverage", "nowhere"], "nowhere: cannot be read"),
        (["explain", "RERANK-SEM-6"], "RERANK-SEM-006"),
        (["explain", "nothing"], "ids look like"),
        (["explain", "temprature-range"], "did you mean temperature-range"),
        (["plan", "--only", "RERANK-SM-006"], "Did you mean RERANK-SEM-006"),
        (["plan", "--only", ","], "names no requirement"),
        (["run", "mock", "--dialect", "all", "--only", "META-002"], "one --dialect"),
        (["judge", "nowhere"], "cannot be read"),
        (["report", "nowhere"], "cannot be read"),
        (["diff", "nowhere", "elsewhere"], "cannot be read"),
        (
            ["judge", "x", "--presett=smoke"],
            "See aios-conformance judge",
        ),
        (["site", "", "out"], "argument RUNS_DIR: is empty"),
        (["site", "runs", " "], "argument OUT: is empty"),
        (["lint", ""], "argument DIR: is empty"),
        (["lint", "nowhere"], "nowhere/dialect.yaml: No such file or directory"),
        (["new-dialect", __file__], "is no folder"),
        (["new-dialect", "infinity"], "infinity is taken"),
        (["new-dialect", "x", "--from=aois"], "--from aois: unknown dialect"),
        (["prove", f"--dir={__file__}", "--sample=1"], "cannot be written to"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(words) == 4
    err = capsys.readouterr().err
    assert said in err
    assert err.startswith("aios-conformance: error: ")
    assert err.count("\n") == 1


def test_a_wrong_base_url_leaves_a_truthful_report() -> None:
    with listening(not_found_everywhere) as url:
        assert main(["run", url, SMOKE]) == 4
    written = report(Path("reports/latest"))
    assert written["complete"] is False
    assert written["claim"] == "none"


@pytest.mark.parametrize("words", [["plan"], ["run", "mock", "--plan"]])
def test_a_plan_states_its_ceilings(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main([*words, SMOKE]) == 0
    out = capsys.readouterr().out
    assert "POST /v1/rerank" in out
    assert "Nothing was sent." in out
    assert not Path("reports").exists()
    assert main([*words, SMOKE, "--only", "RERANK-SEM-006,SCORE-SEM-001"]) == 0
    out = capsys.readouterr().out
    assert "POST /v1/rerank" in out
    assert "POST /v1/score" in out
    assert "POST /v1/chat/completions" not in out


def test_the_list_holds_every_requirement(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(row.id in out for row in requirements("aios"))
    assert all(row.topic in out for row in requirements("aios"))
    assert f"{len(requirements('aios'))} requirements" in out


def test_the_list_can_be_narrowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--api", "rerank", "--level", "SHOULD"]) == 0
    ids = [
        line.split()[0]
        for line in capsys.readouterr().out.splitlines()
        if "SHOULD" in line
    ]
    assert ids == [
        row.id
        for row in requirements("aios")
        if (row.api, str(row.level)) == ("rerank", "SHOULD")
    ]


def test_coverage_leads_from_requirement_to_check_to_exchange(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "--coverage", str(runs["encoders_only"])]) == 0
    (line,) = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("RERANK-SEM-006")
    ]
    assert "scores_never_rise" in line
    assert " pass " in line
    assert " ex-" in line


def test_explain_tells_statement_sources_ruling_and_checks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "RERANK-SEM-006"]) == 0
    out = capsys.readouterr().out
    row = requirement("RERANK-SEM-006")
    assert row.statement in out
    assert ", ".join(row.sources) in out
    assert "scores_never_rise: Results are ordered" in out
    assert "ruling A-036" in out
    assert "Set AIOS_SOURCES_DIR" in out


def test_explain_takes_a_topic_and_tells_all_rows_about_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", "seed-reproduces"]) == 0
    out = capsys.readouterr().out
    assert "CHAT-SEM-012" in out
    assert "COMP-SEM-009" in out
    assert out.count("topic       seed-reproduces") == 2
    assert out.count("states      what META-050 states") == 2


def test_explain_takes_a_ruling(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "a-036"]) == 0
    assert "rests on it: RERANK-SEM-006" in capsys.readouterr().out


def test_explain_needs_the_documents_to_print_them(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("AIOS_SOURCES_DIR", str(tmp_path))
    assert main(["explain", "RERANK-SEM-006"]) == 4
    assert "holds no file with the SHA-256" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("run", "code"), [("encoders_only", 0), ("total_off_by_one", 1)]
)
def test_a_recording_is_judged_alike_offline(
    runs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    run: str,
    code: int,
) -> None:
    again = tmp_path / "again"
    assert main(["judge", str(runs[run]), f"--report-dir={again}"]) == code
    assert report(again) == report(runs[run])
    (again / "report.json").write_text("{}")
    assert main(["judge", str(again)]) == code
    assert "No report was written" in capsys.readouterr().out
    assert main(["judge", str(again), f"--report-dir={again}"]) == code
    assert report(again) == report(runs[run])


@pytest.mark.parametrize("params", [[1], "x", None, {"a": 1}])
def test_a_recording_that_was_changed_is_no_fault_of_ours(
    runs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    params: Any,
) -> None:
    lines = (runs["encoders_only"] / "exchanges.jsonl").read_text().splitlines()
    changed = [
        json.dumps({**line, "params": params} if "params" in line else line)
        for line in map(json.loads, lines)
    ]
    file = tmp_path / "exchanges.jsonl"
    file.write_text("\n".join(changed) + "\n")
    assert main(["judge", str(tmp_path)]) in (0, 4)

    def slip(_: object) -> None:
        raise TypeError("list indices")

    monkeypatch.setattr(judging, "conclude", slip)
    capsys.readouterr()
    assert main(["judge", str(tmp_path)]) == 4
    said = " ".join(capsys.readouterr().err.split())
    assert "TypeError: list indices), and is not as a run has written it" in said
    assert main(["judge", str(runs["encoders_only"])]) == 3


def test_a_report_that_was_changed_is_refused(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = report(runs["encoders_only"])
    checks = next(row["checks"] for row in content["requirements"] if row["checks"])
    checks[0]["judged"] = 1.0  # which is an integer, as JSON goes
    (tmp_path / "report.json").write_text(json.dumps(content))
    assert main(["report", str(tmp_path)]) == 4
    assert "not as a run has written it" in capsys.readouterr().err


def test_waivers_can_be_tried_offline(runs: dict[str, Path], tmp_path: Path) -> None:
    broken = report(runs["total_off_by_one"])["requirements"]
    ids = [each["id"] for each in broken if each["verdict"] in {"fail", "warn"}]
    waivers = tmp_path / "waivers.yaml"
    entries = [{"id": each, "reason": "x", "expires": "2999-01-01"} for each in ids]
    waivers.write_text(json.dumps(entries))
    words = ["judge", str(runs["total_off_by_one"])]
    assert main(words) == 1
    assert main([*words, f"--waivers={waivers}"]) == 0


def test_reports_are_rewritten_from_what_is_stored(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(runs["total_off_by_one"], copy)
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    for name in WRITERS:
        if name != "report.json":
            (copy / name).unlink()
    assert main(["report", str(copy)]) == 0
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_a_difference_for_the_worse_is_red(
    runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    right, wrong = str(runs["encoders_only"]), str(runs["total_off_by_one"])
    assert main(["diff", right, right]) == 0
    assert main(["diff", wrong, right]) == 0
    capsys.readouterr()
    assert main(["diff", right, wrong]) == 1
    out = capsys.readouterr().out
    assert "COMMON-RES-010" in out
    assert "pass" in out
    assert "0 better" in out


def test_losing_evidence_is_a_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = RequirementResult(
        requirement("EMB-RES-001"), "inconclusive", reason="timeout"
    )
    write_reports(made_result({}), tmp_path / "a")
    write_reports(
        made_result({"EMB-RES-001": lost}, seed=7, complete=False, cut_short="timeout"),
        tmp_path / "b",
    )
    assert main(["diff", "a", "b"]) == 1
    out = capsys.readouterr().out
    assert "EMB-RES-001" in out
    assert "run B was cut short (timeout)" in out
    assert "the runs differ in seed: 0, 7" in out


def test_runs_of_different_dialects_say_what_cannot_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_reports(made_result({}), tmp_path / "a")
    write_reports(made_result({}, dialect="infinity"), tmp_path / "b")
    assert main(["diff", "a", "b"]) == 5
    out = capsys.readouterr().out
    assert "differ in dialect (aios, infinity): requirements cannot be compared" in out


def test_runs_of_several_dialects_are_compared_one_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = RequirementResult(requirement("EMB-RES-001"), "fail", reason="x")
    for run, rows in (("a", {}), ("b", {"EMB-RES-001": lost})):
        write_reports(made_result(rows), tmp_path / run / "aios")
        write_reports(made_result({}, dialect="infinity"), tmp_path / run / "infinity")
        (tmp_path / run / "dialects.json").write_text("{}")
    assert main(["diff", "a", "a"]) == 0
    assert main(["diff", "a", "b", "--report-dir", "c"]) == 1
    out = capsys.readouterr().out
    assert "1 worse" in out.split("dialect aios")[-1].split("dialect infinity")[0]
    assert "0 worse" in out.split("dialect infinity")[-1]
    assert (tmp_path / "c/infinity/drift.html").is_file()


def test_a_foreign_report_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.json").write_text('{"schema_version": 99}')
    assert main(["report", str(tmp_path)]) == 4
    assert "is no report of this suite" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    ["run", "plan", "judge", "report", "list", "explain", "diff", "site", "prove"],
)
def test_every_command_has_help_with_an_example(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"  aios-conformance {command}" in capsys.readouterr().out.replace(
        "AIOS_SOURCES_DIR=documents ", ""
    )


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("aios-conformance 0.")


def test_broken_rows_are_kept_in_the_saved_report(tmp_path: Path) -> None:
    write_reports(made_result(), tmp_path)
    assert main(["report", str(tmp_path)]) == 0
    verdicts = {r["id"]: r["verdict"] for r in report(tmp_path)["requirements"]}
    assert {key: verdicts[key] for key in BROKEN} == {
        key: each.verdict for key, each in BROKEN.items()
    }


def test_a_terminal_of_ascii_will_do(tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "aios_conformance.conformance", "plan", "mock"]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(
        [*words, "--bad-option=é"],
        check=False,
        cwd=tmp_path,
        env=ascii_only,
        capture_output=True,
    )
    assert ended.returncode == 4
    assert b"unrecognized arguments: --bad-option=?" in ended.stderr
