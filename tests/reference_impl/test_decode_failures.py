"""The decode loop when requests leave, wait, do not fit, or fail."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import torch
from reference_engines import (
    GREEDY,
    Tiny,
    generated_by_transformers,
    ids,
    prompts,
    together,
    tokens,
)

from aios_conformance.reference_impl.transformers_engine.constraints import Constraint
from aios_conformance.reference_impl.transformers_engine.decode import DecodeLane
from aios_conformance.reference_impl.transformers_engine.engine import (
    TransformersEngine,
)
from aios_conformance.serving.engine import EngineError, Overloaded, Sampling, TooLong

Run = Callable[..., Any]


def test_closing_the_iterator_frees_the_slot(run: Run, tiny: Tiny) -> None:
    prompt = prompts(tiny)[0]

    async def leave(engine: TransformersEngine) -> Any:
        first = engine.generate("text", prompt, Sampling(200, temperature=0))
        await anext(first)
        await first.aclose()
        # one slot: this waits for ever unless the first is gone
        mine = await tokens(engine, prompt, 5, **GREEDY)
        return mine, engine.stats("text")

    mine, stats = run(leave, batch=1)
    assert ids(mine) == generated_by_transformers(tiny, prompt, 5)
    assert stats["results_pending"] == 0


def test_leaving_while_waiting_is_forgotten(run: Run, tiny: Tiny) -> None:
    prompt = prompts(tiny)[0]

    async def leave(engine: TransformersEngine) -> Any:
        first = engine.generate("text", prompt, Sampling(100, temperature=0))
        await anext(first)
        waiting = asyncio.create_task(tokens(engine, prompt, 5, **GREEDY))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await first.aclose()
        return await tokens(engine, prompt, 3, **GREEDY)

    assert len(run(leave, batch=1)) == 3


def test_a_full_queue_is_refused(run: Run, tiny: Tiny) -> None:
    prompt = prompts(tiny)[0]

    async def crowd(engine: TransformersEngine) -> Any:
        results = await asyncio.gather(
            *(tokens(engine, prompt, 30, **GREEDY) for _ in range(9)),
            return_exceptions=True,
        )
        return results, engine.stats("text")

    results, stats = run(crowd, batch=1, queue=3)
    refused = [r for r in results if isinstance(r, Overloaded)]
    served = [r for r in results if isinstance(r, list)]
    assert refused
    assert all(r.retry_after >= 1 for r in refused)
    assert len(served) >= 3
    assert len(refused) + len(served) == 9
    assert stats["queue_absolute"] == 0


def test_memory_bounds_the_batch(
    run: Run, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = prompts(tiny)[0]
    seen: list[int] = []
    decode = DecodeLane._decode

    def watched(lane: DecodeLane) -> Any:
        seen.append(lane.active)
        return decode(lane)

    monkeypatch.setattr(DecodeLane, "_decode", watched)

    async def crowd(engine: TransformersEngine) -> Any:
        return await together(engine, [prompt] * 6, 10, **GREEDY)

    run(crowd, cells=2 * (len(prompt) + 10))
    assert max(seen) == 2


@pytest.mark.parametrize("more", [0, 1])
def test_what_exceeds_the_context_is_too_long(run: Run, tiny: Tiny, more: int) -> None:
    context = tiny.text.context
    prompt = [65] * (context - 4)
    if more:
        with pytest.raises(TooLong, match=f"{context + 1} tokens.*{context}"):
            run(lambda engine: tokens(engine, prompt, 5, **GREEDY))
    else:
        mine = run(lambda engine: tokens(engine, prompt, 4, **GREEDY))
        assert ids(mine) == generated_by_transformers(tiny, prompt, 4)


@pytest.mark.parametrize(
    ("prompt", "settings"), [([65, 300], {}), ([65], {"logit_bias": {300: 1.0}})]
)
def test_ids_outside_the_vocabulary_are_refused(
    run: Run, prompt: list[int], settings: dict[str, Any]
) -> None:
    with pytest.raises(EngineError, match="token id 300"):
        run(lambda engine: tokens(engine, prompt, 5, **settings))


def test_a_failing_step_fails_its_requests_only(
    run: Run, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = prompts(tiny)[0]
    forward = DecodeLane._forward
    broken = iter([False, True])

    def failing(lane: DecodeLane, *args: Any, **more: Any) -> Any:
        if next(broken, False):
            raise torch.OutOfMemoryError
        return forward(lane, *args, **more)

    monkeypatch.setattr(DecodeLane, "_forward", failing)

    async def twice(engine: TransformersEngine) -> Any:
        with pytest.raises(Overloaded):
            await tokens(engine, prompt, 5, **GREEDY)
        return await tokens(engine, prompt, 5, **GREEDY)

    assert ids(run(twice)) == generated_by_transformers(tiny, prompt, 5)


def test_what_was_answered_before_a_failure_stays_answered(
    run: Run, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request ends in the very step in which another's decoding fails."""
    first, second = prompts(tiny)[0], prompts(tiny)[3]
    keep = DecodeLane._keep

    def failing(lane: DecodeLane, going: list[bool]) -> None:
        if any(told is None for _, told in lane._events):
            raise RuntimeError("device lost")
        keep(lane, going)

    monkeypatch.setattr(DecodeLane, "_keep", failing)

    async def both(engine: TransformersEngine) -> Any:
        endless = Sampling(900, temperature=0, logit_bias={2: -100.0})
        long = engine.generate("text", first, endless)
        await anext(long)
        one = asyncio.create_task(tokens(engine, second, 2, **GREEDY))
        with pytest.raises(RuntimeError, match="device lost"):
            async for _ in long:
                pass
        return await one

    mine = run(both)
    assert ids(mine) == generated_by_transformers(tiny, second, 2)


def test_a_grammar_that_fails_fails_its_request_only(
    run: Run, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = prompts(tiny)[0]
    monkeypatch.setattr(Constraint, "problem", property(lambda _: "too complex"))

    async def both(engine: TransformersEngine) -> Any:
        return await asyncio.gather(
            tokens(engine, prompt, 9, schema={"type": "object"}, **GREEDY),
            tokens(engine, prompt, 9, **GREEDY),
            return_exceptions=True,
        )

    refused, served = run(both)
    assert isinstance(refused, EngineError)
    assert ids(served) == generated_by_transformers(tiny, prompt, 9)
