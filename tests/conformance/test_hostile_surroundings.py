"""Outputs that are closed or full, folders that hold no report: no fault of ours."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aios_conformance.conformance.cli.command import main
from aios_conformance.conformance.observing.recording import RecordingWriter

COMMAND = [sys.executable, "-m", "aios_conformance.conformance"]
FULL = Path("/dev/full")


def ended(how: str, *words: str) -> tuple[int, str]:
    """A command as a shell runs it; its exit code, and all that it says."""
    line = f'set -o pipefail; "$@" {how}'
    found = subprocess.run(
        ["bash", "-c", line, "bash", *COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return found.returncode, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("| head -1", 0),
        ("| true", 0),
        (">&-", 0),
        ("2>&-", 0),
        (">&- 2>&-", 0),
        ("<&-", 0),
        pytest.param(
            ">/dev/full", 4, marks=pytest.mark.skipif(not FULL.exists(), reason="Linux")
        ),
    ],
)
def test_who_does_not_read_makes_no_verdict(how: str, code: int) -> None:
    found, said = ended(how, "list")
    assert "Traceback" not in said
    assert found == code


def refused(folder: Path | str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["run", "http://127.0.0.1:1", f"--report-dir={folder}"]) == 4
    return capsys.readouterr().err


def test_a_folder_that_cannot_be_is_a_wrong_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "in", tmp_path / ("x" * 300), "/proc/none"):
        assert "--report-dir" in refused(folder, capsys)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_disk_that_is_full_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    writers: list[Any] = []

    def full(writer: RecordingWriter, *_: object, **__: object) -> None:
        writers.append(writer)
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(RecordingWriter, "_write", full)
    assert "No space left" in refused(tmp_path, capsys)
    with pytest.raises(
        ValueError, match="closed file"
    ):  # the recording is not left open
        writers[0].header(None)


@pytest.mark.parametrize(
    "text",
    ["[" * 5_000, "{a: " * 5_000, "- 2026-99-99", "\x00", "&a [*a]", "5", "\xff"],
)
def test_a_file_of_nonsense_is_a_wrong_option(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(text.encode("latin-1"))
    for flag in ("--waivers", "--config", "--baseline", "--dialect"):
        words = ["run", "http://127.0.0.1:1", f"{flag}={file}"]
        assert main([*words, f"--report-dir={tmp_path}/made"]) == 4
        assert "Traceback" not in capsys.readouterr().err
    for command in ("judge", "report", "annotate", "lint", "site"):
        more = [f"{tmp_path}/site"] if command == "site" else []
        assert main([command, str(file), *more]) in (0, 2, 4)
        assert "Traceback" not in capsys.readouterr().err
