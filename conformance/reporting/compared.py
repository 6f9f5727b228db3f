"""The comparison of dialects as data: judgements, and a cell for each promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aios_conformance.conformance.reporting.wording import in_short, sentence
from aios_conformance.conformance.terms.result import (
    RequirementResult,
    RunResult,
    Verdict,
)
from aios_conformance.spec import Promise, promises

# The worst first: a cell has the worst verdict of its requirements.
_WORST: Sequence[Verdict] = (
    "error",
    "fail",
    "warn",
    "waived",
    "unstable",
    "inconclusive",
    "pass",
    "not_applicable",
    "info",
)
_BROKEN = frozenset({"error", "fail", "warn", "unstable", "waived"})


@dataclass(frozen=True, slots=True)
class DialectOutcome:
    """What the run of one dialect came to; no result: its paths did not answer."""

    dialect: str
    url: str
    result: RunResult | None
    exit_code: int
    reason: str = ""  # why there is no result, or why the run ended early


@dataclass(frozen=True, slots=True)
class Cell:
    """A promise in one dialect."""

    results: Sequence[RequirementResult]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the requirements."""
        return min((each.verdict for each in self.results), key=_WORST.index)

    @property
    def broken(self) -> list[RequirementResult]:
        """The requirements that do not hold."""
        return [each for each in self.results if each.verdict in _BROKEN]

    @property
    def is_broken(self) -> bool:
        """One of the requirements does not hold."""
        return bool(self.broken)


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A promise, in each dialect that makes it and was judged."""

    promise: Promise
    cells: Mapping[str, Cell]

    @property
    def differs(self) -> bool:
        """It is kept in one contract and broken in another."""
        cells = self.cells.values()
        return any(c.is_broken for c in cells) and any(
            c.verdict == "pass" for c in cells
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One target under several contracts."""

    judgements: Sequence[DialectOutcome]
    rows: Sequence[ComparedRow]
    requests: int  # that were sent
    apart: int  # that a run for each dialect would have sent

    @property
    def url(self) -> str:
        """The base URL of the target."""
        return self.judgements[0].url

    @property
    def names(self) -> list[str]:
        """The dialects that answered."""
        return [each.dialect for each in self.judgements if each.result is not None]

    @property
    def sentence(self) -> str:
        """The comparison in one sentence."""
        differ = sum(row.differs for row in self.rows)
        kept = [
            each.dialect
            for each in self.judgements
            if each.result is not None
            and (each.result.claim.startswith(("full", "partial")))
        ]
        answered = f"{len(self.names)} of {len(self.judgements)} dialects answered"
        whole = ", ".join(kept) or "none"
        plural = "promise is" if differ == 1 else "promises are"
        return (
            f"{answered}; kept without a broken obligation: {whole}; {differ} {plural} "
            "kept in one contract and broken in another."
        )

    @property
    def cost(self) -> str:
        """What was sent, and what it saved, in one sentence."""
        return (
            f"{self.requests} requests were sent once for all dialects; a run for each "
            f"would have sent {self.apart}."
        )


def compare(
    judgements: Sequence[DialectOutcome], requests: int, apart: int
) -> Comparison:
    """Put the results of several dialects side by side, promise by promise.

    `requests` were sent; runs of their own would have sent as many as `apart`.
    """
    found = {
        each.dialect: {row.requirement.id: row for row in each.result.requirements}
        for each in judgements
        if each.result is not None
    }
    rows = []
    for promise in promises():
        cells = {}
        for dialect, results in found.items():
            if held := [results[row] for row in promise.ids if row in results]:
                cells[dialect] = Cell(held)
        if cells:
            rows.append(ComparedRow(promise, cells))
    return Comparison(tuple(judgements), tuple(rows), requests, apart)


def why(each: RequirementResult) -> str:
    """The first finding, or the reason, as a sentence."""
    text = in_short(each)
    return f"{sentence(text)}." if text else ""


def sources(each: RequirementResult) -> str:
    """The first lines of the documents, and the ruling."""
    row = each.requirement
    return ", ".join([*row.sources[:2], *row.rulings[:1]])
