"""The decode loop against `model.generate` and plain forward passes."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from reference_engines import (
    GREEDY,
    TEXTS,
    Tiny,
    built,
    generated_by_transformers,
    ids,
    plain_logits,
    prompts,
    together,
    tokens,
)

from aios_conformance.reference_impl.transformers_engine.decode import (
    BatchLimits,
    DecodeLane,
)
from aios_conformance.reference_impl.transformers_engine.engine import (
    TransformersEngine,
)
from aios_conformance.reference_impl.transformers_engine.sequence import (
    GenerationRequest,
)
from aios_conformance.serving.engine import Sampling

Run = Callable[..., Any]


@pytest.mark.parametrize("text", TEXTS)
def test_greedy_text_is_that_of_generate(run: Run, tiny: Tiny, text: str) -> None:
    prompt = tiny.text.vocabulary.encode(text)
    mine = run(lambda engine: tokens(engine, prompt, 40, **GREEDY))
    assert ids(mine) == generated_by_transformers(tiny, prompt, 40)


def test_requests_in_one_batch_do_not_change_each_other(run: Run, tiny: Tiny) -> None:
    async def crowd(engine: TransformersEngine) -> Any:
        given = enumerate(prompts(tiny))
        return await asyncio.gather(
            *(tokens(engine, p, 10 + 7 * i, **GREEDY) for i, p in given)
        )

    made = zip(prompts(tiny), run(crowd, batch=4), strict=True)
    for i, (prompt, mine) in enumerate(made):
        assert ids(mine) == generated_by_transformers(tiny, prompt, 10 + 7 * i)


def test_requests_may_join_while_others_decode(run: Run, tiny: Tiny) -> None:
    first, second = prompts(tiny)[0], prompts(tiny)[2]

    async def staggered(engine: TransformersEngine) -> Any:
        early = engine.generate("text", first, Sampling(30, temperature=0))
        begun = [await anext(early) for _ in range(5)]
        late = asyncio.create_task(tokens(engine, second, 20, **GREEDY))
        return begun + [t async for t in early], await late

    mine, other = run(staggered)
    assert ids(mine) == generated_by_transformers(tiny, first, 30)
    assert ids(other) == generated_by_transformers(tiny, second, 20)


def test_a_prompt_longer_than_a_chunk_is_prefilled_in_chunks(
    run: Run, tiny: Tiny
) -> None:
    prompt = prompts(tiny)[2]
    mine = run(lambda engine: tokens(engine, prompt, 20, **GREEDY), chunk=7)
    assert ids(mine) == generated_by_transformers(tiny, prompt, 20)


def test_prompts_and_the_batch_take_turns(tiny: Tiny) -> None:
    """A stream gets a token between any two chunks of somebody's long prompt."""
    short, long = prompts(tiny)[1], prompts(tiny)[2][:24]
    limits = BatchLimits(
        batch=8, queue=8, chunk=8, context=tiny.text.context, cells=9_999
    )
    lane = DecodeLane(tiny.text.model, tiny.text.vocabulary, limits)
    told: list[str] = []

    def submit(name: str, prompt: list[int]) -> None:
        sampling = Sampling(20, temperature=0, logit_bias={2: -100.0})
        lane.submit(
            GenerationRequest(prompt, sampling, lambda _: told.append(name), None)
        )

    @torch.inference_mode()
    def stepped() -> list[str]:
        told.clear()
        for tell, value in lane.step():
            tell(value)
        return list(told)

    submit("early", short)
    assert [stepped(), stepped()] == [["early"], ["early"]]
    submit("late", long)
    turns = [[], ["early"], [], ["early"], ["late"], ["early", "late"]]
    assert [stepped() for _ in turns] == turns


def test_equal_prompts_share_a_prefill(run: Run, tiny: Tiny) -> None:
    prompt = prompts(tiny)[0]

    async def thrice(engine: TransformersEngine) -> Any:
        return await asyncio.gather(
            *(tokens(engine, prompt, n, **GREEDY) for n in (3, 9, 6))
        )

    expected = generated_by_transformers(tiny, prompt, 9)
    assert [ids(one) for one in run(thrice)] == [expected[:3], expected, expected[:6]]


def test_the_end_token_ends_the_text(run: Run, tiny: Tiny) -> None:
    end = min(tiny.text.vocabulary.ends)
    mine = run(
        lambda engine: tokens(
            engine, prompts(tiny)[0], 20, logit_bias={end: 100.0}, **GREEDY
        )
    )
    assert [(t.id, t.data, t.end) for t in mine] == [(end, b"", True)]


def test_log_probabilities_are_those_of_a_plain_pass(run: Run, tiny: Tiny) -> None:
    prompt = prompts(tiny)[0]
    mine = run(lambda engine: tokens(engine, prompt, 12, top_logprobs=5, **GREEDY))
    logits = plain_logits(tiny, [*prompt, *ids(mine)])
    expected = logits.log_softmax(-1)[len(prompt) - 1 : -1]  # (12, V)
    for token, row in zip(mine, expected, strict=True):
        assert token.logprob == pytest.approx(row[token.id].item(), abs=1e-4)
        values, likely = row.topk(5)
        assert [c.id for c in token.top] == likely.tolist()
        assert [c.logprob for c in token.top] == pytest.approx(
            values.tolist(), abs=1e-4
        )
        assert token.top[0].id == token.id


def test_log_probabilities_do_not_depend_on_the_batch(run: Run, tiny: Tiny) -> None:
    async def both(engine: TransformersEngine) -> Any:
        alone = [await tokens(engine, p, 8, **GREEDY) for p in prompts(tiny)]
        return alone, await together(engine, prompts(tiny), 8, **GREEDY)

    alone, batched = run(both)
    for one, other in zip(alone, batched, strict=True):
        assert ids(one) == ids(other)
        assert [t.logprob for t in one] == pytest.approx(
            [t.logprob for t in other], abs=1e-4
        )


def test_penalties_follow_the_formula(run: Run, tiny: Tiny) -> None:
    prompt = prompts(tiny)[0]
    bias = {65: 1.5, 70: -3.0}
    settings = {"frequency_penalty": 1.2, "presence_penalty": 0.7, "logit_bias": bias}
    mine = run(lambda engine: tokens(engine, prompt, 25, **settings, **GREEDY))
    said: list[int] = []
    for _ in mine:
        logits = plain_logits(tiny, [*prompt, *said])[-1]
        for token_id, amount in bias.items():
            logits[token_id] += amount
        for token_id in set(said):
            logits[token_id] -= 1.2 * said.count(token_id) + 0.7
        said.append(int(logits.argmax()))
    assert ids(mine) == said


def test_a_seed_decides_whatever_shares_the_batch(run: Run, tiny: Tiny) -> None:
    async def twice(engine: TransformersEngine) -> Any:
        def drawn() -> Any:
            given = enumerate(prompts(tiny))
            return (tokens(engine, p, 20, seed=i, top_p=0.95) for i, p in given)

        return [await one for one in drawn()], await asyncio.gather(*drawn())

    alone, batched = run(twice)
    assert [ids(a) for a in alone] == [ids(b) for b in batched]


def test_seeds_and_choices_differ(run: Run, tiny: Tiny) -> None:
    prompt = prompts(tiny)[0]
    variants = [{"seed": 1}, {"seed": 2}, {"seed": 1, "choice": 1}, {}, {}]

    async def all_(engine: TransformersEngine) -> Any:
        return await asyncio.gather(
            *(tokens(engine, prompt, 30, **v) for v in variants)
        )

    for one, other in itertools.combinations(run(all_), 2):
        assert ids(one) != ids(other)


def test_prompt_log_probabilities_are_those_of_a_plain_pass(
    run: Run, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "aios_conformance.reference_impl.transformers_engine.decode.SCANNED", 9
    )
    prompt = prompts(tiny)[2]
    scored = run(lambda engine: engine.prompt_logprobs("text", prompt, 3))
    assert ids(scored) == prompt
    assert scored[0].logprob is None
    expected = plain_logits(tiny, prompt).log_softmax(-1)
    for position, token in enumerate(scored[1:], 1):
        row = expected[position - 1]
        assert token.logprob == pytest.approx(row[token.id].item(), abs=1e-4)
        assert [c.id for c in token.top] == row.topk(3).indices.tolist()


def test_models_have_every_name(tiny: Tiny) -> None:
    names = [model.name for model in built(tiny).models]
    assert names == ["text", "vectors", "pairs", "another"]


def test_text_bytes_of_ids(tiny: Tiny) -> None:
    engine = built(tiny)
    (the,) = engine.encode("text", " the")
    told = [engine.token("text", i) for i in (the, 2, 299, 300, -1)]
    assert told == [b" the", b"<|im_end|>", None, None, None]
    text = "".join(TEXTS)
    encoded = tiny.text.vocabulary.encode(text)
    assert b"".join(map(tiny.text.vocabulary.text, encoded)).decode() == text
