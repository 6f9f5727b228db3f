"""What drives one model of a vLLM, wherever that runs."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from aios_conformance.reference_impl.schemas import LAYOUT, without_unknown_formats
from aios_conformance.reference_impl.tokenizing.texts import TokenizedPair
from aios_conformance.serving.engine import EngineError, Sampling

CHOICE = 0x9E3779B97F4A7C15  # keeps seeds of neighbouring choices apart
LEAST = 1e-6  # the smallest top_p that vLLM takes; like 0 it leaves one token
FINISHED = ("stop", "length")
BYTES = 4  # of a number of a vector

Likely = Mapping[int, float]  # log probabilities by token id


class Drawn(NamedTuple):
    """A token, and the log probabilities known at its place, its own among them."""

    id: int
    likely: Likely


class TokenPiece(NamedTuple):
    """Tokens that came together, and why no more come: stop, length or None."""

    tokens: Sequence[Drawn]
    finish: str | None


class Runner(Protocol):
    """One model. Texts are tokens already; pairs are both."""

    async def start(self) -> None:
        """Be ready for requests."""

    async def close(self) -> None:
        """Release everything."""

    def generate(
        self, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[TokenPiece, None]:
        """Yield tokens as they come; closing the iterator cancels.

        The last piece has a reason. Raises EngineError, Overloaded and Unwell.
        """

    async def prompt_logprobs(
        self, prompt: Sequence[int], top: int
    ) -> list[Likely | None]:
        """Return what is known at each place of a prompt, None for the first."""

    async def embed(
        self, inputs: Sequence[Sequence[int]], dimensions: int | None
    ) -> list[bytes]:
        """Return a vector for each input, as little-endian float32."""

    async def score(
        self, pairs: Sequence[TokenizedPair], truncate: int | None
    ) -> list[float]:
        """Return a score from 0 to 1 for each pair."""

    def illness(self) -> str | None:
        """Return why the model cannot be used now; None: it can."""

    async def death(self) -> str:
        """Wait until the model cannot be used any more, and return why."""


def parameters(sampling: Sampling) -> dict[str, Any]:
    """Return vLLM's sampling parameters, all of those that a server could preset."""
    seed = sampling.seed
    return {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": max(sampling.top_p, LEAST),
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": None if seed is None else (seed + sampling.choice * CHOICE) % 2**63,
        "logprobs": sampling.top_logprobs,
    }


def grammar(sampling: Sampling) -> str | None:
    """Return the schema that the text must satisfy, as JSON laid out as ours is."""
    if sampling.schema is None:
        return None
    schema = without_unknown_formats(sampling.schema)
    return json.dumps({"x-guidance": LAYOUT, **schema})


def finished(reason: str | None) -> str | None:
    """Return a finish reason; raises EngineError for one that is no proper end."""
    if reason is not None and reason not in FINISHED:
        raise EngineError(f"vLLM ended the text for the reason {reason!r}")
    return reason
