"""The comparison of dialects: no requirement is left out, no difference is missed."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from results import HOSTILE, evidence, made_result

from aios_conformance.conformance.cli.dialects import judged, worst
from aios_conformance.conformance.options.values import OptionError, TargetError
from aios_conformance.conformance.reporting.compared import (
    Comparison,
    DialectOutcome,
    compare,
)
from aios_conformance.conformance.reporting.dialects import (
    render_json,
    render_markdown,
    write_comparison,
)
from aios_conformance.conformance.reporting.dialects_page import render
from aios_conformance.conformance.running.run import INTERRUPTED, RunOutcome
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.result import (
    RequirementResult,
    RunResult,
    Verdict,
)
from aios_conformance.spec import DIALECTS, promises, requirements


def ran(dialect: str, **verdicts: Verdict) -> RunResult:
    """A result in which all rows pass but the named ones (EMB_REQ_001)."""
    named = {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    rows = [
        RequirementResult(
            row,
            named.get(row.id, "pass"),
            findings=(evidence(actual=HOSTILE),) if row.id in named else (),
        )
        for row in requirements(dialect)
        if row.excluded is None
    ]
    return replace(
        made_result(),
        dialect=dialect,
        facts=Facts(dialect),
        requirements=rows,
        exchanges=(),
        observations=(),
    )


def compared(*results: RunResult) -> Comparison:
    judgements = [DialectOutcome(each.dialect, "http://t", each, 0) for each in results]
    return compare(judgements, 60, 80)


def test_each_requirement_on_embeddings_stands_in_one_promise() -> None:
    held = Counter(row for promise in promises() for row in promise.ids)
    assert set(held.values()) == {1}
    scored = {
        row.id
        for dialect in DIALECTS
        for row in requirements(dialect)
        if row.excluded is None
        and (dialect != "aios" or row.api in {"embeddings", "models"})
    }
    assert scored <= held.keys()
    known = {row.id for dialect in DIALECTS for row in requirements(dialect)}
    assert held.keys() <= known


def test_what_one_contract_keeps_and_another_breaks_differs() -> None:
    made = compared(ran("aios"), ran("infinity", INF_REQ_008="fail"))
    (row,) = (each for each in made.rows if each.differs)
    assert row.promise.title == "An array of strings"
    assert [cell.verdict for cell in row.cells.values()] == ["pass", "fail"]
    assert "1 promise is kept in one contract and broken in another" in made.sentence


def test_what_every_contract_breaks_is_no_difference() -> None:
    made = compared(
        ran("aios", EMB_REQ_006="fail"), ran("infinity", INF_REQ_008="warn")
    )
    assert not any(row.differs for row in made.rows)


@pytest.mark.parametrize(
    ("verdict", "claim", "tone"),
    [
        ("pass", "full", "pass"),
        ("fail", "none", "fail"),
        ("pass", "none", "inconclusive"),
    ],
)
def test_the_edge_has_the_colour_of_the_claims(
    verdict: Verdict, claim: str, tone: str
) -> None:
    made = [
        replace(ran("aios", EMB_REQ_001=verdict), claim=claim),
        replace(ran("infinity", INF_REQ_003=verdict), claim=claim),
    ]
    assert f'class="claim tone-{tone}"' in render(compared(*made))


def test_a_cell_has_the_worst_verdict() -> None:
    made = compared(ran("aihubmix", AHM_REQ_014="inconclusive", META_110="warn"))
    cell = next(r for r in made.rows if r.promise.title == "Entries of an array")
    assert cell.cells["aihubmix"].verdict == "warn"


def test_each_form_tells_the_first_finding_and_its_line() -> None:
    broken = ran("infinity", INF_REQ_008="fail")
    ended = [
        DialectOutcome("aios", "http://t", ran("aios"), 0),
        DialectOutcome("infinity", "http://t", broken, 1),
        DialectOutcome("aigne-hub", "http://t", None, 4, "every API answered 404"),
    ]
    made = compare(ended, 60, 80)
    data = json.loads(render_json(made))
    row = next(r for r in data["promises"] if r["promise"] == "An array of strings")
    (said,) = row["dialects"]["infinity"]["requirements"]
    assert said["finding"]["expected"] == "at most 0.41"
    assert said["sources"] == ["002:76"]
    assert (data["requests"], data["requests_apart"]) == (60, 80)
    text = render_markdown(made)
    assert "INF-REQ-008" in text
    assert "002:76" in text
    page = render(made)
    assert 'href="infinity/report.html#INF-REQ-008"' in page
    for form in (text, page):
        assert "not answered" in form
        assert "60 requests were sent once for all dialects" in form
        assert "<img" not in form


def test_without_an_answer_there_is_no_table(tmp_path: Path) -> None:
    made = compare([DialectOutcome("aios", "http://t", None, 4, "404")], 1, 1)
    write_comparison(made, tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "dialects.html",
        "dialects.json",
        "dialects.md",
    ]
    assert "0 of 1 dialects answered" in (tmp_path / "dialects.md").read_text()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="cannot write"):
        write_comparison(compared(ran("infinity")), tmp_path / "file")


@pytest.mark.parametrize(
    ("codes", "code"), [((0, 0), 0), ((0, 1), 1), ((1, 4), 4), ((2, 1), 2), ((0, 5), 5)]
)
def test_the_worst_exit_code_is_taken(codes: tuple[int, ...], code: int) -> None:
    assert (
        worst([DialectOutcome("aios", "http://t", None, each) for each in codes])
        == code
    )


def test_absent_paths_are_no_answer() -> None:
    absent = TargetError("every API answered 404", code="no-api")
    ended = [RunOutcome(ran("aios"), absent), RunOutcome(ran("infinity"))]
    gone, there = judged(ended, ("must",))
    assert (gone.result, gone.reason) == (None, "every API answered 404.")
    assert there.result is ended[1].result


def test_a_dialect_without_a_model_is_told_with_its_reason() -> None:
    lost = TargetError("no usable model", code="no-model")
    (made,) = judged([RunOutcome(ran("aihubmix"), lost)], ("must",))
    assert made.result is not None
    assert (made.exit_code, made.reason) == (4, "no usable model.")


def test_an_interrupted_run_is_cut_short() -> None:
    cut = replace(ran("aios"), cut_short=INTERRUPTED, complete=False)
    (made,) = judged([RunOutcome(cut)], ("must",))
    assert made.exit_code == 2
