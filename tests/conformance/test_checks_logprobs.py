"""Log probabilities: good ones and bad ones, whole and streamed."""

from math import log
from typing import Any

import pytest
from exchanges import exchange, findings, observation, readings, witnessed
from generations import choice, listed, request, said, scored

from aios_conformance.conformance.checks import (
    logprob_relations,
    logprobs,
    parallel_lists,
)
from aios_conformance.conformance.terms.exchange import Exchange, Observation

HALF, THIRD, TENTH = log(0.5), log(0.3), log(0.1)
LIKELY = [("a", HALF), ("b", THIRD)]
CHAT_ROWS = {"chat": "CHAT-SEM-005", "completions": "COMP-SEM-003"}


def _rows(found: Any, check: Any) -> set[str]:
    return {row for finding in found for row in finding.ids or check.ids}


def chat(
    given: Any, text: str = "a", finish: str = "length", count: int = 1, **members: Any
) -> Exchange:
    asked = {"logprobs": True, "top_logprobs": 2, "temperature": 0} | members
    only = choice("chat", text, logprobs=given, finish_reason=finish)
    sent = request("chat", **asked)
    return said("chat", only, sent=sent, completion=count)


def comp(given: Any, text: str = "a", **members: Any) -> Exchange:
    asked = {"logprobs": 2, "temperature": 0} | members
    only = choice("completions", text, logprobs=given, finish_reason="length")
    return said("completions", only, sent=request("completions", **asked), completion=1)


GOOD = chat(scored(("a", HALF, LIKELY)))
GOOD_LIST = comp(listed(("a", HALF, dict(LIKELY))))

ON_EVERY_ANSWER = [
    logprobs.log_probabilities_are_given,
    logprobs.k_alternatives_are_listed,
    logprobs.the_likeliest_are_listed,
    logprobs.none_is_above_0,
    logprobs.probabilities_sum_to_at_most_1,
    logprobs.alternatives_are_distinct,
    logprobs.the_greedy_token_is_likeliest,
    logprobs.there_is_a_position_for_each_token,
    logprobs.the_tokens_are_the_text,
    parallel_lists.parallel_lists_agree,
]


@pytest.mark.parametrize("check", ON_EVERY_ANSWER, ids=lambda check: check.name)
def test_good_answers_break_nothing(check: Any) -> None:
    assert not findings(check, GOOD)
    assert not findings(check, GOOD_LIST)


def test_log_probabilities_are_given() -> None:
    check = logprobs.log_probabilities_are_given
    (missing,) = findings(check, chat(None))
    assert not missing.soft
    assert missing.ids == ("CHAT-SEM-005",)
    (empty,) = findings(check, chat({"content": []}))
    assert not empty.soft
    (layout,) = findings(check, chat({"tokens": ["a"]}))
    assert layout.soft
    lost = findings(check, comp(None))
    assert _rows(lost, check) == {"COMP-SEM-003", "COMP-RES-008"}
    (other,) = findings(check, comp({"content": []}))
    assert other.soft
    assert other.ids == ("COMP-SEM-003",)


def test_each_token_of_an_echo_but_the_first_has_its_likelihoods() -> None:
    check = logprobs.k_alternatives_are_listed
    told, unread = ("a", HALF, dict(LIKELY)), ("a", None, None)

    def echoed(*positions: Any, **members: Any) -> Exchange:
        return comp(listed(*positions), "a" * len(positions), **members)

    assert not findings(check, echoed(unread, told, told, echo=True))
    assert not findings(check, echoed(unread, unread, told, echo=True))
    (lost,) = findings(check, echoed(unread, unread, unread, told, echo=True))
    assert lost.soft  # what is listed of an echo is an open matter
    assert lost.ids == ("COMP-SEM-003", "META-068")
    (none,) = findings(check, echoed(unread, told))
    assert not none.soft


def test_only_one_choice_may_lack_them() -> None:
    check = logprobs.log_probabilities_are_given
    given = choice("chat", "a", logprobs=scored(("a", HALF, [])))
    sent = request("chat", logprobs=True, n=2)
    (found,) = findings(check, said("chat", given, choice("chat", "b", 1), sent=sent))
    assert found.pointer == "/choices/1/logprobs"


def test_none_are_given_unasked() -> None:
    check = logprobs.none_are_given_unasked
    assert not findings(check, said("chat", "a"))
    unasked = choice("chat", "a", logprobs=scored(("a", HALF, [])))
    assert _rows(findings(check, said("chat", unasked)), check) == {"META-072"}
    legacy = choice("completions", "a", logprobs=listed(("a", HALF, None)))
    assert _rows(findings(check, said("completions", legacy)), check) == {
        "META-072",
        "COMP-RES-008",
    }
    zero = said("completions", legacy, sent=request("completions", logprobs=0))
    assert not witnessed(check, zero)
    sent = request("chat", stream=True)
    piece = {"index": 0, "delta": {"content": "a"}, "logprobs": {"content": []}}
    assert findings(check, exchange("chat", sent, stream=[{"choices": [piece]}]))


def test_k_alternatives_are_listed() -> None:
    check = logprobs.k_alternatives_are_listed
    assert witnessed(check, GOOD) == {"CHAT-SEM-006", "META-068"}
    assert readings(check, GOOD) == ["k"]
    few = chat(scored(("a", HALF, LIKELY[:1])))
    assert _rows(findings(check, few), check) == {"CHAT-SEM-006", "META-068"}
    four = [*LIKELY, ("c", TENTH), ("d", TENTH)]
    assert findings(check, chat(scored(("a", HALF, four))))
    assert readings(check, chat(scored(("a", HALF, four[:3])))) == ["k+1"]
    assert findings(check, comp(listed(("a", HALF, {"a": HALF}))))
    for part in ("\ufffd", ""):  # of a character, as servers spell it
        merged = comp(listed((part, HALF, {part: HALF})))
        assert not findings(check, merged)
    assert not witnessed(check, chat(scored(("a", HALF, [])), top_logprobs=None))


def test_the_likeliest_are_listed() -> None:
    check = logprobs.the_likeliest_are_listed
    sampled = chat(scored(("z", TENTH, LIKELY)), "z")
    assert not findings(check, sampled)
    skipped = chat(scored(("z", HALF - 0.1, LIKELY)), "z")
    assert _rows(findings(check, skipped), check) == {"CHAT-SEM-006"}
    assert findings(check, comp(listed(("z", HALF + 0.1, dict(LIKELY))), "z"))


def test_a_chosen_token_does_not_take_the_place_of_a_likelier_one() -> None:
    check = logprobs.the_likeliest_are_listed
    sent = request("chat", logprobs=True, top_logprobs=2, n=2)
    rare = ("z", TENTH)

    def two(*listed: Any, **more: Any) -> Exchange:
        told = scored(("z", TENTH, list(listed)))
        other = choice("chat", "z", 1, logprobs=told, **more)
        first = choice("chat", "a", logprobs=scored(("a", HALF, LIKELY)))
        return said("chat", first, other, sent=sent)

    assert not findings(check, two(*LIKELY))
    assert not findings(check, two(*LIKELY, rare))
    (found,) = findings(check, two(LIKELY[0], rare))
    assert found.ids == ("CHAT-SEM-006",)
    assert found.pointer == "/choices/1/logprobs/0"
    # after a thought of its own, which is not listed, others are likely
    assert not findings(check, two(LIKELY[0], rare, reasoning_content="Hm."))


def test_an_echo_has_log_probabilities_of_the_prompt_too() -> None:
    check = logprobs.the_tokens_are_the_text
    whole = listed(("<s>", None, None), ("p", HALF, None), ("a", HALF, dict(LIKELY)))
    assert not findings(check, comp(whole, "pa", echo=True))
    generated = listed(("a", HALF, dict(LIKELY)))
    assert _rows(findings(check, comp(generated, "pa", echo=True)), check) == {
        "META-071"
    }


def test_no_log_probability_is_above_0() -> None:
    check = logprobs.none_is_above_0
    assert findings(check, chat(scored(("a", 0.1, LIKELY))))
    assert findings(check, chat(scored(("a", HALF, [("a", HALF), ("b", 0.1)]))))
    assert findings(check, comp(listed(("a", 0.5, dict(LIKELY)))))
    assert not findings(check, chat(scored(("a", 0.0, LIKELY))))


def test_probabilities_sum_to_at_most_1() -> None:
    check = logprobs.probabilities_sum_to_at_most_1
    assert findings(check, chat(scored(("a", HALF, [("a", HALF), ("b", HALF + 0.1)]))))
    heavy = {"a": HALF, "b": HALF, "c": TENTH}
    assert findings(check, comp(listed(("a", HALF, heavy))))
    # a token that was chosen, and is not among the likeliest, is one more
    assert findings(check, chat(scored(("c", HALF + 0.1, LIKELY)), "c"))
    assert not findings(check, chat(scored(("c", TENTH, LIKELY)), "c"))
    assert not findings(check, chat(scored((" a", HALF, LIKELY)), " a"))  # as likely


def test_no_two_tokens_are_certain() -> None:
    """Who tells that of each tells of none how likely it is."""
    check = logprobs.probabilities_sum_to_at_most_1
    certain = {"a": 0.0, "b": 0.0}
    (found,) = findings(check, chat(scored(("a", 0.0, [*certain.items()]))))
    assert found.ids == ("META-067", "CHAT-SEM-006")
    (found,) = findings(check, comp(listed(("a", 0.0, certain))))
    assert found.ids == ("META-067", "COMP-SEM-003")
    (found,) = findings(check, comp(listed(("a", HALF, {"a": HALF, "b": -0.1}))))
    assert found.ids == ("META-067",)
    # above 0 is another row's matter
    (found,) = findings(check, comp(listed(("a", 0.0, {"a": 0.1, "b": 0.1}))))
    assert found.ids == ("META-067",)
    assert not findings(check, comp(listed(("a", 0.0, {"a": 0.0, "b": -99.0}))))


def test_alternatives_are_distinct_in_any_order() -> None:
    check = logprobs.alternatives_are_distinct
    assert not findings(check, chat(scored(("a", HALF, LIKELY[::-1]))))
    assert findings(check, chat(scored(("a", HALF, [("a", HALF), ("a", THIRD)]))))


def test_the_greedy_token_is_likeliest() -> None:
    check = logprobs.the_greedy_token_is_likeliest
    assert findings(check, chat(scored(("z", TENTH, LIKELY)), "z"))
    assert findings(check, chat(scored(("b", THIRD, LIKELY)), "b"))
    assert findings(check, chat(scored(("a", HALF - 0.1, LIKELY))))
    assert findings(check, comp(listed(("b", THIRD, dict(LIKELY))), "b"))
    warm = chat(scored(("b", THIRD, LIKELY)), "b", temperature=1)
    assert not findings(check, warm)
    biased = chat(scored(("b", THIRD, LIKELY)), "b", logit_bias={"1": 9})
    assert not findings(check, biased)
    tie = chat(scored(("b", HALF, [("a", HALF), ("b", HALF)])), "b")
    assert not findings(check, tie)
    shared = comp(listed(("", HALF, {"": TENTH, "b": THIRD})))
    assert not findings(check, shared)


def test_there_is_a_position_for_each_token() -> None:
    check = logprobs.there_is_a_position_for_each_token
    one = scored(("a", HALF, LIKELY))
    assert findings(check, chat(one, count=2))
    assert not findings(check, chat(one, finish="stop", count=2))
    assert findings(check, chat(one, finish="stop", count=3))
    two = scored(("a", HALF, LIKELY), ("a", HALF, LIKELY))
    assert findings(check, chat(two, "aa", count=1))
    # a token whose likelihood is not told has none
    assert findings(check, comp(listed(("a", None, dict(LIKELY)))))


def test_the_tokens_are_the_text() -> None:
    check = logprobs.the_tokens_are_the_text
    assert findings(check, chat(scored(("a", HALF, LIKELY)), "b"))
    assert findings(check, comp(listed(("_a", HALF, dict(LIKELY))), " a"))
    ended = scored(("a", HALF, LIKELY), ("<end>", HALF, LIKELY))
    assert not findings(check, chat(ended, "a", "stop"))
    assert findings(check, chat(ended, "a", "length"))
    torn = comp(listed(("\ufffd", HALF, dict(LIKELY))), "é")
    assert not witnessed(check, torn)
    # a part of a character has no text here, and a sign of its own there
    part = listed(("", HALF, dict(LIKELY)), ("a", HALF, dict(LIKELY)))
    assert not findings(check, comp(part, "\ufffda"))
    assert findings(check, comp(part, "\ufffdb"))


def test_bytes_of_several_tokens_make_a_character() -> None:
    check = logprobs.the_tokens_are_the_text
    halves = [
        {"token": "?", "logprob": HALF, "bytes": [b], "top_logprobs": []}
        for b in "é".encode()
    ]
    assert not findings(check, chat({"content": halves}, "é"))
    assert findings(check, chat({"content": halves}, "è"))


def test_parallel_lists_agree() -> None:
    check = parallel_lists.parallel_lists_agree
    rows = {"META-088", "COMP-RES-017"}
    two = listed(
        ("a", HALF, dict(LIKELY)), ("b", HALF, dict(LIKELY)), ("c", HALF, None)
    )
    assert witnessed(check, comp(two, "abc")) == rows
    assert not findings(check, comp(two, "abc"))
    short = two | {"text_offset": [0, 1]}
    assert _rows(findings(check, comp(short, "abc")), check) == rows
    falling = two | {"text_offset": [2, 1, 0]}
    assert _rows(findings(check, comp(falling, "abc")), check) == {"META-088"}
    wrong = two | {"text_offset": [0, 0, 0]}
    assert _rows(findings(check, comp(wrong, "abc")), check) == {"COMP-RES-017"}
    moved = two | {"text_offset": [9, 10, 11]}  # counted from the prompt's start
    assert not findings(check, comp(moved, "abc"))


@pytest.mark.parametrize(
    ("begins", "prompt", "echo", "count"),
    [
        ((0, 0), "p", False, 0),
        ((1, 1), "p", False, 0),  # counted from the prompt's start
        ((0, 3), "p", False, 1),
        ((0, 2), ["p", "pp"], False, 0),
        ((0, 2), ["p", "p"], False, 1),
        ((0, 0), ["p", "q"], True, 0),
        ((1, 1), ["p", "q"], True, 1),
        ((0, 2), [[1], [2]], False, 0),
    ],
)
def test_texts_of_one_prompt_begin_at_one_offset(
    begins: tuple[int, int], prompt: Any, echo: bool, count: int
) -> None:
    check = parallel_lists.offsets_begin_alike
    n = 2 if isinstance(prompt, str) else 1
    sent = request("completions", prompt, logprobs=1, n=n, echo=echo)
    texts = [
        choice("completions", "a", i, logprobs=listed(("a", HALF, None), start=begin))
        for i, begin in enumerate(begins)
    ]
    assert len(findings(check, said("completions", *texts, sent=sent))) == count


@pytest.mark.parametrize(
    ("offsets", "count"), [([0, 1, 1, 3], 0), ([0, 2, 2, 5], 1), ([7, 8, 8, 10], 0)]
)
def test_offsets_count_characters(offsets: list[int], count: int) -> None:
    """Behind the parts of a character the text tells where a token begins."""
    check = parallel_lists.parallel_lists_agree
    tokens = [(t, HALF, None) for t in ("n", "bytes:\\xc3", "bytes:\\xa9 ", "es")]
    given = listed(*tokens) | {"text_offset": offsets}
    found = findings(check, comp(given, "né es", logprobs=1))
    assert len(found) == count


def test_no_token_comes_behind_a_stop_string() -> None:
    check = logprobs.the_tokens_are_the_text

    def stopped(*tokens: str, text: str = "a ") -> Any:
        given = scored(*((token, HALF, LIKELY) for token in tokens))
        return findings(check, chat(given, text, "stop", stop=["b c", "never"]))

    assert not stopped("a ")
    assert not stopped("a ", "b", " c")
    assert not stopped("a ", "b", " c", text="a b c")  # another row's matter
    assert stopped("a ", "b", " c", " d")[0].ids == ("META-071",)


def test_the_tokens_are_the_text_where_no_stop_string_came() -> None:
    check = logprobs.the_tokens_are_the_text

    def cut(*tokens: str, text: str) -> Any:
        given = scored(*((token, HALF, LIKELY) for token in tokens))
        return findings(check, chat(given, text, "length", stop="never"))

    assert not cut("a ", "sea", text="a sea")
    assert cut("a ", "sea", text="a ")
    assert not cut("a ", "never", text="a ")  # it came with the last token


def test_positions_of_several_choices_are_the_tokens_of_all() -> None:
    check = logprobs.there_is_a_position_for_each_token
    one = scored(("a", HALF, LIKELY))
    both = [
        choice("chat", "a", i, logprobs=one, finish_reason="length") for i in (0, 1)
    ]
    sent = request("chat", logprobs=True, top_logprobs=2, n=2)
    assert not findings(check, said("chat", *both, sent=sent, completion=2))
    (found,) = findings(check, said("chat", *both, sent=sent, completion=1))
    assert found.ids == ("META-037",)


def test_streamed_log_probabilities_are_judged_alike() -> None:
    sent = request("chat", logprobs=True, top_logprobs=2, stream=True, temperature=0)

    def streamed(*tokens: Any) -> Exchange:
        pieces = [
            {"index": 0, "delta": {"content": t[0]}, "logprobs": scored(t)}
            for t in tokens
        ]
        pieces.append({"index": 0, "delta": {}, "finish_reason": "length"})
        return exchange("chat", sent, stream=[{"choices": [p]} for p in pieces])

    good = streamed(("a", HALF, LIKELY), ("b", HALF, [("b", HALF), ("a", THIRD)]))
    for check in ON_EVERY_ANSWER:
        assert not findings(check, good)
    assert witnessed(logprobs.the_tokens_are_the_text, good) == {"META-071"}
    bad = streamed(("a", HALF, LIKELY), ("b", 0.2, [("a", HALF), ("a", HALF)]))
    assert findings(logprobs.none_is_above_0, bad)
    assert findings(logprobs.alternatives_are_distinct, bad)


def asked(**steps: Exchange) -> Observation:
    return observation("chat.logprobs", {}, None, 0, **steps)


def test_log_probabilities_leave_the_text_alone() -> None:
    check = logprob_relations.log_probabilities_leave_the_text_alone
    off = said("chat", "a")
    assert witnessed(check, asked(off=off, few=GOOD)) == {"META-073"}
    assert not findings(check, asked(off=off, few=GOOD))
    assert findings(check, asked(off=said("chat", "b"), few=GOOD))


def test_fewer_alternatives_begin_more() -> None:
    check = logprob_relations.fewer_alternatives_begin_more
    many = chat(scored(("a", HALF, [*LIKELY, ("c", TENTH)])))
    assert witnessed(check, asked(few=GOOD, many=many)) == {"META-075"}
    assert not findings(check, asked(few=GOOD, many=many))
    other = chat(scored(("a", HALF, [("a", HALF), ("c", TENTH)])))
    assert findings(check, asked(few=GOOD, many=other))
    elsewhere = chat(scored(("z", HALF, [("z", HALF), ("c", TENTH)])), "z")
    assert not witnessed(check, asked(few=GOOD, many=elsewhere))


def test_fewer_alternatives_are_among_more() -> None:
    check = logprob_relations.fewer_alternatives_are_among_more

    def seen(many: dict[str, float]) -> Observation:
        few = comp(listed(("a", HALF, {"a": HALF})))
        steps = {"few": few, "many": comp(listed(("a", HALF, many)))}
        return observation("completions.logprobs", {}, None, 0, **steps)

    assert not findings(check, seen(dict(LIKELY)))
    assert findings(check, seen({"b": THIRD, "c": TENTH}))


def test_a_replacement_in_place_of_bytes_shows_nothing() -> None:
    check = logprobs.the_tokens_are_the_text
    torn = {"token": "\ufffd", "logprob": HALF, "top_logprobs": []}
    torn |= {"bytes": list("\ufffd".encode())}
    assert not witnessed(check, chat({"content": [torn, torn]}, "é"))


def test_usage_tells_nothing_of_one_choice_among_several() -> None:
    check = logprobs.there_is_a_position_for_each_token
    lost = choice("chat", None, 1, logprobs=scored(("a", HALF, LIKELY)))
    one = choice("chat", "a", logprobs=scored(("a", HALF, LIKELY)))
    sent = request("chat", logprobs=True, top_logprobs=2, n=2)
    assert not findings(check, said("chat", one, lost, sent=sent, completion=9))
