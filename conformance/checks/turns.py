"""The turns of an agent: streamed ones say what whole ones say, and cut ones say so."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import orjson

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import (
    tokens_of_words,
    usage_of,
    words_in,
)
from aios_conformance.conformance.checks.replies import (
    ChatReply,
    Choice,
    calls,
    reply,
)
from aios_conformance.conformance.checks.streams import Streamed
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.said import reasoning_in
from aios_conformance.conformance.terms.tolerances import BETWEEN_CALLS

_PAIRS = (
    ("omitted", "auto"),
    ("answered", "answered_streamed"),
    ("other_auto", "stopped"),
    ("cut", "cut_streamed"),
)
Scored = tuple[str, float]
_COUNTERS = ("prompt_tokens", "completion_tokens", "total_tokens")


# who calls no tool shows nothing here
@check("META-039", on="chat.tools", evidence=0, witness=True)
def a_result_is_more_to_read(seen: Observation) -> Iterator[Note]:
    """The results of tools are counted in the prompt of the turn after the call."""
    if not seen.accepted("omitted", "answered"):
        return
    before = usage_of(seen["omitted"], "prompt_tokens")
    if before is not None:
        words = words_in(seen["answered"]) - words_in(seen["omitted"])
        yield from tokens_of_words(seen["answered"], before, words)


@check("META-039", on="chat.history", witness=True)
def a_conversation_grows(seen: Observation) -> Iterator[Note]:
    """A conversation with a reply and another question has the tokens of both more."""
    if not seen.accepted("first", "next"):
        return
    before = usage_of(seen["first"], "prompt_tokens")
    if before is not None:
        words = words_in(seen["next"]) - words_in(seen["first"])
        yield from tokens_of_words(seen["next"], before, words)


@check(*spec.rows("stream-equals-whole"), on="chat.tools", witness=True)
def a_streamed_turn_is_the_whole_turn(seen: Observation) -> Iterator[Note]:
    """A streamed turn has the text, calls, end and scores of the whole one."""
    for label, streamed in _PAIRS:
        whole, stream = reply(seen, label), reply(seen, streamed)
        if not (whole and stream and whole.choices and stream.choices):
            continue
        if not stream.exchange.is_stream or _is_unasked(whole, stream):
            continue
        yield Witness(("META-059",))
        for finding in _differences(whole, stream, streamed):
            yield finding
            break  # what comes of it is not told again


def _differences(whole: ChatReply, stream: ChatReply, step: str) -> Iterator[Finding]:
    one, other = whole.choices[0], stream.choices[0]
    stop = stream.sent.get("stop")
    find = partial(Finding, step=step, ids=("META-059",))
    if stop is not None:
        wanted = _text(one).partition(stop)[0]
        before, _, after = _text(other).partition(stop)
        # that it goes on behind the stop string is another row's matter
        if before != wanted and not after:
            expected = f"{wanted!r}: the whole text up to the stop string"
            drift = is_drift(wanted, before)
            yield find(expected, _text(other), "/choices/0/content", drift=drift)
    elif step == "cut_streamed":  # of half a call either may show what it likes
        scores, given = _scores(one), _scores(other)
        if scores and not _is_alike(scores, given):
            expected = f"{len(scores)} log probabilities, as in the whole answer"
            actual = f"{len(given)}, or others"
            yield find(expected, actual, "/choices/0/logprobs")
    elif _said(one) != _said(other):
        expected = f"{_said(one)}, as in the whole answer"
        drift = is_drift(_written(one), _written(other))
        yield find(expected, _said(other), "/choices/0/message", drift=drift)
    elif other["finish_reason"] not in (None, one.get("finish_reason")):
        # clients of OpenAI's API call what they are told to at a reason of tool_calls
        yield Finding(
            expected=f"{one.get('finish_reason')}, as in the whole answer",
            actual=other["finish_reason"],
            pointer="/choices/0/finish_reason",
            step=step,
            ids=("META-059", "CHAT-RES-025"),
        )


def _is_unasked(whole: ChatReply, stream: ChatReply) -> bool:
    """Only the stream calls, and tool_choice differs: that it does is META-079's."""
    is_called = calls(stream.choices[0]) and not calls(whole.choices[0])
    choices = [one.sent.get("tool_choice") for one in (whole, stream)]
    return bool(is_called) and choices[0] != choices[1]


def _is_alike(wanted: Sequence[Scored], given: Sequence[Scored]) -> bool:
    return len(wanted) == len(given) and all(
        token == same and abs(score - again) <= BETWEEN_CALLS
        for (token, score), (same, again) in zip(wanted, given, strict=True)
    )


def _text(choice: Choice) -> str:
    text = choice["message"].get("content")
    return text if isinstance(text, str) else ""


def _said(choice: Choice) -> list[Json]:
    """Text, reasoning, calls; how JSON is spelt, and white space at a call, is free."""
    called = [_called(call) for call in calls(choice)]
    text = _text(choice).strip() if called else _text(choice)
    return [text, reasoning_in(choice), *called]


def _written(choice: Choice) -> list[Json]:
    """The text and each call's arguments, as they came."""
    functions = [c.get("function") for c in calls(choice) if isinstance(c, dict)]
    written = [f.get("arguments") for f in functions if isinstance(f, dict)]
    return [_text(choice), reasoning_in(choice), *written]


def _called(call: Json) -> Json:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return call
    arguments: Json = function.get("arguments")
    with suppress(orjson.JSONDecodeError, TypeError):  # else it is compared as it came
        arguments = orjson.loads(arguments)
    return [function.get("name"), arguments]


def _scores(choice: Choice) -> Sequence[Scored]:
    """Tokens and their log probabilities, in OpenAI's layout; () in another."""
    given = choice.get("logprobs")
    content = given.get("content") if isinstance(given, dict) else None
    return [
        (token, logprob)
        for entry in (content if isinstance(content, list) else ())
        for token, logprob in [_score(entry)]
        if isinstance(logprob, int | float)
    ]


def _score(entry: Json) -> tuple[str, Any]:
    match entry:
        case {"token": str(token), "logprob": logprob}:
            return token, logprob
    return "", None


@check("META-062", on="chat.tools", witness=True)
def a_streamed_turn_counts_as_the_whole_one(seen: Observation) -> Iterator[Note]:
    """The usage of a streamed turn is that of the whole one, if they say the same."""
    for label, streamed in _PAIRS:
        whole, stream = reply(seen, label), reply(seen, streamed)
        if not (whole and stream and whole.choices and stream.usage):
            continue
        if not stream.exchange.is_stream:
            continue
        yield Witness(("META-062",))
        is_same = _said(whole.choices[0]) == _said(stream.choices[0])
        for name in _COUNTERS if is_same else _COUNTERS[:1]:
            wanted, given = whole.usage.get(name), stream.usage.get(name)
            if wanted is not None and wanted != given:
                yield Finding(
                    expected=f"{wanted}, as in the whole answer",
                    actual=given,
                    pointer=f"/usage/{name}",
                    step=streamed,
                    ids=("META-062",),
                )
                break


@check("CHAT-SEM-010", "META-041", on="chat.tools", witness=True)
def a_cut_call_says_length(seen: Observation) -> Iterator[Note]:
    """A call that the token limit cut short ends with `length`, whole and streamed."""
    rows = ("CHAT-SEM-010", "META-041")
    for label in ("cut", "cut_streamed"):
        found, whole = _end(seen, label), _end(seen, "cut")
        if found is None:
            continue
        finish, count, limit = found
        if count is None and whole is not None:
            count = whole[1]  # the same request, if its tokens are counted
        # one that took fewer tokens than it had before, or more, was not cut
        if count not in (None, limit):
            continue
        yield Witness(rows)
        if finish != "length":
            yield Finding(
                expected="length",
                actual=finish,
                pointer="/choices/0/finish_reason",
                step=label,
                ids=rows,
            )


def _end(seen: Observation, label: str) -> tuple[Any, Any, int] | None:
    """Why a step ended, the tokens that it counts, and its limit.

    A stream that ends with an error told no reason, and is no reply.
    """
    exchange = seen.steps.get(label)
    stream = Streamed.of(exchange, seen.facts) if exchange else None
    if exchange is None or (exchange.response and exchange.response.broken):
        return None
    limit = exchange.request.json["max_tokens"]
    if stream is not None and any(stream.errors()):
        pieces = stream.pieces(0)
        told = (piece.get("finish_reason") for piece in pieces)
        finish = next((reason for reason in told if reason is not None), None)
        return (finish, None, limit) if pieces else None
    found = reply(seen, label)
    finish = found.choices[0].get("finish_reason") if found and found.choices else None
    # that a reply tells no reason at all is another row's matter
    if found is None or finish is None:
        return None
    return finish, found.usage.get("completion_tokens"), limit
