"""A slice of the proof: the same few defects and variations, each time."""

import json
import subprocess
import sys
from pathlib import Path


def proved(folder: Path, *words: str) -> str:
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
    assert ended.returncode == 0, said
    return said


DEFECTS = (
    "chat_penalties_ignored",
    "completions_total_is_one_more",
    "embeddings_breaks_down_on_other_bytes",
)
VARIATION = "everything_escaped"
EXHIBIT = "rerank-top-n-not-read"


def test_a_slice_of_the_kill_matrix_and_of_the_museum_holds(tmp_path: Path) -> None:
    names = (*DEFECTS, VARIATION, EXHIBIT)
    said = proved(tmp_path, *(word for name in names for word in ("--only", name)))
    matrix = json.loads((tmp_path / "part-kill-matrix.json").read_text())
    outcomes = {each["planted"]["name"]: each["outcome"] for each in matrix["trials"]}
    assert outcomes == dict.fromkeys(DEFECTS, "killed") | {VARIATION: "silent"}
    assert (tmp_path / "part-kill-matrix.html").read_text().startswith("<!doctype")
    assert "1 of 1 bugs killed" in said
    assert "mudler/LocalAI#6700" in (tmp_path / "part-museum.md").read_text()
