"""Each choice that the limit cut says so: good answers and bad ones."""

from typing import Any

import pytest
from exchanges import findings, observation, witnessed
from generations import choice, listed, request, said, scored

from aios_conformance.conformance.checks.cut_choices import (
    a_choice_of_all_tokens_was_cut as check,
)
from aios_conformance.conformance.checks.cut_choices import each_choice_has_a_text
from aios_conformance.conformance.terms.exchange import Exchange

ROWS = {"chat": "CHAT-SEM-010", "completions": "COMP-SEM-007"}


def answer(api: Any, *reasons: str, text: str = "ab", **sent: Any) -> Exchange:
    """Choices of two tokens, each with its reason."""
    tokens: list[Any] = [(token, -1.0, []) for token in "ab"]
    given = scored(*tokens) if api == "chat" else listed(*tokens)
    asked = {"logprobs": True if api == "chat" else 1, "max_tokens": 2} | sent
    choices = [
        choice(api, text, i, logprobs=given, finish_reason=reason)
        for i, reason in enumerate(reasons)
    ]
    return said(api, *choices, sent=request(api, n=len(reasons), **asked))


@pytest.mark.parametrize("api", ROWS)
def test_each_choice_of_as_many_tokens_says_length(api: str) -> None:
    good, bad = answer(api, "length", "length"), answer(api, "length", "stop")
    assert witnessed(check, good) == {ROWS[api], "META-041"}
    assert not findings(check, good)
    (found,) = findings(check, bad)
    assert found.ids == (ROWS[api], "META-041")
    assert found.pointer == "/choices/1/finish_reason"


@pytest.mark.parametrize(
    "sent",
    [
        {"max_tokens": 3},
        {"max_completion_tokens": 4},
        {"stop": "c"},
        {"tools": [{}]},
        {"text": "a"},  # the last token is none of the text, but its end
    ],
    ids=str,
)
def test_what_may_have_ended_of_itself_is_left_alone(sent: dict[str, Any]) -> None:
    assert not findings(check, answer("chat", "stop", **sent))


@pytest.mark.parametrize(
    ("api", "row"), [("chat", "CHAT-SEM-011"), ("completions", "COMP-SEM-008")]
)
def test_each_choice_has_a_text_where_one_alone_has(api: Any, row: str) -> None:
    def seen(*texts: str, one: str = "a", reason: str = "length") -> Any:
        given = [choice(api, t, i, finish_reason=reason) for i, t in enumerate(texts)]
        several = said(api, *given, sent=request(api, n=len(texts)))
        return observation(
            f"{api}.choices", {"limit": 4}, one=said(api, one), several=several
        )

    assert witnessed(each_choice_has_a_text, seen("a", "b")) == {row}
    (found,) = findings(each_choice_has_a_text, seen("a", ""))
    assert (found.ids, found.pointer) == ((row,), "/choices/1")
    # what ended of itself may be empty, and so may all where one alone is
    for silent in (seen("a", "", reason="stop"), seen("", "", one=""), seen("a")):
        assert not findings(each_choice_has_a_text, silent)
