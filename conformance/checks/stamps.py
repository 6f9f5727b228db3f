"""What answers of all APIs say of themselves: their id, their time and their model.

Answers to requests that should have been refused are not looked at: nothing says
what they mean.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Api, Exchange, Facts
from aios_conformance.conformance.terms.tolerances import CLOCK_S
from aios_conformance.conformance.terms.views import AnyAnswer, Record, Stream, is_whole
from aios_conformance.spec import apis, requirement
from aios_conformance.spec import rows as rows_about


def _rows(topic: str) -> Mapping[Api, str]:
    """The row about a topic of each API that has one."""
    rows = map(requirement, rows_about(topic, dialect="aios"))
    found = {row.api: row.id for row in rows}
    return {api: found[api] for api in apis() if api in found}


_ID = _rows("response-id")
_CREATED = _rows("created-time")
# That the model is the one that was asked is no row of rerank's own.
_MODEL: Mapping[Api, str] = {
    api: row for api, row in _rows("response-model").items() if api != "rerank"
}


def _own(rows: Mapping[Api, str], api: Api) -> tuple[str, ...]:
    """The row of an API beside the one of all; () where it has none."""
    return (rows[api],) if api in rows else ()


@check("COMMON-RES-005", "META-115", *_ID.values(), witness=True)
def ids_differ_between_calls(record: Record) -> Iterator[Note]:
    """No two answers carry the same id."""
    for api, row in _ID.items():
        rows = ("COMMON-RES-005", "META-115", row)
        owners: dict[str, Exchange] = {}
        for exchange in record.answers(api):
            name = _first_body(exchange).get("id")
            if not isinstance(name, str):
                continue
            if owners:
                yield Witness(rows)
            if name in owners:
                yield Finding(
                    expected=f"an id other than that of {owners[name].id}",
                    actual=name,
                    pointer="/id",
                    exchange=exchange.id,
                    ids=rows,
                )
            owners.setdefault(name, exchange)


@check("COMMON-RES-006", "META-116", *_CREATED.values(), witness=True)
def created_is_the_time_of_the_call(answer: AnyAnswer) -> Iterator[Note]:
    """`created` lies between sending and receiving, give or take clock skew."""
    exchange = answer.exchange
    created = _created(exchange)
    if exchange.expect != "accept" or created is None:
        return
    rows = ("COMMON-RES-006", "META-116", *_own(_CREATED, exchange.api))
    yield Witness(rows)
    earliest = exchange.sent_at - CLOCK_S
    latest = exchange.sent_at + exchange.total_s + CLOCK_S
    if not any(earliest <= created - off <= latest for off in (0, exchange.clock_s)):
        yield Finding(
            expected=f"Unix seconds from {earliest:.0f} to {latest:.0f}",
            actual=created,
            pointer="/created",
            soft=True,
            ids=rows,
        )


@check("META-116", witness=True)
def created_never_goes_back(record: Record) -> Iterator[Note]:
    """Of two calls one after the other, the later has no earlier `created`."""
    stamped = [
        (exchange, created)
        for exchange in record.exchanges
        if exchange.api in _CREATED and (created := _created(exchange)) is not None
        if abs(exchange.clock_s) < 1  # else a clock was set, ours or that of both
    ]
    starts = sorted(stamped, key=lambda pair: pair[0].sent_at)
    ends = sorted(stamped, key=lambda pair: _end(pair[0]))
    latest: tuple[Exchange, int] | None = None  # of the calls that had ended by then
    ended = 0
    for exchange, created in starts:
        while ended < len(ends) and _end(ends[ended][0]) <= exchange.sent_at:
            if latest is None or ends[ended][1] > latest[1]:
                latest = ends[ended]
            ended += 1
        if latest is None:
            continue
        yield Witness(("META-116",))
        if created < latest[1]:
            yield Finding(
                expected=f"at least {latest[1]}, as in {latest[0].id} before it",
                actual=created,
                pointer="/created",
                exchange=exchange.id,
            )


@check("COMMON-RES-007", *_MODEL.values(), witness=True)
def a_model_is_named(answer: AnyAnswer) -> Iterator[Note]:
    """The answer, and each chunk of a stream, names a model; which name is reported.

    An API's own row asks softly for the name that was sent.
    """
    own = _own(_MODEL, answer.exchange.api)
    for wanted, name, pointer in _names(answer):
        told = "echoed" if name == wanted else "own name"
        yield FollowedReading(told, ids=("COMMON-RES-007", *own))
        yield Witness(("COMMON-RES-007", *own))
        if own and name != wanted:
            yield Finding(wanted, name, pointer, soft=True, ids=own)


@check("COMMON-RES-008", witness=True)
def model_is_the_one_that_was_asked_for(answer: AnyAnswer) -> Iterator[Note]:
    """The answer, and each chunk of a stream, names the model that was asked for."""
    for wanted, name, pointer in _names(answer):
        yield Witness(("COMMON-RES-008",))
        if name != wanted:
            yield Finding(wanted, name, pointer)


def _names(answer: AnyAnswer) -> Iterator[tuple[str, str, str]]:
    """The model that was asked for, and each that is named in its place, and where."""
    exchange, wanted = answer.exchange, answer.sent.get("model")
    if exchange.expect != "accept" or not isinstance(wanted, str):
        return
    named = [(i, body.get("model")) for i, body in enumerate(_bodies(exchange))]
    for name, group in groupby(named, key=lambda pair: pair[1]):
        if isinstance(name, str):
            place = f"/chunks/{next(group)[0]}" if exchange.is_stream else ""
            yield wanted, name, f"{place}/model"


def _bodies(exchange: Exchange) -> list[Mapping[str, Any]]:
    """The answer's object, or the chunks of a stream."""
    if not exchange.is_success or exchange.response is None:
        return []
    if exchange.is_stream:
        return Stream(exchange, Facts()).chunks
    body = exchange.response.json
    return [body] if isinstance(body, dict) else []


def _first_body(exchange: Exchange) -> Mapping[str, Any]:
    return next(iter(_bodies(exchange)), {})


def _created(exchange: Exchange) -> int | None:
    """The whole number in `created`, if there is one."""
    created = _first_body(exchange).get("created")
    if isinstance(created, int | float) and is_whole(created):
        return int(created)
    return None


def _end(exchange: Exchange) -> float:
    return exchange.sent_at + exchange.total_s
