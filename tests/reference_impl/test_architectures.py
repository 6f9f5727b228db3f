"""Other architectures than Llama: batched and chunked, each equals its `generate`."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from reference_engines import (
    GREEDY,
    Tiny,
    built,
    generated_by_transformers,
    ids,
    loaded,
    on,
    together,
    tokens,
)
from tiny import byte_tokenizer

from aios_conformance.reference_impl import sources
from aios_conformance.reference_impl.transformers_engine import load
from aios_conformance.reference_impl.transformers_engine.int8 import Int8Linear
from aios_conformance.serving.engine import Sampling

SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.4,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 2,
}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256}
BLOOM = {"hidden_size": 32, "n_layer": 2, "n_head": 4}
OPT = {"word_embed_proj_dim": 32, "ffn_dim": 64}
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "learned positions": ("GPT2", GPT2),
    "alibi": ("Bloom", BLOOM),
    "positions from the mask": ("OPT", OPT),
    "sliding window": ("Mistral", {"sliding_window": 8}),
    "mixed windows": ("Gemma3", {"sliding_window": 8, "head_dim": 8}),
    "normed keys": ("Qwen3", {"head_dim": 8}),
    "experts": ("Mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2}),
}
TEXTS = ["The capital of France is Paris, and that of Spain", "a", "0 1 2 3 4 5"]


@pytest.fixture(params=ARCHITECTURES)
def other(request: pytest.FixtureRequest, tmp_path: Path, tiny: Tiny) -> Tiny:
    """The tiny models with another one that writes."""
    family, changes = ARCHITECTURES[request.param]
    torch.manual_seed(11)
    suffix = "TextConfig" if family == "Gemma3" else "Config"
    config = getattr(transformers, f"{family}{suffix}")(**(SIZES | changes))
    head = "LMHeadModel" if family == "GPT2" else "ForCausalLM"
    getattr(transformers, f"{family}{head}")(config).save_pretrained(tmp_path)
    byte_tokenizer().save_pretrained(tmp_path)
    source = sources.find(str(tmp_path), tmp_path, lambda _: None)
    causal = load.load_causal(source, load.choose_place("cpu", "float32"))
    return Tiny(causal, tiny.vectors, tiny.pairs)


def test_batches_and_chunks_equal_generate(other: Tiny) -> None:
    prompts = [other.text.vocabulary.encode(text) for text in TEXTS]

    async def joined(engine: Any) -> Any:
        early = engine.generate("text", prompts[1], Sampling(24, temperature=0))
        begun = [await anext(early)]
        late = [tokens(engine, prompts[i], 24, **GREEDY) for i in (0, 2)]
        waiting = [asyncio.create_task(one) for one in late]
        begun += [token async for token in early]
        first, last = await asyncio.gather(*waiting)
        return first, begun, last

    for prompt, mine in zip(prompts, on(built(other, chunk=16), joined), strict=True):
        assert ids(mine) == generated_by_transformers(other, prompt, 24)


@pytest.fixture(scope="module")
def half(folder: Path) -> Tiny:
    """The tiny models in bfloat16."""
    return loaded(folder, "bfloat16")


def test_bfloat16_is_close_to_float32(half: Tiny, tiny: Tiny) -> None:
    texts = ["the cat sat on the mat", "paris is the capital of france"]

    async def all_(engine: Any) -> Any:
        written = await tokens(engine, [65, 66], 5, top_logprobs=3, seed=1)
        vectors = await engine.embed("vectors", texts)
        return written, vectors, await engine.score("pairs", [(texts[0], texts[1])])

    written, vectors, (score,) = on(built(half), all_)
    assert half.text.model.dtype == torch.bfloat16
    assert len(written) <= 5
    _, exact, (expected,) = on(built(tiny), all_)
    for one, other_ in zip(vectors, exact, strict=True):
        first, second = (np.frombuffer(v.vector, "<f4") for v in (one, other_))
        assert float(first @ second) > 0.99
    assert score.score == pytest.approx(expected.score, abs=0.05)


def test_8_bits_are_close_to_float32_and_no_neighbour_changes_them(
    folder: Path, tiny: Tiny
) -> None:
    source = sources.find(str(folder / "llama"), folder, lambda _: None)
    eight = replace(
        tiny, text=load.load_causal(source, load.choose_place("cpu", "int8"))
    )
    assert len([m for m in eight.text.model.modules() if type(m) is Int8Linear]) > 7

    async def alone_and_together(engine: Any) -> Any:
        one = await tokens(engine, [65, 66], 5, **GREEDY)
        prompts = ([65, 66], [70, 71, 72], [80] * 9)
        return one, (await together(engine, prompts, 5, **GREEDY))[0]

    one, neighboured = on(built(eight), alone_and_together)
    assert ids(one) == ids(neighboured)
    exact, _ = on(built(tiny), alone_and_together)
    assert one[0].logprob == pytest.approx(exact[0].logprob, abs=0.05)


def test_a_row_in_8_bits_does_not_depend_on_the_others() -> None:
    torch.manual_seed(1)
    exact = torch.nn.Linear(96, 40)
    layer = Int8Linear(exact)
    given = torch.randn(3, 7, 96) * torch.tensor([1.0, 100.0, 0.0])[:, None, None]
    with torch.inference_mode():
        made = layer(given)
        assert torch.equal(layer(given[:1, :1]), made[:1, :1])
        far = (made - exact(given)).abs().amax((1, 2))
        assert (far <= 0.03 * exact(given).abs().amax((1, 2))).all()
