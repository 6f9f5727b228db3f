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
from disk import files_of_at_most
from exchanges import sse
from results import HOSTILE, evidence, exchange_of, made_result
from streaming import stream

from aios_conformance.conformance import reporting
from aios_conformance.conformance.options.values import OptionError
from aios_conformance.conformance.reporting import (
    badge,
    excerpt,
    html_page,
    json_report,
    junit,
    markdown,
    wording,
    write_reports,
)
from aios_conformance.conformance.reporting.html_evidence import (
    evidence as evidence_of,
)
from aios_conformance.conformance.reporting.presentable import plain, presentable
from aios_conformance.conformance.reporting.stream_timeline import timeline
from aios_conformance.conformance.terms.result import RunResult
from aios_conformance.spec import report_schema

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
        "parts": [],
    }
    assert data["summary"]["fail"] == 2
    assert sum(data["summary"].values()) == len(data["requirements"])
    listed = {r["id"] for r in data["requirements"]} | {
        r["id"] for r in data["excluded"]
    }
    assert len(listed) == len(data["requirements"]) + len(data["excluded"])


def test_report_json_can_be_read_back() -> None:
    data = json.loads(json_report.render(MIXED))
    assert json_report.report(json_report.read(data, MIXED.exchanges)) == data


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (2**70, str(2**70)),
        (b"\xff", "\ufffd"),
        ("\ud800", r"\ud800"),
        ({1: {2}}, {"1": [2]}),
        (True, True),
        (object, repr(object)),
    ],
)
def test_what_json_cannot_hold_is_told_as_text(value: object, written: object) -> None:
    assert plain(value) == written


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


def test_junit_tells_how_long_the_exchanges_of_a_row_took() -> None:
    root = xml(junit.render(MIXED))
    case = root.find(".//testcase[@name='RERANK-SEM-006']")
    assert case is not None
    assert float(case.get("time", "")) == pytest.approx(0.024)  # ex-12 and ex-13
    suites = root.findall("testsuite")
    assert all(float(suite.get("time", "")) > 0 for suite in suites)


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


def test_markdown_names_what_is_waived() -> None:
    text = markdown.render(replace(MIXED, stale_waivers=["META-002"]))
    assert "## Waived (1)\n\n- CHAT-REQ-003 (MUST)" in text
    assert "ticket 4711" in text
    assert "tale waivers, remove them: META-002" in text
    assert "aive" not in markdown.render(CLEAN)


def test_the_summary_leaves_out_what_was_not_selected() -> None:
    chosen = replace(MIXED, selection=["RERANK-SEM-006"])
    data = json.loads(json_report.render(chosen))
    assert {k: v for k, v in data["summary"].items() if v} == {"fail": 1}


def test_markdown_of_a_cut_run_says_so() -> None:
    assert markdown.render(CUT).startswith("# AIOS conformance: none (incomplete)\n")
    quoted = replace(CUT, cut_short="HTTP 502: <script>alert(1)</script>")
    assert "<script>" not in markdown.render(quoted)


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
        is_link_out = tag == "a" and str(attrs.get("href")).startswith("https://docs.")
        assert is_link_out or str(attrs.get("href", "#")).startswith("#")
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


@pytest.mark.parametrize("size", [1_024, 100_000])
def test_vectors_are_shortened(size: int) -> None:
    shown = excerpt.answer_text(exchange_of("ex-1", {}, {"embedding": [0.5] * size}))
    assert f"… {size - 8} more numbers" in shown


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x" * 50_000, "x… 40000 more characters"),
        (dict.fromkeys(map(str, range(50_000)), 1), "more members"),
        (["x"] * 50_000, "more items"),
        ([{"a": ["x"] * 50}] * 1_000, "more items"),
    ],
)
def test_of_what_a_target_said_reports_hold_the_beginning(
    value: object, told: str
) -> None:
    """And how much more there was, told once however often it is shortened."""
    row = replace(MIXED.requirements[0], findings=(evidence(actual=value),))
    shown = presentable(replace(MIXED, requirements=[row]))
    text = json.dumps(json_report.report(shown), ensure_ascii=False)
    assert text.count(" more ") == text.count(told) > 0
    assert len(text) < 200_000


def test_an_answer_that_never_came_is_told() -> None:
    silent = exchange_of("ex-1", {}, {}, response=None, failure="timeout: 60 s")
    assert excerpt.answer_text(silent) == "no answer: timeout: 60 s"


def test_a_row_is_located_explained_and_run_again() -> None:
    text = html_page.render(MIXED)
    for said in (
        "Chat Completions \u203a Response \u203a 200 OK \u203a choices[].finish_reason",
        "undated; the times in its examples are of June 2025",
        "--hypothesis-seed 0 --only RERANK-SEM-006",
        "warn: a recommendation (SHOULD) is not followed",
        "What to do: ",
        "1 obligation was not exercised",
        "Wire log of ex-12",
        "POST /v1/rerank HTTP/1.1",
    ):
        assert said in text
    assert "scores_never_rise<" not in text  # its promise stands there
    warned = replace(MIXED.requirements[0], verdict="warn")
    assert "a MUST" in wording.verdict_explained(warned)


def test_a_stream_is_told_event_by_event_with_what_breaks_it() -> None:
    first = {"id": "a", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}
    other = {"id": "b", "choices": [{"index": 0, "delta": {"content": "x"}}]}
    made = stream(sse(first, other, "no JSON", done=False))
    assert made.response is not None
    sizes = [made.response.body.index(b"data", n) for n in (1, 90)]
    sizes.append(len(made.response.body))
    arrivals = tuple((0.1 * (n + 1), size) for n, size in enumerate(sizes))
    made = replace(
        made, total_s=0.4, response=replace(made.response, arrivals=arrivals)
    )
    moments = timeline(made)
    assert [each.wrong for each in moments] == [
        "",
        "another id than before",
        "not a JSON object",
        "no [DONE]; choice 0 has no finish_reason",
    ]
    assert sum(each.size for each in moments) == sizes[-1]
    gaps = [None if each.gap_ms is None else round(each.gap_ms) for each in moments]
    assert gaps == [None, 100, 100, 100]
    assert timeline(exchange_of("ex-1", {}, {})) == ()


def test_of_a_very_long_stream_the_beginning_is_told() -> None:
    chunk = {"id": "a", "choices": [{"index": 0, "delta": {"content": "x"}}]}
    made = stream(sse(*[chunk] * 1_001))
    *_, last = moments = timeline(made)
    assert (len(moments), last.said, last.wrong) == (
        1_001,
        "the rest of the stream",
        "",
    )
    shown = evidence_of(made, "http://h", "")
    assert "event by event (the first 1000 events, in order)" in shown


# --- writing -----------------------------------------------------------------------


@pytest.mark.parametrize("result", [CLEAN, MIXED, CUT], ids=["clean", "mixed", "cut"])
def test_all_reports_are_written(tmp_path: Path, result: RunResult) -> None:
    write_reports(result, tmp_path / "new" / "folder")
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert names == set(reporting.WRITERS)
    assert HOSTILE not in (tmp_path / "new/folder/report.html").read_text()


def test_reports_are_replaced_together(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    with (
        files_of_at_most(len(json_report.render(CLEAN))),  # report.html is larger
        pytest.raises(OptionError, match=r"cannot write the reports \(File too large"),
    ):
        write_reports(CLEAN, tmp_path)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_a_folder_that_cannot_be_made_is_an_option_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="--report-dir"):
        write_reports(CLEAN, tmp_path / "file" / "folder")
