"""What a rule makes the model say or score, instead of what it would."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.engine import (
    Model,
    PairScore,
    Sampling,
    Token,
    Written,
)


@dataclass(frozen=True, slots=True)
class Script:
    """Lines for one exchange; None leaves the model its own."""

    text: str | None = None
    reasoning: str | None = None
    tool_calls: Sequence[Mapping[str, Any]] = ()  # name and arguments of each
    scores: Sequence[float] | None = None  # one a pair, the last one repeated

    def said(self, model: Model) -> str | None:
        """Return the text that the model is to say."""
        if self.text is None and not self.tool_calls:
            return None
        said = self.text or ""
        if self.reasoning is not None and model.reasoning is not None:
            before, after = model.reasoning
            said = f"{before}{self.reasoning}{after}{said}"
        before, after = model.tool_call
        return said + "".join(
            f"{before}{_call(call).replace(after, _harmless(after))}{after}"
            for call in self.tool_calls
        )


def _harmless(marker: str) -> str:
    """Return a marker as a JSON string may spell it, so that it ends nothing."""
    return f"\\u{ord(marker[0]):04x}{marker[1:]}"


def _call(call: Mapping[str, Any]) -> str:
    """Write a call; arguments that are a string stand as they are, JSON or not."""
    name, arguments = call["name"], call.get("arguments", {})
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return (
        f'{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": {arguments}}}'
    )


class ScriptedEngine:
    """A mock engine that follows the script of the exchange, if there is one.

    Scripted text takes the model's own way: it has tokens and log probabilities,
    obeys stop strings and limits, is counted and can be streamed.
    """

    def __init__(self, engine: MockEngine, script: Callable[[], Script | None]) -> None:
        """`script` returns the script of the exchange that asks."""
        self._engine = engine
        self._script = script
        self.encode = engine.encode
        self.token = engine.token
        self.render_chat = engine.render_chat
        self.prompt_logprobs = engine.prompt_logprobs
        self.embed = engine.embed
        self.start = engine.start
        self.close = engine.close
        self.stats = engine.stats
        self.find = engine.find

    @property
    def models(self) -> Sequence[Model]:
        """Those of the engine."""
        return self._engine.models

    def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Say the script's text, else the engine's own."""
        script, served = self._script(), self._engine.find(model)
        saying = None
        if script is not None and served is not None:
            saying = script.said(served)
        return self._engine.generate(model, prompt, sampling, saying=saying)

    def whole(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> Written | None:
        """Say the engine's own text at once, a script's in the long way."""
        if self._script() is not None:
            return None
        return self._engine.whole(model, prompt, sampling)

    async def score(
        self,
        model: str,
        pairs: Sequence[tuple[str, str]],
        *,
        truncate: int | None = None,
    ) -> list[PairScore]:
        """Give the script's scores, else the engine's own."""
        own = await self._engine.score(model, pairs, truncate=truncate)
        script = self._script()
        if script is None or script.scores is None:
            return own
        last = len(script.scores) - 1
        return [
            PairScore(script.scores[min(position, last)], pair.tokens)
            for position, pair in enumerate(own)
        ]
