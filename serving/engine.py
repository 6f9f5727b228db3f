"""The seam between the HTTP front and a model.

The front knows no model and an engine knows no HTTP. For generation an engine
takes token ids and yields tokens with log probabilities; stop strings, limits,
several choices, echo, tool calls, usage and streaming are the front's work, so
that every engine behaves alike on the wire. Encoders take text (or token ids),
because special tokens and pair layout belong to the tokenizer.

Errors an engine may raise (all end as a clear JSON error, never a 500):
    EngineError
    ├── TooLong      the input does not fit the model's context
    ├── Overloaded   the queue is full; the client may retry
    └── Unwell       the engine, or what it drives, does not work (now)
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from aios_conformance import spec

Api = spec.Api
JsonSchema = Mapping[str, Any]

Reading = Literal["checked", "as written", "unasked"]
"""A call counts once it is complete and satisfies its schema; or piece by piece, as
the model writes it; or likewise, even if no tools were offered."""


class EngineError(Exception):
    """Something the client, not the server, has to change or wait for."""


class TooLong(EngineError):  # noqa: N818 - reads as the fact it states
    """The input has more tokens than the model can take."""

    def __init__(self, tokens: int, limit: int, *, least: bool = False) -> None:
        """Both counts are in tokens of the model; there may be more than the `least`.

        Clients look for the words "maximum context length" to tell this error.
        """
        count = f"at least {tokens}" if least else tokens
        super().__init__(
            f"the input has {count} tokens, but this model's maximum context length "
            f"is {limit} tokens"
        )
        self.tokens = tokens
        self.limit = limit


class Overloaded(EngineError):  # noqa: N818 - reads as the fact it states
    """The waiting queue is full (HTTP 503 with Retry-After)."""

    def __init__(self, retry_after: int = 1) -> None:
        """`retry_after` is in seconds."""
        super().__init__("the server is busy; try again later")
        self.retry_after = retry_after


class Unwell(EngineError):  # noqa: N818
    """What runs the models does not answer, or has died (HTTP 503 with the reason)."""


Feature = Literal["logit_bias", "prompt_logprobs", "structured_output"]
"""What requests may ask of a model that writes and some engines cannot do: biases, log
probabilities of the prompt (echo), text that satisfies a schema (forced calls too)."""


@dataclass(frozen=True, slots=True)
class Model:
    """One served model, under the name that clients send."""

    name: str
    apis: frozenset[Api]
    context_length: int  # tokens: prompt and completion together
    created: int = 0  # Unix seconds
    dimensions: int = 0  # length of an embedding vector; 0: none
    matryoshka: bool = False  # vectors may be shortened on request
    cross_encoder: bool = False  # rerank and score read the pair jointly
    images: bool = False  # messages may hold images, which `render_chat` gets
    trade: str | None = None  # guard or code: a mock's model says what such ones do
    reasoning: tuple[str, str] | None = None  # markup around reasoning text
    tool_call: tuple[str, str] = ("<tool_call>", "</tool_call>")
    calls: Reading = "checked"  # how its calls are read
    backend: str = "torch"  # the framework that runs it (`002:42`)
    vocabulary: int | None = None  # token ids go from 0 to below this; None: not said
    lacks: frozenset[Feature] = frozenset()  # refused with 400, and not listed


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry of a token distribution."""

    id: int
    logprob: float  # natural logarithm, ≤ 0
    data: bytes  # the text bytes this token stands for (may split a character)


@dataclass(frozen=True, slots=True)
class Token:
    """One generated (or echoed) token with its distribution."""

    id: int
    data: bytes  # b"" for special tokens
    logprob: float | None  # None: first of a prompt, or no distribution is wanted
    top: tuple[Candidate, ...] = ()  # most likely first
    end: bool = False  # an end-of-sequence token: counted, not shown


@dataclass(frozen=True, slots=True)
class Written:
    """A whole answer of which no single token is of interest."""

    data: bytes
    tokens: int  # the end token counted
    ended: bool  # of itself, not by the limit


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw one sequence. Defaults are those of the documents (000:378-405)."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    min_tokens: int = 0  # that come before an end may
    choice: int = 0  # which of the n choices of one request; varies the randomness
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    top_logprobs: int | None = None  # None: no distribution wanted
    schema: JsonSchema | None = None  # the text must be JSON that satisfies this
    bare: bool = False  # the text is the string that satisfies `schema`, unquoted
    thinking: bool = True  # False: a model that reasons answers at once
    must_call: bool = False  # `schema` is that of a call
    parallel: bool = True  # several calls may be made at once


@dataclass(frozen=True, slots=True)
class Embedded:
    """An embedding vector as little-endian float32 bytes, and the tokens read.

    `json` writes the same vector as a JSON array, for an engine that has a quicker way
    than number by number. Whoever changes the vector leaves it out.
    """

    vector: bytes
    tokens: int
    json: Callable[[], bytes] | None = None


@dataclass(frozen=True, slots=True)
class PairScore:
    """The similarity of a pair in [0, 1], and the tokens read for it."""

    score: float
    tokens: int


class Engine(Protocol):
    """What a model runtime offers to the front. Model names are exact."""

    @property
    def models(self) -> Sequence[Model]:
        """Every served model, in the order in which clients should see them."""

    async def start(self) -> None:
        """Load what must be loaded; the server is ready when this returns."""

    async def close(self) -> None:
        """Release everything."""

    def encode(self, model: str, text: str) -> list[int]:
        """Tokenize a plain prompt, special tokens included."""

    def token(self, model: str, token_id: int) -> bytes | None:
        """Text bytes of a token id, of a special one those that spell it in a prompt.

        None when the id is outside the vocabulary.
        """

    def render_chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
    ) -> list[int]:
        """Apply the chat template, generation prompt included: prompt token ids."""

    def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield up to max_tokens tokens as they are decoded.

        With tools in the prompt the text may hold a call in the model's
        `tool_call` markup. A call that must be made is bare JSON that satisfies the
        schema, but has the markup too if the model's calls are read as written.
        Closing the iterator cancels the request.
        """

    async def prompt_logprobs(
        self, model: str, prompt: Sequence[int], top_logprobs: int
    ) -> list[Token]:
        """Tokens of the prompt itself, each conditioned on those before (echo)."""

    async def embed(
        self,
        model: str,
        inputs: Sequence[str | Sequence[int]],
        *,
        truncate: int | None = None,
        dimensions: int | None = None,
    ) -> list[Embedded]:
        """One vector per input; `truncate` keeps the first tokens of each."""

    async def score(
        self,
        model: str,
        pairs: Sequence[tuple[str, str]],
        *,
        truncate: int | None = None,
    ) -> list[PairScore]:
        """One similarity per pair, for both rerank and score."""

    def stats(self, model: str) -> Mapping[str, float]:
        """Counters: queue_fraction, queue_absolute, results_pending, batch_size."""


@runtime_checkable
class Mortal(Protocol):
    """An engine that may fail as a whole while it is served."""

    def illness(self) -> str | None:
        """Return why the engine cannot work now; None: it can."""

    async def death(self) -> str:
        """Wait until the engine cannot work any more, and return why."""
