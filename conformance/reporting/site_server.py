"""A server's page in the history: what is broken now, what broke when, every trend."""

from collections.abc import Sequence

from aios_conformance.conformance.comparing.history import (
    History,
    Segment,
    api_of_row,
    api_title,
    broken_first,
)
from aios_conformance.conformance.comparing.run_records import RowRecord
from aios_conformance.conformance.reporting.html_rows import pill
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import page, table, top
from aios_conformance.conformance.reporting.site_index import (
    LEVELS,
    Links,
    about,
    break_cells,
    cut_words,
    run_claim,
    run_links,
)

RUNS_SHOWN = 100


def server_page(each: History, links: Links) -> str:
    """The page; it loads nothing."""
    runs = len(each.runs)
    return page(
        f"{each.server} under {each.dialect}",
        top(
            f"{each.server} under {each.dialect}",
            _standing(each),
            "pass" if not _failed(each) else "fail",
            before=tag("a", "All servers", href="../index.html"),
            wide=True,
        ),
        tag(
            "main",
            _broken(each, links),
            _breaks(each, links),
            _trends(each, links) if runs > 1 else None,
            _runs(each, links),
            class_="wide",
        ),
        style="site.css",
    )


def _standing(each: History) -> str:
    """What the last run came to, or the last ones where each judged other APIs."""
    count, all_ = len(each.current), len(each.runs)
    labels = ", ".join(dict.fromkeys(run.label for run in each.current))
    claims = "; ".join(map(run_claim, each.current))
    within = f" in {count} runs, each of other APIs" if count > 1 else ""
    more = "" if count == all_ > 1 else f" {all_} run{'' if all_ == 1 else 's'} in all."
    return f"{labels}{within}: {claims}.{more}"


def _failed(each: History) -> bool:
    rows = (row for run in each.current for row in run.rows.values())
    return any(row.verdict in ("fail", "error") for row in rows)


def _broken(each: History, links: Links) -> Markup:
    """The findings of the last runs by API and level, each linked to its report."""
    apis = dict.fromkeys(api_of_row(row, each.dialect) for row in each.rows)
    parts = []
    for api in apis:
        for level in LEVELS:
            broken = broken_first(each.cell(api, level))
            if not broken:
                continue
            shown = [
                tag(
                    "li",
                    pill(one.row.verdict),  # type: ignore[arg-type]
                    " ",
                    _row_link(one.row, links.report(one.run, row=one.row.id)),
                    f" {one.row.statement}",
                )
                for one in broken
            ]
            runs = {one.run.path: one.run for one in broken}.values()
            labels = ", ".join(dict.fromkeys(run.label for run in runs))
            labels += cut_words([*runs])
            name = f"{api_title(api, each.dialect)}, {level} ({labels})"
            parts.append(tag("h3", name, id=f"{api}-{level}"))
            parts.append(tag("ul", shown, class_="card finding-list"))
    if not parts:
        return tag("p", "Nothing that was judged is broken.")
    return html(tag("h2", "Broken now"), parts)


def _row_link(row: RowRecord, where: str) -> Markup:
    name = tag("code", row.id)
    return tag("a", name, href=where) if where else name


def _breaks(each: History, links: Links) -> Markup | None:
    if not each.breaks:
        return None
    rows = [tag("tr", break_cells(one, links)) for one in each.breaks]
    titles = ("Requirement", "Kept until", "Broken since", "")
    return html(tag("h2", "What broke, and when"), table(titles, rows, "runs"))


def _trends(each: History, links: Links) -> Markup:
    """Every requirement over the runs; those whose verdict never changed below."""
    trends = {row: each.trend(row) for row in each.rows}
    moved = {row: found for row, found in trends.items() if len(found) > 1}
    steady = {row: found for row, found in trends.items() if len(found) == 1}
    parts = [tag("h2", "Trend of each requirement", id="trends")]
    parts.append(tag("p", "From the first run to the last; a part leads to its first."))
    if moved:
        parts.append(_trend_table(each, moved, links))
    else:
        parts.append(tag("p", "No verdict has ever changed."))
    if steady:
        name = f"{len(steady)} whose verdict never changed"
        inner = tag("div", _trend_table(each, steady, links), class_="inner")
        parts.append(tag("details", tag("summary", name), inner, class_="plain card"))
    return html(parts)


def _trend_table(
    each: History, trends: dict[str, list[Segment]], links: Links
) -> Markup:
    rows = [
        tag(
            "tr", tag("td", about(each.rows[row])), tag("td", _trend(row, found, links))
        )
        for row, found in trends.items()
    ]
    return table(("Requirement", "Runs"), rows, "runs")


def _trend(row: str, segments: Sequence[Segment], links: Links) -> Markup:
    parts = []
    for segment in segments:
        first, last = segment.runs[0], segment.runs[-1]
        where = links.report(first, row=row)
        span = first.label if first is last else f"{first.label} to {last.label}"
        parts.append(
            tag(
                "a" if where else "span",
                segment.verdict,
                href=where or None,
                title=f"{segment.verdict} in {len(segment.runs)} runs, {span}",
                style=f"flex-grow:{len(segment.runs)}",
                class_=f"tone-{segment.verdict}",
            )
        )
    return tag("div", parts, class_="trend")


def _runs(each: History, links: Links) -> Markup:
    rows = [
        tag(
            "tr",
            tag("td", run.report.started[:16].replace("T", " "), class_="when"),
            tag("td", run.label),
            tag("td", run_claim(run)),
            tag("td", run_links(run, links)),
            tag("td", tag("code", run.reproduce)),
        )
        for run in list(reversed(each.runs))[:RUNS_SHOWN]
    ]
    more = len(each.runs) - RUNS_SHOWN
    return html(
        tag("h2", "Runs"),
        table(("Date", "Version", "Claim", "Pages", "Reproduce"), rows, "runs"),
        tag("p", f"… and {more} earlier ones in the index.") if more > 0 else None,
    )
