"""`--resume`: a run that was cut short is gone on with, and ends as if it had not been.

A kill is played by the recording that it leaves: half of the lines, the last one cut.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from miniatures import listening, total_off_by_one
from plugged import QUICK, Counting
from plugged import report as latest

from aios_conformance.conformance.cli import main

pytest_plugins = ["pytester"]
SCOPE = ("--preset=smoke", "--apis=embeddings")


def report(folder: Path) -> Any:
    return json.loads((folder / "report.json").read_bytes())


def said(folder: Path) -> Any:
    """What a run found, whatever it cost in time."""
    rows = report(folder)["requirements"]
    return [(r["id"], r["verdict"], r["evidence"], r["reproduced"]) for r in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counting, str]:
    """A run of a wrong server that was not cut short."""
    folder, server = tmp_path_factory.mktemp("whole"), Counting(total_off_by_one)
    with listening(server) as url:
        assert main(["run", url, *SCOPE, f"--report-dir={folder}"]) == 1
    return folder, server, url


def cut(whole: tuple[Path, Counting, str], folder: Path, url: str, share: float) -> int:
    """Leave a share of a recording as a killed run does; the answers in it."""
    text = (whole[0] / "exchanges.jsonl").read_text().replace(whole[2], url)
    exchanges = [e for e in text.splitlines(keepends=True) if '"exchange"' in e[:30]]
    head = text.splitlines(keepends=True)[:1]
    kept = exchanges[: int(len(exchanges) * share)]
    aside = folder / ".unfinished"
    aside.mkdir()
    torn = exchanges[-1][:40]
    (aside / "exchanges.jsonl").write_text("".join([*head, *kept, torn]))
    return len(kept)


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_killed_run_is_gone_on_with(
    whole: tuple[Path, Counting, str], tmp_path: Path, share: float
) -> None:
    """In the middle of recording, and where findings are sent again."""
    server = Counting(total_off_by_one)
    with listening(server) as url:
        kept = cut(whole, tmp_path, url, share)
        assert main(["run", url, *SCOPE, f"--report-dir={tmp_path}", "--resume"]) == 1
    assert server.asked == whole[1].asked - kept
    assert said(tmp_path) == said(whole[0])
    written = report(tmp_path)
    assert (written["complete"], written["claim"]) == (True, "none")
    assert written["usage"] == report(whole[0])["usage"]
    (resumed,) = written["resumed"]
    assert resumed["answers"] == kept
    assert "broken off" in resumed["cut_short"]
    assert not (tmp_path / ".unfinished").exists()
    assert "Resumed at " in (tmp_path / "report.md").read_text()
    # the recording tells the same, offline
    assert main(["judge", str(tmp_path)]) == 1
    assert report(tmp_path) == written


def test_a_recording_that_is_cut_is_gone_on_with(
    whole: tuple[Path, Counting, str], tmp_path: Path
) -> None:
    with listening(Counting(total_off_by_one)) as url:
        text = (whole[0] / "exchanges.jsonl").read_text().replace(whole[2], url)
        (tmp_path / "exchanges.jsonl").write_text(text[: len(text) // 2])
        words = ["run", url, *SCOPE, f"--report-dir={tmp_path}", "--resume"]
        assert main(words) == 1
    assert said(tmp_path) == said(whole[0])


def test_a_limit_may_be_raised(
    whole: tuple[Path, Counting, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, place = Counting(total_off_by_one), f"--report-dir={tmp_path}"
    with listening(server) as url:
        main(["run", url, *SCOPE, place, "--max-requests=9"])
        assert report(tmp_path)["cut_short"] == "--max-requests 9"
        assert "--resume goes on with this run" in capsys.readouterr().out
        # another run than this one is not gone on with, and nothing is lost by asking
        wrong = ["run", url, *SCOPE, place, "--resume", "--hypothesis-seed=1"]
        assert main([*wrong, "--apis=score"]) == 4
        told = capsys.readouterr().err
        assert "--hypothesis-seed (was 0, now 1); --apis (was embeddings, now" in told
        assert main(["run", url, *SCOPE, place, "--resume"]) == 1
        assert main(["run", url, *SCOPE, place, "--resume"]) == 4
    assert "the run there is whole" in capsys.readouterr().err
    assert server.asked == whole[1].asked
    assert said(tmp_path) == said(whole[0])
    assert report(tmp_path)["resumed"][0]["cut_short"] == "--max-requests 9"


def test_without_a_run_there_is_nothing_to_go_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "mock", f"--report-dir={tmp_path}", "--resume"]
    assert main(words) == 4
    assert "holds no run that was cut short" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_pytest_goes_on_too(pytester: pytest.Pytester) -> None:
    row = "COMMON-RES-010"
    words = (*QUICK, "--apis=embeddings", "-k", row)
    whole, parts = Counting(total_off_by_one), Counting(total_off_by_one)
    with listening(whole) as url:
        pytester.runpytest(f"--target={url}", *words)
    with listening(parts) as url:
        pytester.runpytest(f"--target={url}", *words, "--max-requests=8")
        other = pytester.runpytest(f"--target={url}", *QUICK, "--resume")
        assert other.ret == 4
        other.stderr.fnmatch_lines(["*these differ: --apis (*; the selected*"])
        result = pytester.runpytest(f"--target={url}", *words, "--resume")
    assert result.ret == 1
    assert parts.asked == whole.asked
    assert latest(pytester.path)["resumed"]
