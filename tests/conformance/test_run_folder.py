"""What a run leaves behind, whatever became of it and of its neighbours."""

import gzip
import json
from pathlib import Path

import pytest

from aios_conformance.conformance.observing.recording import FILE_NAME, read_recording
from aios_conformance.conformance.options.values import OptionError, RunOptions
from aios_conformance.conformance.running import run_folder as module
from aios_conformance.conformance.running.conclude import conclude
from aios_conformance.conformance.running.run_folder import EARLIER, KEPT, run_folder
from aios_conformance.conformance.running.session import run_and_report


def ran(directory: Path, started: str = "2026-01-01T00:00:00Z") -> None:
    """A run that leaves a report and a recording."""
    with run_folder(directory) as folder:
        report = json.dumps({"started": started})
        (folder.aside / "report.json").write_text(report)
        (folder.aside / FILE_NAME).write_text(started)
        folder.publish()


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    in_use = pytest.raises(OptionError, match="another run writes")
    with run_folder(tmp_path), in_use, run_folder(tmp_path):
        pass
    ran(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", FILE_NAME}


def test_what_is_not_published_touches_nothing(tmp_path: Path) -> None:
    ran(tmp_path)
    with run_folder(tmp_path) as folder:
        (folder.aside / FILE_NAME).write_text("half")
    assert (tmp_path / FILE_NAME).read_text() == "2026-01-01T00:00:00Z"


def test_a_run_that_could_not_start_keeps_the_last_report(tmp_path: Path) -> None:
    nowhere = RunOptions("http://127.0.0.1:9", report_dir=tmp_path)
    assert run_and_report(nowhere, lambda _: None).exit_code(()) == 4
    first = (tmp_path / "report.json").read_bytes()  # better than none
    ran(tmp_path)
    assert (tmp_path / "report.json").read_bytes() != first
    assert run_and_report(nowhere, lambda _: None).exit_code(()) == 4
    assert (tmp_path / FILE_NAME).read_text() == "2026-01-01T00:00:00Z"


def test_latest_keeps_the_runs_before_it(tmp_path: Path) -> None:
    for day in range(1, KEPT + 4):
        ran(tmp_path / "latest", f"2026-01-{day:02}T00:00:00Z")
    kept = sorted(path.name for path in (tmp_path / EARLIER).iterdir())
    assert kept == [f"2026-01-{day:02}T00-00-00Z" for day in range(3, KEPT + 3)]
    assert (tmp_path / EARLIER / kept[0] / FILE_NAME).is_file()


def test_a_report_before_that_names_a_path_is_not_followed(tmp_path: Path) -> None:
    latest = tmp_path / "in" / "latest"
    for started in ("../../../out", "2026-01-01T00:00:00Z"):
        ran(latest, started)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_comparison_goes_with_its_runs(tmp_path: Path) -> None:
    latest = tmp_path / "latest"
    for folder, started in (
        (latest, "2026-01-01T00:00:00Z"),
        (latest / "against", "x"),
    ):
        ran(folder, started)
    (latest / "parity.html").write_text("both")
    ran(latest, "2026-01-02T00:00:00Z")
    kept = tmp_path / EARLIER / "2026-01-01T00-00-00Z"
    assert (kept / "parity.html").read_text() == "both"
    assert (kept / "against" / FILE_NAME).read_text() == "x"
    assert not (latest / "parity.html").exists()
    elsewhere = tmp_path / "named"
    ran(elsewhere)
    (elsewhere / "parity.html").write_text("of another run")
    ran(elsewhere)
    assert not (elsewhere / "parity.html").exists()


def test_a_large_recording_is_packed_and_judged_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PACKED_FROM", 1)
    options = RunOptions("mock", preset="smoke", apis=("score",), report_dir=tmp_path)
    result = run_and_report(options, lambda _: None).result
    assert not (tmp_path / FILE_NAME).exists()
    assert gzip.decompress((tmp_path / f"{FILE_NAME}.gz").read_bytes()).endswith(b"\n")
    assert conclude(read_recording(tmp_path)).summary == result.summary
