"""What the model said in an answer, and what the client later says that it said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aios_conformance.mockserver.clients.seen import Seen
from aios_conformance.mockserver.control.journal import readable


@dataclass(slots=True)
class JoinedCall:
    """A tool call, joined from all its pieces."""

    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Turn:
    """One choice of an answer, or an assistant's message in a request."""

    seen: Seen
    text: str = ""
    calls: dict[str, JoinedCall] = field(default_factory=dict)  # by id
    whole: bool = False  # it came to its end


def said(seen: Seen) -> list[Turn]:
    """Return what the model said, choice by choice."""
    if seen.api != "chat" or seen.status not in (200, None) or seen.cut:
        return []
    if seen.streamed:
        return _streamed(seen)
    answer = _mapping(readable(seen.response))
    return [
        _turn(seen, choice.get("message"), whole=not seen.broken)
        for choice in _mappings(answer.get("choices"))
    ]


def _streamed(seen: Seen) -> list[Turn]:
    turns: dict[Any, Turn] = {}
    ids: dict[tuple[Any, Any], str] = {}
    for choice in (
        choice for event in seen.events for choice in _mappings(event.get("choices"))
    ):
        index = str(choice.get("index"))
        turn = turns.setdefault(index, Turn(seen))
        delta = _mapping(choice.get("delta"))
        turn.text += _text(delta.get("content"))
        turn.whole = turn.whole or choice.get("finish_reason") is not None
        for piece in _mappings(delta.get("tool_calls")):
            place = index, str(piece.get("index"))
            if isinstance(piece.get("id"), str):
                ids[place] = piece["id"]
            call = turn.calls.setdefault(ids.get(place, ""), JoinedCall())
            function = _mapping(piece.get("function"))
            call.name += _text(function.get("name"))
            call.arguments += _text(function.get("arguments"))
    return list(turns.values())


def sent_back(seen: Seen) -> Iterator[Turn]:
    """Yield the assistant's messages in a request."""
    for message in _mappings(seen.members.get("messages")):
        if message.get("role") == "assistant":
            yield _turn(seen, message, whole=True)


def messages(seen: Seen) -> list[Mapping[str, Any]]:
    """Return the messages of a request."""
    return _mappings(seen.members.get("messages"))


def _turn(seen: Seen, message: Any, *, whole: bool) -> Turn:
    message = _mapping(message)
    turn = Turn(seen, _text(message.get("content")), whole=whole)
    for call in _mappings(message.get("tool_calls")):
        function = _mapping(call.get("function"))
        turn.calls[str(call.get("id"))] = JoinedCall(
            _text(function.get("name")), _text(function.get("arguments"))
        )
    return turn


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [item for item in found if isinstance(item, dict)]


def _text(value: Any) -> str:
    """Return a text, also one in parts."""
    if isinstance(value, str):
        return value
    return "".join(_text(part.get("text")) for part in _mappings(value))
