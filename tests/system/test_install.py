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

import jsonschema
import pytest
from installed import DISTRIBUTION, ROOT, TAKEN, run

from aios_conformance.spec import report_schema


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


def test_the_wheel_holds_every_file_of_code_and_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = (
        path
        for folder in TAKEN
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in {".md", ".pyc"}
    )
    assert names >= {f"{DISTRIBUTION}/{path.relative_to(ROOT)}" for path in data}
    assert names >= {"aios_conformance_pytest.py", f"{DISTRIBUTION}/py.typed"}
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"aios_conformance", "aios_conformance_pytest.py"}


def test_in_an_empty_folder_the_mock_conforms(
    tmp_path: Path, scripts: Path, url: str
) -> None:
    run([str(scripts / "pytest"), f"--target={url}"], cwd=tmp_path)
    written = report(tmp_path)
    jsonschema.validate(written, report_schema())
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
        "python_files = ['check_*.py']\n"
        "python_classes = ['Check']\n"
        "python_functions = ['check_*']\n"
        "filterwarnings = ['error']\n"
        "xfail_strict = true\n"
        "timeout = 1\n"
        "session_timeout = 1\n"
        "addopts = '-k nothing --strict-markers -x'\n"
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "check_own.py").write_text("def check_own(): assert False")
    words = [str(scripts / start[0]), *start[1:], f"--target={target}"]
    words += ["--preset=smoke", "--model", "rerank=sds/bge-m3"]
    text = run(words, cwd=tmp_path)
    assert "foreign" not in text.replace(str(tmp_path), "")
    written = report(tmp_path)
    assert written["selection"] is None
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
    words = [str(scripts / "python"), "-m", "pytest", "-p", "no:schemathesis"]
    assert "1 passed" in run(words, cwd=tmp_path)


@pytest.mark.parametrize("command", ["aios-conformance", "aios-mock", "aios-reference"])
def test_commands_tell_their_version(
    tmp_path: Path, scripts: Path, wheel: Path, command: str
) -> None:
    text = run([str(scripts / command), "--version"], cwd=tmp_path)
    assert text == f"{command} {wheel.name.split('-')[1]}\n"
