"""report.html, the requirements: how to find one, what it says, what was found."""

from collections.abc import Mapping

from aios_conformance.conformance.reporting.excerpt import answer_text, request_text
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.wording import (
    KIND_MEANINGS,
    VERDICT_WORDS,
    actual_text,
    api_rows,
)
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.result import (
    CheckCoverage,
    Evidence,
    RequirementResult,
    RunResult,
    Shown,
    Verdict,
)
from aios_conformance.spec import Requirement, Ruling

FINDINGS_SHOWN = 3
SOURCES_SHOWN = 12


def filters(result: RunResult) -> Markup:
    """The bar that narrows the list; the script shows it."""
    apis = {each.api: each.title for each in api_rows(result)}
    levels = {level: level for level in ("MUST", "SHOULD", "MAY")}
    kinds: dict[str, str] = {
        kind: f"{kind}: {meaning}" for kind, meaning in KIND_MEANINGS.items()
    }
    chips = [
        tag(
            "button",
            f"{VERDICT_WORDS[verdict]} {count}",
            type="button",
            value=verdict,
            class_=f"tone-{verdict}",
            aria_pressed="false",
        )
        for verdict, count in result.summary.items()
        if count
    ]
    return tag(
        "div",
        tag(
            "input",
            type="search",
            id="search",
            placeholder="Search id, text, source, path …  ( / )",
            aria_label="Search the requirements",
        ),
        _select("level", "Any level", levels),
        _select("api", "Any API", apis),
        _select("kind", "Any kind of finding", kinds),
        tag("div", chips, class_="chips", role="group", aria_label="Verdicts"),
        tag("span", id="shown", class_="shown", role="status"),
        class_="filters needs-js",
        hidden=True,
    )


def _select(name: str, any_of_them: str, choices: Mapping[str, str]) -> Markup:
    options = [tag("option", text, value=value) for value, text in choices.items()]
    return tag(
        "select",
        tag("option", any_of_them, value=""),
        options,
        name=name,
        aria_label=any_of_them,
    )


def row(
    each: RequirementResult,
    exchanges: Mapping[str, Exchange],
    rulings: Mapping[str, Ruling],
    promises: Mapping[str, str],
) -> Markup:
    """A requirement as a line that opens."""
    requirement = each.requirement
    kinds = " ".join(sorted({finding.kind for finding in each.findings}))
    return tag(
        "details",
        tag(
            "summary",
            pill(each.verdict),
            tag(
                "span",
                tag("code", requirement.id),
                tag("span", requirement.topic, class_="topic"),
            ),
            tag("span", str(requirement.level), class_="level"),
            tag("span", requirement.statement, class_="statement"),
        ),
        tag(
            "div",
            _about(each, rulings),
            _shown(each.shown, exchanges) if each.shown else None,
            _findings(each, exchanges),
            _coverage(each.coverage, promises),
            class_="body",
        ),
        class_=f"row tone-{each.verdict}",
        id=requirement.id,
        data_verdict=each.verdict,
        data_level=str(requirement.level),
        data_api=requirement.api,
        data_kind=kinds,
    )


def pill(verdict: Verdict) -> Markup:
    """A verdict as a coloured word."""
    return tag("span", VERDICT_WORDS[verdict], class_=f"pill tone-{verdict}")


def _about(each: RequirementResult, rulings: Mapping[str, Ruling]) -> Markup:
    requirement = each.requirement
    entries: list[tuple[str, Markup | str]] = []
    if each.reason:
        entries.append(("Reason", each.reason))
    if each.reading:
        entries.append(("The target", each.reading))
    entries += [
        ("Applies to", html(_joined(requirement.operations))),
        ("Sources", html(_sources(requirement))),
    ]
    if requirement.soft:
        entries.append(("Only warns", requirement.soft))
    entries += [
        (name, _ruling(rulings[name]))
        for name in requirement.rulings
        if name in rulings
    ]
    judged = f"{each.evidence} judged"
    if each.occurrence is not None:
        judged += f", {each.occurrence}"
    elif each.reproduced is not None:
        judged += ", " + (
            "seen again when re-sent"
            if each.reproduced
            else "not seen again when re-sent"
        )
    entries.append(("Observations", judged))
    return tag(
        "dl",
        [html(tag("dt", name), tag("dd", value)) for name, value in entries],
        class_="about",
    )


def _joined(words: tuple[str, ...]) -> list[Markup]:
    return [html(", " if n else "", tag("code", word)) for n, word in enumerate(words)]


def _sources(requirement: Requirement) -> list[Markup | str]:
    shown: list[Markup | str] = [*_joined(requirement.sources[:SOURCES_SHOWN])]
    more = len(requirement.sources) - SOURCES_SHOWN
    if more > 0:
        shown.append(f" and {more} more")
    shown.append(" (document:line)")
    return shown


def _ruling(ruling: Ruling) -> Markup:
    readings = [
        tag("li", tag("b", reading.name), f": {reading.meaning}")
        for reading in ruling.readings
    ]
    return html(
        tag("p", ruling.problem),
        tag("p", tag("b", "Read as: "), ruling.ruling),
        tag("p", tag("b", "Because: "), ruling.reason),
        html(tag("p", tag("b", "Accepted readings:")), tag("ul", readings))
        if readings
        else None,
    )


def _shown(shown: Shown, exchanges: Mapping[str, Exchange]) -> Markup:
    """What the reason speaks of."""
    exchange = exchanges.get(shown.exchange)
    return tag(
        "section",
        tag("p", f"For one, exchange {shown.exchange}."),
        _exchange(exchange) if exchange else None,
        _block("Reproduce", shown.curl, copy=True),
    )


def _findings(each: RequirementResult, exchanges: Mapping[str, Exchange]) -> Markup:
    shown = [
        _finding(finding, exchanges.get(finding.exchange), each)
        for finding in each.findings[:FINDINGS_SHOWN]
    ]
    more = len(each.findings) - FINDINGS_SHOWN
    note = tag("p", f"… and {more} more findings in report.json.") if more > 0 else None
    return html(shown, note)


def _finding(
    finding: Evidence, exchange: Exchange | None, each: RequirementResult
) -> Markup:
    where = tag("code", finding.pointer) if finding.pointer else "the whole answer"
    meaning = KIND_MEANINGS[finding.kind]
    tone = "warn" if finding.soft or each.verdict == "warn" else each.verdict
    return tag(
        "section",
        tag(
            "p",
            tag("b", finding.kind),
            f": {meaning}. At ",
            where,
            f", exchange {finding.exchange}, check {finding.check}."
            if finding.check
            else ".",
        ),
        tag(
            "div",
            _block("Expected", finding.expected),
            _block("Actual", actual_text(finding.actual, 1_000), untrusted=True),
            class_="pair",
        ),
        _exchange(exchange) if exchange else None,
        _block("Reproduce", finding.curl, copy=True),
        class_=f"found tone-{tone}",
    )


def _exchange(exchange: Exchange) -> Markup:
    broken = f": {exchange.breaks}" if exchange.breaks else ""
    asked = {
        "accept": "to be accepted",
        "refuse": f"to be refused{broken}",
        "either": "",
    }
    hint = asked[exchange.expect]
    return tag(
        "div",
        _block("Request", request_text(exchange), hint=hint),
        _block("Answer", answer_text(exchange), untrusted=True),
        class_="pair",
    )


def _block(
    title: str,
    text: str,
    *,
    untrusted: bool = False,
    copy: bool = False,
    hint: str = "",
) -> Markup:
    if untrusted:
        hint = "from the target, untrusted"
    button = tag("button", "Copy", type="button", class_="copy needs-js", hidden=True)
    return tag(
        "div",
        tag("h3", title, tag("span", f" ({hint})", class_="hint") if hint else None),
        tag(
            "div",
            tag("pre", text, class_="untrusted" if untrusted else None, tabindex=0),
            button if copy else None,
            class_="block",
        ),
    )


def _coverage(
    coverage: tuple[CheckCoverage, ...], promises: Mapping[str, str]
) -> Markup | None:
    if not coverage:
        return None
    lines = [
        tag(
            "tr",
            tag("td", tag("code", each.check)),
            tag("td", promises.get(each.check, "")),
            tag("td", f"{each.judged} of {each.needed}", class_="number"),
            tag("td", ", ".join(each.exchanges[:6])),
        )
        for each in coverage
    ]
    head = tag(
        "tr",
        tag("th", "Check"),
        tag("th", "Holds the target to"),
        tag("th", "Judged, of needed", class_="number"),
        tag("th", "For example"),
    )
    table = tag("table", tag("thead", head), tag("tbody", lines))
    return html(tag("h3", "Judged by"), tag("div", table, class_="scroll"))
