"""Relations between greedy generations: kept by good answers, broken by bad ones."""

from typing import Any

import pytest
from exchanges import exchange, findings, observation, readings, sse, witnessed
from generations import choice, request, said

from aios_conformance.conformance.checks import decoding
from aios_conformance.conformance.probes.stop_strings import stop_within
from aios_conformance.conformance.terms.exchange import Api, Exchange, Observation

BOTH: tuple[Api, ...] = ("chat", "completions")
TEXT = "the sea is cold and grey"
CUT = "the sea is"


def _rows(found: Any) -> set[str]:
    return {row for finding in found for row in finding.ids}


def _cut(api: Api, text: str = CUT, count: int = 3, finish: Any = "length") -> Exchange:
    only = choice(api, text, finish_reason=finish)
    return said(api, only, completion=count)


def greedy(api: Api, **steps: Exchange) -> Observation:
    whole = {"plain": said(api, TEXT), "again": said(api, TEXT)}
    params = {"limit": 6, "fewer": 3}
    return observation(f"{api}.greedy", params, None, 0, **(whole | steps))


def test_greedy_text_repeats() -> None:
    check = decoding.greedy_text_repeats
    assert not findings(check, greedy("chat"))
    assert findings(check, greedy("chat", again=said("chat", "another sea")))


@pytest.mark.parametrize("api", BOTH)
def test_a_lower_limit_gives_a_prefix(api: Api) -> None:
    check = decoding.a_lower_limit_gives_a_prefix
    assert witnessed(check, greedy(api, fewer=_cut(api))) == {"META-044"}
    assert not findings(check, greedy(api, fewer=_cut(api)))
    assert not findings(check, greedy(api, fewer=_cut(api, "the sea\ufffd")))
    assert findings(check, greedy(api, fewer=_cut(api, "a sea")))


def test_nothing_is_compared_where_greedy_text_does_not_repeat() -> None:
    other = said("chat", "another sea")
    seen = greedy("chat", again=other, fewer=_cut("chat", "a sea"), bias_empty=other)
    for check in (
        decoding.a_lower_limit_gives_a_prefix,
        decoding.an_empty_bias_changes_nothing,
    ):
        assert not findings(check, seen)
        assert not witnessed(check, seen)


@pytest.mark.parametrize("api", BOTH)
def test_a_cut_says_length_with_the_limits_tokens(api: Api) -> None:
    check = decoding.a_cut_is_reported_as_length
    own = {"chat": "CHAT-SEM-010", "completions": "COMP-SEM-007"}[api]
    good = greedy(api, fewer=_cut(api), new_limit=_cut(api))
    assert witnessed(check, good) == {own, "META-041"}
    assert not findings(check, good)
    stops = greedy(api, new_limit=_cut(api, finish="stop"))
    assert _rows(findings(check, stops)) == {own, "META-041"}
    silent = greedy(api, fewer=_cut(api, finish=None))
    unsaid = {own, "META-041"} if api == "completions" else set()  # CHAT-RES-016
    assert _rows(findings(check, silent)) == unsaid
    counted = greedy(api, fewer=_cut(api, count=4))
    assert _rows(findings(check, counted)) == {"META-041"}
    uncut = greedy(api, fewer=said(api, TEXT))
    assert not witnessed(check, uncut)
    malformed = greedy(api, fewer=_cut(api, finish={"type": "stop"}))
    assert not findings(check, malformed)


@pytest.mark.parametrize("api", BOTH)
def test_both_limits_mean_the_same(api: Api) -> None:
    check = decoding.both_limits_mean_the_same
    good = greedy(api, fewer=_cut(api), new_limit=_cut(api))
    assert not findings(check, good)
    longer = greedy(api, fewer=_cut(api), new_limit=_cut(api, TEXT, 6))
    (hard,) = findings(check, longer)
    assert not hard.soft
    assert hard.ids == ("META-043",)
    neither = greedy(api, fewer=_cut(api, TEXT, 6), new_limit=_cut(api, TEXT, 6))
    assert not findings(check, neither)
    assert not witnessed(check, neither)
    other = greedy(api, fewer=_cut(api), new_limit=_cut(api, "a sea is"))
    (soft,) = findings(check, other)
    assert soft.soft
    assert "META-043" in soft.ids


@pytest.mark.parametrize("api", BOTH)
def test_one_choice_is_the_default(api: Api) -> None:
    check = decoding.one_choice_is_the_default
    assert not findings(check, greedy(api, one_choice=said(api, TEXT)))
    (other,) = findings(check, greedy(api, one_choice=said(api, "a sea")))
    assert other.soft


def test_not_streaming_is_the_default() -> None:
    check = decoding.not_streaming_is_the_default
    whole = said("chat", TEXT, sent=request("chat", stream=False))
    assert witnessed(check, greedy("chat", not_streamed=whole)) == {
        "CHAT-REQ-034",
        "META-060",
    }
    assert not findings(check, greedy("chat", not_streamed=whole))

    events = sse({"choices": []})
    streamed = exchange("chat", request("chat", stream=False), events)
    assert findings(check, greedy("chat", not_streamed=streamed))


def test_an_empty_bias_changes_nothing() -> None:
    check = decoding.an_empty_bias_changes_nothing
    assert not findings(check, greedy("chat", bias_empty=said("chat", TEXT)))
    assert findings(check, greedy("chat", bias_empty=said("chat", "a sea")))


def test_prompt_tokens_depend_on_the_prompt_alone() -> None:
    alone = decoding.prompt_tokens_depend_on_the_prompt_alone
    good = greedy("chat", warm=said("chat", "x"), longer=said("chat", "x", prompt=8))
    assert witnessed(alone, good) == {"META-038"}
    assert not findings(alone, good)
    assert findings(alone, greedy("chat", warm=said("chat", "x", prompt=6)))
    assert not findings(alone, greedy("chat", longer=said("chat", "x", prompt=4)))


WORDS = "a " * 100


@pytest.mark.parametrize(
    ("label", "sent", "enough"),
    [
        ("longer", request("completions", f"{WORDS} go on"), 105),
        ("hidden", request("chat", f"go on\0 {WORDS}"), 105),
        # a template may be longer without a system message than with one
        ("spoken", {"messages": [{"role": "system", "content": WORDS}] * 2}, 200),
    ],
)
def test_each_word_of_a_longer_prompt_is_counted(
    label: str, sent: Any, enough: int
) -> None:
    check = decoding.each_word_of_a_longer_prompt_is_counted
    api: Api = "completions" if "prompt" in sent else "chat"

    def counted(tokens: int) -> Observation:
        return greedy(api, **{label: said(api, "x", sent=sent, prompt=tokens)})

    assert not findings(check, counted(enough))
    assert _rows(findings(check, counted(enough * 4 // 5))) == {"META-039"}


STOP = stop_within(TEXT) or ""
MANY = ["never", STOP, "nor this"]


def stops(api: Api, text: str, finish: Any = "stop", **steps: Exchange) -> Observation:
    def stopped(stop: Any) -> Exchange:
        only = choice(api, text, finish_reason=finish)
        return said(api, only, sent=request(api, stop=stop))

    made = {"plain": said(api, TEXT), "stopped": stopped(STOP)}
    made |= {"stopped_by_list": stopped(MANY)} | steps
    return observation(f"{api}.stops", {}, None, 0, **made)


BEFORE = TEXT.partition(STOP)[0]
LEFT_OUT = decoding.a_stop_string_is_left_out


def test_the_stop_string_spans_two_words() -> None:
    assert STOP == "a i"
    assert stop_within(TEXT, 2) == "s c"
    assert (stop_within("word") or "none") in "word"
    assert stop_within("") is None


@pytest.mark.parametrize("api", BOTH)
def test_generation_halts_at_a_stop_string(api: Api) -> None:
    after, left = decoding.nothing_follows_a_stop_string, LEFT_OUT
    own = {"chat": "CHAT-SEM-013", "completions": "COMP-SEM-010"}[api]
    good, kept = stops(api, BEFORE), stops(api, BEFORE + STOP)
    assert witnessed(after, good) == {own, "META-045"}
    assert witnessed(left, good) == {own, "META-046"}
    assert not findings(after, good) + findings(left, good) + findings(after, kept)
    assert set(readings(left, good)) == {"excluded"}
    ignored = findings(after, stops(api, TEXT))
    assert _rows(ignored) == {own, "META-045"}
    assert not any(finding.soft for finding in ignored)
    assert not findings(left, stops(api, TEXT))
    assert _rows(findings(left, kept)) == {own, "META-046"}
    assert all(finding.soft for finding in findings(left, kept))
    assert set(readings(left, kept)) == {"included"}
    begun = findings(left, stops(api, BEFORE + STOP[:1]))
    assert _rows(begun) == {"META-046"}


def test_a_stop_string_that_the_text_does_not_hold_shows_nothing() -> None:
    seen = stops("chat", "x", plain=said("chat", "something else"))
    for check in (decoding.nothing_follows_a_stop_string, LEFT_OUT):
        assert not witnessed(check, seen)


@pytest.mark.parametrize("api", BOTH)
def test_the_text_under_a_stop_string_is_the_greedy_text_before_it(api: Api) -> None:
    check = decoding.a_stop_string_cuts_the_greedy_text
    own = {"chat": "CHAT-SEM-013", "completions": "COMP-SEM-010"}[api]
    assert not findings(check, stops(api, BEFORE))
    assert _rows(findings(check, stops(api, BEFORE[:2]))) == {"META-047"}
    assert not findings(check, stops(api, TEXT))  # another check's matter
    length = findings(check, stops(api, BEFORE, "length"))
    assert _rows(length) == {own, "META-047"}
    assert all(finding.soft for finding in length)
    longer = stops(api, BEFORE, never_stopped=said(api, f"{TEXT} and wide"))
    assert not findings(check, longer)
    assert findings(decoding.a_stop_string_never_lengthens, longer)
    assert not findings(decoding.a_stop_string_never_lengthens, stops(api, BEFORE))


def test_forms_of_stop_mean_the_same() -> None:
    check = decoding.forms_of_stop_mean_the_same
    same = {"never_stopped": said("chat", TEXT), "stop_null": said("chat", TEXT)}
    assert not findings(check, stops("chat", BEFORE, **same))
    null = stops("chat", BEFORE, **(same | {"stop_null": said("chat", "a sea")}))
    (found,) = findings(check, null)
    assert found.soft
    assert {*found.ids} == {"META-048", "CHAT-REQ-032"}
    for text, is_soft in (("x", True), (BEFORE, False)):
        other = {
            "never_stopped": said("chat", choice("chat", text, finish_reason="stop"))
        }
        (found,) = findings(check, stops("chat", BEFORE, **(same | other)))
        assert (found.ids, found.soft) == (("META-048",), is_soft)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("the sea", set()),
        # it drifts apart where the stop string begins: no text goes on
        ("the sea was warm", {"META-047"}),
        ("the seacold and", {"CHAT-SEM-013", "META-045"}),
    ],
)
def test_text_goes_on_where_the_stop_string_is_taken_out(
    text: str, rows: set[str]
) -> None:
    stopped = said("chat", text, sent=request("chat", stop=" is "))
    seen = observation(
        "chat.stops", {}, None, 0, plain=said("chat", TEXT), stopped=stopped
    )
    found = [
        *findings(decoding.nothing_follows_a_stop_string, seen),
        *findings(decoding.a_stop_string_cuts_the_greedy_text, seen),
    ]
    assert _rows(found) == rows
