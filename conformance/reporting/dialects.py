"""One target under several contracts: where it keeps one and breaks another, and why.

A comparison is made of results, one for each dialect, and is written as
dialects.json, dialects.md and dialects.html beside the folders of the runs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from aios_conformance.conformance.reporting import dialects_page, write_report_dir
from aios_conformance.conformance.reporting.compared import (
    Cell,
    ComparedRow,
    Comparison,
    DialectOutcome,
    sources,
    why,
)
from aios_conformance.conformance.reporting.json_report import (
    NAME,
    suite_version,
)
from aios_conformance.conformance.reporting.markdown import code, escape
from aios_conformance.conformance.reporting.presentable import plain
from aios_conformance.conformance.reporting.wording import VERDICT_WORDS, counts_line
from aios_conformance.conformance.terms.result import RequirementResult

SCHEMA_VERSION = 1
STEM = "dialects"


def write_comparison(comparison: Comparison, directory: Path) -> None:
    """Write the three files. Raises OptionError when the folder cannot be written."""
    texts = [
        (f"{STEM}.json", render_json(comparison)),
        (f"{STEM}.md", render_markdown(comparison)),
        (f"{STEM}.html", dialects_page.render(comparison)),
    ]
    write_report_dir(directory, texts)


def render_json(comparison: Comparison) -> str:
    """The comparison as JSON text."""
    data = {
        "schema_version": SCHEMA_VERSION,
        "suite": {"name": NAME, "version": suite_version()},
        "target": comparison.url,
        "requests": comparison.requests,
        "requests_apart": comparison.apart,
        "dialects": [_judgement(each) for each in comparison.judgements],
        "promises": [_row(each) for each in comparison.rows],
    }
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n"


def _judgement(each: DialectOutcome) -> dict[str, Any]:
    result = each.result
    said: dict[str, Any] = {
        "dialect": each.dialect,
        "answered": result is not None,
        "reason": each.reason,
        "exit_code": each.exit_code,
    }
    if result is None:
        return said
    return said | {
        "claim": result.claim,
        "complete": result.complete,
        "summary": dict(result.summary),
        "requests": result.usage.requests,
        "report": f"{each.dialect}/report.html",
    }


def _row(row: ComparedRow) -> dict[str, Any]:
    return {
        "group": row.promise.group,
        "promise": row.promise.title,
        "differs": row.differs,
        "dialects": {name: _cell(cell) for name, cell in row.cells.items()},
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "verdict": cell.verdict,
        "requirements": [_requirement(each) for each in cell.results],
    }


def _requirement(each: RequirementResult) -> dict[str, Any]:
    row = each.requirement
    found = each.findings[0] if each.findings else None
    return {
        "id": row.id,
        "level": str(row.level),
        "statement": row.statement,
        "verdict": each.verdict,
        "reason": each.reason,
        "sources": list(row.sources),
        "rulings": list(row.rulings),
        "finding": found
        and {
            "kind": found.kind,
            "expected": found.expected,
            "actual": plain(found.actual),
            "pointer": found.pointer,
            "exchange": found.exchange,
        },
    }


def render_markdown(comparison: Comparison) -> str:
    """The comparison as tables: the dialects, the promises, and what breaks where."""
    parts = [
        f"# Dialects of {code(comparison.url)}",
        f"{escape(comparison.sentence)} {comparison.cost}",
        _dialects(comparison.judgements),
        *_promises(comparison),
        *_differences(comparison),
    ]
    return "\n\n".join(parts) + "\n"


def _dialects(judgements: Sequence[DialectOutcome]) -> str:
    lines = ["| dialect | claim | verdicts |", "|---|---|---|"]
    for each in judgements:
        if each.result is None:
            lines.append(f"| {each.dialect} | not answered | {escape(each.reason)} |")
            continue
        linked = f"[{each.dialect}]({each.dialect}/report.md)"
        verdicts = escape(each.reason) if each.reason else counts_line(each.result)
        lines.append(f"| {linked} | {escape(each.result.claim)} | {verdicts} |")
    return "\n".join(lines)


def _promises(comparison: Comparison) -> list[str]:
    names = comparison.names
    if not names:
        return []
    lines = [
        f"| promise | {' | '.join(names)} | |",
        f"|---|{'---|' * len(names)}---|",
    ]
    group = ""
    for row in comparison.rows:
        if row.promise.group != group:
            group = row.promise.group
            lines.append(f"| **{group}** |{' |' * len(names)} |")
        words = [_word(row.cells, name) for name in names]
        mark = "differs" if row.differs else ""
        lines.append(f"| {escape(row.promise.title)} | {' | '.join(words)} | {mark} |")
    return ["## Promise by promise", "\n".join(lines)]


def _word(cells: Mapping[str, Cell], name: str) -> str:
    if name not in cells:
        return "not promised"
    word = VERDICT_WORDS[cells[name].verdict]
    return f"**{word}**" if cells[name].is_broken else word


def _differences(comparison: Comparison) -> list[str]:
    rows = [row for row in comparison.rows if row.differs]
    if not rows:
        return []
    parts = ["## Kept in one contract, broken in another"]
    for row in rows:
        kept = [name for name, cell in row.cells.items() if cell.verdict == "pass"]
        title = escape(f"{row.promise.group}: {row.promise.title}")
        lines = [f"**{title}**, kept in {', '.join(kept)}", ""]
        for name, cell in row.cells.items():
            lines += [f"- {name}: {_broken(each)}" for each in cell.broken]
        parts.append("\n".join(lines))
    return parts


def _broken(each: RequirementResult) -> str:
    row = each.requirement
    return (
        f"{VERDICT_WORDS[each.verdict]} {row.id} {row.topic} ({row.level}) "
        f"{escape(row.statement)} {escape(why(each))} ({sources(each)})"
    )
