"""The engine as the front sees it."""

import asyncio

from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.engine import Engine, Sampling, Token

CHAT = "meta-llama/Llama-3.3-70B-Instruct"


def tokens(
    engine: MockEngine, prompt: list[int], sampling: Sampling, model: str = CHAT
) -> list[Token]:
    async def collect() -> list[Token]:
        return [token async for token in engine.generate(model, prompt, sampling)]

    return asyncio.run(collect())


def test_it_is_an_engine() -> None:
    engine: Engine = MockEngine()
    assert engine.models[0].name == CHAT


def test_the_same_request_gets_the_same_answer() -> None:
    sampling = Sampling(200)
    answers = [
        tokens(engine, engine.encode(CHAT, "hello"), sampling)
        for engine in (MockEngine(), MockEngine())
    ]
    assert answers[0] == answers[1]
    assert answers[0][-1].end
