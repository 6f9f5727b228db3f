"""parity.html: two targets side by side, what differs first."""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby

from aios_conformance.conformance.comparing.allowed import FREE_THINGS, TOLERANCES
from aios_conformance.conformance.comparing.causes import Cause
from aios_conformance.conformance.comparing.comparison import (
    STATUSES,
    Compared,
    ParameterCompared,
    RowCompared,
)
from aios_conformance.conformance.reporting.comparison_words import (
    counts,
    curl_lines,
    outcome,
    shown_status,
    spans,
    values,
)
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import cells, page, table, top
from aios_conformance.conformance.reporting.wording import sentence
from aios_conformance.spec import title

_TONES = {
    "same": "pass",
    "differs": "fail",
    "only A": "warn",
    "only B": "warn",
    "not compared": "inconclusive",
}


def render(compared: Compared, name: str, reports: Mapping[str, str]) -> str:
    """The page; it loads nothing. `reports` are the paths of both reports."""
    one, other = compared.one, compared.other
    return page(
        f"{name}: {one.url} and {other.url}",
        _top(compared, reports),
        tag(
            "main",
            _tiles(compared),
            _causes(compared),
            _parameters(compared),
            _rows(compared, reports),
            _method(compared),
        ),
        style="parity.css",
    )


def _top(compared: Compared, reports: Mapping[str, str]) -> Markup:
    facts = []
    for side in (compared.one, compared.other):
        link = tag("a", side.url, href=reports[side.name])
        started = side.report["started"].replace("T", " ").replace("Z", " UTC")
        claim = f", claim {side.report['claim']}, {started}"
        facts.append(tag("span", f"{side.name} ", tag("b", link), claim))
    facts += [
        tag("span", f"{name} ", tag("b", compared.one.report[name]))
        for name in ("dialect", "preset", "seed")
    ]
    tone = "fail" if compared.differs else "pass" if compared.pairs else "inconclusive"
    return top(outcome(compared), counts(compared), tone, facts)


def _tiles(compared: Compared) -> Markup:
    found = Counter(row.status for row in compared.rows)
    return tag(
        "div",
        [
            tag(
                "a",
                tag("b", found[status]),
                tag("span", f"requirements {shown_status(status)}"),
                class_=f"tile tone-{_TONES[status]}{'' if found[status] else ' zero'}",
                href="#requirements",
            )
            for status in STATUSES
        ],
        class_="tiles",
    )


def _causes(compared: Compared) -> Markup | None:
    if not compared.causes:
        return None
    told = [
        _cause(number, each, compared) for number, each in enumerate(compared.causes, 1)
    ]
    return html(
        tag("h2", "What differs"),
        tag("ul", told, class_="card finding-list"),
    )


def _cause(number: int, cause: Cause, compared: Compared) -> Markup:
    apis = ", ".join(title(api, compared.one.dialect) for api in cause.apis)
    where = f"{len(cause.found)} of {cause.of} requests, {apis}" if cause.found else ""
    rows = f"requirements {', '.join(cause.rows[:8])}" if cause.rows else ""
    more = " …" if len(cause.rows) > 8 else ""
    excuse = f"does not count: {cause.excuse}" if cause.excuse else ""
    said = "; ".join(filter(None, (where, excuse, rows + more)))
    tone = "inconclusive" if cause.excuse else "fail"
    sides = values(cause)
    lines = curl_lines(cause, compared)
    return tag(
        "li",
        tag(
            "details",
            tag(
                "summary",
                tag("span", str(number), class_=f"pill tone-{tone}"),
                " ",
                title_of(cause),
                tag("div", sentence(said), class_="how"),
            ),
            tag("p", "With it: ", _marked("; ".join(cause.also)))
            if cause.also
            else None,
            _pair(sides, compared) if sides else None,
            _pair(lines, compared) if lines else None,
            class_="cause",
        ),
        id=f"cause-{number}",
    )


def title_of(cause: Cause) -> list[Markup | str]:
    """The sentence of a cause."""
    return _marked(sentence(cause.title))


def _marked(text: str) -> list[Markup | str]:
    return [tag("code", part) if is_code else part for is_code, part in spans(text)]


def _pair(texts: tuple[str, str], compared: Compared) -> Markup:
    names = (compared.one.name, compared.other.name)
    blocks = [
        tag("div", tag("h3", name), tag("pre", text, tabindex=0))
        for name, text in zip(names, texts, strict=True)
    ]
    return tag("div", blocks, class_="pair")


def _parameters(compared: Compared) -> Markup:
    parts = []
    for api, own in groupby(compared.parameters, key=lambda each: each.api):
        parts.append(tag("h3", title(api, compared.one.dialect)))
        number = tag("th", "Requests", class_="number")
        head = ("Parameter", number, "Compared", "Causes")
        parts.append(table(head, map(_parameter, own)))
    return html(tag("h2", "Parameters"), parts)


def _parameter(each: ParameterCompared) -> Markup:
    return tag(
        "tr",
        tag("td", tag("code", each.name)),
        tag("td", each.asked, class_="number"),
        tag("td", _status(each.status)),
        tag("td", _numbers(each.causes)),
    )


def _status(status: str) -> Markup:
    return tag("span", status, class_=f"status pill tone-{_TONES[status]}")


def _numbers(causes: tuple[int, ...]) -> list[Markup]:
    return [
        html(", " if i else "", tag("a", n, href=f"#cause-{n}"))
        for i, n in enumerate(causes)
    ]


def _rows(compared: Compared, reports: Mapping[str, str]) -> Markup:
    apart = [row for row in compared.rows if row.status not in ("same", "not compared")]
    rest = [row for row in compared.rows if row.status in ("same", "not compared")]
    parts = [tag("h2", "Requirements", id="requirements")]
    if apart:
        parts.append(_table(apart, reports))
    if rest:
        inner = _table(rest, reports, "inner scroll")
        name = f"{len(rest)} that do the same, or were not compared"
        parts.append(tag("details", tag("summary", name), inner, class_="plain card"))
    return html(parts)


def _table(
    rows: list[RowCompared], reports: Mapping[str, str], frame: str = "card scroll"
) -> Markup:
    lines = [_row(row, reports) for row in rows]
    return table(("Requirement", "A", "B", "Compared", "Causes"), lines, frame=frame)


def _row(row: RowCompared, reports: Mapping[str, str]) -> Markup:
    about = html(
        tag("code", row.id),
        " ",
        tag("span", row.level, class_="level"),
        tag("div", row.statement, class_="how"),
    )
    verdicts = [
        tag("a", verdict.replace("_", " "), href=f"{reports[side]}#{row.id}")
        if verdict
        else "-"
        for side, verdict in zip("AB", row.verdicts, strict=True)
    ]
    return cells(about, *verdicts, _status(row.status), _numbers(row.causes))


def _method(compared: Compared) -> Markup:
    rows = [
        tag(
            "tr",
            tag("td", name),
            tag("td", f"{value:g}" if value else "exactly", class_="number"),
            tag("td", about),
        )
        for name, value, about in TOLERANCES
    ]
    left = [tag("li", f"{n} requests: {why}") for why, n in compared.left.items()]
    return html(
        tag("h2", "What counts as the same"),
        tag("div", tag("table", tag("tbody", rows)), class_="card scroll", tabindex=0),
        tag("p", "Free are:"),
        tag("ul", [tag("li", each) for each in FREE_THINGS]),
        html(tag("h2", "What could not be compared"), tag("ul", left))
        if left
        else None,
    )
