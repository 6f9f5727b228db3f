"""Frames that are ready together travel together; others do not wait."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from aios_conformance.serving.sse import coalesced, event


def blocks(source: AsyncGenerator[bytes, None]) -> list[bytes]:
    async def collect() -> list[bytes]:
        return [block async for block in coalesced(source)]

    return asyncio.run(collect())


def test_frames_that_need_no_waiting_are_one_block() -> None:
    async def source() -> Any:
        for frame in (b"a", b"b", b"c"):
            yield frame

    assert blocks(source()) == [b"abc"]


def test_a_frame_does_not_wait_for_the_next() -> None:
    async def source() -> Any:
        yield b"a"
        yield b"b"
        for _ in range(5):
            await asyncio.sleep(0)
        yield b"c"

    assert blocks(source()) == [b"ab", b"c"]


def test_more_than_fits_is_sent_in_order() -> None:
    async def source() -> Any:
        for _ in range(5000):
            yield b"x"

    sent = blocks(source())
    assert len(sent) > 1
    assert b"".join(sent) == b"x" * 5000


def test_nothing_is_nothing() -> None:
    async def source() -> Any:
        return
        yield b""

    assert blocks(source()) == []


def test_an_error_follows_the_frames_before_it() -> None:
    async def source() -> Any:
        yield b"a"
        raise ValueError("broke")

    async def collect() -> None:
        all_ = coalesced(source())
        seen.append(await anext(all_))
        await anext(all_)

    seen: list[bytes] = []
    with pytest.raises(ValueError, match="broke"):
        asyncio.run(collect())
    assert seen == [b"a"]


def test_a_reader_that_stops_closes_the_source() -> None:
    closed: list[bool] = []

    async def source() -> Any:
        try:
            yield b"a"
            await asyncio.sleep(3600)
        finally:
            closed.append(True)

    async def read() -> None:
        all_ = coalesced(source())
        assert await anext(all_) == b"a"
        await all_.aclose()

    asyncio.run(read())
    assert closed == [True]


def test_an_event_is_one_line_of_json() -> None:
    assert event({"a": "é\n"}) == 'data: {"a":"é\\n"}\n\n'.encode()
