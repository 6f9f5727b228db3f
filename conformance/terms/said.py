"""What a generated answer says, whole or put together from a stream."""

from collections.abc import Mapping
from typing import Any

from aios_conformance.conformance.terms.exchange import Exchange


def choice_of(exchange: Exchange, index: int = 0) -> Mapping[str, Any] | None:
    """One choice of an answer; None when there is none."""
    choices = exchange.said.get("choices") if exchange.said else None
    if not isinstance(choices, list):
        return None
    numbered = (c for c in choices if isinstance(c, dict) and c.get("index") == index)
    return next(numbered, None)


def text_of(exchange: Exchange, index: int = 0) -> str | None:
    """The text of one choice of an answer; None when there is none."""
    choice = choice_of(exchange, index) or {}
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    text = choice.get("text") if text is None else text
    return text if isinstance(text, str) else None


def reasoning_of(exchange: Exchange) -> str:
    """The reasoning of the first choice, "" where there is none."""
    return reasoning_in(choice_of(exchange) or {})


def reasoning_in(choice: Mapping[str, Any]) -> str:
    """The reasoning of a choice, "" where there is none."""
    message = choice.get("message")
    found = message.get("reasoning_content") if isinstance(message, dict) else None
    return found if isinstance(found, str) else ""


def message_of(exchange: Exchange | None) -> Mapping[str, Any]:
    """The message of the first choice of a whole answer, {} where there is none."""
    choice = choice_of(exchange) if exchange else None
    message = choice.get("message") if choice else None
    return message if isinstance(message, dict) else {}


def as_turn(message: Mapping[str, Any]) -> dict[str, Any]:
    """A reply as it goes back: of its members those that requests have as well.

    A server may refuse others (A-007).
    """
    kept = {
        name: message[name] for name in ("content", "tool_calls") if name in message
    }
    return {"role": "assistant", **kept}
