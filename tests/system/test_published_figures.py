"""The figures in prose are those of the published data."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "reports"
PROOF = REPORTS / "proof"


def figures(name: str) -> Any:
    return json.loads((PROOF / f"{name}.json").read_bytes())["figures"]


def table(text: str) -> list[list[str]]:
    """The cells of the lines of tables."""
    lines = (line.strip() for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("dialect", ["aios", "infinity", "aigne-hub", "aihubmix"])
def test_the_page_of_the_proof_says_what_the_matrices_say(dialect: str) -> None:
    text = (PROOF / "README.md").read_text("utf-8")
    (said,) = [row for row in table(text) if row[0] == dialect]
    told = figures("kill-matrix" if dialect == "aios" else f"kill-matrix-{dialect}")
    assert said[1:4] == [
        f"{told['precise']} of {told['defects']}",
        f"{told['silent']} of {told['variations']}",
        f"{told['proved']} of {told['requirements']}",
    ]


def test_the_museum_and_the_matrix_are_told_alike_everywhere() -> None:
    bugs, rows = figures("museum"), figures("kill-matrix")
    killed = f"{bugs['killed']} of {bugs['bugs']}"
    page = (PROOF / "README.md").read_text("utf-8")
    assert f"kills {killed}, {bugs['killed_by_each_hundred_requests']} by each" in page
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"{killed} public bugs" in readme
    assert f"{rows['precise']} of {rows['defects']} defects killed" in readme
    assert f"{rows['silent']} of {rows['variations']} variations" in readme
    assert f"{rows['proved']} of {rows['requirements']} MUST and SHOULD" in readme


def judged(folder: Path) -> list[Any]:
    return [json.loads(path.read_bytes()) for path in folder.rglob("report.json")]


def test_the_index_of_the_reports_says_what_they_say() -> None:
    text = (REPORTS / "README.md").read_text("utf-8")
    listed: dict[str, list[tuple[Any, ...]]] = {}
    for row in table(text):
        if link := re.search(r"\]\(([^)]+)/\)", row[0]):
            counts = (*map(int, row[2:6]), row[7].rpartition(" ")[2])
            cut = "cut short" in row[1]
            listed.setdefault(link[1], []).append((*counts, cut))
    found = {
        folder.name: sorted(
            (
                *(report["summary"][verdict] for verdict in ("pass", "warn", "fail")),
                len(report["causes"]),
                report["started"][:10],
                not report["complete"],
            )
            for report in reports
        )
        for folder in REPORTS.iterdir()
        if folder.name != "latest" and folder.is_dir() and (reports := judged(folder))
    }
    assert {name: sorted(rows) for name, rows in listed.items()} == found
