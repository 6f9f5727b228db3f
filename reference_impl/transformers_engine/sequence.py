"""What is asked of the decode loop: a text to write, or a prompt to score."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.cache_utils import Cache

from aios_conformance.reference_impl.transformers_engine import cache as kv
from aios_conformance.reference_impl.transformers_engine.constraints import Constraint
from aios_conformance.reference_impl.transformers_engine.sampling import Choice
from aios_conformance.serving.engine import Sampling, Token

CHOICE = 0x9E3779B97F4A7C15  # keeps seeds of neighbouring choices apart


@dataclass(eq=False, slots=True)
class GenerationRequest:
    """One sequence: its prompt, its settings and how far it has come."""

    prompt: list[int]
    sampling: Sampling
    emit: Callable[[Any], None]  # called on the event loop: tokens, then None
    constraint: Constraint | None = None
    cancelled: bool = False
    produced: int = 0
    _counts: dict[int, int] = field(default_factory=dict)
    _shift: dict[int, float] = field(default_factory=dict)
    _random: torch.Generator | None = None

    def place(self, device: torch.device) -> None:
        """Seed the request's own random numbers, on the model's device."""
        s = self.sampling
        self._shift = dict(s.logit_bias)
        self._random = torch.Generator(device)
        if s.seed is None:
            self._random.seed()
        else:  # the choices of one request differ; the first is that of n = 1
            self._random.manual_seed((s.seed + s.choice * CHOICE) % 2**63)

    @property
    def room(self) -> int:
        """Columns that it may come to need."""
        return len(self.prompt) + self.sampling.max_tokens

    @property
    def length(self) -> int:
        """Tokens so far, prompt included."""
        return len(self.prompt) + self.produced

    @property
    def left(self) -> int:
        """Tokens that may still come."""
        return self.sampling.max_tokens - self.produced

    def choice(self) -> Choice:
        """Return the settings of its next draw."""
        s = self.sampling
        top = s.top_logprobs or 0
        return Choice(s.temperature, s.top_p, self._random, self._shift, top)

    def take(self, token_id: int) -> None:
        """Count a token towards the penalties."""
        self.produced += 1
        s = self.sampling
        if s.frequency_penalty or s.presence_penalty:
            count = self._counts.get(token_id, 0) + 1
            self._counts[token_id] = count
            self._shift[token_id] = (
                s.logit_bias.get(token_id, 0.0)
                - s.frequency_penalty * count
                - s.presence_penalty
            )


@dataclass(eq=False, slots=True)
class Scan:
    """A prompt whose own log probabilities are asked for (echo)."""

    prompt: list[int]
    top: int
    emit: Callable[[Any], None]
    cancelled: bool = False
    tokens: list[Token] = field(default_factory=list)
    cache: Cache = field(default_factory=kv.empty)
