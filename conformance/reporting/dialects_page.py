"""dialects.html: one page that shows the dialects of a target side by side."""

from functools import cache
from pathlib import Path

from aios_conformance.conformance.reporting.compared import (
    Cell,
    ComparedRow,
    Comparison,
    DialectOutcome,
    sources,
    why,
)
from aios_conformance.conformance.reporting.html_rows import pill
from aios_conformance.conformance.reporting.json_report import suite_version
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.wording import counts_line
from aios_conformance.conformance.terms.result import RequirementResult, Verdict

_STYLE = """
main.wide, header.wide { max-width: 90rem; }
.sides td, .sides th { overflow-wrap: anywhere; }
.sides td .how { color: var(--soft); font-size: .82rem; margin-top: .35rem; }
.sides th[scope="row"] { color: var(--ink); min-width: 12rem; }
.sides th.of { background: var(--sunk); color: var(--ink); }
.sides tr.differs th[scope="row"] { border-left: 4px solid var(--fail); }
@media (max-width: 60rem) {
  .sides, .sides tbody, .sides tr, .sides th, .sides td { display: block; }
  .sides thead { display: none; }
  .sides td { display: grid; grid-template-columns: 7rem 1fr; gap: .2rem .6rem; border-top: 0; }
  .sides td::before { content: attr(data-of); color: var(--soft); font-size: .82rem; }
  .sides td > * { grid-column: 2; }
  .sides tr > :first-child { border-top: 1px solid var(--line); }
}
"""  # noqa: E501


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
            class_=f"claim tone-{_tone(comparison)}",
        ),
        class_="top wide",
    )


def _tone(comparison: Comparison) -> Verdict:
    """Green where every contract is kept, red where none is and some are broken."""
    results = [each.result for each in comparison.judgements if each.result is not None]
    kept = [each.complete and each.claim != "none" for each in results]
    if any(row.differs for row in comparison.rows) or (any(kept) and not all(kept)):
        return "warn"
    if kept and all(kept):
        return "pass"
    is_broken = any(each.summary["fail"] or each.summary["error"] for each in results)
    return "fail" if is_broken else "inconclusive"


def _dialects(comparison: Comparison) -> Markup:
    head = tag("tr", [tag("th", each) for each in ("Dialect", "Claim", "Verdicts")])
    rows = [_judgement(each) for each in comparison.judgements]
    return html(
        tag("h2", "Dialects"),
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", rows), class_="sides"),
            class_="card scroll",
            tabindex=0,
        ),
    )


def _judgement(each: DialectOutcome) -> Markup:
    if each.result is None:
        cells: list[Markup | str] = [each.dialect, "not answered", each.reason]
    else:
        link = tag("a", each.dialect, href=f"{each.dialect}/report.html")
        cells = [link, each.result.claim, each.reason or counts_line(each.result)]
    names = ("Dialect", "Claim", "Verdicts")
    shown = zip(names, cells, strict=True)
    return tag(
        "tr", [tag("td", tag("span", cell), data_of=name) for name, cell in shown]
    )


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
            tabindex=0,
        ),
    )


def _row(row: ComparedRow, names: list[str]) -> Markup:
    cells = [_cell(row.cells.get(name), name) for name in names]
    return tag(
        "tr",
        tag("th", row.promise.title, scope="row"),
        cells,
        class_="differs" if row.differs else None,
    )


def _cell(cell: Cell | None, dialect: str) -> Markup:
    if cell is None:
        return tag("td", tag("span", "not promised", class_="level"), data_of=dialect)
    ids = ", ".join(each.requirement.id for each in cell.results)
    return tag(
        "td",
        tag("span", pill(cell.verdict), title=ids),
        [_broken(each, dialect) for each in cell.broken],
        data_of=dialect,
    )


def _broken(each: RequirementResult, dialect: str) -> Markup:
    row = each.requirement
    link = tag("a", row.id, href=f"{dialect}/report.html#{row.id}")
    said = f" {row.topic} {row.level} {row.statement} {why(each)} "
    return tag("div", link, said, tag("code", sources(each)), class_="how")
