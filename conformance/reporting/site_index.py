"""The first page of the history: servers by API and level, what broke, all runs."""

from collections.abc import Sequence
from typing import Protocol

from aios_conformance.conformance.comparing.history import (
    Break,
    History,
    api_title,
    broken_first,
)
from aios_conformance.conformance.comparing.run_records import (
    FoundRuns,
    RowRecord,
    RunRecord,
)
from aios_conformance.conformance.reporting.html_rows import pill
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import page, table, top
from aios_conformance.spec import apis

LEVELS = ("MUST", "SHOULD")
BREAKS_SHOWN = 100
CUT = "*"
"""Marks a cell for which there is no whole run."""
_OTHERS = {"parity.html": "parity", "drift.html": "drift"}


class Links(Protocol):
    """Where pages are found."""

    def report(self, run: RunRecord, page: str = ..., row: str = ...) -> str:
        """A page of a run; "" where there is none."""

    def server(self, each: History, part: str = ...) -> str:
        """A server's page."""


def counted(runs: Sequence[RunRecord]) -> str:
    """How many runs there are, of how many servers."""
    servers = len({run.server for run in runs})
    of = f"{servers} server{'' if servers == 1 else 's'}"
    return f"{len(runs)} run{'' if len(runs) == 1 else 's'} of {of}"


def index(found: FoundRuns, told: Sequence[History], links: Links) -> str:
    """The page; it loads nothing."""
    count = counted(found.runs)
    broken = sorted(
        ((each, one) for each in told for one in each.breaks),
        key=lambda pair: pair[1].bad.report.started,
        reverse=True,
    )
    still = sum(one.mended is None for _, one in broken)
    was = (
        "requirement was kept once and is"
        if still == 1
        else ("requirements were kept once and are")
    )
    said = f"{still} {was} broken now." if still else ""
    return page(
        "Conformance of servers",
        top(
            "Conformance of servers",
            f"{count}. {said}",
            "fail" if still else "info",
            wide=True,
        ),
        tag(
            "main",
            _matrices(told, links),
            _breaks(broken, links),
            _runs(found.runs, told, links),
            _skipped(found),
            class_="wide",
        ),
        style="site.css",
    )


def _matrices(told: Sequence[History], links: Links) -> list[Markup]:
    dialects = dict.fromkeys(each.dialect for each in told)
    return [
        _matrix(dialect, [each for each in told if each.dialect == dialect], links)
        for dialect in sorted(dialects, key=lambda name: (name != "aios", name))
    ]


def _matrix(dialect: str, told: Sequence[History], links: Links) -> Markup:
    """Servers by API and level under one dialect; each cell leads to its findings."""
    names = [
        name
        for name in _apis(dialect)
        if any(each.cell(name, level) for each in told for level in LEVELS)
    ]
    above = [tag("th", "Server", rowspan=2), tag("th", "Claim", rowspan=2)]
    above += [
        tag("th", api_title(name, dialect), colspan=2, class_="group") for name in names
    ]
    below = [tag("th", level) for _ in names for level in LEVELS]
    body = [_server(each, names, links) for each in told]
    said = "Requirements kept, of those judged; a cell leads to what is broken."
    if any(_is_cut(each, names) for each in told):
        said += f" {CUT} is told by a run that was cut short, for want of a whole one."
    return html(
        tag("h2", f"Servers under {dialect}"),
        tag("p", said),
        table(html(tag("tr", above), tag("tr", below)), body, "matrix"),
    )


def _is_cut(each: History, names: Sequence[str]) -> bool:
    cells = (each.cell(name, level) for name in names for level in LEVELS)
    return any(not one.run.report.complete for cell in cells for one in cell)


def _apis(dialect: str) -> list[str]:
    try:
        return ["common", *apis(dialect)]
    except Exception:  # noqa: BLE001  somebody's own dialect, which is not at hand
        return ["common"]


def _server(each: History, names: Sequence[str], links: Links) -> Markup:
    claims = "; ".join(dict.fromkeys(run.report.claim for run in each.current))
    about = html(
        tag("a", each.server, href=links.server(each)),
        tag("div", when(each.latest), class_="topic"),
    )
    cells = [_cell(each, name, level, links) for name in names for level in LEVELS]
    return tag(
        "tr",
        tag("th", about, scope="row"),
        tag("td", claims + cut_words(each.current), class_="claimed"),
        cells,
    )


def _cell(each: History, api: str, level: str, links: Links) -> Markup:
    found = each.cell(api, level)
    if not found:
        return tag("td", "-")
    broken = broken_first(found)
    first = broken[0] if broken else found[0]
    is_whole = all(one.run.report.complete for one in found)
    kept = f"{len(found) - len(broken)}/{len(found)}{'' if is_whole else CUT}"
    ids = ", ".join(f"{one.row.verdict} {one.row.id}" for one in broken[:20])
    labels = ", ".join(dict.fromkeys(one.run.label for one in found))
    said = f"{labels}: {ids or 'all kept'}{'' if is_whole else ', cut short'}"
    tone = broken[0].row.verdict if broken else "pass"
    where = links.report(first.run, row=first.row.id if broken else "requirements")
    target = where or links.server(each, f"{api}-{level}")
    return tag("td", tag("a", kept, href=target, title=said, class_=f"tone-{tone}"))


def _breaks(broken: Sequence[tuple[History, Break]], links: Links) -> Markup | None:
    """Which run of which server broke what, the latest first."""
    groups: dict[tuple[str, str], list[tuple[History, Break]]] = {}
    for each, one in broken:
        groups.setdefault((one.bad.path, each.server), []).append((each, one))
    if not groups:
        return None
    rows = [_broke(found, links) for found in [*groups.values()][:BREAKS_SHOWN]]
    more = len(groups) - BREAKS_SHOWN
    return html(
        tag("h2", "What broke, and when"),
        table(("Server", "First bad run", "After", "Broke"), rows, "runs"),
        tag("p", f"… and {more} more on the servers' pages.") if more > 0 else None,
    )


def _broke(found: Sequence[tuple[History, Break]], links: Links) -> Markup:
    """One run, and all that was kept before it and is broken in it."""
    each, first = found[0]
    goods = {one.good.path: one.good for _, one in found}
    mended = sum(one.mended is not None for _, one in found)
    plural = "" if len(found) == 1 else "s"
    said = f"{len(found)} requirement{plural}" + (
        f", {mended} mended" if mended else ""
    )
    edition = " (the requirements changed, too)" if first.is_by_edition else ""
    ids = [
        html(" " if i else "", _row(one.bad, one.row, links))
        for i, (_, one) in enumerate(found)
    ]
    inner = (tag("summary", said), ids)
    return tag(
        "tr",
        tag("td", tag("a", each.server, href=links.server(each))),
        tag("td", _run_link(first.bad, first.row.id, links), edition),
        tag("td", ", ".join(run.label for run in goods.values())),
        tag("td", tag("details", *inner, open=len(found) < 6, class_="broke")),
    )


def _row(run: RunRecord, row: RowRecord, links: Links) -> Markup:
    where, name = links.report(run, row=row.id), tag("code", row.id)
    return tag("a", name, href=where, title=row.statement) if where else name


def break_cells(one: Break, links: Links) -> list[Markup]:
    """What broke, when it was good last, and whether it is mended."""
    row, mended = one.row, one.mended
    edition = " (the requirements changed, too)" if one.is_by_edition else ""
    return [
        tag("td", about(row)),
        tag("td", _run_link(one.good, row.id, links)),
        tag("td", _run_link(one.bad, row.id, links), edition),
        tag("td", "mended in ", _run_link(mended, row.id, links))
        if mended
        else tag("td", pill(one.row.verdict)),  # type: ignore[arg-type]
    ]


def about(row: RowRecord) -> Markup:
    """A requirement in one cell."""
    return html(
        tag("code", row.id),
        " ",
        tag("span", row.level, class_="level"),
        tag("div", row.statement, class_="topic"),
    )


def _run_link(run: RunRecord, row: str, links: Links) -> Markup:
    where = links.report(run, row=row)
    return tag("a", run.label, href=where) if where else html(run.label)


def when(run: RunRecord) -> str:
    """The version of a run and its day."""
    day = run.report.started[:10]
    return run.label if run.label.startswith(day) else f"{run.label}, {day}"


def _runs(runs: Sequence[RunRecord], told: Sequence[History], links: Links) -> Markup:
    owners = {run.path: each for each in told for run in each.runs}
    rows = [
        tag(
            "tr",
            tag("td", run.report.started[:16].replace("T", " "), class_="when"),
            tag(
                "td",
                tag("a", run.server, href=links.server(owners[run.path])),
                f" {run.version or run.commit[:12]}",
            ),
            tag("td", run.report.dialect),
            tag("td", run_claim(run)),
            tag("td", run_links(run, links)),
        )
        for run in reversed(runs)
    ]
    return html(
        tag("h2", "Runs"),
        table(("Date", "Server", "Dialect", "Claim", "Pages"), rows, "runs"),
    )


def cut_words(runs: Sequence[RunRecord]) -> str:
    """That one of some runs was cut short, if so."""
    cut = sum(not run.report.complete for run in runs)
    if not cut:
        return ""
    return ", cut short" if cut == len(runs) else f", {cut} of {len(runs)} cut short"


def run_claim(run: RunRecord) -> str:
    """The claim of a run, and how many requirements it broke."""
    claim = run.report.claim
    if not run.report.complete:
        claim = f"cut short: {run.report.cut_short or 'a limit'}"
    failed = sum(row.verdict == "fail" for row in run.rows.values())
    return f"{claim}, {failed} fail" if failed else claim


def run_links(run: RunRecord, links: Links) -> list[Markup]:
    """Links to the pages of a run, and where its folder lies."""
    found = [
        tag("a", _OTHERS.get(each, "report"), href=links.report(run, each))
        for each in run.pages
    ]
    parts = [html(" " if i else "", each) for i, each in enumerate(found)]
    return [*parts, tag("div", run.path, class_="topic")]


def _skipped(found: FoundRuns) -> Markup | None:
    if not found.skipped:
        return None
    said = [
        tag("li", tag("code", name), f": {why}") for name, why in found.skipped.items()
    ]
    return html(tag("h2", "What is no run"), tag("ul", said))
