"""Exchanges shortened for reading; the whole of them is in exchanges.jsonl."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from aios_conformance.conformance.reporting.presentable import MOST_VALUES, plain
from aios_conformance.conformance.terms.exchange import Exchange, Response
from aios_conformance.conformance.terms.visible import visible

LENGTH = 3_000
_NUMBERS = 8
_STRING = 400
_DEPTH = 12


def request_text(exchange: Exchange) -> str:
    """The request line and its body."""
    request = exchange.request
    body = request.json
    shown = pretty(body) if body is not None else _decoded(request.body)
    return cut(f"{request.operation}\n\n{shown}".strip(), exchange.id)


def answer_text(exchange: Exchange) -> str:
    """The status line, the kind of the body, and the body."""
    body = _body(exchange.response) if exchange.response else ""
    return cut(f"{answer_head(exchange)}\n\n{body}".strip(), exchange.id)


def answer_head(exchange: Exchange) -> str:
    """The status line, the kind of the body, how long it took and how it ended."""
    response = exchange.response
    if response is None:
        return f"no answer: {exchange.failure or 'not sent'}"
    kind = visible(response.header("content-type") or "(no content-type)")
    head = f"{response.status}  {kind}  {exchange.total_s * 1000:.0f} ms"
    return head + (f"\nbroken off: {response.broken}" if response.broken else "")


def wire_request(exchange: Exchange) -> str:
    """The request as it was sent: head, and body unchanged but for its length."""
    request = exchange.request
    method, _, path = request.operation.partition(" ")
    head = [f"{method} {path} HTTP/1.1", *_fields(request.headers)]
    return cut("\n".join([*head, "", _decoded(request.body)]).rstrip(), exchange.id)


def wire_answer(exchange: Exchange) -> str:
    """The answer as it was received, likewise."""
    response = exchange.response or exchange.partial
    if response is None:
        return f"no answer: {exchange.failure or 'not sent'}"
    head = [f"HTTP/1.1 {response.status}", *_fields(response.headers)]
    body = _decoded(response.body[: LENGTH * 2])
    return cut("\n".join([*head, "", body]).rstrip(), exchange.id)


def _fields(headers: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (visible(f"{name}: {value}") for name, value in headers)


def _body(response: Response) -> str:
    body = response.json
    if isinstance(body, dict | list):
        return pretty(body)
    return _decoded(response.body[: LENGTH * 2])


def _decoded(data: bytes) -> str:
    return visible(data.decode("utf-8", "backslashreplace"))


def pretty(value: Any) -> str:
    """JSON with short arrays of numbers, short strings, no great depth or number."""
    return json.dumps(plain(_shortened(value)), indent=2, ensure_ascii=False)


def _shortened(value: Any) -> Any:
    left = MOST_VALUES  # more of them than LENGTH has room for

    def short(value: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left <= 0 or (depth > _DEPTH and isinstance(value, dict | list)):
            return "…"
        if isinstance(value, str):
            more = len(value) - _STRING
            return value if more <= 0 else f"{value[:_STRING]}… {more} more characters"
        if isinstance(value, dict):
            some = islice(value.items(), left)
            return {key: short(each, depth + 1) for key, each in some}
        if isinstance(value, list):
            if len(value) > _NUMBERS and {int, float}.issuperset(map(type, value)):
                more = len(value) - _NUMBERS
                return [*value[:_NUMBERS], f"… {more} more numbers"]
            return [short(each, depth + 1) for each in value[:left]]
        return value

    return short(value, 0)


def cut(text: str, exchange_id: str) -> str:
    """At most LENGTH characters, with a note where the rest is."""
    if len(text) <= LENGTH:
        return text
    more = len(text) - LENGTH
    note = f"… {more} more characters; the whole is in exchanges.jsonl, {exchange_id}"
    return f"{text[:LENGTH]}\n{note}"
