"""Refusals take turns: half of what is to be refused asks for a stream.

How a refusal is answered must not depend on whether a stream was asked for. Which half
it is changes with the seed, and costs no request.
"""

import json
from collections.abc import Collection
from dataclasses import replace
from hashlib import blake2b

from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import Step
from aios_conformance.conformance.terms.scenario import Scenario
from aios_conformance.spec import apis

_NEED = "streaming"


def taking_turns(
    scenario: Scenario, dialect: str, seed: int, without: Collection[str] = ()
) -> Scenario:
    """The scenario in which every other refused request asks for a stream."""
    if _NEED in without or all(step.expect != "refuse" for step in scenario.steps):
        return scenario

    def turned(step: Step) -> Step:
        api = apis(dialect).get(scenario.api(step))
        body = step.body if step.raw is None else None
        if step.expect != "refuse" or not isinstance(body, dict):
            return step
        # what is wrong with `stream` itself stays as it is
        can_stream = api is not None and "stream" in api.members.keys() - body.keys()
        if not can_stream or not _is_its_turn(step.operation, body, seed):
            return step
        return replace(step, body={**body, "stream": True})

    return replace(scenario, steps=tuple(map(turned, scenario.steps)))


def _is_its_turn(operation: str, body: dict[str, Json], seed: int) -> bool:
    """Equal bodies have equal turns, whatever model they name, and the next seed's."""
    told = {name: name == "model" or value for name, value in body.items()}
    digest = blake2b(json.dumps([operation, told], sort_keys=True).encode()).digest()
    return (digest[0] + seed) % 2 == 1
