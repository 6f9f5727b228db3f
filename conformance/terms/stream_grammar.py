"""Which sequences of chunks are a legal stream: one transition table per choice.

The documents print no stream; the grammar is that of OpenAI's API (A-100), which
the compatibility sentences point to (000:348, 000:545).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class StreamState(Enum):
    """Where the stream of one choice stands."""

    START = "nothing said yet"
    OPEN = "text or calls are coming"
    ENDED = "a finish reason was given"


class Piece(Enum):
    """What one chunk brings for one choice."""

    OPENING = "a role, and no text"
    TEXT = "text, a call, or log probabilities"
    EMPTY = "nothing"
    FINISH = "a finish reason"


# A missing entry is an illegal step. A finish chunk may carry the last text; a
# choice that ended stays silent, but for chunks that bring nothing. A role that is
# repeated in every delta is a freedom that servers take.
TRANSITIONS: Mapping[tuple[StreamState, Piece], StreamState] = {
    (StreamState.START, Piece.OPENING): StreamState.OPEN,
    (StreamState.START, Piece.TEXT): StreamState.OPEN,
    (StreamState.START, Piece.EMPTY): StreamState.OPEN,
    (StreamState.START, Piece.FINISH): StreamState.ENDED,
    (StreamState.OPEN, Piece.OPENING): StreamState.OPEN,
    (StreamState.OPEN, Piece.TEXT): StreamState.OPEN,
    (StreamState.OPEN, Piece.EMPTY): StreamState.OPEN,
    (StreamState.OPEN, Piece.FINISH): StreamState.ENDED,
    (StreamState.ENDED, Piece.OPENING): StreamState.ENDED,
    (StreamState.ENDED, Piece.EMPTY): StreamState.ENDED,
}


@dataclass(frozen=True, slots=True)
class GrammarViolation:
    """A step that the table does not have, or an end in the wrong state."""

    position: int  # of the piece in the choice's sequence
    state: StreamState
    piece: Piece | None  # None: the stream ended here


def piece_of(choice: Mapping[str, Any]) -> Piece:
    """Name what a choice object of a chunk brings.

    Before the end the reason is null or left out; an empty string ends a choice for
    every client that tells null from the rest.
    """
    if choice.get("finish_reason") is not None:
        return Piece.FINISH
    delta = choice.get("delta")
    source = delta if isinstance(delta, dict) else choice
    names = ("content", "text", "reasoning_content", "tool_calls")
    if any(source.get(name) for name in names) or _has_logprobs(choice):
        return Piece.TEXT
    return Piece.OPENING if source.get("role") else Piece.EMPTY


def _has_logprobs(choice: Mapping[str, Any]) -> bool:
    """Log probabilities of at least one token, in the layout of either API."""
    given = choice.get("logprobs")
    return isinstance(given, dict) and any(
        given.get(name) for name in ("content", "tokens")
    )


def violations(choices: Iterable[Mapping[str, Any]]) -> Iterator[GrammarViolation]:
    """The illegal steps of one choice's sequence, an end before its finish included."""
    state = StreamState.START
    position = -1
    for position, choice in enumerate(choices):
        piece = piece_of(choice)
        following = TRANSITIONS.get((state, piece))
        if following is None:
            yield GrammarViolation(position, state, piece)
        else:
            state = following
    if state is not StreamState.ENDED:
        yield GrammarViolation(position + 1, state, None)
