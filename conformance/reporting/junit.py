"""junit.xml: a test case for each requirement, for the readers that CI systems have."""

import re
from xml.etree import ElementTree as ET

from aios_conformance.conformance.reporting.wording import (
    VERDICT_WORDS,
    actual_text,
    chosen,
    in_short,
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
            outcome = _case(suite, row)
            if outcome:
                counts[outcome] += 1
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
    }


def _case(suite: ET.Element, each: RequirementResult) -> str | None:
    """Add a case; the count that it belongs to besides `tests`."""
    row = each.requirement
    case = ET.SubElement(
        suite, "testcase", classname=f"{SUITE}.{row.api}", name=row.id, time="0"
    )
    short = _legal(in_short(each))
    outcome = None
    if each.verdict == "fail":
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
        told = f"{each.verdict}\n{_text(each)}"
        ET.SubElement(case, "system-out").text = _legal(told)
    return outcome


def _text(each: RequirementResult) -> str:
    row = each.requirement
    lines = [
        f"{row.level} {row.statement}",
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
