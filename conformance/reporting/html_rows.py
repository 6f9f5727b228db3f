"""report.html, the requirements: how to find one, what it says, what was found."""

from collections.abc import Mapping
from dataclasses import dataclass

from aios_conformance.conformance.reporting.html_evidence import block, evidence
from aios_conformance.conformance.reporting.markup import Markup, html, tag
from aios_conformance.conformance.reporting.pages import table
from aios_conformance.conformance.reporting.wording import (
    KIND_MEANINGS,
    VERDICT_WORDS,
    actual_text,
    again,
    api_rows,
    mark,
    verdict_explained,
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
from aios_conformance.spec import Requirement, Ruling, Source, locators, sources

FINDINGS_SHOWN = 3
PLACES_SHOWN = 4
LINES_SHOWN = 6


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
            placeholder="Search id, text, source, path …",
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


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows of a page refer to."""

    result: RunResult
    exchanges: Mapping[str, Exchange]
    rulings: Mapping[str, Ruling]
    promises: Mapping[str, str]  # what each check holds a target to, by its name


def row(each: RequirementResult, known: Known) -> Markup:
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
            tag(
                "span",
                requirement.statement,
                f" ({mark(each)})" if mark(each) else None,
                class_="statement",
            ),
        ),
        tag(
            "div",
            _about(each, known),
            _shown(each.shown, known) if each.shown else None,
            _findings(each, known),
            _coverage(each.coverage, known.promises),
            class_="body",
        ),
        class_=f"row tone-{each.verdict}{' told' if each.findings else ''}",
        id=requirement.id,
        data_verdict=each.verdict,
        data_level=str(requirement.level),
        data_api=requirement.api,
        data_kind=kinds,
    )


def pill(verdict: Verdict) -> Markup:
    """A verdict as a coloured word."""
    return tag("span", VERDICT_WORDS[verdict], class_=f"pill tone-{verdict}")


def _about(each: RequirementResult, known: Known) -> Markup:
    requirement, rulings = each.requirement, known.rulings
    entries: list[tuple[str, Markup | str]] = [("Verdict", verdict_explained(each))]
    if each.reason:
        entries.append(("Reason", each.reason))
    if each.change:
        before = VERDICT_WORDS[each.before] if each.before else "no such row"
        entries.append(("In the baseline", before))
    if each.reading:
        entries.append(("The target", each.reading))
    entries += [
        ("Where it says so", html(_places(requirement))),
        ("Applies to", html(_joined(requirement.operations))),
    ]
    if requirement.soft and each.verdict != "warn":
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
    if each.verdict not in {"pass", "info"}:
        entries.append(
            ("Run it again", tag("code", again(known.result, requirement.id)))
        )
    return tag(
        "dl",
        [html(tag("dt", name), tag("dd", value)) for name, value in entries],
        class_="about",
    )


def _joined(words: tuple[str, ...]) -> list[Markup]:
    return [html(", " if n else "", tag("code", word)) for n, word in enumerate(words)]


def _places(requirement: Requirement) -> list[Markup]:
    """Places in words with their lines, and the documents that these are of."""
    found = locators(requirement)
    shown = []
    for each in found[:PLACES_SHOWN]:
        lines = ", ".join(each.references[:LINES_SHOWN])
        shown.append(tag("div", each.words, tag("span", f" {lines}", class_="hint")))
    if (more := len(found) - PLACES_SHOWN) > 0:
        shown.append(tag("div", f"and {more} more places", class_="hint"))
    ids = dict.fromkeys(each.partition(":")[0] for each in requirement.sources)
    shown += [_document(sources()[each]) for each in ids if each in sources()]
    return shown


def _document(source: Source) -> Markup:
    title: Markup | str = source.title
    if source.address:
        title = tag("a", source.title, href=source.address)
    dated = f", {source.date}" if source.date else ""
    return tag("div", tag("code", source.id), " ", title, dated, class_="hint")


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


def _shown(shown: Shown, known: Known) -> Markup:
    """What the reason speaks of."""
    exchange = known.exchanges.get(shown.exchange)
    return tag(
        "section",
        tag("p", f"For one, exchange {shown.exchange}."),
        evidence(exchange, known.result.url, shown.curl),
    )


def _findings(each: RequirementResult, known: Known) -> Markup:
    shown = [
        _finding(finding, each, known) for finding in each.findings[:FINDINGS_SHOWN]
    ]
    more = len(each.findings) - FINDINGS_SHOWN
    note = tag("p", f"… and {more} more findings in report.json.") if more > 0 else None
    return html(shown, note)


def _finding(finding: Evidence, each: RequirementResult, known: Known) -> Markup:
    where = tag("code", finding.pointer) if finding.pointer else "the whole answer"
    meaning = KIND_MEANINGS[finding.kind]
    tone = "warn" if finding.soft or each.verdict == "warn" else each.verdict
    promise = known.promises.get(finding.check, "")
    return tag(
        "section",
        tag(
            "p",
            tag("b", finding.kind),
            f": {meaning}. At ",
            where,
            f", exchange {finding.exchange}.",
            f" Held to: {promise}" if promise else None,
        ),
        tag(
            "div",
            block("Expected", finding.expected),
            block("Actual", actual_text(finding.actual, 1_000), untrusted=True),
            class_="pair",
        ),
        evidence(known.exchanges.get(finding.exchange), known.result.url, finding.curl),
        class_=f"found tone-{tone}",
    )


def _coverage(
    coverage: tuple[CheckCoverage, ...], promises: Mapping[str, str]
) -> Markup | None:
    if not coverage:
        return None
    lines = [
        tag(
            "tr",
            tag("td", promises.get(each.check) or each.check, title=each.check),
            tag("td", f"{each.judged} of {each.needed}", class_="number"),
            tag("td", ", ".join(each.exchanges[:6])),
        )
        for each in coverage
    ]
    head = tag(
        "tr",
        tag("th", "Holds the target to"),
        tag("th", "Judged, of needed", class_="number"),
        tag("th", "For example"),
    )
    return html(tag("h3", "Judged by"), table(head, lines, frame="scroll"))
