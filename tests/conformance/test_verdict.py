"""Verdicts on what was exercised, from recordings made by hand."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import toys
from exchanges import exchange, observation
from judged_runs import ORDER, SETTING, counted, judged_run, leveled, noisy, row
from test_judge import GOOD, REFUSED, RISING, reranked

from aios_conformance.conformance.judging.verdict import (
    stale_waivers,
    verdicts,
)
from aios_conformance.conformance.observing.selfcheck import SuiteFault
from aios_conformance.conformance.observing.setting import Setting
from aios_conformance.conformance.options.values import Waiver
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Observation
from aios_conformance.conformance.terms.views import (
    AnyAnswer,
    ChatAnswer,
    Record,
    RerankAnswer,
)

# --- the plain verdicts ------------------------------------------------------------


def test_what_holds_passes() -> None:
    found = row(judged_run(counted()))
    assert (found.verdict, found.reason) == ("pass", None)
    assert found.evidence == 1
    assert found.coverage[0].exchanges == ("ex-1",)


def test_a_broken_must_fails_with_evidence() -> None:
    found = row(judged_run(counted(RISING)))
    assert found.verdict == "fail"
    (evidence,) = found.findings
    assert evidence.pointer == "/results/1/relevance_score"
    assert (evidence.exchange, evidence.check) == ("ex-1", "scores_never_rise")
    assert evidence.curl.startswith("curl -sS http://h/v1/rerank ")


def test_what_a_limit_kept_from_being_sent_again_says_so() -> None:
    seen = counted(RISING)
    name = (seen.probe, seen.draw)
    found = row(judged_run(seen, left_out=[name]))
    assert (found.verdict, found.reproduced) == ("fail", None)
    assert (found.occurrence or "").startswith("not sent again: what a run may spend")
    lost = exchange("rerank", {}, None, failure="not sent: --max-requests 9 is spent")
    again = replace(seen, steps=dict.fromkeys(seen.steps, lost))
    found = row(judged_run(seen, again=[again]))
    assert found.occurrence == "not sent again: --max-requests 9 is spent"


def test_one_bad_answer_among_many_fails() -> None:
    many = [
        observation("toy.count", None, None, i, all=reranked(0.9, 0.1, id=f"ex-{i}"))
        for i in range(5)
    ]
    bad = observation("toy.count", None, None, 9, all=reranked(0.1, 0.9, id="ex-9"))
    assert row(judged_run(*many, bad)).verdict == "fail"


def test_a_broken_should_warns() -> None:
    assert row(judged_run(counted(RISING), known=leveled("SHOULD"))).verdict == "warn"


def test_statistics_never_fail() -> None:
    known = leveled("MUST", statistical=True)
    assert row(judged_run(counted(RISING), known=known)).verdict == "warn"


@check(ORDER)
def grumbles(answer: RerankAnswer) -> Iterator[Note]:
    """Softly."""
    yield Finding(expected="more", actual=answer.scores, soft=True)


def test_a_soft_finding_warns() -> None:
    known = toys.catalogue(checks=(grumbles,))
    found = row(judged_run(counted(), known=known))
    assert found.verdict == "warn"
    assert found.findings[0].soft


def test_a_hard_finding_beside_a_soft_one_fails_and_is_told_first() -> None:
    known = toys.catalogue(checks=(grumbles, toys.scores_never_rise))
    found = row(judged_run(counted(RISING), known=known))
    assert found.verdict == "fail"
    assert [evidence.soft for evidence in found.findings] == [False, True]


@check("COMMON-REQ-016")
def tells(answer: AnyAnswer) -> Iterator[Note]:
    yield FollowedReading("ignored" if answer.exchange.is_success else "refused")


def test_a_may_row_only_informs() -> None:
    known = toys.catalogue(checks=(tells,))
    found = row(judged_run(counted(), known=known), "COMMON-REQ-016")
    assert (found.verdict, found.reading) == ("info", "ignored")


def test_the_followed_readings_are_told_commonest_first() -> None:
    known = toys.catalogue(checks=(tells,))
    seen = [counted(REFUSED), counted(GOOD), counted(GOOD)]
    found = row(judged_run(*seen, known=known), "COMMON-REQ-016")
    assert found.reading == "ignored; refused"


# --- our own faults ----------------------------------------------------------------


@check(ORDER)
def breaks_down(answer: RerankAnswer) -> Iterator[Note]:
    yield Finding(expected="x", actual=answer.body["nothing"])


def test_a_check_that_fails_is_our_error() -> None:
    known = toys.catalogue(checks=(breaks_down,))
    found = row(judged_run(counted(), known=known))
    assert found.verdict == "error"
    assert "check breaks_down failed: KeyError" in str(found.reason)


def test_a_finding_on_a_may_row_is_told_and_blames_nobody() -> None:
    found = row(judged_run(counted(RISING), known=leveled("MAY")))
    assert found.verdict == "info"
    assert str(found.reading).startswith("expected ")


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
    fault = SuiteFault(probe, 0, "step", serves, "sent as valid, but /x: no")
    found = row(judged_run(counted(), slips=(fault,)), concerned)
    assert found.verdict == "error"
    assert found.reason == f"{probe}, step: sent as valid, but /x: no"


# --- sent again --------------------------------------------------------------------


def test_a_finding_stands_though_it_does_not_reproduce() -> None:
    found = row(judged_run(counted(RISING), again=[counted(GOOD)]))
    assert (found.verdict, found.reproduced) == ("fail", False)


def test_a_finding_that_reproduces_says_so() -> None:
    found = row(judged_run(counted(RISING), again=[counted(RISING)]))
    assert (found.verdict, found.reproduced) == ("fail", True)


def test_nobody_knows_about_what_was_not_sent_again() -> None:
    assert row(judged_run(counted(RISING))).reproduced is None


def test_a_score_that_was_seen_wrong_stands_however_seldom() -> None:
    """A cache or a neighbour in flight does not come again when one asks again."""
    for again in ([counted(RISING)], [counted(GOOD)], []):
        found = row(judged_run(counted(RISING), again=again, known=noisy()))
        assert found.verdict == "fail"


YES, DRIFTED = "Yes, of course.", "Yes, of old."


@check("META-051")
def it_says_yes(answer: ChatAnswer) -> Iterator[Note]:
    """The toy model always says yes."""
    if answer.texts != [YES]:
        drift = is_drift([YES], answer.texts)
        yield Finding(expected=YES, actual=answer.texts, drift=drift)


def said(*texts: str) -> list[Observation]:
    """Chats, one after the other, each of which said one thing."""
    answers = [{"choices": [{"message": {"content": text}}]} for text in texts]
    return [
        observation("toy.chat", draw=i, all=exchange("chat", {}, answer))
        for i, answer in enumerate(answers)
    ]


@pytest.mark.parametrize(
    ("again", "verdict", "reason"),
    [
        ([DRIFTED], "warn", None),
        ([YES], "unstable", "1 of 3 times; the same when sent again"),
        ([], "unstable", "1 of 3 times; not sent again"),
    ],
)
def test_texts_that_differ_and_not_again_are_unstable(
    again: list[str], verdict: str, reason: str | None
) -> None:
    known = toys.catalogue(checks=(it_says_yes,), api="chat")
    made = judged_run(*said(DRIFTED, YES, YES), again=said(*again), known=known)
    found = row(made, "META-051")
    assert found.verdict == verdict
    assert found.reason == (reason and f"generated texts differed {reason}")
    assert [evidence.actual for evidence in found.findings] == [[DRIFTED]]


@pytest.mark.parametrize("other", ["No, never.", "Yes, of"])
def test_texts_that_are_not_alike_up_to_a_point_are_not_unstable(other: str) -> None:
    """Another question was answered, or a limit of another request acted."""
    known = toys.catalogue(checks=(it_says_yes,), api="chat")
    made = judged_run(*said(other, YES), again=said(YES), known=known)
    found = row(made, "META-051")
    assert (found.verdict, found.occurrence) == ("warn", "seen 1 of 2 times")


def test_what_breaks_only_when_it_is_sent_again_is_broken() -> None:
    made = judged_run(counted(GOOD), again=[counted(RISING)])
    found = row(made)
    # the first time counts too, and is not told as the one that was found
    assert (found.verdict, found.occurrence) == ("fail", "seen 1 of 2 times")


def test_texts_that_differ_only_when_sent_again_say_so() -> None:
    known = toys.catalogue(checks=(it_says_yes,), api="chat")
    made = judged_run(*said(YES, YES), again=said(DRIFTED), known=known)
    found = row(made, "META-051")
    assert (found.verdict, found.occurrence) == ("unstable", "seen 1 of 2 times")
    assert found.reason == (
        "generated texts were the same 2 times, and differed when sent again"
    )


def test_the_smallest_case_is_the_evidence() -> None:
    small = reranked(0.2, 0.8, id="small-1")
    found = row(judged_run(counted(RISING), smaller=[counted(small)]))
    assert [evidence.exchange for evidence in found.findings] == ["small-1"]


def test_of_all_that_failed_the_shortest_request_is_the_evidence() -> None:
    long = reranked(0.2, 0.8, id="small-1")
    body = long.request.body
    padded = replace(long.request, body=body.replace(b"{", b"{ ", 1))
    long = replace(long, request=padded)
    short = reranked(0.2, 0.8, id="ex-9")
    found = row(judged_run(counted(short), smaller=[counted(long)]))
    assert [evidence.exchange for evidence in found.findings] == ["ex-9"]


def test_one_cause_at_many_places_is_told_once() -> None:
    answer = GOOD.response.json if GOOD.response else {}
    scores = [0.2, 0.8, 0.9, 0.95]
    results = [r for r in answer["results"] for _ in "xx"]
    rising = [r | {"relevance_score": s} for r, s in zip(results, scores, strict=True)]
    seen = exchange("rerank", GOOD.request.json, answer | {"results": rising})
    made = judged_run(counted(seen))
    assert len(made.traces[ORDER]) == 3
    assert len(row(made).findings) == 1


def test_a_smaller_case_of_something_else_is_no_evidence() -> None:
    made = judged_run(counted(GOOD), smaller=[counted(RISING)])
    assert row(made).verdict == "pass"


def test_a_smaller_case_of_another_api_is_no_evidence() -> None:
    """A row of rerank is not shown broken by a request to score."""
    small = reranked(0.2, 0.8, id="small-1")
    elsewhere = replace(small.request, operation="POST /v1/score")
    small = replace(small, request=elsewhere)
    found = row(judged_run(counted(RISING), smaller=[counted(small)]))
    assert [evidence.exchange for evidence in found.findings] == [RISING.id]


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
    made = judged_run(counted(GOOD), again=[counted(GOOD)], known=known)
    found = row(made, "COMMON-RES-005")
    assert (found.verdict, found.reproduced) == ("fail", None)


# --- waivers -----------------------------------------------------------------------


def waived(expires: str) -> Setting:
    return replace(SETTING, waivers=(Waiver(ORDER, "known bug", expires),))


def test_a_waiver_holds_until_its_day() -> None:
    found = row(judged_run(counted(RISING), setting=waived("2026-06-15")))
    assert (found.verdict, found.reason) == ("waived", "known bug (until 2026-06-15)")
    assert found.findings


def test_an_expired_waiver_does_not_hold() -> None:
    found = row(judged_run(counted(RISING), setting=waived("2026-06-14")))
    assert (found.verdict, found.reason) == (
        "fail",
        "the waiver expired on 2026-06-14",
    )


def test_a_waiver_that_is_not_needed_is_stale() -> None:
    made = judged_run(counted(), setting=waived("2026-12-31"))
    results = verdicts(made)
    assert row(made).verdict == "pass"
    assert stale_waivers(made, results) == (ORDER,)
    needed = judged_run(counted(RISING), setting=waived("2026-12-31"))
    assert stale_waivers(needed, verdicts(needed)) == ()
