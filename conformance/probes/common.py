"""What all five APIs promise: transport, errors, and members that answers share."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any

import orjson

from aios_conformance.conformance.probes.bodies import OPERATION, REQUIRED, valid
from aios_conformance.conformance.terms.content import difference
from aios_conformance.conformance.terms.cost import UNLIMITED_CHAT
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Params,
    Probe,
    Served,
    Step,
    table,
)
from aios_conformance.spec import apis

APIS = apis()
# A breach of a bound on which both documents agree, for each API with one.
_NOT_ABOVE = "/truncate_prompt_tokens is not above 0"
BEYOND: dict[Api, tuple[str, Any, str]] = dict(
    zip(
        APIS,
        (
            ("truncate_prompt_tokens", 0, _NOT_ABOVE),
            ("truncate_prompt_tokens", -1, _NOT_ABOVE),
            ("frequency_penalty", 2.1, "/frequency_penalty is above 2"),
            ("presence_penalty", -2.1, "/presence_penalty is below -2"),
            ("truncate_prompt_tokens", 0, _NOT_ABOVE),
        ),
        strict=False,
    )
)
# JSON that is no object, and who is sent it; all that are asked, if none of those is.
_SENT = dict(zip(APIS, cycle(("[]", '"text"', "null", '"text"', "[]")), strict=False))
OTHER_JSON = {
    raw: tuple(api for api in APIS if _SENT[api] == raw) for raw in _SENT.values()
}
_LIMIT = "max_completion_tokens"
_UNSET = (_LIMIT, "seed", "tools", "top_logprobs")
# Fields whose printed default is null (COMMON-REQ-013) and None (COMMON-REQ-014).
NULL_DEFAULTS = {
    name: tuple(
        field for field, node in api.members.items() if node.get("default", 0) is None
    )
    for name, api in APIS.items()
}
UNSET_DEFAULTS = {
    name: tuple(field for field in _UNSET if field in api.members)
    for name, api in APIS.items()
}
# Where Accept names application/json: in the tables of 000 for embeddings alone.
NAMED_JSON: tuple[Api, ...] = ("embeddings",)
# One API of each kind of body: texts in lists, in objects, and alone.
SPELT: tuple[Api, ...] = ("rerank", "chat", "embeddings")
# What is asked without an Accept header; of score, as many clients do, with a charset.
UNASKED_MEDIA: tuple[Api, ...] = ("rerank", "chat", "embeddings")
BROWSERS = "application/json, text/plain, */*"
UNKNOWN_MODEL = "no-such-model/7d1f"


def _valid(api: Api, served: Served) -> Step:
    return Step("valid", OPERATION[api], valid(api, served), shared=True)


def _greedy(api: Api, served: Served) -> dict[str, Any]:
    """The smallest valid body, of which two answers can be compared."""
    heat = {"temperature": 0} if APIS[api].generates else {}
    return valid(api, served) | heat


def _transport(api: Api) -> list[Probe]:
    operation = OPERATION[api]

    @table(f"common.get.{api}", api, [None])
    def other_method(_: Params, served: Served) -> Iterator[Step]:
        yield _valid(api, served)
        yield Step(
            "get",
            operation.replace("POST", "GET"),
            expect="refuse",
            serves=("COMMON-REQ-003",),
            breaks="only POST is documented on this path",
            codes=(404, 405, 501),
            off_schema="the method itself is undocumented",
        )

    @table(f"common.headers.{api}", api, [None])
    def accept_header(_: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served)
        rows = ("COMMON-REQ-005",)
        if api in NAMED_JSON:
            named = {"Accept": "application/json"}
            own = ("EMB-REQ-003",) if api == "embeddings" else ()
            yield Step("with", operation, body, serves=(*rows, *own), headers=named)
        else:  # the header of all our requests, which takes any media type
            yield Step("with", operation, body, shared=True)
        if api in served.among(*UNASKED_MEDIA):
            # of chat it is asked as browsers do, by several media types
            other = {"Accept": BROWSERS if api == "chat" else None}
            yield Step("without", operation, body, serves=rows, headers=other)
        if api in served.among("score"):
            media = {"Content-Type": "application/json; charset=utf-8"}
            yield Step("charset", operation, body, "either", headers=media)

    @table(f"common.body.{api}", api, OTHER_JSON)
    def not_an_object(raw: Params, served: Served) -> Iterator[Step]:
        if api not in served.among(*OTHER_JSON[raw]):
            return
        yield _valid(api, served)
        yield Step(
            "mutant",
            operation,
            raw=raw.encode(),
            expect="refuse",
            serves=("COMMON-REQ-006",),
            breaks="the body is not a JSON object",
            shared=True,
        )

    return [other_method, accept_header, not_an_object]


TICKED = ("META-120", "COMMON-REQ-011")
"""What a field that is required promises."""


def _errors(api: Api) -> list[Probe]:
    operation = OPERATION[api]

    @table(f"common.not_json.{api}", api, [None])
    def not_json(_: Params, served: Served) -> Iterator[Step]:
        yield _valid(api, served)
        yield Step(
            "mutant",
            operation,
            raw=orjson.dumps(valid(api, served))[:-1],
            expect="refuse",
            serves=(APIS[api].row("ERR-001"),),
            breaks="the body is cut-off JSON",
            shared=True,
        )

    @table(f"common.ticked.{api}", api, REQUIRED[api])
    def without_a_required_field(field: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served)
        rows = (*TICKED, APIS[api].row("ERR-002"))
        yield _valid(api, served)
        yield Step(
            "mutant",
            operation,
            {name: value for name, value in body.items() if name != field},
            expect="refuse",
            # the printed kind of validation error is the field that the API is about
            serves=rows if field == REQUIRED[api][-1] else rows[:2],
            breaks=f"/{field} is missing",
            shared=True,
        )

    @table(f"common.model.{api}", api, [None])
    def unknown_model(_: Params, served: Served) -> Iterator[Step]:
        yield _valid(api, served)
        yield Step(
            "mutant",
            operation,
            valid(api, served) | {"model": UNKNOWN_MODEL},
            expect="refuse",
            serves=("COMMON-ERR-008",),
            breaks="no such model is served",
            codes=(400, 404, 422),
            off_schema="the name is well-formed, but not served",
            shared=True,
        )

    return [
        not_json,
        without_a_required_field,
        *([_bounds(api)] if api in BEYOND else []),
        unknown_model,
    ]


def _bounds(api: Api) -> Probe:
    @table(f"common.bounds.{api}", api, [BEYOND[api]])
    def beyond_a_bound(row: Params, served: Served) -> Iterator[Step]:
        field, value, breaks = row
        yield _valid(api, served)
        yield Step(
            "mutant",
            OPERATION[api],
            valid(api, served) | {field: value},
            expect="refuse",
            serves=("COMMON-ERR-007",),
            breaks=breaks,
            shared=True,
        )

    return beyond_a_bound


def _after_error(api: Api) -> Probe:
    operation = OPERATION[api]

    @table(f"common.after_error.{api}", api, [None])
    def after_an_error(_: Params, served: Served) -> Iterator[Step]:
        body = _greedy(api, served)
        # chat meets what has just been refused: no cache is to hold that
        is_again = api == "chat"
        whole = valid(api, served) if is_again else body
        nameless = {name: value for name, value in whole.items() if name != "model"}

        def settling(answers: Answers) -> Json:
            before, after = answers["before"], answers["after"]
            if not after.is_answer or difference(before, after) is None:
                return None
            return body

        # One request, sent first of all. Where the scenario is sent again they are two:
        # what earlier refusals have left behind is not to be seen in the second.
        yield Step("opening", operation, body, shared=True, alone=True)
        yield Step("before", operation, body, shared=True)
        yield from _refusals(api, served, {} if is_again else nameless)
        yield Step(
            "nameless",
            operation,
            nameless,
            expect="refuse",
            serves=TICKED if is_again else (),
            breaks="/model is missing",
            shared=not is_again,
        )
        yield Step("after", operation, body, serves=("META-119",))
        # what the target says to the same request with no refusal before it
        yield Step("settled", operation, settling, like="before", spare=True)

    return after_an_error


def _refusals(api: Api, served: Served, but: Json) -> Iterator[Step]:
    """What other probes of the API have refused, apart from one body.

    As they are shared, and these are sent first, they cost no request.
    """
    number = 0
    for probe in (*_transport(api), *_errors(api)):
        for row in probe.rows:
            for step in probe.build(row, served):
                if step.expect == "refuse" and step.shared and step.body != but:
                    number += 1
                    yield replace(step, label=f"refused_{number}", serves=())


def _crossed(api: Api) -> Probe:
    operation = OPERATION[api]

    @table(f"common.crossed.{api}", api, [None])
    def required_fields_only(_: Params, served: Served) -> Iterator[Step]:
        rows = ("COMMON-REQ-012", "META-120")
        body = valid(api, served)
        bare = {k: v for k, v in body.items() if k != "max_tokens"}
        if api != "chat":
            yield Step("minimal", operation, bare, serves=rows, shared=True)
            return
        # a chat has no end by default: its limit is left out if it is refused
        yield Step("minimal", operation, body, serves=rows, shared=True)

        def unlimited(answers: Answers) -> Json:
            return bare if answers["minimal"].status >= 400 else None

        yield Step(
            "bare",
            operation,
            unlimited,
            spare=True,
            narrows=True,
            completion_tokens=UNLIMITED_CHAT,
        )

    return required_fields_only


def _spelling(api: Api) -> Probe:
    operation = OPERATION[api]

    @table(f"common.spelling.{api}", api, [None])
    def spelt_otherwise(_: Params, served: Served) -> Iterator[Step]:
        body = _greedy(api, served)
        if api == "rerank":  # whose answers tell what was read
            body |= {"documents": [*body["documents"], "🦀"]}
        yield Step("plain", operation, body, shared=True)
        yield Step("respelt", operation, raw=_respelt(body), serves=("META-118",))

    return spelt_otherwise


def _extra(api: Api) -> Probe:
    @table(f"common.extra.{api}", api, [None])
    def unknown_member(_: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served) | {"x_unlisted": {"a": 1}}
        # as clients ask who take any coding; all other requests ask for none
        coded = {"Accept-Encoding": "gzip, deflate"}
        yield Step("extra", OPERATION[api], body, expect="either", headers=coded)

    return unknown_member


def _nulls(api: Api) -> Probe:
    @table(f"common.nulls.{api}", api, [None])
    def nulls(_: Params, served: Served) -> Iterator[Step]:
        body = _greedy(api, served)
        null: dict[str, None] = dict.fromkeys(NULL_DEFAULTS[api])
        unset: dict[str, Json] = dict.fromkeys(UNSET_DEFAULTS[api])
        if api != "chat":  # of two limits the other one is unset
            unset |= {"max_tokens": None, _LIMIT: body["max_tokens"]}
        operation = OPERATION[api]
        yield Step("omitted", operation, body, shared=True)
        yield Step(
            "null", operation, body | null, serves=("COMMON-REQ-013", "META-117")
        )
        # what is asked besides is not to be lost by a null
        asked = (
            {"logprobs": True} if api == "chat" and served.offers("logprobs") else {}
        )
        unset_body = body | asked | unset
        yield Step("unset", operation, unset_body, serves=("COMMON-REQ-014",))

    return nulls


def _respelt(body: dict[str, Any]) -> bytes:
    """The same JSON: members reversed, white space added, characters escaped."""
    spaced = json.dumps(dict(reversed(body.items())), indent=2).replace(": ", " :\t")
    for plain, escaped in (
        ("The ", r"\u0054he "),
        ("Name", r"\u004eame"),
        ("is the", r"is \u0074he"),
    ):
        spaced = spaced.replace(plain, escaped)
    return f"\n{spaced}\r\n".encode()


PROBES: tuple[Probe, ...] = (
    *(each for api in APIS for each in _transport(api)),
    *(each for api in APIS for each in _errors(api)),
    *(_crossed(api) for api in APIS),
    *(_after_error(api) for api in APIS),
    *(_spelling(api) for api in SPELT),
    _extra("chat"),
    *(_nulls(api) for api in APIS if APIS[api].generates),
)
