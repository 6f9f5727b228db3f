"""report.md: a summary page for CI systems and pull requests."""

import re
from collections.abc import Sequence

from aios_conformance.conformance.reporting.causes import Cause, causes, counted
from aios_conformance.conformance.reporting.wording import (
    KIND_MEANINGS,
    VERDICT_WORDS,
    actual_text,
    again,
    api_rows,
    chosen,
    claim_sentence,
)
from aios_conformance.conformance.terms.result import RunResult

SHOWN = 25
_SIGNS = {"fail": "❌", "warn": "⚠️", "error": "💥", "unstable": "🎲"}


def render(result: RunResult) -> str:
    """Claim, table of verdicts, what needs attention, and how to run it again."""
    result = chosen(result)
    parts = [
        f"# AIOS conformance: {_claim(result)}",
        claim_sentence(result),
        _facts(result),
        _table(result),
        *_attention(result),
        *_unproved(result),
        _footer(result),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _claim(result: RunResult) -> str:
    return result.claim if result.complete else f"{result.claim} (incomplete)"


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
    return "\n".join(lines)


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
    lines = [f"<details><summary>{_SIGNS[each.verdict]} {head}</summary>", ""]
    if cause.title:
        lines += [said, ""]
    if each.reason:
        lines += [escape(each.reason), ""]
    for finding in each.findings[:1]:
        lines += [
            f"- kind: {finding.kind} ({KIND_MEANINGS[finding.kind]})",
            f"- expected: {code(finding.expected)}",
            f"- actual: {code(actual_text(finding.actual))}",
            f"- at: {code(finding.pointer or 'the whole answer')}",
            f"- sources: {', '.join([*row.sources, *row.rulings[:1]])}",
            *([f"- also concerns: {_some(cause.others)}"] if cause.others else []),
            "",
            fenced(finding.curl, "sh"),
            "",
        ]
    return "\n".join([*lines, "</details>"])


def _unproved(result: RunResult) -> list[str]:
    rows = [
        each
        for each in result.requirements
        if each.verdict == "inconclusive" and each.requirement.level == "MUST"
    ]
    if not rows:
        return []
    reasons: dict[str, list[str]] = {}
    curls: dict[str, str] = {}
    for each in rows:
        reasons.setdefault(each.reason or "", []).append(each.requirement.id)
        if each.shown is not None:
            curls.setdefault(each.reason or "", f": {code(each.shown.curl)}")
    lines = [
        f"- {escape(reason)}: {_some(ids)}{curls.get(reason, '')}"
        for reason, ids in reasons.items()
    ]
    return [
        f"## Obligations that could not be exercised ({len(rows)})",
        "\n".join(lines),
    ]


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
