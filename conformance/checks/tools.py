"""Tool calls: when they may, must and must not come, and what they hold.

Whole answers and streams are judged alike. What a model says is its own affair: with
tool_choice auto a message and a call are both right. A call that the token limit cut
short is not judged for its arguments.
"""

from collections.abc import Callable, Iterator
from functools import cache

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from aios_conformance.conformance.checks.replies import (
    ChatReply,
    Choice,
    calls,
    reply,
)
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Json, Observation
from aios_conformance.conformance.terms.views import Record

_ON = ("chat.", "common.")


def _choice(answer: ChatReply) -> Json:
    """tool_choice; without one, auto if there are tools, else none (A-089)."""
    return answer.sent.get("tool_choice", "auto" if answer.tools else "none")


def _is_asked(choice: str) -> Callable[[ChatReply], bool]:
    """A `when` that holds for replies to tools with this tool_choice."""
    return lambda answer: bool(answer.tools) and _choice(answer) == choice


def _is_malformed(choice: Choice) -> bool:
    """tool_calls is there, and no array: that is CHAT-RES-013's matter."""
    return not isinstance(choice["message"].get("tool_calls"), list | None)


def _named_calls(answer: ChatReply) -> Iterator[tuple[str, bool, str, str]]:
    """Pointer, whether the limit cut it, name and arguments of each call."""
    for i, choice in enumerate(answer.choices):
        is_cut = answer.is_full or choice.get("finish_reason") == "length"
        for j, call in enumerate(calls(choice)):
            match call:
                case {"function": {"name": str(name), "arguments": str(arguments)}}:
                    pointer = f"/choices/{i}/message/tool_calls/{j}/function"
                    yield pointer, is_cut, name, arguments


def _no_calls(
    answer: ChatReply, expected: str, rows: tuple[str, ...] = ()
) -> Iterator[Note]:
    for i, choice in enumerate(answer.choices):
        if calls(choice):
            yield Finding(
                expected=expected,
                actual=calls(choice)[0],
                pointer=f"/choices/{i}/message/tool_calls",
                kind="silent",
                ids=rows,
            )


@check("CHAT-SEM-017", "META-076", on=_ON, when=_is_asked("none"))
def none_calls_no_tool(answer: ChatReply) -> Iterator[Note]:
    """With tool_choice none nothing is called, whatever is offered."""
    yield from _no_calls(answer, "no call: tool_choice is none")


@check(
    "CHAT-REQ-044",
    "META-078",
    on=_ON,
    when=lambda answer: not answer.sent.get("tools"),
    witness=True,
)
def nothing_is_called_without_tools(answer: ChatReply) -> Iterator[Note]:
    """Without tools nothing is called."""
    is_default = answer.sent.get("tool_choice") is None
    rows = ("CHAT-REQ-044", "META-078") if is_default else ("META-078",)
    yield Witness(rows)
    yield from _no_calls(answer, "no call: there are no tools", rows)


def _is_half_a_call(answer: ChatReply, choice: Choice) -> bool:
    """The limit cut it where its text may still have become a call.

    No line says what is delivered of a call that has no end.
    """
    text = str(choice["message"].get("content") or "").lstrip()
    names = [str(tool.get("name")) for tool in answer.tools]
    is_cut = answer.is_full or choice.get("finish_reason") == "length"
    return is_cut and (text[:1] in {*"<{[`", ""} or any(name in text for name in names))


@check("CHAT-SEM-019", "META-077", on=_ON, when=_is_asked("required"), witness=True)
def required_calls_a_tool(answer: ChatReply) -> Iterator[Note]:
    """With tool_choice required each choice calls a tool, an offered one (soft)."""
    offered = [tool.get("name") for tool in answer.tools]
    for i, choice in enumerate(answer.choices):
        pointer = f"/choices/{i}/message/tool_calls"
        if not calls(choice) and _is_half_a_call(answer, choice):
            continue
        yield Witness()
        if not calls(choice) and not _is_malformed(choice):
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


@check("CHAT-SEM-018", on=_ON, when=_is_asked("auto"))
def auto_gives_a_message_or_calls(answer: ChatReply) -> Iterator[Note]:
    """With tool_choice auto each choice is a text, or well-formed calls.

    How a stream spells them is the layout's matter (A-100), and soft.
    """
    for i, choice in enumerate(answer.choices):
        # that a choice without calls has a text is CHAT-RES-009's matter
        for j, call in enumerate(calls(choice)):
            if not _is_call(call):
                yield Finding(
                    expected="id, type function, and a function's name and arguments",
                    actual=call,
                    pointer=f"/choices/{i}/message/tool_calls/{j}",
                    soft=not answer.is_whole,
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


def _has_calls(answer: ChatReply) -> bool:
    return bool(answer.tools) and any(_named_calls(answer))


@check("CHAT-SEM-020", on=_ON, when=_has_calls)
def calls_are_of_offered_functions(answer: ChatReply) -> Iterator[Note]:
    """Offered functions are called, with a JSON object, each call under its own id."""
    offered = {tool.get("name"): tool.get("parameters") for tool in answer.tools}
    for pointer, is_cut, name, arguments in _named_calls(answer):
        if name not in offered:
            yield Finding(f"one of {[*offered]}", name, f"{pointer}/name")
        if not is_cut and not _are_arguments(offered.get(name), arguments):
            yield Finding("a JSON object", arguments, f"{pointer}/arguments")
    for i, choice in enumerate(answer.choices):
        ids = [call.get("id") for call in calls(choice) if isinstance(call, dict)]
        if not all(ids) or len({*map(repr, ids)}) < len(ids):
            yield Finding(
                expected="an id for each call: its result refers to it",
                actual=ids,
                pointer=f"/choices/{i}/message/tool_calls",
            )


@check("CHAT-SEM-020", on="chat.tools")
def calls_of_other_answers_have_other_ids(record: Record) -> Iterator[Note]:
    """No id of a call comes again in another answer: a conversation holds both."""
    known: dict[str, str] = {}
    for exchange in record.answers("chat"):
        answer = ChatReply.of(exchange, record.facts)
        choices = answer.choices if answer else ()
        ids = [c.get("id") for i in choices for c in calls(i) if isinstance(c, dict)]
        for one in ids:
            if (
                isinstance(one, str)
                and one
                and known.get(one, exchange.id) != exchange.id
            ):
                yield Finding(
                    expected="an id that no call of another answer has",
                    actual=one,
                    pointer="/choices/0/message/tool_calls/0/id",
                    exchange=exchange.id,
                )
                return
        known |= {one: exchange.id for one in ids if isinstance(one, str)}


@check("META-080", on=_ON, when=_has_calls, witness=True)
def arguments_satisfy_the_schema(answer: ChatReply) -> Iterator[Note]:
    """The arguments of a call satisfy the parameters of its function."""
    parameters = {tool.get("name"): tool.get("parameters") for tool in answer.tools}
    validator = cache(lambda name: _validator(parameters[name] or {}))
    for pointer, is_cut, name, arguments in _named_calls(answer):
        if is_cut or name not in parameters:
            continue
        yield Witness(("META-080",))
        if not _are_arguments(parameters[name], arguments):
            yield Finding(
                expected="arguments that are a JSON object",
                actual=arguments,
                pointer=f"{pointer}/arguments",
                ids=("META-080",),
            )
            continue
        problem = _breach(validator(name), _parsed(arguments))
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


def _are_arguments(schema: Json, text: str) -> bool:
    """A JSON object; any JSON for a function without a schema: no line says more."""
    value = _parsed(text)
    return isinstance(value, dict) or (not schema and value is not None)


def _validator(schema: Json) -> Validator | None:
    """What validates by a schema; generated requests may offer what is none."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return None
    return Draft202012Validator(schema, registry=Registry())


def _breach(validator: Validator | None, value: Json) -> str | None:
    try:
        problem = best_match(validator.iter_errors(value)) if validator else None
    except Unresolvable:
        return None
    return None if problem is None else problem.message


@check("CHAT-REQ-045", "META-079", on="chat.tools", witness=True)
def an_omitted_choice_is_auto(seen: Observation) -> Iterator[Note]:
    """With tools, an omitted tool_choice calls where auto does, and only there.

    Where calls are missing from the one that is streamed, the stream is to blame.
    """
    rows = ("CHAT-REQ-045", "META-079")
    for label, other in (("auto", "omitted"), ("other_auto", "stopped")):
        auto, omitted = reply(seen, label), reply(seen, other)
        if auto is None or omitted is None:
            continue
        yield Witness(rows)
        is_called, is_wanted = any(_named_calls(omitted)), any(_named_calls(auto))
        is_lost = (is_wanted and omitted.exchange.is_stream) or (
            is_called and auto.exchange.is_stream
        )
        if is_called != is_wanted and not is_lost:
            yield Finding(
                expected="a call" if is_wanted else "no call, as with auto",
                actual=omitted.choices[0]["message"],
                pointer="/choices/0/message",
                step=other,
                kind="silent",
                ids=rows,
            )


@check("META-081", on="chat.tools", witness=True)
def only_new_names_are_called(seen: Observation) -> Iterator[Note]:
    """When tools are renamed and reordered, calls name those of the new list."""
    answer = reply(seen, "required")
    if answer is None:
        return
    offered = [tool.get("name") for tool in answer.tools]
    for pointer, _, name, _ in _named_calls(answer):
        yield Witness(("META-081",))
        if name not in offered:
            yield Finding(
                expected=f"one of {offered}",
                actual=name,
                pointer=f"{pointer}/name",
                step="required",
                ids=("META-081",),
            )


@check("CHAT-RES-010", on=_ON, when=lambda a: a.is_whole and _has_calls(a))
def content_beside_calls_may_be_null(answer: ChatReply) -> Iterator[Note]:
    """What content is where tools are called (A-093)."""
    for choice in answer.choices:
        if calls(choice):
            content = choice["message"].get("content")
            yield FollowedReading("null" if content is None else "string")
