"""`site`: the history of servers as a static site."""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from results import made_result

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.comparing.history import histories
from aios_conformance.conformance.comparing.run_records import run_records
from aios_conformance.conformance.reporting import write_reports
from aios_conformance.conformance.terms.result import RequirementResult, Verdict
from aios_conformance.spec import requirement

ROW = "RERANK-SEM-006"


def run(folder: Path, day: int, verdict: Verdict = "pass", **over: object) -> None:
    """Write a run of some day; one requirement may be broken."""
    result = RequirementResult(requirement(ROW), verdict)
    started = f"2026-11-{day:02}T00:00:00Z"
    write_reports(made_result({ROW: result}, started=started, **over), folder)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Runs of two servers; one broke a requirement and mended it."""
    root = tmp_path / "runs"
    for day, verdict in ((1, "pass"), (2, "fail"), (3, "fail"), (4, "pass")):
        run(root / f"acme-1.{day}", day, verdict)  # type: ignore[arg-type]
    run(root / "other-2.0" / "rerank\udcff", 5, "fail")  # any bytes name a folder
    return root


def links(page: Path) -> list[tuple[Path, str]]:
    """Where the links of a page lead: files and the ids in them."""
    found = re.findall(r'href="([^"]*)"', page.read_text())
    split = (link.partition("#") for link in found)
    return [
        (page.parent / os.fsdecode(unquote_to_bytes(path)), part)
        for path, _, part in split
        if path
    ]


@pytest.mark.parametrize("inside", [True, False])
def test_every_link_leads_to_a_page_that_has_its_part(
    runs: Path, tmp_path: Path, inside: bool
) -> None:
    out = runs / "site" if inside else tmp_path / "site"
    assert main(["site", str(runs), str(out)]) == 0
    pages = [out / "index.html", *(out / "servers").glob("*.html")]
    assert len(pages) == 3
    targets = {link for page in pages for link in links(page)}
    assert any(part == ROW for _, part in targets)
    for path, part in targets:
        assert not part or f'id="{part}"' in path.read_text()
    if not inside:
        assert all(out in path.resolve().parents for path, _ in targets)
    for page in pages:
        text = page.read_text()
        assert "<script" not in text
        assert not re.search(r'(src|href)="(https?:)?//', text)


def test_the_index_says_what_broke_and_which_run_broke_it(runs: Path) -> None:
    found = {h.server: h for h in histories(run_records(runs).runs)}
    (broke,) = found["acme"].breaks
    assert (broke.row.id, broke.good.version, broke.bad.version) == (ROW, "1.1", "1.2")
    assert broke.mended is not None
    assert broke.mended.version == "1.4"
    trend = [(s.verdict, len(s.runs)) for s in found["acme"].trend(ROW)]
    assert trend == [("pass", 1), ("fail", 2), ("pass", 1)]
    assert found["other"].breaks == []
    main(["site", str(runs), str(runs / "site")])
    index = (runs / "site" / "index.html").read_text()
    assert "5 runs of 2 servers" in index
    assert f'href="../acme-1.2/report.html#{ROW}"' in index
    assert f'href="../other-2.0/rerank%FF/report.html#{ROW}"' in index
    page = (runs / "site" / "servers" / "acme-aios.html").read_text()
    assert "fail in 2 runs, 1.2 to 1.3" in page
    assert "aios-conformance run http" in page


ON_ALL = "COMMON-RES-005"


def judging(folder: Path, day: int, rows: dict[str, Verdict], **over: object) -> None:
    """Write a run that judged some rows, and no other."""
    results = {
        name: RequirementResult(requirement(name), v) for name, v in rows.items()
    }
    started = f"2026-11-{day:02}T00:00:00Z"
    write_reports(made_result(results, started=started, **over), folder)
    report = json.loads((folder / "report.json").read_bytes())
    report["requirements"] = [r for r in report["requirements"] if r["id"] in rows]
    (folder / "report.json").write_text(json.dumps(report))


def test_runs_of_other_apis_neither_break_nor_mend_a_row_on_all(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    judging(home / "acme-1" / "chat", 1, {"CHAT-RES-001": "pass", ON_ALL: "pass"})
    judging(home / "acme-1" / "emb", 2, {"EMB-RES-001": "fail", ON_ALL: "fail"})
    (found,) = histories(run_records(home).runs)
    assert found.breaks == []
    assert [run.path for run in found.current] == ["acme-1/chat", "acme-1/emb"]
    # the worst of both, told by the run that says so
    (cell,) = found.cell("common", "MUST")
    assert (cell.row.verdict, cell.run.path) == ("fail", "acme-1/emb")
    assert main(["site", str(home), str(home / "site")]) == 0
    index = (home / "site" / "index.html").read_text()
    assert f'href="../acme-1/emb/report.html#{ON_ALL}"' in index
    # the same API once more: now it is broken, and then mended by it alone
    judging(home / "acme-2" / "chat", 3, {"CHAT-RES-001": "pass", ON_ALL: "fail"})
    judging(home / "acme-3" / "emb", 4, {"EMB-RES-001": "pass", ON_ALL: "pass"})
    (found,) = histories(run_records(home).runs)
    (broke,) = [each for each in found.breaks if each.row.id == ON_ALL]
    assert (broke.good.path, broke.bad.path) == ("acme-1/chat", "acme-2/chat")
    assert broke.mended is None
    judging(home / "acme-4" / "chat", 5, {"CHAT-RES-001": "pass", ON_ALL: "pass"})
    (found,) = histories(run_records(home).runs)
    (broke,) = [each for each in found.breaks if each.row.id == ON_ALL]
    assert broke.mended is not None
    assert broke.mended.path == "acme-4/chat"


def test_a_cell_for_want_of_a_whole_run_is_marked(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    judging(home / "acme-1" / "emb", 1, {"EMB-RES-001": "pass"})
    cut = {"complete": False, "cut_short": "--max-time 5"}
    judging(home / "acme-1" / "chat", 2, {"CHAT-RES-001": "fail"}, **cut)
    assert main(["site", str(home), str(home / "site")]) == 0
    index = (home / "site" / "index.html").read_text()
    assert ">0/1*</a>" in index
    assert "* is told by a run that was cut short" in index
    page = (home / "site" / "servers" / "acme-aios.html").read_text()
    assert "MUST (1, cut short)" in page


def test_what_is_no_run_is_named_and_left_out(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "empty").mkdir()
    (runs / "notes.txt").write_text("hello")
    for name, text in (("cut", '{"schema'), ("foreign", "[1]"), ("bare", "{}")):
        (runs / name).mkdir()
        (runs / name / "report.json").write_text(text)
    run(runs / "acme-1.5", 6, complete=False, cut_short="--max-time 5")
    assert main(["site", str(runs), str(runs / "site")]) == 0
    out = capsys.readouterr().out
    for name in ("empty", "notes.txt", "cut", "foreign", "bare"):
        assert f"{runs / name} is no run" in out
    assert "6 runs of 2 servers" in out
    index = (runs / "site" / "index.html").read_text()
    assert "cut short: --max-time 5" in index
    main(["site", str(runs), str(runs / "site")])  # its own pages are no runs
    assert "site is no run" not in capsys.readouterr().out


def test_a_record_says_what_folders_do_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "a", 1)
    run(tmp_path / "b", 2, "fail")
    for name, commit in (("a", "1111111"), ("b", "2222222222222222")):
        said = {"server": "<engine>", "commit": commit, "reproduce": "engine --port 1"}
        (tmp_path / name / "record.json").write_text(json.dumps(said))
    (history,) = histories(run_records(tmp_path).runs)
    assert [each.label for each in history.runs] == ["1111111", "222222222222"]
    assert main(["site", str(tmp_path), str(tmp_path / "site")]) == 0
    (page,) = (tmp_path / "site" / "servers").glob("*.html")
    assert "&lt;engine&gt; under aios" in page.read_text()
    assert "engine --port 1" in page.read_text()
    assert capsys.readouterr().out.startswith("2 runs of 1 server: ")
    (tmp_path / "a" / "record.json").write_text('{"server": "e", "comit": "1"}')
    main(["site", str(tmp_path), str(tmp_path / "site")])
    told = capsys.readouterr().out
    assert "a/record.json: comit not read (server, version, commit, " in told
    (tmp_path / "a" / "record.json").write_text('{"version": 3}')
    assert "record.json beside it is wrong" in run_records(tmp_path).skipped["a"]


def test_runs_without_names_belong_together_by_their_host(tmp_path: Path) -> None:
    for day, port in ((1, 8000), (2, 9000)):
        folder = tmp_path / "earlier" / f"2026-11-0{day}T00-00-00Z"
        run(folder, day, url=f"http://127.0.0.1:{port}")
    run(tmp_path / "latest", 3, url="https://api.example")
    run(tmp_path / "acme-1.0" / "against", 4, url="http://upstream:1")
    found = {h.server: len(h.runs) for h in histories(run_records(tmp_path).runs)}
    assert found == {"127.0.0.1": 2, "api.example": 1, "upstream:1": 1}


def test_versions_say_what_came_first_and_days_where_there_are_none(
    tmp_path: Path,
) -> None:
    for day, version in ((1, "1.10"), (2, "1.9.2"), (3, "1.10rc1"), (4, "1.10")):
        run(tmp_path / f"{day}" / f"acme-{version}", day)
    (history,) = histories(run_records(tmp_path).runs)
    days = [int(each.report.started[8:10]) for each in history.runs]
    assert days == [2, 3, 1, 4]
    assert history.latest.label == "1.10"
    said = {"server": "acme", "commit": "abc"}
    run(tmp_path / "5", 5)
    (tmp_path / "5" / "record.json").write_text(json.dumps(said))
    (history,) = histories(run_records(tmp_path).runs)
    assert [int(each.report.started[8:10]) for each in history.runs] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "out"], "nowhere: is no folder"),
        (["empty", "out"], "holds no run"),
        (["empty", "empty"], "holds the runs themselves"),
        (["one", "out"], "one: is a run itself. Name the folder above it."),
    ],
)
def test_a_folder_without_runs_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    run(tmp_path / "one", 1)
    assert main(["site", *words]) == 4
    assert said in capsys.readouterr().err
