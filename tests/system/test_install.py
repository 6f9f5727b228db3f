"""The built wheel in a fresh environment: an empty folder, and a foreign project.

The environment takes its dependencies from the one that runs this test, and only
our distribution from the wheel; the checkout is on no path.
"""

import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installed import TAKEN, run


@pytest.fixture(scope="module")
def url(scripts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the installed mock."""
    with subprocess.Popen(
        [str(scripts / "aios-mock"), "--port", "0"],
        cwd=tmp_path_factory.mktemp("mock"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            _, marker, address = line.partition("listening on ")
            if marker:
                yield address.split()[0]
                break
        process.terminate()


def report(folder: Path) -> Any:
    return json.loads((folder / "reports/latest/report.json").read_bytes())


def test_the_wheel_holds_what_is_read_at_run_time(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= {
        "aios_conformance_pytest.py",
        "aios_conformance/spec/openapi.yaml",
        "aios_conformance/spec/report.schema.json",
        "aios_conformance/spec/requirements/rerank.yaml",
        "aios_conformance/spec/dialects/aios/dialect.yaml",
        "aios_conformance/spec/dialects/infinity/openapi.yaml",
        "aios_conformance/conformance/reporting/report.css",
        "aios_conformance/conformance/reporting/report.js",
        "aios_conformance/py.typed",
    }
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"aios_conformance", "aios_conformance_pytest.py"}


def test_in_an_empty_folder_the_mock_conforms(
    tmp_path: Path, scripts: Path, url: str
) -> None:
    run([str(scripts / "pytest"), f"--target={url}"], cwd=tmp_path)
    written = report(tmp_path)
    assert written["complete"] is True
    assert written["claim"] == "full"
    assert {written["summary"][verdict] for verdict in ("fail", "warn", "error")} == {0}


def test_the_command_judges_the_bundled_mock(tmp_path: Path, scripts: Path) -> None:
    command = [str(scripts / "aios-conformance"), "run", "mock", "--preset=smoke"]
    text = run(command, cwd=tmp_path)
    assert text.endswith("report: reports/latest/report.html\n")
    assert report(tmp_path)["complete"] is True


@pytest.mark.parametrize(
    ("start", "is_bundled"), [(["pytest"], False), (["python", "-m", "pytest"], True)]
)
def test_a_foreign_project_changes_no_verdict(
    tmp_path: Path, scripts: Path, url: str, start: list[str], *, is_bundled: bool
) -> None:
    target = "mock" if is_bundled else url
    for name in TAKEN:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('foreign')")
    (tmp_path / "conftest.py").write_text(
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--target', choices=['staging'])\n"
        "    parser.addoption('--model', type=int)\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n"
        "testpaths = ['tests']\n"
        "python_functions = ['check_*']\n"
        "filterwarnings = ['error']\n"
        "xfail_strict = true\n"
        "timeout = 1\n"
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text("def check_own(): assert False")
    words = [str(scripts / start[0]), *start[1:], f"--target={target}"]
    run([*words, "--preset=smoke"], cwd=tmp_path)
    written = report(tmp_path)
    assert written["complete"] is True
    assert written["summary"]["pass"] > 100
    assert written["summary"]["fail"] == written["summary"]["error"] == 0


def test_the_fixture_serves_a_project_with_folders_of_our_names(
    tmp_path: Path, scripts: Path
) -> None:
    for name in TAKEN:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OWN = True\n")
    (tmp_path / "conftest.py").write_text(
        "pytest_plugins = ['aios_conformance.mockserver.pytest_plugin']\n"
    )
    (tmp_path / "test_own.py").write_text(
        "from urllib.request import urlopen\n"
        + "".join(f"import {name}\n" for name in TAKEN)
        + "def test_own(aios_mock):\n"
        f"    assert all(each.OWN for each in ({', '.join(TAKEN)}))\n"
        "    with urlopen(aios_mock.url + '/v1/models') as reply:\n"
        "        assert reply.status == 200\n"
    )
    python = str(scripts / "python")
    assert "1 passed" in run([python, "-m", "pytest"], cwd=tmp_path)


def test_nobody_listening_is_an_unusable_target(tmp_path: Path, scripts: Path) -> None:
    words = [str(scripts / "pytest"), "--target=http://127.0.0.1:9", "--preset=smoke"]
    text = run(words, cwd=tmp_path, expect=4)
    assert "does not answer" in text
    assert "Traceback" not in text
    assert report(tmp_path)["complete"] is False


def test_other_users_of_pytest_notice_nothing(tmp_path: Path, scripts: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    assert 'aios_conformance' not in sys.modules\n"
    )
    text = run([str(scripts / "pytest")], cwd=tmp_path)
    assert "1 passed" in text
