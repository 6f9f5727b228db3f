"""Every report, written from hand-made results."""

import html.parser
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from results import BROKEN, HOSTILE, evidence, exchange_of, made_result
from rich.console import Console

from aios_conformance.conformance import reporting
from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.reporting import (
    badge,
    excerpt,
    html_page,
    json_report,
    junit,
    markdown,
    terminal,
    wording,
    write_reports,
)
from aios_conformance.conformance.reporting.causes import causes
from aios_conformance.conformance.terms.result import RequirementResult, RunResult
from aios_conformance.spec import report_schema, requirement

CLEAN = made_result(broken={})
MIXED = made_result()
CUT = made_result(complete=False, claim="none", cut_short="--max-requests 9 is spent")


def xml(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  our own


# --- report.json -------------------------------------------------------------------


@pytest.mark.parametrize("result", [CLEAN, MIXED, CUT], ids=["clean", "mixed", "cut"])
def test_report_json_obeys_its_schema(result: RunResult) -> None:
    jsonschema.validate(json.loads(json_report.render(result)), report_schema())


def test_report_json_says_what_the_result_says() -> None:
    data = json.loads(json_report.render(MIXED))
    row = next(r for r in data["requirements"] if r["id"] == "RERANK-SEM-006")
    assert row["verdict"] == "fail"
    assert row["reproduced"] is True
    assert row["findings"][0] == {
        "kind": "malformed",
        "expected": "at most 0.41",
        "actual": 0.93,
        "pointer": "/results/1/relevance_score",
        "exchange": "ex-12",
        "curl": evidence().curl,
        "check": "scores_never_rise",
        "soft": False,
    }
    assert data["summary"]["fail"] == 2
    assert sum(data["summary"].values()) == len(data["requirements"])
    listed = {r["id"] for r in data["requirements"]} | {
        r["id"] for r in data["excluded"]
    }
    assert len(listed) == len(data["requirements"]) + len(data["excluded"])


def test_report_json_can_be_read_back() -> None:
    data = json.loads(json_report.render(MIXED))
    assert json_report.report(json_report.read(data)) == data


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (2**70, str(2**70)),
        (b"\xff", "\ufffd"),
        ("\ud800", "?"),
        ({1: {2}}, {"1": [2]}),
        (True, True),
        (object, repr(object)),
    ],
)
def test_what_json_cannot_hold_is_told_as_text(value: object, written: object) -> None:
    assert json_report.plain(value) == written


# --- junit.xml ---------------------------------------------------------------------


def test_junit_counts_its_cases() -> None:
    root = xml(junit.render(MIXED))
    cases = root.findall("testsuite/testcase")
    judged = len(MIXED.requirements) - MIXED.summary["info"]
    assert len(cases) == judged == int(root.get("tests", ""))
    assert int(root.get("failures", "")) == len(root.findall(".//failure")) == 2
    assert int(root.get("errors", "")) == len(root.findall(".//error")) == 1
    assert int(root.get("skipped", "")) == len(root.findall(".//skipped")) == 3


def test_junit_keeps_no_character_that_xml_forbids() -> None:
    failure = xml(junit.render(MIXED)).find(
        ".//testcase[@name='COMMON-RES-010']/failure"
    )
    assert failure is not None
    assert "onerror=alert(1)" in failure.get("message", "")


# --- report.md ---------------------------------------------------------------------


def test_markdown_lets_nothing_of_the_target_take_effect() -> None:
    text = markdown.render(MIXED)
    outside = re.sub(r"(`+).+?\1", "", text, flags=re.DOTALL)
    assert "onerror" in text
    assert "onerror" not in outside


def test_markdown_shows_claim_table_and_findings() -> None:
    text = markdown.render(MIXED)
    assert text.startswith("# AIOS conformance: none\n")
    assert "| **all** | **" in text
    assert "<b>RERANK-SEM-006</b>" in text
    assert "COMP-REQ-002" in text
    assert f"```sh\n{evidence().curl}\n```" in text


def test_markdown_of_a_cut_run_says_so() -> None:
    assert markdown.render(CUT).startswith("# AIOS conformance: none (incomplete)\n")


@pytest.mark.parametrize("text", ["a`b", "``", "a|b", "`x"])
def test_code_is_fenced_longer_than_what_it_holds(text: str) -> None:
    fenced = markdown.code(text)
    ticks = re.match(r"`+", fenced)
    assert ticks
    assert fenced.endswith(ticks[0])
    assert ticks[0] not in text.replace("|", "¦")


# --- badges ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "colour", "said"),
    [
        (CLEAN, "brightgreen", "full, "),
        (MIXED, "red", "3 of "),
        (CUT, "lightgrey", "incomplete"),
        (made_result({}, claim="partial: rerank"), "yellow", "partial, "),
        (made_result({}, claim="none"), "lightgrey", "no claim"),
    ],
)
def test_the_badge_has_the_colour_of_the_claim(
    result: RunResult, colour: str, said: str
) -> None:
    made = json.loads(badge.render_json(result))
    assert made["schemaVersion"] == 1
    assert made["color"] == colour
    assert made["message"].startswith(said)
    svg = xml(badge.render_svg(result))
    assert said in svg.get("aria-label", "")


# --- report.html -------------------------------------------------------------------


class _Page(html.parser.HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "br", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> _Page:
    return _Page(html_page.render(MIXED))


def test_the_page_is_well_formed_and_has_a_row_for_each_requirement(
    page: _Page,
) -> None:
    assert page.open == []
    ids = [
        attrs["id"]
        for tag, attrs in page.tags
        if attrs.get("class", "")
        and tag == "details"
        and str(attrs["class"]).startswith("row ")
    ]
    assert sorted(map(str, ids)) == sorted(r.requirement.id for r in MIXED.requirements)


def test_the_page_loads_nothing(page: _Page) -> None:
    for tag, attrs in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "embed"}
        assert "src" not in attrs
        assert str(attrs.get("href", "#")).startswith("#")
    text = html_page.render(MIXED)
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_runs_no_script_but_its_own(page: _Page) -> None:
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_the_page_fences_what_the_target_said() -> None:
    text = html_page.render(MIXED)
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "from the target, untrusted" in text


@pytest.mark.parametrize(
    "said",
    [
        "No claim of conformance",
        "RERANK-SEM-006",
        "at most 0.41",
        "/results/1/relevance_score",
        "seen again when re-sent",
        "ticket 4711",
        "Read as: ",
        "000:56",
        "431 requests",
        "Results are ordered from most to least relevant.",
        "… and 1 more findings in report.json.",
    ],
)
def test_the_page_tells_an_engineer(said: str) -> None:
    assert said in html_page.render(MIXED)


def test_the_page_of_a_cut_run_says_so() -> None:
    text = html_page.render(CUT)
    assert "Run cut short" in text
    assert "--max-requests 9 is spent" in text


def test_large_bodies_are_cut_with_a_note() -> None:
    large = exchange_of("ex-12", {"model": "m"}, {"text": ["word" * 50] * 2_000})
    text = html_page.render(replace(MIXED, exchanges=(large,)))
    assert "the whole is in exchanges.jsonl, ex-12" in text
    assert len(text) < 1_500_000


def test_vectors_are_shortened() -> None:
    shown = excerpt.answer_text(exchange_of("ex-1", {}, {"embedding": [0.5] * 1024}))
    assert "… 1016 more numbers" in shown


def test_an_answer_that_never_came_is_told() -> None:
    silent = exchange_of("ex-1", {}, {}, response=None, failure="timeout: 60 s")
    assert excerpt.answer_text(silent) == "no answer: timeout: 60 s"


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


def test_the_summary_names_stale_waivers() -> None:
    assert "stale waivers, remove them: CHAT-REQ-003" in shown(
        made_result({}, stale_waivers=["CHAT-REQ-003"])
    )


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
        "COMP-SEM-008": _ignored("COMP-SEM-008", expected="text that begins with 'a'"),
    }
)


def test_requirements_that_one_fault_breaks_are_one_cause() -> None:
    found = [[r.requirement.id for r in cause.rows] for cause in causes(N_IGNORED)]
    assert found == [["CHAT-SEM-011", "META-035"], ["COMP-SEM-008"]]


def test_of_equally_bad_causes_the_farthest_reaching_comes_first() -> None:
    rows = {
        "CHAT-REQ-003": _ignored("CHAT-REQ-003", expected="400: /model is missing"),
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
    assert 'Also concerns <a href="#META-035">META-035</a>' in page


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


# --- writing -----------------------------------------------------------------------


@pytest.mark.parametrize("result", [CLEAN, MIXED, CUT], ids=["clean", "mixed", "cut"])
def test_all_reports_are_written(tmp_path: Path, result: RunResult) -> None:
    write_reports(result, tmp_path / "new" / "folder")
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert names == set(reporting.WRITERS)
    assert HOSTILE not in (tmp_path / "new/folder/report.html").read_text()


def test_a_report_is_replaced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OptionError, match="No space left"):
        write_reports(CLEAN, tmp_path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_that_cannot_be_made_is_an_option_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="--report-dir"):
        write_reports(CLEAN, tmp_path / "file" / "folder")
