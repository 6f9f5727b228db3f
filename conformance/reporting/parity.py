"""parity.json, .md and .html: what two targets do differently, causes first."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from aios_conformance.conformance.comparing.allowed import FREE_THINGS, TOLERANCES
from aios_conformance.conformance.comparing.causes import Cause
from aios_conformance.conformance.comparing.comparison import (
    STATUSES,
    Compared,
    ParameterCompared,
)
from aios_conformance.conformance.comparing.pairs import Side
from aios_conformance.conformance.reporting import parity_page, write_report_dir
from aios_conformance.conformance.reporting.comparison_words import (
    counts,
    curl_lines,
    outcome,
    shown_status,
    spans,
)
from aios_conformance.conformance.reporting.json_report import NAME, suite_version
from aios_conformance.conformance.reporting.markdown import code, escape
from aios_conformance.conformance.reporting.presentable import plain

SCHEMA_VERSION = 1
STEM = "parity"


@dataclass(frozen=True, slots=True)
class Naming:
    """What the files of a comparison are called, and where both reports lie."""

    stem: str = STEM
    title: str = "Parity of two targets"
    reports: Mapping[str, str] = field(
        default_factory=lambda: {"A": "report.html", "B": "against/report.html"}
    )


PARITY = Naming()


def write_files(
    compared: Compared,
    directory: Path,
    naming: Naming = PARITY,
    redact: Callable[[str], str] = str,
) -> None:
    """Write the three files; `redact` takes secrets out of a text.

    Raises OptionError when the folder cannot be written.
    """
    texts = {
        "json": render_json(compared, naming),
        "md": render_markdown(compared, naming),
        "html": parity_page.render(compared, naming.title, naming.reports),
    }
    files = ((f"{naming.stem}.{kind}", redact(text)) for kind, text in texts.items())
    write_report_dir(directory, files)


def render_json(compared: Compared, naming: Naming = PARITY) -> str:
    """The comparison as JSON text."""
    one, other = compared.one, compared.other
    data = {
        "schema_version": SCHEMA_VERSION,
        "suite": {"name": NAME, "version": suite_version()},
        "same": not compared.differs,
        "sentence": outcome(compared),
        "a": _side(one, naming),
        "b": _side(other, naming),
        "dialect": one.dialect,
        "preset": one.report["preset"],
        "seed": one.report["seed"],
        "tolerances": [
            {"name": name, "value": value, "about": about}
            for name, value, about in TOLERANCES
        ],
        "free": list(FREE_THINGS),
        "pairs": compared.pairs,
        "same_pairs": compared.same,
        "free_texts": compared.free,
        "not_compared": [
            {"reason": reason, "requests": count}
            for reason, count in compared.left.items()
        ],
        "causes": [
            _cause(n, each, compared) for n, each in enumerate(compared.causes, 1)
        ],
        "requirements": [
            {
                "id": row.id,
                "topic": row.topic,
                "level": row.level,
                "statement": row.statement,
                "status": row.status,
                "verdict_a": row.verdicts[0],
                "verdict_b": row.verdicts[1],
                "causes": list(row.causes),
            }
            for row in compared.rows
        ],
        "parameters": [
            {
                "api": each.api,
                "name": each.name,
                "requests": each.asked,
                "status": each.status,
                "causes": list(each.causes),
            }
            for each in compared.parameters
        ],
    }
    return orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n"


def _side(side: Side, naming: Naming) -> dict[str, Any]:
    report = side.report
    return {
        "url": side.url,
        "server": report["target"]["server"],
        "models": report["target"]["models"],
        "claim": report["claim"],
        "complete": report["complete"],
        "summary": report["summary"],
        "requests": report["usage"]["requests"],
        "report": naming.reports[side.name],
        "started": report["started"],
    }


def _cause(number: int, cause: Cause, compared: Compared) -> dict[str, Any]:
    example = cause.example
    lines = curl_lines(cause, compared)
    return {
        "number": number,
        "kind": cause.kind,
        "title": cause.title,
        "counts": cause.counts,
        "excuse": cause.excuse or None,
        "apis": list(cause.apis),
        "requests": len(cause.found),
        "of": cause.of,
        "pointer": cause.pointer,
        "subject": cause.subject or None,
        "requirements": list(cause.rows),
        "also": list(cause.also),
        "a": plain(example[1].one) if example else None,
        "b": plain(example[1].other) if example else None,
        "exchange_a": example[0].one.id if example else None,
        "exchange_b": example[0].other.id if example else None,
        "curl_a": lines and lines[0],
        "curl_b": lines and lines[1],
    }


def render_markdown(compared: Compared, naming: Naming = PARITY) -> str:
    """The comparison as a page of Markdown: causes, parameters, rows that differ."""
    parts = [
        f"# {naming.title}",
        _targets(compared, naming),
        f"**{escape(outcome(compared))}** {escape(counts(compared))}",
        *_causes(compared),
        "## Parameters",
        _parameters(compared.parameters),
        "## Requirements",
        _rows(compared),
        "## What counts as the same",
        "\n".join(
            f"- {name}: {f'within {value:g}' if value else 'exactly'}, {escape(about)}"
            for name, value, about in TOLERANCES
        ),
        "Free are " + "; ".join(map(escape, FREE_THINGS)) + ".",
    ]
    if compared.left:
        left = (f"- {n} requests: {escape(why)}" for why, n in compared.left.items())
        parts += ["## What could not be compared", "\n".join(left)]
    return "\n\n".join(parts) + "\n"


def _targets(compared: Compared, naming: Naming) -> str:
    a, b = code(compared.one.url), code(compared.other.url)
    links = naming.reports
    return f"A is {a} ([report]({links['A']})), B is {b} ([report]({links['B']}))."


def _causes(compared: Compared) -> list[str]:
    parts = ["## What differs"] if compared.causes else []
    for number, cause in enumerate(compared.causes, 1):
        lines = [f"{number}. **{_spans(cause.title)}**"]
        if cause.found:
            apis = ", ".join(cause.apis)
            lines.append(f"   {len(cause.found)} of {cause.of} requests, {apis}.")
        if cause.also:
            lines.append(f"   With it: {_spans('; '.join(cause.also))}.")
        if cause.excuse:
            lines.append(f"   Does not count: {escape(cause.excuse)}.")
        if lines_of := curl_lines(cause, compared):
            shown = "\n".join(lines_of)
            lines += ["", "   ```", *(f"   {x}" for x in shown.splitlines()), "   ```"]
        parts.append("\n".join(lines))
    return parts


def _spans(text: str) -> str:
    parts = (code(x) if is_code else escape(x) for is_code, x in spans(text))
    return " ".join(filter(None, parts))


def _parameters(parameters: Sequence[ParameterCompared]) -> str:
    lines = ["| API | parameter | requests | | causes |", "|---|---|---:|---|---|"]
    for each in parameters:
        numbers = ", ".join(map(str, each.causes))
        status = _bold(each.status)
        lines.append(
            f"| {each.api} | {code(each.name)} | {each.asked} | {status} | {numbers} |"
        )
    return "\n".join(lines)


def _rows(compared: Compared) -> str:
    found = Counter(row.status for row in compared.rows)
    said = ", ".join(f"{found[s]} {shown_status(s)}" for s in STATUSES if found[s])
    lines = [
        f"{said}.",
        "",
        "| requirement | A | B | | causes |",
        "|---|---|---|---|---|",
    ]
    for row in compared.rows:
        if row.status in ("same", "not compared"):
            continue
        numbers = ", ".join(map(str, row.causes))
        a, b = (each or "-" for each in row.verdicts)
        lines.append(
            f"| {row.id} {row.topic} | {a} | {b} | {_bold(row.status)} | {numbers} |"
        )
    return "\n".join(lines if len(lines) > 4 else lines[:1])


def _bold(status: str) -> str:
    return status if status in ("same", "not compared") else f"**{status}**"
