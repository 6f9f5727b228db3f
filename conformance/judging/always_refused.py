"""Values of members that a target never takes: what refuses one refuses all beside it.

Servers that refuse a temperature of 0 are no rarity, and 0 stands in half the requests
of a run. Which value is to blame for them shows in the one that adds nothing else.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import orjson

from aios_conformance.conformance.probes.member_rows import rows_at_member, rows_in
from aios_conformance.conformance.probes.pairs import LIMITS
from aios_conformance.conformance.terms.exchange import Exchange, Member
from aios_conformance.conformance.terms.members import members_of
from aios_conformance.spec import ApiSpec, apis


def always_refused(
    exchanges: Sequence[Exchange], dialect: str
) -> Mapping[Member, tuple[str, ...]]:
    """The optional members with a value that is refused alone, and accepted nowhere.

    With the rows that the request alone was sent for; none if they are not about the
    member: rows of another kind may speak of a top_n above the count.
    A list of texts where the smallest request has one is a member as well.
    Of a member of which no value is accepted these are all values. A token limit,
    which most requests have, is no company where one is taken at all.
    """
    known = apis(dialect)
    sent = [
        (e, {m for m in members_of(e) if not _is_plain(m, known[e.api])})
        for e in exchanges
        if e.expect == "accept" and e.response is not None and e.api in known
    ]
    taken = {member for e, members in sent if e.is_success for member in members}
    limits = {member[:2] for member in taken if member[1] in LIMITS}
    served = {e.request.operation for e, _ in sent if e.is_success}
    alone: dict[Member, set[str]] = {}
    for exchange, members in sent:
        beside = [m for m in members if m[:2] not in limits]
        is_served = exchange.request.operation in served
        if is_served and not exchange.is_success and len(beside) == 1:
            rows = _rows(exchange, beside[0][1], dialect)
            alone.setdefault(beside[0], set()).update(rows)
    found = {m: tuple(sorted(alone[m])) for m in alone.keys() - taken if alone[m]}
    given = {member[:2] for member in taken if member[2] != "null"}
    never = {m[:2]: rows for m, rows in found.items() if m[2] != "null"}
    every = {member for _, members in sent for member in members if member[2] != "null"}
    return {m: never[m[:2]] for m in every if m[:2] in never.keys() - given} | found


def _is_plain(member: Member, api: ApiSpec) -> bool:
    """What every request has, in the form of the smallest one."""
    _, name, written = member
    plain = api.smallest.get(name, "") if name in api.required else None
    return plain is not None and type(orjson.loads(written)) is type(plain)


def _rows(exchange: Exchange, name: str, dialect: str) -> Collection[str]:
    """The rows of a member that a request shows which has no other."""
    body: Any = exchange.request.json
    if not exchange.serves:
        return rows_in(dialect, exchange.api, name, body[name])
    return rows_at_member(exchange.api, name, dialect).intersection(exchange.serves)
