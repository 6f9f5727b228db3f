"""The suite as a pytest run, against miniature servers over real HTTP.

Most runs are nested in this process, with the plugin as it is installed; what needs
a process of its own (signals, workers, foreign packages) gets one.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from miniatures import (
    MODEL,
    Asked,
    Behaviour,
    Said,
    Stalling,
    encoders_only,
    html_everywhere,
    listening,
    not_found_everywhere,
    only_rerank,
    total_off_by_one,
)
from results import made_result

from conformance.plugin import showing
from conformance.reporting import WRITERS
from spec import Level, requirements

pytest_plugins = ["pytester"]

# A nested run forgets what it imports; what is costly, or refuses to be imported
# twice, is imported before: the client library and all of the judge.
KEPT = [import_module(name) for name in ("openai", "conformance.conduct")]

ITEMS = [
    row.id
    for row in requirements("aios")
    if row.excluded is None and row.level is not Level.MAY
]
QUICK = ("-p", "no:schemathesis", "--preset=smoke")
NO_PORT = "http://127.0.0.1:9"


@dataclass
class Counting:
    """A behaviour that knows how often it was asked."""

    behaviour: Behaviour = encoders_only
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    asked: int = 0

    def __call__(self, asked: Asked) -> Said:
        self.asked = next(self.numbers)
        return self.behaviour(asked)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening(encoders_only) as address:
        yield address


@pytest.fixture(scope="module")
def wrong_url() -> Iterator[str]:
    with listening(total_off_by_one) as address:
        yield address


def report(folder: Path) -> Any:
    return json.loads((folder / "reports/latest/report.json").read_bytes())


def verdicts(folder: Path) -> dict[str, str]:
    return {row["id"]: row["verdict"] for row in report(folder)["requirements"]}


def assert_all_reports(folder: Path, *, complete: bool) -> None:
    names = {path.name for path in (folder / "reports/latest").iterdir()}
    assert names >= set(WRITERS)
    assert report(folder)["complete"] is complete


def test_an_empty_folder_is_judged(pytester: pytest.Pytester, url: str) -> None:
    result = pytester.runpytest(f"--target={url}", *QUICK, "--junitxml=mine.xml")
    assert result.ret == 0
    assert_all_reports(pytester.path, complete=True)
    found = verdicts(pytester.path)
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == sum(found[each] in {"pass", "warn"} for each in ITEMS)
    assert outcomes["skipped"] == sum(
        found[each] in {"inconclusive", "not_applicable"} for each in ITEMS
    )
    result.stdout.fnmatch_lines(
        [
            f"aios-conformance: target {url}, dialect aios, preset smoke, seed 0",
            "*= conformance =*",
            "API * pass *",
            "claim: none *",
            "report: reports/latest/report.html",
        ]
    )
    junit = (pytester.path / "mine.xml").read_text()
    assert 'name="test_requirement[RERANK-SEM-006]"' in junit
    assert '<property name="verdict" value="pass"' in junit


def test_items_are_the_rows_that_can_pass_or_fail(pytester: pytest.Pytester) -> None:
    counting = Counting()
    with listening(counting) as address:
        result = pytester.runpytest(
            f"--target={address}", *QUICK, "--collect-only", "-q"
        )
    listed = [line for line in result.outlines if "::" in line]
    assert listed == [f"aios-conformance::test_requirement[{each}]" for each in ITEMS]
    assert counting.asked == 0
    assert not (pytester.path / "reports").exists()


def test_a_plan_is_printed_and_nothing_is_sent(pytester: pytest.Pytester) -> None:
    counting = Counting()
    with listening(counting) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK, "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["POST /v1/rerank *", "at most * requests, *"])
    assert counting.asked == 0


def test_a_broken_promise_fails_its_item(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    # a process of its own, as a user has it: nothing of ours is imported yet
    result = pytester.runpytest_subprocess(
        f"--target={wrong_url}", *QUICK, "-k", "COMMON-RES-010", "-rf"
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "malformed: expected * at /usage/total_tokens",
            "MUST * total_tokens *",
            "sources   000:274, *",
            "expected  *",
            "actual    *",
            "at        /usage/total_tokens *",
            "run       curl *",
            "fail  COMMON-RES-010 MUST *",
            "FAILED aios-conformance::test_requirement[[]COMMON-RES-010[]] - malfo*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*.py:*")


def test_a_selection_sends_only_what_feeds_it(pytester: pytest.Pytester) -> None:
    whole, part = Counting(), Counting()
    with listening(whole) as address:
        pytester.runpytest(f"--target={address}", *QUICK)
    before = verdicts(pytester.path)
    with listening(part) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK, "-k", "EMB-RES-001")
    after = report(pytester.path)
    assert result.ret == 0
    assert 0 < part.asked < whole.asked
    assert after["selection"] == ["EMB-RES-001"]
    assert after["claim"] == "none"
    assert verdicts(pytester.path)["EMB-RES-001"] == before["EMB-RES-001"] == "pass"


@pytest.mark.parametrize("where", ["", "::test_requirement[EMB-RES-001]"])
def test_our_node_ids_may_be_named(
    pytester: pytest.Pytester, url: str, where: str
) -> None:
    result = pytester.runpytest(
        f"--target={url}", *QUICK, f"aios-conformance{where}", "--collect-only", "-q"
    )
    assert result.ret == 0
    listed = [line for line in result.outlines if "::" in line]
    assert len(listed) == (1 if where else len(ITEMS))


def test_the_last_failures_can_be_run_again(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    first = pytester.runpytest(f"--target={wrong_url}", *QUICK)
    again = pytester.runpytest(f"--target={wrong_url}", *QUICK, "--lf")
    assert first.ret == again.ret == 1
    failed = first.parseoutcomes()["failed"]
    assert again.parseoutcomes()["failed"] == failed
    assert "passed" not in again.parseoutcomes()
    assert len(report(pytester.path)["selection"]) == failed


def test_a_waived_failure_is_expected_and_a_stale_waiver_fails(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    (pytester.path / "waivers.yaml").write_text(
        "- {id: COMMON-RES-010, reason: known, expires: 2999-01-01}\n"
        "- {id: EMB-RES-001, reason: outdated, expires: 2999-01-01}\n"
    )
    result = pytester.runpytest(
        f"--target={wrong_url}",
        *QUICK,
        "--waivers=waivers.yaml",
        "-k",
        "COMMON-RES-010 or EMB-RES-001",
        "-rxf",
    )
    assert result.ret == 1
    result.assert_outcomes(xfailed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "stale waiver: *",
            "XFAIL *COMMON-RES-010* - waived: known *",
            "FAILED *EMB-RES-001* - stale waiver: *",
        ]
    )
    assert report(pytester.path)["stale_waivers"] == ["EMB-RES-001"]


def test_a_warning_passes_and_may_be_made_red(pytester: pytest.Pytester) -> None:
    # but for a recommendation: errors are told in plain text
    def terse(asked: Asked) -> Said:
        said = encoders_only(asked)
        return (
            said
            if said.is_success or said.status == 200
            else Said(said.status, b"no", "text/plain")
        )

    with listening(terse) as address:
        words = (f"--target={address}", *QUICK, "-k", "COMMON-ERR-006")
        mild = pytester.runpytest(*words)
        strict = pytester.runpytest(*words, "--fail-on=should")
    assert verdicts(pytester.path)["COMMON-ERR-006"] == "warn"
    assert (mild.ret, strict.ret) == (0, 1)
    for result in (mild, strict):
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["warn  COMMON-ERR-006 SHOULD *"])


def test_an_absent_api_is_skipped_with_its_reason(pytester: pytest.Pytester) -> None:
    with listening(only_rerank) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK, "-rs")
    assert result.ret == 0
    assert verdicts(pytester.path)["SCORE-REQ-004"] == "not_applicable"
    result.stdout.fnmatch_lines(["SKIPPED * not applicable: *"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target=mok"], "did you mean mock?"),
        (["--target=127.0.0.1:80"], "did you mean http://127.0.0.1:80?"),
        (["--target"], "--target (empty): not a URL"),
        (["--target=mock", "--preset=smok"], "did you mean smoke?"),
        (["--target=mock", "--presett=smoke"], "did you mean --preset?"),
        (["--target=mock", "--presett", "smoke"], "did you mean --preset?"),
        (["--target=mock", "--waivers=none.yaml"], "no such file"),
        (["--target=mock", "some/path"], "leave out 'some/path'"),
        (["--target=mock", "aios-conformance::test_requirement[EMB-1]"], "EMB-1"),
        (["--target=mock", "aios-conformance::test_it"], "Items look like"),
    ],
)
def test_a_bad_option_is_one_clear_paragraph(
    pytester: pytest.Pytester, words: list[str], said: str
) -> None:
    result = pytester.runpytest("-p", "no:schemathesis", *words)
    assert result.ret == 4
    text = result.stderr.str()
    assert said in text
    assert "Traceback" not in text + result.stdout.str()
    assert not (pytester.path / "reports").exists()


def test_nobody_listening_is_no_verdict(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(f"--target={NO_PORT}", *QUICK)
    assert result.ret == 4
    result.stdout.fnmatch_lines([f"ERROR: {NO_PORT} does not answer*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert_all_reports(pytester.path, complete=False)
    assert report(pytester.path)["claim"] == "none"


def test_a_wrong_prefix_is_no_verdict(pytester: pytest.Pytester) -> None:
    with listening(not_found_everywhere) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK)
    assert result.ret == 4
    assert_all_reports(pytester.path, complete=False)


def test_html_for_an_answer_is_red(pytester: pytest.Pytester) -> None:
    with listening(html_everywhere) as address:
        result = pytester.runpytest(f"--target={address}", *QUICK)
    assert result.ret == 1
    assert_all_reports(pytester.path, complete=True)


def test_a_spent_limit_cuts_the_run_short(pytester: pytest.Pytester, url: str) -> None:
    result = pytester.runpytest(f"--target={url}", *QUICK, "--max-requests=20")
    assert result.ret == 2
    assert_all_reports(pytester.path, complete=False)
    assert report(pytester.path)["usage"]["requests"] <= 20


def test_stopping_at_the_first_failure_is_red(
    pytester: pytest.Pytester, wrong_url: str
) -> None:
    result = pytester.runpytest(f"--target={wrong_url}", *QUICK, "-x")
    assert result.ret == 1
    assert_all_reports(pytester.path, complete=True)


def test_no_secret_reaches_output_or_report(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def telling(asked: Asked) -> Said:
        """An answer that repeats the secrets it was sent, and breaks a promise."""
        said = total_off_by_one(asked)
        if not said.is_success:
            return said
        return said.with_json(said.json | {"heard": asked.headers})

    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with listening(telling) as address:
        result = pytester.runpytest(
            f"--target={address}",
            *QUICK,
            "--api-key-env=MY_KEY",
            "--header=X-Tenant: hidden-tenant",
        )
    assert result.ret == 1
    texts = [path.read_text() for path in (pytester.path / "reports/latest").iterdir()]
    for text in [result.stdout.str(), result.stderr.str(), *texts]:
        assert "sk-very-secret" not in text
        assert "hidden-tenant" not in text
    assert "$MY_KEY" in result.stdout.str()


def test_help_lists_our_options_only_with_a_target(pytester: pytest.Pytester) -> None:
    ours = pytester.runpytest("--target=mock", "--help")
    ours.stdout.fnmatch_lines(["*--dialect=*", "*--fail-on=LIST*"])
    plain = pytester.runpytest("--help")
    plain.stdout.no_fnmatch_line("*--dialect*")


def test_each_verdict_has_its_outcome() -> None:
    outcomes = showing.outcomes(made_result(stale_waivers=["CHAT-REQ-004"]))
    kinds = {key: outcomes[key].kind for key in outcomes}
    assert kinds["RERANK-SEM-006"] == "failed"
    assert kinds["CHAT-SEM-010"] == "passed"
    assert kinds["CHAT-REQ-003"] == "xfailed"
    assert kinds["CHAT-REQ-004"] == "failed"
    assert kinds["EMB-REQ-004"] == "error"
    assert kinds["COMP-REQ-002"] == "skipped"
    assert kinds["SCORE-REQ-004"] == "skipped"
    assert outcomes["SCORE-REQ-004"].text == "not applicable: no score API"
    assert outcomes["COMP-REQ-002"].text == "inconclusive: 0 of 2 observations"


# --- runs in processes of their own ------------------------------------------------


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


def test_workers_of_an_unreachable_target_end(tmp_path: Path) -> None:
    code, text = own_process(tmp_path, f"--target={NO_PORT}", "-n2")
    assert code == 4
    assert "does not answer" in text
    assert "Traceback" not in text
    assert_all_reports(tmp_path, complete=False)


@pytest.mark.parametrize("front", ["pytest", "conformance"])
def test_ctrl_c_leaves_all_reports(tmp_path: Path, front: str) -> None:
    words = {
        "pytest": ["pytest", *QUICK, "--target"],
        "conformance": ["conformance", "run", "--preset=smoke"],
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
            process.send_signal(signal.SIGINT)
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


def test_a_foreign_project_changes_nothing(foreign: Path, url: str) -> None:
    code, text = own_process(foreign, f"--target={url}", f"--model={MODEL}")
    assert code == 0, text
    assert len(verdicts(foreign)) > len(ITEMS)
    assert report(foreign)["selection"] is None
    assert "foreign" not in text.replace(str(foreign), "")


@pytest.mark.parametrize("words", [[], ["--target=staging"], ["--target", "staging"]])
def test_a_foreign_project_keeps_its_own_tests(foreign: Path, words: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:schemathesis", "-k", "own", *words],
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
    words = [f"--target={url}", f"--model={MODEL}", "-p", "foreign_plugin"]
    code, text = own_process(tmp_path, *words, PYTHONPATH=str(tmp_path))
    assert code == 0, text


def test_a_package_in_our_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "spec.py").touch()
    (tmp_path / "foreign_plugin.py").write_text("import spec")
    words = ["--target=mock", "-p", "foreign_plugin"]
    code, text = own_process(tmp_path, *words, PYTHONPATH=str(tmp_path))
    assert code == 4
    assert f"the package 'spec' of {tmp_path / 'spec.py'} hides" in text
    assert "Traceback" not in text


def test_without_a_target_the_plugin_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'aios_conformance_pytest' in sys.modules\n"
        "    names = {'conformance', 'spec', 'mockserver', 'serving', 'rich', 'yaml'}\n"
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
        "import pytest, time; began = time.perf_counter(); "
        "import aios_conformance_pytest; print(time.perf_counter() - began)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(ended.stdout) < 0.05
