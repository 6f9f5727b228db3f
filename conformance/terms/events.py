"""What happens during a run, for whoever shows it (a progress line, a log).

Events decouple the run from its display: the runner calls one function with them
and knows nothing of terminals.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aios_conformance.conformance.terms.exchange import Exchange, Facts
from aios_conformance.conformance.terms.result import PlanSummary, RunResult


@dataclass(frozen=True, slots=True)
class TargetStarted:
    """A bundled server is being started, or has said something while starting."""

    target: str
    message: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """Models and kinds are known."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class PlanMade:
    """Everything that will be sent is known."""

    summary: PlanSummary


@dataclass(frozen=True, slots=True)
class ExchangeDone:
    """One more exchange is recorded."""

    exchange: Exchange
    done: int
    planned: int = 0  # where it is known
    is_new: bool = True  # it was sent now, and not before the run was cut short


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing is sent for some seconds, because the target asked for patience."""

    seconds: float
    header: str  # by which it asked


@dataclass(frozen=True, slots=True)
class Explaining:
    """A failing scenario is being re-sent and made smaller."""

    probe: str
    requests: int


@dataclass(frozen=True, slots=True)
class RunJudged:
    """The run is over."""

    result: RunResult


RunEvent = (
    TargetStarted
    | Discovered
    | PlanMade
    | ExchangeDone
    | Waiting
    | Explaining
    | RunJudged
)
Listener = Callable[[RunEvent], None]
