"""What the end of a command says of it, beside the wire."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aios_conformance.mockserver.clients.rounds import Hope, Round
from aios_conformance.mockserver.clients.rule import ClientRule, Finding, Mark
from aios_conformance.mockserver.clients.session import Session
from aios_conformance.mockserver.clients.streams import broken_streams_are_noticed
from aios_conformance.mockserver.clients.verdict import RuleResult, Verdict


@dataclass(frozen=True, slots=True)
class PlayedRound:
    """One round as it was played."""

    played: Round
    code: int | None  # None: it did not end by itself
    seconds: float
    struck: bool  # something met what the round plays
    verdict: Verdict

    @property
    def ending(self) -> str:
        """How the command ended, for people."""
        if not self.verdict.exchanges:
            return "sent nothing to the mock"
        if self.code is None:
            return f"was still running after {self.seconds:.0f} s"
        if self.code < 0:
            return f"was ended by signal {-self.code}"
        return f"ended with exit code {self.code}"


def _nothing(session: Session) -> Iterator[Finding]:
    """See nothing: these rules look at endings."""
    del session
    yield from ()


WORKS: Final = ClientRule(
    "a-good-day-works",
    "Where nothing is wrong the command succeeds, however the answers are split.",
    "What fails on a good day cannot be tried on a bad one.",
    "Let the command take its address from OPENAI_BASE_URL, CO_API_URL or "
    "AIOS_BASE_URL; run it against `aios-mock` by hand; join what arrives before it is "
    "read.",
    _nothing,
)
RECOVERS: Final = ClientRule(
    "what-passes-is-survived",
    "A busy server and a lost connection do not end the command.",
    "Both happen every day, and a moment later all is well.",
    "Retry 429, 503 and lost connections with growing pauses.",
    _nothing,
)
REPORTS: Final = ClientRule(
    "errors-reach-the-caller",
    "A command that did not get its answers does not end as if it had.",
    "An error that nobody is told of is found by the users.",
    "Let errors pass, or end with an exit code that is not 0.",
    _nothing,
)
RULES: Final = (WORKS, RECOVERS, REPORTS)


def judged(outcomes: Sequence[PlayedRound]) -> Sequence[RuleResult]:
    """Hold the rules on endings against all rounds."""
    found: Mapping[str, list[Finding]] = {rule.name: [] for rule in RULES}
    for outcome in outcomes:
        if outcome.struck:
            rule, mark = _judged(outcome)
            if not outcome.verdict.exchanges:
                mark = Mark.FAIL
            if mark is not None:
                told = f"it {outcome.ending} where {outcome.played.plays}"
                found[rule.name].append(Finding(mark, told, where=outcome.played.name))
    return [RuleResult(rule, found[rule.name]) for rule in RULES]


def completed(outcome: PlayedRound) -> Verdict:
    """Return a round's verdict with what only the command's end shows.

    The wire does not tell whether an error was raised; another exit code does.
    """
    if not outcome.code:
        return outcome.verdict
    results = [
        replace(result, findings=[*map(_raised, result.findings)])
        if result.rule is broken_streams_are_noticed
        else result
        for result in outcome.verdict.results
    ]
    return replace(outcome.verdict, results=results)


def _raised(finding: Finding) -> Finding:
    if finding.mark is not Mark.WARN:
        return finding
    broke_off, _, _ = finding.saw.partition(" and ")
    return replace(finding, mark=Mark.PASS, saw=f"{broke_off} and an error came of it")


def _judged(outcome: PlayedRound) -> tuple[ClientRule, Mark | None]:
    well = outcome.code == 0
    match outcome.played.hope:
        case Hope.WORKS:
            return WORKS, Mark.PASS if well else Mark.FAIL
        case Hope.RECOVERS:
            return RECOVERS, Mark.PASS if well else Mark.WARN
        case Hope.REPORTS:
            if outcome.code is None:
                return REPORTS, Mark.WARN
            return REPORTS, Mark.WARN if well else Mark.PASS
        case Hope.NOTICES if outcome.code is not None:
            return REPORTS, Mark.FAIL if well and _swallowed(outcome) else Mark.PASS
    return REPORTS, None  # in a silent stream it has been told why


def _swallowed(outcome: PlayedRound) -> bool:
    """Whether a broken stream was not asked for again."""
    return any(
        result.mark in (Mark.WARN, Mark.FAIL)
        for result in outcome.verdict.results
        if result.rule is broken_streams_are_noticed
    )
