"""Values of members that a target never takes: what refuses one refuses all beside it.

Servers that refuse a temperature of 0 are no rarity, and 0 stands in half the requests
of a run. Which value is to blame for them shows in the one that adds nothing else.
"""

from collections.abc import Sequence

from aios_conformance.conformance.probes.pairs import LIMITS
from aios_conformance.conformance.terms.exchange import Exchange, Member
from aios_conformance.conformance.terms.members import members_of
from aios_conformance.spec import apis


def always_refused(exchanges: Sequence[Exchange], dialect: str) -> frozenset[Member]:
    """The optional members with a value that is refused alone, and accepted nowhere.

    Of a member of which no value is accepted these are all values. A token limit, which
    most requests have, is no company where one is taken at all.
    """
    known = apis(dialect)
    sent = [
        (e.is_success, [m for m in members_of(e) if m[1] not in known[e.api].required])
        for e in exchanges
        if e.expect == "accept" and e.response is not None and e.api in known
    ]
    taken = {member for is_taken, members in sent if is_taken for member in members}
    limits = {member[:2] for member in taken if member[1] in LIMITS}
    beside = (
        {m for m in members if m[:2] not in limits}
        for is_taken, members in sent
        if not is_taken
    )
    alone = {member for members in beside if len(members) == 1 for member in members}
    values = {m for _, members in sent for m in members if m[2] != "null"}
    names = {m[:2] for m in alone & values} - {m[:2] for m in taken & values}
    return frozenset((alone - taken) | {m for m in values if m[:2] in names})
