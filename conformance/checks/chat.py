"""What chat answers promise besides what they share with completions."""

from collections.abc import Iterator, Mapping
from typing import Any

from aios_conformance.conformance.checks.generated import ends_otherwise, is_one_body
from aios_conformance.conformance.checks.observed import answer as step_answer
from aios_conformance.conformance.checks.observed import answered
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.views import ChatAnswer, is_whole

_ON = ("chat.", "common.")
_THOUGHTS = ("<think>", "<thinking>", "<|begin_of_thought|>")
"""How models that reason begin their reasoning, as text."""


_OTHER_ENDS = ("tool_calls", "function_call", "content_filter")
"""Reasons that mean something else; a server may have its own word for stop (A-095)."""


def _is_whole(answer: ChatAnswer) -> bool:
    """Which members are there at all: a stream has those that it needs."""
    return answer.is_whole


@check("CHAT-RES-011", on=_ON)
def reasoning_is_no_content(answer: ChatAnswer) -> Iterator[Note]:
    """Reasoning stands in reasoning_content, not as markup at the head of content."""
    for i, text in enumerate(answer.texts):
        if isinstance(text, str) and text.lstrip().startswith(_THOUGHTS):
            yield Finding(
                expected="reasoning in reasoning_content",
                actual=text[:80],
                pointer=f"/choices/{i}/message/content",
            )


def _kind(value: Json) -> str:
    return "null" if value is None else type(value).__name__


@check("CHAT-RES-012", on=_ON, when=_is_whole)
def reasoning_is_of_some_kind(answer: ChatAnswer) -> Iterator[Note]:
    """How a message spells its reasoning, or that it has none (A-092)."""
    for choice in answer.choices:
        yield FollowedReading(_spelled(choice["message"], "reasoning_content"))


@check("CHAT-RES-014", on=_ON, when=_is_whole)
def messages_without_calls_say_so(answer: ChatAnswer) -> Iterator[Note]:
    """How a message spells that it has no tool calls (A-094)."""
    for choice in answer.choices:
        if not choice["message"].get("tool_calls"):
            yield FollowedReading(_spelled(choice["message"], "tool_calls"))


def _spelled(message: Mapping[str, Any], member: str) -> str:
    kind = _kind(message[member]) if member in message else "absent"
    return {"str": "string", "list": "empty array"}.get(kind, kind)


@check("CHAT-RES-023", on=_ON, when=_is_whole)
def prompt_details_may_be_there(answer: ChatAnswer) -> Iterator[Note]:
    """Whether usage has the member that only the printed example shows (A-097)."""
    is_there = "prompt_tokens_details" in answer.usage
    yield FollowedReading("present" if is_there else "absent")


@check("CHAT-RES-024", on=_ON, when=_is_whole)
def prompt_logprobs_may_be_there(answer: ChatAnswer) -> Iterator[Note]:
    """Whether the answer has the member that only the printed example shows (A-097)."""
    yield FollowedReading("present" if "prompt_logprobs" in answer.body else "absent")


def _streams(seen: Observation) -> bool:
    return (
        seen.accepted("printed") and seen["printed"].request.json.get("stream") is True
    )


@check("CHAT-REQ-056", on="chat.printed", when=_streams)
def the_printed_cell_is_streamed(seen: Observation) -> Iterator[Note]:
    """The body of the context row, which says stream, is answered with a stream."""
    if is_one_body(seen["printed"]):
        yield Finding(
            expected="a stream", actual="one JSON body", step="printed", kind="silent"
        )


@check(
    "CHAT-EX-005",
    on="chat.printed",
    when=answered(ChatAnswer, "printed"),
    witness=True,
)
def a_short_question_has_one_short_answer(seen: Observation) -> Iterator[Note]:
    """The printed question has one choice, with index 0, that ends with stop.

    A model that talks on until a limit, which we have to set (A-085), shows nothing.
    """
    rows = ("CHAT-EX-005",)
    view = step_answer(ChatAnswer, seen, "printed")
    if not view.is_whole:
        return  # the printed cell that asks for a stream is another example
    if len(view.choices) > 1:
        yield Finding("one choice", len(view.choices), "/choices", ids=rows)
    if len(view.choices) != 1:
        return
    index = view.choices[0].get("index")
    if is_whole(index) and index != 0:
        yield Finding("0", index, "/choices/0/index", ids=rows)
    finish = ends_otherwise(seen["printed"], "stop")
    if finish == "length":
        return
    yield Witness(rows)
    if finish in _OTHER_ENDS:
        yield Finding("stop", finish, "/choices/0/finish_reason", ids=rows)
