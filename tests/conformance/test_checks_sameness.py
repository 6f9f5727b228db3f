"""Requests that mean the same are answered alike, within what may differ."""

from dataclasses import replace
from typing import Any

import pytest
from answers import SENT, good, spoilt
from exchanges import exchange, findings, is_evidence, notes, observation

from aios_conformance.conformance.checks import sameness
from aios_conformance.conformance.terms.catalogue import checks_in
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Api, Exchange, Observation

ERROR: Any = {"error": {"message": "no"}}


def accepted(api: Api = "chat", answer: Any = None, **over: Any) -> Exchange:
    return exchange(api, SENT[api], good(api) if answer is None else answer, **over)


def refused(status: int) -> Exchange:
    return exchange("chat", SENT["chat"], ERROR, status=status)


def rows(check: Check, *seen: Any) -> set[str]:
    return {row for f in findings(check, *seen) for row in f.ids or check.ids}


def played(probe: str, **steps: Any) -> Observation:
    return observation(f"common.{probe}", **steps)


def test_an_accept_header_changes_nothing() -> None:
    check = sameness.accept_changes_nothing
    charset = {"content-type": "application/json; charset=utf-8"}
    same = {"with": accepted(), "without": accepted(headers=charset)}
    assert findings(check, played("headers.chat", **same)) == []


@pytest.mark.parametrize(
    "other",
    [
        accepted(headers={"content-type": "application/hal+json"}),
        accepted(answer=spoilt("chat", "usage")),
    ],
)
def test_an_accept_header_that_changes_the_answer_is_found(other: Exchange) -> None:
    seen = played("headers.chat", **{"with": accepted(), "without": other})
    (found,) = findings(sameness.accept_changes_nothing, seen)
    assert found.step == "without"


@pytest.mark.parametrize(("status", "count"), [(200, 0), (415, 1), (400, 1)])
def test_a_charset_that_is_refused_only_warns(status: int, count: int) -> None:
    body = good("chat") if status == 200 else {"error": "no"}
    charset = exchange("chat", SENT["chat"], body, status=status, expect="either")
    seen = played("headers.chat", **{"with": accepted(), "charset": charset})
    found = findings(sameness.a_charset_changes_nothing, seen)
    assert [f.soft for f in found] == [True] * count


def saying(text: str, tokens: int = 2) -> Exchange:
    answer = spoilt("chat", "choices/0/message/content", text)
    answer["usage"]["completion_tokens"] = tokens
    answer["id"] = f"answer-{text}"
    sent = SENT["chat"] | {"max_tokens": 4}
    return exchange("chat", sent, answer)


def nulls(**steps: Exchange) -> Observation:
    made: dict[str, Any] = {"omitted": saying("blue")} | steps
    return played("nulls.chat", **made)


def test_null_like_omission_is_right() -> None:
    seen = nulls(null=saying("blue"))
    assert findings(sameness.null_is_as_good_as_nothing, seen) == []


def test_another_text_under_null_only_warns() -> None:
    (found,) = findings(sameness.null_is_as_good_as_nothing, nulls(null=saying("red")))
    assert found.soft
    assert found.pointer == "/choices/0/message/content"


def limited(tokens: int, **limits: int | None) -> Exchange:
    answer = spoilt("chat", "usage/completion_tokens", tokens)
    sent = SENT["chat"] | {"max_tokens": 4} | limits
    if "max_tokens" not in limits and len(limits) == 1:
        del sent["max_tokens"]
    return exchange("chat", sent, answer)


OLD, NEW = limited(4), limited(4, max_completion_tokens=4)
OLD_NULL = {"max_tokens": None, "max_completion_tokens": 4}
NEW_NULL = {"max_tokens": 4, "max_completion_tokens": None}


@pytest.mark.parametrize(
    ("alone", "nulls"), [(OLD, NEW_NULL), (NEW, OLD_NULL)], ids=["new", "old"]
)
@pytest.mark.parametrize(("tokens", "kind"), [(0, "silent"), (4, None), (5, "silent")])
def test_a_null_limit_that_limits_or_lifts_is_found(
    alone: Exchange, nulls: dict[str, int | None], tokens: int, kind: str | None
) -> None:
    found = findings(sameness.null_sets_nothing, alone, limited(tokens, **nulls))
    assert [each.kind for each in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    "alone", [OLD, limited(9, max_completion_tokens=4)], ids=["other", "ignored"]
)
def test_a_limit_that_is_not_kept_alone_is_not_the_fault_of_null(
    alone: Exchange,
) -> None:
    calls = (alone, limited(9, **OLD_NULL))
    assert notes(sameness.null_sets_nothing, *calls) == []


def test_spelling_does_not_matter() -> None:
    check = sameness.spelling_of_json_does_not_matter

    def seen(respelt: Exchange) -> Observation:
        return played("spelling.chat", plain=saying("blue"), respelt=respelt)

    assert findings(check, seen(saying("blue"))) == []
    assert rows(check, seen(saying("red"))) == {"META-118"}
    assert not is_evidence(check, seen(refused(400)))


def after(refusal: Exchange, last: Exchange, **more: Exchange) -> Observation:
    steps = {"before": saying("blue"), "nameless": refusal, "after": last} | more
    return played("after_error.chat", **steps)


def test_an_error_leaves_nothing_behind() -> None:
    check = sameness.an_error_leaves_nothing_behind
    assert is_evidence(check, after(refused(422), saying("blue")))
    assert findings(check, after(refused(422), saying("blue"))) == []
    assert rows(check, after(refused(422), saying("red"))) == {"META-119"}
    assert not is_evidence(check, after(saying("no error"), saying("red")))


@pytest.mark.parametrize(
    ("sent_at", "is_between"), [(4.9, False), (5.0, True), (7.0, True), (7.1, False)]
)
def test_only_a_refusal_between_the_two_answers_counts(
    sent_at: float, *, is_between: bool
) -> None:
    """What was asked in another's name may have been asked at another time."""
    seen = after(replace(refused(422), sent_at=sent_at), saying("red"))
    before = replace(seen["before"], sent_at=5.0)
    last = replace(seen["after"], sent_at=7.0)
    seen = replace(seen, steps={**seen.steps, "before": before, "after": last})
    assert is_evidence(sameness.an_error_leaves_nothing_behind, seen) == is_between


@pytest.mark.parametrize(
    ("settled", "is_shown"), [("blue", True), ("red", True), ("green", False)]
)
def test_a_target_that_never_says_the_same_is_not_blamed(
    settled: str, *, is_shown: bool
) -> None:
    check = sameness.an_error_leaves_nothing_behind
    seen = after(refused(422), saying("red"), settled=saying(settled))
    assert is_evidence(check, seen) == is_shown


def test_numbers_are_compared_within_tolerance() -> None:
    check = sameness.an_error_leaves_nothing_behind

    def vector(x: float) -> Exchange:
        answer = spoilt("embeddings", "data/0/embedding/0", x)
        return accepted("embeddings", answer)

    def seen(x: float) -> Observation:
        steps = {"before": vector(0.25), "nameless": refused(422), "after": vector(x)}
        return played("after_error.embeddings", **steps)

    assert findings(check, seen(0.2505)) == []
    (found,) = findings(check, seen(0.26))
    assert found.pointer == "/data/0/embedding/0"


def test_a_selection_knows_what_feeds_every_row() -> None:
    assert all(check.ids for check in checks_in(sameness))
