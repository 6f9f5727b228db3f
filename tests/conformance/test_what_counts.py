"""What counts: by `--baseline` what has become worse, by `--requirements` an edition.

What does not count is told all the same, and why it does not.
"""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from miniatures import encoders_only, listening, total_off_by_one
from results import BROKEN, made_result

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.judging.against import against
from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.options.values import Baseline
from aios_conformance.conformance.reporting import write_reports
from aios_conformance.conformance.terms.result import RequirementResult
from aios_conformance.spec import _editions, editions, requirement

pytest_plugins = ["pytester"]
QUICK = ("--preset=smoke", "--apis=embeddings")
TOTAL = "EMB-RES-013"  # what the wrong server breaks


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recorded runs of a right and a wrong server."""
    folder = tmp_path_factory.mktemp("baselines")
    for name, behaviour in (("right", encoders_only), ("wrong", total_off_by_one)):
        with listening(behaviour) as url:
            main(["run", url, *QUICK, f"--report-dir={folder / name}"])
    return {name: folder / name for name in ("right", "wrong")}


def report(directory: Path) -> Any:
    return json.loads((directory / "report.json").read_bytes())


@pytest.mark.parametrize(
    ("before", "change", "code"), [("right", "new", 1), ("wrong", "known", 0)]
)
def test_red_is_only_what_has_become_worse(
    runs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: str,
    change: str,
    code: int,
) -> None:
    """And every report says which is which."""
    words = [f"--baseline={runs[before]}", f"--report-dir={tmp_path}"]
    assert main(["judge", str(runs["wrong"]), *words]) == code
    told = {"new": "new", "known": "known from the baseline"}[change]
    assert f"fail  {told} " in capsys.readouterr().out
    written = report(tmp_path)
    (row,) = [each for each in written["requirements"] if each["id"] == TOTAL]
    assert (row["verdict"], row["change"]) == ("fail", change)
    assert row["before"] == {"new": "pass", "known": "fail"}[change]
    assert written["baseline"]["place"] == str(runs[before])
    assert f"{told}: <b>" in (tmp_path / "report.md").read_text()
    html = (tmp_path / "report.html").read_text()
    assert "Against " in html
    assert f" ({told})" in html
    suites = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314  our own file
    assert (suites.get("failures") != "0") is (code == 1)
    # what is written anew from the report says the same
    page = (tmp_path / "report.md").read_text()
    assert main(["report", str(tmp_path)]) == 0
    assert (tmp_path / "report.md").read_text() == page


def test_what_is_known_stays_red_of_another_kind_until_it_is_waived(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    """The claim is that of the run, whatever was known before."""
    words = [f"--baseline={runs['wrong']}/report.json", f"--report-dir={tmp_path}"]
    assert main(["judge", str(runs["wrong"]), *words]) == 0
    assert report(tmp_path)["claim"] == "none"
    assert report(tmp_path)["summary"] == report(runs["wrong"])["summary"]


def test_pytest_expects_what_is_known(
    runs: dict[str, Path], pytester: pytest.Pytester
) -> None:
    with listening(total_off_by_one) as url:
        result = pytester.runpytest(
            "-p", "no:schemathesis", f"--target={url}", *QUICK,
            f"--baseline={runs['wrong']}", "-k", TOTAL, "-rx",
        )  # fmt: skip
    assert result.ret == 0
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines([f"XFAIL *{TOTAL}* - known from the baseline: *"])


@pytest.mark.parametrize(
    ("before", "now", "known"),
    [
        ("fail", "fail", True),
        ("fail", "warn", True),
        ("warn", "warn", True),
        ("waived", "warn", True),
        ("waived", "fail", False),  # the waiver is gone
        ("warn", "fail", False),
        ("pass", "inconclusive", False),
        ("inconclusive", "inconclusive", True),
        ("fail", "inconclusive", True),
        ("inconclusive", "fail", False),  # it was not shown to be broken
        ("not_applicable", "warn", False),
        ("error", "fail", False),
        (None, "fail", False),
    ],
)
def test_known_is_what_was_shown_to_be_as_bad(
    before: str | None, now: Any, known: bool
) -> None:
    row = RequirementResult(requirement(TOTAL), now)
    (after,) = against([row], baseline(before))
    assert after.change == ("known" if known else "new")


def test_an_api_that_was_lost_is_red(tmp_path: Path) -> None:
    """And one outside the declared scope is not."""
    gone = "the score API is absent"
    row = RequirementResult(requirement("SCORE-REQ-004"), "not_applicable", gone)
    for reasons, code in (([gone], 1), ([], 0)):
        (after,) = against([row], baseline("pass", row.requirement.id), reasons)
        others = {"SCORE-REQ-004": after}
        result = made_result(others, baseline=baseline("pass"))
        assert exit_code(result) == code
        write_reports(result, tmp_path)
        text = (tmp_path / "junit.xml").read_text()
        assert ("lost since the baseline" in text) is (code == 1)
        assert ("Lost: SCORE-REQ-004." in (tmp_path / "report.md").read_text()) is (
            code == 1
        )


def test_without_a_baseline_nothing_is_said_of_one(tmp_path: Path) -> None:
    write_reports(made_result(BROKEN), tmp_path)
    assert report(tmp_path)["baseline"] is None
    assert {each["change"] for each in report(tmp_path)["requirements"]} == {None}


def baseline(verdict: str | None, row: str = TOTAL) -> Baseline:
    known = {} if verdict is None else {row: verdict}
    return Baseline("old", "http://h", "2026-11-01T00:00:00Z", "1", "0" * 64, known)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere", "--baseline nowhere: cannot be read"),
        (".", "holds report.json (right, wrong have one)"),
        ("right/junit.xml", "is no report of this suite"),
        ("right", "judged under the dialect aios, and this run is under infinity"),
    ],
)
def test_a_baseline_that_is_none_is_told(
    runs: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    said: str,
) -> None:
    monkeypatch.chdir(runs["right"].parent)
    words = ["run", "mock", "--dialect=infinity", f"--baseline={place}"]
    assert main(words) == 4
    assert said in capsys.readouterr().err


@pytest.fixture
def older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: dict[str, Path]
) -> str:
    """An edition of before the rows were written that the wrong server breaks."""
    (newest,) = list(editions().values())[-1:]
    broken = fails(runs["wrong"])
    rows = {k: level for k, level in newest.rows["aios"].items() if k not in broken}
    old = {"edition": "2025.1", "published": "2025-01-01", "rows": {"aios": rows}}
    (tmp_path / "2025.1.json").write_text(json.dumps(old))
    monkeypatch.setattr(_editions, "FOLDER", tmp_path)
    return "2025.1"


def fails(folder: Path) -> list[str]:
    rows = report(folder)["requirements"]
    return [each["id"] for each in rows if each["verdict"] == "fail"]


def test_what_is_newer_than_the_edition_runs_unscored(
    runs: dict[str, Path],
    tmp_path: Path,
    older: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    words = [f"--requirements={older}", f"--report-dir={out}"]
    assert main(["judge", str(runs["wrong"]), *words]) == 0
    assert "newer rows unscored" in " ".join(capsys.readouterr().out.split())
    written = report(out)
    assert written["not_scored"] == fails(runs["wrong"])
    assert written["summary"]["fail"] == 0
    assert written["edition"]["name"] == older
    assert written["edition"]["asked_for"] is True
    (row,) = [each for each in written["requirements"] if each["id"] == TOTAL]
    assert (row["verdict"], row["scored"]) == ("fail", False)
    assert "not scored: <b>" in (out / "report.md").read_text()
    assert 'message="not scored, fail: ' in (out / "junit.xml").read_text()
    digest = written["edition"]["sha256"]
    for name in ("report.md", "report.html", "junit.xml"):
        assert digest in (out / name).read_text()


def test_pytest_skips_what_is_newer(
    runs: dict[str, Path], pytester: pytest.Pytester, older: str
) -> None:
    with listening(total_off_by_one) as url:
        result = pytester.runpytest(
            "-p", "no:schemathesis", f"--target={url}", *QUICK,
            f"--requirements={older}", "-k", TOTAL, "-rs",
        )  # fmt: skip
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * not scored, newer than the edition; *"])


def test_a_whole_set_of_rows_is_named_by_its_edition(runs: dict[str, Path]) -> None:
    told = report(runs["right"])["edition"]
    newest = list(editions().values())[-1]
    assert told["sha256"] == newest.sha256("aios")
    assert (told["name"], told["asked_for"]) == (newest.name, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--requirements=2024"], "there is no edition 2024; valid are 2025.1"),
        (
            ["--requirements=2025.1", "--dialect=infinity"],
            "edition 2025.1 has no rows of the dialect infinity, but of aios",
        ),
    ],
)
def test_an_edition_that_is_none_is_told(
    capsys: pytest.CaptureFixture[str], older: str, words: list[str], said: str
) -> None:
    assert main(["run", "mock", *words]) == 4
    assert said in capsys.readouterr().err


def test_the_editions_are_listed(
    capsys: pytest.CaptureFixture[str], older: str
) -> None:
    assert main(["editions"]) == 0
    head, line, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["edition", "published", "rows", "newer", "rows", "sha256"]
    assert line.split()[0] == older
    assert int(line.split()[3]) > 0
    assert main(["editions", "--dialect=infinity"]) == 0
    assert "no edition of the dialect infinity" in capsys.readouterr().out
