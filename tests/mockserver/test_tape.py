"""Answers are recorded once and played as they came."""

import json
from pathlib import Path

import pytest
from disk import files_of_at_most
from hypothesis import given
from hypothesis import strategies as st
from plain_http import Client

from aios_conformance.mockserver.embedded import local_mock
from aios_conformance.mockserver.scripting.differences import differences
from aios_conformance.mockserver.scripting.replay import TapeRecorder
from aios_conformance.mockserver.scripting.tape import Take, Tape, TapeError, parse_take

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
BODY = {"model": CHAT, "messages": [{"role": "user", "content": "café?"}], "seed": 5}
PATH = "/v1/chat/completions"


@given(
    st.text(),
    st.recursive(st.none() | st.integers() | st.text(), st.lists),
    st.lists(st.tuples(st.floats(0, 1e6), st.binary())),
)
def test_a_take_survives_its_line(
    path: str, request: object, blocks: list[tuple[float, bytes]]
) -> None:
    rounded = tuple((round(at, 1), data) for at, data in blocks)
    take = Take("POST", path, request, 200, "text/plain", rounded)
    line = take.line()
    assert "\n" not in line
    assert parse_take(line) == take


def test_what_is_recorded_is_played_again(tmp_path: Path) -> None:
    file = tmp_path / "tapes" / "chat.jsonl"
    with local_mock("--seed", "9") as real:
        with local_mock("--replay", str(file), "--record", real.url) as recorder:
            client = Client(recorder.url)
            whole = client.post(PATH, BODY, Authorization="Bearer sk-secret")
            stream = client.post(PATH, {**BODY, "stream": True})
            refused = client.post(PATH, {**BODY, "n": 0})
            assert refused.status == 422
            again = client.post(PATH, BODY)
            assert again.body == whole.body
            played = [(one["replayed"], one["api"]) for one in recorder.requests]
            assert played == [(True, "chat")] * 4
        assert len(real.requests) == 3
    text = file.read_text(encoding="utf-8")
    assert "sk-secret" not in text
    assert "café?" in text
    with local_mock("--replay", str(file)) as player:
        client = Client(player.url)
        assert client.post(PATH, BODY).body == whole.body
        replayed = client.post(PATH, {**BODY, "stream": True})
        assert replayed.body == stream.body
        assert replayed.headers["content-type"] == stream.headers["content-type"]
        assert client.post(PATH, {**BODY, "n": 0}).body == refused.body
        swapped = dict(reversed(BODY.items()))
        assert client.post(PATH, swapped).body == whole.body
        other = client.post(PATH, {**BODY, "seed": 6})
        assert other.status == 200
        assert player.requests[-1]["replayed"] is False
    with local_mock("--replay", str(file), "--strict") as strict:
        assert Client(strict.url).post(PATH, {**BODY, "seed": 6}).status == 404
        assert Client(strict.url).post(PATH, BODY).body == whole.body


@given(st.data(), st.lists(st.text(max_size=5)), st.booleans())
def test_a_stream_is_cut_where_its_events_end(
    data: st.DataObject, texts: list[str], done: bool
) -> None:
    events = [*texts, "[DONE]"] if done else texts
    stream = "".join(f"data: {json.dumps(text)}\n\n" for text in events).encode()
    stream = stream.replace(b'"[DONE]"', b"[DONE]")
    recording = TapeRecorder("POST", "/x", None, 200, "text/event-stream")
    rest, at = stream, 0.0
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        recording.add(at, rest[:size])
        rest, at = rest[size:], at + 1.0
    blocks = recording.take().blocks
    assert b"".join(block for _, block in blocks) == stream
    assert all(block.endswith(b"\n\n") for _, block in blocks)
    assert [at for at, _ in blocks] == sorted(at for at, _ in blocks)
    assert recording.done == done


def test_timing_is_kept_if_wanted(tmp_path: Path) -> None:
    file = tmp_path / "tape.jsonl"
    blocks = ((6e5, b"data: 1\n\n"), (12e5, b"data: [DONE]\n\n"))
    take = Take("POST", PATH, BODY, 200, "text/event-stream", blocks)
    file.write_text(take.line() + "\n", encoding="utf-8")
    for speed, least in (("0", 0), ("20000", 60), ("10000", 120)):
        with local_mock("--replay", str(file), "--replay-speed", speed) as mock:
            Client(mock.url).post(PATH, BODY)
            assert least <= mock.requests[-1]["duration_ms"] < 6e5


def test_equal_requests_play_their_takes_in_turn(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "tape.jsonl")
    takes = [
        Take("POST", "/x", {"a": 1}, status, "text/plain", ()) for status in (500, 200)
    ]
    for take in takes:
        tape.record(take)
    again = Tape(tmp_path / "tape.jsonl")
    assert len(again) == 2
    played = [again.play("POST", "/x", {"a": 1}) for _ in range(3)]
    assert played == [takes[0], takes[1], takes[1]]
    again.rewind()
    assert again.play("POST", "/x", {"a": 1}) == takes[0]
    assert again.play("GET", "/x", {"a": 1}) is None


def test_a_tape_that_cannot_be_written_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "tape.jsonl"
    with (
        local_mock() as real,
        local_mock("--replay", str(file), "--record", real.url) as recorder,
    ):
        client = Client(recorder.url)
        client.post(PATH, BODY)
        before = file.read_bytes()
        with files_of_at_most(len(before) + 9):
            refused = client.post(PATH, {**BODY, "seed": 6})
            client.post(PATH, {**BODY, "stream": True})
    assert (refused.status, refused.json()["error"]["code"]) == (500, "tape_unwritable")
    assert refused.json()["error"]["message"].startswith(f"cannot write {file}: ")
    assert file.read_bytes() == before


def test_the_url_that_clients_want_is_recorded_from_too(tmp_path: Path) -> None:
    file = tmp_path / "tape.jsonl"
    with (
        local_mock() as real,
        local_mock("--replay", str(file), "--record", f"{real.base_url}/") as recorder,
    ):
        assert Client(recorder.url).post(PATH, BODY).status == 200
        assert [one["path"] for one in real.requests] == [PATH]


def test_a_tape_without_anything_is_told(tmp_path: Path) -> None:
    with local_mock() as mock:
        mock.tape(tmp_path / "no.jsonl")
        error = Client(mock.url).post(PATH, BODY).json()["error"]
    assert f"there is nothing on {tmp_path}/no.jsonl yet" in error["message"]


def test_an_unreachable_server_is_a_bad_gateway(tmp_path: Path) -> None:
    with local_mock() as gone:
        url = gone.url
    file = tmp_path / "tape.jsonl"
    with local_mock("--replay", str(file), "--record", url) as recorder:
        reply = Client(recorder.url).post(PATH, BODY)
    assert reply.status == 502
    assert reply.json()["error"]["code"] == "upstream_unreachable"
    assert not file.exists()


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"method": "GET"}', "5", '{"blocks": [[1]]}']
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tape.jsonl"
    good = Take("POST", "/x", None, 200, "text/plain", ()).line()
    file.write_text(f"{good}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(TapeError, match="line 3"):
        Tape(file)


def test_the_nearest_take_is_told_and_where_it_differs(tmp_path: Path) -> None:
    file = tmp_path / "tape.jsonl"
    takes = [
        Take("POST", PATH, {**BODY, "seed": 7, "n": 2}, 200, "application/json", ()),
        Take("POST", PATH, {**BODY, "stop": ["a", "b"]}, 200, "application/json", ()),
        Take("GET", "/v1/models", None, 200, "application/json", ()),
    ]
    file.write_text("\n" + "".join(take.line() + "\n" for take in takes))
    with local_mock("--replay", str(file), "--strict") as mock:
        client = Client(mock.url)
        error = client.post(PATH, {**BODY, "stop": ["a"]}).json()["error"]
        assert error["code"] == "not_on_tape"
        assert (
            f"line 3 of {file}: /stop/1: expected 'b', got nothing" in error["message"]
        )
        asked = {**BODY, "stop": ["a", "b"], "temperature": 0}
        message = client.post(PATH, asked).json()["error"]["message"]
        assert message.endswith("/temperature: expected nothing, got 0")
        elsewhere = client.post("/v1/completions", {"model": CHAT, "prompt": "x"})
        message = elsewhere.json()["error"]["message"]
        assert f"only GET /v1/models, POST {PATH}" in message


def test_long_texts_are_shown_where_they_part() -> None:
    (found,) = differences({"a": "x" * 500 + "yes"}, {"a": "x" * 500 + "no"})
    assert str(found) == f"/a: expected '{'x' * 20}yes', got '{'x' * 20}no'"
