"""What a target says when it refuses: its own words, as short as a line wants them."""

from collections.abc import Iterator, Mapping
from typing import Any

from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.visible import visible

LENGTH = 100
_NAMES = ("message", "detail", "error", "msg", "errors", "title")


def answered(exchange: Exchange, length: int = LENGTH) -> str:
    """The status and the words of an answer: 400 “n must be 1”."""
    response = exchange.response
    if response is None:
        return exchange.failure or "nothing"
    text = response.body[: 4 * length].decode(errors="replace")
    words = visible(" ".join(next(_words(response.json), text).split()))
    if len(words) > length:
        words = f"{words[: length - 1]}…"
    return f"{response.status} “{words}”" if words else f"{response.status}, no body"


def _words(said: Any) -> Iterator[str]:
    """The messages in the body of an error, in whatever members they are."""
    if isinstance(said, str) and said.strip():
        yield said
    elif isinstance(said, Mapping):
        for name in _NAMES:
            yield from _words(said.get(name))
    elif isinstance(said, list):
        for each in said:
            yield from _words(each)
