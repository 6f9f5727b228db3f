"""report.html: one file for a manager's glance and an engineer's afternoon.

It loads nothing: style and script stand in the page. Everything works without the
script but filtering and copying.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from aios_conformance.conformance.options.values import SuiteError
from aios_conformance.conformance.reporting import html_appendix as appendix
from aios_conformance.conformance.reporting.causes import (
    advice,
    causes,
    counted,
)
from aios_conformance.conformance.reporting.html_rows import Known, filters, pill, row
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import asset, page, top
from aios_conformance.conformance.reporting.wording import (
    KIND_MEANINGS,
    RESUMED,
    VERDICT_MEANINGS,
    VERDICT_WORDS,
    ApiRow,
    api_rows,
    baseline_sentence,
    chosen,
    claim_sentence,
    claim_title,
    edition_words,
    in_short,
    mark,
    resumed_sentence,
    sentence,
    unproved,
    waiver_sentences,
)
from aios_conformance.conformance.terms.catalogue import all_checks
from aios_conformance.conformance.terms.result import (
    Cause,
    RequirementResult,
    RunResult,
    Verdict,
)
from aios_conformance.spec import rulings, title

TOP_FINDINGS = 12
UNPROVED_SHOWN = 12
_BAR_ORDER: tuple[Verdict, ...] = (
    "pass",
    "warn",
    "fail",
    "error",
    "unstable",
    "waived",
    "inconclusive",
    "not_applicable",
    "info",
)


def render(result: RunResult) -> str:
    """The page."""
    result = chosen(result)
    return page(
        f"AIOS conformance: {result.claim}, {result.url}",
        tag("a", "Skip to the requirements", class_="skip", href="#requirements"),
        _top(result),
        tag(
            "main",
            _tiles(result),
            _attention(result),
            _bars(result),
            _requirements(result),
            appendix.behaviour(result),
            appendix.costs(result),
            appendix.method(result),
        ),
        appendix.footer(result),
        tag("script", asset("report.js")),
    )


def _tone(result: RunResult) -> Verdict:
    counts = result.summary
    if counts["fail"] or counts["error"]:
        return "fail"
    if not result.complete:
        return "warn"
    return "pass" if result.claim != "none" else "inconclusive"


def _top(result: RunResult) -> Markup:
    models = ", ".join(f"{api}: {name}" for api, name in result.facts.models.items())
    selected = result.selection
    facts = {
        "Target": result.url,
        "Server": result.server or "not stated",
        "Dialect": result.dialect,
        "Preset": result.preset,
        "Seed": str(result.seed),
        "Started": result.started.replace("T", " ").replace("Z", " UTC"),
        "Took": f"{result.duration_s:.1f} s",
        "Models": models or "none found",
        "Edition": edition_words(result),
    }
    notices = []
    if not result.complete:
        notices.append(
            "What was recorded until then is judged."
            + (f" {RESUMED}." if result.exchanges else "")
        )
    if selected is not None:
        notices.append(f"Only {len(selected)} selected requirements were exercised.")
    if said := resumed_sentence(result):
        notices.append(f"{sentence(said)}.")
    if said := baseline_sentence(result):
        notices.append(f"{sentence(said)}.")
    notices += [f"{sentence(said)}." for said in waiver_sentences(result)]
    theme = tag(
        "button",
        "Light / dark",
        type="button",
        id="theme",
        class_="needs-js",
        hidden=True,
    )
    return top(
        claim_title(result),
        claim_sentence(result),
        _tone(result),
        [tag("span", f"{name} ", tag("b", text)) for name, text in facts.items()],
        after=theme,
        notices=[tag("p", each, class_="notice", role="status") for each in notices],
    )


def _tiles(result: RunResult) -> Markup:
    return tag(
        "div",
        [
            tag(
                "a",
                tag("b", count),
                tag("span", VERDICT_WORDS[verdict]),
                class_=f"tile tone-{verdict}{'' if count else ' zero'}",
                href="#requirements",
                data_verdict=verdict,
                title=VERDICT_MEANINGS[verdict],
            )
            for verdict, count in result.summary.items()
        ],
        class_="tiles",
    )


def _bars(result: RunResult) -> Markup:
    rows = api_rows(result)
    legend = [
        tag(
            "span",
            tag("i", class_=f"tone-{v}"),
            f"{VERDICT_WORDS[v]}: {VERDICT_MEANINGS[v]}",
        )
        for v in _BAR_ORDER
        if result.summary[v]
    ]
    return html(
        tag("h2", "By API"),
        tag(
            "div",
            [_bar(each) for each in rows],
            tag("div", legend, class_="legend"),
            class_="card bars",
        ),
    )


def _bar(each: ApiRow) -> Markup:
    counts = [
        (verdict, each.counts[verdict])
        for verdict in _BAR_ORDER
        if each.counts[verdict]
    ]
    judged = sum(each.counts[v] for v in ("pass", "warn", "fail", "unstable", "waived"))
    said = ", ".join(f"{count} {VERDICT_WORDS[verdict]}" for verdict, count in counts)
    broken = each.counts["fail"]
    short = (
        f"{broken} of {judged} broken"
        if broken
        else f"{each.counts['pass']} of {judged} kept"
    )
    if not judged:
        short = said
    return tag(
        "div",
        tag("span", each.title),
        tag(
            "div",
            [
                tag("i", class_=f"{verdict} tone-{verdict}", style=f"flex:{count}")
                for verdict, count in counts
            ],
            class_="bar",
            role="img",
            aria_label=f"{each.title}: {said}",
            title=said,
        ),
        tag("span", short, class_="said"),
        class_="bar-row",
    )


def _attention(result: RunResult) -> Markup | None:
    found = causes(result)
    open_ = unproved(result)
    if not (found or open_):
        return None
    shown = [_top_finding(cause) for cause in found[:TOP_FINDINGS]]
    more = len(found) - TOP_FINDINGS
    if more > 0:
        shown.append(tag("li", f"… and {more} more in the list below.", class_="how"))
    shown += [_unproved(reason, rows) for reason, rows in open_.items()]
    return html(
        tag("h2", "What needs attention"),
        tag("p", f"{counted(found)}.") if counted(found) else None,
        tag("ul", shown, class_="card finding-list"),
    )


def _top_finding(cause: Cause) -> Markup:
    each, requirement = cause.lead, cause.lead.requirement
    kinds = sorted({KIND_MEANINGS[finding.kind] for finding in each.findings})
    api = title(requirement.api, requirement.dialects[0])
    below = [*map(_below, cause.rows if cause.title else cause.rows[1:])]
    if cause.follows:
        below.append(_follows(cause.follows))
    what = advice(cause)
    return tag(
        "li",
        tag(
            "div",
            pill(each.verdict),
            " ",
            tag("span", f"{requirement.level} · {api}", class_="level"),
            f" {mark(each)}" if mark(each) else None,
            f" {sentence('; '.join(kinds))}" if kinds else None,
        ),
        tag("div", cause.title, class_="what")
        if cause.title
        else tag("div", requirement.statement, " ", _link(each), class_="what"),
        tag("div", sentence(in_short(each)), class_="how"),
        tag("div", tag("b", "What to do: "), what, class_="do") if what else None,
        tag("ul", below, class_="below") if below else None,
    )


def _unproved(reason: str, rows: Sequence[RequirementResult]) -> Markup:
    """Obligations of which nothing was shown, and why."""
    shown = next((row.shown for row in rows if row.shown is not None), None)
    plural = "obligations were" if len(rows) > 1 else "obligation was"
    first, rest = rows[:UNPROVED_SHOWN], rows[UNPROVED_SHOWN:]
    return tag(
        "li",
        tag("div", pill("inconclusive"), " ", tag("span", "MUST", class_="level")),
        tag("div", f"{len(rows)} {plural} not exercised", class_="what"),
        tag("div", sentence(reason), class_="how"),
        tag("pre", shown.curl, tabindex=0) if shown else None,
        tag("ul", [_unproved_row(row) for row in first], class_="below"),
        tag(
            "details",
            tag("summary", f"and {len(rest)} more"),
            tag("ul", [_unproved_row(row) for row in rest], class_="below"),
            class_="told",
        )
        if rest
        else None,
    )


def _unproved_row(each: RequirementResult) -> Markup:
    return tag("li", _link(each), f" {each.requirement.statement}")


def _below(each: RequirementResult) -> Markup:
    """A requirement that a cause breaks, in one line."""
    return tag(
        "li", pill(each.verdict), " ", _link(each), f" {each.requirement.statement}"
    )


def _follows(rows: Sequence[RequirementResult]) -> Markup:
    """What consists of the requirements that a cause breaks, all in one line."""
    named = [html(" ", pill(each.verdict), " ", _link(each)) for each in rows]
    return tag("li", "And so what consists of them:", named)


def _link(each: RequirementResult) -> Markup:
    row = each.requirement
    return html(
        tag("a", row.id, href=f"#{row.id}"), " ", tag("span", row.topic, class_="level")
    )


@cache
def _promises() -> Mapping[str, str]:
    """What each check holds a target to; a report is written without it, too."""
    try:
        return {check.name: check.promise for check in all_checks()}
    except SuiteError:  # it is what the report tells about
        return {}


def _requirements(result: RunResult) -> Markup:
    exchanges = {each.id: each for each in result.exchanges}
    known = Known(result, exchanges, rulings(), _promises())
    worst = {
        verdict: n for n, verdict in enumerate(("error", "fail", "warn", "unstable"))
    }
    ordered = sorted(result.requirements, key=lambda each: worst.get(each.verdict, 9))
    return html(
        tag("h2", "Requirements", id="requirements"),
        filters(result),
        tag(
            "div",
            [row(each, known) for each in ordered],
            class_="card rows",
        ),
    )
