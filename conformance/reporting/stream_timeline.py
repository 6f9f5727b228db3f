"""A stream as what it was on the wire: events one after the other, with their times.

What breaks the grammar of chunks is marked at the event where it does.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aios_conformance.conformance.reporting.presentable import plain
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.sse import ServerSentEvent, SseDecoder
from aios_conformance.conformance.terms.stream_grammar import violations

MOST_EVENTS, MOST_BYTES = 1_000, 256 * 1024
"""What of a stream is told event by event, from its begin."""
END, REST = "the end of the stream", "the rest of the stream"
_PIECE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
_CONSTANT = ("id", "created", "model")
_SHARED = frozenset((*_CONSTANT, "object"))


@dataclass(frozen=True, slots=True)
class _Event:
    """An event, what it says, and the number of the bytes up to its end."""

    event: ServerSentEvent
    chunk: Any
    stop: int


@dataclass(frozen=True, slots=True)
class Moment:
    """An event of a stream, or its end."""

    at_ms: float | None  # since the request was sent; None: nobody looked at the clock
    gap_ms: float | None  # since the event before
    size: int  # in bytes, with all that frames it
    event: _Event | None = None  # None: the end
    wrong: str = ""  # what of the grammar it breaks
    end: str = END  # or the rest

    @property
    def said(self) -> str:
        """What it brings; few of many are shown, and asked for it."""
        return _said(self.event) if self.event else self.end


def timeline(exchange: Exchange) -> tuple[Moment, ...]:
    """The moments of a streamed answer, its end the last; empty for other answers.

    Of a very long stream the end is the rest.
    """
    response = exchange.response
    if response is None or not exchange.is_stream:
        return ()
    events = list(islice(_framed(response.body[:MOST_BYTES]), MOST_EVENTS))
    if not events:
        return ()
    marks = _marks(events)
    sizes = [size for _, size in response.arrivals]
    moments: list[Moment] = []
    before, begin = None, 0
    for number, each in enumerate(events):
        found = bisect_left(sizes, each.stop)  # the first bytes that complete it
        at = response.arrivals[found][0] * 1000 if found < len(sizes) else None
        gap = None if at is None or before is None else at - before
        wrong = "; ".join(marks[number])
        moments.append(Moment(at, gap, each.stop - begin, each, wrong))
        before, begin = at, each.stop
    last = exchange.total_s * 1000
    gap = None if before is None else max(last - before, 0.0)
    left = len(response.body) - begin
    broken = [f"broken off: {response.broken}"] if response.broken else []
    is_cut = len(events) == MOST_EVENTS or len(response.body) > MOST_BYTES
    wrong = "; ".join([*broken, *([] if is_cut else _missing(events))])
    return (*moments, Moment(last, gap, left, None, wrong, REST if is_cut else END))


def shortened(moments: Sequence[Moment], most: int) -> Iterator[tuple[int, Moment]]:
    """The first moments, the last ones, and all that are marked, by their number."""
    for number, moment in enumerate(moments):
        is_near_an_end = number < most or number >= len(moments) - 3
        if is_near_an_end or (moment.wrong and number < most * 10):
            yield number, moment


def _framed(body: bytes) -> Iterator[_Event]:
    decoder, stop = SseDecoder(), 0
    for piece in _PIECE.finditer(body):
        stop += len(piece[0])
        for event in decoder.feed(piece[0]):
            yield _Event(event, event.json, stop)


def _marks(events: Sequence[_Event]) -> dict[int, list[str]]:
    """What is wrong, by the number of the event where it shows."""
    marks = {number: _alone(each) for number, each in enumerate(events)}
    done = next((n for n, e in enumerate(events) if e.event.is_done), len(events))
    for number in range(done + 1, len(events)):
        marks[number].append("after [DONE]")
    objects = [(n, e.chunk) for n, e in enumerate(events) if isinstance(e.chunk, dict)]
    for name in _CONSTANT:
        held = [(n, chunk[name]) for n, chunk in objects if name in chunk]
        other = next((n for n, value in held if value != held[0][1]), None)
        if other is not None:
            marks[other].append(f"another {name} than before")
    for index, pieces in _choices(events).items():
        for found in violations(choice for _, choice in pieces):
            if found.piece is not None:
                told = f"choice {index}: {found.piece.value}, when {found.state.value}"
                marks[pieces[found.position][0]].append(told)
    return marks


def _said(each: _Event) -> str:
    """What an event brings, without what all chunks of a stream share."""
    if not isinstance(each.chunk, dict):
        return each.event.data
    own = {name: value for name, value in each.chunk.items() if name not in _SHARED}
    return json.dumps(plain(own), ensure_ascii=False)


def _alone(each: _Event) -> list[str]:
    """What is wrong with an event, whatever stands beside it."""
    told = [] if each.event.is_utf8 else ["not UTF-8"]
    if each.event.is_done:
        return told
    if not isinstance(each.chunk, dict):
        return [*told, "not a JSON object"]
    is_error = bool(each.chunk.get("error")) or each.event.event == "error"
    return [*told, "an error in mid-stream"] if is_error else told


def _choices(events: Sequence[_Event]) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """The choice objects by their index, each with the number of its event."""
    found: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for number, each in enumerate(events):
        listed = each.chunk.get("choices") if isinstance(each.chunk, dict) else None
        for choice in listed if isinstance(listed, list) else ():
            if isinstance(choice, dict):
                index = str(choice.get("index"))
                found.setdefault(index, []).append((number, choice))
    return found


def _missing(events: Sequence[_Event]) -> list[str]:
    told = [] if any(each.event.is_done for each in events) else ["no [DONE]"]
    for index, pieces in _choices(events).items():
        if all(choice.get("finish_reason") is None for _, choice in pieces):
            told.append(f"choice {index} has no finish_reason")
    return told
