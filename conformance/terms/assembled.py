"""A stream put together: the whole answer that its chunks deliver.

Texts, arguments of calls and log probabilities are joined in order, by the index of
their choice; what comes once (an id, a role, a finish reason) is what came first, and
usage what came last. So whatever is promised of an answer is judged on streams too.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aios_conformance.conformance.terms.sse import ServerSentEvent

_JOINED = ("content", "reasoning_content")
Piece = Mapping[str, Any]
_PARALLEL = ("content", "tokens", "token_logprobs", "top_logprobs", "text_offset")


def assembled(events: Iterable[ServerSentEvent]) -> dict[str, Any] | None:
    """The answer of a stream; None if a part of it cannot be read, or is an error."""
    chunks: list[Piece] = []
    for event in events:
        if event.is_done:
            continue
        chunk = event.json
        is_error = event.event == "error" or not event.is_utf8
        if is_error or not isinstance(chunk, dict) or chunk.get("error"):
            return None
        chunks.append(chunk)
    if not chunks:
        return None
    body = {name: value for chunk in reversed(chunks) for name, value in chunk.items()}
    usages = [c["usage"] for c in chunks if isinstance(c.get("usage"), dict)]
    pieces: dict[int, list[Piece]] = {}
    for chunk in chunks:
        choices = chunk.get("choices")
        for piece in choices if isinstance(choices, list) else ():
            index = piece.get("index") if isinstance(piece, dict) else None
            if isinstance(index, int):
                pieces.setdefault(index, []).append(piece)
    body["choices"] = [_choice(index, pieces[index]) for index in sorted(pieces)]
    return body | {"usage": usages[-1] if usages else None}


def _choice(index: int, pieces: Sequence[Piece]) -> dict[str, Any]:
    """The choice that the pieces of one index add up to."""
    choice: dict[str, Any] = {"index": index}
    deltas = [p["delta"] for p in pieces if isinstance(p.get("delta"), dict)]
    if deltas:
        choice["message"] = _message(deltas)
    elif any("text" in piece for piece in pieces):
        choice["text"] = _text(pieces, "text") or ""
    for name in ("finish_reason", "stop_reason"):
        choice[name] = _first(piece.get(name) for piece in pieces)
    return choice | {"logprobs": _logprobs([p.get("logprobs") for p in pieces])}


def _message(deltas: Sequence[Piece]) -> dict[str, Any]:
    role = _first(delta.get("role") for delta in deltas)
    message: dict[str, Any] = {"role": "assistant" if role is None else role}
    message |= {name: _text(deltas, name) for name in _JOINED}
    calls: dict[int, list[Piece]] = {}
    for delta in deltas:
        parts = delta.get("tool_calls")
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict):
                index = part.get("index")
                number = index if isinstance(index, int) else place
                calls.setdefault(number, []).append(part)
    return message | {"tool_calls": [_call(calls[number]) for number in sorted(calls)]}


def _call(parts: Sequence[Piece]) -> dict[str, Any]:
    """A call: what names it comes with its first piece, its arguments bit by bit."""
    given = [p["function"] for p in parts if isinstance(p.get("function"), dict)]
    function = {name: _text(given, name) or "" for name in ("name", "arguments")}
    named = {name: _first(p.get(name) for p in parts) for name in ("id", "type")}
    return {
        "id": named["id"] or "",
        "type": named["type"] or "function",
        "function": function,
    }


def _logprobs(given: Sequence[Any]) -> Any:
    """The lists of all pieces joined; what is laid out otherwise stays as it came."""
    objects = [each for each in given if each is not None]
    if not all(isinstance(each, dict) for each in objects):
        return _first(objects)
    given_as: dict[str, list[Any]] = {}
    for each in objects:
        for name, value in each.items():
            given_as.setdefault(name, []).append(value)
    joined: dict[str, Any] = {}
    for name, told in given_as.items():
        is_parallel = name in _PARALLEL
        values = [_filled(each, name) for each in objects] if is_parallel else told
        is_listed = all(isinstance(value, list) for value in values)
        joined[name] = [v for each in values for v in each] if is_listed else values[0]
    return joined if objects else None


def _filled(given: Piece, name: str) -> Any:
    """A list of a piece; of null, which means nothing, as many as it has tokens."""
    value, tokens = given.get(name), given.get("tokens")
    if value is not None:
        return value
    return [None] * len(tokens) if isinstance(tokens, list) else []


def _text(pieces: Sequence[Piece], name: str) -> str | None:
    texts = [piece[name] for piece in pieces if isinstance(piece.get(name), str)]
    return "".join(texts) if texts else None


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)
