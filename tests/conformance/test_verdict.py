"""Verdicts, claims and exit codes, from recordings made by hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import toys
from exchanges import exchange, observation
from test_judge import GOOD, REFUSED, RISING, reranked

from conformance.bench import Bench
from conformance.catalogue import Catalogue
from conformance.check import Finding, Note, Reading, check
from conformance.exchange import Exchange, Facts, Observation
from conformance.judge import Judgement, judge
from conformance.options import ExitCode, Waiver
from conformance.plan import scenario_of
from conformance.probe import Served
from conformance.recorder import Unsent
from conformance.recording import Recording, Setting
from conformance.result import RequirementResult, RunResult, Usage
from conformance.scenario import Dropped, PlannedScenario, PlannedStep
from conformance.selfcheck import Slip
from conformance.verdict import (
    claim,
    exit_code,
    stale_waivers,
    verdicts,
)
from conformance.views import AnyAnswer, Record, RerankAnswer

ORDER = "RERANK-SEM-006"
SETTING = Setting("http://h", "aios", "standard", 0, "2026-06-15T12:00:00Z", "1")
PLANNED = {
    probe.name: scenario_of(toys.catalogue(), probe, 0, params, Served(Facts())).planned
    for probe, params in (
        (toys.counted, 3),
        (toys.later, None),
        (toys.refused, {"top_n": {}}),
        (toys.paths, None),
    )
}


def bench(
    *observations: Observation,
    known: Catalogue | None = None,
    again: Sequence[Observation] = (),
    smaller: Sequence[Observation] = (),
    setting: Setting = SETTING,
    planned: Sequence[str] | None = None,
    **recording: Any,
) -> Bench:
    known = known or toys.catalogue()
    facts = recording.pop("facts", Facts())
    exchanges = tuple(e for o in observations for e in o.steps.values())
    names = [o.probe for o in observations] if planned is None else planned
    whole = Recording(
        setting,
        facts,
        scenarios=tuple(PLANNED[name] for name in names if name in PLANNED),
        exchanges=exchanges,
        observations=observations,
        again=again,
        smaller=smaller,
        **recording,
    )

    def alone(seen: Observation) -> Judgement:
        return judge(known, tuple(seen.steps.values()), [seen], facts)

    return Bench(
        known,
        whole,
        judge(known, exchanges, observations, facts),
        {(o.probe, o.draw): alone(o) for o in again},
        [alone(o) for o in smaller],
    )


def row(made: Bench, name: str = ORDER) -> RequirementResult:
    return next(r for r in verdicts(made) if r.requirement.id == name)


def counted(answer: Exchange = GOOD, **over: Any) -> Observation:
    return observation("toy.count", **{"all": answer, **over})


def noisy(name: str = ORDER) -> Catalogue:
    """The toy catalogue with one row marked noisy."""
    known = toys.catalogue()
    rows = dict(known.requirements)
    rows[name] = replace(rows[name], noisy=True)
    return replace(known, requirements=rows)


# --- the plain verdicts ------------------------------------------------------------


def test_what_holds_passes() -> None:
    found = row(bench(counted()))
    assert (found.verdict, found.reason) == ("pass", None)
    assert found.evidence == 1
    assert found.coverage[0].exchanges == ("ex-1",)


def test_a_broken_must_fails_with_evidence() -> None:
    found = row(bench(counted(RISING)))
    assert found.verdict == "fail"
    (evidence,) = found.findings
    assert evidence.pointer == "/results/1/relevance_score"
    assert (evidence.exchange, evidence.check) == ("ex-1", "scores_never_rise")
    assert evidence.curl.startswith("curl -sS http://h/v1/rerank ")


def test_one_bad_answer_among_many_fails() -> None:
    many = [
        observation("toy.count", None, None, i, all=reranked(0.9, 0.1, id=f"ex-{i}"))
        for i in range(5)
    ]
    bad = observation("toy.count", None, None, 9, all=reranked(0.1, 0.9, id="ex-9"))
    assert row(bench(*many, bad)).verdict == "fail"


def leveled(level: str, **over: Any) -> Catalogue:
    known = toys.catalogue()
    rows = dict(known.requirements)
    rows[ORDER] = replace(rows[ORDER], level=level, **over)
    return replace(known, requirements=rows)


def test_a_broken_should_warns() -> None:
    assert row(bench(counted(RISING), known=leveled("SHOULD"))).verdict == "warn"


def test_statistics_never_fail() -> None:
    known = leveled("MUST", statistical=True)
    assert row(bench(counted(RISING), known=known)).verdict == "warn"


@check(ORDER)
def grumbles(answer: RerankAnswer) -> Iterator[Note]:
    """Softly."""
    yield Finding(expected="more", actual=answer.scores, soft=True)


def test_a_soft_finding_warns() -> None:
    known = toys.catalogue(checks=(grumbles,))
    found = row(bench(counted(), known=known))
    assert found.verdict == "warn"
    assert found.findings[0].soft


def test_a_hard_finding_beside_a_soft_one_fails_and_is_told_first() -> None:
    known = toys.catalogue(checks=(grumbles, toys.scores_never_rise))
    found = row(bench(counted(RISING), known=known))
    assert found.verdict == "fail"
    assert [evidence.soft for evidence in found.findings] == [False, True]


@check("COMMON-REQ-016")
def tells(answer: AnyAnswer) -> Iterator[Note]:
    yield Reading("ignored" if answer.exchange.is_success else "refused")


def test_a_may_row_only_informs() -> None:
    known = toys.catalogue(checks=(tells,))
    found = row(bench(counted(), known=known), "COMMON-REQ-016")
    assert (found.verdict, found.reading) == ("info", "ignored")


def test_the_followed_readings_are_told_commonest_first() -> None:
    known = toys.catalogue(checks=(tells,))
    seen = [counted(REFUSED), counted(GOOD), counted(GOOD)]
    found = row(bench(*seen, known=known), "COMMON-REQ-016")
    assert found.reading == "ignored; refused"


# --- nothing that was not exercised can pass -----------------------------------------


def test_a_vacuous_pass_is_inconclusive() -> None:
    found = row(bench(counted(reranked(0.9))))
    assert found.verdict == "inconclusive"
    assert "too little evidence: scores_never_rise judged 0 of 1" in (
        found.reason or ""
    )


def test_every_check_needs_its_own_evidence() -> None:
    found = row(bench(counted()), "RERANK-SEM-004")
    assert found.verdict == "inconclusive"
    assert "every_document_has_a_result judged 1 of 2" in (found.reason or "")


def test_a_row_may_need_more_than_its_checks() -> None:
    found = row(bench(counted(), known=leveled("MUST", evidence=3)))
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "too little evidence: 1 of 3 observations",
    )


def test_what_a_preset_leaves_out_is_told() -> None:
    smoke = replace(SETTING, preset="smoke")
    found = row(bench(counted(), setting=smoke), "RERANK-REQ-003")
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
    found = row(bench(alone), "RERANK-REQ-011")
    assert found.verdict == "inconclusive"
    assert "refused prerequisite: toy.refused, valid was answered with 422" in str(
        found.reason
    )
    beside = observation("toy.refused", valid=GOOD, mutant=mutant)
    assert row(bench(beside), "RERANK-REQ-011").verdict == "pass"


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
        bench(observation("toy.refused", valid=GOOD, mutant=mutant)), "RERANK-REQ-011"
    )
    assert (found.verdict, found.reason) == (
        "inconclusive",
        (
            "server error: toy.refused, mutant (/top_n is no number) was answered "
            "with 500, see COMMON-ERR-004"
        ),
    )


def test_a_crash_of_its_own_step_comes_before_an_answer_that_never_came() -> None:
    mutant = {"status": 500, "expect": "refuse", "serves": ("RERANK-REQ-011",)}
    crash = exchange("rerank", {}, {"error": 1}, **mutant)
    lost = exchange("rerank", {}, failure="timeout: 60 s", **mutant | {"status": 0})
    seen = observation("toy.refused", valid=GOOD, mutant=crash, other=lost)
    reason = row(bench(seen), "RERANK-REQ-011").reason
    assert str(reason).startswith("server error: toy.refused, mutant")


def test_crashes_in_place_of_every_refusal_are_told_where_any_would_do() -> None:
    crash = exchange("rerank", {}, {"error": 1}, status=500, expect="refuse")
    seen = observation("toy.refused", valid=GOOD, mutant=crash)
    found = row(bench(seen), "COMMON-ERR-001")
    assert found.verdict == "inconclusive"
    assert str(found.reason).startswith("server error: ")


def test_a_refusal_beside_accepted_requests_is_no_reason_for_a_view() -> None:
    refused = replace(REFUSED, expect="accept", id="ex-2")
    beside = bench(counted(reranked(0.9)), counted(refused))
    assert str(row(beside).reason).startswith("too little evidence: ")
    alone = bench(counted(refused))
    assert row(alone).reason == (
        "refused prerequisite: toy.count, all was answered with 422"
    )


def test_every_step_that_serves_a_row_must_be_answered() -> None:
    served = {"serves": ("RERANK-REQ-003",)}
    answered = replace(GOOD, **served)
    lost = exchange("rerank", {}, failure="timeout: no complete answer", **served)
    one = observation("toy.paths", **{"/v2/rerank": answered})
    assert row(bench(one), "RERANK-REQ-003").verdict == "pass"
    two = observation("toy.paths", **{"/v2/rerank": lost})
    found = row(bench(one, two), "RERANK-REQ-003")
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "timeout: no complete answer",
    )


def test_a_path_that_is_not_served_is_its_own_rows_matter() -> None:
    """What two paths show is not put in doubt by a third one that is missing."""
    rows = {"serves": ("RERANK-REQ-004",), "expect": "refuse"}
    gone = exchange("rerank", {}, {"detail": "no"}, status=404)
    gone = replace(gone, request=replace(gone.request, operation="POST /v2/rerank"))
    refused = exchange("rerank", {}, {"detail": "no"}, status=422, **rows)
    here = observation("toy.here", valid=GOOD, mutant=refused)
    there = observation("toy.there", valid=gone, mutant=replace(gone, **rows))
    made = bench(here, there)
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
    alone = bench(there)
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
    assert row(bench(counted(lost))).reason == reason


def test_an_unsent_step_is_told() -> None:
    left = Unsent("toy.later", 0, "second", (), "an earlier answer did not allow it")
    seen = observation("toy.later", first=reranked(0.9))
    found = row(bench(seen, unsent=(left,)))
    assert found.reason == (
        "refused prerequisite: toy.later, second: an earlier answer did not allow it"
    )


def test_what_was_never_played_is_told() -> None:
    found = row(bench(planned=["toy.count"], cut_short="interrupted"))
    assert found.reason == "cut short: interrupted"


def test_a_run_that_never_had_a_plan_says_why() -> None:
    found = row(bench(cut_short="nobody answers"), "RERANK-REQ-003")
    assert (found.verdict, found.reason) == (
        "inconclusive",
        "cut short: nobody answers",
    )


def test_what_was_not_selected_has_no_verdict() -> None:
    chosen = replace(SETTING, selection=("RERANK-SEM-004",))
    found = row(bench(counted(RISING), setting=chosen))
    assert (found.verdict, found.reason) == ("inconclusive", "not selected")
    assert found.findings == ()


# --- what does not apply -----------------------------------------------------------


def test_an_absent_api_is_not_applicable() -> None:
    made = bench(counted(RISING), absent={"rerank": "the rerank API is absent"})
    found = row(made)
    assert (found.verdict, found.reason) == (
        "not_applicable",
        "the rerank API is absent",
    )
    assert row(made, "COMMON-REQ-001").verdict == "not_applicable"
    assert row(made, "COMMON-RES-001").verdict == "pass"


def test_what_is_outside_the_scope_is_not_applicable() -> None:
    made = bench(counted(), setting=replace(SETTING, apis=("chat",)))
    assert row(made).reason == "rerank is outside --apis"


def test_a_common_row_applies_while_one_of_its_apis_does() -> None:
    absent = dict.fromkeys(("chat", "completions"), "absent")
    made = bench(counted(), absent=absent)
    assert row(made, "COMMON-SEM-002").verdict == "not_applicable"
    assert row(made, "COMMON-RES-005").verdict != "not_applicable"


def needing(*needs: str) -> Catalogue:
    return leveled("MUST", needs=needs)


def test_a_capability_that_is_not_claimed_is_not_applicable() -> None:
    made = bench(
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
    assert row(bench(counted(), known=known)).reason == "no API key was given"
    keyed = replace(SETTING, has_key=True)
    assert row(bench(counted(), known=known, setting=keyed)).verdict == "pass"


def test_a_row_about_a_kind_of_model_needs_one() -> None:
    known = needing("embedding_model")
    facts = Facts(kinds={"rerank": "cross_encoder"})
    found = row(bench(counted(reranked(0.9)), known=known, facts=facts))
    assert found.verdict == "not_applicable"
    assert "needs embedding model; the served model's kind is cross_encoder" in str(
        found.reason
    )


def test_a_row_whose_probes_were_left_out_is_not_applicable() -> None:
    dropped = {"toy.paths": Dropped("the chat API is absent", ("RERANK-REQ-003",))}
    found = row(bench(counted(), dropped=dropped), "RERANK-REQ-003")
    assert (found.verdict, found.reason) == (
        "not_applicable",
        "the chat API is absent",
    )


# --- our own faults ----------------------------------------------------------------


@check(ORDER)
def breaks_down(answer: RerankAnswer) -> Iterator[Note]:
    yield Finding(expected="x", actual=answer.body["nothing"])


def test_a_check_that_fails_is_our_error() -> None:
    known = toys.catalogue(checks=(breaks_down,))
    found = row(bench(counted(), known=known))
    assert found.verdict == "error"
    assert "check breaks_down failed: KeyError" in str(found.reason)


def test_a_finding_on_a_may_row_is_our_error() -> None:
    found = row(bench(counted(RISING), known=leveled("MAY")))
    assert found.verdict == "error"
    assert "a finding on a MAY row" in str(found.reason)


@pytest.mark.parametrize(
    ("serves", "probe", "concerned"),
    [
        (("RERANK-REQ-002",), "toy.paths", "RERANK-REQ-002"),
        ((), "toy.count", "RERANK-SEM-004"),
        ((), "toy.paths", "COMMON-RES-001"),
    ],
)
def test_a_request_that_is_not_what_it_claims_is_our_error(
    serves: tuple[str, ...], probe: str, concerned: str
) -> None:
    slip = Slip(probe, 0, "step", serves, "sent as valid, but /x: no")
    found = row(bench(counted(), slips=(slip,)), concerned)
    assert found.verdict == "error"
    assert found.reason == f"{probe}, step: sent as valid, but /x: no"


# --- sent again --------------------------------------------------------------------


def test_a_finding_stands_though_it_does_not_reproduce() -> None:
    found = row(bench(counted(RISING), again=[counted(GOOD)]))
    assert (found.verdict, found.reproduced) == ("fail", False)


def test_a_finding_that_reproduces_says_so() -> None:
    found = row(bench(counted(RISING), again=[counted(RISING)]))
    assert (found.verdict, found.reproduced) == ("fail", True)


def test_nobody_knows_about_what_was_not_sent_again() -> None:
    assert row(bench(counted(RISING))).reproduced is None


def test_a_noisy_finding_stands_only_if_it_reproduces() -> None:
    known = noisy()
    again = row(bench(counted(RISING), again=[counted(RISING)], known=known))
    assert (again.verdict, again.reproduced) == ("fail", True)
    never = row(bench(counted(RISING), again=[counted(GOOD)], known=known))
    assert (never.verdict, never.reason) == ("pass", "a finding did not reproduce")
    unknown = row(bench(counted(RISING), known=known))
    assert unknown.verdict == "inconclusive"
    assert str(unknown.reason).startswith("budget: ")


def test_the_smallest_case_is_the_evidence() -> None:
    small = reranked(0.2, 0.8, id="small-1")
    found = row(bench(counted(RISING), smaller=[counted(small)]))
    assert [evidence.exchange for evidence in found.findings] == ["small-1"]


def test_of_all_that_failed_the_shortest_request_is_the_evidence() -> None:
    long = reranked(0.2, 0.8, id="small-1")
    body = long.request.body
    padded = replace(long.request, body=body.replace(b"{", b"{ ", 1))
    long = replace(long, request=padded)
    short = reranked(0.2, 0.8, id="ex-9")
    found = row(bench(counted(short), smaller=[counted(long)]))
    assert [evidence.exchange for evidence in found.findings] == ["ex-9"]


def test_one_cause_at_many_places_is_told_once() -> None:
    answer = GOOD.response.json if GOOD.response else {}
    scores = [0.2, 0.8, 0.9, 0.95]
    results = [r for r in answer["results"] for _ in "xx"]
    rising = [r | {"relevance_score": s} for r, s in zip(results, scores, strict=True)]
    seen = exchange("rerank", GOOD.request.json, answer | {"results": rising})
    made = bench(counted(seen))
    assert len(made.traces[ORDER]) == 3
    assert len(row(made).findings) == 1


def test_a_smaller_case_of_something_else_is_no_evidence() -> None:
    made = bench(counted(GOOD), smaller=[counted(RISING)])
    assert row(made).verdict == "pass"


@check("COMMON-RES-005")
def ids_differ(record: Record) -> Iterator[Note]:
    """No two answers have the same id."""
    last = record.exchanges[-1]
    yield Finding(expected="another id", actual="x", exchange=last.id)


def test_a_finding_of_the_whole_record_stands_by_itself() -> None:
    known = toys.catalogue(checks=(ids_differ,))
    rows = dict(known.requirements)
    rows["COMMON-RES-005"] = replace(rows["COMMON-RES-005"], noisy=True)
    known = replace(known, requirements=rows)
    made = bench(counted(GOOD), again=[counted(GOOD)], known=known)
    found = row(made, "COMMON-RES-005")
    assert (found.verdict, found.reproduced) == ("fail", None)


# --- waivers -----------------------------------------------------------------------


def waived(expires: str) -> Setting:
    return replace(SETTING, waivers=(Waiver(ORDER, "known bug", expires),))


def test_a_waiver_holds_until_its_day() -> None:
    found = row(bench(counted(RISING), setting=waived("2026-06-15")))
    assert (found.verdict, found.reason) == ("waived", "known bug (until 2026-06-15)")
    assert found.findings


def test_an_expired_waiver_does_not_hold() -> None:
    found = row(bench(counted(RISING), setting=waived("2026-06-14")))
    assert (found.verdict, found.reason) == (
        "fail",
        "the waiver expired on 2026-06-14",
    )


def test_a_waiver_that_is_not_needed_is_stale() -> None:
    made = bench(counted(), setting=waived("2026-12-31"))
    results = verdicts(made)
    assert row(made).verdict == "pass"
    assert stale_waivers(made, results) == (ORDER,)
    needed = bench(counted(RISING), setting=waived("2026-12-31"))
    assert stale_waivers(needed, verdicts(needed)) == ()


# --- claims ------------------------------------------------------------------------


def claimed(
    change: Callable[[RequirementResult], Any] | None = None, **over: Any
) -> str:
    """The claim when every row passes, but for what `change` says of some."""
    made = bench(counted(), **over)
    results = [
        replace(r, verdict="info" if r.requirement.level == "MAY" else "pass")
        for r in verdicts(made)
    ]
    if change is not None:
        results = [replace(r, verdict=change(r) or r.verdict) for r in results]
    return claim(made, results)


def test_all_passed_is_a_full_claim() -> None:
    assert claimed() == "full"


@pytest.mark.parametrize("verdict", ["fail", "error", "inconclusive", "waived"])
def test_one_open_must_ends_the_claim(verdict: str) -> None:
    assert claimed(lambda r: verdict if r.requirement.id == ORDER else None) == "none"


def test_warnings_and_open_shoulds_do_not() -> None:
    def change(r: RequirementResult) -> str | None:
        is_should = r.requirement.level == "SHOULD"
        return (
            ["warn", "inconclusive"][len(r.requirement.id) % 2] if is_should else None
        )

    assert claimed(change) == "full"


def test_an_absent_api_makes_the_claim_partial() -> None:
    absent = dict.fromkeys(("chat", "completions"), "absent")
    assert claimed(absent=absent) == "partial: rerank, score, embeddings"


def test_a_declared_scope_makes_the_claim_partial() -> None:
    setting = replace(SETTING, apis=("rerank", "score"), without=("tools",))
    assert claimed(setting=setting) == "partial: rerank, score, without tools"


def test_a_selection_or_a_cut_ends_the_claim() -> None:
    assert claimed(setting=replace(SETTING, selection=(ORDER,))) == "none"
    assert claimed(cut_short="--max-requests 3") == "none"


# --- exit codes --------------------------------------------------------------------


def result(levels: Mapping[str, str], **over: Any) -> RunResult:
    """A result in which the toy rows have these verdicts, in order of level."""
    rows = iter(toys.catalogue().scored)
    pool = {level: [] for level in ("MUST", "SHOULD", "MAY")}  # type: ignore[var-annotated]
    for each in rows:
        pool[each.level].append(each)
    results = [
        RequirementResult(pool[level].pop(), verdict, over.pop("reason", None))  # type: ignore[arg-type]
        for verdict, level in levels.items()
    ]
    return RunResult(
        url="http://h",
        dialect="aios",
        preset="standard",
        seed=0,
        facts=Facts(),
        server=None,
        started=SETTING.started,
        duration_s=1.0,
        complete=over.pop("complete", True),
        claim="none",
        selection=None,
        requirements=results,
        excluded=(),
        usage=Usage(),
        timing={},
        **over,
    )


OPEN_MUST = {"pass": "MUST", "inconclusive": "MUST"}
OPEN_SHOULD = {"pass": "MUST", "inconclusive": "SHOULD"}


@pytest.mark.parametrize(
    ("levels", "fail_on", "code"),
    [
        ({"pass": "MUST"}, "must", ExitCode.JUDGED),
        ({"pass": "MUST", "fail": "MUST"}, "must", ExitCode.RED),
        ({"pass": "MUST", "fail": "MUST"}, "should", ExitCode.RED),
        ({"pass": "MUST", "warn": "SHOULD"}, "must", ExitCode.JUDGED),
        ({"pass": "MUST", "warn": "SHOULD"}, "should", ExitCode.RED),
        (OPEN_MUST, "must", ExitCode.JUDGED),
        (OPEN_MUST, "inconclusive-must", ExitCode.RED),
        (OPEN_SHOULD, "inconclusive-must", ExitCode.JUDGED),
        (OPEN_SHOULD, "inconclusive", ExitCode.RED),
        ({"pass": "MUST", "error": "MUST"}, "must", ExitCode.OWN_ERROR),
        ({"fail": "MUST", "error": "MUST"}, "must", ExitCode.RED),
        ({"inconclusive": "MUST", "info": "MAY"}, "must", ExitCode.NOTHING),
        ({"not_applicable": "MUST"}, "must", ExitCode.NOTHING),
        ({"warn": "SHOULD"}, "must", ExitCode.JUDGED),
        ({"waived": "MUST"}, "must", ExitCode.JUDGED),
    ],
)
def test_exit_codes(levels: dict[str, str], fail_on: str, code: ExitCode) -> None:
    assert exit_code(result(levels), ("must", fail_on)) == code


def test_a_run_that_was_cut_short_says_so_unless_it_is_red() -> None:
    assert exit_code(result({"pass": "MUST"}, complete=False)) == ExitCode.CUT_SHORT
    assert exit_code(result({"fail": "MUST"}, complete=False)) == ExitCode.RED
    assert exit_code(result({}, complete=False)) == ExitCode.CUT_SHORT


def test_a_stale_waiver_is_red() -> None:
    assert exit_code(result({"pass": "MUST"}, stale_waivers=(ORDER,))) == ExitCode.RED


def test_what_was_not_selected_is_never_red() -> None:
    left = result({"inconclusive": "MUST", "pass": "MUST"}, reason="not selected")
    assert exit_code(left, ("inconclusive",)) == ExitCode.JUDGED
