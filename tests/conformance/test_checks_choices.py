"""Each promise of a single answer: kept by a good one, broken by a bad one."""

from typing import Any

import pytest
from exchanges import exchange, findings, readings, witnessed
from generations import choice, listed, refused, request, said, scored

from aios_conformance.conformance.checks import choices
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Api

BOTH: tuple[Api, ...] = ("chat", "completions")
OLD = {"chat": "CHAT-SEM-008", "completions": "COMP-SEM-005"}
NEW = {"chat": "CHAT-SEM-007", "completions": "COMP-SEM-004"}


def _rows(found: Any) -> set[str]:
    return {row for finding in found for row in finding.ids}


@pytest.mark.parametrize("api", BOTH)
@pytest.mark.parametrize(
    ("field", "own"), [("max_tokens", OLD), ("max_completion_tokens", NEW)]
)
def test_one_token_above_a_limit_breaks_the_row_of_its_field(
    api: Api, field: str, own: dict[Api, str]
) -> None:
    check = choices.no_more_tokens_than_the_limit
    sent = request(api, **{field: 4})
    rows = {own[api], "META-040"}
    assert witnessed(check, said(api, "a", sent=sent, completion=4)) == rows
    assert not findings(check, said(api, "a", sent=sent, completion=4))
    assert _rows(findings(check, said(api, "a", sent=sent, completion=5))) == rows


def test_a_limit_that_was_not_reached_shows_nothing() -> None:
    check = choices.no_more_tokens_than_the_limit
    short = said("chat", "a", sent=request("chat", max_tokens=9), completion=4)
    hidden = said("chat", "a", sent=request("chat", max_tokens=16), completion=16)
    assert not witnessed(check, short) | witnessed(check, hidden)


def test_a_limit_holds_for_each_choice_of_each_prompt() -> None:
    check = choices.no_more_tokens_than_the_limit
    sent = request("completions", ["a", "b"], max_tokens=2, n=2)
    four = ["a", "b", "c", "d"]
    assert not findings(check, said("completions", *four, sent=sent, completion=8))
    assert findings(check, said("completions", *four, sent=sent, completion=9))


def test_of_two_limits_the_larger_one_must_hold() -> None:
    check = choices.no_more_tokens_than_the_limit
    sent = request("chat", max_tokens=2, max_completion_tokens=4)
    assert not findings(check, said("chat", "a", sent=sent, completion=4))
    assert findings(check, said("chat", "a", sent=sent, completion=5))


def test_log_probabilities_show_that_one_choice_exceeds_its_limit() -> None:
    check = choices.no_more_tokens_than_the_limit
    sent = request("chat", max_tokens=2, n=2, logprobs=True)
    three = scored(*[("a", -1.0, [])] * 3)
    long = choice("chat", "aaa", 1, logprobs=three)
    broken = said("chat", choice("chat", "a"), long, sent=sent, completion=4)
    assert findings(check, broken)
    legacy = listed(*[("a", -1.0, None)] * 3)
    sent = request("completions", max_tokens=2, logprobs=1)
    only = choice("completions", "aaa", logprobs=legacy)
    assert findings(check, said("completions", only, sent=sent, completion=2))


@pytest.mark.parametrize("api", BOTH)
def test_finish_reasons_fit_the_count(api: Api) -> None:
    check = choices.finish_reasons_fit_the_count
    sent = request(api, max_tokens=4)

    def ended(finish: str | None, count: int) -> list[Any]:
        only = choice(api, "a", finish_reason=finish)
        return findings(check, said(api, only, sent=sent, completion=count))

    assert not ended("length", 4)
    assert not ended("stop", 3)
    assert not ended(None, 9)
    assert ended("length", 3)
    assert ended("stop", 5)


@pytest.mark.parametrize("api", BOTH)
def test_n_choices_are_numbered_from_0(api: Api) -> None:
    check = choices.each_prompt_has_n_choices
    sent = request(api, n=3)
    own = {"chat": "CHAT-SEM-011", "completions": "COMP-SEM-008"}[api]
    good = said(api, "a", "b", "c", sent=sent)
    assert witnessed(check, good) == {own, "META-035"}
    assert not findings(check, good)
    backwards = [choice(api, "a", i) for i in (2, 1, 0)]
    assert not findings(check, said(api, *backwards, sent=sent))
    assert _rows(findings(check, said(api, "a", sent=sent))) == {own, "META-035"}
    zeros = [choice(api, "a", 0) for _ in range(3)]
    assert _rows(findings(check, said(api, *zeros, sent=sent))) == {"META-035"}
    assert not witnessed(check, said(api, "a"))


def test_each_prompt_of_an_array_has_its_choices() -> None:
    check = choices.each_prompt_has_n_choices
    sent = request("completions", ["a", "b"])
    assert not findings(check, said("completions", "x", "y", sent=sent))
    lost = findings(check, said("completions", "x", sent=sent))
    assert _rows(lost) == {"COMP-SEM-018", "META-086"}
    again = [choice("completions", "x", 0), choice("completions", "y", 0)]
    assert _rows(findings(check, said("completions", *again, sent=sent))) == {
        "COMP-SEM-018"
    }


@pytest.mark.parametrize("api", BOTH)
def test_without_n_there_is_one_choice(api: Api) -> None:
    check = choices.one_choice_is_all_that_was_asked_for
    assert witnessed(check, said(api, "a")) == {"META-036"}
    assert not findings(check, said(api, "a"))
    assert _rows(findings(check, said(api, "a", "b"))) == {"META-036"}
    ids = request("completions", [1, 2])
    assert not witnessed(check, said("completions", "a", "b", sent=ids))


@pytest.mark.parametrize("api", BOTH)
def test_an_index_lies_below_n(api: Api) -> None:
    check = choices.indices_lie_below_n
    row = {"chat": "CHAT-RES-006", "completions": "COMP-RES-006"}[api]
    assert witnessed(check, said(api, "a")) == {row}
    assert not findings(check, said(api, "a"))
    assert _rows(findings(check, said(api, choice(api, "a", 1)))) == {row}
    assert findings(check, said(api, choice(api, "a", -1)))
    assert not findings(check, said(api, choice(api, "a") | {"index": "0"}))


def test_every_choice_has_the_role_assistant() -> None:
    check = choices.every_choice_is_the_assistants
    second = choice("chat", "b", 1, role="user")
    assert not findings(check, said("chat", "a", "b"))
    assert findings(check, said("chat", choice("chat", "a"), second))


def test_a_finish_reason_is_given() -> None:
    check = choices.a_finish_reason_is_given
    assert not findings(check, said("chat", "a"))
    assert findings(check, said("chat", choice("chat", "a", finish_reason=None)))


STOPPED = (
    choices.no_text_goes_on_after_a_stop_string,
    choices.no_text_ends_with_a_stop_string,
)


@pytest.mark.parametrize("api", BOTH)
def test_no_choice_has_text_after_a_stop_string(api: Api) -> None:
    after, end = STOPPED
    own = {"chat": "CHAT-SEM-013", "completions": "COMP-SEM-010"}[api]
    sent = request(api, stop=["x", "e"], n=2)
    for check in STOPPED:
        assert not findings(check, said(api, "th", "", sent=sent))
    goes_on, kept = (said(api, "th", text, sent=sent) for text in ("the sea", "the"))
    assert not findings(end, goes_on)
    assert not findings(after, kept)
    (found,) = findings(after, goes_on)
    assert not found.soft
    assert {*found.ids} == {own, "META-045"}
    (found,) = findings(end, kept)
    assert found.soft
    assert {*found.ids} == {own, "META-046"}


@pytest.mark.parametrize("check", STOPPED)
def test_an_echoed_prompt_may_hold_the_stop_string(check: Check) -> None:
    sent = request("completions", "the sea", stop="e", echo=True)
    for text in ("the sea is", "the"):
        assert not findings(check, said("completions", text, sent=sent))


@pytest.mark.parametrize(
    ("api", "row"), [("chat", "CHAT-RES-020"), ("completions", "COMP-RES-013")]
)
def test_what_is_read_has_tokens(api: Api, row: str) -> None:
    check = choices.what_is_read_has_tokens
    sent = request(api, "the sea")
    assert not findings(check, said(api, "a", sent=sent))
    (found,) = findings(check, said(api, "a", sent=sent, prompt=0))
    assert found.ids == (row,)


@pytest.mark.parametrize(
    ("api", "row"), [("chat", "CHAT-RES-021"), ("completions", "COMP-RES-015")]
)
def test_what_is_said_has_tokens(api: Api, row: str) -> None:
    check = choices.what_is_said_has_tokens
    assert not findings(check, said(api, "a", "b", completion=2))
    (found,) = findings(check, said(api, "a", "b", completion=1))
    assert found.ids == (row,)
    assert not findings(check, said(api, "", completion=0))
    sent = request(api, "the sea", echo=True)
    assert not findings(check, said(api, "the sea", completion=0, sent=sent))


def test_where_nothing_is_read_there_need_be_no_tokens() -> None:
    check = choices.what_is_read_has_tokens
    assert not findings(
        check, said("completions", "a", sent=request("completions", ""), prompt=0)
    )
    accepted = said("chat", "a", prompt=0, sent={"model": "m"}, expect="refuse")
    assert not findings(check, accepted)
    silent = request("chat", messages=[{"role": "user", "content": None}])
    assert not findings(check, said("chat", "a", prompt=0, sent=silent))


@pytest.mark.parametrize(
    ("value", "reading"),
    [
        (None, "null"),
        ("e", "string or integer"),
        (7, "string or integer"),
        ({"type": "stop"}, "object"),
    ],
)
def test_stop_reasons_are_read(value: Any, reading: str) -> None:
    check = choices.stop_reasons_are_of_some_kind
    only = choice("chat", "th", stop_reason=value)
    stopped = said("chat", only, sent=request("chat", stop="e"))
    assert readings(check, stopped) == [reading]


def test_an_answer_to_a_request_that_had_to_be_refused_is_not_judged() -> None:
    check = choices.no_more_tokens_than_the_limit
    sent = request("chat", max_tokens=4, temperature=-1)
    silent = said("chat", "a", sent=sent, completion=9, expect="refuse")
    assert not findings(check, silent)


@pytest.mark.parametrize("api", BOTH)
def test_no_stream_has_text_after_a_stop_string(api: Api) -> None:
    after, end = STOPPED
    own = {"chat": "CHAT-SEM-013", "completions": "COMP-SEM-010"}[api]
    sent = request(api, stop="a i", stream=True)

    def streamed(*pieces: str) -> Any:
        made = [
            {"delta": {"content": p}} if api == "chat" else {"text": p} for p in pieces
        ]
        chunks = [{"choices": [{"index": 0} | piece]} for piece in made]
        return exchange(api, sent, stream=chunks, probe=f"{api}.streams")

    assert witnessed(after, streamed("the se")) == {own, "META-045"}
    assert witnessed(end, streamed("the se")) == {own, "META-046"}
    for check in STOPPED:
        assert not findings(check, streamed("the ", "se"))
    (goes_on,) = findings(after, streamed("the sea", " is"))
    assert not goes_on.soft
    (kept,) = findings(end, streamed("the sea", " i"))
    assert kept.soft
    assert {*kept.ids} == {own, "META-046"}


@pytest.mark.parametrize("api", BOTH)
def test_a_path_is_served_when_any_valid_request_reaches_it(api: Api) -> None:
    check = {
        "chat": choices.chat_is_served,
        "completions": choices.completions_are_served,
    }[api]
    row = {"chat": "CHAT-REQ-001", "completions": "COMP-REQ-001"}[api]
    gone = refused(api, status=404)
    assert witnessed(check, gone, said(api, "a")) == {row}
    assert not findings(check, gone, said(api, "a"))
    assert not findings(check, gone, refused(api, status=422))
    assert findings(check, gone, refused(api, status=405))
    assert not witnessed(check, exchange(api, request(api)))
