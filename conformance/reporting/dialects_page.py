"""dialects.html: one page that shows the dialects of a target side by side."""

from functools import cache
from pathlib import Path

from aios_conformance.conformance.reporting.compared import (
    Cell,
    Comparison,
    DialectOutcome,
    Row,
    sources,
    why,
)
from aios_conformance.conformance.reporting.html_rows import pill
from aios_conformance.conformance.reporting.json_report import suite_version
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.wording import counts_line
from aios_conformance.conformance.terms.result import RequirementResult

_STYLE = """
main.wide, header.wide { max-width: 90rem; }
.sides td { min-width: 11rem; overflow-wrap: anywhere; }
.sides td .how { color: var(--soft); font-size: .82rem; margin-top: .35rem; }
.sides th[scope="row"] { color: var(--ink); min-width: 12rem; }
.sides th.of { background: var(--sunk); color: var(--ink); }
.sides tr.differs th[scope="row"] { border-left: 4px solid var(--fail); }
"""


def render(comparison: Comparison) -> str:
    """The page; it loads nothing."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"Dialects of {comparison.url}"),
        tag("style", Markup(_style() + _STYLE)),
    )
    body = tag(
        "body",
        _top(comparison),
        tag("main", _dialects(comparison), _table(comparison), class_="wide"),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


@cache
def _style() -> str:
    return (Path(__file__).parent / "report.css").read_text("utf-8")


def _top(comparison: Comparison) -> Markup:
    is_split = any(row.differs for row in comparison.rows)
    tone = "warn" if is_split else "pass" if comparison.names else "inconclusive"
    return tag(
        "header",
        tag("div", tag("span", "aios-conformance ", suite_version()), class_="brand"),
        tag(
            "div",
            tag("h1", "One target, several contracts"),
            tag("p", comparison.sentence, class_="sentence"),
            tag(
                "div",
                tag("span", "Target ", tag("b", comparison.url)),
                tag("span", comparison.cost),
                class_="facts",
            ),
            class_=f"claim tone-{tone}",
        ),
        class_="top wide",
    )


def _dialects(comparison: Comparison) -> Markup:
    head = tag("tr", [tag("th", each) for each in ("Dialect", "Claim", "Verdicts")])
    rows = [_judgement(each) for each in comparison.judgements]
    return html(
        tag("h2", "Dialects"),
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", rows)),
            class_="card scroll",
        ),
    )


def _judgement(each: DialectOutcome) -> Markup:
    if each.result is None:
        cells: list[Markup | str] = [each.dialect, "not answered", each.reason]
    else:
        link = tag("a", each.dialect, href=f"{each.dialect}/report.html")
        cells = [link, each.result.claim, each.reason or counts_line(each.result)]
    return tag("tr", [tag("td", cell) for cell in cells])


def _table(comparison: Comparison) -> Markup | None:
    names = comparison.names
    if not names:
        return None
    rows: list[Markup] = []
    group = ""
    for row in comparison.rows:
        if row.promise.group != group:
            group = row.promise.group
            title = tag("th", group, class_="of", colspan=len(names) + 1)
            rows.append(tag("tr", title))
        rows.append(_row(row, names))
    head = tag("tr", tag("th", "Promise"), [tag("th", name) for name in names])
    return html(
        tag("h2", "Promise by promise"),
        tag("p", "A red edge marks what one contract keeps and another breaks."),
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", rows), class_="sides"),
            class_="card scroll",
        ),
    )


def _row(row: Row, names: list[str]) -> Markup:
    cells = [_cell(row.cells.get(name), name) for name in names]
    return tag(
        "tr",
        tag("th", row.promise.title, scope="row"),
        cells,
        class_="differs" if row.differs else None,
    )


def _cell(cell: Cell | None, dialect: str) -> Markup:
    if cell is None:
        return tag("td", "not promised", class_="level")
    ids = ", ".join(each.requirement.id for each in cell.results)
    return tag(
        "td",
        tag("span", pill(cell.verdict), title=ids),
        [_broken(each, dialect) for each in cell.broken],
    )


def _broken(each: RequirementResult, dialect: str) -> Markup:
    row = each.requirement
    link = tag("a", row.id, href=f"{dialect}/report.html#{row.id}")
    said = f" {row.topic} {row.level} {row.statement} {why(each)} "
    return tag("div", link, said, tag("code", sources(each)), class_="how")
