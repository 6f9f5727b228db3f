"""What each answer of chat and completions promises by itself, whole or streamed.

Every answer is judged, whatever it was asked for. Rows that only some answers can
show (a limit that was reached, several choices) are witnessed by those alone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.checks.generated import EVERYWHERE, Generated
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.views import (
    ChatAnswer,
    Record,
    View,
    is_whole,
)

_HIDDEN_BY_DEFAULT = 16
"""Completions end at 16 tokens by default on many servers: a limit of so many or
more is no proof that it was read (A-116)."""


def _limit(answer: Generated) -> tuple[int, tuple[str, ...]] | None:
    """The limit in force, in tokens for each choice, and the rows that promise it."""
    new, old = answer.limit("max_completion_tokens"), answer.limit("max_tokens")
    rows: tuple[str, ...] = ("META-040",)
    if new is not None:
        rows += answer.own("max-completion-tokens-obeyed")
    if old is not None:
        rows += answer.own("max-tokens-obeyed")
    given = [limit for limit in (new, old) if limit is not None]
    # of two different limits either may hold
    return (max(given), rows) if given else None


@check(
    *spec.rows(
        "max-completion-tokens-obeyed", "max-tokens-obeyed", "limit-bounds-count"
    ),
    on=EVERYWHERE,
    witness=True,
)
def no_more_tokens_than_the_limit(answer: Generated) -> Iterator[Note]:
    """Each choice has at most as many tokens as the limit that was sent."""
    limited = _limit(answer)
    count = answer.completion_tokens
    if limited is None or count is None:
        return
    limit, rows = limited
    # that there are too many choices is another row's matter
    most = limit * max(answer.wanted, len(answer.choices))
    if count > most:
        yield Witness(rows)
        yield Finding(
            expected=f"at most {most} tokens: {limit} for each choice",
            actual=count,
            pointer="/usage/completion_tokens",
            kind="silent",
            ids=rows,
        )
        return
    if count == most and limit < _HIDDEN_BY_DEFAULT:
        yield Witness(rows)
    for i, choice in enumerate(answer.choices):
        positions = _positions(choice)
        if positions > limit and not answer.sent.get("echo"):
            yield Finding(
                expected=f"at most {limit} tokens",
                actual=positions,
                pointer=f"/choices/{i}/logprobs",
                kind="silent",
                ids=rows,
            )


def _positions(choice: Mapping[str, Any]) -> int:
    """How many tokens the log probabilities of a choice list."""
    match choice.get("logprobs"):
        case {"content": list(content)}:
            return len(content)
        case {"tokens": list(tokens)}:
            return len(tokens)
    return 0


@check("META-042", on=EVERYWHERE, witness=True)
def finish_reasons_fit_the_count(answer: Generated) -> Iterator[Note]:
    """`length` comes with exactly the limit's tokens, `stop` with at most so many."""
    limited = _limit(answer)
    count = answer.completion_tokens
    is_one = answer.wanted == 1 and len(answer.choices) == 1
    if limited is None or count is None or not is_one:
        return
    if "max_tokens" in answer.sent and "max_completion_tokens" in answer.sent:
        return
    limit = limited[0]
    finish = answer.choices[0].get("finish_reason")
    wrong = count != limit if finish == "length" else count > limit
    if finish in ("length", "stop"):
        yield Witness(("META-042",))
        if wrong:
            yield Finding(
                expected=f"{'' if finish == 'length' else 'at most '}{limit} tokens",
                actual=count,
                pointer="/usage/completion_tokens",
                ids=("META-042",),
            )


@check(
    *spec.rows(
        "n-obeyed",
        "prompts-grouped",
        "n-choices-indexed",
        "prompts-like-single-calls",
    ),
    on=EVERYWHERE,
    witness=True,
)
def each_prompt_has_n_choices(answer: Generated) -> Iterator[Note]:
    """There are n choices for each prompt, numbered from 0 without a gap."""
    numbers = _numbers(answer)
    if not numbers:
        return
    counted: tuple[str, ...]
    is_n_ignored = answer.n > 1 and len(numbers) == len(answer.prompts)
    if len(answer.prompts) > 1 and not is_n_ignored:
        counted, numbered = ("COMP-SEM-018", "META-086"), "COMP-SEM-018"
    else:
        counted = answer.own("n-obeyed", "n-choices-indexed")
        numbered = "META-035"
    yield Witness(counted)
    yield from _numbered(answer, numbers, counted, (numbered,))


@check("META-065", on=EVERYWHERE, witness=True)
def a_stream_has_n_choices(answer: Generated) -> Iterator[Note]:
    """A stream for n above 1 has all indices below n for each prompt."""
    numbers, rows = _numbers(answer), ("META-065",)
    if numbers and answer.n > 1 and not answer.is_whole:
        yield Witness(rows)
        yield from _numbered(answer, numbers, rows, rows)


def _numbers(answer: Generated) -> list[Any]:
    """The indices of several choices; that there is none is another row's matter."""
    several = answer.choices if answer.wanted > 1 else ()
    return [choice.get("index") for choice in several]


def _numbered(
    answer: Generated,
    numbers: list[Any],
    counted: tuple[str, ...],
    numbered: tuple[str, ...],
) -> Iterator[Note]:
    """What is wrong with how many there are, or else with how they are numbered."""
    if len(numbers) != answer.wanted:
        yield Finding(
            expected=f"{answer.wanted} choices",
            actual=len(numbers),
            pointer="/choices",
            kind="silent",
            ids=counted,
        )
    elif all(is_whole(number) for number in numbers):
        wanted = list(range(answer.wanted))
        if sorted(numbers) != wanted:
            yield Finding(
                expected=f"the indices {wanted}, in any order",
                actual=numbers,
                pointer="/choices",
                ids=numbered,
            )


@check("META-036", on=EVERYWHERE, when=lambda answer: answer.wanted == 1, witness=True)
def one_choice_is_all_that_was_asked_for(answer: Generated) -> Iterator[Note]:
    """Without n, and with n 1, there is one choice, whatever was asked before."""
    prompt = answer.sent.get("prompt")
    if isinstance(prompt, list) and not all(isinstance(each, str) for each in prompt):
        return  # how many prompts token ids are is open
    yield Witness(("META-036",))
    if len(answer.choices) > 1:
        yield Finding(
            expected="one choice",
            actual=len(answer.choices),
            pointer="/choices",
            ids=("META-036",),
        )


@check(*spec.rows("choice-index"), on=EVERYWHERE, witness=True)
def indices_lie_below_n(answer: Generated) -> Iterator[Note]:
    """choices[].index lies in 0 … n - 1."""
    rows = answer.own("choice-index")
    # that there are too many choices is another row's matter
    last = max(answer.wanted, len(answer.choices)) - 1
    for i, choice in enumerate(answer.choices):
        index = choice.get("index")
        if isinstance(index, int | float) and is_whole(index):
            yield Witness(rows)
            if not 0 <= index <= last:
                yield Finding(
                    expected=f"0 … {last}",
                    actual=index,
                    pointer=f"/choices/{i}/index",
                    ids=rows,
                )


@check("META-082", on=("chat.", "common."))
def every_choice_is_the_assistants(answer: ChatAnswer) -> Iterator[Note]:
    """The role of every choice is assistant."""
    for i, choice in enumerate(answer.choices):
        if choice["message"].get("role") != "assistant":
            yield Finding(
                expected="assistant",
                actual=choice["message"].get("role"),
                pointer=f"/choices/{i}/message/role",
            )


@check("CHAT-RES-016", on=("chat.", "common."))
def a_finish_reason_is_given(answer: ChatAnswer) -> Iterator[Note]:
    """A completed reply says why it ended."""
    for i, choice in enumerate(answer.choices):
        if choice.get("finish_reason", "") is None:
            yield Finding(
                expected="a finish reason, such as stop or length",
                actual=None,
                pointer=f"/choices/{i}/finish_reason",
            )


_ON_STOPS = ("chat.", "completions.")


@check(
    *spec.rows("stop-obeyed", "nothing-after-stop"),
    on=_ON_STOPS,
    when=lambda answer: bool(_stops(answer)),
    witness=True,
)
def no_text_goes_on_after_a_stop_string(answer: Generated) -> Iterator[Note]:
    """No choice has text after a stop string."""
    yield from _stopped(answer, "META-045", goes_on=True)


@check(
    *spec.rows("stop-obeyed", "stop-left-out"),
    on=_ON_STOPS,
    when=lambda answer: bool(_stops(answer)),
    witness=True,
)
def no_text_ends_with_a_stop_string(answer: Generated) -> Iterator[Note]:
    """No choice has the stop string itself at its end (soft)."""
    yield from _stopped(answer, "META-046", goes_on=False)


def _stopped(answer: Generated, row: str, *, goes_on: bool) -> Iterator[Note]:
    """Choices with a stop string and text after it, or without any."""
    rows = (*answer.own("stop-obeyed"), row)
    yield Witness(rows)
    for i, choice in enumerate(answer.choices):
        text = answer.text(choice)
        stop = next((stop for stop in _stops(answer) if stop in text), None)
        if stop is not None and bool(text.partition(stop)[2]) == goes_on:
            yield Finding(
                expected=f"{'nothing after' if goes_on else 'no'} {stop!r}",
                actual=text,
                pointer=f"/choices/{i}",
                kind="silent",
                soft=not goes_on,
                ids=rows,
            )


def _stops(view: View) -> list[str]:
    """The stop strings of a request whose answers hold no prompt."""
    stop = view.sent.get("stop")
    if view.sent.get("echo"):
        return []
    given = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return [text for text in given if isinstance(text, str) and text]


@check("CHAT-RES-020", "COMP-RES-013", on=EVERYWHERE, witness=True)
def what_is_read_has_tokens(answer: Generated) -> Iterator[Note]:
    """usage.prompt_tokens is above 0 where there is a text to read."""
    rows = answer.own("prompt-tokens-integer")
    count = answer.usage.get("prompt_tokens")
    if count is None or not is_whole(count):
        return
    messages = answer.sent.get("messages")
    told = messages if isinstance(messages, list) else ()
    said = (one.get("content") for one in told if isinstance(one, dict))
    if any(answer.prompts) or any(said):
        yield Witness(rows)
        if not count > 0:
            yield Finding("above 0", count, pointer="/usage/prompt_tokens", ids=rows)


@check("CHAT-RES-021", "COMP-RES-015", on=EVERYWHERE, witness=True)
def what_is_said_has_tokens(answer: Generated) -> Iterator[Note]:
    """usage.completion_tokens counts a token or more for each choice with a text."""
    rows = answer.own("completion-tokens-integer")
    count = answer.completion_tokens
    if count is None or answer.sent.get("echo"):
        return
    yield Witness(rows)
    said = sum(bool(answer.text(choice)) for choice in answer.choices)
    if count < said:
        yield Finding(
            expected=f"{said} or more: so many choices have a text",
            actual=count,
            pointer="/usage/completion_tokens",
            ids=rows,
        )


def _kind(value: object) -> str:
    """A JSON value in the words of the rulings."""
    match value:
        case None:
            return "null"
        case str() | int() | float():
            return "string or integer"
        case list():
            return "list"
    return "object"


@check(*spec.rows("stop-reason"), on=EVERYWHERE, witness=True)
def stop_reasons_are_of_some_kind(answer: Generated) -> Iterator[Note]:
    """What stop_reason holds where a stop string ended the text (A-096)."""
    rows = answer.own("stop-reason")
    yield Witness(rows)
    for choice in answer.choices:
        if answer.sent.get("stop") and choice.get("finish_reason") == "stop":
            yield FollowedReading(_kind(choice.get("stop_reason")), ids=rows)


def _is_served(record: Record, api: Api) -> Iterator[Note]:
    """Some valid request to the path of an API is answered by it."""
    row = spec.rows("served", api=api)
    codes = {
        exchange.id: exchange.status
        for exchange in record.exchanges
        if exchange.api == api and exchange.expect == "accept" and exchange.response
        if not exchange.is_unreadable
    }
    if codes:
        yield Witness(row)
    if codes and all(code in (404, 405, 501) for code in codes.values()):
        first, code = next(iter(codes.items()))
        yield Finding(
            "the path is served", code, "", "refused", exchange=first, ids=row
        )


@check("CHAT-REQ-001", on="chat.messages", witness=True)
def chat_is_served(record: Record) -> Iterator[Note]:
    """POST /v1/chat/completions is served."""
    yield from _is_served(record, "chat")


@check("COMP-REQ-001", on="completions.prompt", witness=True)
def completions_are_served(record: Record) -> Iterator[Note]:
    """POST /v1/completions is served."""
    yield from _is_served(record, "completions")
