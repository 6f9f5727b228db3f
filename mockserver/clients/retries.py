"""Whether a client tries again what may succeed, and only that, and in time."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from aios_conformance.mockserver.clients.rule import Finding, fail, good, rule, warn
from aios_conformance.mockserver.clients.seen import Seen
from aios_conformance.mockserver.clients.session import Session

_EARLY: Final = 0.05  # seconds before the time that are not held against a client
_HASTE: Final = 0.1  # seconds between attempts, below which nobody waited
_MANY: Final = 10  # attempts


@rule(
    why="The answer will be the same: each retry costs time and quota, and hides the "
    "mistake.",
    mend="Raise an error at once for 400, 401, 403, 404 and 422; OpenAI's clients do "
    "so by themselves.",
)
def refusals_are_final(session: Session) -> Iterator[Finding]:
    """What is refused for good is not sent again."""
    for seen in session.exchanges:
        if not seen.refused:
            continue
        again = session.attempts.get(seen.number)
        if again is None:
            yield good(f"{seen.name} was refused with {seen.status}, once", seen)
        else:
            told = (
                f"{seen.name} was refused with {seen.status} and sent again unchanged"
            )
            yield _wrong(session, told, seen, again)


@rule(
    why="A busy server, a limit and a lost connection are everyday events; whoever "
    "gives up at the first hands each of them to the user.",
    mend="Retry 429, 500, 502, 503, 504 and lost connections a few times, with growing "
    "pauses.",
)
def passing_failures_are_retried(session: Session) -> Iterator[Finding]:
    """What may succeed a little later is tried again."""
    for seen in session.exchanges:
        if not seen.passing or seen.ended is None:
            continue
        what = "lost its connection" if seen.broken else f"was answered {seen.status}"
        again = session.attempts.get(seen.number)
        if again is None:
            yield warn(f"{seen.name} {what} and was not tried again", seen)
        else:
            yield good(f"{seen.name} {what} and was tried again", seen, again)


@rule(
    why="The server has said when it will answer; who comes earlier is refused again, "
    "and some servers then make the wait longer.",
    mend="Wait at least as many seconds as the header Retry-After says before the next "
    "attempt.",
)
def retry_after_is_heeded(session: Session) -> Iterator[Finding]:
    """Nobody comes back before the time that Retry-After names."""
    for seen in session.exchanges:
        again = session.attempts.get(seen.number)
        if again is None or seen.retry_after is None or seen.ended is None:
            continue
        waited = max(0.0, again.started - seen.ended)
        asked = f"was asked to wait {seen.retry_after:g} s and "
        if waited < seen.retry_after - _EARLY:
            told = f"{seen.name} {asked}came back after {waited:.2f} s"
            yield _wrong(session, told, seen, again)
        else:
            yield good(f"{seen.name} {asked}waited {waited:.2f} s", seen, again)


@rule(
    why="A server in trouble is kept there by clients that ask again without a pause.",
    mend="Let the pauses between attempts grow (0.5 s, 1 s, 2 s, with some chance in "
    "them) and stop after a few.",
)
def attempts_back_off(session: Session) -> Iterator[Finding]:
    """Between attempts at the same thing there are pauses, and an end."""
    later = {seen.number for seen in session.attempts.values()}
    for seen in session.exchanges:
        if seen.number in later or seen.number not in session.attempts:
            continue
        chain = _chain(session, seen)
        pauses = [
            after.started - (before.ended or before.started)
            for before, after in pairwise(chain)
        ]
        tries = f"{seen.name} was tried {len(chain)} times"
        if len(pauses) > 1 and max(pauses) < _HASTE:
            longest = f"at most {max(0.0, *pauses) * 1000:.0f} ms"
            yield _wrong(session, f"{tries} with pauses of {longest}", *chain)
        elif len(chain) > _MANY:
            yield warn(tries, *chain)
        elif min(pauses) >= _HASTE:
            yield good(f"{tries} with pauses", *chain)


def _wrong(session: Session, told: str, *exchanges: Seen) -> Finding:
    """Return a failure, or a warning where it may be the request of another thread."""
    if exchanges[0].number in session.crowded:
        return warn(f"{told}, or so did another one of those side by side", *exchanges)
    return fail(told, *exchanges)


def _chain(session: Session, seen: Seen) -> list[Seen]:
    chain = [seen]
    while (after := session.attempts.get(chain[-1].number)) is not None:
        chain.append(after)
    return chain


RULES = (
    refusals_are_final,
    passing_failures_are_retried,
    retry_after_is_heeded,
    attempts_back_off,
)
