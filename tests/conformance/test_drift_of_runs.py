"""`diff A B`: what a server answers otherwise than it did, verdicts apart."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from exchanges import exchange, observation
from miniatures import encoders_only, listening

from aios_conformance.conformance.cli import main
from aios_conformance.conformance.comparing.comparison import Compared, compare
from aios_conformance.conformance.comparing.first_tokens import moved
from aios_conformance.conformance.comparing.pairs import Side
from aios_conformance.conformance.terms.exchange import Exchange

Edit = Callable[[str, Any], None]


@pytest.fixture(scope="module")
def monday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run."""
    folder = tmp_path_factory.mktemp("drift") / "monday"
    with listening(encoders_only) as url:
        assert main(["run", url, "--preset=smoke", f"--report-dir={folder}"]) == 0
    return folder


def friday(monday: Path, folder: Path, edit: Edit) -> list[str]:
    """The words of a comparison with the same run, its answers edited."""
    later = folder / "friday"
    shutil.copytree(monday, later)
    lines = (later / "exchanges.jsonl").read_bytes().splitlines()
    edited = []
    for line in map(json.loads, lines):
        answer = line.get("response")
        if line["line"] == "exchange" and answer and answer["status"] == 200:
            body = json.loads(answer["body"])
            edit(line["request"]["operation"], body)
            answer["body"] = json.dumps(body)
        edited.append(json.dumps(line))
    (later / "exchanges.jsonl").write_text("\n".join(edited) + "\n")
    return ["diff", str(monday), str(later)]


def a_score_moves(_: str, body: Any) -> None:
    for result in body.get("results", ())[:1]:
        result["relevance_score"] -= 1e-3


def a_rank_is_swapped(_: str, body: Any) -> None:
    if len(body.get("results", ())) > 1:
        body["results"][:2] = body["results"][1::-1]


def a_token_more_is_counted(_: str, body: Any) -> None:
    if "usage" in body:
        body["usage"]["total_tokens"] += 1


def a_vector_turns(_: str, body: Any) -> None:
    for item in body.get("data", ()):
        vector = item.get("embedding")
        if isinstance(vector, list):
            # perpendicular and so small that the cosine is 1e-3 less
            size = 0.0447 * sum(x * x for x in vector) ** 0.5
            i, j = sorted(range(len(vector)), key=lambda i: -abs(vector[i]))[:2]
            norm = (vector[i] ** 2 + vector[j] ** 2) ** 0.5
            turned = (
                vector[i] - size * vector[j] / norm,
                vector[j] + (size * vector[i] / norm),
            )
            vector[i], vector[j] = turned


def a_member_is_new(_: str, body: Any) -> None:
    if "usage" in body:
        body["served_by"] = "node-7"


def a_name_turns_the_line(_: str, body: Any) -> None:
    if "usage" in body:
        body["\x1b[2J\u202e`" + "n" * 100_000] = 1


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (a_name_turns_the_line, r"A leaves out `\u001b[2J\u202e'nnnn"),
        (a_score_moves, "`results[].relevance_score` differs by up to 0.001"),
        (a_rank_is_swapped, "results are ranked otherwise"),
        (a_token_more_is_counted, "`usage.total_tokens` is +1 in B"),
        (a_vector_turns, "vectors differ: cosine down to 0.99"),
        (a_member_is_new, "A leaves out `served_by` (string in B)"),
    ],
)
def test_what_moved_is_told_and_red(
    monday: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    edit: Edit,
    said: str,
) -> None:
    assert main(friday(monday, tmp_path, edit)) == 1
    out = capsys.readouterr().out
    assert said in out
    assert "n" * 100 not in out
    assert "0 worse, 0 better" in out


def test_what_says_nothing_of_the_server_is_no_drift(
    monday: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def as_always(_: str, body: Any) -> None:
        body |= {"id": "x", "created": 5} if "created" in body else {}
        for result in body.get("results", ())[:1]:
            result["relevance_score"] += 3e-4

    words = friday(monday, tmp_path, as_always)
    assert main([*words, f"--report-dir={tmp_path / 'drift'}"]) == 0
    assert "nothing is answered otherwise" in capsys.readouterr().out
    written = json.loads((tmp_path / "drift" / "drift.json").read_bytes())
    assert written["same"]
    assert written["a"]["report"].endswith("/report.html")
    assert "Drift" in (tmp_path / "drift" / "drift.html").read_text()


def test_a_run_may_lie_in_a_folder_of_any_name(monday: Path, tmp_path: Path) -> None:
    odd, drift = tmp_path / "mon\udcffday", tmp_path / "drift"
    shutil.copytree(monday, odd)
    assert main(["diff", str(monday), str(odd), f"--report-dir={drift}"]) == 0
    link = json.loads((drift / "drift.json").read_bytes())["b"]["report"]
    path = os.fsdecode(unquote_to_bytes(link))
    assert (drift / path).resolve() == odd / "report.html"
    words = ["--preset=smoke", f"--baseline={odd}", f"--report-dir={tmp_path / 'new'}"]
    with listening(encoders_only) as url:
        assert main(["run", url, *words]) == 0
    assert main(["judge", str(tmp_path / "new")]) == 0


def test_without_a_recording_only_verdicts_are_compared(
    monday: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = friday(monday, tmp_path, a_member_is_new)
    (tmp_path / "friday" / "exchanges.jsonl").write_text("{")
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "only verdicts are compared" in out
    assert "answered otherwise" not in out

    assert "was not asked for" not in out  # nobody knows what it was asked


def side(name: str, *played: Exchange, dialect: str = "aios") -> Side:
    """A side that was asked something, and has no verdicts."""
    report: dict[str, Any] = {"requirements": [], "dialect": dialect, "timing": {}}
    report |= {"started": "2026-11-22T03:04:05Z", "preset": "smoke", "seed": 0}
    report["claim"] = "none"
    report["target"] = {"url": f"http://{name}", "models": {}}
    seen = [observation(f"p{i}", whole=each) for i, each in enumerate(played)]
    return Side(name, report, seen, [e for s in seen for e in s.steps.values()])


def said(*texts: str, start: int = 0) -> list[Exchange]:
    """Answers at temperature 0: to the same request where the text is the same."""

    def answer(i: int, text: str) -> Exchange:
        asked = {"messages": [text.partition("|")[0]], "temperature": 0}
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        return exchange("chat", asked, {"choices": [choice]}, id=f"ex-{start + i}")

    return [answer(i, text) for i, text in enumerate(texts)]


def drift(*sides: list[Exchange]) -> Compared:
    return compare(side("A", *sides[0]), side("B", *sides[1]))


def test_a_text_that_a_server_does_not_give_twice_is_excused() -> None:
    steady = drift(said("q|one"), said("q|other"))
    assert [cause.kind for cause in steady.counted] == ["text"]
    wavering = drift(said("q|one", "q|two"), said("q|other", "q|other"))
    assert not wavering.differs
    assert "A by itself" in wavering.causes[0].excuse


def test_a_late_parting_counts_only_if_it_is_no_rarity() -> None:
    texts = [f"question {i}|and so it goes on" for i in range(20)]
    once = [texts[0][:-2] + "XY", *texts[1:]]
    assert not drift(said(*texts), said(*once)).differs
    often = [text[:-2] + "XY" for text in texts]
    assert [c.kind for c in drift(said(*texts), said(*often)).counted] == ["tie"]


def test_a_server_that_is_gone_is_one_cause_and_none_where_its_run_was_cut_short() -> (
    None
):
    asked = [f"question {i}|yes" for i in range(9)]
    gone = "connect: nothing listens at h:1"
    later = [replace(e, response=None, failure=gone) for e in said(*asked)[4:]]
    sides = side("A", *said(*asked)), side("B", *said(*asked[:4]), *later)
    (cause,) = compare(*sides).counted
    assert cause.title == f"B gives no whole answer to 5 requests: {gone}"
    ended = {**sides[1].report, "complete": False}
    short = compare(sides[0], replace(sides[1], report=ended))
    assert not short.differs
    assert (short.pairs, short.left) == (4, {gone: 5})


def test_answers_to_the_same_request_are_compared_across_plans_and_dialects() -> None:
    one = side("A", *said("q|one", "r|one"))
    other = side("B", *said("r|one", "s|one", "q|two"), dialect="infinity")
    found = compare(one, other)
    assert found.pairs == 2
    assert [cause.kind for cause in found.counted] == ["text"]
    assert found.left == {"only B was asked it: the dialects differ": 1}


def test_first_tokens_are_told_beyond_their_noise() -> None:
    def run(p50: float, p90: float) -> Any:
        spread = {"count": 40, "min": p50 / 2, "p50": p50, "p90": p90}
        return {"timing": {"POST /v1/chat/completions": {"ttft_ms": spread}}}

    assert [*moved(run(10, 15), run(30, 44))] == []
    assert [*moved(run(200, 210), run(300, 600))] == []
    (told,) = moved(run(200, 210), run(500, 520))
    assert told.is_later
    assert "500 ms in B, 200 in A" in told.text
    (sooner,) = moved(run(500, 520), run(200, 210))
    assert not sooner.is_later


def in_time(run: Path, folder: Path, name: str, p50: float) -> str:
    """A copy of a run whose first tokens came after so many milliseconds."""
    shutil.copytree(run, folder / name)
    home = folder / name / "report.json"
    report = json.loads(home.read_bytes())
    spread = {"count": 40, "min": p50 - 1, "p50": p50, "p90": p50 + 1}
    spread |= {"p99": p50 + 2, "max": p50 + 2}
    report["timing"]["POST /v1/chat/completions"] = {"ttft_ms": spread}
    home.write_text(json.dumps(report))
    return str(folder / name)


def test_later_first_tokens_are_told_everywhere_and_red_where_that_is_asked(
    monday: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick, slow = (in_time(monday, tmp_path, n, t) for n, t in (("a", 20), ("b", 320)))
    said = "first token of `POST /v1/chat/completions` comes after 320 ms in B, 20 in A"
    written = tmp_path / "drift"
    assert main(["diff", quick, slow, f"--report-dir={written}"]) == 0
    out = capsys.readouterr().out
    assert said in out
    assert "nothing is answered otherwise" in out
    made = json.loads((written / "drift.json").read_bytes())
    assert made["same"]
    (cause,) = made["causes"]
    assert (cause["kind"], cause["counts"]) == ("time", False)
    assert said in cause["title"]
    assert "Does not count" in (written / "drift.html").read_text()
    assert "320 ms" in (written / "drift.md").read_text()
    assert main(["diff", quick, slow, "--fail-on=slower"]) == 1
    assert main(["diff", slow, quick, "--fail-on=slower"]) == 0
    assert main(["diff", quick, quick, "--fail-on=slower"]) == 0


def test_diff_knows_one_word_more_that_is_red(
    monday: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", str(monday), str(monday), "--fail-on=should"]) == 4
    assert "unknown name 'should'. Valid is slower" in capsys.readouterr().err
