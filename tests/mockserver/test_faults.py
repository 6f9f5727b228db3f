"""Faults come over the wire as a client would really meet them."""

import asyncio
import http.client
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from asking import CHAT, PATH, saying, stalled
from hypothesis import given
from hypothesis import strategies as st

from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.mockserver.faults.effects import harmed_frames
from aios_conformance.mockserver.faults.kinds import (
    KINDS,
    Fault,
    FaultError,
    FaultRate,
    draw,
    parse_fault,
    parse_rate,
)
from aios_conformance.serving.stages import Frames

TEXT = "The café is open, and so is the other café in Zürich."


@pytest.fixture(scope="module")
def server() -> Iterator[LocalMock]:
    with local_mock("--self-check") as mock:
        yield mock


@pytest.fixture
def mock(server: LocalMock) -> LocalMock:
    server.reset()
    server.say(TEXT)
    return server


class Raw:
    """Whatever came, and whether it came to its end."""

    def __init__(self, mock: LocalMock, fault: str | None, **body: Any) -> None:
        where = urlsplit(mock.url)
        connection = http.client.HTTPConnection(
            where.hostname or "", where.port, timeout=5
        )
        headers = {"Content-Type": "application/json"}
        if fault is not None:
            headers["X-Mock-Fault"] = fault
        self.status, self.body, self.whole = 0, b"", False
        try:
            connection.request(
                "POST", PATH, json.dumps(saying("hello", **body)), headers
            )
            response = connection.getresponse()
            self.status = response.status
            self.headers = {k.lower(): v for k, v in response.getheaders()}
            try:
                self.body = response.read()
                self.whole = True
            except http.client.IncompleteRead as error:
                self.body = error.partial
        except (http.client.RemoteDisconnected, ConnectionResetError):
            pass
        finally:
            connection.close()

    @property
    def events(self) -> list[bytes]:
        return [event for event in self.body.split(b"\n\n") if event]


def test_no_fault_no_harm(mock: LocalMock) -> None:
    raw = Raw(mock, None)
    assert (raw.status, raw.whole) == (200, True)
    assert json.loads(raw.body)["choices"][0]["message"]["content"] == TEXT
    assert mock.requests[-1]["finished"] is True


@pytest.mark.parametrize("stream", [False, True])
def test_a_dropped_connection_gives_not_one_byte(mock: LocalMock, stream: bool) -> None:
    raw = Raw(mock, "drop", stream=stream)
    assert raw.body == b""
    assert not raw.whole
    assert mock.requests[-1]["finished"] is False
    assert mock.requests[-1]["fault"] == "drop"


def test_a_cut_answer_promises_more_than_it_sends(mock: LocalMock) -> None:
    whole = Raw(mock, None)
    raw = Raw(mock, "cut")
    assert raw.status == 200
    assert not raw.whole
    assert 0 < len(raw.body) < len(whole.body)
    assert int(raw.headers["content-length"]) == len(whole.body)


@pytest.mark.parametrize("events", [0, 1, 4])
def test_a_cut_stream_breaks_inside_an_event(mock: LocalMock, events: int) -> None:
    raw = Raw(mock, f"cut@{events}", stream=True)
    assert not raw.whole
    *good, broken = raw.events
    assert len(good) == events
    for event in good:
        json.loads(event.removeprefix(b"data: "))
    assert broken.startswith(b"data: ")
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.removeprefix(b"data: "))
    assert mock.requests[-1]["events"] == events + 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_cut_inside_a_character_leaves_half_of_it(
    mock: LocalMock, stream: bool
) -> None:
    raw = Raw(mock, "cut-utf8", stream=stream)
    assert not raw.whole
    with pytest.raises(UnicodeDecodeError):
        raw.body.decode()


def test_a_truncated_stream_ends_properly_and_too_early(mock: LocalMock) -> None:
    raw = Raw(mock, "truncate@3", stream=True)
    assert raw.whole
    assert len(raw.events) == 3
    assert b"[DONE]" not in raw.body
    assert mock.requests[-1]["finished"] is False


def test_a_truncated_answer_is_half_a_document(mock: LocalMock) -> None:
    raw = Raw(mock, "truncate")
    assert raw.whole
    with pytest.raises(json.JSONDecodeError):
        json.loads(raw.body)


def test_garbage_replaces_one_event_and_the_stream_goes_on(mock: LocalMock) -> None:
    whole = Raw(mock, None, stream=True)
    raw = Raw(mock, "garbage@2", stream=True)
    assert raw.whole
    assert len(raw.events) == len(whole.events)
    with pytest.raises(json.JSONDecodeError):
        json.loads(raw.events[2].removeprefix(b"data: "))
    assert raw.events[-1] == b"data: [DONE]"


def test_an_error_comes_in_the_stream_or_as_a_status(mock: LocalMock) -> None:
    raw = Raw(mock, "error@2", stream=True)
    assert (raw.status, raw.whole) == (200, True)
    assert "error" in json.loads(raw.events[2].removeprefix(b"data: "))
    assert len(raw.events) == 3
    assert Raw(mock, "error").status == 500


@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_answer_is_a_200_without_a_body(mock: LocalMock, stream: bool) -> None:
    raw = Raw(mock, "empty", stream=stream)
    assert (raw.status, raw.body, raw.whole) == (200, b"", True)


@pytest.mark.parametrize("stream", [False, True])
def test_a_dribbled_answer_is_whole_in_the_end(mock: LocalMock, stream: bool) -> None:
    def text(raw: Raw) -> str:
        if not stream:
            found: str = json.loads(raw.body)["choices"][0]["message"]["content"]
            return found
        chunks = [json.loads(event[6:]) for event in raw.events[:-1]]
        return "".join(c["choices"][0]["delta"].get("content", "") for c in chunks)

    raw = Raw(mock, "dribble", stream=stream)
    assert raw.whole
    assert text(raw) == TEXT
    assert mock.requests[-1]["finished"] is True


def fields_of(raw: bytes) -> list[bytes]:
    """The data of each event, read as the rules of server-sent events say."""
    lines = re.split(rb"\r\n|\n|\r", raw.removeprefix(b"\xef\xbb\xbf"))
    fields = [line.partition(b":") for line in lines if not line.startswith(b":")]
    return [value.removeprefix(b" ") for name, _, value in fields if name == b"data"]


@pytest.mark.parametrize(
    ("fault", "mark"),
    [
        ("split", b'"}'),
        ("merge", b'"}'),
        ("crlf", b"\r\n\r\n"),
        ("bom", b"\xef\xbb\xbfdata: "),
        ("ping", b": ping\n\ndata: "),
        ("no-space", b"data:{"),
    ],
)
def test_legal_bytes_say_the_same_to_who_reads_by_the_rules(
    mock: LocalMock, fault: str, mark: bytes
) -> None:
    plain, other = Raw(mock, None, stream=True), Raw(mock, fault, stream=True)
    assert other.whole
    assert mark in other.body
    assert (fault in ("split", "merge")) or mark not in plain.body
    texts = [
        "".join(
            json.loads(data)["choices"][0]["delta"].get("content", "")
            for data in fields_of(raw.body)[:-1]
        )
        for raw in (plain, other)
    ]
    assert texts == [TEXT, TEXT]
    assert fields_of(other.body)[-1] == b"[DONE]"
    assert mock.requests[-1]["finished"] is True
    assert json.loads(Raw(mock, fault).body)["object"] == "chat.completion"


async def packets(fault: str, events: list[bytes]) -> list[bytes]:
    async def source() -> Frames:
        for event in events:
            yield event

    return [packet async for packet in harmed_frames(source(), Fault(fault), None)]


def test_packets_end_inside_events() -> None:
    events = [b"data: %d\n\n" % number for number in range(9)]
    split = asyncio.run(packets("split", events))
    assert len(split) == 18
    assert [a + b for a, b in zip(split[::2], split[1::2], strict=True)] == events
    assert len({len(packet) for packet in split[::2]}) > 4
    merged = asyncio.run(packets("merge", events))
    assert b"".join(merged) == b"".join(events)
    assert len(merged) < 6
    assert not any(packet.endswith(b"\n\n") for packet in merged[:-1])


@pytest.mark.parametrize(("fault", "count"), [("done-twice", 2), ("no-done", 0)])
def test_done_comes_twice_or_not_at_all(
    mock: LocalMock, fault: str, count: int
) -> None:
    raw = Raw(mock, fault, stream=True)
    assert raw.whole
    assert raw.body.count(b"[DONE]") == count
    assert b'"finish_reason":"stop"' in raw.body


@pytest.mark.parametrize("stream", [False, True])
def test_a_stalled_answer_goes_silent_until_the_client_leaves(
    mock: LocalMock, stream: bool
) -> None:
    received = b""
    with stalled(mock, 2, stream=stream) as connection:
        connection.settimeout(0.3)
        with suppress(TimeoutError):
            while data := connection.recv(65536):
                received += data
            pytest.fail("the connection was closed")
    assert received.startswith(b"HTTP/1.1 200")
    if stream:
        assert received.count(b"data: ") == 2
    assert mock.requests[-1]["finished"] is False


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("429", "rate_limit_error"),
        ("503", "overloaded_error"),
        ("500", "server_error"),
        ("418", "invalid_request_error"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_status_is_a_refusal_in_the_usual_layout(
    mock: LocalMock, status: str, kind: str, stream: bool
) -> None:
    raw = Raw(mock, status, stream=stream)
    assert raw.status == int(status)
    assert json.loads(raw.body)["error"]["type"] == kind
    assert ("retry-after" in raw.headers) == (status in ("429", "503"))
    entry = mock.requests[-1]
    assert (entry["status"], entry["fault"]) == (int(status), status)
    assert entry["body"]["model"] == CHAT


def test_a_fault_that_does_not_exist_is_a_clear_error(mock: LocalMock) -> None:
    raw = Raw(mock, "explode")
    assert raw.status == 400
    message = json.loads(raw.body)["error"]["message"]
    assert "X-Mock-Fault" in message
    assert "'explode'" in message
    assert "cut" in message


def test_rates_choose_the_same_requests_again(mock: LocalMock) -> None:
    def statuses() -> list[int]:
        mock.reset()
        mock.faults("429=0.3", "500=0.2")
        return [Raw(mock, None).status for _ in range(40)]

    first = statuses()
    assert first == statuses()
    assert set(first) == {200, 429, 500}


@given(st.floats(0, 1), st.integers(0, 2**32))
def test_a_rate_of_one_always_strikes_and_of_zero_never(
    rate: float, number: int
) -> None:
    cut = Fault("cut")
    assert draw([FaultRate(cut, 1.0)], 0, number) == cut
    assert draw([FaultRate(cut, 0.0)], 0, number) is None
    assert draw([], 0, number) is None
    assert draw([FaultRate(cut, rate)], 0, number) in (cut, None)


def test_rates_are_met_in_the_long_run() -> None:
    rates = [parse_rate("429=0.2"), parse_rate("cut@3=0.1")]
    drawn = [draw(rates, 0, number) for number in range(4_000)]
    assert drawn.count(Fault("429")) / 4_000 == pytest.approx(0.2, abs=0.03)
    assert drawn.count(Fault("cut", 3)) / 4_000 == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("text", [*KINDS, "400", "599", "cut@0", "stall@12"])
def test_faults_are_read_as_they_are_written(text: str) -> None:
    assert str(parse_fault(text)) == text
    assert parse_rate(text).rate == 1.0


@pytest.mark.parametrize(
    "text", ["", "boom", "399", "600", "cut@", "cut@x", "cut@-1", "429=2", "429=x"]
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(FaultError, match="must be"):
        parse_rate(text)
