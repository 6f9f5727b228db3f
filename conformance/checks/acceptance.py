"""Acceptance and refusal themselves: each step judged by what it expects.

One check serves every row that some step names in `serves`: it judges acceptance, so
its ids are not declared but named by its notes; another one crashes. The judge holds
such a row to all the steps that name it: a row is exercised when every one of its
exchanges was witnessed, and stays inconclusive while one is missing (a neighbour
refused, an answer that never came).

Attribution: a finding goes to the most specific row.
    accept, not 2xx          those of members that the target refuses alone, and accepts
                             in no request of the run; else the step's rows; else those
                             of the one member without which the same scenario saw the
                             body accepted; else COMMON-RES-001
    accept, 4xx              no rows, if the same scenario saw the same request with
                             fewer members, or fewer items of a list, refused as well:
                             that step has the finding
    accept, 4xx or 5xx       of a row of a covering array: the members that caused it,
                             as sending it again with fewer of them has shown
    accept, 404 or 405       the rows of the path itself, unless the same path answered
                             another step of the scenario with success
    accept, 2xx but not 200  COMMON-RES-001
    refuse, 2xx              the step's rows, kind "silent"
    refuse or either, 200    COMMON-ERR-001, if it is a stream that says an error, or
                             nothing, and no choice: a refusal told as a success
    refuse, other 4xx        COMMON-ERR-001, where 400 and 422 are the documented
                             answers (soft where the refusal itself is a SHOULD); for a
                             wrong method or an unknown model the documents name no
                             code, so that any 4xx is right (A-005)
    refuse or either, 5xx    COMMON-ERR-004 and the API's ERR-003, kind "crash" (in a
                             dialect from elsewhere the step's rows);
                             the refusal itself is then neither kept nor broken
A success that breaks off or that cannot be read (a page in HTML) is judged as such
elsewhere and proves no row here.
"""

from collections.abc import Collection, Iterator, Mapping

from aios_conformance.conformance.checks.narrowed import charged, is_narrowed
from aios_conformance.conformance.probes.member_rows import rows_in, rows_of
from aios_conformance.conformance.probes.pairs import LIMITS, SMALLEST, was_refused
from aios_conformance.conformance.terms.check import (
    Finding,
    Kind,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import (
    Exchange,
    Facts,
    Json,
    Observation,
)
from aios_conformance.conformance.terms.members import members_of
from aios_conformance.conformance.terms.views import Stream
from aios_conformance.spec import DIALECTS, Level, apis, openapi, requirement

DOCUMENTED = (400, 422)
_PRINTED = ("printed-request", "context-row-request")  # topics
_ERR_003 = {name: api.row("ERR-003") for name, api in apis().items()}


@check(witness=True, names=("COMMON-RES-001", "COMMON-ERR-001"), judges="acceptance")
def each_step_ends_as_it_should(seen: Observation) -> Iterator[Note]:
    """Valid requests are accepted; requests that break exactly one rule are refused."""
    has_valid_neighbour = any(
        e.expect == "accept" and e.is_answer for e in seen.steps.values()
    )
    narrowed = is_narrowed(seen)
    if narrowed:
        yield from charged(seen)
    for exchange in seen.steps.values():
        if exchange.response is None:
            continue
        if narrowed and was_refused(exchange) and exchange.label != SMALLEST:
            continue
        if exchange.expect == "accept" and not _is_explained(exchange, seen):
            rows = _missing_path(exchange, seen) or _always(exchange, seen)
            rows = rows or _limits(exchange, seen) or exchange.serves
            rows = rows or _added(exchange, seen)
            yield from _accepted(exchange, rows)
        elif exchange.expect != "accept" and _is_told_as_success(exchange, seen.facts):
            yield from _disguised(exchange)
        elif exchange.expect == "refuse" and not _missing_path(exchange, seen):
            yield from _refused(exchange, has_valid_neighbour=has_valid_neighbour)
        if exchange.expect != "accept" and seen.facts.dialect not in DIALECTS:
            # no row on crashes is known, but one on the mistake
            yield from _crashed(exchange, exchange.serves)


@check("COMMON-ERR-004", *_ERR_003.values(), witness=True, judges="acceptance")
def no_mistake_breaks_the_server(seen: Observation) -> Iterator[Note]:
    """What is to be refused, or may be, is not answered with a server error."""
    narrowed = is_narrowed(seen)
    for exchange in seen.steps.values():
        if exchange.response is None or exchange.expect == "accept":
            continue
        if narrowed and was_refused(exchange) and exchange.label != SMALLEST:
            continue
        row = _ERR_003.get(exchange.api)
        yield from _crashed(exchange, ("COMMON-ERR-004", *([row] if row else ())))


def _is_explained(exchange: Exchange, seen: Observation) -> bool:
    """A request of which a part was not taken either says nothing of what it adds."""
    body = exchange.request.json
    if not (exchange.status >= 400 and isinstance(body, dict)):
        return False
    return any(
        other.status // 100 == exchange.status // 100
        and other.expect == "accept"
        and other.request.operation == exchange.request.operation
        and isinstance(other.request.json, dict)
        and _is_part(other.request.json, body)
        for other in seen.steps.values()
    )


def _is_part(one: Mapping[str, Json], body: Mapping[str, Json]) -> bool:
    """It has fewer members, or but a stretch of a list, and nothing else differs."""
    return one != body and all(
        name in body and (value == body[name] or _is_stretch(value, body[name]))
        for name, value in one.items()
    )


def _is_stretch(value: Json, whole: Json) -> bool:
    return (
        isinstance(value, list)
        and isinstance(whole, list)
        and any(
            whole[start : start + len(value)] == value
            for start in range(len(whole) - len(value) + 1)
        )
    )


def _always(exchange: Exchange, seen: Observation) -> tuple[str, ...]:
    """The rows of members of a body that the target refuses alone and everywhere.

    With those of the step that are about the body as a whole, as it is printed.
    """
    if exchange.status < 400:
        return ()
    blamed = (seen.always_refused.get(member, ()) for member in members_of(exchange))
    rows = tuple(row for each in blamed for row in each)
    whole = (row for row in exchange.serves if requirement(row).topic in _PRINTED)
    return (*rows, *whole) if rows else ()


def _limits(exchange: Exchange, seen: Observation) -> tuple[str, ...]:
    """The rows of a limit that we added, if the body is accepted without it."""
    body = exchange.request.json
    if exchange.status < 400 or not isinstance(body, dict):
        return ()
    bare = {name: value for name, value in body.items() if name not in LIMITS}
    if bare == body or all(
        not e.is_answer or e.request.json != bare for e in seen.steps.values()
    ):
        return ()
    added = LIMITS & body.keys()
    return tuple(r for name in added for r in rows_of(exchange.api, name, body[name]))


def _added(exchange: Exchange, seen: Observation) -> tuple[str, ...]:
    """The rows of the one member without which the same body is accepted."""
    body = exchange.request.json
    if exchange.status < 400 or not isinstance(body, dict):
        return ()
    for name, value in body.items():
        bare = {other: body[other] for other in body if other != name}
        if any(
            e.is_answer
            and e.request.json == bare
            and e.request.operation == exchange.request.operation
            for e in seen.steps.values()
        ):
            return rows_in(seen.facts.dialect, exchange.api, name, value)
    return ()


def _missing_path(exchange: Exchange, seen: Observation) -> tuple[str, ...]:
    """The rows of a path that seems not to be served; () if it is."""
    operation = exchange.request.operation
    is_served = exchange.status not in (404, 405) or any(
        e.is_success and e.request.operation == operation for e in seen.steps.values()
    )
    method, _, path = operation.partition(" ")
    item = openapi(seen.facts.dialect)["paths"].get(path, {})
    rows = item.get(method.lower(), {}).get("x-requirements", ())
    # what all paths share has checks of its own
    return () if is_served else tuple(r for r in rows if not r.startswith("COMMON-"))


def _accepted(exchange: Exchange, rows: tuple[str, ...]) -> Iterator[Note]:
    status = exchange.status
    if exchange.is_answer or not 200 <= status < 300:
        yield Witness((*rows, "COMMON-RES-001"))
    if not 200 <= status < 300:
        yield Finding(
            expected="200: the request is valid",
            actual=_answer(exchange),
            kind=_kind(status),
            step=exchange.label,
            ids=rows or ("COMMON-RES-001",),
        )
    elif status != 200:
        yield Finding(
            expected="200",
            actual=status,
            step=exchange.label,
            ids=("COMMON-RES-001",),
        )


def _spelled(codes: Collection[int]) -> str:
    """The codes as a reader says them: all client errors are 4xx."""
    if {*range(400, 500)} <= {*codes}:
        return "4xx"
    return " or ".join(str(code) for code in codes)


def _refused(exchange: Exchange, *, has_valid_neighbour: bool) -> Iterator[Note]:
    status = exchange.status
    rows = exchange.serves
    if not has_valid_neighbour:
        return
    codes = _spelled(exchange.codes)
    if 200 <= status < 300:
        yield Witness(rows)
        yield Finding(
            expected=f"{codes}: {exchange.breaks}",
            actual=_answer(exchange),
            kind="silent",
            step=exchange.label,
            ids=rows,
        )
    elif status < 500 or status in exchange.codes:
        yield Witness(rows)
        if exchange.codes != DOCUMENTED:
            return
        yield Witness(("COMMON-ERR-001",))
        if status not in exchange.codes:
            yield Finding(
                expected=f"{codes}: {exchange.breaks}",
                actual=_answer(exchange),
                step=exchange.label,
                soft=_is_soft(rows),
                ids=("COMMON-ERR-001",),
            )


def _is_told_as_success(exchange: Exchange, facts: Facts) -> bool:
    """A stream that tells an error and no choice: the request is refused, with 200."""
    stream = Stream.of(exchange, facts) if 400 in exchange.codes else None
    if stream is None or any(chunk.get("choices") for chunk in stream.chunks):
        return False
    # what is to be refused is no more answered by a stream of nothing
    return exchange.expect == "refuse" or any(stream.errors())


def _disguised(exchange: Exchange) -> Iterator[Note]:
    yield Finding(
        expected=f"{_spelled(exchange.codes)}: {exchange.breaks or 'it is refused'}",
        actual=_answer(exchange),
        step=exchange.label,
        soft=_is_soft(exchange.serves),
        ids=("COMMON-ERR-001",),
    )


def _crashed(exchange: Exchange, rows: tuple[str, ...]) -> Iterator[Note]:
    if exchange.is_answer or exchange.status >= 400:
        yield Witness(rows)
    if exchange.status >= 500 and exchange.status not in exchange.codes:
        sent = exchange.breaks or "whatever the client sent"
        yield Finding(
            expected=f"an answer below 500: {sent}",
            actual=_answer(exchange),
            kind="crash",
            step=exchange.label,
            ids=rows,
        )


def _is_soft(rows: tuple[str, ...]) -> bool:
    """That the request is refused at all is no more than a SHOULD."""
    return bool(rows) and all(requirement(r).level == Level.SHOULD for r in rows)


def _kind(status: int) -> Kind:
    return "crash" if status >= 500 else "refused" if status else "malformed"


def _answer(exchange: Exchange) -> str:
    response = exchange.response
    if response is None:
        return "no answer"
    body = response.body[:200].decode(errors="replace")
    return f"{exchange.status or response.broken} {body}".strip()
