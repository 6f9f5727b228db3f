"""Which members of a refused body it was refused for.

A valid body that is refused is sent again with fewer members, until those are left
without which it is accepted. What is asked next depends on the answers so far alone,
so that a plan holds the steps before the first byte, and a check repeats the search
from what was recorded.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

Unit = Mapping[str, Any]
"""Members that need each other; each can be sent with those before it alone."""

MOST = 12
"""Requests of one search: two members of sixteen are found within so many."""


def searched(members: Sequence[str]) -> Generator[tuple[str, ...], bool, list[str]]:
    """Members to keep, one choice after the other; the culprits are returned.

    What is sent in says whether the body with those members was refused. The body
    without any is known to be accepted, the one with all to be refused.
    """
    culprits: list[str] = []
    while members and not (culprits and (yield tuple(culprits))):
        accepted, refused = 0, len(members)  # so many of them are
        while refused - accepted > 1:
            middle = (accepted + refused) // 2
            if (yield (*members[:middle], *culprits)):
                refused = middle
            else:
                accepted = middle
        culprits.append(members[refused - 1])
        members = members[: refused - 1]
    return culprits


def kept(units: Iterable[Unit], names: Iterable[str]) -> dict[str, Any]:
    """The named members, with those that they need."""
    wanted = {*names}
    found: dict[str, Any] = {}
    for unit in units:
        members = list(unit)
        count = max((i + 1 for i, n in enumerate(members) if n in wanted), default=0)
        found |= {name: unit[name] for name in members[:count]}
    return found


def after(
    units: Sequence[Unit], members: Sequence[str], answers: Iterable[bool]
) -> tuple[dict[str, Any], list[str] | None]:
    """What to ask after some answers (was it refused?); the culprits, once known."""
    search = searched(members)
    try:
        names = next(search)
        for was_refused in answers:
            names = search.send(was_refused)
    except StopIteration as end:
        return kept(units, end.value), end.value
    return kept(units, names), None
