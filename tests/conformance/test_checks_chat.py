"""What chat answers promise by themselves: good and bad ones."""

from typing import Any

import pytest
from exchanges import exchange, findings, is_evidence, observation, readings
from exchanges import witnessed as _witnessed
from generations import body, choice, refused, request, said

from aios_conformance.conformance.checks import chat, undecided
from aios_conformance.conformance.terms.exchange import Exchange, Observation


def test_reasoning_is_no_content() -> None:
    check = chat.reasoning_is_no_content
    thought = choice("chat", "Seoul", reasoning_content="A capital …")
    assert not findings(check, said("chat", thought))
    assert findings(check, said("chat", "<think>\nA capital …</think>Seoul"))
    assert not findings(check, said("chat", choice("chat", "", content=[{}])))


def test_members_without_a_value_are_read() -> None:
    reasoning, calls = (
        chat.reasoning_is_of_some_kind,
        chat.messages_without_calls_say_so,
    )
    assert readings(reasoning, said("chat", "a")) == ["null"]
    assert readings(calls, said("chat", "a")) == ["empty array"]
    bare = {"index": 0, "message": {"role": "assistant", "content": "a"}}
    assert readings(reasoning, said("chat", bare)) == ["absent"]
    assert readings(calls, said("chat", bare)) == ["absent"]
    thought = choice("chat", "a", reasoning_content="b", tool_calls=[{"id": "1"}])
    assert readings(reasoning, said("chat", thought)) == ["string"]
    assert readings(calls, said("chat", thought)) == []


def test_members_of_the_example_alone_are_read() -> None:
    details, logprobs = (
        chat.prompt_details_may_be_there,
        chat.prompt_logprobs_may_be_there,
    )
    assert readings(details, said("chat", "a")) == ["present"]
    assert readings(logprobs, said("chat", "a")) == ["absent"]
    full = exchange("chat", request("chat"), body("chat", "a", prompt_logprobs=None))
    assert readings(logprobs, full) == ["present"]


def printed(answer: Exchange) -> Observation:
    return observation("chat.printed", "GOLD", printed=answer)


def test_the_printed_cell_is_streamed() -> None:
    check = chat.the_printed_cell_is_streamed
    sent = request("chat", stream=True)
    streamed = exchange("chat", sent, stream=[{"choices": []}])
    assert not findings(check, printed(streamed))
    assert findings(check, printed(said("chat", "a", sent=sent)))
    assert not is_evidence(check, printed(said("chat", "a")))


@pytest.mark.parametrize(
    ("choices", "is_broken"),
    [
        ([choice("chat", "Seoul")], False),
        ([choice("chat", "Seoul"), choice("chat", "Paris", 1)], True),
        ([choice("chat", "Seoul", 1)], True),
        ([choice("chat", "Seoul", finish_reason="tool_calls")], True),
        ([choice("chat", "Seoul", finish_reason="eos")], False),
        ([choice("chat", "Seoul", finish_reason="length")], False),
    ],
)
def test_a_short_question_has_one_short_answer(
    choices: list[Any], is_broken: bool
) -> None:
    check = chat.a_short_question_has_one_short_answer
    assert bool(findings(check, printed(said("chat", *choices)))) == is_broken


def test_a_model_that_talks_on_shows_nothing() -> None:
    check = chat.a_short_question_has_one_short_answer
    cut = said("chat", choice("chat", "Seoul", finish_reason="length"))
    assert not _witnessed(check, printed(cut))
    assert _witnessed(check, printed(said("chat", "Seoul"))) == {"CHAT-EX-005"}


def left_open(answer: Exchange, row: str, what: str = "0") -> Observation:
    params = {"row": row, "what": what, "change": {}}
    return observation("chat.undecided.fields", params, variant=answer)


def test_what_is_undecided_is_read() -> None:
    row = "CHAT-REQ-055"
    check, other = (
        next(each for each in undecided.CHECKS if each.ids == (name,))
        for name in (row, "CHAT-REQ-052")
    )
    assert readings(check, left_open(said("chat", "a"), row)) == ["0 is accepted"]
    assert readings(check, left_open(refused("chat"), row)) == ["0 is refused"]
    crash = left_open(refused("chat", status=500), row)
    assert readings(check, crash) == []
    assert _witnessed(check, crash) == {row}
    assert not _witnessed(check, left_open(exchange("chat", request("chat")), row))
    assert not _witnessed(other, crash)


@pytest.mark.parametrize(
    ("name", "row", "other"),
    [
        ("max_completion_tokens", "CHAT-REQ-020", "CHAT-REQ-023"),
        ("max_tokens", "CHAT-REQ-023", "CHAT-REQ-020"),
    ],
)
def test_a_limit_of_0_gives_nothing(name: str, row: str, other: str) -> None:
    check, another = (
        next(each for each in undecided.CHECKS if each.ids == (one,))
        for one in (row, other)
    )
    sent = request("chat", **{name: 0})
    nothing = said("chat", "", sent=sent, completion=0)
    assert readings(check, nothing) == ["0 gives no tokens"]
    (found,) = findings(check, said("chat", "a", sent=sent))
    assert found.soft
    assert not _witnessed(another, nothing)


def test_one_of_two_limits_wins() -> None:
    check = undecided.one_of_two_limits_wins
    sent = request("chat", max_tokens=3, max_completion_tokens=6)

    def limited(answer: Exchange) -> list[str]:
        params = {"row": "CHAT-SEM-009", "what": "", "change": {}}
        seen = observation("chat.undecided.messages", params, variant=answer)
        return readings(check, seen)

    assert limited(said("chat", "a", sent=sent, completion=3)) == ["smaller wins"]
    assert limited(said("chat", "a", sent=sent, completion=6)) == ["larger wins"]
    assert limited(refused("chat", sent)) == ["refused"]


def test_a_huge_limit_is_refused_or_clamped() -> None:
    check = undecided.a_huge_limit_is_refused_or_clamped

    def huge(answer: Exchange) -> Observation:
        return observation("chat.huge_limit", 10, huge=answer)

    assert readings(check, huge(said("chat", "a"))) == ["too large is clamped"]
    assert readings(check, huge(refused("chat"))) == ["too large is refused"]
    assert findings(check, huge(refused("chat", status=500)))
    failed = choice("chat", "", finish_reason="error")
    assert findings(check, huge(said("chat", failed)))


def test_a_huge_limit_takes_nothing_from_the_prompt() -> None:
    check = undecided.a_huge_limit_takes_nothing_from_the_prompt

    def seen(huge: Exchange) -> Observation:
        valid = said("chat", "a", prompt=9)
        return observation("chat.huge_limit", 10, valid=valid, huge=huge)

    assert not findings(check, seen(said("chat", "a", prompt=9)))
    assert findings(check, seen(said("chat", "a", prompt=5)))
    # who refuses it takes nothing either
    assert not findings(check, seen(refused("chat")))
    assert is_evidence(check, seen(refused("chat")))
