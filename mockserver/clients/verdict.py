"""The verdict: every rule with what was seen."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

from aios_conformance.mockserver.clients import (
    lines,
    members,
    retries,
    streams,
    tools,
    vectors,
)
from aios_conformance.mockserver.clients.rule import ClientRule, Finding, Mark
from aios_conformance.mockserver.clients.seen import seen
from aios_conformance.mockserver.clients.session import Session
from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.control.steady import now

RULES: Final[Sequence[ClientRule]] = (
    *retries.RULES,
    *streams.RULES,
    *tools.RULES,
    *lines.RULES,
    *vectors.RULES,
    *members.RULES,
)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, and what was seen of it."""

    rule: ClientRule
    findings: Sequence[Finding]

    @property
    def mark(self) -> Mark:
        """The worst that was seen."""
        found = {finding.mark for finding in self.findings}
        return next((mark for mark in Mark if mark in found), Mark.NOT_EXERCISED)

    @property
    def worst(self) -> Sequence[Finding]:
        """The findings that decided."""
        return [each for each in self.findings if each.mark is self.mark]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen of all rules."""

    results: Sequence[RuleResult]
    exchanges: int
    forgotten: int = 0  # exchanges that came before those of the journal

    @property
    def mark(self) -> Mark:
        """The worst of all rules."""
        found = {result.mark for result in self.results}
        return next(mark for mark in Mark if mark in found)

    @property
    def counts(self) -> Mapping[Mark, int]:
        """How many rules have each mark."""
        marks = [result.mark for result in self.results]
        return {mark: marks.count(mark) for mark in Mark}

    def resilient(self, ignore: Collection[str] = ()) -> bool:
        """Tell whether there were exchanges and no rule failed, but for some.

        Raises ValueError for a rule that does not exist.
        """
        known = {result.rule.name for result in self.results}
        for name in ignore:
            if name not in known:
                near = get_close_matches(name, known, 1, cutoff=0)[0]
                raise ValueError(f"there is no rule {name!r}; the nearest is {near!r}")
        failed = {each.rule.name for each in self.results if each.mark is Mark.FAIL}
        return self.exchanges > 0 and failed <= set(ignore)

    def described(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values."""
        return {
            "verdict": self.mark,
            "exchanges": self.exchanges,
            "forgotten": self.forgotten,
            "counts": dict(self.counts),
            "rules": [_described(result) for result in self.results],
        }


def _described(result: RuleResult) -> dict[str, Any]:
    rule = result.rule
    return {
        "name": rule.name,
        "verdict": result.mark,
        "promise": rule.promise,
        "why": rule.why,
        "mend": rule.mend,
        "seen": [
            {
                "verdict": finding.mark,
                "saw": finding.saw,
                "exchanges": list(finding.exchanges),
                **({"round": finding.where} if finding.where else {}),
            }
            for finding in result.findings
        ],
    }


def judged(session: Session) -> Verdict:
    """Hold every rule against a session."""
    return Verdict(
        [RuleResult(rule, tuple(rule.look(session))) for rule in RULES],
        len(session.exchanges),
        session.forgotten,
    )


def session(exchanges: Iterable[Exchange]) -> Session:
    """Return what a journal holds as a session."""
    noted = [seen(exchange) for exchange in exchanges]
    forgotten = noted[0].number - 1 if noted else 0
    return Session(noted, now(), forgotten)


def combined(verdicts: Mapping[str, Verdict]) -> Verdict:
    """Join the verdicts of several rounds; each finding says where it was made."""
    found: dict[ClientRule, list[Finding]] = {}
    for name, verdict in verdicts.items():
        for result in verdict.results:
            found.setdefault(result.rule, []).extend(
                replace(finding, where=name) for finding in result.findings
            )
    total = sum(verdict.exchanges for verdict in verdicts.values())
    forgotten = sum(verdict.forgotten for verdict in verdicts.values())
    return Verdict(
        [RuleResult(rule, findings) for rule, findings in found.items()],
        total,
        forgotten,
    )
