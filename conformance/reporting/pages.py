"""What the pages have in common: a frame that loads nothing, its top, and tables."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from aios_conformance.conformance.reporting.json_report import suite_version
from aios_conformance.conformance.reporting.markup import Child, Markup, tag


@cache
def asset(name: str) -> Markup:
    """A style or a script that lies here, and stands in the page."""
    return Markup((Path(__file__).parent / name).read_text("utf-8"))


def page(title: str, *body: Child, style: str = "") -> str:
    """A page in the style of the reports, and in that of one more file."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", asset("report.css"), asset(style) if style else None),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *body), lang='en')}\n"


def top(
    heading: Child,
    sentence: Child,
    tone: str,
    facts: Sequence[Markup] = (),
    *,
    before: Child = None,
    after: Child = None,
    notices: Child = None,
    wide: bool = False,
) -> Markup:
    """The top of a page: who says it, what is said, and of what.

    `before` and `after` stand beside our name.
    """
    named = tag("span", "aios-conformance ", suite_version())
    return tag(
        "header",
        tag("div", before, named, after, class_="brand"),
        tag(
            "div",
            tag("h1", heading),
            tag("p", sentence, class_="sentence"),
            tag("div", facts, class_="facts") if facts else None,
            class_=f"claim tone-{tone}",
        ),
        notices,
        class_="top wide" if wide else "top",
    )


def cells(*each: Child) -> Markup:
    """A row of a table."""
    return tag("tr", [tag("td", one) for one in each])


def table(
    head: Sequence[Child] | Markup,
    lines: Iterable[Markup],
    kind: str | None = None,
    *,
    frame: str = "card scroll",
) -> Markup:
    """A table that scrolls where it is too wide; its head is names, or whole rows.

    A name may be a whole cell, such as that of a column of numbers.
    """
    if not isinstance(head, Markup):
        named = (x if isinstance(x, Markup) else tag("th", x) for x in head)
        head = tag("tr", list(named))
    whole = tag("table", tag("thead", head), tag("tbody", lines), class_=kind)
    return tag("div", whole, class_=frame, tabindex=0)
