"""What a run found out: plain data from which every report is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aios_conformance.conformance.options.values import Baseline
from aios_conformance.conformance.terms.check import Kind
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Observation
from aios_conformance.spec import Requirement

Verdict = Literal[
    "pass",
    "warn",
    "fail",
    "unstable",
    "inconclusive",
    "not_applicable",
    "waived",
    "error",
    "info",
]
VERDICTS: tuple[Verdict, ...] = (
    "pass",
    "warn",
    "fail",
    "unstable",
    "inconclusive",
    "not_applicable",
    "waived",
    "error",
    "info",
)


NOT_SELECTED = "not selected"
"""Why a row does not apply that a selection leaves out."""
EXPIRED = "the waiver expired on "
"""Why a waived row is broken all the same, before the day."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding as reported: traced to an exchange, with a line to reproduce it."""

    kind: Kind
    expected: str
    actual: object
    pointer: str
    exchange: str  # exchange id
    curl: str
    check: str = ""  # the check's name
    soft: bool = False
    parts: tuple[str, ...] = ()  # the rows on which it was found, if not on this one


@dataclass(frozen=True, slots=True)
class CheckCoverage:
    """How often a check judged something for a row."""

    check: str
    judged: int
    needed: int
    exchanges: tuple[str, ...] = ()  # ids of some exchanges that it judged


@dataclass(frozen=True, slots=True)
class Shown:
    """An exchange that shows why nothing could be shown, with a line to repeat it."""

    exchange: str  # exchange id
    curl: str


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """The verdict on one requirement."""

    requirement: Requirement
    verdict: Verdict
    reason: str | None = (
        None  # for unstable, inconclusive, not_applicable, waived, error, is_derived
    )
    reading: str | None = None
    evidence: int = 0  # judged observations
    reproduced: bool | None = None  # None: no finding
    findings: tuple[Evidence, ...] = ()
    coverage: tuple[CheckCoverage, ...] = ()
    occurrence: str | None = None  # how often it was seen, or why only once
    refuted_by: tuple[str, ...] = ()  # all rows that it consists of and that are broken
    shown: Shown | None = None  # what the reason speaks of
    before: Verdict | None = None  # in the baseline; None: there is none, or no row
    # broken, open or lost: as the baseline has shown, or anew; None without one
    change: Literal["known", "new"] | None = None
    is_scored: bool = True  # it belongs to the edition that was asked for

    @property
    def is_lost(self) -> bool:
        """Its API is absent, and answered in the baseline."""
        return self.change == "new" and self.verdict == "not_applicable"

    @property
    def is_derived(self) -> bool:
        """Nothing was found on the row itself, all on rows that it consists of."""
        return bool(self.findings) and all(found.parts for found in self.findings)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the run cost. `requests` counts discovery and re-sends; shrinking apart.

    `discovery_requests` says how many of the requests found the models: the plan
    counts the others.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    shrink_requests: int = 0
    discovery_requests: int = 0


@dataclass(frozen=True, slots=True)
class Resumed:
    """A run that was cut short was gone on with."""

    at: str  # ISO 8601, UTC
    cut_short: str  # why it had ended
    answers: int  # that it had, and that were not asked for again


@dataclass(frozen=True, slots=True)
class Cause:
    """Requirements that one fault of the target breaks, the worst first."""

    rows: tuple[RequirementResult, ...]
    follows: tuple[RequirementResult, ...] = ()  # what consists of them
    title: str = ""  # the fault in a few words, where they can be told

    @property
    def lead(self) -> RequirementResult:
        """The requirement under which the cause is told."""
        return self.rows[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The ids of the other requirements."""
        below = (*self.rows[1:], *self.follows)
        return tuple(each.requirement.id for each in below)


@dataclass(frozen=True, repr=False)
class RunResult:
    """Everything a report says, and the recording it rests on.

    It has no text of its own: asyncio writes out what a task returns when it takes
    its handler of signals away, and a recording takes seconds to write out.
    """

    url: str
    dialect: str
    preset: str
    seed: int
    facts: Facts
    server: str | None  # the Server header, if any
    started: str  # ISO 8601, UTC
    duration_s: float
    complete: bool
    claim: str  # "full", "full, 2 unstable", "partial: …" or "none"
    selection: Sequence[str] | None  # ids, None = unselected
    requirements: Sequence[RequirementResult]
    excluded: Sequence[Requirement]
    usage: Usage
    timing: Mapping[str, Mapping[str, Any]]  # operation → {"ttft_ms": {…}, …}
    stale_waivers: Sequence[str] = ()
    exchanges: Sequence[Exchange] = ()
    observations: Sequence[Observation] = ()
    cut_short: str | None = None  # why the run ended early
    baseline: Baseline | None = None  # the run that it is held against
    target: str = ""  # as it was given: an address, or a bundled server
    resumed: Sequence[Resumed] = ()
    edition: str | None = None  # whose rows are scored; None: all
    causes: Sequence[Cause] | None = None  # as a report told them

    @property
    def summary(self) -> dict[Verdict, int]:
        """How many requirements got each verdict; what was not selected got none."""
        counts: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
        for result in self.scored:
            if self.selection is None or result.requirement.id in self.selection:
                counts[result.verdict] += 1
        return counts

    @property
    def scored(self) -> Sequence[RequirementResult]:
        """The requirements that count."""
        return [each for each in self.requirements if each.is_scored]

    @property
    def not_scored(self) -> Sequence[str]:
        """The ids of the others: they are newer than the edition."""
        return [e.requirement.id for e in self.requirements if not e.is_scored]


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What a run will send, known before its first byte.

    `requests` is exact on a conforming target; discovery comes on top, and so do
    `spare_requests` where answers leave a question open. Tokens are ceilings of all.
    At least `in_turn` of them wait for one another, however many may be in flight.
    """

    requests: int
    prompt_tokens: int
    completion_tokens: int
    by_operation: Mapping[str, int] = field(default_factory=dict)
    by_probe: Mapping[str, int] = field(default_factory=dict)
    spare_requests: int = 0
    in_turn: int = 0
