"""The mock's engine: deterministic, seeded, without a model file.

Nothing it says is stored: text comes from a small language model, vectors and
scores from one geometry. The same request gets the same answer in every process.
"""

import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain, islice
from math import hypot
from typing import Any, Final

from aios_conformance.mockserver.catalogue import documented, everything
from aios_conformance.mockserver.memory import Memory
from aios_conformance.mockserver.model import chat
from aios_conformance.mockserver.model.geometry import Geometry
from aios_conformance.mockserver.model.language import SentenceState, TokenContext
from aios_conformance.mockserver.model.pairs import cut, first, similar
from aios_conformance.mockserver.model.tokenizer import (
    BEGIN,
    END,
    LONGEST,
    MOST,
    PIECES,
    SPECIALS,
    TOOLS,
    beginning,
    decode,
    encode,
    token_count,
)
from aios_conformance.mockserver.model.writing import (
    adjusts,
    reported,
    weighed,
    wished,
    written,
)
from aios_conformance.serving.engine import (
    Embedded,
    EngineError,
    Model,
    PairScore,
    Sampling,
    Token,
    TooLong,
    Written,
)
from aios_conformance.serving.turns import Turns, aside

_SCORE_DIMENSIONS: Final = 1_024

BATCH: Final = 32  # requests that count as in work, not as waiting

_QUEUE: Final = 512  # waiting requests that make a full queue

_BREATH: Final = 4  # tokens that are generated without a look at the time

_LONG: Final = 2_048  # tokens or characters that are not read in passing


class MockEngine:
    """An Engine (serving.engine) that needs no weights."""

    def __init__(
        self,
        models: Sequence[Model] | None = None,
        *,
        seed: int = 0,
        any_model: bool = False,
        lengths: tuple[int, int] | None = None,
        memory: Memory | None = None,
        pending: Counter[str] | None = None,
    ) -> None:
        """`any_model` makes `find` return a model of every kind for any name.

        The empty string is no name: no answer could carry it. `lengths` are the fewest
        and the most tokens of free text, else a few sentences. A `memory` is shared
        with engines of the same seed only. `pending` counts the requests in work, by
        model.
        """
        self._memory = memory or Memory()
        self._models = documented("aios") if models is None else tuple(models)
        self._by_name = {model.name: model for model in self._models}
        self._seed = seed
        self._any = any_model
        self._lengths = lengths
        self._spaces: dict[int, Geometry] = {}
        self._turns = Turns()
        self._pending: Counter[str] = Counter() if pending is None else pending

    @property
    def models(self) -> Sequence[Model]:
        """Every model of the catalogue, in its order."""
        return self._models

    def find(self, name: str) -> Model | None:
        """Return the model of a name; None if it is not served."""
        found = self._by_name.get(name)
        return everything(name) if found is None and self._any and name else found

    async def start(self) -> None:
        """Do nothing: there is nothing to load."""

    async def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def encode(self, model: str, text: str) -> list[int]:
        """Tokenize a plain prompt: the begin token, then the text."""
        self._fits(text, self._served(model))
        return [BEGIN, *encode(text)]

    def token(self, model: str, token_id: int) -> bytes | None:
        """Return the text bytes of a token id; None outside the vocabulary."""
        size = _size(self._served(model))
        known = 0 <= token_id < size or token_id in SPECIALS
        return PIECES[token_id] if known else None

    def render_chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
    ) -> list[int]:
        """Apply the chat template (mockserver.model.chat)."""
        served = self._served(model)
        for message in messages:
            self._fits(chat.said(message.get("content")), served)
        return chat.render(messages, tools)

    async def generate(
        self,
        model: str,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        saying: str | None = None,
    ) -> AsyncIterator[Token]:
        """Yield tokens one by one, an end token last unless the limit comes first.

        `saying` is the text to say, whatever the model would. Log probabilities are
        those after bias and penalties, before temperature and top_p: the model's own
        opinion, comparable between requests. Raises TooLong.
        """
        tokens = self.decode(model, prompt, sampling, saying=saying)
        heavy = sampling.schema is not None or len(prompt) > _LONG or TOOLS in prompt
        opening = await aside(heavy, next, tokens, None)
        if opening is None:
            return
        yield opening
        for count, token in enumerate(tokens):
            if not count % _BREATH:
                await self._turns.next()  # others are served during a long answer
            yield token

    def decode(
        self,
        model: str,
        prompt: Sequence[int],
        sampling: Sampling,
        *,
        saying: str | None = None,
    ) -> Iterator[Token]:
        """Generate as `generate` does, without an event loop."""
        served = self._served(model)
        self._check(prompt, served)
        for token in sampling.logit_bias:
            self._known(token, served, "logit_bias: ")
        if saying is None:
            saying = chat.set_on(prompt, sampling, served, _variation(sampling))
        forced: tuple[int, ...] = ()
        if saying is not None:
            forced = (*encode(saying), END)
        planned = forced or encode(chat.thought(prompt, sampling, served))
        context = self._opened(served, prompt, planned)
        room = min(sampling.max_tokens, served.context_length - len(prompt))
        length = wished(context, sampling, self._lengths)
        if sampling.top_logprobs is not None or adjusts(sampling):
            yield from weighed(context, sampling, room, length, forced)
        else:
            for ids in written(context, sampling, room, length):
                yield from map(_plain, ids)

    def whole(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> Written | None:
        """Return a whole answer of which no single token is of interest, at once.

        None if that would take too long, or if it takes a look at each token.
        """
        served = self._served(model)
        self._check(prompt, served)
        if (
            len(prompt) > _LONG
            or max(sampling.min_tokens, *(self._lengths or (0,))) > _LONG
            or sampling.top_logprobs is not None
            or adjusts(sampling)
            or not chat.is_free(prompt, sampling, served)
        ):
            return None
        planned = encode(chat.thought(prompt, sampling, served))
        context = self._opened(served, prompt, planned)
        room = min(sampling.max_tokens, served.context_length - len(prompt))
        length = wished(context, sampling, self._lengths)
        ids = [*chain.from_iterable(written(context, sampling, room, length))]
        return Written(decode(ids), len(ids), ended=ids[-1:] == [END])

    async def prompt_logprobs(
        self, model: str, prompt: Sequence[int], top_logprobs: int
    ) -> list[Token]:
        """Return the prompt's tokens, each with what the model expected there."""
        served = self._served(model)
        self._check(prompt, served)
        context = self._context(served)
        tokens: list[Token] = []
        for position, token in enumerate(prompt):
            if position:
                tokens.append(reported(context.distribution(), token, top_logprobs))
            else:
                tokens.append(_plain(token))
            context.add(token)
            if not position % _BREATH:
                await self._turns.next()
        return tokens

    async def embed(
        self,
        model: str,
        inputs: Sequence[str | Sequence[int]],
        *,
        truncate: int | None = None,
        dimensions: int | None = None,
    ) -> list[Embedded]:
        """Return one unit vector per input.

        Text counts with its two special tokens, ids count as they are. Fewer
        `dimensions` than the model has give the prefix, at unit length again.
        """
        served = self._served(model)
        length = served.dimensions if dimensions is None else dimensions
        if not served.dimensions:
            raise EngineError(f"{model} has no embeddings")
        if not 1 <= length <= served.dimensions:
            raise EngineError(
                f"dimensions must be from 1 to {served.dimensions}, got {length}"
            )
        made: list[Embedded] = []
        for item in inputs:
            await self._turns.next()
            heavy = len(item) > _LONG
            made.append(await aside(heavy, self._embed, served, item, truncate, length))
        return made

    async def score(
        self,
        model: str,
        pairs: Sequence[tuple[str, str]],
        *,
        truncate: int | None = None,
    ) -> list[PairScore]:
        """Return the similarity of each pair.

        An embedding model's score is the cosine of the two vectors, moved from
        [-1, 1] to the [0, 1] that the documents promise (A-049). A cross-encoder's
        score is a steeper function of the same cosine, so both rank alike. `truncate`
        limits the tokens of a pair (A-046): the longer text gives way first.
        """
        served = self._served(model)
        made: list[PairScore] = []
        read = lru_cache(maxsize=2)(encode)  # a query meets many documents
        for left, right in pairs:
            await self._turns.next()
            pair = await aside(
                len(left) + len(right) > _LONG,
                cut,
                *(served, left, right, truncate, read),
            )
            one, two = [await self._vector(text, served) for text in pair.texts]
            made.append(similar(served, one, two, pair.tokens))
        return made

    def stats(self, model: str) -> Mapping[str, float]:
        """Return live counters (002:44-48).

        Pending are the requests in work; what exceeds one batch waits.
        """
        pending = self._pending[model]
        waiting = max(0, pending - BATCH)
        return {
            "queue_fraction": min(1.0, waiting / _QUEUE),
            "queue_absolute": waiting,
            "results_pending": pending,
            "batch_size": BATCH,
        }

    def _served(self, name: str) -> Model:
        model = self.find(name)
        if model is None:
            raise EngineError(f"the model {name!r} is not served")
        return model

    def _check(self, ids: Sequence[int], model: Model) -> None:
        if len(ids) > model.context_length:
            raise TooLong(len(ids), model.context_length)
        if ids and not 0 <= min(ids) <= max(ids) < _size(model):
            for token in ids:
                self._known(token, model)

    def _known(self, token: int, model: Model, where: str = "") -> None:
        if self.token(model.name, token) is None:
            raise EngineError(
                f"{where}the token ids of {model.name} go from 0 to "
                f"{_size(model) - 1}, got {token}"
            )

    def _fits(self, text: Any, model: Model) -> None:
        """Refuse what is too long however it is tokenized, before it is."""
        if isinstance(text, str) and len(text) > model.context_length * LONGEST:
            least = -(-len(text) // LONGEST)
            raise TooLong(least, model.context_length, least=True)

    def _opened(
        self, model: Model, prompt: Sequence[int], planned: Sequence[int]
    ) -> TokenContext:
        """Return the context after a prompt, and before what is set to be said."""
        context = self._context(model)
        context.read(prompt)
        if planned:
            context.state = SentenceState(plan=tuple(planned))
        return context

    def _context(self, model: Model) -> TokenContext:
        return TokenContext(f"{self._seed}:{model.name}".encode(), _size(model))

    def _embed(
        self,
        model: Model,
        item: str | Sequence[int],
        truncate: int | None,
        length: int,
    ) -> Embedded:
        if isinstance(item, str):
            text = item if truncate is None else beginning(item, truncate)
            self._fits(text, model)
            count = token_count(text) + 2
            if truncate is not None and count > truncate:
                text, count = first(encode(text), truncate - 1), truncate
        else:
            count = len(item) if truncate is None else min(truncate, len(item))
            self._check(item[:count], model)
            text = decode(item[:count]).decode("utf-8", "replace")
        if count > model.context_length:
            raise TooLong(count, model.context_length)
        space = self._space(model.dimensions)
        vector = space.packed(text)
        if length < model.dimensions:
            return Embedded(_prefix(vector, length), count)
        return Embedded(vector, count, partial(space.json, vector))

    async def _vector(self, text: str, model: Model) -> bytes:
        dimensions = model.dimensions or _SCORE_DIMENSIONS
        key = dimensions, text
        vector: bytes | None = self._memory.get(key)
        if vector is None:
            packed = self._space(dimensions).packed
            vector = await aside(len(text) > _LONG, packed, text)
            self._memory.put(key, vector, len(text) + len(vector))
        return vector

    def _space(self, dimensions: int) -> Geometry:
        space = self._spaces.get(dimensions)
        if space is None:
            space = self._spaces[dimensions] = Geometry(self._seed, dimensions)
        return space


def _size(model: Model) -> int:
    return model.vocabulary or MOST


@lru_cache(maxsize=8_192)
def _plain(token: int) -> Token:
    return Token(token, PIECES[token], None, (), token == END)


def _variation(sampling: Sampling) -> int:
    """Return what tells the contents of constrained answers apart; 0 if greedy."""
    if sampling.temperature <= 0:
        return 0
    return 1_000_003 * (sampling.seed or 0) + sampling.choice


def _prefix(vector: bytes, length: int) -> bytes:
    """Return the first components as a unit vector."""
    kept = list(islice(struct.iter_unpack("<f", vector), length))
    values = [value for (value,) in kept]
    scale = 1 / hypot(*values)
    return struct.pack(f"<{length}f", *[value * scale for value in values])
