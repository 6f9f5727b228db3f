"""A slice of the proof: the same few defects and variations, each time."""

import json
import subprocess
import sys
from pathlib import Path


def proved(folder: Path, *words: str, expect: int = 0) -> str:
    """What the command says, on one line."""
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "aios_conformance.conformance", "prove"),
            *("--dir", str(folder), *words),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    said = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == expect, said
    return said


def test_a_slice_of_the_kill_matrix_holds(tmp_path: Path) -> None:
    proved(tmp_path, "--dialect", "aios", "--sample", "8")
    matrix = json.loads((tmp_path / "part-kill-matrix.json").read_text())
    outcomes = [trial["outcome"] for trial in matrix["trials"]]
    assert len(outcomes) == 8
    assert set(outcomes) <= {"killed", "silent"}
    assert (tmp_path / "part-kill-matrix.html").read_text().startswith("<!doctype")


def test_an_exhibit_of_the_museum_can_be_tried_by_name(tmp_path: Path) -> None:
    said = proved(tmp_path, "--only", "rerank-top-n-not-read")
    assert "1 of 1 bugs killed" in said
    assert "mudler/LocalAI#6700" in (tmp_path / "part-museum.md").read_text()


def test_an_unknown_defect_is_a_clear_error(tmp_path: Path) -> None:
    said = proved(tmp_path, "--only", "no_such_defect", expect=4)
    assert "Traceback" not in said
