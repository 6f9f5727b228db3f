"""What was not exercised, or does not apply, never passes."""

from dataclasses import replace
from typing import Any

import pytest
from exchanges import exchange, observation
from judged_runs import SETTING, counted, judged_run, leveled, row
from test_judge import GOOD, REFUSED, RISING, SENT, reranked

from aios_conformance.conformance.observing.recorder import Unsent
from aios_conformance.conformance.terms.catalogue import Catalogue
from aios_conformance.conformance.terms.exchange import Exchange, Facts
from aios_conformance.conformance.terms.scenario import (
    Dropped,
    PlannedScenario,
    PlannedStep,
)

# --- nothing that was not exercised can pass -----------------------------------------


def test_a_vacuous_pass_is_inconclusive() -> None:
    found = row(judged_run(counted(reranked(0.9))))
    assert found.verdict == "inconclusive"
    promise = "“Results are ordered from most to least relevant”"
    assert found.reason == f"too little evidence: {promise} judged 0 of 1"


def test_every_check_needs_its_own_evidence() -> None:
    found = row(judged_run(counted()), "RERANK-SEM-004")
    assert found.verdict == "inconclusive"
    assert "“As many results as documents” judged 1 of 2" in (found.reason or "")


def test_a_row_may_need_more_than_its_checks() -> None:
    found = row(judged_run(counted(), known=leveled("MUST", evidence=3)))
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "too little evidence: 1 of 3 observations",
    )


def test_what_a_preset_leaves_out_is_told() -> None:
    smoke = replace(SETTING, preset="smoke")
    found = row(judged_run(counted(), setting=smoke), "RERANK-REQ-003")
    assert found.reason == "not exercised by preset smoke"


def test_a_refusal_beside_a_refused_neighbour_is_no_evidence() -> None:
    mutant = exchange(
        "rerank",
        {},
        {"error": 1},
        status=422,
        expect="refuse",
        serves=("RERANK-REQ-011",),
    )
    alone = observation("toy.refused", valid=REFUSED, mutant=mutant)
    alone = replace(
        alone, steps={**alone.steps, "valid": replace(alone["valid"], expect="accept")}
    )
    found = row(judged_run(alone), "RERANK-REQ-011")
    assert found.verdict == "inconclusive"
    assert "refused prerequisite: toy.refused, valid was answered with 422" in str(
        found.reason
    )
    beside = observation("toy.refused", valid=GOOD, mutant=mutant)
    assert row(judged_run(beside), "RERANK-REQ-011").verdict == "pass"


def test_a_crash_in_place_of_a_refusal_is_told() -> None:
    mutant = exchange(
        "rerank",
        {},
        {"error": 1},
        status=500,
        expect="refuse",
        serves=("RERANK-REQ-011",),
        breaks="/top_n is no number",
    )
    found = row(
        judged_run(observation("toy.refused", valid=GOOD, mutant=mutant)),
        "RERANK-REQ-011",
    )
    assert (found.verdict, found.reason) == (
        "inconclusive",
        (
            "server error: toy.refused, mutant (/top_n is no number) was answered "
            'with 500 “{"error":1}”, see COMMON-ERR-004'
        ),
    )


def test_a_refusal_that_is_told_as_a_success_is_told() -> None:
    mutant = exchange(
        "rerank",
        {"stream": True},
        stream=b'data: {"error": "no prompt"}\n\n',
        expect="refuse",
        serves=("RERANK-REQ-011",),
    )
    made = judged_run(observation("toy.refused", valid=GOOD, mutant=mutant))
    assert str(row(made, "RERANK-REQ-011").reason).startswith(
        "refused as a success: toy.refused, mutant was answered with 200 "
    )


def test_a_crash_of_its_own_step_comes_before_an_answer_that_never_came() -> None:
    mutant: dict[str, Any] = {"expect": "refuse", "serves": ("RERANK-REQ-011",)}
    crash = exchange("rerank", {}, {"error": 1}, status=500, **mutant)
    lost = exchange("rerank", {}, failure="timeout: 60 s", status=0, **mutant)
    seen = observation("toy.refused", valid=GOOD, mutant=crash, other=lost)
    reason = row(judged_run(seen), "RERANK-REQ-011").reason
    assert str(reason).startswith("server error: toy.refused, mutant")


def test_a_refusal_beside_accepted_requests_is_no_reason_for_a_view() -> None:
    refused = replace(REFUSED, expect="accept", id="ex-2")
    beside = judged_run(counted(reranked(0.9)), counted(refused))
    assert str(row(beside).reason).startswith("too little evidence: ")
    alone = judged_run(counted(refused))
    found = row(alone)
    assert found.reason == (
        "refused prerequisite: toy.count, all was answered with 422 “x”"
    )
    assert found.shown is not None
    assert found.shown.exchange == "ex-2"
    assert found.shown.curl.startswith("curl -sS http://h/v1/rerank ")


def test_that_all_requests_with_a_parameter_were_refused_is_told() -> None:
    """Others were accepted: not all that the checks of the row look at was refused."""
    body = {"model": "m", "query": "q", "documents": ["a"], "top_n": 1}
    refused = exchange("rerank", body, {"detail": "no top_n"}, status=400, id="ex-2")
    made = judged_run(counted(reranked(0.9)), counted(refused), known=about_top_n())
    found = row(made)
    assert str(found.reason).endswith(
        "was answered with 400 “no top_n”, as was all with top_n"
    )
    assert found.shown is not None
    assert found.shown.exchange == "ex-2"


def about_top_n() -> Catalogue:
    return leveled("MUST", statement="Return the k best documents for top_n k.")


@pytest.mark.parametrize(("usage", "how"), [({}, "missing"), ({"usage": None}, "null")])
def test_a_member_that_is_missing_is_told_where_it_is_looked_for(
    usage: dict[str, None], how: str
) -> None:
    lacking = exchange("rerank", SENT, {"id": "x", "model": "m", "results": []} | usage)
    found = row(judged_run(counted(lacking)), "RERANK-RES-006")
    assert found.verdict != "pass"
    assert found.reason == f"too little evidence: /usage is {how}, see RERANK-RES-005"


def test_a_stream_that_was_left_on_purpose_is_no_reason() -> None:
    left = exchange(
        "rerank", SENT, failure="left in the middle of HTTP 200, as intended", status=0
    )
    found = row(judged_run(counted(reranked(0.9)), counted(left)))
    assert str(found.reason).startswith("too little evidence: ")


def test_every_step_that_serves_a_row_must_be_answered() -> None:
    served: dict[str, Any] = {"serves": ("RERANK-REQ-003",)}
    answered = replace(GOOD, **served)
    lost = exchange("rerank", {}, failure="timeout: no complete answer", **served)
    one = observation("toy.paths", **_path(answered))
    assert row(judged_run(one), "RERANK-REQ-003").verdict == "pass"
    two = observation("toy.paths", **_path(lost))
    found = row(judged_run(one, two), "RERANK-REQ-003")
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "timeout: no complete answer",
    )


def _path(step: Exchange) -> dict[str, Any]:
    return {"/v2/rerank": step}  # a label that is no word of Python


def test_a_path_that_is_not_served_is_its_own_rows_matter() -> None:
    """What two paths show is not put in doubt by a third one that is missing."""
    rows: dict[str, Any] = {"serves": ("RERANK-REQ-004",), "expect": "refuse"}
    gone = exchange("rerank", {}, {"detail": "no"}, status=404)
    gone = replace(gone, request=replace(gone.request, operation="POST /v2/rerank"))
    refused = exchange("rerank", {}, {"detail": "no"}, status=422, **rows)
    here = observation("toy.here", valid=GOOD, mutant=refused)
    there = observation("toy.there", valid=gone, mutant=replace(gone, **rows))
    made = judged_run(here, there)
    planned = tuple(
        PlannedScenario(
            seen.probe,
            0,
            ("rerank",),
            (
                PlannedStep("valid", seen["valid"].request.operation, ()),
                PlannedStep("mutant", seen["mutant"].request.operation, rows["serves"]),
            ),
        )
        for seen in (here, there)
    )
    made = replace(made, recording=replace(made.recording, scenarios=planned))
    assert made.unserved == {"POST /v2/rerank"}
    assert row(made, "RERANK-REQ-004").verdict == "pass"
    alone = judged_run(there)
    alone = replace(alone, recording=replace(alone.recording, scenarios=planned[1:]))
    assert row(alone, "RERANK-REQ-004").reason == (
        "refused prerequisite: POST /v2/rerank is not served"
    )


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("not sent: --max-requests 30", "budget: --max-requests 30"),
        (
            "timeout: no complete answer within 1 s",
            "timeout: no complete answer within 1 s",
        ),
        ("HTTP 429: slow down", "no answer: HTTP 429: slow down"),
        ("connect: refused", "no answer: connect: refused"),
    ],
)
def test_reasons_are_typed(failure: str, reason: str) -> None:
    lost = exchange("rerank", {}, failure=failure)
    assert row(judged_run(counted(lost))).reason == reason


def test_an_unsent_step_is_told() -> None:
    left = Unsent("toy.later", 0, "second", (), "an earlier answer did not allow it")
    seen = observation("toy.later", first=reranked(0.9))
    found = row(judged_run(seen, unsent=(left,)))
    assert found.reason == (
        "refused prerequisite: toy.later, second: an earlier answer did not allow it"
    )


def test_what_a_whole_scenario_did_not_show_no_other_kept_back() -> None:
    left = Unsent("toy.later", 0, "second", (), "an earlier answer did not allow it")
    refused = observation("toy.later", first=replace(REFUSED, expect="accept"))
    made = judged_run(counted(reranked(0.9)), refused, unsent=(left,))
    assert str(row(made).reason).startswith("too little evidence: ")


def test_a_refusal_before_an_unsent_step_is_told_first() -> None:
    left = Unsent("toy.later", 0, "second", (), "an earlier answer did not allow it")
    refused = counted(replace(REFUSED, expect="accept"))
    both = (left, replace(left, probe="toy.count"))
    seen = observation("toy.later", first=reranked(0.9))
    assert row(judged_run(seen, refused, unsent=both)).reason == (
        "refused prerequisite: toy.count, all was answered with 422 “x”"
    )


def test_what_was_never_played_is_told() -> None:
    found = row(judged_run(planned=["toy.count"], cut_short="interrupted"))
    assert found.reason == "cut short: interrupted"


def test_a_limit_is_the_reason_also_where_no_step_serves_the_row() -> None:
    """Such rows are judged by every mistake, or by the shape of every answer."""
    refused = observation("toy.refused", broken=reranked(0.9))
    left = replace(refused.steps["broken"], failure="not sent: --max-requests 2")
    left = replace(left, response=None)
    unsent = judged_run(observation("toy.refused", broken=left))
    assert row(unsent, "COMMON-ERR-004").reason == "budget: --max-requests 2"
    ended = judged_run(counted(), planned=["toy.count", "toy.refused"], cut_short="^C")
    assert row(ended, "COMMON-ERR-004").reason == "cut short: ^C"


def test_a_run_that_never_had_a_plan_says_why() -> None:
    found = row(judged_run(cut_short="nobody answers"), "RERANK-REQ-003")
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "cut short: nobody answers",
    )


def test_what_was_not_selected_has_no_verdict() -> None:
    chosen = replace(SETTING, selection=("RERANK-SEM-004",))
    found = row(judged_run(counted(RISING), setting=chosen))
    assert (found.verdict, found.reason) == ("not_applicable", "not selected")
    assert found.findings == ()


# --- what does not apply -----------------------------------------------------------


def test_an_absent_api_is_not_applicable() -> None:
    made = judged_run(counted(RISING), absent={"rerank": "the rerank API is absent"})
    found = row(made)
    assert (found.verdict, found.reason) == (
        "not_applicable",
        "the rerank API is absent",
    )
    assert row(made, "COMMON-REQ-001").verdict == "not_applicable"
    assert row(made, "COMMON-RES-001").verdict == "pass"


def test_what_is_outside_the_scope_is_not_applicable() -> None:
    made = judged_run(counted(), setting=replace(SETTING, apis=("chat",)))
    assert row(made).reason == "rerank is outside --apis"


def test_a_common_row_applies_while_one_of_its_apis_does() -> None:
    absent = dict.fromkeys(("chat", "completions"), "absent")
    made = judged_run(counted(), absent=absent)
    assert row(made, "COMMON-SEM-002").verdict == "not_applicable"
    assert row(made, "COMMON-RES-005").verdict != "not_applicable"


def needing(*needs: str) -> Catalogue:
    return leveled("MUST", needs=needs)


def test_a_capability_that_is_not_claimed_is_not_applicable() -> None:
    made = judged_run(
        counted(RISING),
        known=needing("tools"),
        setting=replace(SETTING, without=("tools",)),
    )
    assert (row(made).verdict, row(made).reason) == (
        "not_applicable",
        "--without tools",
    )


def test_a_row_about_keys_needs_a_key() -> None:
    known = needing("api_key")
    assert row(judged_run(counted(), known=known)).reason == "no API key was given"
    keyed = replace(SETTING, has_key=True)
    assert row(judged_run(counted(), known=known, setting=keyed)).verdict == "pass"


def test_a_row_about_a_kind_of_model_needs_one() -> None:
    known = needing("embedding_model")
    facts = Facts(kinds={"rerank": "cross_encoder"})
    found = row(judged_run(counted(reranked(0.9)), known=known, facts=facts))
    assert found.verdict == "not_applicable"
    assert "needs embedding model; the served model's kind is cross_encoder" in str(
        found.reason
    )


def test_a_kind_of_model_that_is_there_is_no_reason() -> None:
    known = needing("cross_encoder")
    facts = Facts(kinds={"rerank": "cross_encoder"})
    found = row(judged_run(counted(reranked(0.9)), known=known, facts=facts))
    assert found.verdict == "inconclusive"
    assert "cross_encoder" not in str(found.reason)


def test_a_row_whose_probes_were_left_out_is_not_applicable() -> None:
    dropped = {"toy.paths": Dropped("the chat API is absent", ("RERANK-REQ-003",))}
    found = row(judged_run(counted(), dropped=dropped), "RERANK-REQ-003")
    assert (found.verdict, found.reason) == (
        "not_applicable",
        "the chat API is absent",
    )
