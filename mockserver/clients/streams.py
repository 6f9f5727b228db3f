"""Whether a client notices where a stream ends, and joins all of it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from aios_conformance.mockserver.clients.rule import Finding, fail, good, rule, warn
from aios_conformance.mockserver.clients.seen import Seen, plain
from aios_conformance.mockserver.clients.session import Session
from aios_conformance.mockserver.clients.turns import Turn

_TELLING: Final = 8  # letters that hardly begin two texts by chance
_NEAR: Final = 200  # turns that one is compared with


@rule(
    why="Half an answer reads like a whole one: a sentence without its `not`, a list "
    "without its end.",
    mend="Treat a stream as complete only after a finish_reason (and [DONE]); else "
    "raise an error or ask again.",
)
def broken_streams_are_noticed(session: Session) -> Iterator[Finding]:
    """A stream that ends before its finish_reason is not taken for whole."""
    came: dict[int, list[Turn]] = {}
    for turn in session.answers:
        came.setdefault(turn.seen.number, []).append(turn)
    for seen in session.exchanges:
        if not (seen.streamed and seen.harmed and seen.ended is not None):
            continue
        parts = came.get(seen.number, [])
        if parts and all(turn.whole for turn in parts) and not _holed(seen):
            continue  # it ended before the fault began
        what = f"the stream of {seen.name} broke off ({seen.fault})"
        back = _back(session, seen, parts)
        again = session.attempts.get(seen.number)
        if back is not None:
            yield fail(f"{what} and its part was sent back as an answer", seen, back)
        elif again is not None:
            yield good(f"{what} and was asked for again", seen, again)
        else:
            yield warn(
                f"{what} and was not asked for again; whether an error was raised "
                "cannot be seen from here",
                seen,
            )


def _holed(seen: Seen) -> bool:
    return seen.fault is not None and seen.fault.kind == "garbage"


def _number(turn: Turn) -> int:
    return turn.seen.number


def _back(session: Session, seen: Seen, parts: Sequence[Turn]) -> Seen | None:
    """Return the request that holds a part of an answer as if it were all."""
    texts = [turn.text.strip() for turn in parts if turn.text.strip()]
    pieces = {id_: call for turn in parts for id_, call in turn.calls.items()}
    later = bisect_right(session.returned, seen.number, key=_number)
    for turn in session.returned[later : later + _NEAR]:
        mine = turn.text.strip()
        if mine in texts or (
            len(mine) >= _TELLING and any(text.startswith(mine) for text in texts)
        ):
            return turn.seen
        if pieces.keys() & turn.calls.keys():
            return turn.seen
    return None


@rule(
    why="What is missing cannot be seen in what is left; the model then goes on from "
    "words that it did not say.",
    mend="Append every delta from the first chunk to the one with the finish_reason, "
    "that one included: it may carry the last words.",
)
def streamed_text_is_joined_whole(session: Session) -> Iterator[Finding]:
    """A streamed answer that is sent back has its beginning and its end."""
    turns = [turn for turn in session.answers if turn.whole and turn.text.strip()]
    known = {turn.text.strip() for turn in turns}
    streams = [turn for turn in turns if turn.seen.streamed and not _holed(turn.seen)]
    streamed = {turn.text.strip(): turn for turn in streams}
    told: set[str] = set()
    for turn in session.returned:
        mine = turn.text.strip()
        if not mine or mine in told:
            continue
        told.add(mine)
        if mine in streamed:
            yield good("a streamed answer came back whole", streamed[mine].seen)
        elif mine not in known:
            yield from _lacking(mine, turn.seen, streams)


def _lacking(mine: str, later: Seen, streams: Sequence[Turn]) -> Iterator[Finding]:
    for turn in streams[-_NEAR:]:
        text = turn.text.strip()
        if turn.seen.number >= later.number or len(mine) * 2 < len(text):
            continue
        if text.startswith(mine):
            lost = f"without its end {plain(text[len(mine) :], 40)!r}"
        elif text.endswith(mine):
            lost = f"without its beginning {plain(text[: -len(mine)], 40)!r}"
        else:
            continue
        yield fail(f"a streamed answer came back {lost}", turn.seen, later)
        return


RULES = (broken_streams_are_noticed, streamed_text_is_joined_whole)
