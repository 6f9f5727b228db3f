"""`/_mock/`: look at what happened, and change what will happen.

GET /_mock/requests     the journal; ?path=, api=, model=, status=, rule= choose
GET /_mock/defects      the planted defects with how often each acted, and all there are
PUT /_mock/defects      begin anew with other defects: {"defects": ["rerank_unsorted"]}
GET /_mock/rules        the rules with how often each was used
PUT /_mock/rules        other rules: {"rules": [...]} as in a rules file
PUT /_mock/faults       other faults: {"faults": ["429=0.2", "cut@3"]}
POST /_mock/reset       begin anew with what was given at the start
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from aios_conformance.mockserver.defects import plantable
from aios_conformance.mockserver.fault_effects import refusal
from aios_conformance.mockserver.faults import FaultError, FaultRate, parse_rate
from aios_conformance.mockserver.journal import chosen, described
from aios_conformance.mockserver.rules import RuleError, Rules, parse_rules
from aios_conformance.mockserver.state import MockState
from aios_conformance.serving.bodies import body
from aios_conformance.serving.codec import decode, encode
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.options import OptionError
from aios_conformance.serving.turns import aside

PREFIX = "/_mock/"
_MANY = 64  # rules that are not read in passing
_QUERY = frozenset({"path", "api", "model", "status", "rule", "method", "streamed"})


async def answer(request: web.Request, state: MockState) -> web.Response:
    """Answer a request below PREFIX."""
    try:
        return await _answer(request, state)
    except ApiError as error:
        return refusal(error.status, error.message, code=error.code)
    except RecursionError:
        return refusal(400, "the body is nested too deeply", code="too_deep")


async def _answer(request: web.Request, state: MockState) -> web.Response:
    method, path = request.method, request.path.removeprefix(PREFIX)
    match method, path:
        case "GET", "requests":
            await state.journal.at_rest()
            return _requests(request, state)
        case "GET", "defects":
            return _json(_planted(state) | {"registry": _registry(state)})
        case "PUT", "defects":
            return await _put_defects(request, state)
        case "GET", "rules":
            return _json({"rules": _usage(state)})
        case "PUT", "rules":
            return await _put_rules(request, state)
        case "PUT", "faults":
            return await _put_faults(request, state)
        case "POST", "reset":
            state.reset()
            return web.Response(status=204)
    return refusal(
        404,
        f"there is no {method} {PREFIX}{path}; there are GET requests, "
        "GET and PUT defects, GET and PUT rules, PUT faults, POST reset",
        code="path_not_found",
    )


def _requests(request: web.Request, state: MockState) -> web.Response:
    unknown = sorted(request.query.keys() - _QUERY)
    if unknown:
        return refusal(
            400,
            f"cannot choose by {unknown[0]!r}; valid are {', '.join(sorted(_QUERY))}",
            code="unknown_parameter",
        )
    found = [
        described(exchange)
        for exchange in state.journal
        if chosen(exchange, request.query)
    ]
    return _json({"requests": found})


def _usage(state: MockState) -> list[dict[str, Any]]:
    rules = state.rules
    return [
        {"name": rule.name, "times": rule.times, "used": used}
        for rule, used in zip(rules.rules, rules.used, strict=True)
    ]


async def _put_rules(request: web.Request, state: MockState) -> web.Response:
    content = await _content(request, state)
    try:
        rules = content.get("rules")
        heavy = isinstance(rules, list) and len(rules) > _MANY
        state.rules = Rules(await aside(heavy, parse_rules, rules, "the body"))
    except RuleError as error:
        return refusal(422, str(error), code="validation_error")
    return _json({"rules": _usage(state)})


async def _put_faults(request: web.Request, state: MockState) -> web.Response:
    content = await _content(request, state)
    try:
        faults = _rates(content.get("faults"))
    except FaultError as error:
        return refusal(422, str(error), code="validation_error")
    state.faults = faults
    return _json({"faults": [f"{one.fault}={one.rate}" for one in faults]})


def _planted(state: MockState) -> dict[str, Any]:
    acts = {name: tally.acts for name, tally in state.tallies.items()}
    return {"planted": list(acts), "acts": acts}


def _registry(state: MockState) -> list[dict[str, Any]]:
    return [defect.describe() for defect in plantable(state.plan.dialects).values()]


async def _put_defects(request: web.Request, state: MockState) -> web.Response:
    content = await _content(request, state)
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
    state.plan.limits.parsed(raw)
    try:
        content = decode(raw)
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    state.plan.limits.held(raw, content)
    return content


def _json(value: Any) -> web.Response:
    return web.Response(body=encode(value), content_type="application/json")
