"""How a client treats its connections, and how long it waits on one."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from aios_conformance.mockserver.clients.rule import Finding, fail, good, rule, warn
from aios_conformance.mockserver.clients.seen import Seen
from aios_conformance.mockserver.clients.session import Session

_FEW: Final = 4  # requests, below which nothing can be said of reuse
_IDLE: Final = 3  # idle connections beside a new one that are worth a word
_LEAK: Final = 10
_PATIENT: Final = 60.0  # seconds that nobody should wait without a byte
_UNREAD: Final = 5.0  # seconds that a stream may wait for its reader


@rule(
    why="Each connection costs a round trip, with TLS two more, and a port.",
    mend="Make one client and keep it; leave keep-alive on.",
)
def connections_are_reused(session: Session) -> Iterator[Finding]:
    """Requests that follow each other share a connection.

    Those after a stream do not count: OpenAI's client closes a stream's connection
    after [DONE].
    """
    after = [pair for pair in pairwise(session.exchanges) if _could_share(*pair)]
    shared = [two for one, two in after if one.connection == two.connection]
    told = f"{len(shared)} of {len(after)} requests used the connection of the last one"
    if len(after) >= _FEW:
        found = good if shared else warn
        yield found(told, after[0][0], after[-1][1])


def _could_share(one: Seen, other: Seen) -> bool:
    """Whether nobody had a reason to close the first one's connection, or to wait."""
    return (
        None not in (one.connection, other.connection, one.ended)
        and not (one.broken or one.harmed or one.streamed)
        and one.ended is not None
        and one.ended <= other.started
    )


@rule(
    why="Connections that nobody uses and nobody closes add up until the process or "
    "the server has none left.",
    mend="Share one client, close clients and streams (`with`), and read streams to "
    "their end.",
)
def connections_do_not_pile_up(session: Session) -> Iterator[Finding]:
    """A new connection is opened only if the others are in use or closed."""
    seen = max(session.exchanges, key=lambda one: one.idle_beside, default=None)
    if seen is None or seen.connection is None:
        return
    told = f"{seen.idle_beside} connections lay idle when another one was opened"
    if seen.idle_beside >= _IDLE:
        yield (fail if seen.idle_beside >= _LEAK else warn)(told, seen)
    elif len({one.connection for one in session.exchanges}) > 1:
        yield good("idle connections are used again or closed", seen)


@rule(
    why="An open stream that is not read holds a connection and the server's memory.",
    mend="Read a stream to its end, or close it when you have enough.",
)
def streams_are_read_or_closed(session: Session) -> Iterator[Finding]:
    """No stream is left open and unread."""
    for seen in session.exchanges:
        if not seen.streamed or seen.fault is not None:
            continue
        waits = session.now - seen.started
        if seen.ended is None and waits > _UNREAD:
            yield warn(f"a stream is still open after {waits:.0f} s", seen)
        elif seen.finished:
            yield good("a stream was sent to its end", seen)
        elif seen.ended is not None:
            yield good("a stream was closed by the client", seen)


@rule(
    why="A connection can go silent without being closed; who waits without a limit "
    "waits for ever.",
    mend="Set a read timeout between two chunks (20 to 60 s); that of a whole request "
    "is often ten minutes by default.",
)
def silence_is_not_waited_out(session: Session) -> Iterator[Finding]:
    """A client gives up on an answer that does not go on."""
    for seen in session.exchanges:
        if seen.fault is None or seen.fault.kind != "stall":
            continue
        waited = (seen.ended or session.now) - seen.started
        told = f"{seen.name} went silent and the client waited {waited:.1f} s"
        if waited >= _PATIENT:
            yield fail(told, seen)
        elif seen.ended is None:
            yield warn(f"{told}, and still waits", seen)
        else:
            yield good(f"{told}, then it gave up", seen)


RULES = (
    connections_are_reused,
    connections_do_not_pile_up,
    streams_are_read_or_closed,
    silence_is_not_waited_out,
)
