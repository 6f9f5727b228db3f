"""The engine behind the HTTP front: models, their lanes, and one worker thread.

Models are used in the worker thread only, the tokenizers of what writes where its
requests are prepared, those of what reads by their `PromptReader`.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from aios_conformance.reference_impl.tokenizing.chat import Chat
from aios_conformance.reference_impl.tokenizing.cosines import cosines
from aios_conformance.reference_impl.tokenizing.reading import PromptReader
from aios_conformance.reference_impl.tokenizing.texts import (
    Encoding,
    fitting,
    in_vocabulary,
)
from aios_conformance.reference_impl.tokenizing.vocabulary import Vocabulary
from aios_conformance.reference_impl.transformers_engine.decode import DecodeLane
from aios_conformance.reference_impl.transformers_engine.encode import (
    Encoder,
    Text,
)
from aios_conformance.reference_impl.transformers_engine.grammars import Grammars
from aios_conformance.reference_impl.transformers_engine.load import (
    CrossEncoder,
    Embedding,
)
from aios_conformance.reference_impl.transformers_engine.sequence import (
    GenerationRequest,
    Scan,
)
from aios_conformance.reference_impl.transformers_engine.worker import Worker
from aios_conformance.serving.engine import (
    Embedded,
    EngineError,
    Model,
    PairScore,
    Sampling,
    Token,
)


@dataclass(frozen=True, slots=True)
class Writer:
    """A served causal language model."""

    card: Model
    vocabulary: Vocabulary
    grammars: Grammars
    chat: Chat | None
    lane: DecodeLane


@dataclass(frozen=True, slots=True)
class Embedder:
    """A served embedding model; its cosine also ranks and scores."""

    card: Model
    head: Embedding
    lane: Encoder


@dataclass(frozen=True, slots=True)
class PairScorer:
    """A served cross-encoder."""

    card: Model
    head: CrossEncoder
    lane: Encoder


Served = Writer | Embedder | PairScorer


class TransformersEngine:
    """An Engine of real models. `start` it on the event loop that will use it."""

    def __init__(
        self, served: Sequence[Served], aliases: Mapping[str, str], threads: int
    ) -> None:
        """`aliases` are further names for served models; `threads` are torch's."""
        self._served = {s.card.name: s for s in served}
        self._lanes = [s.lane for s in served]
        self._readers = {
            s.card.name: PromptReader(s.head.tokenizer, s.head.limit)
            for s in served
            if not isinstance(s, Writer)
        }
        self._served |= {alias: self._served[name] for alias, name in aliases.items()}
        self._threads = threads
        self._worker: Worker | None = None

    @property
    def models(self) -> Sequence[Model]:
        """Every served model under each of its names."""
        return [replace(s.card, name=name) for name, s in self._served.items()]

    async def start(self) -> None:
        """Start computing."""
        self._worker = Worker(self._lanes, asyncio.get_running_loop(), self._threads)

    async def close(self) -> None:
        """Stop computing after the present step."""
        if self._worker:
            await asyncio.to_thread(self._worker.stop)

    # --- text

    def encode(self, model: str, text: str) -> list[int]:
        """Tokenize a plain prompt, special tokens included."""
        writer = self._writer(model)
        return writer.vocabulary.encode(text, writer.lane.limits.context)

    def token(self, model: str, token_id: int) -> bytes | None:
        """Text bytes of a token id; None when the id is outside the vocabulary."""
        return self._writer(model).vocabulary.data(token_id)

    def render_chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
    ) -> list[int]:
        """Apply the chat template; raises EngineError for what it refuses."""
        writer = self._writer(model)
        if writer.chat is None:
            raise EngineError(f"{model} has no chat template; use /v1/completions")
        return writer.chat.render(messages, tools, writer.lane.limits.context)

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Token, None]:
        """Yield tokens as they are decoded; closing the iterator cancels.

        Raises TooLong, Overloaded, and EngineError for a schema that cannot be
        enforced or a token id outside the vocabulary.
        """
        writer = self._writer(model)
        ids = fitting(prompt, *_bounds(writer), sampling)
        in_vocabulary(sampling.logit_bias, writer.vocabulary.size)
        constraint = None
        if sampling.schema is not None:
            constraint = await asyncio.to_thread(
                writer.grammars.constraint, sampling.schema
            )
        answers: asyncio.Queue[Any] = asyncio.Queue()
        request = GenerationRequest(ids, sampling, answers.put_nowait, constraint)
        writer.lane.submit(request)
        self._wake()
        try:
            while (answer := await answers.get()) is not None:
                if isinstance(answer, Exception):
                    raise answer
                yield answer
        finally:
            request.cancelled = True

    async def prompt_logprobs(
        self, model: str, prompt: Sequence[int], top_logprobs: int
    ) -> list[Token]:
        """Tokens of the prompt itself, each conditioned on those before (echo)."""
        writer = self._writer(model)
        if not prompt:
            return []
        answer: asyncio.Future[list[Token]] = asyncio.Future()
        scan = Scan(fitting(prompt, *_bounds(writer)), top_logprobs, _settling(answer))
        writer.lane.submit(scan)
        self._wake()
        try:
            return await answer
        finally:
            scan.cancelled = True

    # --- vectors and scores

    async def embed(
        self,
        model: str,
        inputs: Sequence[str | Sequence[int]],
        *,
        truncate: int | None = None,
        dimensions: int | None = None,
    ) -> list[Embedded]:
        """One vector per input; raises TooLong and Overloaded."""
        served = self._served[model]
        if not isinstance(served, Embedder):
            raise EngineError(f"{model} gives no embeddings")
        vectors, tokens = await self._vectors(served, inputs, truncate)
        if dimensions is not None:
            vectors = vectors[:, :dimensions]
            if served.head.pooling.normalize:
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return [
            Embedded(vector.astype("<f4").tobytes(), count)
            for vector, count in zip(vectors, tokens, strict=True)
        ]

    async def score(
        self,
        model: str,
        pairs: Sequence[tuple[str, str]],
        *,
        truncate: int | None = None,
    ) -> list[PairScore]:
        """One similarity per pair, in [0, 1]; raises TooLong and Overloaded."""
        served = self._served[model]
        if isinstance(served, Embedder):
            return await cosines(self, model, pairs, truncate)
        if not isinstance(served, PairScorer):
            raise EngineError(f"{model} gives no scores")
        encodings = await self._readers[served.card.name].read(pairs, truncate)
        scores = await self._run(served.lane, encodings)
        return [
            PairScore(float(score[0]), len(e.ids))
            for score, e in zip(scores, encodings, strict=True)
        ]

    async def _vectors(
        self,
        served: Embedder,
        inputs: Sequence[str | Sequence[int]],
        truncate: int | None,
    ) -> tuple[Any, list[int]]:
        prompt = served.head.pooling.prompt
        encodings = await self._readers[served.card.name].read(
            [(prompt + one if isinstance(one, str) else one, None) for one in inputs],
            truncate,
        )
        rows = await self._run(served.lane, encodings)
        return np.stack(rows), [len(e.ids) for e in encodings]

    async def _run(self, lane: Encoder, encodings: Sequence[Encoding]) -> list[Any]:
        answers: list[asyncio.Future[Any]] = [asyncio.Future() for _ in encodings]
        lane.submit(
            [
                Text(e, _settling(answer), _wanted(answer))
                for e, answer in zip(encodings, answers, strict=True)
            ]
        )
        self._wake()
        return await asyncio.gather(*answers)

    def stats(self, model: str) -> Mapping[str, float]:
        """Counters: queue_fraction, queue_absolute, results_pending, batch_size."""
        lane = self._served[model].lane
        active = lane.active if isinstance(lane, DecodeLane) else 0
        return {
            "queue_fraction": lane.waiting / lane.limits.queue,
            "queue_absolute": lane.waiting,
            "results_pending": lane.waiting + active,
            "batch_size": lane.limits.batch,
        }

    def _writer(self, model: str) -> Writer:
        served = self._served[model]
        if not isinstance(served, Writer):
            raise EngineError(f"{model} generates no text")
        return served

    def _wake(self) -> None:
        if self._worker:
            self._worker.wake()


def _bounds(writer: Writer) -> tuple[int, int]:
    return writer.vocabulary.size, writer.lane.limits.context


def _settling(answer: asyncio.Future[Any]) -> Callable[[Any], None]:
    def settle(value: Any) -> None:
        if answer.done():
            return
        if isinstance(value, Exception):
            answer.set_exception(value)
        else:
            answer.set_result(value)

    return settle


def _wanted(answer: asyncio.Future[Any]) -> Callable[[], bool]:
    return lambda: not answer.done()
