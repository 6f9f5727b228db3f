"""The words in which every report speaks: verdicts, kinds, claims, findings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import orjson

from aios_conformance.conformance.options.table import DEFAULT_KEY_VARIABLE
from aios_conformance.conformance.options.values import ConformanceError
from aios_conformance.conformance.reporting.presentable import plain
from aios_conformance.conformance.terms.check import Kind
from aios_conformance.conformance.terms.curl import named_variables
from aios_conformance.conformance.terms.result import (
    EXPIRED,
    Evidence,
    RequirementResult,
    RunResult,
    Verdict,
)
from aios_conformance.conformance.terms.run_command import run_command
from aios_conformance.conformance.terms.visible import brief
from aios_conformance.spec import (
    BELOW,
    Requirement,
    apis,
    edition,
    edition_of,
    locators,
    requirements,
    requirements_sha256,
    title,
)

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
KIND_ADVICE: Mapping[Kind, str] = {
    "silent": "obey it, or refuse it with 400 or 422: no client can tell that it was "
    "ignored",
    "refused": "accept the request; the documents allow it",
    "malformed": "answer in the form that the documents give",
    "crash": "find the error in the server's log; what a client does wrong is answered "
    "with 400 or 422",
}
_WORST_KINDS: Sequence[Kind] = ("silent", "crash", "refused", "malformed")
_RANKS: Mapping[Verdict, int] = {"error": 0, "fail": 1, "warn": 2, "unstable": 3}
_ONCE = frozenset({"fail", "warn", "unstable", "waived"})
ACTUAL_LENGTH = 160
RESUMED = "--resume goes on with this run: only what is missing is sent"


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
    for each in result.scored:
        counts = found.setdefault(each.requirement.api, dict.fromkeys(VERDICT_WORDS, 0))
        counts[each.verdict] += 1
    ranked = sorted(found, key=lambda api: order.index(api) if api in order else 99)
    return [ApiRow(api, title(api, dialect), found[api]) for api in ranked]


def findings_first(result: RunResult) -> list[RequirementResult]:
    """What needs attention, the worst first: error, fail, warn; MUST before SHOULD."""
    shown = [each for each in result.requirements if each.verdict in _RANKS]
    return sorted(shown, key=lambda each: (badness(each), each.requirement.id))


def badness(each: RequirementResult) -> tuple[bool, int, int]:
    """How bad a requirement is broken: the lower the worse; known ones come last."""
    kinds = [_WORST_KINDS.index(finding.kind) for finding in each.findings]
    level = 0 if each.requirement.level == "MUST" else 1
    worst = min(kinds, default=len(_WORST_KINDS))
    is_last = each.change == "known" or not each.is_scored
    return is_last, _RANKS[each.verdict] * 2 + level, worst


def paragraph(error: ConformanceError) -> str:
    """An error with its hint, in one paragraph."""
    message = brief(str(error)).rstrip(". ")
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
        for each in result.scored
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


def verdict_explained(each: RequirementResult) -> str:
    """The verdict with what it means for this requirement."""
    row, verdict = each.requirement, each.verdict
    meaning = VERDICT_MEANINGS[verdict]
    if verdict == "warn" and row.level == "MUST":
        meaning = (
            f"a MUST with a soft clause, which only warns: {row.soft}"
            if row.soft
            else "a MUST that no single run can break"
            if row.statistical
            else "a MUST, and what was found only warns"
        )
    if verdict == "inconclusive":
        meaning = f"a {row.level} that was not exercised, or not enough"
    return f"{VERDICT_WORDS[verdict]}: {meaning}"


def place(row: Requirement, api: str = "") -> str:
    """Where the documents say it: in words where they are known, else by lines.

    A row on all APIs stands in several places; that of `api` goes first.
    """
    words = [each.words for each in locators(row) if each.words]
    heading = _heading(api, row.dialects[0]) if api else ""
    own = [each for each in words if each.partition(BELOW)[0] == heading]
    return (own or words or [", ".join(row.sources[:2])])[0]


@cache
def _heading(api: str, dialect: str) -> str:
    """The heading under which the documents say most of an API."""
    found = Counter(
        each.words.partition(BELOW)[0]
        for row in requirements(dialect)
        if row.api == api
        for each in locators(row)
    )
    return found.most_common(1)[0][0] if found else ""


def unproved(result: RunResult) -> Mapping[str, list[RequirementResult]]:
    """Obligations that could not be exercised, by the reason; most first."""
    found: dict[str, list[RequirementResult]] = {}
    for each in result.requirements:
        if each.verdict == "inconclusive" and each.requirement.level == "MUST":
            found.setdefault(each.reason or "", []).append(each)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def counts_line(result: RunResult) -> str:
    """The verdicts as one line, without the zeros."""
    return ", ".join(
        f"{count} {VERDICT_WORDS[verdict]}"
        for verdict, count in result.summary.items()
        if count
    )


def baseline_sentence(result: RunResult) -> str:
    """What a run shows against its baseline; empty where there is none."""
    baseline = result.baseline
    if baseline is None:
        return ""
    rows = result.scored
    broken = [each for each in rows if each.verdict in {"fail", "warn", "unstable"}]
    new = sum(each.change == "new" for each in broken)
    known = sum(each.change == "known" for each in broken)
    mended = sum(each.verdict == "pass" and each.before in _ONCE for each in rows)
    lost = sum(each.is_lost for each in rows)
    said = [f"{new} new", f"{known} known from it", f"{mended} mended since"]
    if lost:
        said.append(f"{lost} lost with an API that answered then")
    more = ""
    if baseline.requirements_sha256 != requirements_sha256(result.dialect):
        more = "; the requirements themselves have changed since"
    return f"against {baseline.place} of {baseline.started}: {', '.join(said)}{more}"


def waiver_sentences(result: RunResult) -> list[str]:
    """Which waivers are not needed, and which have ended and excuse nothing now."""
    ended = [
        f"{row.requirement.id} (until {(row.reason or '').removeprefix(EXPIRED)})"
        for row in result.requirements
        if (row.reason or "").startswith(EXPIRED)
    ]
    told = (
        ("stale waivers, remove them: ", result.stale_waivers),
        ("expired waivers, without effect: ", ended),
    )
    return [f"{what}{', '.join(rows)}" for what, rows in told if rows]


def edition_words(result: RunResult) -> str:
    """Which rows were scored, with their hash."""
    name, sha256 = scored_edition(result)
    said = f"{name or 'none'} (sha256 {sha256})"
    if result.edition is None:
        return said
    newer = len(result.not_scored)
    return f"{said}; {newer} newer {'row' if newer == 1 else 'rows'} unscored"


def scored_edition(result: RunResult) -> tuple[str | None, str]:
    """The edition that was scored, and the hash of its rows."""
    if result.edition is not None:
        known = edition(result.edition, result.dialect)
        return known.name, known.sha256(result.dialect)
    rows = [each.requirement for each in result.requirements]
    if result.selection is not None:
        rows = [row for row in requirements(result.dialect) if row.excluded is None]
    return edition_of(rows, result.dialect)


def resumed_sentence(result: RunResult) -> str:
    """How often a run was gone on with; empty where it was never cut short."""
    if not result.resumed:
        return ""
    last = result.resumed[-1]
    times = "" if len(result.resumed) == 1 else f" for the {len(result.resumed)}th time"
    return (
        f"resumed{times} at {last.at}, after it was cut short ({last.cut_short}); "
        f"{last.answers} answers that it had were not asked for again"
    )


def mark(each: RequirementResult) -> str:
    """What baseline or edition say of a requirement; empty where they are silent."""
    if not each.is_scored:
        return "not scored"
    return {"known": "known from the baseline", "new": "new"}.get(each.change or "", "")


def again(result: RunResult, only: str = "") -> str:
    """The command that judges the same target alike, or one requirement of it."""
    more = ["--requirements", result.edition] if result.edition else []
    more += ["--only", only] if only else []
    for first in result.exchanges[:1]:  # a key goes with the first as with the others
        for key in named_variables(first.request):
            more += ["--api-key-env", key] if key != DEFAULT_KEY_VARIABLE else []
    return run_command(
        result.target or result.url,
        dialect=result.dialect,
        preset=result.preset,
        seed=result.seed,
        models=result.facts.models.items(),
        more=more,
    )
