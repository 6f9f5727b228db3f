"""Engines on tiny models, and the plain computations that they are held against."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from aios_conformance.reference_impl import sources
from aios_conformance.reference_impl.tokenizing.chat import Chat
from aios_conformance.reference_impl.transformers_engine import load
from aios_conformance.reference_impl.transformers_engine.decode import (
    BatchLimits,
    DecodeLane,
)
from aios_conformance.reference_impl.transformers_engine.encode import (
    Encoder,
    EncoderLimits,
)
from aios_conformance.reference_impl.transformers_engine.engine import (
    Embedder,
    PairScorer,
    TransformersEngine,
    Writer,
)
from aios_conformance.reference_impl.transformers_engine.load import (
    Causal,
    CrossEncoder,
    Embedding,
)
from aios_conformance.serving.engine import Engine, Model, Sampling, Token

GREEDY = {"temperature": 0.0}
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Tiny:
    """The tiny models, loaded."""

    text: Causal
    vectors: Embedding
    pairs: CrossEncoder


Build = Callable[..., TransformersEngine]


def built(
    tiny: Tiny,
    *,
    batch: int = 8,
    queue: int = 64,
    chunk: int = 64,
    cells: int = 100_000,
    texts: int = 8,
) -> TransformersEngine:
    """An engine that serves the tiny models as text, vectors and pairs."""
    limits = BatchLimits(batch, queue, chunk, tiny.text.context, cells)
    encoding = EncoderLimits(texts, 512, queue)
    return TransformersEngine(
        [
            Writer(
                Model("text", frozenset({"chat", "completions"}), tiny.text.context),
                tiny.text.vocabulary,
                tiny.text.grammars,
                Chat(tiny.text.tokenizer),
                DecodeLane(tiny.text.model, tiny.text.vocabulary, limits),
            ),
            Embedder(
                Model(
                    "vectors",
                    frozenset({"embeddings", "rerank", "score"}),
                    tiny.vectors.limit,
                    dimensions=tiny.vectors.dimensions,
                ),
                tiny.vectors,
                Encoder(tiny.vectors, CPU, encoding),
            ),
            PairScorer(
                Model("pairs", frozenset({"rerank", "score"}), tiny.pairs.limit),
                tiny.pairs,
                Encoder(tiny.pairs, CPU, encoding),
            ),
        ],
        {"another": "vectors"},
        threads=1,
    )


def loaded(folder: Path, dtype: str) -> Tiny:
    """The tiny models of a folder."""
    place = load.choose_place("cpu", dtype)

    def find(name: str) -> sources.ModelSource:
        return sources.find(str(folder / name), folder, lambda _: None)

    return Tiny(
        load.load_causal(find("llama"), place),
        load.load_embedding(find("bert"), place),
        load.load_cross_encoder(find("pairs"), place),
    )


def on(engine: Engine, test: Callable[[Any], Awaitable[Any]]) -> Any:
    """What a coroutine function makes of a running engine."""

    async def main() -> Any:
        await engine.start()
        try:
            return await test(engine)
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(main(), 60))


async def tokens(
    engine: TransformersEngine, prompt: Sequence[int], most: int, **settings: Any
) -> list[Token]:
    """Every token of one generation."""
    sampling = Sampling(max_tokens=most, **settings)
    return [t async for t in engine.generate("text", prompt, sampling)]


async def together(
    engine: TransformersEngine,
    prompts: Iterable[Sequence[int]],
    most: int,
    **settings: Any,
) -> list[list[Token]]:
    """Generations of several prompts at once."""
    return await asyncio.gather(*(tokens(engine, p, most, **settings) for p in prompts))


def text(generated: Sequence[Token]) -> str:
    """The text of tokens."""
    return b"".join(token.data for token in generated).decode()


def ids(generated: Sequence[Token]) -> list[int]:
    """The ids of tokens."""
    return [token.id for token in generated]


def generated_by_transformers(tiny: Tiny, prompt: list[int], most: int) -> list[int]:
    """What `model.generate` makes of a prompt, greedily."""
    row = torch.tensor([prompt])
    output = tiny.text.model.generate(
        row, attention_mask=torch.ones_like(row), max_new_tokens=most, do_sample=False
    )
    result: list[int] = output[0, len(prompt) :].tolist()
    return result


@torch.no_grad()
def plain_logits(tiny: Tiny, prompt: Sequence[int]) -> torch.Tensor:
    """Logits (T, V) of a prompt, without cache, batch or mask."""
    logits: torch.Tensor = tiny.text.model(torch.tensor([list(prompt)])).logits[0]
    return logits.float()


TEXTS = [
    "The capital of France is",
    "a",
    "Once upon a time there was a girl who lived in the wood. " * 2,
    "0 1 2 3",
    "日本語とemoji 🙂",
    '{"key": ',
]


def prompts(tiny: Tiny) -> list[list[int]]:
    """The ids of each text."""
    return [tiny.text.vocabulary.encode(text) for text in TEXTS]
