"""Whether a client sends what the documents know, and what they still advise."""

from collections.abc import Collection, Iterator

from aios_conformance.mockserver.clients.rule import Finding, good, rule, warn
from aios_conformance.mockserver.clients.seen import Seen, plain
from aios_conformance.mockserver.clients.session import Session


def _remarked(session: Session, kinds: Collection[str]) -> Iterator[Finding]:
    """Say each remark once, with the exchanges in which it was made."""
    found: dict[str, list[Seen]] = {}
    sound = []
    for seen in session.exchanges:
        if seen.remarks is None:
            continue
        remarks = [one for one in seen.remarks if one.kind in kinds]
        for one in remarks:
            found.setdefault(plain(one.message, 200), []).append(seen)
        if seen.members and not remarks:
            sound.append(seen)
    for saw, where in found.items():
        yield warn(saw, *where)
    if sound and not found:
        yield good("nothing is to be said of them", *sound)


@rule(
    why="Servers ignore what they do not know, so a slip of the pen changes the answer "
    "without a word.",
    mend="Correct the name, or leave the member out.",
)
def members_are_known(session: Session) -> Iterator[Finding]:
    """All members of a body are known, and have an effect."""
    return _remarked(session, ("unknown", "ignored"))


@rule(
    why="What is deprecated works until it does not, and newer servers refuse it.",
    mend="Send the newer member instead.",
)
def members_are_current(session: Session) -> Iterator[Finding]:
    """No member of a body is deprecated."""
    return _remarked(session, ("deprecated",))


RULES = (members_are_known, members_are_current)
