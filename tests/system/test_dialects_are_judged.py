"""The dialects from outside: each mock keeps its contract, and `all` compares them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import jsonschema
import pytest

from aios_conformance import spec
from aios_conformance.conformance.observing.recording import read_recording

NEIGHBOURS = tuple(name for name in spec.DIALECTS if name != "aios")
KEY = "sk-gateway-0f6d2c41b7e94a53"
Compared = tuple[subprocess.CompletedProcess[str], Path, int]
KEYED = os.environ | {"AIOS_API_KEY": KEY}


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aios_conformance.conformance", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=KEYED,
    )


def is_anywhere(secret: str, directory: Path) -> bool:
    files = [each for each in directory.rglob("*") if each.is_file()]
    assert files
    return any(secret.encode() in each.read_bytes() for each in files)


@pytest.mark.parametrize("dialect", NEIGHBOURS)
def test_the_mock_keeps_its_contract(dialect: str, tmp_path: Path) -> None:
    found = command("run", "mock", "--dialect", dialect, "--report-dir", str(tmp_path))
    assert found.returncode == 0, found.stdout + found.stderr
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(report, spec.report_schema())
    assert report["claim"] == "full"
    assert {row["verdict"] for row in report["requirements"]} == {"pass", "info"}
    assert KEY not in found.stdout + found.stderr
    assert not is_anywhere(KEY, tmp_path)


@contextmanager
def mock(*dialects: str, more: Sequence[str] = ()) -> Iterator[str]:
    """The address of a mock of these dialects."""
    words = [word for name in dialects for word in ("--dialect", name)]
    words += more
    with subprocess.Popen(
        [sys.executable, "-m", "aios_conformance.mockserver", "--port", "0", *words],
        stdout=subprocess.PIPE,
        text=True,
        env=KEYED,
    ) as process:
        assert process.stdout is not None
        said = (re.search(r"listening on (\S+)", line) for line in process.stdout)
        try:
            yield next(found[1] for found in said if found).rstrip("/")
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """A mock whose root serves Infinity's paths and AIGNE Hub's (A-145).

    Infinity's refuse one number of dimensions.
    """
    folder = tmp_path_factory.mktemp("compared")
    rules = tmp_path_factory.mktemp("rules") / "rules.yaml"
    match = {"path": "/v1/embeddings", "body": {"/dimensions": 1}}
    rule = {"match": match, "respond": {"status": 400}}
    rules.write_text(json.dumps({"rules": [rule]}))
    words = ["--dialect", "all", "--report-dir", str(folder)]
    with mock("infinity", "aigne-hub", more=["--rules", str(rules)]) as url:
        done = command("run", url, *words)
        asked = Request(  # noqa: S310
            f"{url}/_mock/requests", headers={"Authorization": f"Bearer {KEY}"}
        )
        with urlopen(asked) as answer:  # noqa: S310
            journal = json.load(answer)
    return done, folder, journal["requests"][-1]["number"]


def test_what_dialects_have_in_common_is_sent_once(compared: Compared) -> None:
    done, folder, _ = compared
    comparison = json.loads((folder / "dialects.json").read_text())
    sent, apart = comparison["requests"], comparison["requests_apart"]
    assert sum(each["requests"] for each in comparison["dialects"]) <= sent < apart
    told = f"{sent} requests were sent once for all dialects; a run for each would have"
    assert told in done.stdout
    assert told in (folder / "dialects.md").read_text()


def test_a_limit_that_is_not_kept_costs_its_tokens_once(compared: Compared) -> None:
    """The three requests beyond AIHubMix's limits are accepted here."""
    _, folder, _ = compared
    recorded = read_recording(folder / "aihubmix").exchanges
    long = [each for each in recorded if len(each.request.body) > 10_000]
    assert len(long) == 4  # 2048 entries, 2049, one long item, a large sum
    report = json.loads((folder / "aihubmix" / "report.json").read_text())
    assert 450_000 < report["usage"]["prompt_tokens"] < 900_000


def test_a_dialect_borrows_what_its_contract_permits(compared: Compared) -> None:
    """That number of dimensions is asked for by AIHubMix's bound (004:89) alone."""
    _, folder, asked = compared
    report = json.loads((folder / "infinity" / "report.json").read_text())
    broken = [row for row in report["requirements"] if row["verdict"] == "fail"]
    assert [row["id"] for row in broken] == ["INF-RES-019"]
    assert '"dimensions":1' in broken[0]["findings"][0]["curl"]
    assert broken[0]["reproduced"] is True
    again = command("judge", str(folder / "infinity"))
    assert again.returncode == 1
    comparison = json.loads((folder / "dialects.json").read_text())
    assert comparison["requests"] == asked


def test_the_contracts_of_one_target_differ(compared: Compared) -> None:
    done, folder, _ = compared
    comparison = json.loads((folder / "dialects.json").read_text())
    ended = {each["dialect"]: each for each in comparison["dialects"]}
    assert list(ended) == list(spec.DIALECTS)
    assert ended["aigne-hub"]["claim"] == "full"
    assert [ended[name]["exit_code"] for name in ("infinity", "aihubmix")] == [1, 1]
    assert done.returncode == 1, done.stdout + done.stderr
    rows = {row["promise"]: row for row in comparison["promises"]}
    served = rows["Embeddings are served"]["dialects"]
    assert {cell["verdict"] for cell in served.values()} == {"pass"}
    entries = rows["Entries of an array"]["dialects"]["aihubmix"]
    assert entries["verdict"] == "fail"
    broken = next(
        each for each in entries["requirements"] if each["id"] == "AHM-REQ-014"
    )
    assert broken["sources"] == ["004:56"]
    assert broken["finding"]["expected"] == "4xx: /input has 2049 entries"
    differing = [row for row in comparison["promises"] if row["differs"]]
    assert differing
    for row in differing:
        verdicts = {cell["verdict"] for cell in row["dialects"].values()}
        assert "pass" in verdicts
        assert verdicts & {"warn", "fail"}


def test_each_dialect_has_its_own_reports(compared: Compared) -> None:
    _, folder, _ = compared
    for name in spec.DIALECTS:
        report = json.loads((folder / name / "report.json").read_text())
        jsonschema.validate(report, spec.report_schema())
        assert report["dialect"] == name
    page = (folder / "dialects.html").read_text()
    assert all(f'href="{name}/report.html' in page for name in spec.DIALECTS)
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert "Kept in one contract" in (folder / "dialects.md").read_text()


def test_no_report_holds_a_key(compared: Compared) -> None:
    done, folder, _ = compared
    assert KEY not in done.stdout + done.stderr
    assert not is_anywhere(KEY, folder)


def test_a_dialect_without_paths_is_not_answered(tmp_path: Path) -> None:
    words = ["--dialect", "all", "--report-dir", str(tmp_path)]
    with mock("aigne-hub") as url:
        done = command("run", url, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    comparison = json.loads((tmp_path / "dialects.json").read_text())
    answered = [each["dialect"] for each in comparison["dialects"] if each["answered"]]
    assert answered == ["aigne-hub"]
    assert "404" in comparison["dialects"][0]["reason"]


def test_pytest_takes_one_dialect(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--target=mock", "--dialect=all"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 4
    assert "--dialect all" in done.stdout + done.stderr
    assert "aios-conformance run URL --dialect all" in done.stdout + done.stderr


def test_the_plan_shows_what_the_limits_cost() -> None:
    done = command("plan", "--dialect", "aihubmix")
    assert done.returncode == 0, done.stderr
    found = re.search(r"at most (\d+) requests, (\d+) prompt tokens", done.stdout)
    assert found is not None
    requests, tokens = map(int, found.groups())
    assert requests <= 60
    assert 2048 <= tokens <= 60_000  # 2048 words once; what is refused costs nothing
