"""No answer of a target ends a run with an error of ours, or spoils its reports."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
from exchanges import exchange
from hostile import ANSWERS, RIGHT, Answer, hostile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from listening import Asked, Said, listening

from aios_conformance.conformance.cli.command import main
from aios_conformance.conformance.judging.verdict import exit_code
from aios_conformance.conformance.judging.watch import NO_TIME
from aios_conformance.conformance.observing.recording import read_recording
from aios_conformance.conformance.options.values import ConformanceError, RunOptions
from aios_conformance.conformance.reporting import WRITERS, write_reports
from aios_conformance.conformance.reporting.html_evidence import evidence
from aios_conformance.conformance.running import stages
from aios_conformance.conformance.running.conclude import conclude
from aios_conformance.conformance.running.run import run_dialects
from aios_conformance.spec import report_schema

APIS = ("rerank", "score", "chat", "completions", "embeddings")


def outcome(answers: list[Answer], api: str, directory: Path) -> int:
    """The exit code of a run in which these answers take turns; reports are valid."""

    async def story() -> int:
        async with hostile(answers) as url:
            options = RunOptions(
                url,
                preset="smoke",
                apis=(api,),
                models={"*": "m"},
                request_timeout_s=5,
                report_dir=directory,
                shrink_requests=5,
            )
            outcomes = await run_dialects([options], lambda _: None)
        (run,) = outcomes.runs
        write_reports(run.result, directory)
        error = outcomes.error or run.error
        if isinstance(error, ConformanceError):
            return int(error.exit_code)
        if error is not None:
            raise error
        return int(exit_code(run.result))

    return asyncio.run(story())


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.nested_given],
)
@given(st.lists(ANSWERS, min_size=1, max_size=4), st.sampled_from(APIS))
def test_no_answer_is_an_error_of_ours(answers: list[Answer], api: str) -> None:
    with TemporaryDirectory() as name:
        directory = Path(name)
        assert outcome(answers, api, directory) in (0, 1, 2, 4, 5)
        assert {*WRITERS} < {path.name for path in directory.iterdir()}
        report = json.loads((directory / "report.json").read_bytes())
        jsonschema_rs.validate(report_schema(), report)
        ET.parse(directory / "junit.xml")  # noqa: S314  our own
        for each in ("report.html", "report.md"):
            (directory / each).read_text()
        assert conclude(read_recording(directory)).claim in ("none", report["claim"])


def test_judging_ends_in_time_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Answer(body=json.dumps(RIGHT).encode())
    monkeypatch.setattr(stages, "JUDGING_S", -RunOptions("mock").max_time_s)
    assert outcome([told], "rerank", tmp_path) == 2
    report = json.loads((tmp_path / "report.json").read_bytes())
    jsonschema_rs.validate(report_schema(), report)
    assert (report["complete"], report["claim"]) == (False, "none")
    assert {"pass", "fail", "warn", "error"}.isdisjoint(
        row["verdict"] for row in report["requirements"]
    )
    reasons = {row["reason"] for row in report["requirements"]}
    assert f"not judged: {NO_TIME}" in reasons
    whole = conclude(read_recording(tmp_path))  # the recording lacks nothing
    assert whole.complete
    assert whole.summary["pass"]


TURNING = "\u202e"


@pytest.mark.parametrize(
    ("letter", "shown_as"), [(TURNING, r"\u202e"), ("\udcff", r"\udcff")]
)
def test_an_error_s_message_shows_what_turns_a_line(
    letter: str, shown_as: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def elsewhere(_: Asked) -> Said:
        return Said(303, b"", headers={"Location": f"http://evil{letter}/"})

    with listening(elsewhere) as url:
        code = main(["run", url, "--preset=smoke", f"--report-dir={tmp_path}/{letter}"])
    shown = capsys.readouterr()
    assert (code, f"evil{shown_as}" in shown.err) == (4, True)
    assert f"{shown_as}/report.html" in shown.out
    assert letter not in shown.out + shown.err


def test_a_request_that_repeats_an_answer_shows_what_turns_a_line() -> None:
    sent = exchange("chat", {"messages": [{"role": "user", "content": TURNING}]}, {})
    for ensured in (True, False):
        body = json.dumps(sent.request.json, ensure_ascii=ensured).encode()
        shown = evidence(
            replace(sent, request=replace(sent.request, body=body)), "http://h", ""
        )
        assert TURNING not in shown
