"""What a person reads in every report: the summary, and its words."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from results import BROKEN, evidence, made_result
from rich.console import Console

from aios_conformance.conformance.reporting import (
    badge,
    html_page,
    json_report,
    junit,
    markdown,
    terminal,
    wording,
)
from aios_conformance.conformance.reporting.causes import causes
from aios_conformance.conformance.terms.result import RequirementResult, RunResult
from aios_conformance.spec import requirement

CLEAN = made_result(broken={})
MIXED = made_result()
CUT = made_result(complete=False, claim="none", cut_short="--max-requests 9 is spent")


# --- the terminal ------------------------------------------------------------------


def shown(result: RunResult, **over: object) -> str:
    console = Console(width=100, color_system=None, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(terminal.summary(result, Path("out"), **over))  # type: ignore[arg-type]
    return capture.get()


def test_the_summary_shows_table_claim_findings_and_path() -> None:
    text = shown(MIXED, fail_on=("must", "should"))
    assert re.search(r"^API +pass +warn +fail", text, re.MULTILINE)
    assert re.search(r"^all +\d+ +1 +2", text, re.MULTILINE)
    assert "claim: none" in text
    assert "fail  RERANK-SEM-006 results-ordered-by-relevance MUST" in text
    assert "0 of 2 observations: COMP-REQ-002" in text
    assert "also red by --fail-on: should" in text
    assert text.rstrip().endswith("report: out/report.html")


def test_every_report_tells_how_often_a_row_was_unstable() -> None:
    told = "generated texts differed 1 of 9 times"
    forms = (shown(MIXED), markdown.render(MIXED), junit.render(MIXED))
    for form in (*forms, html_page.render(MIXED)):
        assert told in form
        assert "unstable" in form
    claimed = made_result({"META-051": BROKEN["META-051"]}, claim="full, 1 unstable")
    assert badge.message(claimed)[0].startswith("full, 1 unstable, ")
    sentence = "that can be observed; 1 requirement was unstable."
    assert wording.claim_sentence(claimed).endswith(sentence)


def test_every_report_shows_the_topic_beside_the_id() -> None:
    topic = "results-ordered-by-relevance"
    assert f"<b>RERANK-SEM-006</b> {topic} (MUST)" in markdown.render(MIXED)
    page = html_page.render(MIXED)
    code, name = "<code>RERANK-SEM-006</code>", f'<span class="topic">{topic}</span>'
    assert re.search(rf"{code}\s*{name}", page)
    told = {
        each["id"]: each["topic"] for each in json_report.report(MIXED)["requirements"]
    }
    assert told["RERANK-SEM-006"] == topic


def test_the_summary_moves_no_cursor() -> None:
    hostile = replace(BROKEN["RERANK-SEM-006"], findings=(evidence(actual="\x1b[2J"),))
    text = shown(made_result({"RERANK-SEM-006": hostile}))
    assert "\x1b" not in text


def test_every_report_names_waivers_that_are_stale_or_have_ended() -> None:
    reason = "the waiver expired on 2026-10-31"
    rows = {
        "RERANK-SEM-006": replace(BROKEN["RERANK-SEM-006"], reason=reason),
        "META-051": BROKEN["META-051"],
    }
    result = made_result(rows, stale_waivers=["CHAT-REQ-003"])
    for text in (shown(result), html_page.render(result), markdown.render(result)):
        assert "tale waivers, remove them: CHAT-REQ-003" in text
        ended = "xpired waivers, without effect: RERANK-SEM-006 (until 2026-10-31)"
        assert ended in text


# --- words -------------------------------------------------------------------------


def test_the_worst_comes_first() -> None:
    order = [each.requirement.id for each in wording.findings_first(MIXED)]
    assert order == [
        "EMB-REQ-004",
        "COMMON-RES-010",
        "RERANK-SEM-006",
        "CHAT-SEM-010",
        "META-051",
    ]


def _ignored(row: str, **over: object) -> RequirementResult:
    found = evidence("silent", 1, expected="3 choices", pointer="/choices")
    findings = (replace(found, **over),)  # type: ignore[arg-type]
    return RequirementResult(requirement(row), "fail", findings=findings)


N_IGNORED = made_result(
    {
        "CHAT-SEM-011": _ignored("CHAT-SEM-011"),
        "META-035": _ignored("META-035", exchange="ex-40", expected="2 choices"),
        "COMP-SEM-008": _ignored(
            "COMP-SEM-008", exchange="ex-41", expected="text that begins with 'a'"
        ),
    }
)


def test_requirements_that_one_fault_breaks_are_one_cause() -> None:
    found = [[r.requirement.id for r in cause.rows] for cause in causes(N_IGNORED)]
    assert found == [["CHAT-SEM-011", "META-035"], ["COMP-SEM-008"]]


def test_of_equally_bad_causes_the_farthest_reaching_comes_first() -> None:
    rows = {
        "CHAT-REQ-003": _ignored(
            "CHAT-REQ-003", exchange="ex-41", expected="400: /model is missing"
        ),
        "CHAT-SEM-011": _ignored("CHAT-SEM-011"),
        "META-035": _ignored("META-035"),
    }
    (first, *_) = causes(made_result(rows))
    assert first.lead.requirement.id == "CHAT-SEM-011"


def test_crashes_of_two_requests_are_two_causes() -> None:
    crash = evidence("crash", "500 Internal Server Error", pointer="")
    rows = {
        row: RequirementResult(
            requirement(row), "fail", findings=(replace(crash, exchange=place),)
        )
        for row, place in (("CHAT-REQ-012", "ex-1"), ("CHAT-REQ-015", "ex-2"))
    }
    assert len(causes(made_result(rows))) == 2


def test_reports_tell_a_cause_once() -> None:
    said = "2 findings, which concern 3 requirements"
    for text in (shown(N_IGNORED), markdown.render(N_IGNORED)):
        assert said in text
        assert re.search(r"also (concerns: )?META-035", text)
        assert len(re.findall("Generate n responses", text)) == 2  # chat, completions
    page = html_page.render(N_IGNORED)
    assert f"<p>{said}.</p>" in page
    assert re.search('<ul class="below"><li>.*<a href="#META-035">META-035</a>', page)


def test_where_no_cause_is_shared_nothing_is_counted() -> None:
    assert "which concern" not in markdown.render(MIXED)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("3", '"3"'),
        (3, "3"),
        ('422 {"detail":"no"}', '422 {"detail":"no"}'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_a_found_value_can_be_read(value: object, said: str) -> None:
    assert wording.actual_text(value) == said


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (CLEAN, "Keeps every obligation"),
        (CUT, "This is no verdict"),
        (made_result({}, claim="partial: rerank, score"), "scope: rerank, score."),
        (MIXED, "2 obligations are broken"),
        (MIXED, "1 obligation could not be exercised"),
        (made_result({}, claim="none", selection=["EMB-REQ-004"]), "were selected"),
    ],
)
def test_the_claim_is_a_sentence(result: RunResult, said: str) -> None:
    assert said in wording.claim_sentence(result)


def test_the_reason_stands_in_for_missing_findings() -> None:
    row = RequirementResult(requirement("EMB-REQ-004"), "inconclusive", reason="why")
    assert wording.in_short(row) == "why"


def test_the_command_that_judges_again_asks_as_the_run_did() -> None:
    bundled = wording.again(replace(MIXED, target="mock"), "RERANK-SEM-006")
    assert bundled == (
        "aios-conformance run mock --dialect aios --preset standard "
        "--hypothesis-seed 0 --only RERANK-SEM-006"
    )
    facts = replace(MIXED.facts, models={"chat": "my model"})
    first = replace(
        MIXED.exchanges[0].request, headers=(("Authorization", "Bearer $MY_KEY"),)
    )
    sent = [replace(MIXED.exchanges[0], request=first), *MIXED.exchanges[1:]]
    other = wording.again(replace(MIXED, facts=facts, exchanges=sent))
    assert other == (
        f"aios-conformance run {MIXED.url} --dialect aios --model 'chat=my model' "
        "--preset standard --hypothesis-seed 0 --api-key-env MY_KEY"
    )
