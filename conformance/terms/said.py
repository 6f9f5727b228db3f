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
