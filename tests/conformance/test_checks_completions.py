"""Echo and arrays of prompts: good answers and bad ones."""

from typing import Any

import pytest
from exchanges import exchange, findings, is_evidence, observation, readings, witnessed
from generations import choice, listed, request, said

from aios_conformance.conformance.checks import completions
from aios_conformance.conformance.terms.exchange import Api, Exchange, Observation

PROMPT = "Once upon a time"
API: Api = "completions"


def _rows(found: Any) -> set[str]:
    return {row for finding in found for row in finding.ids}


def _echo(*texts: Any, prompt: Any = PROMPT, **members: Any) -> Exchange:
    return said(API, *texts, sent=request(API, prompt, echo=True, **members))


def test_an_echo_begins_with_its_prompt() -> None:
    check = completions.an_echo_begins_with_its_prompt
    rows = {"COMP-SEM-002", "META-084"}
    assert witnessed(check, _echo(f"{PROMPT} there")) == rows
    assert not findings(check, _echo(f"{PROMPT} there"))
    assert _rows(findings(check, _echo(" there"))) == rows
    one_only = _echo(f"{PROMPT} there", " here", n=2)
    assert len(findings(check, one_only)) == 1
    assert not witnessed(check, said(API, "there"))


def test_each_echo_is_that_of_its_own_prompt() -> None:
    check = completions.an_echo_begins_with_its_prompt
    grid = ["a sea", "a lake"]
    good = _echo("a sea 0", "a sea 1", "a lake 2", "a lake 3", prompt=grid, n=2)
    assert not findings(check, good)
    assert "COMP-SEM-018" in witnessed(check, good)
    mixed = _echo("a sea 0", "a lake 1", "a sea 2", "a lake 3", prompt=grid, n=2)
    assert _rows(findings(check, mixed)) == {"COMP-SEM-018"}
    backwards = [choice(API, "a lake", 1), choice(API, "a sea", 0)]
    assert not findings(check, _echo(*backwards, prompt=grid))


def test_a_streamed_echo_begins_with_the_prompt() -> None:
    check = completions.an_echo_begins_with_its_prompt
    sent = request(API, PROMPT, echo=True, stream=True)

    def streamed(*texts: str) -> Exchange:
        chunks = [{"choices": [{"index": 0, "text": text}]} for text in texts]
        return exchange(API, sent, stream=chunks)

    assert not findings(check, streamed("Once upon", " a time", " there"))
    assert findings(check, streamed(" there"))
    assert not witnessed(check, exchange(API, request(API, stream=True), stream=[]))


def test_nothing_is_echoed_unasked() -> None:
    check = completions.nothing_is_echoed_unasked

    def plain(text: str, prompt: str = PROMPT) -> Exchange:
        return said(API, text, sent=request(API, prompt))

    assert witnessed(check, plain(" there")) == {"COMP-SEM-002"}
    assert not findings(check, plain(" there"))
    assert findings(check, plain(f"{PROMPT} there"))
    assert not findings(check, plain("ha ha", "ha"))  # a text of its own


def echoes(plain: Exchange, echoed: Exchange) -> Observation:
    params = {"text": PROMPT}
    return observation("completions.echo", params, plain=plain, echoed=echoed)


def test_an_echo_goes_on_as_without() -> None:
    check = completions.an_echo_goes_on_as_without
    plain = said(API, " there")
    assert not findings(check, echoes(plain, said(API, f"{PROMPT} there")))
    (found,) = findings(check, echoes(plain, said(API, f"{PROMPT} here")))
    assert found.soft
    assert not findings(check, echoes(plain, said(API, " there")))  # hard elsewhere


def test_an_echo_costs_nothing() -> None:
    check = completions.an_echo_costs_nothing
    plain, echo = said(API, "x", prompt=5, completion=3), f"{PROMPT}x"
    same = echoes(plain, said(API, echo, prompt=5, completion=3))
    assert witnessed(check, same) == {"META-085"}
    assert not findings(check, same)
    assert findings(check, echoes(plain, said(API, echo, prompt=5, completion=8)))
    assert findings(check, echoes(plain, said(API, echo, prompt=9, completion=3)))


def test_an_echo_that_is_not_there_has_no_known_cost() -> None:
    check = completions.an_echo_costs_nothing
    ignored = echoes(said(API, "x"), said(API, "x"))
    assert not findings(check, ignored)
    assert not witnessed(check, ignored)


def batch(*texts: Any, first: str = "one", second: str = "two", **over: Any) -> Any:
    def cut(text: str, index: int = 0) -> Any:
        return choice(API, text, index, finish_reason="length")

    counts = {"prompt": 16, "completion": 9} | over
    several = [cut(t, i) if isinstance(t, str) else t for i, t in enumerate(texts)]
    return observation(
        "completions.batch",
        first=said(API, cut(first), prompt=6, completion=3),
        second=said(API, cut(second), prompt=5, completion=3),
        listed=said(API, first),
        batch=said(API, *several, **counts),
    )


def test_an_array_of_one_is_its_string() -> None:
    check = completions.an_array_of_one_is_its_string
    seen = batch("two", "two", "one")
    assert not findings(check, seen)
    steps = {**seen.steps, "listed": said(API, "other")}
    assert findings(check, observation("completions.batch", **steps))


def test_an_array_is_answered_like_single_calls() -> None:
    check = completions.an_array_is_answered_like_single_calls
    assert not findings(check, batch("two", "two", "one"))
    by_index = [choice(API, t, i) for t, i in (("one", 2), ("two", 0), ("two", 1))]
    assert not findings(check, batch(*by_index))
    mixed = findings(check, batch("one", "two", "two"))
    assert _rows(mixed) == {"META-086", "COMP-SEM-018"}
    other = findings(check, batch("two", "three", "one"))
    assert _rows(other) == {"META-086"}
    assert not witnessed(check, batch("two", "two"))  # for its number to show


def test_an_array_counts_all_its_prompts() -> None:
    check = completions.an_array_counts_all_its_prompts
    texts = ("two", "two", "one")
    assert not findings(check, batch(*texts))
    assert findings(check, batch(*texts, prompt=5))
    assert findings(check, batch(*texts, completion=3))
    ended = batch(*texts, choice(API, "two", 3), completion=3)
    assert not findings(check, ended)  # a text that ended may be of any length


@pytest.mark.parametrize(
    ("third", "completion", "rows"),
    [
        ("one ", 7, set()),
        ("one two", 7, set()),  # a stop string may be part of the text
        ("one two three", 9, set()),  # which goes on behind it by another row
        ("one six", 9, {"META-086"}),
        ("one ", 6, {"META-086"}),
        ("one ", 10, {"META-086"}),
    ],
)
def test_what_ends_one_text_of_an_array_ends_no_other(
    third: str, completion: int, rows: set[str]
) -> None:
    steps = {**batch("six", "six", first="one two three", second="six").steps}
    texts = [choice(API, "six", i, finish_reason="length") for i in range(2)]
    texts += [choice(API, third, 2, finish_reason="stop")]
    sent = request(API, ["b", "b", "a"], stop="two")
    told = said(API, *texts, prompt=16, completion=completion, sent=sent)
    seen = observation("completions.batch", **(steps | {"batch": told}))
    checks = (
        completions.an_array_is_answered_like_single_calls,
        completions.an_array_counts_all_its_prompts,
    )
    found = [finding for check in checks for finding in findings(check, seen)]
    assert _rows(found) == rows


def test_members_are_read() -> None:
    logprobs, details = (
        completions.prompt_logprobs_are_of_some_kind,
        completions.prompt_details_are_of_some_kind,
    )
    assert readings(logprobs, said(API, "a")) == ["absent"]
    assert readings(details, said(API, "a")) == ["null"]
    listed = choice(API, "a", prompt_logprobs=[None])
    assert readings(logprobs, said(API, listed)) == ["list"]


def test_the_printed_cell_is_streamed() -> None:
    check = completions.the_printed_prompt_is_streamed

    def printed(answer: Exchange) -> Observation:
        return observation("completions.printed", "GOLD", printed=answer)

    sent = request(API, stream=True)
    assert not findings(check, printed(exchange(API, sent, stream=[{"choices": []}])))
    assert findings(check, printed(said(API, "a", sent=sent)))
    assert not is_evidence(check, printed(said(API, "a")))


def test_an_array_scores_like_single_calls() -> None:
    check = completions.an_array_scores_like_single_calls

    def scored(text: str, logprob: float, index: int = 0) -> Any:
        likely = listed((text, logprob, {text: logprob}))
        return choice(API, text, index, logprobs=likely)

    def scored_batch(*logprobs: float) -> Observation:
        sent = request(API, ["b", "b", "a"], logprobs=1)
        single = request(API, logprobs=1)
        texts = zip("bba", logprobs, strict=True)
        several = [scored(t, p, i) for i, (t, p) in enumerate(texts)]
        steps = {
            "first": said(API, scored("a", -1.0), sent=single),
            "second": said(API, scored("b", -2.0), sent=single),
            "batch": said(API, *several, sent=sent),
        }
        return observation("completions.batch", {}, None, 0, **steps)

    assert witnessed(check, scored_batch(-2.0, -2.0, -1.0)) == {"META-086"}
    assert not findings(check, scored_batch(-2.1, -1.9, -1.0))
    assert len(findings(check, scored_batch(-2.0, -1.0, -1.0))) == 1
