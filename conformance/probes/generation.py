"""Parameters of chat and completions, one field at a time.

The tables are the same for both APIs; the requirement numbers differ. Forms that a
relation sends anyway (conformance.probes.decoding) are accepted there, not here.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.probes.bodies import OPERATION, valid
from aios_conformance.conformance.probes.single_field import (
    breaks,
    costing,
    instead_of,
    refused,
)
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table

WORD = "word"
OBJECT = {"a": 1}
COMMON_LETTERS = ["e", " ", "a", "."]
"""Stop strings that hardly any text avoids: they end an answer after a few tokens."""

SHORT = 32
"""A ceiling for answers that nothing but COMMON_LETTERS ends, in tokens."""


def _refused_rows(api: Api) -> list[Params]:
    row = partial(spec.row, api)
    rows = [
        breaks("/temperature is below 0", row("temperature-range"), temperature=-0.1),
        breaks("/temperature is a word", row("temperature-type"), temperature=WORD),
        breaks("/temperature is above 1", row("temperature-above-1"), temperature=1.5),
        breaks("/model is no string", row("model-required"), model=OBJECT),
        breaks("/top_p is a word", row("top-p-type"), top_p=WORD),
        breaks("/top_p is above 1", row("top-p-range"), top_p=1.1),
        breaks("/top_p is below 0", row("top-p-range"), top_p=-0.1),
        breaks("/logit_bias is a string", row("logit-bias-type"), logit_bias=WORD),
        breaks(
            "/logit_bias/9 is above 100", row("logit-bias-range"), logit_bias={"9": 101}
        ),
        {"base": {"seed": 42}, "base_serves": [row("seed-type")]}
        | breaks("/seed is a word", row("seed-type"), seed=WORD),
        breaks("/stop is an object", row("stop-type"), stop=OBJECT),
        breaks("/stream is an object", row("stream-type"), stream=OBJECT),
        # a word is read by some as true, whatever it says
        *(
            [breaks("/stream is a word", row("stream-type"), stream=WORD)]
            if api == "chat"
            else ()
        ),
        breaks("/n is below 1", row("n-range"), n=0),
        breaks("/n is fractional", row("n-type"), n=2.5),
    ]
    for name in ("frequency", "presence"):
        field, bounds = f"{name}_penalty", row(f"{name}-penalty-range")
        rows += [
            breaks(f"/{field} is a word", row(f"{name}-penalty-type"), **{field: WORD}),
            breaks(f"/{field} is above 2", bounds, **{field: 2.1}),
            breaks(f"/{field} is below -2", bounds, **{field: -2.1}),
        ]
    return rows + _wrong_limits(api)


def _wrong_limits(api: Api) -> list[Params]:
    """Limits that are none; stop strings end what a lax server generates."""
    row = partial(spec.row, api)
    new, old = "max_completion_tokens", "max_tokens"
    wrong: list[tuple[str, Any, str, str]] = [
        (new, 2.5, "is fractional", row("max-completion-tokens-type")),
        (new, -1, "is below 0", row("max-completion-tokens-range")),
        (old, -1, "is below 0", row("max-tokens-range")),
        (old, OBJECT, "is an object", row("max-tokens-type")),
    ]
    rows = []
    for field, value, rule, serves in wrong:
        change = {field: value, "stop": COMMON_LETTERS}
        mutant = costing(SHORT, breaks(f"/{field} {rule}", serves, **change))
        rows.append(mutant if field == old else instead_of(old, mutant))
    return rows


def shared_probes(api: Api) -> list[Probe]:
    """Probes of the parameters that chat and completions have in common."""
    row = partial(spec.row, api)
    both = [
        refused(f"{api}.refused", api, *_refused_rows(api)),
        _bias_keys(api),
    ]
    if api == "chat":  # what completions would say is the same
        top_p = case(row("top-p-range"), "0", top_p=0)
        both.append(undecided_cases(f"{api}.undecided.fields", api, top_p))
        both += [_huge_limit(api, is_streamed=streamed) for streamed in (False, True)]
    return both


def case(row: str, what: str, **change: Any) -> Params:
    """Something on which the documents are silent; a field that is None is left out.

    `what` begins the reading of it, "… is accepted"; "": another check reads it.
    """
    return {"row": row, "what": what, "change": change}


def undecided_cases(
    name: str, api: Api, *cases: Params, needs: tuple[str, ...] = ()
) -> Probe:
    """One request per case: accepting and refusing are both right."""

    @table(name, api, cases, needs=needs)
    def build(p: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served) | p["change"]
        ceiling = None if body["max_tokens"] else SHORT
        sent = {name: value for name, value in body.items() if value is not None}
        yield Step("variant", OPERATION[api], sent, "either", completion_tokens=ceiling)

    return build


def _bias_keys(api: Api) -> Probe:
    """A key that is no token id: its refusal is the soft clause of A-104."""

    @table(f"{api}.bias_key", api, [None])
    def bias_key(_: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served)
        yield Step("valid", OPERATION[api], body, shared=True)
        yield Step("key", OPERATION[api], body | {"logit_bias": {WORD: 1}}, "either")

    return bias_key


def _huge_limit(api: Api, *, is_streamed: bool) -> Probe:
    """A limit beyond any model, and beyond 31 bits with its prompt, or 63 (A-083)."""
    most = 2**31 - 1 if is_streamed else 2**63
    name = f"{api}.huge_limit.streamed" if is_streamed else f"{api}.huge_limit"
    needs = ("streaming",) if is_streamed else ()

    @table(name, api, [most], smoke_rows=int(is_streamed), needs=needs)
    def huge_limit(limit: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served)
        body.pop("max_tokens")
        body |= {"max_completion_tokens": limit, "stop": COMMON_LETTERS}
        if is_streamed:
            body["stream"] = True
        else:  # its prompt is the same
            yield Step("valid", OPERATION[api], valid(api, served), shared=True)
        yield Step("huge", OPERATION[api], body, "either", completion_tokens=SHORT)

    return huge_limit
