"""Delays add up as asked, on a clock that the test turns."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

import pytest
from aiohttp import web
from plain_http import Client

from aios_conformance import spec
from aios_conformance.mockserver.faults.pacing import Clock, Pacing, paced
from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.app import application
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.stages import Stages

Running = Callable[[web.Application], AbstractContextManager[Client]]
CHAT = "meta-llama/Llama-3.3-70B-Instruct"


@dataclass
class TurnedClock:
    """Sleeping moves the time and takes none."""

    time: float = 100.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)

    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)


def ask(running: Running, pacing: Pacing, **body: Any) -> tuple[TurnedClock, bytes]:
    turned = TurnedClock()
    engine = MockEngine()
    front = Front(engine, Contract(spec.openapi("aios")), by_name(engine))
    app = application(front, paced(Stages(), pacing, turned.clock()))
    path = "/v1/embeddings" if "input" in body else "/v1/chat/completions"
    with running(app) as client:
        return turned, client.post(path, body).body


CHAT_BODY = {"model": CHAT, "messages": [{"role": "user", "content": "hello"}]}


def test_a_whole_answer_takes_as_long_as_its_tokens(running: Running) -> None:
    turned, raw = ask(running, Pacing(200, 10), **CHAT_BODY)
    tokens = json.loads(raw)["usage"]["completion_tokens"]
    assert sum(turned.slept) == pytest.approx(0.2 + 0.01 * (tokens - 1))


def test_choices_are_generated_side_by_side(running: Running) -> None:
    turned, raw = ask(running, Pacing(200, 10), **CHAT_BODY, n=3, max_tokens=8)
    assert json.loads(raw)["usage"]["completion_tokens"] == 24
    assert sum(turned.slept) == pytest.approx(0.2 + 0.01 * 7)


def test_a_stream_waits_for_the_first_token_and_then_for_each(
    running: Running,
) -> None:
    body = {**CHAT_BODY, "max_tokens": 8, "stream": True}
    turned, raw = ask(running, Pacing(200, 10), **body)
    texts = raw.count(b'"content":"') - 1  # the first chunk opens the message
    assert texts >= 7
    assert turned.slept == pytest.approx([0.2] + [0.01] * (texts - 1))


def test_an_embedding_takes_the_time_to_the_first_token(running: Running) -> None:
    turned, _ = ask(running, Pacing(50, 10), model="sds/bge-m3", input="x")
    assert sum(turned.slept) == pytest.approx(0.05)


def test_without_delays_the_stages_are_left_alone() -> None:
    stages = Stages()
    assert paced(stages, Pacing(jitter=0.5)) is stages


def test_jitter_varies_each_delay_within_its_share_and_by_request() -> None:
    pacing = Pacing(100, 20, 0.25, seed=3)
    one = list(islice(pacing.delays(1), 200))
    assert one == list(islice(pacing.delays(1), 200))
    assert one != list(islice(pacing.delays(2), 200))
    assert 0.075 <= one[0] <= 0.125
    assert all(0.015 <= delay <= 0.025 for delay in one[1:])
    assert len(set(one)) == 200
    assert sum(one[1:]) / 199 == pytest.approx(0.02, rel=0.05)


def test_late_tokens_do_not_make_later_ones_late() -> None:
    """A slow client or loop eats the delay instead of adding to it."""
    turned = TurnedClock()

    async def chunks(context: Any) -> Any:
        for index in range(5):
            if index == 2:
                turned.time += 0.025
            delta = {"content": str(index)}
            yield {"choices": [{"index": 0, "delta": delta}]}

    stages = paced(Stages(chunks=chunks), Pacing(100, 10), turned.clock())

    @dataclass
    class Request:
        number: int = 1

    async def times() -> list[float]:
        context: Any = Request()
        return [turned.time async for _ in stages.chunks(context)]

    found = [time - 100 for time in asyncio.run(times())]
    assert found == pytest.approx([0.1, 0.11, 0.135, 0.135, 0.14])
    assert all(a <= b for a, b in pairwise(found))
