"""A verdict for people, and for what shows the results of tests."""

from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from aios_conformance.mockserver.clients.rule import Finding, Mark
from aios_conformance.mockserver.clients.verdict import RuleResult, Verdict

_SHOWN: Final = 5  # findings of a rule that was broken; of one that was kept, the first


def text(verdict: Verdict) -> str:
    """Return the verdict in lines, the worst first."""
    return "".join(f"{line}\n" for line in _lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    counts = ", ".join(f"{n} {mark}" for mark, n in verdict.counts.items() if n)
    yield f"verdict: {verdict.mark} ({counts}), from {verdict.exchanges} exchanges"
    if verdict.forgotten:
        yield f"{verdict.forgotten} earlier ones are no longer in the journal"
    for mark in Mark:
        results = [result for result in verdict.results if result.mark is mark]
        if mark is Mark.NOT_EXERCISED:
            if results:
                names = ", ".join(result.rule.name for result in results)
                yield f"\nnot exercised: {names}"
            continue
        for result in results:
            yield from _told(result)


def _told(result: RuleResult) -> Iterator[str]:
    rule, shown = result.rule, result.worst[: 1 if result.mark is Mark.PASS else _SHOWN]
    yield f"\n{result.mark.upper():<5} {rule.name}: {_first(rule.promise)}"
    for finding in shown:
        yield f"      saw   {finding.saw}{_where(finding)}"
    if len(result.worst) > len(shown):
        yield f"            and {len(result.worst) - len(shown)} more"
    if result.mark is not Mark.PASS:
        yield f"      why   {rule.why}"
        yield f"      mend  {rule.mend}"


def _first(promise: str) -> str:
    return promise.partition("\n")[0]


def _where(finding: Finding) -> str:
    numbers = ", ".join(f"#{number}" for number in finding.exchanges[:10])
    more = ", …" if len(finding.exchanges) > 10 else ""
    places = [finding.where] if finding.where else []
    places += [numbers + more] if numbers else []
    return f" ({': '.join(places)})" if places else ""


def junit(verdict: Verdict) -> bytes:
    """Return the verdict as a JUnit report: a rule is a test, a warning its output."""
    counts = verdict.counts
    suite = Element(
        "testsuite",
        name="aios-mock verdict",
        tests=str(len(verdict.results)),
        failures=str(counts[Mark.FAIL]),
        errors="0",
        skipped=str(counts[Mark.NOT_EXERCISED]),
    )
    for result in verdict.results:
        case = SubElement(
            suite, "testcase", classname="aios-mock.verdict", name=result.rule.name
        )
        told = "\n".join(_told(result)).strip()
        if result.mark is Mark.FAIL:
            first = result.worst[0]
            SubElement(case, "failure", message=first.saw).text = told
        elif result.mark is Mark.NOT_EXERCISED:
            SubElement(case, "skipped", message="not exercised")
        else:
            SubElement(case, "system-out").text = told
    suites = Element("testsuites")
    suites.append(suite)
    written: bytes = tostring(suites, encoding="utf-8", xml_declaration=True)
    return written
