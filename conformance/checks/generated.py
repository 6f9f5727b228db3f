"""Reading what chat and completions generated, alike for both."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from aios_conformance import spec
from aios_conformance.conformance.terms.check import Finding, Note, Witness
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.conformance.terms.said import text_of
from aios_conformance.conformance.terms.stream_grammar import (
    Piece,
    StreamState,
    violations,
)
from aios_conformance.conformance.terms.views import Answer, Stream, is_whole

EVERYWHERE = ("chat.", "completions.", "common.")
"""All probes that send chat or completions requests."""


def on(name: str) -> tuple[str, ...]:
    """The probes of this name, of both generating APIs."""
    return (f"chat.{name}", f"completions.{name}")


@dataclass(frozen=True)
class Generated(Answer):
    """A success of chat or completions, whole or streamed, with readable choices."""

    may_stream = True

    @classmethod
    def of(cls, exchange: Exchange, facts: Facts) -> Self | None:
        """Successes of the two generating APIs.

        Not those of requests that had to be refused: what they mean is not known.
        """
        is_ours = exchange.api in ("chat", "completions")
        is_judged = is_ours and exchange.expect != "refuse"
        return super().of(exchange, facts) if is_judged else None

    def is_readable(self) -> bool:
        """Choices are objects, each with a message object or a text."""
        choices = self.body.get("choices")
        return isinstance(choices, list) and all(
            isinstance(choice, dict)
            and (
                isinstance(choice.get("message"), dict)
                if self.is_chat
                else isinstance(choice.get("text"), str)
            )
            for choice in choices
        )

    @property
    def is_chat(self) -> bool:
        """An answer of chat, not of completions."""
        return self.exchange.api == "chat"

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        """The choices, in the order of the answer."""
        choices: Sequence[Mapping[str, Any]] = self.body["choices"]
        return choices

    def own(self, *topics: str) -> tuple[str, ...]:
        """The rows about some topics that concern the answer's API."""
        return spec.rows(*topics, api=self.exchange.api)

    def text(self, choice: Mapping[str, Any]) -> str:
        """The text of a choice, "" where there is none."""
        found = choice["message"].get("content") if self.is_chat else choice["text"]
        return found if isinstance(found, str) else ""

    @property
    def n(self) -> int:
        """How many choices were asked for, for each prompt."""
        return max(1, _whole(self.sent.get("n")) or 1)

    @property
    def prompts(self) -> list[str]:
        """The prompt strings, in order; a chat or a list of token ids counts as one.

        The text of ids is not known, and stands as "".
        """
        prompt = None if self.is_chat else self.sent.get("prompt")
        if isinstance(prompt, list) and not any(is_whole(one) for one in prompt):
            return [one if isinstance(one, str) else "" for one in prompt]
        return [prompt if isinstance(prompt, str) else ""]

    @property
    def wanted(self) -> int:
        """How many choices were asked for in all."""
        return self.n * len(self.prompts)

    def limit(self, name: str) -> int | None:
        """A limit that the request sets to 1 or more, in tokens."""
        value = _whole(self.sent.get(name))
        return value if value is not None and value >= 1 else None

    @property
    def completion_tokens(self) -> int | None:
        """The usage counter; None when it is missing or no whole number."""
        return usage_of(self.exchange, "completion_tokens")


def rows_of(seen: Observation, *topics: str) -> tuple[str, ...]:
    """The rows about some topics that concern the scenario's API."""
    return spec.rows(*topics, api=seen.probe.partition(".")[0])


def texts_of(seen: Observation, *labels: str, index: int = 0) -> list[str] | None:
    """The texts of some steps; None when one of them has none of its own."""
    there = [seen[label] for label in labels if label in seen.steps]
    texts = [text_of(exchange, index) for exchange in there]
    found = [text for text in texts if text is not None]
    is_mixed = any(_is_mixed(exchange, seen.facts, index) for exchange in there)
    return None if is_mixed or len(found) != len(labels) else found


def _is_mixed(exchange: Exchange, facts: Facts, index: int) -> bool:
    """A choice of several goes on after its end: pieces of others came as its own.

    What each of them says is not known then; that they are told apart is promised by
    other rows.
    """
    several = _whole(exchange.request.json.get("n")) or 1
    stream = Stream.of(exchange, facts) if several > 1 else None
    return stream is not None and any(
        each.state is StreamState.ENDED and each.piece is Piece.TEXT
        for each in violations(stream.pieces(index))
    )


def is_repeatable(seen: Observation, one: str, again: str) -> bool:
    """Two equal requests had equal texts: others may be compared with them."""
    texts = texts_of(seen, one, again)
    return texts is not None and texts[0] == texts[1]


def usage_of(exchange: Exchange, name: str) -> int | None:
    """A usage counter of an answer; None when there is none."""
    usage = exchange.said.get("usage") if exchange.said else None
    return _whole(usage.get(name)) if isinstance(usage, dict) else None


_AT_LEAST = 0.95
"""Tokens for each word: most are of a letter, which is one in usual vocabularies.

Where one of six messages is not read there are 0.83, and what templates add."""


def words_in(exchange: Exchange) -> int:
    """The words of a prompt that are a token or more in usual vocabularies."""
    sent = exchange.request.json
    turns = (m.get("content") or "" for m in sent.get("messages", ()))
    said = sent.get("prompt") or "\n".join(map(str, turns))
    return sum(word.isascii() for word in said.split())


def tokens_of_words(exchange: Exchange, before: int, words: int) -> Iterator[Note]:
    """A prompt with so many words more than `before` tokens counts them."""
    count = usage_of(exchange, "prompt_tokens")
    if count is None:
        return
    yield Witness(("META-039",))
    if count < before + words * _AT_LEAST:
        yield Finding(
            expected=f"{before + words} or more: {words} words beside {before} tokens",
            actual=count,
            pointer="/usage/prompt_tokens",
            step=exchange.label,
            ids=("META-039",),
        )


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and is_whole(value) else None


def ends_otherwise(exchange: Exchange, wanted: str) -> str | None:
    """The finish reason of the first choice, if it is another one: "null" for none.

    What is neither a string nor null is CHAT-RES-015's or COMP-RES-009's matter,
    and null in chat is CHAT-RES-016's.
    """
    choices = exchange.said.get("choices") if exchange.said else None
    first = choices[0] if isinstance(choices, list) and choices else {}
    finish = first.get("finish_reason", wanted) if isinstance(first, dict) else wanted
    if finish is None:
        return None if exchange.api == "chat" else "null"
    return finish if isinstance(finish, str) and finish != wanted else None


def is_one_body(exchange: Exchange) -> bool:
    """Answered with one JSON object, whatever was asked for."""
    return exchange.response is not None and isinstance(exchange.response.json, dict)


def equal(
    seen: Observation,
    rows: tuple[str, ...],
    plain: str,
    others: Iterable[str],
    *,
    soft: bool = False,
    index: int = 0,
) -> Iterator[Note]:
    """The texts of `others` are that of `plain`, in the choice of this index."""
    for other in others:
        pair = texts_of(seen, plain, other, index=index)
        if pair is None:
            continue
        yield Witness(rows)
        if pair[0] != pair[1]:
            yield Finding(
                expected=f"{pair[0]!r}, as in step {plain}",
                actual=pair[1],
                pointer=f"/choices/{index}" if index else "",
                step=other,
                soft=soft,
                kind="silent",
                ids=rows,
                drift=is_drift(*pair),
            )
