"""What comes off the wire, and what does not."""

import asyncio
import email.utils
import time
from collections.abc import Callable
from typing import Any

import pytest
from raw import Target, answer, cut, hang_up, say_nothing, saying

from aios_conformance.conformance.observing import reading, transport
from aios_conformance.conformance.observing.transport import (
    ATTEMPTS,
    Received,
    Transport,
    split_userinfo,
)
from aios_conformance.conformance.options.values import OptionError, RunOptions
from aios_conformance.conformance.terms.events import Listener, RunEvent, Waiting
from aios_conformance.conformance.terms.requests import Outgoing

POST = Outgoing("POST /v1/rerank", b'{"a": 1}')


class Pauses(list[float]):
    """Waits in no time and remembers for how long."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


def sent(
    *acts: Any,
    outgoing: Outgoing = POST,
    pauses: Pauses | None = None,
    prefix: str = "",
    look: Callable[[Target], None] | None = None,
    listener: Listener = lambda _: None,
    **options: Any,
) -> Received:
    """What one request to a target that plays these acts brings."""

    async def story() -> Received:
        async with saying(*acts) as target:
            given = RunOptions(target.url + prefix, **options)
            waiting = pauses if pauses is not None else Pauses()
            async with Transport(
                given, given.target, listener=listener, pause=waiting
            ) as wire:
                received = await wire.send(outgoing)
            if look is not None:
                look(target)
            return received

    return asyncio.run(story())


def test_bytes_arrive_as_they_are() -> None:
    body = b'{"id":\t"x"}\xff'
    received = sent(answer(body, headers=["X-Mixed: Case"]))
    assert received.response is not None
    assert received.response.body == body
    assert received.response.header("x-mixed") == "Case"
    assert received.failure is None
    assert received.attempts == 1
    assert received.response.arrivals[-1][1] == len(body)


def test_the_request_is_sent_as_it_is() -> None:
    def look(target: Target) -> None:
        (request,) = target.requests
        assert request.startswith(b"POST /pre/v1/rerank HTTP/1.1\r\n")
        assert request.endswith(b'\r\n\r\n{"a": 1}')
        assert b"\r\nContent-Type: application/json\r\n" in request
        assert b"\r\nAccept-Encoding: identity\r\n" in request

    sent(answer(), prefix="/pre/", look=look)


def test_a_step_may_add_and_remove_headers() -> None:
    def look(target: Target) -> None:
        head = target.requests[0].lower()
        assert b"accept: " not in head
        assert b"content-type: text/plain" in head

    headers = {"accept": None, "Content-Type": "text/plain"}
    sent(answer(), outgoing=Outgoing("POST /x", b"{}", headers), look=look)


def test_a_get_has_no_body() -> None:
    def look(target: Target) -> None:
        assert b"content-type" not in target.requests[0].lower()

    received = sent(answer(), outgoing=Outgoing("GET /v1/models", None), look=look)
    assert received.request.body == b""


def test_redirects_are_answers_not_ways() -> None:
    received = sent(answer(status=307, headers=["Location: /elsewhere"]))
    assert received.response is not None
    assert received.response.status == 307


def test_the_time_of_each_piece_is_kept() -> None:
    async def play(writer: asyncio.StreamWriter) -> None:
        whole = answer(b"firstsecond")
        writer.write(whole[:-6])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(whole[-6:])
        await writer.drain()

    received = sent(play)
    assert received.response is not None
    (first, early), *_, (last, late) = received.response.arrivals
    assert (early, late) == (5, 11)
    assert last - first > 0.03


# --- failing and retrying ----------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_busy_answers_are_retried(status: int) -> None:
    pauses = Pauses()
    received = sent(answer(status=status), answer(b'{"id": "x"}'), pauses=pauses)
    assert received.response is not None
    assert received.response.json == {"id": "x"}
    assert received.attempts == 2
    assert pauses == [transport.FIRST_PAUSE_S]


def test_what_stays_busy_is_a_failure() -> None:
    received = sent(answer(b"queue full", 503))
    assert received.response is None
    assert received.failure == "HTTP 503: queue full"
    assert received.attempts == ATTEMPTS


def test_pauses_grow() -> None:
    pauses = Pauses()
    sent(answer(status=503), pauses=pauses)
    assert pauses == [0.5, 1.0, 2.0]


def test_the_target_says_how_long_to_wait() -> None:
    pauses = Pauses()
    busy = answer(status=429, headers=["Retry-After: 7"])
    sent(busy, answer(), pauses=pauses)
    assert len(pauses) == 1
    assert 6.5 < pauses[0] <= 7


def test_the_wait_may_be_a_date() -> None:
    pauses = Pauses()
    date = email.utils.formatdate(time.time() + 20, usegmt=True)
    sent(answer(status=429, headers=[f"Retry-After: {date}"]), answer(), pauses=pauses)
    assert 15 < pauses[0] <= 20


@pytest.mark.parametrize(
    "wish", ["86400", "1e400", "inf", "Fri, 31 Dec 999999 23:59:59 GMT"]
)
def test_who_asks_for_too_much_patience_is_not_asked_again(wish: str) -> None:
    pauses = Pauses()
    busy = answer(b"busy", 429, headers=[f"Retry-After: {wish}"])
    received = sent(busy, answer(), pauses=pauses)
    assert pauses == []
    assert received.response is None
    assert (received.failure or "").startswith("HTTP 429: busy (Retry-After asks for ")


def test_waiting_is_told() -> None:
    told: list[RunEvent] = []
    busy = answer(status=429, headers=["Retry-After: 7"])
    sent(busy, answer(), listener=told.append)
    ((seconds, header),) = [(e.seconds, e.header) for e in told if type(e) is Waiting]
    assert header == "Retry-After"
    assert seconds > 6


def test_nonsense_in_retry_after_is_ignored() -> None:
    pauses = Pauses()
    sent(answer(status=429, headers=["Retry-After: soon"]), answer(), pauses=pauses)
    assert pauses == [0.5]


@pytest.mark.parametrize("status", [400, 404, 422, 500, 501])
def test_other_answers_are_not_retried(status: int) -> None:
    received = sent(answer(status=status))
    assert received.attempts == 1
    assert received.response is not None
    assert received.response.status == status


def test_a_connection_lost_before_the_first_byte_is_retried() -> None:
    received = sent(hang_up, answer())
    assert received.response is not None
    assert received.attempts == 2


def test_a_connection_that_is_always_lost_is_a_failure() -> None:
    received = sent(hang_up)
    assert received.response is None
    assert received.failure is not None
    assert received.failure == "connect: it ends the connection before an answer"
    assert received.attempts == ATTEMPTS


def test_who_was_never_there_is_a_failure_at_once() -> None:
    async def story() -> Received:
        async with saying(answer()) as target:
            url = target.url
        async with Transport(RunOptions(url), url, pause=Pauses()) as wire:
            return await wire.send(POST)

    received = asyncio.run(story())
    assert (received.failure or "").startswith("connect: nothing listens at 127.0.0.1:")
    assert received.attempts == 1


@pytest.mark.parametrize(
    "said",
    [
        answer(b"0123456789")[:-4],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
    ],
    ids=["short", "unterminated chunks", "half a chunk"],
)
def test_an_answer_that_breaks_off_is_an_answer(said: bytes) -> None:
    received = sent(cut(said))
    assert received.attempts == 1
    assert received.failure is None
    assert received.response is not None
    assert received.response.broken is not None
    assert "broke off" in received.response.broken


def test_what_is_not_http_is_a_broken_answer() -> None:
    received = sent(cut(b"SSH-2.0-OpenSSH\r\n\r\n"))
    assert received.response is not None
    assert received.response.status == 0
    told = received.response.broken or ""
    assert told.startswith("the answer is not HTTP: Bad status line")
    assert told.endswith("b'SSH-2.0-OpenSSH'")


def test_what_a_proxy_refuses_is_no_answer_of_the_target() -> None:
    async def story() -> Received:
        async with saying(answer(status=407)) as target:
            options = RunOptions("http://there", proxy=target.url)
            async with Transport(options, "http://there") as wire:
                return await wire.send(POST)

    received = asyncio.run(story())
    assert (received.response, received.attempts) == (None, 1)
    assert received.failure == "the proxy refuses: 407"


def test_silence_is_a_timeout() -> None:
    received = sent(say_nothing, request_timeout_s=0.05)
    assert received.response is None
    assert received.failure == "timeout: no complete answer within 0.05 s"
    assert received.attempts == 1


def test_an_endless_stream_ends_in_time() -> None:
    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b": still here\n\n")
            await writer.drain()
            await asyncio.sleep(0.005)

    received = sent(play, request_timeout_s=0.1)
    assert (received.failure or "").startswith("timeout")


def test_a_flood_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    received = sent(answer(b"x" * 100_000))
    assert received.response is not None
    assert received.response.broken == "longer than 1000 bytes"


# --- secrets -----------------------------------------------------------------------


def test_the_key_is_sent_but_never_kept() -> None:
    def look(target: Target) -> None:
        assert b"authorization: bearer s3cr3t-key" in target.requests[0].lower()

    echo = answer(b'{"you": "s3cr3t-key"}', headers=["X-Echo: s3cr3t-key"])
    received = sent(echo, api_key="s3cr3t-key", look=look)
    assert "s3cr3t-key" not in repr(received)
    assert received.response is not None
    assert received.response.body == b'{"you": "$AIOS_API_KEY"}'
    assert received.response.arrivals[-1][1] == len(received.response.body)
    assert ("Authorization", "Bearer $AIOS_API_KEY") in received.request.headers


def test_a_key_in_every_event_of_a_long_stream_costs_no_more_than_its_bytes() -> None:
    line = b"data: s3cr3t-key\n\n"

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for _ in range(300):
            writer.write(line * 30)
            await writer.drain()
            await asyncio.sleep(0)
        writer.close()

    received = sent(play, api_key="s3cr3t-key")
    assert received.response is not None
    hidden = line.replace(b"s3cr3t-key", b"$AIOS_API_KEY")
    assert received.response.body == hidden * 9_000
    counts = [count for _, count in received.response.arrivals]
    assert counts == sorted(counts)
    assert counts[-1] == len(received.response.body)


def test_a_key_in_a_failure_is_redacted() -> None:
    received = sent(answer(b"bad key s3cr3t-key", 503), api_key="s3cr3t-key")
    assert received.failure == "HTTP 503: bad key $AIOS_API_KEY"


def test_extra_headers_are_sent_but_never_kept() -> None:
    def look(target: Target) -> None:
        assert b"x-team: blue-team-7" in target.requests[0].lower()

    received = sent(answer(), headers=(("X-Team", "blue-team-7"),), look=look)
    assert "blue-team-7" not in repr(received)


def test_user_and_password_of_the_url_become_a_header() -> None:
    url, header = split_userinfo("https://me:pass@host:8443/base/?q#f")
    assert url == "https://host:8443/base"
    assert header == "Basic bWU6cGFzcw=="


@pytest.mark.parametrize("url", ["ftp://x", "host:8000", "http://", "http://h:port"])
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(OptionError, match="not a base URL"):
        split_userinfo(url)


# --- limits ------------------------------------------------------------------------


def test_no_more_requests_at_once_than_allowed() -> None:
    going = 0
    most = 0

    async def play(writer: asyncio.StreamWriter) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0.01)
        going -= 1
        writer.write(answer())
        await writer.drain()

    async def story() -> None:
        async with saying(play) as target:
            options = RunOptions(target.url, concurrency=3)
            async with Transport(options, target.url) as wire:
                await asyncio.gather(*(wire.send(POST) for _ in range(12)))

    asyncio.run(story())
    assert most == 3


def test_the_rate_spaces_requests() -> None:
    pauses = Pauses()

    async def story() -> None:
        async with saying(answer()) as target:
            options = RunOptions(target.url, rate=10.0, concurrency=1)
            async with Transport(options, target.url, pause=pauses) as wire:
                for _ in range(3):
                    await wire.send(POST)

    asyncio.run(story())
    assert len(pauses) == 2
    assert 0 < pauses[0] <= 0.1 < pauses[1] <= 0.2


def test_a_clock_that_is_set_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = sent(answer(b"{}"))
    monkeypatch.setattr(time, "time", lambda real=time.time: real() - 7200)
    after = sent(answer(b"{}"))
    assert 0 <= after.sent_at - before.sent_at < 60
    assert abs(before.clock_s) < 1
    assert abs(after.clock_s + 7200) < 1
