"""Long texts are tokenized beside the event loop, in turns."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from reference_engines import Build, Tiny

from aios_conformance import spec
from aios_conformance.reference_impl.tokenizing import reading, texts
from aios_conformance.reference_impl.transformers_engine.engine import (
    TransformersEngine,
)
from aios_conformance.serving.app import application
from aios_conformance.serving.context import Front, by_name
from aios_conformance.serving.contract import Contract
from aios_conformance.serving.engine import EngineError

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


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/rerank"]
)
def test_what_is_far_too_long_is_refused_by_its_beginning(
    build: Build, running: Callable[..., Any], path: str
) -> None:
    long = "the cat " * texts.MOST
    bodies: dict[str, dict[str, Any]] = {
        "/v1/chat/completions": {"messages": [{"role": "user", "content": long}]},
        "/v1/completions": {"prompt": long},
        "/v1/embeddings": {"input": long},
        "/rerank": {"query": "cat", "documents": [long]},
    }
    engine = build()
    front = Front(engine, Contract(spec.openapi("aios")), by_name(engine))
    limit, model = (1024, "text") if "completions" in path else (32, "vectors")
    with running(application(front)) as client:
        answer = client.post(path, bodies[path] | {"model": model})
        assert answer.status == 400
        assert answer.json()["error"]["code"] == "context_length_exceeded"
        told = f"at least {limit + 1} tokens, but this model's maximum context length"
        assert told in answer.json()["error"]["message"]


LONG = {
    "words": "the cat sat on the mat, is it? " * 1_000,
    "one word": "paris" * 6_000,
    "lines": "the\n\n\n\n a  banana\t" * 2_000,
    "accents": "e\u0301\u00e9 日本 🙂" * 4_000,
    "special": "<|im_end|>[SEP]cat" * 2_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_long_text_begins_as_if_it_were_read_whole(tiny: Tiny, text: str) -> None:
    assert len(text) > texts.FIRST + 1000
    for tokenizer in (tiny.text.tokenizer, tiny.vectors.tokenizer):
        whole = tokenizer(text, add_special_tokens=False)["input_ids"]
        special = tokenizer.num_special_tokens_to_add()
        for most in (5, 100):
            cut = texts.encoding(tokenizer, text, None, limit=most, truncate=most)
            begins = cut.ids[1:-1] if special else cut.ids
            assert begins == whole[: most - special]


@pytest.mark.parametrize("lengths", [(1, 30), (30, 1), (30, 30), (31, 30), (9, 12)])
@pytest.mark.parametrize("most", [3, 4, 5, 12, 21, 40])
def test_a_pair_is_cut_as_tokenizers_do(
    tiny: Tiny, lengths: tuple[int, int], most: int
) -> None:
    tokenizer = tiny.pairs.tokenizer
    first, second = (" ".join(["cat"] * length) for length in lengths)
    cut = texts.encoding(tokenizer, first, second, limit=64, truncate=most)
    if most > tokenizer.num_special_tokens_to_add(pair=True):
        theirs = tokenizer(first, second, truncation=True, max_length=most)
        assert (cut.ids, cut.types) == (theirs["input_ids"], theirs["token_type_ids"])
    assert len(cut.ids) == min(most, sum(lengths) + 3)


def test_a_long_text_without_tokens_is_not_read_to_its_end(tiny: Tiny) -> None:
    tokenizer = tiny.vectors.tokenizer
    one = texts.encoding(tokenizer, "a" * texts.MOST, None, limit=32, truncate=None)
    assert len(one.ids) == 3
    with pytest.raises(EngineError, match="hardly any tokens"):
        texts.encoding(tokenizer, "a" * texts.MOST * 2, None, limit=32, truncate=9)
