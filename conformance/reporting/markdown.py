"""report.md: a summary page for CI systems and pull requests."""

import re
from collections.abc import Sequence

from aios_conformance.conformance.reporting.causes import (
    advice,
    causes,
    counted,
)
from aios_conformance.conformance.reporting.wording import (
    KIND_MEANINGS,
    VERDICT_MEANINGS,
    VERDICT_WORDS,
    actual_text,
    again,
    api_rows,
    baseline_sentence,
    chosen,
    claim_sentence,
    edition_words,
    mark,
    place,
    resumed_sentence,
    sentence,
    unproved,
    waiver_sentences,
)
from aios_conformance.conformance.terms.result import Cause, RunResult

SHOWN = 25
_SIGNS = {"fail": "❌", "warn": "⚠️", "error": "💥", "unstable": "🎲"}


def render(result: RunResult) -> str:
    """Claim, table of verdicts, what needs attention, and how to run it again."""
    result = chosen(result)
    parts = [
        f"# AIOS conformance: {_claim(result)}",
        escape(claim_sentence(result)),
        _baseline(result),
        _facts(result),
        _table(result),
        *_attention(result),
        *_unproved(result),
        *_waived(result),
        _footer(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _claim(result: RunResult) -> str:
    return result.claim if result.complete else f"{result.claim} (incomplete)"


def _baseline(result: RunResult) -> str:
    """What is new, what is known, and the APIs that were lost."""
    if not (said := baseline_sentence(result)):
        return ""
    lost = [each.requirement.id for each in result.requirements if each.is_lost]
    told = f" Lost: {_some(lost)}." if lost else ""
    return f"{escape(sentence(said))}.{told}"


def _facts(result: RunResult) -> str:
    models = ", ".join(
        f"{api} {code(name)}" for api, name in sorted(result.facts.models.items())
    )
    target = (
        f"Target {code(result.url)}, dialect {code(result.dialect)}, preset "
        f"{code(result.preset)}, seed {result.seed}."
    )
    cost = (
        f"{result.started}, {result.duration_s:.1f} s, "
        f"{result.usage.requests} requests, {result.usage.prompt_tokens} prompt and "
        f"{result.usage.completion_tokens} completion tokens."
    )
    if said := resumed_sentence(result):
        cost += f"\n{escape(sentence(said))}."
    cost += f"\nEdition: {edition_words(result)}."
    return "\n".join([target, cost, *([f"Models: {models}."] if models else [])])


def _table(result: RunResult) -> str:
    shown = [verdict for verdict, count in result.summary.items() if count]
    head = ["API", *(VERDICT_WORDS[verdict] for verdict in shown)]
    lines = [
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * len(shown)}",
    ]
    for row in api_rows(result):
        counts = [str(row.counts[verdict] or "") for verdict in shown]
        lines.append(f"| {' | '.join([row.title, *counts])} |")
    totals = [f"**{result.summary[verdict]}**" for verdict in shown]
    lines.append(f"| {' | '.join(['**all**', *totals])} |")
    words = (f"**{VERDICT_WORDS[each]}**: {VERDICT_MEANINGS[each]}" for each in shown)
    return "\n".join([*lines, "", f"{'; '.join(words)}."])


def _attention(result: RunResult) -> list[str]:
    found = causes(result)
    if not found:
        return []
    parts = ["## What needs attention", *map(_finding, found[:SHOWN])]
    if said := counted(found):
        parts.insert(1, f"{said}.")
    if len(found) > SHOWN:
        parts.append(f"… and {len(found) - SHOWN} more in report.html.")
    return parts


def _finding(cause: Cause) -> str:
    each, row = cause.lead, cause.lead.requirement
    said = f"<b>{row.id}</b> {row.topic} ({row.level}) {escape(row.statement)}"
    head = f"<b>{escape(cause.title)}</b>" if cause.title else said
    said_new = f"{mark(each)}: " if mark(each) else ""
    lines = [f"<details><summary>{_SIGNS[each.verdict]} {said_new}{head}</summary>", ""]
    if cause.title:
        lines += [said, ""]
    if each.reason:
        lines += [escape(each.reason), ""]
    if what := advice(cause):
        lines += [f"What to do: {escape(what)}", ""]
    for finding in each.findings[:1]:
        lines += [
            f"- kind: {finding.kind} ({KIND_MEANINGS[finding.kind]})",
            f"- expected: {code(finding.expected)}",
            f"- actual: {code(actual_text(finding.actual))}",
            f"- at: {code(finding.pointer or 'the whole answer')}",
            f"- says so: {escape(place(row))}",
            f"- sources: {', '.join([*row.sources, *row.rulings[:1]])}",
            *([f"- also concerns: {_some(cause.others)}"] if cause.others else []),
            "",
            fenced(finding.curl, "sh"),
            "",
        ]
    return "\n".join([*lines, "</details>"])


def _unproved(result: RunResult) -> list[str]:
    found = unproved(result)
    if not found:
        return []
    lines = []
    for reason, rows in found.items():
        curls = (f": {code(row.shown.curl)}" for row in rows if row.shown is not None)
        ids = _some([row.requirement.id for row in rows])
        lines.append(f"- {escape(reason)}: {ids}{next(curls, '')}")
    count = sum(map(len, found.values()))
    return [f"## Obligations that could not be exercised ({count})", "\n".join(lines)]


def _waived(result: RunResult) -> list[str]:
    lines = [
        f"- {each.requirement.id} ({each.requirement.level}) "
        f"{escape(each.requirement.statement)} Waived: {escape(each.reason or '')}"
        for each in result.requirements
        if each.verdict == "waived"
    ]
    parts = [f"## Waived ({len(lines)})", "\n".join(lines)] if lines else []
    return [*parts, *(f"{sentence(said)}." for said in waiver_sentences(result))]


def _some(ids: Sequence[str], most: int = 12) -> str:
    more = len(ids) - most
    return ", ".join(ids[:most]) + (f" and {more} more" if more > 0 else "")


def _footer(result: RunResult) -> str:
    return f"Run it again: {code(again(result))}"


def escape(text: str) -> str:
    """Text as text: neither Markdown nor HTML of a target takes effect."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#~!@])", r"\\\1", flat)


def code(text: str) -> str:
    """Text in backticks, however many it holds itself, and safe in a table."""
    flat = " ".join(text.split()).replace("|", "¦")
    fence = "`" * (max(map(len, re.findall(r"`+", flat)), default=0) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def fenced(text: str, language: str = "") -> str:
    """Text as a block that it cannot break out of."""
    fence = "`" * max(3, max(map(len, re.findall(r"`+", text)), default=0) + 1)
    return f"{fence}{language}\n{text}\n{fence}"
