"""A dialect of somebody else: a folder in an empty directory, no line of Python."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from installed import run

ACME = Path(__file__).with_name("acme")
"""Embeddings on a path of their own, with a required user and at most 16 inputs."""


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    shutil.copytree(ACME, tmp_path / "acme")
    return tmp_path


@contextmanager
def mocked(scripts: Path, folder: Path, *more: str) -> Iterator[str]:
    """The installed mock of the dialect in `folder`."""
    words = [str(scripts / "aios-mock"), "--port", "0", "--dialect", "acme", *more]
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            said = (line.partition("listening on ")[2] for line in process.stdout)
            yield next(address.split()[0] for address in said if address)
        finally:
            process.terminate()


def verdicts(folder: Path) -> dict[str, str]:
    written: Any = json.loads((folder / "reports/latest/report.json").read_bytes())
    return {row["id"]: row["verdict"] for row in written["requirements"]}


def test_its_mock_is_judged_green(acme: Path, scripts: Path) -> None:
    with mocked(scripts, acme) as url:
        words = [str(scripts / "aios-conformance"), "run", url, "--dialect", "acme"]
        run(words, cwd=acme)
        assert set(verdicts(acme).values()) == {"pass"}
        run([str(scripts / "pytest"), f"--target={url}", "--dialect=acme"], cwd=acme)
    assert set(verdicts(acme).values()) == {"pass"}
    again = [str(scripts / "aios-conformance"), "judge", "reports/latest"]
    run([*again, "--dialect", "acme"], cwd=acme)


def test_a_mock_that_breaks_a_row_is_judged_red(acme: Path, scripts: Path) -> None:
    with mocked(scripts, acme, "--defect", "unrefused:ACME-REQ-007") as url:
        words = [str(scripts / "aios-conformance"), "run", url, "--dialect", "acme"]
        run(words, cwd=acme, expect=1)
    assert verdicts(acme)["ACME-REQ-007"] == "fail"  # seventeen inputs are taken


def test_it_is_proved(acme: Path, scripts: Path) -> None:
    words = [str(scripts / "aios-conformance"), "prove", "--dialect", "acme"]
    text = " ".join(run(words, cwd=acme).split())
    assert "13 of 13 defects killed, 13 of them precisely" in text
    assert "13 of 13 MUST and SHOULD rows proved" in text
    assert (acme / "reports/proof/kill-matrix-acme.json").exists()


def test_a_folder_is_written_and_checked(tmp_path: Path, scripts: Path) -> None:
    command = str(scripts / "aios-conformance")
    run([command, "new-dialect", "beta", "--from", "infinity"], cwd=tmp_path)
    text = run([command, "lint", "beta"], cwd=tmp_path)
    assert "BETA-REQ-003" in text
    rows = tmp_path / "beta/requirements.yaml"
    rows.write_text(rows.read_text().replace("statement:", "statment:", 1))
    text = run([command, "lint", "beta"], cwd=tmp_path, expect=1)
    assert "requirements.yaml:6: unknown key 'statment': did you mean" in text
    text = run([command, "lint", "gamma"], cwd=tmp_path, expect=4)
    assert "gamma" in text
    run([command, "new-dialect", "delta"], cwd=tmp_path)  # of our largest
    assert "DELTA-META-001" in run([command, "lint", "delta"], cwd=tmp_path)


def test_an_unknown_dialect_names_the_nearest(tmp_path: Path, scripts: Path) -> None:
    words = [str(scripts / "pytest"), "--target=mock", "--dialect=infinty"]
    text = run(words, cwd=tmp_path, expect=4)
    assert "did you mean infinity?" in text
