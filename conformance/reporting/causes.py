"""Causes: what needs attention, told once for all the requirements that it breaks.

An ignored `n` breaks what the table says of n, what it says of choices, and a
property of both, for two APIs. Whoever mends the server wants one line for it.
Requirements share a cause if their foremost findings have anything of these in common:
what they say (fingerprint.likeness), the same value in the same answer, a parameter
that is not obeyed, a path that is not there or breaks down whatever is sent, a stream
whose events cannot be read.
A requirement that only follows from others stands below every cause that breaks these.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from aios_conformance.conformance.judging.fingerprint import likeness
from aios_conformance.conformance.reporting.wording import (
    KIND_ADVICE,
    badness,
    findings_first,
    place,
    sentence,
)
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.result import (
    Cause,
    Evidence,
    RequirementResult,
    RunResult,
)
from aios_conformance.conformance.terms.words import answered
from aios_conformance.spec import apis

NOT_SERVED = " is not served"
NOT_OBEYED = " not obeyed"
_STREAMS = "streams of "
BREAK_DOWN = " break down"
UNREADABLE = "events of streams cannot be read"
_ABSENT = (404, 405, 501)
_INDEX = re.compile(r"/\d+")
_NUMBER = re.compile(r"\d+")

_Key = tuple[str, ...]
_Keys = list[_Key]


def causes(result: RunResult) -> list[Cause]:
    """All causes: the worst first, of equally bad ones the farthest-reaching.

    A requirement stands under one of them, one that follows under all that it must.
    A result that was read from a report keeps those that were found from all that was
    sent.
    """
    if result.causes is not None:
        return list(result.causes)
    sent = {each.id: each for each in result.exchanges}
    shown = findings_first(result)
    told = {each.requirement.id for each in shown if not each.is_derived}
    follow = [each for each in shown if not told.isdisjoint(each.refuted_by)]
    own = [each for each in shown if not (each.is_derived and each in follow)]
    made = []
    gone, down = _gone(result.exchanges), _down(result.exchanges)
    keys = _specific([_keys(each, sent, gone, down, result.dialect) for each in own])
    for numbers, common in _together(keys):
        rows = sorted((own[number] for number in numbers), key=_rank)
        ids = {each.requirement.id for each in rows}
        below = (
            each
            for each in follow
            if each.requirement.id not in ids and not ids.isdisjoint(each.refuted_by)
        )
        made.append(Cause(tuple(rows), tuple(below), _title(common, rows[0], sent)))
    return sorted(made, key=lambda cause: (badness(cause.lead), -len(cause.rows)))


def advice(cause: Cause) -> str:
    """What to do about it, in one sentence; empty where nothing was found to mend."""
    findings, row = cause.lead.findings, cause.lead.requirement
    if not findings:
        return ""
    found = findings[0]
    if cause.lead.verdict == "unstable":
        told = (
            "nothing, where answers are computed in batches: that may tip a near tie; "
            "else find what changed the text"
        )
    elif cause.title.endswith(NOT_SERVED):
        told = "serve the path, or leave its API out with --apis if it is not claimed"
    elif found.actual == "absent":
        told = "add the member to the answer"
    elif cause.title.endswith(NOT_OBEYED):
        told = KIND_ADVICE["silent"]
    elif cause.title == UNREADABLE:
        told = (
            "send each event as `data: ` and one JSON object, and `[DONE]` at the end"
        )
    elif cause.title.endswith(BREAK_DOWN):
        told = "let an accepted stream run to its end; the server's log tells the cause"
    elif found.kind == "malformed" and found.pointer:
        told = f"mend {_member(found.pointer)}"
    else:
        told = KIND_ADVICE[found.kind]
    return f"{sentence(told)} ({place(row, _asked(found, row.dialects[0]))})."


def _asked(found: Evidence, dialect: str) -> str:
    """The API to whose path the line goes that shows a finding; else empty."""
    for api, known in apis(dialect).items():
        for operation in known.operations:
            path = operation.partition(" ")[2]
            if re.search(rf"{re.escape(path)}(?=['\s])", found.curl):
                return api
    return ""


def _member(pointer: str) -> str:
    """A pointer into an answer or its stream as the documents write it."""
    part, _, rest = pointer.strip("/").partition("/")
    if part == "events":
        return "the events of the stream"
    if part == "chunks":
        member = _INDEX.sub("[]", f"/{rest.partition('/')[2]}").strip("/")
        return f"{member.replace('/', '.')} in the chunks of the stream"
    return _INDEX.sub("[]", pointer).strip("/").replace("/", ".") + " in the answer"


def counted(found: list[Cause]) -> str:
    """How many causes break how many requirements, in a few words."""
    rows = {
        row for cause in found for row in (cause.lead.requirement.id, *cause.others)
    }
    if len(rows) == len(found):
        return ""
    plural = "s" if len(found) > 1 else ""
    verb = "concern" if plural else "concerns"
    return f"{len(found)} finding{plural}, which {verb} {len(rows)} requirements"


def _rank(each: RequirementResult) -> tuple[Any, ...]:
    """The worst first, of equally bad ones the one that says the most exactly what."""
    row = each.requirement
    return badness(each), len(row.operations), row.id


def _specific(keys: Sequence[_Keys]) -> list[_Keys]:
    """The keys without the words of refusals that are the same for anything."""
    refused: dict[_Key, set[_Key]] = {}
    for each in keys:
        for key in each:
            if key[0] == "words":
                refused.setdefault(key, set()).update(k for k in each if k != key)
    vague = {key for key, names in refused.items() if len(names) > 1}
    return [
        [key for key in each if len(each) == 1 or key not in vague] for each in keys
    ]


def _together(keys: Sequence[_Keys]) -> Iterator[tuple[list[int], _Keys]]:
    """Numbers that have a key in common, or that others link, with all their keys."""
    groups: list[tuple[set[int], set[_Key]]] = []
    for number, own in enumerate(keys):
        joined: tuple[set[int], set[_Key]] = ({number}, set(own))
        linked = [group for group in groups if not group[1].isdisjoint(own)]
        for group in linked:
            joined = (joined[0] | group[0], joined[1] | group[1])
        groups = [*(group for group in groups if group not in linked), joined]
    for numbers, found in groups:
        yield sorted(numbers), sorted(found)


def _gone(exchanges: Iterable[Exchange]) -> frozenset[str]:
    """The operations of which every valid request met a path that is not there."""
    met: dict[str, bool] = {}
    for each in exchanges:
        if each.expect == "accept" and each.response is not None:
            name = each.request.operation
            met[name] = met.get(name, True) and each.status in _ABSENT
    return frozenset(name for name, is_absent in met.items() if is_absent)


def _form(exchange: Exchange) -> str:
    """The operation of a request, or the streams of it."""
    body, operation = exchange.request.json, exchange.request.operation
    is_streamed = isinstance(body, dict) and body.get("stream") is True
    return f"{_STREAMS}{operation}" if is_streamed else operation


def _down(exchanges: Iterable[Exchange]) -> frozenset[str]:
    """The forms in which no valid request was answered but by a server error."""
    met: dict[str, bool] = {}
    for each in exchanges:
        if each.expect == "accept" and each.response is not None:
            name = _form(each)
            met[name] = met.get(name, True) and each.status >= 500
    return frozenset(name for name, is_down in met.items() if is_down)


def _keys(
    each: RequirementResult,
    sent: Mapping[str, Exchange],
    gone: Collection[str],
    down: Collection[str],
    dialect: str,
) -> _Keys:
    """What tells the cause of a row: of its foremost finding, by several sides."""
    if not each.findings:
        return [("reason", each.verdict, each.reason or each.requirement.id)]
    found = each.findings[0]
    exchange = sent.get(found.exchange)
    if exchange and exchange.request.operation in gone and exchange.status in _ABSENT:
        return [("path", exchange.request.operation)]  # whatever it says besides
    if found.kind == "crash":
        if exchange and (form := _form(exchange)) in down:
            return [("down", form)]
        # else a crash says nothing of itself: those of one request are one
        return [("words", *likeness(found), found.exchange)]
    if found.actual == "absent":
        return [("absent", re.sub(r"^/chunks/\*", "", _INDEX.sub("/*", found.pointer)))]
    if exchange is None:
        return [("like", *likeness(found))]
    if _is_garbled(exchange):
        return [("stream",)]
    name = _named(each, exchange, dialect, is_refused=found.kind == "refused")
    if found.kind == "refused":
        words = ("words", _NUMBER.sub("#", answered(exchange)))
        return [words, *([("refused", name)] if name else [])]
    there = ("place", found.exchange, found.pointer, str(found.actual))
    place = [there] if found.pointer else []
    parameter = [("parameter", name)] if name else []
    return [("like", *likeness(found)), *place, *parameter]


def _is_garbled(exchange: Exchange) -> bool:
    """Some event of the stream is neither JSON nor the end."""
    events = (
        exchange.response.events if exchange.response and exchange.is_stream else ()
    )
    return any(e.json is None and e.data.strip() != "[DONE]" for e in events)


def _named(
    each: RequirementResult, exchange: Exchange, dialect: str, *, is_refused: bool
) -> str:
    """The one parameter of the request that is spoken of by its name.

    By the target where it refuses, else by the requirement.
    """
    body = exchange.request.json
    api = apis(dialect).get(exchange.api)
    if api is None or not isinstance(body, dict):
        return ""
    free = ("model",) if is_refused else api.required
    told = [answered(exchange)] if is_refused else []
    for text in (*told, each.requirement.statement):
        words = set(re.findall(r"[a-z0-9_]+", text))
        named = [name for name in body if name in words and name not in free]
        named = [name for name in named if name != "stream"] or named
        if len(named) == 1:
            return str(named[0])
    return ""


def _title(keys: _Keys, lead: RequirementResult, sent: Mapping[str, Exchange]) -> str:
    """The fault in a few words; empty where only the finding can tell it."""
    known: dict[str, list[str]] = {}
    for kind, *rest in keys:
        known.setdefault(kind, []).extend(rest[:1])
    found = lead.findings[0] if lead.findings else None
    exchange = sent.get(found.exchange) if found else None
    if "path" in known:
        return f"{known['path'][0]}{NOT_SERVED}"
    if "down" in known and exchange:
        form = known["down"][0]
        ends = "break down" if form.startswith(_STREAMS) else "breaks down"
        return f"{form} {ends}: {answered(exchange)}"
    if "absent" in known:
        return f"{known['absent'][0].strip('/').replace('/', '.')} is missing"
    if "stream" in known:
        return UNREADABLE
    if found and found.kind in ("refused", "crash") and exchange:
        names = dict.fromkeys(known.get("refused", ()))
        about = " and ".join(names) or exchange.request.operation
        if exchange.is_success:
            return f"streams of {exchange.request.operation}{BREAK_DOWN}"
        ends = "breaks down" if found.kind == "crash" else "is refused"
        return f"{about} {ends}: {answered(exchange)}"
    if "parameter" in known:
        names = dict.fromkeys(known["parameter"])
        return f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'}{NOT_OBEYED}"
    return ""
