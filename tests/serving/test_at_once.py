"""What is answered before aiohttp sees it, and what is left to it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from functools import partial

import pytest
from aiohttp import web

from aios_conformance.serving.at_once import (
    AT_ONCE,
    AtOnce,
    RequestHead,
    framed,
    immediate,
    received,
)
from aios_conformance.serving.run import Address, bind, listening
from aios_conformance.serving.turns import HEAVY, Turns, aside

HEAD = b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
USUAL = HEAD + b"\r\nabc"


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_usual_request_is_read(size: int) -> None:
    found = received(HEAD + b"X-Key: one two\r\n\r\n" + b"abc"[:size])
    assert found is not None
    (path, headers, length), body = found
    assert (path, length, body) == ("/v1/x", 3, b"abc"[:size])
    assert headers.getall("x-key") == ["one two"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        USUAL + b"P",
        USUAL.replace(b"POST", b"GET"),
        USUAL.replace(b"1.1", b"1.0"),
        USUAL.replace(b"/v1/x", b"/v1/%78"),
        USUAL.replace(b"/v1/x", b"/v1/x?a=1"),
        USUAL.replace(b"/v1/x", b"http://a/v1/x"),
        USUAL.replace(b"\r\n", b"\n"),
        USUAL.replace(b"Host: a", b"Host:a"),
        USUAL.replace(b"Host: a", b"Host : a"),
        USUAL.replace(b"Host: a", b"Host: a\r\n b"),
        USUAL.replace(b"Host: a", b"Host: \xc3\xa4"),
        USUAL.replace(b"Host: a", b"Host: a\x00"),
        USUAL.replace(b"Host", b"X-Host"),
        USUAL.replace(b"3", b"+3"),
        USUAL.replace(b"3", b"%d" % (HEAVY + 1)),
        USUAL.replace(b"Content-Length: 3\r\n", b""),
        USUAL.replace(b"Host", b"Content-Length: 3\r\nHost"),
        USUAL.replace(b"Host", b"Connection: keep-alive\r\nConnection: close\r\nHost"),
        *(
            USUAL.replace(b"Host", b"%b\r\nHost" % field)
            for field in (
                b"Connection: close",
                b"Content-Encoding: gzip",
                b"Expect: 100-continue",
                b"transfer-encoding: chunked",
                b"Upgrade: h2c",
                b"X-Long: " + b"a" * 9_000,
            )
        ),
    ],
)
def test_what_is_unusual_is_left_to_aiohttp(data: bytes) -> None:
    assert received(data) is None


def test_work_is_done_unless_it_would_wait() -> None:
    begun: list[str] = []

    async def done() -> int:
        await aside(heavy=False, work=partial(begun.append, "light"))
        await Turns().next()
        return 7

    async def steps() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await aside(heavy=True, work=partial(begun.append, "heavy"))
        finally:
            begun.append("given up")

    async def waits() -> int:
        async with aclosing(steps()) as all_:
            return sum([step async for step in all_])

    async def run() -> tuple[int | None, int | None]:
        return immediate(done()), immediate(waits())

    assert asyncio.run(run()) == (7, None)
    assert begun == ["light", "given up"]


def test_an_answer_is_framed_by_its_length_or_as_one_chunk() -> None:
    headers, raw = framed({"A": "b"}, b"body", chunked=False)
    assert list(headers) == ["A", "Content-Length", "Date", "Server"]
    assert raw.endswith(b"\r\n\r\nbody")
    headers, raw = framed({"A": "b"}, b"body", chunked=True)
    assert headers["Transfer-Encoding"] == "chunked"
    assert raw.endswith(b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n")


Send = Callable[..., Coroutine[None, None, list[bytes]]]


class Served:
    """A server that says where it answers, and one connection to it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.usual_begins = asyncio.Event()

    def at_once(
        self, _: RequestHead, raw: bytes, __: asyncio.Transport
    ) -> bytes | None:
        if raw == b"not":
            return None
        self.seen.append(("at once", raw))
        return framed({"Content-Type": "text/plain"}, raw, chunked=False)[1]

    async def usual(self, request: web.Request) -> web.Response:
        self.usual_begins.set()
        raw = await request.read()
        self.seen.append(("usual", raw))
        return web.Response(body=raw)

    @asynccontextmanager
    async def connected(self, request_timeout: float = 60.0) -> AsyncIterator[Send]:
        """Yield what sends pieces, and returns the bodies of their answers."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.usual)
        at_once: AtOnce = self.at_once
        app[AT_ONCE] = at_once
        bound = bind(Address(port=0))
        async with listening(app, bound, request_timeout=request_timeout):
            reader, writer = await asyncio.open_connection(*bound.getsockname())

            async def send(*pieces: bytes) -> list[bytes]:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    for _ in range(20):  # so that it arrives by itself
                        await asyncio.sleep(0)
                answers = []
                for _ in range(b"".join(pieces).count(b"POST")):
                    head = await reader.readuntil(b"\r\n\r\n")
                    size = head.lower().split(b"content-length: ")[1].split()[0]
                    answers.append(await reader.readexactly(int(size)))
                return answers

            try:
                yield send
            finally:
                writer.close()


def test_one_connection_has_both_in_turn() -> None:
    async def run() -> None:
        served = Served()
        async with served.connected() as send:
            for _ in "ab":
                assert await send(USUAL) == [b"abc"]
                assert await send(USUAL.replace(b"abc", b"not")) == [b"not"]
        assert served.seen == [("at once", b"abc"), ("usual", b"not")] * 2

    asyncio.run(run())


def test_a_body_that_comes_later_is_waited_for() -> None:
    async def run() -> None:
        served = Served()
        async with served.connected() as send:
            assert await send(HEAD + b"\r\n", b"a", b"bc") == [b"abc"]
            assert await send(HEAD[:9], HEAD[9:] + b"\r\nabc") == [b"abc"]
        assert served.seen == [("at once", b"abc"), ("usual", b"abc")]

    asyncio.run(run())


def test_a_body_that_is_late_is_left_to_aiohttp() -> None:
    async def run() -> None:
        served = Served()
        async with served.connected(request_timeout=0.05) as send:
            begun = asyncio.create_task(send(HEAD + b"\r\nab"))
            await served.usual_begins.wait()
            await send(b"c")
            assert await begun == [b"abc"]
        assert served.seen == [("usual", b"abc")]

    asyncio.run(run())


def test_requests_that_come_together_are_answered_in_order() -> None:
    second = USUAL.replace(b"abc", b"def")

    async def run() -> None:
        served = Served()
        async with served.connected() as send:
            assert await send(USUAL + second) == [b"abc", b"def"]
            assert await send(USUAL.replace(b"abc", b"not"), second) == [b"not", b"def"]
        assert [raw for _, raw in served.seen] == [b"abc", b"def", b"not", b"def"]

    asyncio.run(run())
