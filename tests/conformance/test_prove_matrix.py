"""The kill matrix: what a trial comes to, and which rows have been proved."""

import json
import socket
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from results import evidence, made_result

from aios_conformance.conformance.options.values import OptionError, RunOptions
from aios_conformance.conformance.prove.command import _chosen, listed
from aios_conformance.conformance.prove.matrix import Matrix
from aios_conformance.conformance.prove.render import (
    render_html,
    render_json,
    render_markdown,
)
from aios_conformance.conformance.prove.trial import (
    Outcome,
    Planted,
    Trial,
    concluded,
    tried,
)
from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.conformance.terms.result import RequirementResult, RunResult
from aios_conformance.spec import DIALECTS, requirement

LISTED = [
    Planted("chat_hot", "It is hot.", "CHAT-REQ-041"),
    Planted("completions_hot", "It is hot.", "COMP-REQ-035"),
    Planted("score_sum", "It does not add up.", "SCORE-RES-012"),
    Planted("score_free", "It is free.", None),
]
SUM = "total_is_input_plus_output"


def broken(row: str, *checks: str) -> RequirementResult:
    findings = tuple(evidence(check=name) for name in checks)
    return RequirementResult(requirement(row), "fail", findings=findings)


def run_with(*rows: RequirementResult) -> RunResult:
    return made_result(requirements=rows)


def planted(primary: str | None = "SCORE-RES-012", *also: str) -> Planted:
    return Planted("a_name", "What it does.", primary, dict.fromkeys(also, "a reason"))


def killed(primary: str, *checks: str, **also: str) -> Trial:
    made = Planted(f"breaks_{primary}", "It breaks.", primary, also)
    tripped = {primary: "fail"} | dict.fromkeys(also, "warn")
    return Trial(made, "killed", tripped, {primary: checks})


def proofs(*trials: Trial) -> dict[str, tuple[int, int, int]]:
    """Row → how often it was the primary, shared the check, was declared besides."""
    return {
        proof.row.id: (len(proof.primary), len(proof.shared), len(proof.declared))
        for proof in Matrix(catalogue(), trials).proofs
    }


@pytest.mark.parametrize(
    ("tripped", "acts", "outcome"),
    [
        (["SCORE-RES-012"], 3, "killed"),
        (["SCORE-RES-012", "META-028"], 3, "killed"),
        (["SCORE-RES-012", "CHAT-RES-001"], 3, "imprecise"),
        (["META-028"], 3, "survived"),
        ([], 3, "survived"),
        (["SCORE-RES-012"], 0, "unreached"),
    ],
)
def test_a_defect_is_killed_by_its_primary_and_what_it_declares(
    tripped: list[str], acts: int, outcome: Outcome
) -> None:
    run = run_with(*(broken(row, SUM) for row in tripped))
    assert concluded(planted("SCORE-RES-012", "META-028"), run, acts).outcome == outcome


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("score_*", ["score_sum", "score_free"]),
        ("CHAT-REQ-041", ["chat_hot"]),
        ("temperature-*", ["chat_hot", "completions_hot"]),
    ],
)
def test_trials_are_chosen_by_name_or_by_the_row_that_breaks(
    pattern: str, names: list[str]
) -> None:
    assert list(_chosen(LISTED, [pattern], None, None)) == names


def test_a_pattern_that_fits_no_trial_is_an_error() -> None:
    told = r"--only temprature-\*: no defect has such a name: did you mean temperature-"
    with pytest.raises(OptionError, match=told):
        _chosen(LISTED, ["score_*", "temprature-*"], None, None)


@pytest.mark.parametrize(("tripped", "outcome"), [([], "silent"), ([1], "alarmed")])
def test_a_variation_is_to_raise_nothing(tripped: list[int], outcome: Outcome) -> None:
    run = run_with(*(broken("META-028", SUM) for _ in tripped))
    assert concluded(planted(None), run, 1).outcome == outcome


def test_a_fault_of_the_suite_is_no_kill() -> None:
    fault = RequirementResult(requirement("META-028"), "error", "a check failed")
    trial = concluded(planted(), run_with(broken("SCORE-RES-012"), fault), 1)
    assert trial.outcome == "error"
    assert "META-028" in str(trial.reason)


def test_a_trial_keeps_which_checks_noticed_and_comes_back_from_json() -> None:
    run = run_with(broken("SCORE-RES-012", SUM, "another", SUM))
    trial = concluded(planted(), run, 1)
    assert trial.found_by == {"SCORE-RES-012": ["another", SUM]}
    assert msgspec.json.decode(msgspec.json.encode(trial), type=Trial) == trial


def test_a_row_is_proved_as_primary_or_by_sharing_the_check_that_noticed() -> None:
    found = proofs(killed("SCORE-RES-012", SUM))
    assert found["SCORE-RES-012"] == (1, 0, 0)
    assert found["META-028"] == (0, 1, 0)
    assert found["CHAT-RES-022"] == (0, 1, 0)
    assert found["CHAT-RES-001"] == (0, 0, 0)


def test_a_row_is_not_proved_by_a_check_that_noticed_nothing() -> None:
    """The primary tripped, but by the schema: the sum was never found wrong."""
    found = proofs(killed("SCORE-RES-012", "answers_have_their_shape"))
    assert found["META-028"] == (0, 0, 0)


def test_a_row_that_a_defect_declares_is_not_proved_by_that() -> None:
    matrix = Matrix(catalogue(), [killed("SCORE-RES-012", **{"META-028": "the same"})])
    assert [p.declared for p in matrix.proofs if p.row.id == "META-028"] == [
        ("breaks_SCORE-RES-012",)
    ]
    assert "META-028" in [row.id for row in matrix.unproved]
    assert matrix.figures["proved"] == 1


def test_a_survivor_proves_nothing() -> None:
    survivor = replace(killed("SCORE-RES-012", SUM), outcome="survived")
    assert not any(any(counts) for counts in proofs(survivor).values())


def test_every_rendering_names_the_rows_without_proof() -> None:
    matrix = Matrix(catalogue(), [killed("SCORE-RES-012", SUM)])
    about = {"commit": "abc"}
    read: dict[str, Any] = json.loads(render_json(matrix, about))
    assert "CHAT-RES-001" in read["unproved"]
    assert read["requirements"]["META-028"]["shared"] == ["breaks_SCORE-RES-012"]
    text = render_markdown(matrix, about)
    assert "CHAT-RES-001" in text.partition("Not yet shown")[2]
    assert "| META-028 | MUST | 0 | 1: `breaks_SCORE-RES-012` | 0 |" in text
    page = render_html(matrix, about)
    assert "<td class=bad>CHAT-RES-001" in page
    assert "<td class=good>META-028" in page


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_defects_can_prove_every_row(dialect: str) -> None:
    """Each MUST and SHOULD row is a primary, or has a check that serves one too."""
    known = catalogue(dialect)
    trials = [
        killed(one.primary, *(c.name for c in known.checks if one.primary in c.ids))
        for one in listed()
        if one.primary and one.dialect == dialect and not one.museum
    ]
    assert [row.id for row in Matrix(known, trials).unproved] == []


def test_a_mock_that_does_not_obey_is_an_error_of_the_trial() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    trial = tried(planted(), RunOptions(f"http://127.0.0.1:{port}"))
    assert trial.outcome == "error"
    assert "no-control" in str(trial.reason)
