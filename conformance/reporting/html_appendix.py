"""report.html, what follows the requirements: readings, cost, method, footer."""

from collections.abc import Iterable, Mapping
from typing import Any

from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import cells, table
from aios_conformance.conformance.reporting.wording import again
from aios_conformance.conformance.terms.result import RequirementResult, RunResult
from aios_conformance.spec import LEVEL_RULE, requirements_sha256, sources


def behaviour(result: RunResult) -> Markup | None:
    """Which readings the target follows, and what it does of its own."""
    read = [each for each in result.requirements if each.reading]
    if not read:
        return None
    accepted = [each for each in read if each.verdict != "info"]
    free = [each for each in read if each.verdict == "info"]
    return html(
        tag("h2", "How the target reads the documents"),
        tag(
            "div",
            _readings("Where the documents contradict themselves", accepted),
            _readings("Where the documents leave it open", free),
            class_="card",
        ),
    )


def _readings(title: str, rows: Iterable[RequirementResult]) -> Markup | None:
    lines = [
        cells(
            tag("a", each.requirement.id, href=f"#{each.requirement.id}"),
            each.requirement.statement,
            each.reading,
        )
        for each in rows
    ]
    if not lines:
        return None
    head = ("Requirement", "Statement", "The target")
    return _folded(f"{title} ({len(lines)})", table(head, lines, frame="scroll"))


def _folded(title: str, *content: Markup) -> Markup:
    return tag(
        "details",
        tag("summary", title),
        tag("div", *content, class_="inner"),
        class_="plain",
    )


def costs(result: RunResult) -> Markup:
    """What the run spent, and how quick the target was."""
    usage = result.usage
    spent = (
        f"{usage.requests} requests, {usage.prompt_tokens} prompt tokens, "
        f"{usage.completion_tokens} completion tokens; "
        f"{usage.shrink_requests} more requests to make failing examples small."
    )
    measures = dict.fromkeys(m for each in result.timing.values() for m in each)
    columns = {
        measure: dict.fromkeys(
            name
            for each in result.timing.values()
            for name in each.get(measure, {})
            if name != "count"
        )
        for measure in measures
    }
    flat = [(measure, name) for measure, names in columns.items() for name in names]
    lines = [
        tag(
            "tr",
            tag("td", tag("code", operation)),
            tag("td", _count(each), class_="number"),
            [
                tag("td", _number(each.get(measure, {}).get(name)), class_="number")
                for measure, name in flat
            ],
        )
        for operation, each in result.timing.items()
    ]
    groups = tag(
        "tr",
        tag("th", "Operation", rowspan=2),
        tag("th", "Answers", rowspan=2, class_="number"),
        [
            tag("th", _measure(measure), colspan=len(names), class_="group")
            for measure, names in columns.items()
        ],
    )
    names = tag("tr", [tag("th", name, class_="number") for _, name in flat])
    return html(
        tag("h2", "Cost and timing"),
        tag("p", spent),
        table(html(groups, names), lines) if lines else None,
    )


def _count(measures: Mapping[str, Any]) -> str:
    counts = [each["count"] for each in measures.values() if "count" in each]
    return str(int(max(counts))) if counts else ""


def _measure(name: str) -> str:
    words = {"ttft_ms": "First byte, ms", "total_ms": "Whole answer, ms"}
    return words.get(name, name)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def method(result: RunResult) -> Markup:
    """Where levels come from, the documents, and what was not judged."""
    excluded = [
        tag("tr", tag("td", tag("code", each.id)), tag("td", each.excluded or ""))
        for each in result.excluded
    ]
    rows = [*(each.requirement for each in result.requirements), *result.excluded]
    cited = {each.partition(":")[0] for row in rows for each in row.sources}
    documents = [
        tag(
            "li",
            tag("code", source.id),
            f" {source.title}, {source.date or 'undated'}, SHA-256 ",
            tag("code", source.sha256[:16]),
            "… ",
            tag("a", source.address, href=source.address) if source.address else None,
        )
        for source in sources().values()
        if source.id in cited
    ]
    rule = [tag("p", part) for part in LEVEL_RULE.strip().split("\n\n")]
    return html(
        tag("h2", "How to read this report"),
        tag(
            "div",
            _folded("Where the levels come from", *rule),
            tag(
                "details",
                tag("summary", "The documents that are the law"),
                tag("div", tag("ul", documents), class_="inner"),
                class_="plain told",  # paper follows no link
            ),
            _folded(
                f"Requirements that cannot be seen on the wire ({len(excluded)})",
                tag(
                    "div",
                    tag("table", tag("tbody", excluded)),
                    class_="scroll",
                    tabindex=0,
                ),
            )
            if excluded
            else None,
            class_="card",
        ),
    )


def footer(result: RunResult) -> Markup:
    """How to run it again, and how to dispute a verdict."""
    return tag(
        "footer",
        tag("p", "Run it again: ", tag("code", again(result))),
        tag(
            "p",
            "A verdict can be disputed by its id: its sources and its ruling stand "
            "with it, and exchanges.jsonl beside this file holds what was sent and "
            f"answered. Requirements SHA-256 "
            f"{requirements_sha256(result.dialect)[:16]}….",
        ),
    )
