"""Tables of single-field probes: one change to the smallest valid body.

An accepted row proves a documented form of one field. A refused row breaks one
single rule, beside the valid neighbour that it was made from.
"""

from collections.abc import Iterator
from typing import Any

from aios_conformance.conformance.probes.bodies import (
    OPERATION,
    TRUNCATION,
    by_version,
    is_beyond,
    valid,
)
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, table


def takes(*serves: str, **change: Any) -> Params:
    """A row of `accepted`: the body with this change proves these requirements."""
    return {"change": change, "serves": list(serves)}


def breaks(rule: str, *serves: str, **change: Any) -> Params:
    """A row of `refused`: the change breaks just this rule of these requirements."""
    return {"change": change, "serves": list(serves), "breaks": rule}


def breaks_truncation(*serves: str, version: str = "") -> list[Params]:
    """Rows of `refused`: limits on tokens that are not above 0, the last one by far.

    The last one is sent to the path of a `version`.
    """
    rule = "/truncate_prompt_tokens is not above 0"
    limits = (0, -1, -(2**63))
    zero, below, far = (breaks(rule, *serves, **{TRUNCATION: k}) for k in limits)
    return [zero, below, far | {"version": version}]


def lacks(field: str, *serves: str) -> Params:
    """A row of `refused`: the body without a required field."""
    return {"drop": field, "serves": list(serves), "breaks": f"/{field} is missing"}


def beside_schema(row: Params, why: str) -> Params:
    """The same row, of a rule that the OpenAPI document cannot express."""
    return row | {"off_schema": why}


def costing(tokens: int, row: Params) -> Params:
    """The same row, whose body is no bound for what it costs a lax server."""
    return row | {"completion_tokens": tokens}


def instead_of(field: str, row: Params) -> Params:
    """The same row, with a field of the smallest valid body taken away."""
    return row | {"drop": field}


def accepted(name: str, api: Api, *rows: Params, smoke_rows: int = 0) -> Probe:
    """Per row the smallest body, sent once for all, and the variant of it.

    A limit that is more than the model says it reads may be refused (A-047).
    """

    @table(name, api, rows, smoke_rows=smoke_rows)
    def build(row: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served)
        rows = tuple(row["serves"])
        yield Step("valid", OPERATION[api], body, shared=True)
        variant = body | row["change"]
        if is_beyond(variant, api, served):
            yield Step("variant", OPERATION[api], variant, "either")
        else:
            yield Step("variant", OPERATION[api], variant, serves=rows, shared=True)

    return build


def refused(
    name: str,
    api: Api,
    *rows: Params,
    smoke_rows: int = 0,
    needs: tuple[str, ...] = (),
) -> Probe:
    """Per row the valid neighbour, sent once for all, and its mutant.

    Where a rule needs another neighbour, the row's `base` changes the smallest body,
    and `base_serves` names what the acceptance of that proves.
    """

    @table(name, api, rows, smoke_rows=smoke_rows, needs=needs)
    def build(row: Params, served: Served) -> Iterator[Step]:
        neighbour = valid(api, served) | row.get("base", {})
        mutant = _changed(neighbour, row)
        version = row.get("version")
        operation = by_version(api)[version][0] if version else OPERATION[api]
        yield Step(
            "valid",
            OPERATION[api],
            neighbour,
            serves=tuple(row.get("base_serves", ())),
            shared=True,
        )
        yield Step(
            "mutant",
            operation,
            mutant,
            expect="refuse",
            serves=tuple(row["serves"]),
            breaks=row["breaks"],
            shared=True,
            off_schema=row.get("off_schema", ""),
            completion_tokens=row.get("completion_tokens"),
        )

    return build


def refusal(api: Api, served: Served, breaks: str, **change: Any) -> Step:
    """What a table of `refused` sends too: here it stands before what it may spoil."""
    return Step(
        "refused",
        OPERATION[api],
        valid(api, served) | change,
        expect="refuse",
        breaks=breaks,
        shared=True,
    )


def undecided(name: str, api: Api, *rows: Params) -> Probe:
    """One request per row on which the documents are silent: either answer is right."""

    @table(name, api, rows)
    def build(row: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served) | row["change"]
        yield Step("variant", OPERATION[api], body, expect="either")

    return build


def _changed(body: dict[str, Any], row: Params) -> dict[str, Any]:
    changed = body | row.get("change", {})
    return {name: value for name, value in changed.items() if name != row.get("drop")}
