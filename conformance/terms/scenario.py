"""A scenario: one draw of a probe, and the part of it that a recording keeps."""

from dataclasses import dataclass, field
from functools import cached_property

from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Params, Probe, Step
from aios_conformance.spec import ModelKind, api_of, apis


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
        """Played before everything else, with its models to itself."""
        return self.draw == 0 and any(step.alone for step in self.steps)

    @property
    def served_by(self) -> frozenset[ModelKind]:
        """The kinds of model that answer it; APIs that share them may share state."""
        known = apis(self.probe.dialects[0]).get(self.probe.api)
        return known.served_by if known else frozenset()

    @property
    def size(self) -> int:
        """How many requests it is, where no answer leaves a question open."""
        return sum(not step.spare for step in self.steps)

    @cached_property
    def apis(self) -> frozenset[Api]:
        """The APIs that its requests go to."""
        return frozenset(map(self.api, self.steps))

    def api(self, step: Step) -> Api:
        """The API that a step goes to; an unknown path to that of its probe."""
        return api_of(step.operation, self.probe.api, self.probe.dialects[0])


@dataclass(frozen=True, slots=True)
class Dropped:
    """A probe that was left out: why, and the rows that its steps would serve."""

    reason: str
    serves: tuple[str, ...] = ()
