"""`run A --against B`: two servers asked the same, side by side."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from miniatures import (
    Asked,
    Behaviour,
    Said,
    encoders_only,
    honest,
    listening,
    refuse,
    top_n_ignored,
    total_off_by_one,
)

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.options.settings import read_against, read_options

SMOKE = "--preset=smoke"


@dataclass
class Counted:
    """A server that keeps what it is asked, and notes its name in a log."""

    name: str = ""
    log: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Said:
        self.asked.append(asked)
        self.log.append(self.name)
        return encoders_only(asked)


@contextmanager
def both(one: Behaviour, other: Behaviour) -> Iterator[list[str]]:
    with listening(one) as a, listening(other) as b:
        yield ["run", a, "--against", b, SMOKE]


def parity(folder: Path) -> Any:
    return json.loads((folder / "parity.json").read_bytes())


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a right server against one whose totals are wrong."""
    folder = tmp_path_factory.mktemp("apart")
    with both(encoders_only, total_off_by_one) as words:
        assert main([*words, f"--report-dir={folder}"]) == 1
    return folder


def test_a_server_does_the_same_as_itself_at_no_more_requests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log: list[str] = []
    alone, one, other = Counted(), Counted("A", log), Counted("B", log)
    with listening(alone) as url:
        main(["run", url, SMOKE, f"--report-dir={tmp_path / 'alone'}"])
    with both(one, other) as words:
        assert main([*words, "--concurrency=1", f"--report-dir={tmp_path}"]) == 0
    assert "The two do the same" in capsys.readouterr().out
    said = parity(tmp_path)
    assert said["same"]
    assert said["pairs"] == said["same_pairs"] > 20
    assert {row["status"] for row in said["requirements"]} == {"same", "not compared"}
    most = 1.05 * len(alone.asked)
    assert len(one.asked) <= most
    assert len(other.asked) <= most
    searching = log.index("B") * 2
    streaks = [len([*own]) for _, own in groupby(log[searching:])]
    assert len(streaks) > 10
    assert max(streaks) <= 8  # the steps of one scenario


def test_the_cause_is_told_once_with_both_lines(apart: Path) -> None:
    said = parity(apart)
    (cause,) = said["causes"]
    assert cause["title"].startswith("`usage.total_tokens` is +1 in B")
    assert cause["requests"] > 10
    assert {"SCORE-RES-012"} <= {*cause["requirements"]}
    assert f"curl -sS {said['a']['url']}/" in cause["curl_a"]
    assert f"curl -sS {said['b']['url']}/" in cause["curl_b"]
    rows = {row["id"]: row for row in said["requirements"]}
    row = rows["SCORE-RES-012"]
    assert (row["verdict_a"], row["verdict_b"]) == ("pass", "fail")
    assert row["status"] == "differs"
    assert {p["status"] for p in said["parameters"] if p["causes"]} == {"differs"}
    assert {t["name"] for t in said["tolerances"]} >= {"scores", "cosine", "texts"}


def test_each_side_is_judged_as_always_and_the_page_loads_nothing(apart: Path) -> None:
    for folder in (apart, apart / "against"):
        assert json.loads((folder / "report.json").read_bytes())["complete"]
        assert (folder / "exchanges.jsonl").is_file()
    page = (apart / "parity.html").read_text()
    assert 'href="against/report.html#SCORE-RES-012"' in page
    assert "<script" not in page
    assert " src=" not in page
    assert "total_tokens" in (apart / "parity.md").read_text()


def test_what_one_side_alone_takes_is_told_for_its_parameter(tmp_path: Path) -> None:
    def no_top_n(asked: Asked) -> Said:
        said = encoders_only(asked)
        is_named = isinstance(asked.json, dict) and "top_n" in asked.json
        return refuse(400, "unknown") if is_named and said.is_success else said

    def no_scores(asked: Asked) -> Said:
        return refuse(404, "") if "score" in asked.path else no_top_n(asked)

    with both(encoders_only, no_scores) as words:
        assert main([*words, f"--report-dir={tmp_path}"]) == 1
    said = parity(tmp_path)
    titles = [cause["title"] for cause in said["causes"]]
    assert "B refuses what A accepts, with 400: top_n" in titles
    assert "only A answers Score" in titles
    found = {(p["api"], p["name"]): p["status"] for p in said["parameters"]}
    assert found["rerank", "top_n"] == "only A"
    assert found["rerank", "query"] == "same"
    assert found["score", "model"] == "only A"


def test_a_parameter_that_one_ignores_is_told_once_and_at_the_parameter(
    tmp_path: Path,
) -> None:
    """Its requirements stand under it, whichever answers show them; no rank moved."""
    with listening(encoders_only) as a, listening(top_n_ignored) as b:
        words = ["run", a, "--against", b, "--apis=rerank"]
        assert main([*words, f"--report-dir={tmp_path}"]) == 1
    said = parity(tmp_path)
    (cause,) = (c for c in said["causes"] if c["kind"] != "unanswered")
    assert cause["title"].startswith("`results` has another number of items: ")
    assert {"META-002", "RERANK-SEM-004"} <= {*cause["requirements"]}
    assert [
        p["name"] for p in said["parameters"] if cause["number"] in p["causes"]
    ] == ["top_n"]


def asked_with(asked: Asked, **members: Any) -> Asked:
    """The same request with other members."""
    return replace(asked, body=json.dumps(asked.json | members).encode())


def test_what_no_pair_shows_stands_at_its_parameter(tmp_path: Path) -> None:
    """Texts that are left to chance differ, and are not compared: verdicts are."""

    def cold(asked: Asked) -> Said:
        taken = honest(asked).is_success and isinstance(asked.json, dict)
        return honest(asked_with(asked, temperature=0) if taken else asked)

    with listening(honest) as a, listening(cold) as b:
        words = ["run", a, "--against", b, "--only=temperature-effect"]
        assert main([*words, f"--report-dir={tmp_path}"]) == 1
    said = parity(tmp_path)
    causes = {cause["number"]: cause["kind"] for cause in said["causes"]}
    found = {
        (each["api"], each["name"]): [causes[n] for n in each["causes"]]
        for each in said["parameters"]
    }
    assert "verdict" in found["chat", "temperature"]


def test_another_reply_is_one_cause_with_all_that_comes_of_it(tmp_path: Path) -> None:
    def writes(asked: Asked) -> Said:
        sent = honest(asked).is_success and asked.json
        if sent and sent.get("tool_choice") == "required":
            return honest(asked_with(asked, tool_choice="none"))
        return honest(asked)

    with listening(honest) as a, listening(writes) as b:
        words = ["run", a, "--against", b, "--only=tool-choice-required"]
        assert main([*words, f"--report-dir={tmp_path}"]) == 1
    said = parity(tmp_path)
    titles = [cause["title"] for cause in said["causes"]]
    assert titles == ["B breaks what A keeps: tool_choice is not obeyed"]
    (cause,) = said["causes"]
    assert any(
        "`choices[].finish_reason` is tool_calls in A" in x for x in cause["also"]
    )
    assert "With it: " in (tmp_path / "parity.md").read_text()
    assert "With it: " in (tmp_path / "parity.html").read_text()
    found = {(p["api"], p["name"]): p["causes"] for p in said["parameters"]}
    assert found["chat", "tool_choice"] == [1]


def test_a_key_stays_with_its_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIOS_API_KEY", "sk-first-secret")
    monkeypatch.setenv("OTHER_KEY", "sk-other-secret")
    one, other = Counted(), Counted()
    with both(one, other) as (*_, a, _, b, preset):
        elsewhere = b.replace("127.0.0.1", "localhost")
        words = ["run", a, "--against", elsewhere, preset, f"--report-dir={tmp_path}"]
        assert main([*words, "--against-api-key-env=OTHER_KEY"]) == 0
    given = {"target": a, "against": elsewhere, "header": ["X-Team: blue"]}
    first = read_options(given, os.environ)
    assert first.api_key == "sk-first-secret"
    unnamed = read_against(given, os.environ, first)
    assert (unnamed.api_key, unnamed.headers) == (None, ())
    assert read_against({**given, "against": b}, os.environ, first).api_key
    sent = {each.headers.get("authorization") for each in other.asked}
    assert "Bearer sk-other-secret" in sent
    assert "Bearer sk-first-secret" not in sent
    written = [p.read_text() for p in tmp_path.rglob("*") if p.is_file()]
    assert not any("secret" in text for text in written)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--against", "http://127.0.0.1:9"], "--against: http://127.0.0.1:9 does not"),
        (["--against", "mok"], "--against mok: did you mean mock?"),
        (["--against", "mock", "--dialect", "all"], "under one dialect"),
        (["--against-model", "x"], "name it with --against URL"),
    ],
)
def test_what_cannot_be_compared_is_told(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with listening(encoders_only) as url:
        code = main(["run", url, SMOKE, f"--report-dir={tmp_path / 'r'}", *words])
    assert code == 4
    assert said.lower() in capsys.readouterr().err.lower()
