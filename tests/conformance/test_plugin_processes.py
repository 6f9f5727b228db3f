"""The suite as a pytest run in a process of its own: signals, workers, foreign code."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from miniatures import MODEL, Stalling, encoders_only, listening, total_off_by_one
from plugged import (
    NO_PORT,
    QUICK,
    Counting,
    assert_all_reports,
    report,
    verdicts,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening(encoders_only) as address:
        yield address


def own_process(folder: Path, *words: str, **environ: str) -> tuple[int, str]:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *QUICK, *words],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_workers_judge_and_one_process_records(tmp_path: Path) -> None:
    counting = Counting(total_off_by_one)
    with listening(counting) as address:
        code, text = own_process(tmp_path, f"--target={address}", "-n2", "-rf")
    assert code == 1, text
    assert counting.asked == sum(
        report(tmp_path)["usage"][key] for key in ("requests", "shrink_requests")
    )
    failed = [each for each, found in verdicts(tmp_path).items() if found == "fail"]
    assert failed
    for each in failed:
        assert f"FAILED aios-conformance::test_requirement[{each}] - malformed" in text


def test_a_worker_of_an_unreachable_target_ends(tmp_path: Path) -> None:
    code, text = own_process(tmp_path, f"--target={NO_PORT}", "-n1")
    assert code == 4
    assert "does not answer" in text
    assert "Traceback" not in text
    assert_all_reports(tmp_path, complete=False)


@pytest.mark.parametrize(
    ("front", "number"),
    [
        ("pytest", signal.SIGINT),
        ("conformance", signal.SIGINT),
        ("conformance", signal.SIGTERM),
    ],
)
def test_a_signal_leaves_all_reports(
    tmp_path: Path, front: str, number: signal.Signals
) -> None:
    words = {
        "pytest": ["pytest", *QUICK, "--target"],
        "conformance": ["aios_conformance.conformance", "run", "--preset=smoke"],
    }[front]
    stalling = Stalling(after=15)
    with listening(stalling) as address:
        with subprocess.Popen(
            [sys.executable, "-m", *words, address],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # a shell that runs us in its background has us ignore Ctrl-C
            preexec_fn=lambda: signal.signal(  # noqa: PLW1509  no threads that fork
                signal.SIGINT, signal.SIG_DFL
            ),
        ) as process:
            assert stalling.stalled.wait(60)
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
        stalling.release.set()
    assert process.returncode == 2
    assert b"Traceback" not in output
    assert_all_reports(tmp_path, complete=False)
    assert report(tmp_path)["cut_short"] == "interrupted"


FOREIGN_CONFTEST = """
def pytest_addoption(parser):
    parser.addoption("--target", choices=["staging", "live"])
    parser.addoption("--model", type=int, default=3)
"""
FOREIGN_INI = """
[pytest]
testpaths = tests
python_files = check_*.py
python_classes = Check
python_functions = check_*
filterwarnings = error
xfail_strict = true
timeout = 1
session_timeout = 1
addopts = -k nothing --strict-markers -x
"""


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A project with everything that could get in the way."""
    for name in ("conformance", "spec", "serving", "mockserver"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('foreign')")
    (tmp_path / "conftest.py").write_text(FOREIGN_CONFTEST)
    (tmp_path / "pytest.ini").write_text(FOREIGN_INI)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "check_own.py").write_text(
        "import sys\n"
        "def check_own(pytestconfig):\n"
        "    assert pytestconfig.getoption('--model') == 3\n"
        "    assert pytestconfig.getoption('--target') in (None, 'staging')\n"
        "    assert 'conformance' not in sys.modules\n"
    )
    return tmp_path


@pytest.mark.parametrize("words", [[], ["--target=staging"], ["--target", "staging"]])
def test_a_foreign_project_keeps_its_own_tests(foreign: Path, words: list[str]) -> None:
    # the limits of a second stand in the judge's way elsewhere; here they would time us
    untimed = ["-o", "timeout=60", "-o", "session_timeout=60"]
    given = [*untimed, "-p", "no:schemathesis", "-k", "own", *words]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *given],
        cwd=foreign,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout


def test_a_foreign_plugin_may_have_the_same_options(tmp_path: Path, url: str) -> None:
    (tmp_path / "foreign_plugin.py").write_text(
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--target')\n"
        "    parser.addoption('--model', action='store')\n"
        "    parser.addoption('--preset', type=str, default='x')\n"
    )
    words = [f"--target={url}", f"--model={MODEL}", "-p", "foreign_plugin", "--plan"]
    code, text = own_process(tmp_path, *words, PYTHONPATH=str(tmp_path))
    assert code == 0, text
    assert "at most 5" in text, "the preset is ours: smoke"


def test_without_a_target_the_plugin_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'aios_conformance_pytest' in sys.modules\n"
        "    names = {'aios_conformance', 'rich', 'yaml'}\n"
        "    assert names.isdisjoint(sys.modules)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:schemathesis"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout


def test_the_plugin_costs_milliseconds() -> None:
    code = (
        "import pytest, time; began = time.process_time(); "
        "import aios_conformance_pytest; print(time.process_time() - began)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(ended.stdout) < 0.05
