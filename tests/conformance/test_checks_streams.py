"""The stream oracle: each sin of a stream trips its rows, and no freedom does."""

from typing import Any

import pytest
from answers import SENT, chunk, good, says, streamed
from exchanges import (
    exchange,
    is_evidence,
    readings,
    sse,
    witnessed,
)
from streaming import (
    ALONG,
    ASKED,
    BODY,
    GOOD,
    JUDGES,
    LAYOUT,
    USAGE,
    ask,
    counted,
    found,
    rows,
    stream,
    used,
)

from aios_conformance.conformance.checks import streams
from aios_conformance.conformance.terms.exchange import Exchange

STREAMED, SHARED = "CHAT-SEM-014", "META-061"


def seen(*played: Exchange) -> set[str]:
    """The rows that they exercised."""
    return {
        row
        for check in JUDGES
        for exchange in played
        for row in (
            witnessed(check, exchange)
            if check.witness
            else check.ids
            if is_evidence(check, exchange)
            else ()
        )
    }


END = chunk(says(end="stop"))


def spoken(text: str, end: str | None = None, index: int = 0) -> Any:
    delta = {"role": "assistant", "content": text}
    return {"index": index, "delta": delta, "finish_reason": end}


def with_role(text: str) -> Any:
    return chunk(spoken(text))


def test_a_right_stream_has_no_findings_and_exercises_its_rows() -> None:
    assert rows(stream(GOOD)) == set()
    assert seen(stream(GOOD)) == {
        STREAMED, LAYOUT, SHARED, "META-063", "CHAT-SEM-015",
        "CHAT-RES-001", "COMMON-RES-005",
    }  # fmt: skip


# --- freedoms of the framing and of the chunks -------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        BODY.replace(b"\n", b"\r\n"),
        BODY.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + BODY,
        b": ping\n\n" + BODY.replace(b"data: [DONE]", b": ping\n\ndata: [DONE]"),
        BODY.replace(b"data: ", b"data:"),
        BODY.replace(b"data: {", b"event: message\nid: 7\nretry: 10\ndata: {"),
        BODY.replace(b'{"id"', b'{\ndata: "id"'),  # several data lines
        BODY + b": bye\n\n",
        sse(
            *streamed("Grüße, 水, 🎉", " then.")
        ),  # told apart in test_sse byte by byte
    ],
    ids=["CRLF", "CR", "BOM", "comments", "no space", "fields", "lines", "bye", "text"],
)
def test_any_framing_that_the_standard_allows_is_right(body: bytes) -> None:
    assert rows(stream(body)) == set()


@pytest.mark.parametrize(
    "chunks",
    [
        [*(chunk(spoken(text), usage=None) for text in "ab"), END],
        [*(with_role(text) for text in "ab"), END],
        [*GOOD[:2], chunk({"index": 0, "delta": {}}), *GOOD[2:]],
        [*GOOD[:-1], chunk(says(" end", "length"))],
        [*GOOD, chunk()],  # neither choices nor usage
        [chunk(), *GOOD],
    ],
    ids=["usage null", "role each time", "empty delta", "last text", "late", "early"],
)  # fmt: skip
def test_freedoms_of_real_servers_are_right(chunks: Any) -> None:
    assert rows(stream(chunks)) == set()


# --- sins --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        (sse(*GOOD, done=False), {LAYOUT}),
        (BODY + b"data: [DONE]\n\n", {LAYOUT}),
        (sse("[DONE]", *GOOD, done=False), {LAYOUT}),
        (sse(*GOOD[:1], "hello", *GOOD[1:]), {LAYOUT}),
        (sse(*GOOD[:1], "[1, 2]", *GOOD[1:]), {LAYOUT}),
        (BODY.replace(b"Blue", b"\xc3("), {LAYOUT}),
        (sse(*GOOD, GOOD[-1]), {SHARED}),
        (sse(*GOOD, GOOD[1]), {SHARED}),
        (sse(*GOOD[:-1]), {SHARED}),
        (
            sse(*GOOD[:-1], GOOD[-1] | {"id": "answer-2"}),
            {SHARED, "CHAT-RES-001", "COMMON-RES-005"},
        ),
        (sse(GOOD[0] | {"model": "other"}, *GOOD[1:]), {SHARED}),
        (sse(*GOOD[:2], GOOD[2] | {"created": 1001}, *GOOD[3:]), {SHARED}),
        (sse(*GOOD[:2], {"error": {"message": "out of memory"}}), {STREAMED}),
        (BODY.replace(b"data: [DONE]", b"event: error\ndata: no memory"), {STREAMED}),
        (sse(*GOOD, chunk(usage=USAGE)), {"META-063", "CHAT-SEM-015"}),
    ],
    ids=[
        "no DONE", "DONE twice", "DONE first", "no JSON", "no object", "no UTF-8",
        "finish twice", "text after finish", "no finish", "id changes",
        "model changes", "created changes", "error chunk", "error event",
        "usage unasked",
    ],
)  # fmt: skip
def test_each_sin_trips_its_rows(body: bytes, broken: set[str]) -> None:
    assert rows(stream(body)) == broken
    assert broken <= seen(stream(body)) | {STREAMED}


def test_an_event_that_no_blank_line_dispatches_is_not_there() -> None:
    assert rows(stream(BODY.removesuffix(b"\n\n"))) == {LAYOUT}


def test_a_plain_body_in_place_of_a_stream_is_silent() -> None:
    ((finding, broken),) = found(exchange("chat", ask(), good("chat")))
    assert (finding.kind, finding.soft, broken) == ("silent", False, (STREAMED,))


def test_another_media_type_only_warns() -> None:
    played = stream(GOOD, headers={"content-type": "application/x-ndjson"})
    ((finding, broken),) = found(played)
    assert (finding.soft, broken) == (True, (STREAMED,))
    assert finding.actual == "application/x-ndjson"


def test_one_event_with_all_the_text_only_warns() -> None:
    whole = [chunk(spoken("All of it at once, then.", "stop"))]
    ((finding, broken),) = found(stream(whole))
    assert (finding.soft, broken) == (True, (STREAMED,))
    assert rows(stream([chunk(spoken("Blue sky", "length"))])) == set()


@pytest.mark.parametrize("prompt", ["Name a river.", [5820, 253, 4626, 30]])
def test_an_echo_may_come_at_once(prompt: Any) -> None:
    sent = SENT["completions"] | {"prompt": prompt, "echo": True, "stream": True}
    head = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    told: dict[str, Any] = {
        "index": 0,
        "text": "Name a river. Rhine",
        "finish_reason": "stop",
    }
    pieces = [head | {"choices": [told]}]
    assert "COMP-SEM-011" not in rows(exchange("completions", sent, stream=pieces))
    told["text"] += ", Rhone, Danube"
    broken = rows(exchange("completions", sent, stream=pieces))
    assert ("COMP-SEM-011" in broken) == isinstance(prompt, str)


def test_a_stream_without_events_only_warns_of_its_pieces() -> None:
    assert rows(stream(b"nothing")) == {STREAMED, LAYOUT}
    assert all(f.soft for f, broken in found(stream(b"nothing")) if STREAMED in broken)


def test_a_cut_connection_is_a_crash_and_nothing_else() -> None:
    cut = stream(BODY[: len(BODY) // 2], broken="broke off after 200 bytes")
    ((finding, broken),) = found(cut)
    assert (finding.kind, broken) == ("crash", (STREAMED,))


def test_streams_of_invalid_requests_are_not_judged() -> None:
    played = stream(sse(*GOOD[:1], done=False), expect="refuse")
    assert rows(played) == set()
    assert seen(played) == set()


def test_what_may_be_refused_and_is_streamed_is_streamed_to_its_end() -> None:
    assert rows(stream(BODY, expect="either")) == set()
    broken_off = stream(sse(*GOOD[:1], done=False), expect="either")
    assert rows(broken_off) == {LAYOUT, SHARED}
    late = stream(sse(GOOD[0], {"error": {"message": "no"}}), expect="either")
    assert rows(late) == set()


# --- several choices ---------------------------------------------------------------


def choices(*indices: int) -> list[Any]:
    """Interleaved pieces of choices, each ended."""
    return [
        *(chunk(spoken("a", index=i)) for i in indices),
        *(chunk(says("b", index=i)) for i in reversed(indices)),
        *(chunk(says(end="stop", index=i)) for i in indices),
    ]


def test_interleaved_choices_are_right() -> None:
    played = stream(choices(0, 1, 2), ask(n=3))
    assert rows(played) == set()
    assert "META-065" in seen(played)


def test_several_choices_in_one_chunk_are_right() -> None:
    both = [chunk(spoken(t, index=0), spoken(t, index=1)) for t in "ab"]
    end = chunk(says(end="stop", index=0), says(end="length", index=1))
    assert rows(stream([*both, end], ask(n=2))) == set()


@pytest.mark.parametrize("indices", [(0,), (0, 1), (0, 2), (0, 1, 2, 3)])
def test_a_missing_or_odd_choice_is_found(indices: tuple[int, ...]) -> None:
    assert rows(stream(choices(*indices), ask(n=3))) == {
        "META-065", "META-035", "CHAT-SEM-011"
    }  # fmt: skip


def test_one_unfinished_choice_of_several_is_found() -> None:
    chunks = choices(0, 1)[:-1]
    ((finding, broken),) = found(stream(chunks, ask(n=2)))
    assert broken == (SHARED,)
    assert finding.expected.startswith("choice 1:")
    assert finding.pointer == "/chunks/2/choices/0"


@pytest.mark.parametrize(
    ("prompt", "count"), [("a", 2), (["a", "b"], 4), ([1, 2, 3], 2), ([[1], [2]], 4)]
)
def test_choices_are_counted_over_prompts(prompt: Any, count: int) -> None:
    sent = SENT["completions"] | {"prompt": prompt, "n": 2, "stream": True}
    head = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    pieces = [
        head | {"choices": [{"index": i, "text": "a", "finish_reason": "stop"}]}
        for i in range(count)
    ]
    assert rows(exchange("completions", sent, stream=pieces)) == set()
    assert "META-065" in rows(exchange("completions", sent, stream=pieces[1:]))


# --- usage -------------------------------------------------------------------------


def test_usage_once_at_the_end_is_right() -> None:
    played = stream([*GOOD, chunk(usage=USAGE)], ask(stream_options=ASKED))
    assert rows(played) == set()
    assert {"CHAT-SEM-015", "META-062"} <= seen(played)
    assert "META-063" not in seen(played)
    check = streams.usage_is_streamed_when_asked_for
    assert readings(check, played) == ["last chunk"]


@pytest.mark.parametrize(
    ("chunks", "broken"),
    [
        (GOOD, {"CHAT-SEM-015"}),
        ([chunk(usage=USAGE), *GOOD], {"META-062"}),
        ([*GOOD, chunk(usage=USAGE), chunk(usage=USAGE)], {"META-062"}),
        ([*GOOD[:-1], GOOD[-1] | {"usage": USAGE}], {"META-062"}),
        (
            [*GOOD, chunk(usage=USAGE | {"total_tokens": 9})],
            {"META-062", "META-034", "CHAT-RES-022", "COMMON-RES-010"},
        ),
    ],
    ids=["none", "first", "twice", "with the finish", "wrong sum"],
)
def test_usage_that_was_asked_for(chunks: Any, broken: set[str]) -> None:
    assert rows(stream(chunks, ask(stream_options=ASKED))) == broken


def test_usage_beside_the_last_choice_is_a_reading_too() -> None:
    chunks = [*GOOD[:-1], GOOD[-1] | {"usage": USAGE}]
    played = stream(chunks, ask(stream_options=ASKED))
    check = streams.usage_is_streamed_when_asked_for
    assert readings(check, played) == ["with the last choice"]


def test_completions_promise_usage_once_but_not_its_absence() -> None:
    sent = SENT["completions"] | {"stream": True}
    head = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    end = {"index": 0, "text": "a", "finish_reason": "stop"}
    usage = head | {"choices": [], "usage": USAGE}
    pieces = [head | {"choices": [end]}, usage]
    assert rows(exchange("completions", sent, stream=pieces)) == {"META-063"}
    asked = sent | {"stream_options": ASKED}
    assert rows(exchange("completions", asked, stream=pieces)) == set()
    twice = exchange("completions", asked, stream=[*pieces, usage])
    assert rows(twice) == {"META-062", "COMP-SEM-012"}


def test_continuous_usage_that_grows_is_right() -> None:
    played = stream(counted(0, 1, 2, 2), ask(stream_options=ALONG))
    assert rows(played) == set()
    assert "META-064" in seen(played)
    assert "META-062" not in seen(played)


def test_continuous_usage_that_falls_is_found() -> None:
    assert rows(stream(counted(0, 2, 1), ask(stream_options=ALONG))) == {"META-064"}


def test_continuous_usage_only_at_the_end_is_silent() -> None:
    played = stream([*GOOD, chunk(usage=USAGE)], ask(stream_options=ALONG))
    ((finding, broken),) = found(played)
    assert (finding.kind, broken) == ("silent", ("META-064",))


def test_of_several_choices_each_may_be_counted_by_itself() -> None:
    pieces = [
        chunk(spoken("a", index=i), usage=used(count))
        for i, count in ((0, 1), (0, 2), (1, 1), (1, 2))
    ]
    ends = [chunk(says(end="stop", index=i)) for i in (0, 1)]
    last = chunk(usage=used(4))
    sent = ask(n=2, stream_options=ALONG)
    assert rows(stream([*pieces, *ends, last], sent)) == set()


def test_counts_along_the_way_reach_the_last() -> None:
    """An end token may be counted by the last chunk alone."""
    sent = ask(stream_options=ALONG)
    ends = [chunk(says(end="stop"), usage=used(count)) for count in (4, 3, 2)]
    along = [chunk(spoken("a"), usage=used(1)), chunk(spoken("b"), usage=used(2))]
    last = chunk(usage=used(4))
    assert [rows(stream([*along, end, last], sent)) for end in ends] == [
        set(), set(), {"META-064"}
    ]  # fmt: skip


def test_a_choice_of_which_no_delta_says_the_role_is_found() -> None:
    unsaid = [chunk(says("a")), chunk(spoken("a", index=1))]
    ends = [chunk(says(end="stop", index=i)) for i in (0, 1)]
    ((finding, broken),) = found(stream([*unsaid, *ends], ask(n=2)))
    assert (finding.pointer, broken) == ("/chunks/0/choices/0/delta", (LAYOUT,))
