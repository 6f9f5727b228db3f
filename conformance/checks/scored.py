"""Log probabilities of an answer in one form, whatever API and framing they had.

OpenAI's layouts are read: `content` with one object per token (chat, A-082), and
parallel lists (completions, A-113). Another layout leaves `positions` None; the shape
of what is given is judged elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from aios_conformance.conformance.terms.exchange import Exchange, Facts
from aios_conformance.conformance.terms.said import choice_of
from aios_conformance.conformance.terms.tolerances import BATCHED
from aios_conformance.conformance.terms.views import (
    View,
    is_number,
    is_whole,
)

_NEUTRAL = {
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "logit_bias": (None, {}),
    "tools": (None, []),
}
"""Settings under which the likeliest token is the one that greedy decoding takes."""


_REPLACEMENT = "\ufffd".encode()


@dataclass(frozen=True, slots=True)
class Alternative:
    """A likely token at a position."""

    token: str
    logprob: float
    data: bytes | None = None

    @property
    def name(self) -> str | bytes:
        """What tells tokens apart: their bytes where these are given."""
        return self.token if self.data is None else self.data

    @property
    def is_unnamed(self) -> bool:
        """Its text tells it from no other: a part of a character, or shown as none."""
        return self.data is None and (not self.token or "\ufffd" in self.token)


@dataclass(frozen=True, slots=True)
class Position:
    """One generated token with its log probability and its alternatives."""

    token: str
    logprob: float | None
    alternatives: tuple[Alternative, ...] = ()
    data: bytes | None = None

    @property
    def name(self) -> str | bytes:
        """What tells tokens apart: their bytes where these are given."""
        return self.token if self.data is None else self.data

    @property
    def ranked(self) -> list[Alternative]:
        """The alternatives, the likeliest first; of equal ones as they came."""
        return sorted(self.alternatives, key=lambda other: -other.logprob)

    def listed(self) -> Alternative | None:
        """The chosen token among the alternatives, or one as likely as it is.

        Whether it is spelt alike is not for log probabilities to show.
        """
        same = [other for other in self.alternatives if other.name == self.name]
        twins = (o for o in self.alternatives if o.logprob == self.logprob)
        return same[0] if same else next(twins, None)

    @property
    def is_torn(self) -> bool:
        """Part of a character whose own bytes are not given."""
        if self.data is not None and _REPLACEMENT not in self.data:
            return False
        return "\ufffd" in self.token or self.token.startswith("bytes:")


@dataclass(frozen=True)
class ScoredChoice:
    """One choice with its log probabilities."""

    pointer: str
    text: str
    finish: object
    given: Any  # its member logprobs
    is_chat: bool
    has_other: bool = False  # calls or reasoning, whose tokens are no text

    @property
    def is_given(self) -> bool:
        """There is an object, in whatever layout."""
        return isinstance(self.given, dict)

    @cached_property
    def positions(self) -> list[Position] | None:
        """The positions in order; None when the layout is not OpenAI's."""
        if not self.is_given:
            return None
        return _chat(self.given) if self.is_chat else _legacy(self.given)

    def listed(self, member: str) -> list[Any] | None:
        """One of the parallel lists of completions; None where it is no list."""
        found = self.given.get(member) if self.is_given else None
        return found if isinstance(found, list) else None


@dataclass(frozen=True)
class WithLogprobs(View):
    """A success of chat or completions that was asked for log probabilities."""

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Successes, whole or streamed, of requests that ask for log probabilities."""
        view = cls(exchange, facts)
        is_ours = exchange.api in ("chat", "completions") and exchange.is_answer
        if not is_ours or exchange.expect == "refuse":
            return None
        return view if wants_logprobs(exchange) and view.choices else None

    @property
    def is_chat(self) -> bool:
        """An answer of chat, not of completions."""
        return self.exchange.api == "chat"

    @property
    def is_echoed(self) -> bool:
        """The text begins with the prompt, whose first token no model can expect."""
        return not self.is_chat and bool(self.sent.get("echo"))

    @property
    def asked(self) -> int | None:
        """How many alternatives were asked for; None when no number was sent."""
        count = self.sent.get("top_logprobs" if self.is_chat else "logprobs")
        return (
            int(count) if isinstance(count, int | float) and is_whole(count) else None
        )

    @property
    def is_greedy(self) -> bool:
        """Each token is the likeliest one: nothing but the model decides."""
        return self.sent.get("temperature") == 0 and all(
            self.sent.get(name) in neutral for name, neutral in _NEUTRAL.items()
        )

    @cached_property
    def choices(self) -> list[ScoredChoice]:
        """The choices, in the order of the answer."""
        return list(scored_choices(self.exchange))

    @property
    def contexts(self) -> Mapping[int, Sequence[tuple[str, Position]]]:
        """Positions with their pointers, by the number of what stands before them.

        Which prompt a choice continues is only known for certain if there is one, and
        of one that reasons which of its tokens are listed is not.
        """
        found: dict[int, list[tuple[str, Position]]] = {}
        # a beginning is known by the one that is a token shorter: to compare them all
        # would take squares of a text's length
        numbers: dict[tuple[int, str | bytes], int] = {}
        if isinstance(self.sent.get("prompt"), list):
            return found
        for choice in self.choices:
            if choice.has_other:
                continue
            before = 0
            for i, position in enumerate(choice.positions or ()):
                place = f"{choice.pointer}/logprobs/{i}"
                found.setdefault(before, []).append((place, position))
                before = numbers.setdefault((before, position.name), len(numbers) + 1)
        return {key: places for key, places in found.items() if len(places) > 1}

    @property
    def read(self) -> list[ScoredChoice]:
        """The choices whose log probabilities have a layout that can be read."""
        return [choice for choice in self.choices if choice.positions is not None]


@dataclass(frozen=True)
class Unscored(View):
    """A success of chat or completions that was asked for no log probabilities."""

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Successes, whole or streamed, of requests without log probabilities."""
        is_ours = exchange.api in ("chat", "completions") and exchange.is_answer
        if not is_ours or exchange.expect == "refuse" or wants_logprobs(exchange):
            return None
        view = cls(exchange, facts)
        is_zero = (
            exchange.api == "completions" and view.sent.get("logprobs") is not None
        )
        return None if is_zero else view


def wants_logprobs(exchange: Exchange) -> bool:
    """The request asks for log probabilities; completions may take 0 as no (A-111)."""
    body = exchange.request.json
    wish = body.get("logprobs") if isinstance(body, dict) else None
    if exchange.api == "chat":
        return wish is True
    return is_whole(wish) and wish is not None and wish >= 1


def scored_choices(exchange: Exchange) -> Iterator[ScoredChoice]:
    """The choices of an answer, whole or streamed, with what they have for logprobs."""
    choices = exchange.said.get("choices") if exchange.said else None
    is_chat = exchange.api == "chat"
    for i, choice in enumerate(choices if isinstance(choices, list) else ()):
        if not isinstance(choice, dict):
            continue
        message = choice.get("message")
        source, name = (message, "content") if is_chat else (choice, "text")
        text = source.get(name) if isinstance(source, dict) else None
        if not isinstance(text, str):
            continue  # its shape is judged elsewhere
        yield ScoredChoice(
            f"/choices/{i}",
            text,
            choice.get("finish_reason"),
            choice.get("logprobs"),
            is_chat=is_chat,
            has_other=_has_other(message),
        )


def positions_of(
    exchange: Exchange, facts: Facts, index: int = 0
) -> list[Position] | None:
    """The positions of one choice of an answer; None where there is none to read."""
    choice = choice_of(exchange, index)
    if choice is None or WithLogprobs.of(exchange, facts) is None:
        return None
    given = choice.get("logprobs")
    if not isinstance(given, dict):
        return []  # they were asked for
    return _chat(given) if exchange.api == "chat" else _legacy(given)


def are_alike(one: Sequence[Position], other: Sequence[Position]) -> bool:
    """The same tokens, about as likely, and as many alternatives of each."""
    return len(one) == len(other) and all(
        a.name == b.name
        and abs((a.logprob or 0) - (b.logprob or 0)) <= BATCHED
        and len(a.alternatives) == len(b.alternatives)
        for a, b in zip(one, other, strict=True)
    )


def _has_other(message: Any) -> bool:
    return isinstance(message, dict) and bool(
        message.get("tool_calls") or message.get("reasoning_content")
    )


def _chat(given: Mapping[str, Any]) -> list[Position] | None:
    content = given.get("content")
    if not isinstance(content, list):
        return None
    found = []
    for entry in content:
        chosen = _alternative(entry)
        others = entry.get("top_logprobs") if isinstance(entry, dict) else None
        if chosen is None or not isinstance(others or [], list):
            return None
        listed = [_alternative(other) for other in others or []]
        if any(other is None for other in listed):
            return None
        likely = tuple(other for other in listed if other is not None)
        found.append(Position(chosen.token, chosen.logprob, likely, chosen.data))
    return found


def _alternative(entry: Any) -> Alternative | None:
    match entry:
        case {"token": str(token), "logprob": int() | float() as logprob}:
            data = entry.get("bytes")
            is_data = isinstance(data, list) and all(
                isinstance(byte, int) and 0 <= byte <= 255 for byte in data
            )
            return Alternative(token, logprob, bytes(data) if is_data else None)
    return None


def _legacy(given: Mapping[str, Any]) -> list[Position] | None:
    tokens, logprobs = given.get("tokens"), given.get("token_logprobs")
    likely = given.get("top_logprobs")
    if not isinstance(tokens, list) or not isinstance(logprobs, list):
        return None
    if not all(isinstance(token, str) for token in tokens):
        return None
    listed = likely if isinstance(likely, list) else []
    found = []
    for i, token in enumerate(tokens):
        own = logprobs[i] if i < len(logprobs) else None
        others = listed[i] if i < len(listed) else None
        pairs = others.items() if isinstance(others, dict) else ()
        alternatives = tuple(Alternative(t, p) for t, p in pairs if is_number(p))
        found.append(Position(token, own if is_number(own) else None, alternatives))
    return found
