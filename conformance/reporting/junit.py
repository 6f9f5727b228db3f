"""junit.xml: a test case for each requirement, for the readers that CI systems have."""

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

from aios_conformance.conformance.reporting.wording import (
    VERDICT_WORDS,
    actual_text,
    chosen,
    edition_words,
    in_short,
    mark,
    place,
)
from aios_conformance.conformance.terms.result import RequirementResult, RunResult

SUITE = "aios-conformance"
_ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(result: RunResult) -> str:
    """One suite for each API, one case for each row that can pass or fail."""
    result = chosen(result)
    root = ET.Element("testsuites", name=SUITE)
    by_api: dict[str, list[RequirementResult]] = {}
    for each in result.requirements:
        if each.verdict != "info":
            by_api.setdefault(each.requirement.api, []).append(each)
    took = {each.id: each.total_s for each in result.exchanges}
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for api, rows in by_api.items():
        suite = ET.SubElement(
            root, "testsuite", name=f"{SUITE}.{api}", timestamp=result.started
        )
        counts = {"tests": len(rows), "failures": 0, "errors": 0, "skipped": 0}
        properties = ET.SubElement(suite, "properties")
        for name, value in _properties(result).items():
            ET.SubElement(properties, "property", name=name, value=_legal(value))
        for row in rows:
            outcome = _case(suite, row, _seconds(row, took))
            if outcome:
                counts[outcome] += 1
        seconds = sum(float(case.get("time", "0")) for case in suite.iter("testcase"))
        suite.set("time", f"{seconds:.3f}")
        for name, count in counts.items():
            suite.set(name, str(count))
            totals[name] += count
    for name, count in totals.items():
        root.set(name, str(count))
    root.set("time", f"{result.duration_s:.3f}")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ("<?xml version='1.0' encoding='utf-8'?>\n", "\n")
    )


def _properties(result: RunResult) -> dict[str, str]:
    return {
        "target": result.url,
        "dialect": result.dialect,
        "preset": result.preset,
        "seed": str(result.seed),
        "claim": result.claim,
        "complete": str(result.complete).lower(),
        "edition": edition_words(result),
    }


def _seconds(each: RequirementResult, took: Mapping[str, float]) -> float:
    """How long the target took for the exchanges that a row names.

    One that judges several rows counts for each of them.
    """
    ids = {name for check in each.coverage for name in check.exchanges}
    ids.update(finding.exchange for finding in each.findings)
    return sum(took.get(name, 0.0) for name in ids)


def _case(suite: ET.Element, each: RequirementResult, seconds: float) -> str | None:
    """Add a case; the count that it belongs to besides `tests`."""
    row = each.requirement
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{SUITE}.{row.api}",
        name=row.id,
        time=f"{seconds:.3f}",
    )
    short = _legal(in_short(each))
    outcome = None
    if each.verdict != "pass" and not each.is_scored:
        outcome, tag, kind = "skipped", "skipped", mark(each)
        short = f"{kind}, {VERDICT_WORDS[each.verdict]}: {short}"
    elif each.change == "known" and each.verdict == "fail":
        outcome, tag, kind = "skipped", "skipped", mark(each)
        short = f"{kind}: {short}"
    elif each.is_lost:
        outcome, tag, kind = "failures", "failure", "lost since the baseline"
    elif each.verdict == "fail":
        outcome, tag, kind = "failures", "failure", f"{row.level} broken"
    elif each.verdict == "error":
        outcome, tag, kind = "errors", "error", "suite error"
    elif each.verdict in {"inconclusive", "not_applicable", "waived"}:
        outcome, tag, kind = "skipped", "skipped", VERDICT_WORDS[each.verdict]
        short = f"{kind}: {short}" if short else kind
    if outcome:
        node = ET.SubElement(case, tag, type=kind, message=short)
        node.text = _legal(_text(each)) or None
    if each.verdict in {"warn", "unstable"}:
        told = f"{' '.join(filter(None, [each.verdict, mark(each)]))}\n{_text(each)}"
        ET.SubElement(case, "system-out").text = _legal(told)
    return outcome


def _text(each: RequirementResult) -> str:
    row = each.requirement
    lines = [
        f"{row.level} {row.statement}",
        f"where: {place(row)}",
        f"sources: {', '.join(row.sources)}"
        + (f" ({row.ruling})" if row.ruling else ""),
    ]
    if each.reason:
        lines.append(f"reason: {each.reason}")
    for finding in each.findings:
        lines += [
            "",
            f"{finding.kind} at {finding.pointer or '(whole answer)'}",
            f"expected: {finding.expected}",
            f"actual:   {actual_text(finding.actual)}",
            f"reproduce: {finding.curl}",
        ]
    return "\n".join(lines)


def _legal(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return _ILLEGAL.sub("\ufffd", text)
