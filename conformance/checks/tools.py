"""Tool calls: when they may, must and must not come, and what they hold.

What a model says is its own affair: with tool_choice auto a message and a call are
both right. A call that the token limit cut short is not judged for its arguments.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable

from aios_conformance.conformance.checks.observed import answer as step_answer
from aios_conformance.conformance.checks.observed import answered
from aios_conformance.conformance.terms.check import (
    Check,
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.content import is_drift
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.views import ChatAnswer

_ON = ("chat.", "common.")


def _tools(answer: ChatAnswer) -> list[Mapping[str, Any]]:
    """The functions that the request offers, as they were sent."""
    tools = answer.sent.get("tools")
    return [
        tool["function"]
        for tool in (tools if isinstance(tools, list) else ())
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
    ]


def _choice(answer: ChatAnswer) -> Json:
    """tool_choice; without one, auto if there are tools, else none (A-089)."""
    default = "auto" if _tools(answer) else "none"
    return answer.sent.get("tool_choice", default)


def _is_judged(answer: ChatAnswer) -> bool:
    return answer.exchange.expect != "refuse"


def _calls(choice: Mapping[str, Any]) -> Sequence[Any]:
    calls = choice["message"].get("tool_calls")
    return calls if isinstance(calls, list) else []


def _is_malformed(choice: Mapping[str, Any]) -> bool:
    """tool_calls is there, and no array: that is CHAT-RES-013's matter."""
    return not isinstance(choice["message"].get("tool_calls"), list | None)


def _named_calls(answer: ChatAnswer) -> Iterator[tuple[str, bool, str, str]]:
    """Pointer, whether the limit cut it, name and arguments of each call."""
    for i, choice in enumerate(answer.choices):
        for j, call in enumerate(_calls(choice)):
            match call:
                case {"function": {"name": str(name), "arguments": str(arguments)}}:
                    pointer = f"/choices/{i}/message/tool_calls/{j}/function"
                    yield (
                        pointer,
                        choice.get("finish_reason") == "length",
                        name,
                        arguments,
                    )


def _no_calls(
    answer: ChatAnswer, expected: str, rows: tuple[str, ...] = ()
) -> Iterator[Note]:
    for i, choice in enumerate(answer.choices):
        if _calls(choice):
            yield Finding(
                expected=expected,
                actual=_calls(choice)[0],
                pointer=f"/choices/{i}/message/tool_calls",
                kind="silent",
                ids=rows,
            )


@check(
    "CHAT-SEM-017",
    "META-076",
    on=_ON,
    when=lambda a: _is_judged(a) and bool(_tools(a)) and _choice(a) == "none",
)
def none_calls_no_tool(answer: ChatAnswer) -> Iterator[Note]:
    """With tool_choice none nothing is called, whatever is offered."""
    yield from _no_calls(answer, "no call: tool_choice is none")


@check(
    "CHAT-REQ-044",
    "META-078",
    on=_ON,
    when=lambda a: _is_judged(a) and not a.sent.get("tools"),
    witness=True,
)
def nothing_is_called_without_tools(answer: ChatAnswer) -> Iterator[Note]:
    """Without tools nothing is called."""
    is_default = answer.sent.get("tool_choice") is None
    rows = ("CHAT-REQ-044", "META-078") if is_default else ("META-078",)
    yield Witness(rows)
    yield from _no_calls(answer, "no call: there are no tools", rows)


@check(
    "CHAT-SEM-019",
    "META-077",
    on=_ON,
    when=lambda a: _is_judged(a) and bool(_tools(a)) and _choice(a) == "required",
)
def required_calls_a_tool(answer: ChatAnswer) -> Iterator[Note]:
    """With tool_choice required each choice calls a tool, an offered one (soft)."""
    offered = [tool.get("name") for tool in _tools(answer)]
    for i, choice in enumerate(answer.choices):
        pointer = f"/choices/{i}/message/tool_calls"
        if not _calls(choice) and not _is_malformed(choice):
            yield Finding(
                expected="a call: tool_choice is required",
                actual=choice["message"].get("content"),
                pointer=pointer,
                kind="silent",
            )
    for pointer, _, name, _ in _named_calls(answer):
        if name not in offered:
            yield Finding(
                expected=f"one of {offered}",
                actual=name,
                pointer=f"{pointer}/name",
                soft=True,
                ids=("META-077",),
            )


@check(
    "CHAT-SEM-018",
    on=_ON,
    when=lambda a: _is_judged(a) and bool(_tools(a)) and _choice(a) == "auto",
)
def auto_gives_a_message_or_calls(answer: ChatAnswer) -> Iterator[Note]:
    """With tool_choice auto each choice is a text, or calls that are well-formed."""
    for i, choice in enumerate(answer.choices):
        # that a choice without calls has a text is CHAT-RES-009's matter
        for j, call in enumerate(_calls(choice)):
            if not _is_call(call):
                yield Finding(
                    expected="id, type function, and a function's name and arguments",
                    actual=call,
                    pointer=f"/choices/{i}/message/tool_calls/{j}",
                )


def _is_call(call: Json) -> bool:
    match call:
        case {
            "id": str(identifier),
            "type": "function",
            "function": {"name": str(name), "arguments": str()},
        }:
            return bool(identifier and name)
    return False


def _has_calls(answer: ChatAnswer) -> bool:
    return _is_judged(answer) and bool(_tools(answer)) and any(_named_calls(answer))


@check("CHAT-SEM-020", on=_ON, when=_has_calls)
def calls_are_of_offered_functions(answer: ChatAnswer) -> Iterator[Note]:
    """Only offered functions are called, with arguments that are a JSON object."""
    offered = [tool.get("name") for tool in _tools(answer)]
    for pointer, is_cut, name, arguments in _named_calls(answer):
        if name not in offered:
            yield Finding(f"one of {offered}", name, f"{pointer}/name")
        if not is_cut and not isinstance(_parsed(arguments), dict):
            yield Finding("a JSON object", arguments, f"{pointer}/arguments")


@check("META-080", on=_ON, when=_has_calls, witness=True)
def arguments_satisfy_the_schema(answer: ChatAnswer) -> Iterator[Note]:
    """The arguments of a call satisfy the parameters of its function."""
    parameters = {tool.get("name"): tool.get("parameters") for tool in _tools(answer)}
    for pointer, is_cut, name, arguments in _named_calls(answer):
        if is_cut or name not in parameters:
            continue
        yield Witness(("META-080",))
        value = _parsed(arguments)
        if not isinstance(value, dict):
            yield Finding(
                expected="arguments that are a JSON object",
                actual=arguments,
                pointer=f"{pointer}/arguments",
                ids=("META-080",),
            )
            continue
        problem = _breach(parameters[name] or {}, value)
        if problem is not None:
            yield Finding(
                expected=f"arguments that satisfy the parameters: {problem}",
                actual=arguments,
                pointer=f"{pointer}/arguments",
                ids=("META-080",),
            )


def _parsed(text: str) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _breach(schema: Json, value: Json) -> str | None:
    try:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, registry=Registry())
        problem = best_match(validator.iter_errors(value))
    except (SchemaError, Unresolvable):
        return None  # generated requests may offer what is no schema
    return None if problem is None else problem.message


@check("CHAT-REQ-045", "META-079", on="chat.tools", witness=True)
def an_omitted_choice_is_auto(seen: Observation) -> Iterator[Note]:
    """With tools, an omitted tool_choice calls as auto does, and says the same."""
    rows = ("CHAT-REQ-045", "META-079")
    for one, other in (("auto", "omitted"), ("other_auto", "other_omitted")):
        if not answered(ChatAnswer, one, other)(seen):
            continue
        yield Witness(rows)
        auto, omitted = (step_answer(ChatAnswer, seen, s) for s in (one, other))
        is_called = any(_named_calls(auto))
        if is_called != any(_named_calls(omitted)):
            yield Finding(
                expected="a call" if is_called else "no call, as with auto",
                actual=_said(omitted),
                pointer="/choices/0/message",
                step=other,
                kind="silent",
                ids=rows,
            )
        elif _said(auto) != _said(omitted):
            yield Finding(
                expected=f"{_said(auto)}, as with tool_choice auto",
                actual=_said(omitted),
                pointer="/choices/0/message",
                step=other,
                ids=("META-079",),
                drift=is_drift(_said(auto), _said(omitted)),
            )


def _said(answer: ChatAnswer) -> list[object]:
    """What a greedy answer says and calls, without the ids of the calls."""
    calls = [(name, arguments) for _, _, name, arguments in _named_calls(answer)]
    return [*answer.texts, *calls]


@check("META-081", on="chat.tools", when=answered(ChatAnswer, "renamed"), witness=True)
def only_new_names_are_called(seen: Observation) -> Iterator[Note]:
    """When tools are renamed and reordered, calls name those of the new list."""
    view = step_answer(ChatAnswer, seen, "renamed")
    offered = [tool.get("name") for tool in _tools(view)]
    for pointer, _, name, _ in _named_calls(view):
        yield Witness(("META-081",))
        if name not in offered:
            yield Finding(
                expected=f"one of {offered}",
                actual=name,
                pointer=f"{pointer}/name",
                step="renamed",
                ids=("META-081",),
            )


@check("CHAT-RES-010", on=_ON, when=_has_calls)
def content_beside_calls_may_be_null(answer: ChatAnswer) -> Iterator[Note]:
    """What content is where tools are called (A-093)."""
    for choice in answer.choices:
        if _calls(choice):
            content = choice["message"].get("content")
            yield FollowedReading("null" if content is None else "string")


CHECKS: tuple[Check, ...] = (
    none_calls_no_tool,
    nothing_is_called_without_tools,
    required_calls_a_tool,
    auto_gives_a_message_or_calls,
    calls_are_of_offered_functions,
    arguments_satisfy_the_schema,
    an_omitted_choice_is_auto,
    only_new_names_are_called,
    content_beside_calls_may_be_null,
)
