"""What an answer shows that does not end."""

import asyncio
import json
from pathlib import Path

import pytest
from exchanges import exchange, findings, sse
from raw import Writer, answer, saying

from aios_conformance.conformance.checks.unfinished import (
    what_has_no_end_breaks_its_limit,
)
from aios_conformance.conformance.observing.recording import read_recording
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.running.run import run_dialects
from aios_conformance.conformance.terms.exchange import Exchange, Response

EVENT_STREAM = (("content-type", "text/event-stream"),)


def cut_off(characters: int, limit: int | None) -> Exchange:
    piece = {"choices": [{"index": 0, "delta": {"content": "x" * characters}}]}
    sent = {"messages": [], "stream": True}
    sent |= {} if limit is None else {"max_tokens": limit}
    came = Response(200, EVENT_STREAM, sse(piece, done=False))
    return exchange("chat", sent, None, partial=came, failure="timeout: too slow")


@pytest.mark.parametrize(
    ("seen", "is_found"),
    [
        (cut_off(4 * 128, 4), False),
        (cut_off(4 * 128 + 1, 4), True),
        (cut_off(100_000, None), False),
    ],
)
def test_a_text_beyond_what_its_limit_could_be_is_found(
    seen: Exchange, *, is_found: bool
) -> None:
    found = findings(what_has_no_end_breaks_its_limit, seen)
    assert bool(found) is is_found


async def endless(writer: Writer) -> None:
    """A stream that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    piece = {"choices": [{"index": 0, "text": "on and on " * 400}]}
    while True:
        writer.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
        await writer.drain()
        await asyncio.sleep(0.02)


def test_a_target_whose_every_stream_is_endless_is_red(tmp_path: Path) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    choice = {"index": 0, "text": "a", "finish_reason": "length", "logprobs": None}
    whole = {"id": "x", "object": "text_completion", "created": 1, "model": "m"}
    body = json.dumps(whole | {"choices": [choice], "usage": usage}).encode()

    async def story() -> None:
        async with saying(b"") as target:

            async def play(writer: Writer) -> None:
                if b'"stream":true' in target.requests[-1]:
                    await endless(writer)
                else:
                    writer.write(answer(body))

            target.acts[:] = [play]
            options = RunOptions(
                target.url,
                apis=("completions",),
                models={"*": "m"},
                request_timeout_s=0.3,
                report_dir=tmp_path,
                shrink_requests=0,
            )
            (run,) = (await run_dialects([options], lambda _: None)).runs
        verdicts = {r.requirement.id: r.verdict for r in run.result.requirements}
        assert (verdicts["META-040"], verdicts["COMP-RES-018"]) == ("fail", "warn")
        # whole answers are read, but no stream was
        assert verdicts["COMP-SEM-001"] == "inconclusive"

    asyncio.run(story())
    recorded = read_recording(tmp_path)
    assert any(e.partial and e.partial.body for e in recorded.exchanges)
