"""dialects.html: one page that shows the dialects of a target side by side."""

from aios_conformance.conformance.reporting.compared import (
    Cell,
    ComparedRow,
    Comparison,
    DialectOutcome,
    sources,
    why,
)
from aios_conformance.conformance.reporting.html_rows import pill
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import page, table, top
from aios_conformance.conformance.reporting.wording import counts_line
from aios_conformance.conformance.terms.result import RequirementResult, Verdict


def render(comparison: Comparison) -> str:
    """The page; it loads nothing."""
    return page(
        f"Dialects of {comparison.url}",
        top(
            "One target, several contracts",
            comparison.sentence,
            _tone(comparison),
            (
                tag("span", "Target ", tag("b", comparison.url)),
                tag("span", comparison.cost),
            ),
            wide=True,
        ),
        tag("main", _dialects(comparison), _table(comparison), class_="wide"),
        style="dialects.css",
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
    rows = [_judgement(each) for each in comparison.judgements]
    return html(
        tag("h2", "Dialects"), table(("Dialect", "Claim", "Verdicts"), rows, "sides")
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
    return html(
        tag("h2", "Promise by promise"),
        tag("p", "A red edge marks what one contract keeps and another breaks."),
        table(("Promise", *names), rows, "sides"),
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
