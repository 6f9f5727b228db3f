"""What the official client cannot read is found, and what it reads is not."""

from typing import Any

import openai
import pytest
from answers import SENT, chunk, good, says, spoilt, streamed
from exchanges import dump, exchange, sse
from exchanges import findings as found_by
from exchanges import witnessed as witnessed_by

from aios_conformance.conformance.checks import client
from aios_conformance.conformance.terms.catalogue import checks_in
from aios_conformance.conformance.terms.check import Finding
from aios_conformance.conformance.terms.exchange import Api, Exchange

ROWS: dict[Api, set[str]] = {
    "chat": {"COMMON-SEM-002", "CHAT-SEM-001"},
    "completions": {"COMMON-SEM-002", "COMP-SEM-001"},
}
HEAD = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
TEXT = HEAD | {"choices": [{"index": 0, "text": "a", "finish_reason": None}]}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def findings(played: Exchange) -> list[Finding]:
    return [found for each in checks_in(client) for found in found_by(each, played)]


def witnessed(played: Exchange) -> set[str]:
    return {row for each in checks_in(client) for row in witnessed_by(each, played)}


def whole(answer: Any, api: Api = "chat", **over: Any) -> Exchange:
    return exchange(api, SENT[api], answer, **over)


def stream(body: Any, api: Api = "chat", **over: Any) -> Exchange:
    return exchange(api, SENT[api] | {"stream": True}, stream=body, **over)


@pytest.mark.parametrize(
    ("api", "played"),
    [
        ("chat", whole(good("chat"))),
        ("completions", whole(good("completions"), "completions")),
        ("chat", whole(spoilt("chat", "usage"))),
        ("chat", stream(streamed("Blue", " sky"))),
        ("chat", stream([*streamed("a"), chunk(usage=USAGE)])),
        ("chat", stream(sse(*streamed("a")).replace(b"\n", b"\r\n"))),
        ("chat", stream(b": ping\n\n" + sse(*streamed("a")))),
        ("completions", stream([TEXT, HEAD | {"choices": []}], "completions")),
    ],
)
def test_what_the_client_reads_is_right(api: Api, played: Exchange) -> None:
    assert findings(played) == []
    assert witnessed(played) == ROWS[api]


TOOL = {"id": "t", "type": "function", "function": {"name": "f", "arguments": None}}


@pytest.mark.parametrize(
    ("played", "told"),
    [
        (whole(b"[]"), "AttributeError"),
        (whole(b'{"id": '), "JSONDecodeError"),
        (whole(b'{"choices": ' + b"[" * 9_999 + b"]" * 9_999 + b"}"), "RecursionError"),
        (whole(b"<html>", headers={"content-type": "text/html"}), "AttributeError"),
        (whole(spoilt("chat", "choices", {})), "choices is dict, not a list"),
        (whole(spoilt("chat", "choices", [])), "no choice"),
        (whole(spoilt("chat", "choices/0/message", None)), "AttributeError"),
        (whole(spoilt("chat", "choices/0/message/content", 7)), "the text is int"),
        (whole(spoilt("chat", "choices/0/message/tool_calls", [TOOL])), "TypeError"),
        (whole(spoilt("chat", "usage/total_tokens")), "TypeError"),
        (stream([chunk()]), "no choice"),
        (stream(sse("hello")), "JSONDecodeError"),
        (stream([*streamed("a"), {"error": {"message": "no memory"}}]), "no memory"),
        (stream([chunk({"index": 0, "delta": None})]), "AttributeError"),
        (stream([chunk(says("a"), usage={"total_tokens": None})]), "TypeError"),
    ],
)
def test_what_the_client_cannot_read_is_found(played: Exchange, told: str) -> None:
    (found,) = findings(played)
    assert told in str(found.actual)
    assert {*found.ids} == ROWS["chat"]


def test_a_plain_body_in_place_of_a_stream_holds_no_choice() -> None:
    sent = SENT["chat"] | {"stream": True}
    (found,) = findings(exchange("chat", sent, good("chat")))
    assert "no choice" in str(found.actual)


@pytest.mark.parametrize(
    "played",
    [
        whole({"error": "no"}, status=400),
        whole(b"[]", expect="refuse"),
        whole(b"[]", expect="either"),
        exchange("rerank", SENT["rerank"], b"[]"),
        exchange("chat", b"[]", b"[]"),
        stream(b"data: {", broken="broke off"),
    ],
)
def test_only_whole_successes_of_valid_requests_are_read(played: Exchange) -> None:
    assert findings(played) == []
    assert witnessed(played) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"content":"', b'"content":"\x01'),
        (b'"content":"', b'"content":"\xff'),
        (b'"content":"', b'"content":"\\q'),
        (b'"content":"', b'"content":7,"x":"'),
        (b'"total_tokens":', b'"total_tokens":0'),
        (b'"total_tokens":', b'"total_tokens":.'),
        (b'"created":', b'"created":-0'),
    ],
)
def test_what_is_blanked_hides_nothing_from_the_client(old: bytes, new: bytes) -> None:
    """Of text and counts only what is plain is left out of account."""
    body = dump(good("chat"))
    assert old in body
    assert findings(whole(body)) == []
    assert len(findings(whole(body.replace(old, new, 1)))) == 1


def test_a_stream_may_begin_with_a_mark() -> None:
    """Of an only choice the client would see nothing: it skips the first event."""
    assert not findings(stream(b"\xef\xbb\xbf" + sse(TEXT), "completions"))


def test_a_stream_is_read_to_its_end() -> None:
    body = sse(*streamed("a", "b", "c", "d"))
    cut = body.replace(b"data: [DONE]", b"data: [DO", 1)
    assert findings(stream(body)) == []
    assert len(findings(stream(cut))) == 1


def test_answers_that_differ_in_their_words_alone_are_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads: list[bytes] = []
    kind = openai.resources.chat.completions.Completions
    create = kind.create

    def counted(*args: Any, **given: Any) -> Any:
        reads.append(b"")
        return create(*args, **given)

    monkeypatch.setattr(kind, "create", counted)
    for i in range(3):
        spoken = spoilt("chat", "choices/0/message/content", f"word {i}")
        answer = spoken | {"id": f"a{i}", "system_fingerprint": "read once"}
        assert findings(whole(answer)) == []
    assert len(reads) == 1
