"""Long texts are tokenized beside the event loop, in turns."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from reference_engines import Build

from aios_conformance import spec
from aios_conformance.reference_impl.tokenizing import reading, texts
from aios_conformance.reference_impl.transformers_engine.engine import (
    TransformersEngine,
)
from aios_conformance.serving.app import application
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.contract import Contract

SLICES = [letter * reading.SLICE for letter in "abc"]  # a word each: few tokens


class Gate:
    """Holds up the first text that is read until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.order: list[str] = []  # the first letter of each text
        self._encoding = texts.encoding

    def __call__(self, tokenizer: Any, text: str, *others: Any, **more: Any) -> Any:
        self.order.append(text[0])
        self.reached.set()
        assert self.opened.wait(60)
        return self._encoding(tokenizer, text, *others, **more)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    one = Gate()
    monkeypatch.setattr(reading, "encoding", one)
    return one


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "vectors", "input": SLICES[0]}),
        ("/v1/score", {"model": "pairs", "text_1": SLICES[0], "text_2": SLICES[1]}),
    ],
)
def test_others_are_answered_while_a_long_text_is_read(
    build: Build, running: Callable[..., Any], gate: Gate, path: str, body: Any
) -> None:
    engine = build()
    front = Front(engine, Contract(spec.openapi("aios")), by_name(engine))
    with running(application(front)) as client, ThreadPoolExecutor(1) as beside:
        long = beside.submit(client.post, path, body)
        assert gate.reached.wait(60)
        assert client.get("/health").status == 200
        gate.opened.set()
        assert long.result().status == 200


def test_a_short_text_waits_for_one_slice_of_a_long_request(
    run: Callable[..., Any], gate: Gate
) -> None:
    async def both(engine: TransformersEngine) -> Any:
        long = asyncio.create_task(engine.embed("vectors", SLICES))
        await asyncio.to_thread(gate.reached.wait, 60)
        short = asyncio.create_task(engine.embed("vectors", ["the cat"]))
        await asyncio.sleep(0)
        gate.opened.set()
        return await asyncio.gather(long, short)

    together = run(both)
    assert gate.order == ["a", "t", "b", "c"]
    alone = run(lambda engine: engine.embed("vectors", ["the cat"]))
    assert together[1][0].tokens == alone[0].tokens
    assert len(together[0]) == len(SLICES)


def test_what_nobody_waits_for_is_not_read(run: Callable[..., Any], gate: Gate) -> None:
    async def leave(engine: TransformersEngine) -> None:
        long = asyncio.create_task(engine.embed("vectors", SLICES))
        await asyncio.to_thread(gate.reached.wait, 60)
        long.cancel()
        await asyncio.sleep(0)
        gate.opened.set()
        await engine.embed("vectors", ["the cat"])

    run(leave)
    assert gate.order == ["a", "t"]
