"""The engine behind the HTTP front: tokenizers here, models wherever vLLM has them."""

import asyncio
import heapq
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from transformers import PreTrainedTokenizerBase

from aios_conformance.reference_impl.tokenizing.chat import Chat
from aios_conformance.reference_impl.tokenizing.cosines import cosines
from aios_conformance.reference_impl.tokenizing.reading import PromptReader
from aios_conformance.reference_impl.tokenizing.texts import (
    TokenizedPair,
    fitting,
    in_vocabulary,
)
from aios_conformance.reference_impl.tokenizing.vocabulary import Vocabulary
from aios_conformance.reference_impl.vllm_engine.runner import (
    BYTES,
    Drawn,
    Likely,
    Runner,
)
from aios_conformance.serving.engine import (
    Candidate,
    Embedded,
    EngineError,
    Model,
    Overloaded,
    PairScore,
    Sampling,
    Token,
)


@dataclass(slots=True)
class ServedModel:
    """A served model: `vocabulary` if it writes, `chat` if it has a template."""

    card: Model
    runner: Runner
    tokenizer: PreTrainedTokenizerBase
    vocabulary: Vocabulary | None = None
    chat: Chat | None = None
    prefix: str = ""  # text that the model expects before every input
    working: int = field(default=0)  # requests


class VllmEngine:
    """An Engine of models that vLLM runs."""

    def __init__(
        self, served: Sequence[ServedModel], aliases: Mapping[str, str], most: int
    ) -> None:
        """`most` requests of a model may be in work or waiting."""
        self._served = {s.card.name: s for s in served}
        self._runners = [s.runner for s in served]
        self._served |= {alias: self._served[name] for alias, name in aliases.items()}
        self._most = most
        self._readers = {
            s.card.name: PromptReader(s.tokenizer, s.card.context_length)
            for s in served
            if s.vocabulary is None
        }

    @property
    def models(self) -> Sequence[Model]:
        """Every served model under each of its names."""
        return [replace(s.card, name=name) for name, s in self._served.items()]

    async def start(self) -> None:
        """Start what drives the models."""
        for runner in self._runners:
            await runner.start()

    async def close(self) -> None:
        """Stop what drives the models."""
        for runner in self._runners:
            await runner.close()

    def illness(self) -> str | None:
        """Return why some model cannot be used now; None: all can."""
        reasons = (runner.illness() for runner in self._runners)
        return next((reason for reason in reasons if reason is not None), None)

    async def death(self) -> str:
        """Wait until some model cannot be used any more, and return why."""
        waits = [asyncio.ensure_future(runner.death()) for runner in self._runners]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for wait in waits:
                wait.cancel()

    # --- text

    def encode(self, model: str, text: str) -> list[int]:
        """Tokenize a plain prompt, special tokens included."""
        served, vocabulary = self._writer(model)
        return vocabulary.encode(text, served.card.context_length)

    def token(self, model: str, token_id: int) -> bytes | None:
        """Text bytes of a token id; None when the id is outside the vocabulary."""
        return self._writer(model)[1].data(token_id)

    def render_chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
    ) -> list[int]:
        """Apply the chat template; raises EngineError for what it refuses."""
        served = self._writer(model)[0]
        if served.chat is None:
            raise EngineError(f"{model} has no chat template; use /v1/completions")
        return served.chat.render(messages, tools, served.card.context_length)

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Token, None]:
        """Yield tokens as they come; closing the iterator cancels.

        Raises TooLong, Overloaded, Unwell, and EngineError for what vLLM refuses.
        """
        served, vocabulary = self._writer(model)
        ids = fitting(prompt, vocabulary.size, served.card.context_length, sampling)
        in_vocabulary(sampling.logit_bias, vocabulary.size)
        most = sampling.top_logprobs or 0
        with self._work(served):
            async with aclosing(served.runner.generate(ids, sampling)) as pieces:
                async for tokens, finish in pieces:
                    for place, drawn in enumerate(tokens, 1):
                        is_last = finish == "stop" and place == len(tokens)
                        yield _token(vocabulary, drawn, most, end=is_last)

    async def prompt_logprobs(
        self, model: str, prompt: Sequence[int], top_logprobs: int
    ) -> list[Token]:
        """Tokens of the prompt itself, each conditioned on those before (echo)."""
        served, vocabulary = self._writer(model)
        if not prompt:
            return []
        ids = fitting(prompt, vocabulary.size, served.card.context_length)
        with self._work(served):
            known = await served.runner.prompt_logprobs(ids, top_logprobs)
        return [
            Token(token_id, vocabulary.text(token_id), None)
            if likely is None
            else _token(vocabulary, Drawn(token_id, likely), top_logprobs)
            for token_id, likely in zip(ids, known, strict=True)
        ]

    # --- vectors and scores

    async def embed(
        self,
        model: str,
        inputs: Sequence[str | Sequence[int]],
        *,
        truncate: int | None = None,
        dimensions: int | None = None,
    ) -> list[Embedded]:
        """One vector per input; raises TooLong, Overloaded and Unwell."""
        served = self._served[model]
        if "embeddings" not in served.card.apis:
            raise EngineError(f"{model} gives no embeddings")
        prefix = served.prefix
        encodings = await self._readers[served.card.name].read(
            [(prefix + one if isinstance(one, str) else one, None) for one in inputs],
            truncate,
        )
        with self._work(served):
            vectors = await served.runner.embed([e.ids for e in encodings], dimensions)
        return [
            Embedded(vector, len(each.ids))
            for vector, each in zip(vectors, encodings, strict=True)
        ]

    async def score(
        self,
        model: str,
        pairs: Sequence[tuple[str, str]],
        *,
        truncate: int | None = None,
    ) -> list[PairScore]:
        """One similarity per pair, in [0, 1]; raises TooLong, Overloaded and Unwell."""
        served = self._served[model]
        if not {"rerank", "score"} & served.card.apis:
            raise EngineError(f"{model} gives no scores")
        if not served.card.cross_encoder:
            return await cosines(self, model, pairs, truncate)
        encodings = await self._readers[served.card.name].read(pairs, truncate)
        read = [
            TokenizedPair(first, second, each)
            for (first, second), each in zip(pairs, encodings, strict=True)
        ]
        with self._work(served):
            scores = await served.runner.score(read, truncate)
        return [
            PairScore(min(1.0, max(0.0, score)), len(pair.encoding.ids))
            for score, pair in zip(scores, read, strict=True)
        ]

    def stats(self, model: str) -> Mapping[str, float]:
        """Counters: queue_fraction, queue_absolute, results_pending, batch_size.

        What vLLM does not take at once waits there; it does not say how much that is.
        """
        working = self._served[model].working
        return {
            "queue_fraction": working / self._most,
            "queue_absolute": 0,
            "results_pending": working,
            "batch_size": self._most,
        }

    @contextmanager
    def _work(self, served: ServedModel) -> Iterator[None]:
        """Count a request; raises Overloaded when there are too many."""
        if served.working >= self._most:
            raise Overloaded
        served.working += 1
        try:
            yield
        finally:
            served.working -= 1

    def _writer(self, model: str) -> tuple[ServedModel, Vocabulary]:
        served = self._served[model]
        if served.vocabulary is None:
            raise EngineError(f"{model} generates no text")
        return served, served.vocabulary


def dimensions(vector: bytes) -> int:
    """Return how many numbers a vector has."""
    return len(vector) // BYTES


def _token(
    vocabulary: Vocabulary, drawn: Drawn, most: int, *, end: bool = False
) -> Token:
    return Token(
        drawn.id,
        b"" if end else vocabulary.text(drawn.id),
        drawn.likely.get(drawn.id, 0.0),
        _top(vocabulary, drawn.likely, most),
        end,
    )


def _top(vocabulary: Vocabulary, likely: Likely, most: int) -> tuple[Candidate, ...]:
    if not most:
        return ()
    best = heapq.nlargest(most, likely.items(), key=lambda item: item[1])
    return tuple(Candidate(i, p, vocabulary.text(i)) for i, p in best)
