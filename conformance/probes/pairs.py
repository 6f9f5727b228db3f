"""Covering arrays over the parameters of each operation.

Every two value classes of two parameters meet in one body in standard, in deep every
three, and every two of the finer classes; but for those whose meeting the documents
leave open. What is open and yet seldom asked has rows of its own, for which acceptance
and refusal are both right. A body that is refused is sent again with fewer members
(`terms/narrowing`), so that its refusal is charged to those that caused it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import combinations, product
from random import Random
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.probes.bodies import OPERATION, valid
from aios_conformance.conformance.probes.member_rows import charged_rows, rows_of
from aios_conformance.conformance.probes.value_classes import (
    Class,
    seldom,
    value_classes,
)
from aios_conformance.conformance.terms import narrowing
from aios_conformance.conformance.terms.exchange import Api, Exchange, Json
from aios_conformance.conformance.terms.narrowing import Unit
from aios_conformance.conformance.terms.probe import (
    Answers,
    Draws,
    Later,
    Params,
    Probe,
    Served,
    Step,
)
from aios_conformance.spec import apis

SMALLEST, ROW = "valid", "row"
_NARROWER = "narrower_"
_SALT = "35"  # of sixty that were tried the one with the fewest rows
LIMITS = frozenset({"max_tokens", "max_completion_tokens"})


def is_open(body: Mapping[str, Any]) -> bool:
    """The documents say what each member means, and not what they mean together.

    Echo with what changes what there is to echo (A-117), and several choices of a text
    that is always the same (A-102).
    """
    several = body.get("n", 1) > 1
    if body.get("echo"):
        has_limit_0 = any(body.get(name) == 0 for name in LIMITS)
        return bool(body.get("logprobs")) or several or has_limit_0
    return several and body.get("temperature") == 0


def rows(
    api: Api, preset: str, seed: int, claimed: Collection[str]
) -> list[list[Class]]:
    """What a preset asks of an API: units of members that stand in one body."""
    pick = Random(f"{api} {seed}")  # noqa: S311  the same for the same seed
    coarse = value_classes(api, claimed, pick)
    made = [*_array(coarse, 3 if preset == "deep" else 2)]
    if preset == "deep":
        made += _array(value_classes(api, claimed, pick, fine=True), 2)
    same = Random(f"{api} {seed}")  # noqa: S311  texts that have been read before
    return [*made, *seldom(api, claimed, same)]


def _array(
    units: Mapping[str, Sequence[Class]], strength: int
) -> Iterator[list[Class]]:
    """Rows in which every `strength` classes of different units meet.

    The rows are the same for every seed, which chooses the values of a class. What is
    free is filled with the first class of a unit, the cheapest.
    """
    covertable = import_module("covertable")
    numbers = {name: list(range(len(classes))) for name, classes in units.items()}
    made = covertable.make(
        numbers,
        strength=min(strength, len(units)),
        salt=_SALT,
        constraints=[*_apart(units)],
        weights={name: {0: len(units)} for name in units},
    )
    for row in made:
        yield [classes[row[name]] for name, classes in units.items()]


def _apart(units: Mapping[str, Sequence[Class]]) -> Iterator[Mapping[str, Any]]:
    """Classes that must not meet, as the generator's conditions."""
    for (one, its), (other, theirs) in combinations(units.items(), 2):
        for (i, a), (j, b) in product(enumerate(its), enumerate(theirs)):
            if is_open({**a, **b}):
                first = {"operator": "ne", "left": one, "value": i}
                second = {"operator": "ne", "left": other, "value": j}
                yield {"operator": "or", "conditions": [first, second]}


def members(api: Api, units: Sequence[Unit]) -> list[str]:
    """What can be taken away: of what must be there in some form, the form."""
    required = {*apis()[api].required}
    return [
        name
        for unit in units
        for name in unit
        if name not in required or name == list(unit)[-1]
    ]


def body_of(api: Api, served: Served, given: Mapping[str, Json]) -> dict[str, Json]:
    """The smallest valid body with some members; generation always has a limit."""
    body = valid(api, served)
    dropped = LIMITS if given.keys() & LIMITS else set()
    return {k: v for k, v in body.items() if k not in dropped} | dict(given)


def was_refused(exchange: Exchange) -> bool:
    """The answer is an error, and not a success in any form."""
    return exchange.status >= 400


def culprits(
    api: Api, units: Sequence[Unit], steps: Mapping[str, Exchange]
) -> tuple[list[str] | None, list[Exchange]]:
    """The members that a row was refused for, and what was sent to find them."""
    sent = [
        steps[n] for i in range(narrowing.MOST) if (n := f"{_NARROWER}{i}") in steps
    ]
    answers = [was_refused(exchange) for exchange in sent]
    return narrowing.after(units, members(api, units), answers)[1], sent


def _pairs(api: Api) -> Probe:
    operation = OPERATION[api]

    def build(units: Params, served: Served) -> Iterator[Step]:
        given = narrowing.kept(units, {name for unit in units for name in unit})
        body = body_of(api, served, given)
        found = (
            row
            for name, value in given.items()
            for row in (*rows_of(api, name, value), *charged_rows(api, name, given))
        )
        is_valid = not is_open(body)
        serves = tuple(dict.fromkeys(found)) if is_valid else ()
        yield Step(SMALLEST, operation, valid(api, served), shared=True)
        yield Step(ROW, operation, body, "accept" if is_valid else "either", serves)

        def narrower(number: int) -> Later:
            def made(answers: Answers) -> Json:
                known, row = answers[SMALLEST], answers[ROW]
                if not was_refused(row) or not known.is_answer:
                    return None
                if row.expect == "either" and row.status < 500:
                    return None
                found, sent = culprits(api, units, answers)
                if found is not None or len(sent) < number:
                    return None
                earlier = [was_refused(exchange) for exchange in sent]
                asked, _ = narrowing.after(units, members(api, units), earlier)
                return body_of(api, served, asked)

            return made

        for number in range(narrowing.MOST):
            yield Step(
                f"{_NARROWER}{number}",
                operation,
                narrower(number),
                "accept" if is_valid else "either",
                like=ROW,
                spare=True,
                narrows=True,
            )

    def made(preset: str, seed: int, claimed: frozenset[str]) -> list[Params]:
        return [[u for u in row if u] for row in rows(api, preset, seed, claimed)]

    name = f"{api}.pairs"
    return Probe(name, api, st.none(), build, Draws(0, 1, 1), made=made)


PROBES: tuple[Probe, ...] = tuple(_pairs(api) for api in apis())
