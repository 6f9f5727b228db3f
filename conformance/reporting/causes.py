"""Causes: what needs attention, told once for all the requirements that it breaks.

An ignored `n` breaks what the table says of n, what it says of choices, and a
property of both, for two APIs. Whoever mends the server wants one line for it.
Requirements share a cause if their foremost findings say the same.
"""

from dataclasses import dataclass

from aios_conformance.conformance.judging.fingerprint import likeness
from aios_conformance.conformance.reporting.wording import badness, findings_first
from aios_conformance.conformance.terms.result import RequirementResult, RunResult


@dataclass(frozen=True, slots=True)
class Cause:
    """Requirements that one fault of the target breaks, the worst first."""

    rows: tuple[RequirementResult, ...]

    @property
    def lead(self) -> RequirementResult:
        """The requirement under which the cause is told."""
        return self.rows[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The ids of the other requirements."""
        return tuple(each.requirement.id for each in self.rows[1:])


def causes(result: RunResult) -> list[Cause]:
    """All causes: the worst first, of equally bad ones the farthest-reaching.

    A requirement stands under one of them.
    """
    found: dict[tuple[str, ...], list[RequirementResult]] = {}
    for each in findings_first(result):
        found.setdefault(_cause(each), []).append(each)
    made = [Cause(tuple(rows)) for rows in found.values()]
    return sorted(made, key=lambda cause: (badness(cause.lead), -len(cause.rows)))


def counted(found: list[Cause]) -> str:
    """How many causes break how many requirements, in a few words."""
    rows = sum(len(cause.rows) for cause in found)
    if rows == len(found):
        return ""
    return f"{len(found)} findings, which concern {rows} requirements"


def _cause(each: RequirementResult) -> tuple[str, ...]:
    if not each.findings:
        return (each.verdict, each.reason or each.requirement.id)
    foremost = each.findings[0]
    # a crash says nothing of itself: those of one request are one
    place = (foremost.exchange,) if foremost.kind == "crash" else ()
    return (*likeness(foremost), *place)
