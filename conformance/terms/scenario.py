"""A scenario: one draw of a probe, and the part of it that a recording keeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Params, Probe, Step
from aios_conformance.spec import DIALECTS, known_dialects, operations

PATHS: Mapping[str, Api] = {
    "/rerank": "rerank",
    "/v1/rerank": "rerank",
    "/v2/rerank": "rerank",
    "/score": "score",
    "/v1/score": "score",
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/embeddings": "embeddings",
    "/api/embeddings": "embeddings",
    "/v1/models": "models",
    "/models": "models",
}
APIS: tuple[Api, ...] = ("rerank", "score", "embeddings", "chat", "completions")


def api_of(operation: str, otherwise: Api = "models") -> Api:
    """The API that an operation belongs to, by its path."""
    path = operation.partition(" ")[2].partition("?")[0]
    brought = known_dialects()[len(DIALECTS) :]
    return (_apis(brought) if brought else PATHS).get(path, otherwise)


@cache
def _apis(dialects: tuple[str, ...]) -> Mapping[str, Api]:
    """The APIs by path, with those of dialects from elsewhere, which go first."""
    found: dict[str, Any] = dict(PATHS)
    for each in dialects:
        for operation, api in operations(each).items():
            found[operation.partition(" ")[2]] = api if api in APIS else "models"
    return found


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What verdicts need to know of a step, whether or not it was sent."""

    label: str
    operation: str
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedScenario:
    """What verdicts need to know of a scenario, whether or not it was played."""

    probe: str
    draw: int
    apis: tuple[Api, ...]
    steps: tuple[PlannedStep, ...]


@dataclass(frozen=True)
class Scenario:
    """One draw of a probe, with the steps that it sends."""

    probe: Probe
    draw: int
    params: Params
    steps: tuple[Step, ...] = field(repr=False)

    @property
    def name(self) -> tuple[str, int]:
        """Probe and draw: what tells scenarios apart."""
        return self.probe.name, self.draw

    @cached_property
    def planned(self) -> "PlannedScenario":
        """The part that a recording keeps."""
        steps = tuple(PlannedStep(s.label, s.operation, s.serves) for s in self.steps)
        return PlannedScenario(
            self.probe.name, self.draw, tuple(sorted(self.apis)), steps
        )

    @property
    def is_last(self) -> bool:
        """Played after everything else."""
        return any(step.last for step in self.steps)

    @property
    def is_alone(self) -> bool:
        """Played before everything else, with its API to itself."""
        return any(step.alone for step in self.steps)

    @cached_property
    def apis(self) -> frozenset[Api]:
        """The APIs that its requests go to."""
        return frozenset(api_of(s.operation, self.probe.api) for s in self.steps)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A probe that was left out: why, and the rows that its steps would serve."""

    reason: str
    serves: tuple[str, ...] = ()
