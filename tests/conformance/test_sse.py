"""The decoder, on every split of the bytes and against a naive reading."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aios_conformance.conformance.terms.sse import ServerSentEvent, SseDecoder, decode

CASES = {
    b"data: a\n\n": ["a"],
    b"data:a\r\n\r\n": ["a"],
    b"data: a\r\rdata: b\r\r": ["a", "b"],
    b"data:  a\n\n": [" a"],
    b"data: a\ndata: b\n\n": ["a\nb"],
    b"data\n\n": [""],
    b"data:\n\n": [""],
    b": comment\n\ndata: a\n\n": ["a"],
    b"event: x\n\ndata: a\n\n": ["a"],
    b"retry: 3\nfoo: bar\ndata: a\n\n": ["a"],
    b"\xef\xbb\xbfdata: a\n\n": ["a"],
    b"data: a\n": [],
    b"data: a": [],
    b"": [],
    "data: é漢😀\n\n".encode(): ["é漢😀"],
    b"data: a\n\n\n\ndata: b\n\n": ["a", "b"],
    b"data: a\r\n\ndata: b\n\n": ["a", "b"],
    b"data: a\n\r\ndata: b\r\r\n": ["a", "b"],
    b"\n\n": [],
    b'data: {"a": 1}\n\ndata: [DONE]\n\n': ['{"a": 1}', "[DONE]"],
}


@pytest.mark.parametrize("body", CASES, ids=repr)
def test_a_whole_stream_decodes(body: bytes) -> None:
    assert [event.data for event in decode(body)] == CASES[body]


@pytest.mark.parametrize("body", CASES, ids=repr)
def test_every_split_into_two_decodes_alike(body: bytes) -> None:
    for cut in range(len(body) + 1):
        decoder = SseDecoder()
        events = [*decoder.feed(body[:cut]), *decoder.feed(body[cut:])]
        assert [event.data for event in events] == CASES[body]


@pytest.mark.parametrize("body", CASES, ids=repr)
def test_byte_by_byte_decodes_alike(body: bytes) -> None:
    decoder = SseDecoder()
    events = [e for i in range(len(body)) for e in decoder.feed(body[i : i + 1])]
    assert [event.data for event in events] == CASES[body]


LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data", b"", b"", b": c", b"event: e", b"id: 7", b"\xff"]
) | st.binary(max_size=6).filter(lambda b: b"\n" not in b and b"\r" not in b)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
STREAMS = st.lists(st.tuples(LINES, ENDS)).map(
    lambda pairs: b"".join(line + end for line, end in pairs)
)


@given(STREAMS, st.data())
@settings(deadline=None)
def test_any_split_decodes_like_the_whole(body: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(body))))
    decoder = SseDecoder()
    events: list[ServerSentEvent] = []
    for start, end in pairwise(sorted([0, len(body), *cuts])):
        events += decoder.feed(body[start:end])
    whole = SseDecoder()
    assert events == whole.feed(body)
    assert decoder.rest == whole.rest


@given(STREAMS)
@settings(deadline=None)
def test_it_reads_like_the_standard(body: bytes) -> None:
    assert [event.data for event in decode(body)] == naive(body)


def naive(body: bytes) -> list[str]:
    """The standard's algorithm, on a whole stream and as plainly as can be."""
    text = body.removeprefix(b"\xef\xbb\xbf")
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    found: list[str] = []
    data: list[bytes] = []
    for line in lines:
        if not line:
            if data:
                found.append(b"\n".join(data).decode(errors="replace"))
            data = []
        elif line == b"data" or line.startswith(b"data:"):
            value = line[5:]
            data.append(value.removeprefix(b" "))
    return found


def test_what_is_not_dispatched_is_the_rest() -> None:
    decoder = SseDecoder()
    decoder.feed(b"data: a\n\ndata: b\nda")
    assert decoder.rest == b"b\nda"


def test_a_finished_stream_has_no_rest() -> None:
    decoder = SseDecoder()
    decoder.feed(b"data: a\n\n")
    assert decoder.rest == b""


def test_event_and_id_are_kept() -> None:
    (event,) = decode(b"event: x\nid: 7\ndata: a\n\n")
    assert (event.event, event.id) == ("x", "7")


def test_an_id_with_a_null_byte_is_ignored() -> None:
    (event,) = decode(b"id: 7\0\ndata: a\n\n")
    assert event.id == ""


def test_broken_utf8_is_told() -> None:
    (event,) = decode(b"data: \xff\n\n")
    assert not event.is_utf8
    assert event.data == "�"


def test_data_that_is_no_json_has_no_json() -> None:
    first, last = decode(b'data: {"a": 1}\n\ndata: [DONE]\n\n')
    assert first.json == {"a": 1}
    assert last.json is None
    assert last.is_done


@pytest.mark.parametrize("ending", [b"\n\n", b"\r\n\r\n"], ids=["LF", "CRLF"])
def test_long_streams_take_linear_time(ending: bytes) -> None:
    def cost(events: int) -> float:
        body = (b'data: {"choices": [{"index": 0}]}' + ending) * events
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            assert len(decode(body)) == events
            best = min(best, time.process_time() - began)
        return best

    # ten times the events: ten times the time if linear, a hundred if quadratic
    assert cost(30_000) < 30 * cost(3_000)


def test_a_long_line_in_small_pieces_takes_linear_time() -> None:
    decoder = SseDecoder()
    began = time.process_time()
    for _ in range(200_000):
        decoder.feed(b"xxxx")
    assert time.process_time() - began < 10  # quadratic: minutes
