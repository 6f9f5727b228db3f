"""A recording read back is judged like the run itself."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from exchanges import exchange, observation
from hypothesis import given, settings
from hypothesis import strategies as st
from test_judge import GOOD, HTML

from aios_conformance.conformance.observing.recorder import Unsent
from aios_conformance.conformance.observing.recording import (
    BROKEN_OFF,
    FILE_NAME,
    Recording,
    RecordingWriter,
    read_recording,
)
from aios_conformance.conformance.observing.selfcheck import SuiteFault
from aios_conformance.conformance.observing.setting import Setting
from aios_conformance.conformance.options.values import OptionError, Waiver
from aios_conformance.conformance.terms.exchange import Facts, Observation
from aios_conformance.conformance.terms.result import Usage
from aios_conformance.conformance.terms.scenario import (
    Dropped,
    PlannedScenario,
    PlannedStep,
)

SETTING = Setting(
    "http://h",
    "aios",
    "standard",
    7,
    "2026-06-15T12:00:00Z",
    "0.1",
    apis=("rerank",),
    without=("tools",),
    waivers=(Waiver("RERANK-SEM-006", "known", "2026-12-31"),),
    selection=("RERANK-SEM-006",),
    has_key=True,
    key_env="MY_KEY",
)
FACTS = Facts("aios", {"rerank": "m"}, {"rerank": "embedding"})
STREAM = exchange(
    "chat",
    {"stream": True},
    stream=b"data: \xff\n\n",
    id="ex-2",
    headers={"x-odd": "\udcff"},
    arrivals=((0.25, 3), (0.5, 9)),
    broken="broke off",
)
LOST = exchange("chat", b"{", failure="timeout", id="ex-3", attempts=4)
MAIN = observation("toy.x", {"n": [1]}, FACTS, good=GOOD, stream=STREAM, lost=LOST)
BEFORE = replace(GOOD, id="again-0", label="before good")
AGAIN = replace(
    observation("toy.x", {"n": [1]}, FACTS, good=replace(GOOD, id="again-1")),
    beside=[BEFORE],
)
SMALL = observation("toy.x", None, FACTS, draw=1001, good=replace(GOOD, id="small-1"))
SHARED = observation(
    "toy.y", None, FACTS, valid=replace(GOOD, serves=("RERANK-REQ-004",))
)
WHOLE = Recording(
    SETTING,
    FACTS,
    {"chat": "the chat API is absent"},
    (
        PlannedScenario(
            "toy.x", 0, ("rerank",), (PlannedStep("good", "POST /v1/rerank", ("A",)),)
        ),
    ),
    {"toy.z": Dropped("--without tools", ("CHAT-REQ-048",))},
    (GOOD, STREAM, LOST),
    (MAIN, SHARED),
    (AGAIN,),
    (SMALL,),
    (Unsent("toy.x", 0, "next", ("A",), "why"),),
    (SuiteFault("toy.x", 0, "bad", ("A",), "wrong"),),
    Usage(3, 20, 10, 5, 2),
    1.5,
    "interrupted",
)


def written(directory: Path, recording: Recording = WHOLE, *, end: bool = True) -> Path:
    writer = RecordingWriter(directory)
    writer.header(recording.setting)
    writer.plan(
        recording.facts, recording.absent, recording.scenarios, recording.dropped
    )
    for each in (*recording.exchanges, *AGAIN.sent, SMALL["good"]):
        writer.exchange(each)
    for phase, observations in recording.phases.items():
        for seen in observations:
            writer.observation(seen, phase)
    if end:
        writer.footer(recording)
    else:
        writer.close()
    return directory / FILE_NAME


def same(left: Any, right: Any) -> bool:
    """Equal, whatever the kind of sequence."""
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if hasattr(left, "__dataclass_fields__"):
        return all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left)
        )
    return bool(left == right)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written(tmp_path)
    read = read_recording(tmp_path)
    assert same(read.exchanges, WHOLE.exchanges)
    for member in fields(Recording):
        if member.name != "exchanges":
            assert same(getattr(read, member.name), getattr(WHOLE, member.name)), member


def test_a_file_may_be_named_itself(tmp_path: Path) -> None:
    assert read_recording(written(tmp_path)).setting == SETTING


def test_steps_keep_what_they_were_sent_for(tmp_path: Path) -> None:
    written(tmp_path)
    shared = read_recording(tmp_path).observations[1]["valid"]
    assert shared.serves == ("RERANK-REQ-004",)
    assert (shared.probe, shared.label) == ("toy.y", "valid")
    assert shared.id == GOOD.id


def test_without_a_footer_a_run_was_broken_off(tmp_path: Path) -> None:
    written(tmp_path, end=False)
    read = read_recording(tmp_path)
    assert read.cut_short == BROKEN_OFF
    assert len(read.exchanges) == 3


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, end=False)
    whole = path.read_bytes()
    for cut in (1, 5, 50):
        path.write_bytes(whole[:-cut])
        assert read_recording(tmp_path).cut_short == BROKEN_OFF


def test_every_line_is_json_that_says_what_it_is(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path).read_text().splitlines()]
    assert [line["line"] for line in lines[:3]] == ["header", "plan", "exchange"]
    assert lines[-1]["line"] == "footer"


def test_a_new_recording_takes_the_place_of_an_old_one(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, end=False)
    assert read_recording(tmp_path).cut_short == BROKEN_OFF


@given(st.binary(), st.text(st.characters(codec="utf-8")))
@settings(max_examples=50, deadline=None)
def test_any_bytes_survive(body: bytes, text: str) -> None:
    import tempfile  # noqa: PLC0415 - a directory per example

    with tempfile.TemporaryDirectory() as directory:
        made = exchange("rerank", {"query": text}, body, id="ex-9")
        once = replace(WHOLE, exchanges=(GOOD, STREAM, LOST, made))
        written(Path(directory), once)
        read = read_recording(Path(directory)).exchanges[-1]
        assert read.response is not None
        assert read.response.body == body
        assert read.request.body == made.request.body


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}\n",
        "no json\n",
        '{"line": "header"}\n',
        '{"line": "header", "version": 99}\n',
        '{"line": "novel"}\n',
        '{"line": "footer", "duration_s": "long"}\n',
    ],
)
def test_what_is_no_recording_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(OptionError, match="is no recording"):
        read_recording(tmp_path)


def test_a_missing_recording_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read") as caught:
        read_recording(tmp_path)
    assert FILE_NAME in caught.value.hint


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OptionError, match="--report-dir"):
        RecordingWriter(tmp_path / "file")


def test_phases_are_told_apart(tmp_path: Path) -> None:
    written(tmp_path)
    read = read_recording(tmp_path)

    def ids(seen: list[Observation]) -> set[str]:
        return {e.id for o in seen for e in o.steps.values()}

    assert ids(list(read.again)) == {"again-1"}
    assert ids(list(read.smaller)) == {"small-1"}
    assert [e.id for e in read.exchanges] == ["ex-1", "ex-2", "ex-3"]
    assert HTML.id == "ex-1"
