"""The words in which every report speaks: verdicts, kinds, claims, findings."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from aios_conformance.conformance.options.values import ConformanceError
from aios_conformance.conformance.reporting.presentable import plain
from aios_conformance.conformance.terms.check import Kind
from aios_conformance.conformance.terms.result import (
    Evidence,
    RequirementResult,
    RunResult,
    Verdict,
)
from aios_conformance.spec import apis, title

VERDICT_WORDS: Mapping[Verdict, str] = {
    "pass": "pass",
    "warn": "warn",
    "fail": "fail",
    "unstable": "unstable",
    "inconclusive": "inconclusive",
    "not_applicable": "not applicable",
    "waived": "waived",
    "error": "error",
    "info": "info",
}
VERDICT_MEANINGS: Mapping[Verdict, str] = {
    "pass": "exercised, and kept",
    "warn": "a recommendation (SHOULD) is not followed",
    "fail": "an obligation (MUST) is broken",
    "unstable": "generated texts differed, and not when asked for again",
    "inconclusive": "too little evidence to judge",
    "not_applicable": "the API or the capability is absent",
    "waived": "broken, and known: a waiver covers it",
    "error": "the suite itself went wrong",
    "info": "the documents leave it open (MAY): reported, not judged",
}
KIND_MEANINGS: Mapping[Kind, str] = {
    "silent": "accepted, and ignored",
    "refused": "valid, but refused",
    "malformed": "answered, but not as promised",
    "crash": "answered with a server error",
}
_WORST_KINDS: Sequence[Kind] = ("silent", "crash", "refused", "malformed")
_RANKS: Mapping[Verdict, int] = {"error": 0, "fail": 1, "warn": 2, "unstable": 3}
ACTUAL_LENGTH = 160


@dataclass(frozen=True, slots=True)
class ApiRow:
    """The verdicts of one API."""

    api: str
    title: str
    counts: Mapping[Verdict, int]


def chosen(result: RunResult) -> RunResult:
    """The result without the rows that a selection left out."""
    if result.selection is None:
        return result
    ids = frozenset(result.selection)
    rows = [each for each in result.requirements if each.requirement.id in ids]
    return replace(result, requirements=rows)


def api_rows(result: RunResult) -> list[ApiRow]:
    """Verdict counts by API, in the order in which the APIs are documented."""
    dialect = result.dialect
    order = ["common", *apis(dialect)]
    found: dict[str, dict[Verdict, int]] = {}
    for each in result.requirements:
        counts = found.setdefault(each.requirement.api, dict.fromkeys(VERDICT_WORDS, 0))
        counts[each.verdict] += 1
    ranked = sorted(found, key=lambda api: order.index(api) if api in order else 99)
    return [ApiRow(api, title(api, dialect), found[api]) for api in ranked]


def findings_first(result: RunResult) -> list[RequirementResult]:
    """What needs attention, the worst first: error, fail, warn; MUST before SHOULD."""
    shown = [each for each in result.requirements if each.verdict in _RANKS]
    return sorted(shown, key=lambda each: (badness(each), each.requirement.id))


def badness(each: RequirementResult) -> tuple[int, int]:
    """How bad a requirement is broken: the lower the worse."""
    kinds = [_WORST_KINDS.index(finding.kind) for finding in each.findings]
    level = 0 if each.requirement.level == "MUST" else 1
    worst = min(kinds, default=len(_WORST_KINDS))
    return _RANKS[each.verdict] * 2 + level, worst


def paragraph(error: ConformanceError) -> str:
    """An error with its hint, in one paragraph."""
    message = str(error).rstrip(". ")
    end = "" if message.endswith(("?", "!")) else "."
    hint = sentence(error.hint.strip().rstrip("."))
    stop = "" if hint.endswith("?") else "."
    return f"{message}{end} {hint}{stop}" if hint else f"{message}{end}"


def claim_title(result: RunResult) -> str:
    """The claim as a heading."""
    if not result.complete:
        return "Run cut short"
    if result.claim.startswith("full"):
        return f"Fully conformant{result.claim.removeprefix('full')}"
    if result.claim.startswith("partial"):
        return f"Conformant in part{result.claim.removeprefix('partial')}"
    return "No claim of conformance"


def sentence(text: str) -> str:
    """A text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def claim_sentence(result: RunResult) -> str:
    """What the run shows, in one sentence that a manager can quote."""
    counts = result.summary
    if not result.complete:
        return f"This is no verdict: {result.cut_short or 'the run was cut short'}."
    if result.claim.startswith("full"):
        said = "Keeps every obligation of the documents that can be observed"
        return f"{said}{_but_unstable(counts['unstable'])}."
    if result.claim.startswith("partial"):
        scope = result.claim.partition(":")[2].strip()
        return f"Keeps every observed obligation within its scope: {scope}."
    reasons = []
    if counts["fail"]:
        plural = "s are" if counts["fail"] > 1 else " is"
        reasons.append(f"{counts['fail']} obligation{plural} broken")
    if result.selection is not None:
        reasons.append("only some requirements were selected")
    if counts["error"]:
        reasons.append(f"the suite itself failed on {counts['error']}")
    unproved = result.selection is None and sum(
        each.verdict == "inconclusive" and each.requirement.level == "MUST"
        for each in result.requirements
    )
    if unproved:
        plural = "s" if unproved > 1 else ""
        reasons.append(f"{unproved} obligation{plural} could not be exercised")
    return f"{sentence(', '.join(reasons) or 'nothing was shown')}."


def _but_unstable(count: int) -> str:
    if not count:
        return ""
    plural = "s were" if count > 1 else " was"
    return f"; {count} requirement{plural} unstable"


def actual_text(value: object, limit: int = ACTUAL_LENGTH) -> str:
    """A found value as short JSON text; quotes inside a string are left as they are."""
    text = orjson.dumps(plain(value)).decode()
    if isinstance(value, str) and '\\"' in text:
        text = text[1:-1].replace('\\"', '"')
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def found_sentence(evidence: Evidence) -> str:
    """What was found, in a few words."""
    where = f" at {evidence.pointer}" if evidence.pointer else ""
    # what was accepted and ignored has an answer like any other
    actual = actual_text(evidence.actual, 60 if evidence.kind == "silent" else 120)
    return f"expected {evidence.expected}, got {actual}{where}"


def in_short(each: RequirementResult) -> str:
    """Why a requirement has its verdict, in one line."""
    if each.findings:
        more = len(each.findings) - 1
        suffix = f" (and {more} more)" if more else ""
        return found_sentence(each.findings[0]) + suffix
    return each.reason or ""


def counts_line(result: RunResult) -> str:
    """The verdicts as one line, without the zeros."""
    return ", ".join(
        f"{count} {VERDICT_WORDS[verdict]}"
        for verdict, count in result.summary.items()
        if count
    )


def again(result: RunResult) -> str:
    """The command that judges the same target alike."""
    return (
        f"aios-conformance run {shlex.quote(result.url)} --dialect {result.dialect} "
        f"--preset {result.preset} --hypothesis-seed {result.seed}"
    )
