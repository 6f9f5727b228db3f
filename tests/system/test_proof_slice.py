"""A slice of the proof: the same few defects and variations, each time."""

import json
import signal
import subprocess
import sys
from pathlib import Path

PROVE = (sys.executable, "-m", "aios_conformance.conformance", "prove", "--dir")


def proved(folder: Path, *words: str) -> str:
    """What the command says, on one line."""
    ended = subprocess.run(
        [*PROVE, str(folder), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    said = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode == 0, said
    return said


def stopped_after_the_first(folder: Path, *words: str) -> tuple[int, str]:
    """How a proof ends when SIGTERM meets its second trial twice, and what it says."""
    with subprocess.Popen(
        [*PROVE, str(folder), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout
        assert any("1 of" in line for line in running.stdout)
        running.send_signal(signal.SIGTERM)
        kept = running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=600)
    return running.returncode, " ".join((kept + said).split())


DEFECTS = (
    "chat_penalties_ignored",
    "completions_total_is_one_more",
    "embeddings_breaks_down_on_other_bytes",
)
VARIATION = "everything_escaped"
EXHIBIT = "rerank-top-n-not-read"


def test_a_slice_of_the_kill_matrix_and_of_the_museum_holds(tmp_path: Path) -> None:
    folder = tmp_path / "proof"
    names = (*DEFECTS, VARIATION, EXHIBIT)
    words = [word for name in names for word in ("--only", name)]
    code, said = stopped_after_the_first(folder, "--jobs", "1", *words)
    assert code == 2
    assert "Traceback" not in said
    assert "1 of 5 trials are kept" in said
    said = proved(folder, *words)
    assert "trials.jsonl: 1 trials" in said
    matrix = json.loads((folder / "part-kill-matrix.json").read_text())
    outcomes = {each["planted"]["name"]: each["outcome"] for each in matrix["trials"]}
    assert outcomes == dict.fromkeys(DEFECTS, "killed") | {VARIATION: "silent"}
    assert (folder / "part-kill-matrix.html").read_text().startswith("<!doctype")
    assert "1 of 1 bugs killed" in said
    assert "mudler/LocalAI#6700" in (folder / "part-museum.md").read_text()
