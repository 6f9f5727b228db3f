"""What one dialect is asked, asked in another's name where its contract is clear.

Dialects share paths. A request that was planned for one of them is reused for another
whose contract leaves no doubt about it: its request schema permits the body, or
forbids it with requirements of its own. It is then an ordinary scenario of that plan.
As it is the same request, it is sent once for both (see `observing.answer_cache`), and
what was answered is held against both contracts.

Nothing is reused where the contract that states it is the only one to tell what is
right: other headers, bytes that are no JSON, what a schema cannot see (`off_schema`),
and what is sent last because it lies at a limit.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jsonschema_rs

from aios_conformance.conformance.planning.plan import Plan, scenario_of
from aios_conformance.conformance.probes.mutants import request_schema
from aios_conformance.conformance.probes.strict_schema import permitted
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.exchange import Expect, Facts, Json
from aios_conformance.conformance.terms.probe import Params, Served, Step, table
from aios_conformance.conformance.terms.requests import content_key
from aios_conformance.spec import Level, api_of, nodes

NAME = "lent"
"""The last part of the name of a dialect's probe of reused requests, in recordings."""


def is_reused(probe: str) -> bool:
    """The probe asks what another dialect asks."""
    return probe.rpartition(".")[2] == NAME


def with_reused(
    plan: Plan, others: Iterable[Plan], facts: Facts, without: Collection[str] = ()
) -> Plan:
    """The plan of a dialect with what it reuses of the plans of the others."""
    known = plan.catalogue
    needs = {need for row in known.scored for need in row.needs} - {*without}
    own = [step for scenario in plan.scenarios for step in scenario.steps]
    seen = {content_key(step) for step in own}
    rows: list[Params] = []
    for step, origin in _reusable(others):
        key = content_key(step)
        if key in seen:
            continue
        seen.add(key)
        row = _restated(known, step, facts, frozenset(needs), own)
        if row is not None:
            rows.append({"of": origin, "step": step.label, **row})
    if not rows:
        return plan

    @table(f"{known.dialect}.{NAME}", "embeddings", rows, dialects=(known.dialect,))
    def reused(row: Params, _: Served) -> Iterator[Step]:
        operation, serves, breaks = row["operation"], tuple(row["serves"]), ""
        if row["breaks"]:
            breaks = row["breaks"]
            yield Step("valid", operation, row["beside"], shared=True)
        expect: Expect = "refuse" if breaks else "accept"
        codes = tuple(row["codes"])
        yield Step(NAME, operation, row["body"], expect, serves, breaks, codes)

    served = Served(facts)
    made = [scenario_of(known, reused, i, row, served) for i, row in enumerate(rows)]
    early = [scenario for scenario in plan.scenarios if not scenario.is_last]
    late = [scenario for scenario in plan.scenarios if scenario.is_last]
    return replace(plan, scenarios=(*early, *made, *late))


def _reusable(plans: Iterable[Plan]) -> Iterator[tuple[Step, str]]:
    """The requests of other plans that may be reused, and whose they are."""
    for plan in plans:
        for scenario in plan.scenarios:
            for step in scenario.steps:
                is_plain = isinstance(step.body, dict) and step.raw is None
                if is_plain and not (step.headers or step.off_schema or step.last):
                    yield step, scenario.probe.name


def _restated(
    known: Catalogue,
    step: Step,
    facts: Facts,
    needs: frozenset[str],
    own: Iterable[Step],
) -> Params | None:
    """What a contract makes of a request, None if it leaves it open."""
    contract = _contract(known.dialect, step.operation, needs)
    model = facts.models.get(api_of(step.operation, dialect=known.dialect))
    body: Any = step.body
    if contract is None or model is None or not body.keys() <= contract.members:
        return None
    is_ours = body.get("model") == model
    row = {"operation": step.operation, "body": body, "breaks": "", "codes": ()}
    if is_ours and contract.permits(body):
        serves = [r for r in contract.kept if _is_judged(known, r)]
        return row | {"serves": serves}
    is_other = isinstance(body.get("model"), str) and not is_ours
    broken = () if is_other else contract.schema.proven(body)
    alike = [s for s in own if s.operation == step.operation and not s.headers]
    refused = next((s for s in alike if s.expect == "refuse"), None)
    beside = next((s for s in alike if s.expect == "accept" and s.shared), None)
    if not broken or refused is None or beside is None:
        return None
    place = contract.schema.breaches(body)[0].pointer
    return row | {
        "serves": list(broken),
        "breaks": f"{place} is not as documented",
        "codes": refused.codes,
        "beside": beside.body,
    }


def _is_judged(known: Catalogue, row: str) -> bool:
    return row in known.requirements and known.requirements[row].level != Level.MAY


@dataclass(frozen=True)
class _Contract:
    """What a dialect says of the bodies of one operation."""

    schema: Any
    members: frozenset[str]
    kept: tuple[str, ...]  # the rows of a success
    undoubted: Any

    def permits(self, body: Json) -> bool:
        """The acceptance of a body is promised."""
        is_valid = not self.schema.breaches(body)
        return is_valid and bool(self.undoubted.is_valid(body))


@cache
def _contract(dialect: str, operation: str, needs: frozenset[str]) -> _Contract | None:
    """The contract of an operation, None where the dialect has none with a body."""
    walk = nodes(dialect)
    schema = walk.request(operation)
    if schema is None:
        return None
    name = schema["$ref"].rpartition("/")[2]
    narrowed = dict(permitted(walk.document, name, needs))
    return _Contract(
        request_schema(dialect, name),
        frozenset(walk.schema(name)["properties"]),
        tuple(walk.success(operation).get("x-requirements", ())),
        jsonschema_rs.Draft202012Validator(narrowed),
    )
