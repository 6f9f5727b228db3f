"""`/_mock/`: look at what happened, and change what will happen.

GET /_mock/             the page for people
GET /_mock/requests     the journal; ?path=, api=, model=, status=, rule=, text= choose
GET /_mock/requests/N   one exchange, with a curl line
GET /_mock/events       server-sent events: exchanges as they begin and end
GET /_mock/verdict      the verdict on the client: JSON, ?format=text, ?format=junit
GET /_mock/defects      the planted defects with how often each acted, and all there are
PUT /_mock/defects      begin anew with other defects: {"defects": ["rerank_unsorted"]}
GET /_mock/rules        the rules with how often each was used
PUT /_mock/rules        other rules: {"rules": [...]} as in a rules file
GET /_mock/faults       the faults, and all there are
PUT /_mock/faults       other faults: {"faults": ["429=0.2", "cut@3"]}
PUT /_mock/quota        another quota: {"requests": 2, "tokens": 500, "seconds": 60}
POST /_mock/reset       begin anew with what was given at the start
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from aiohttp import web

from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.control.journal import chosen, described, summarised
from aios_conformance.mockserver.defects import plantable
from aios_conformance.mockserver.faults.effects import refusal
from aios_conformance.mockserver.faults.kinds import (
    KINDS,
    FaultError,
    FaultRate,
    parse_rate,
)
from aios_conformance.mockserver.faults.quotas import Quotas, parse_quota
from aios_conformance.mockserver.page import page
from aios_conformance.mockserver.page.curl import curl
from aios_conformance.mockserver.page.events import watched
from aios_conformance.mockserver.scripting.rule_reader import RuleError, parse_rules
from aios_conformance.mockserver.scripting.rules import Rules
from aios_conformance.mockserver.state import MockState
from aios_conformance.serving.admission import read_object
from aios_conformance.serving.bodies import body
from aios_conformance.serving.codec import encode
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.located import Malformed
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.turns import HEAVY, aside

ROOT = "/_mock"
PREFIX = f"{ROOT}/"
_ENDLESS = "events"
_BRIEF = "brief"  # without headers and bodies
_QUERY = frozenset(
    {"path", "api", "model", "status", "rule", "method", "streamed", "text", _BRIEF}
)
_TURN = 50  # exchanges that are told in one piece


def open_to_all(request: web.Request) -> bool:
    """Tell whether a request is for the page, which needs no key: it holds no data."""
    return request.path in (ROOT, PREFIX) and request.method in ("GET", "HEAD")


async def answer(request: web.Request, state: MockState) -> web.StreamResponse:
    """Answer a request below PREFIX."""
    try:
        return await _answer(request, state)
    except ApiError as error:
        return refusal(error.status, error.message, code=error.code)
    except RecursionError:
        return refusal(400, "the body is nested too deeply", code="too_deep")


async def _answer(request: web.Request, state: MockState) -> web.StreamResponse:
    if request.path == ROOT:
        return web.Response(status=308, headers={"Location": PREFIX})
    path = request.path.removeprefix(PREFIX)
    name, _, number = path.partition("/")
    method = request.method
    if method == "HEAD" and name != _ENDLESS:
        method = "GET"
    if number and (method, name) == ("GET", "requests"):
        await state.journal.at_rest()
        return _entry(request, state, number)
    handler = _HANDLERS.get(f"{method} {path}")
    if handler is not None:
        return await handler(request, state)
    return refusal(
        404,
        f"there is no {method} {request.path}; there are "
        f"{', '.join(name for name in _HANDLERS if name != _PAGE)}",
        code="path_not_found",
    )


async def _page(request: web.Request, state: MockState) -> web.Response:
    del request, state
    return page()


async def _reset(request: web.Request, state: MockState) -> web.Response:
    del request
    state.reset()
    return web.Response(status=204)


async def _requests(request: web.Request, state: MockState) -> web.Response:
    await state.journal.at_rest()
    unknown = sorted(request.query.keys() - _QUERY)
    if unknown:
        return refusal(
            400,
            f"cannot choose by {unknown[0]!r}; valid are {', '.join(sorted(_QUERY))}",
            code="unknown_parameter",
        )
    wanted = {name: request.query[name] for name in request.query if name != _BRIEF}
    told = described if request.query.get(_BRIEF, "false") == "false" else summarised
    return web.Response(
        body=_listed(state.journal.copy(), wanted, told),
        content_type="application/json",
    )


async def _listed(
    exchanges: Sequence[Exchange],
    wanted: Mapping[str, str],
    told: Callable[[Exchange], dict[str, Any]],
) -> AsyncIterator[bytes]:
    """Yield the answer in pieces: bodies are many, and large."""
    yield b'{"requests":['
    separator = b""
    for start in range(0, len(exchanges), _TURN):
        some = exchanges[start : start + _TURN]
        found = await aside(True, _told, some, wanted, told)  # noqa: FBT003
        if found:
            yield separator + found
            separator = b","
    yield b"]}"


def _told(
    exchanges: Sequence[Exchange],
    wanted: Mapping[str, str],
    told: Callable[[Exchange], dict[str, Any]],
) -> bytes:
    return b",".join(encode(told(one)) for one in exchanges if chosen(one, wanted))


def _entry(request: web.Request, state: MockState, number: str) -> web.Response:
    for exchange in state.journal:
        if str(exchange.number) == number:
            line = curl(exchange, f"{request.scheme}://{request.host}")
            return _json(described(exchange) | {"curl": line})
    return refusal(
        404,
        f"the journal has no exchange {number[:20]!r} (any more); see --journal",
        code="exchange_not_found",
    )


async def _get_rules(request: web.Request, state: MockState) -> web.Response:
    del request
    rules = state.rules
    used = [
        {
            "name": rule.name,
            "times": rule.times,
            "used": used,
            "off": rule.off,
            "rule": rule.source,
        }
        for rule, used in zip(rules.rules, rules.used, strict=True)
    ]
    return _json({"rules": used})


async def _put_rules(request: web.Request, state: MockState) -> web.Response:
    content = await _content(request, state)
    heavy = (request.content_length or HEAVY) >= HEAVY
    try:
        parsed = await aside(heavy, parse_rules, content)
    except RuleError as error:
        return refusal(400, str(error), code="invalid_rules")
    state.rules = Rules(parsed)
    return await _get_rules(request, state)


async def _put_faults(request: web.Request, state: MockState) -> web.Response:
    content = await _content(request, state)
    try:
        faults = _rates(content.get("faults"))
    except FaultError as error:
        return refusal(422, str(error), code="validation_error")
    state.faults = faults
    return _json(_faults(state))


def _faults(state: MockState) -> dict[str, Any]:
    return {"faults": [f"{one.fault}={one.rate:g}" for one in state.faults]}


async def _get_faults(request: web.Request, state: MockState) -> web.Response:
    del request
    return _json(_faults(state) | {"kinds": KINDS})


async def _get_defects(request: web.Request, state: MockState) -> web.Response:
    del request
    known = await aside(True, plantable, state.plan.dialects)  # noqa: FBT003
    registry = [defect.describe() for defect in known.values()]
    return _json(_planted(state) | {"registry": registry})


async def _put_quota(request: web.Request, state: MockState) -> web.Response:
    try:
        quota = parse_quota(await _content(request, state))
    except Malformed as error:
        return refusal(400, str(error), code="invalid_quota")
    state.quotas = Quotas(quota) if quota else None
    return _json(quota.described())


def _planted(state: MockState) -> dict[str, Any]:
    acts = {name: tally.acts for name, tally in state.tallies.items()}
    return {"planted": list(acts), "acts": acts}


async def _put_defects(request: web.Request, state: MockState) -> web.Response:
    content = await _content(request, state)
    await aside(True, plantable, state.plan.dialects)  # noqa: FBT003 - a second, once
    try:
        state.begin(_names(content.get("defects")))
    except OptionError as error:
        return refusal(422, str(error), code="validation_error")
    return _json(_planted(state))


def _names(value: Any) -> Sequence[str]:
    if not isinstance(value, list):
        raise OptionError('defects must be a list such as ["rerank_unsorted"]')
    return [str(item) for item in value]


def _rates(value: Any) -> Sequence[FaultRate]:
    if not isinstance(value, list):
        raise FaultError('faults must be a list such as ["429=0.2"]')
    return [parse_rate(str(item)) for item in value]


async def _content(request: web.Request, state: MockState) -> dict[str, Any]:
    raw = await body(request)
    return await aside(len(raw) >= HEAVY, read_object, raw, state.plan.limits)


def _json(value: Any) -> web.Response:
    return web.Response(body=encode(value), content_type="application/json")


_PAGE: Final = "GET "
_VERDICTS: Final = "aios_conformance.mockserver.clients.answer"
"""The module that answers with verdicts: its rules are read when one is asked for."""


async def _verdict(request: web.Request, state: MockState) -> web.StreamResponse:
    module = await asyncio.to_thread(import_module, _VERDICTS)
    answered: web.StreamResponse = await module.answer(request, state)
    return answered


_HANDLERS: Final[
    Mapping[str, Callable[[web.Request, MockState], Awaitable[web.StreamResponse]]]
] = {
    _PAGE: _page,
    "GET events": watched,
    "GET requests": _requests,
    "GET verdict": _verdict,
    "GET defects": _get_defects,
    "PUT defects": _put_defects,
    "GET rules": _get_rules,
    "PUT rules": _put_rules,
    "GET faults": _get_faults,
    "PUT faults": _put_faults,
    "PUT quota": _put_quota,
    "POST reset": _reset,
}
