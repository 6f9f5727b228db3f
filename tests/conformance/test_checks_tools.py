"""Tool calls: good ones and bad ones."""

from functools import partial
from typing import Any

import pytest
from exchanges import findings, is_evidence, observation, readings, witnessed
from generations import choice, request, said

from aios_conformance.conformance.checks import tools
from aios_conformance.conformance.probes.tools import RENAMED, TOOLS
from aios_conformance.conformance.terms.exchange import Exchange, Observation

GOOD = '{"city": "Paris", "unit": "°C", "days": 2}'


def call(name: str = "weather", arguments: Any = GOOD, **over: Any) -> Any:
    function = {"name": name, "arguments": arguments}
    return {"id": "call_1", "type": "function", "function": function} | over


def calling(*calls: Any, index: int = 0, finish: str = "tool_calls") -> Any:
    made = {"tool_calls": list(calls), "finish_reason": finish}
    return choice("chat", None, index, **made)


def answer(*choices: Any, offered: Any = TOOLS, **members: Any) -> Exchange:
    sent = request("chat", tools=offered, **members)
    return said("chat", *choices, sent=sent)


def _rows(found: Any, check: Any) -> set[str]:
    return {row for finding in found for row in finding.ids or check.ids}


def test_none_calls_no_tool() -> None:
    check = tools.none_calls_no_tool
    assert not findings(check, answer("No.", tool_choice="none"))
    found = findings(check, answer(calling(call()), tool_choice="none"))
    assert _rows(found, check) == {"CHAT-SEM-017", "META-076"}
    assert not is_evidence(check, answer(calling(call()), tool_choice="auto"))


def test_nothing_is_called_without_tools() -> None:
    check = tools.nothing_is_called_without_tools
    both = {"CHAT-REQ-044", "META-078"}
    assert witnessed(check, said("chat", "a")) == both
    assert not findings(check, said("chat", "a"))
    assert _rows(findings(check, said("chat", calling(call()))), check) == both
    auto = said("chat", calling(call()), sent=request("chat", tool_choice="auto"))
    assert _rows(findings(check, auto), check) == {"META-078"}


def test_required_calls_an_offered_tool_in_every_choice() -> None:
    check = tools.required_calls_a_tool
    required: dict[str, Any] = {"tool_choice": "required"}
    assert not findings(check, answer(calling(call()), **required))
    found = findings(check, answer("No.", **required))
    assert _rows(found, check) == {"CHAT-SEM-019", "META-077"}
    cut = partial(choice, "chat", finish_reason="length")
    for half in ('<tool_call>\n{"na', '{"name', "weather(", ""):
        assert not findings(check, answer(cut(half), **required))
        assert not witnessed(check, answer(cut(half), **required))
    assert findings(check, answer(cut("It rains in"), **required))
    assert findings(check, answer(choice("chat", '{"name": 1}'), **required))
    one_of_two = answer(calling(call()), choice("chat", "No.", 1), **required)
    assert findings(check, one_of_two)
    (other,) = findings(check, answer(calling(call("other")), **required))
    assert other.soft
    assert other.ids == ("META-077",)


@pytest.mark.parametrize(
    ("given", "is_broken"),
    [
        (choice("chat", "Rain."), False),
        (calling(call()), False),
        (choice("chat", None), False),  # CHAT-RES-009
        (calling(call(type="other")), True),
        (calling(call(id="")), True),
        (calling(call(arguments={"city": "Paris"})), True),
        (choice("chat", None, tool_calls="none"), False),  # another row's matter
    ],
)
def test_auto_gives_a_message_or_calls(given: Any, is_broken: bool) -> None:
    check = tools.auto_gives_a_message_or_calls
    assert bool(findings(check, answer(given, tool_choice="auto"))) == is_broken
    assert bool(findings(check, answer(given))) == is_broken


def test_calls_are_of_offered_functions_with_json_arguments() -> None:
    check = tools.calls_are_of_offered_functions
    assert not findings(check, answer(calling(call())))
    assert findings(check, answer(calling(call("other"))))
    assert findings(check, answer(calling(call(arguments="{'city'"))))
    assert findings(check, answer(calling(call(arguments='"Paris"'))))
    cut = answer(calling(call(arguments='{"ci'), finish="length"))
    assert not findings(check, cut)


@pytest.mark.parametrize(("arguments", "is_json"), [('["Paris"]', True), ("'", False)])
def test_a_function_without_parameters_takes_any_json(
    arguments: str, is_json: bool
) -> None:
    offered = [{"type": "function", "function": {"name": "now"}}]
    given = answer(calling(call("now", arguments=arguments)), offered=offered)
    for check in (
        tools.calls_are_of_offered_functions,
        tools.arguments_satisfy_the_schema,
    ):
        assert bool(findings(check, given)) is not is_json


@pytest.mark.parametrize(
    "arguments",
    [
        '{"city": "Paris", "days": 2}',
        '{"city": "Paris", "unit": "K", "days": 2}',
        '{"city": 1, "unit": "°C", "days": 2}',
        '{"city": "Paris", "unit": "°C", "days": "2"}',
        "Paris",
    ],
)
def test_arguments_satisfy_the_schema(arguments: str) -> None:
    check = tools.arguments_satisfy_the_schema
    assert not findings(check, answer(calling(call())))
    assert findings(check, answer(calling(call(arguments=arguments))))
    cut = answer(calling(call(arguments=arguments), finish="length"))
    assert not witnessed(check, cut)


def test_a_function_without_a_usable_schema_is_not_judged() -> None:
    check = tools.arguments_satisfy_the_schema
    bare = [{"type": "function", "function": {"name": "f1"}}]
    odd = [bare[0] | {"function": {"name": "f1", "parameters": {"type": 1}}}]
    far = [bare[0] | {"function": {"name": "f1", "parameters": {"$ref": "#/x"}}}]
    for offered in (bare, odd, far):
        assert not findings(check, answer(calling(call("f1", "{}")), offered=offered))


def choosing(**steps: Exchange) -> Observation:
    return observation("chat.tools", {}, None, 0, **steps)


def test_an_omitted_choice_is_auto() -> None:
    check = tools.an_omitted_choice_is_auto
    called, said_so = answer(calling(call())), answer("No.")
    rows = {"CHAT-REQ-045", "META-079"}
    assert witnessed(check, choosing(auto=called, omitted=called)) == rows
    assert not findings(check, choosing(auto=called, omitted=called))
    assert not findings(check, choosing(auto=said_so, omitted=answer("Not now.")))
    for one, other in (("auto", "omitted"), ("other_auto", "stopped")):
        default = choosing(**{one: called, other: said_so})
        forced = choosing(**{one: said_so, other: called})
        assert _rows(findings(check, default), check) == rows
        assert _rows(findings(check, forced), check) == rows


def test_only_new_names_are_called() -> None:
    check = tools.only_new_names_are_called
    new = answer(calling(call("rail", "{}")), offered=RENAMED)
    old = answer(calling(call()), offered=RENAMED)
    assert witnessed(check, choosing(required=new)) == {"META-081"}
    assert not findings(check, choosing(required=new))
    assert findings(check, choosing(required=old))
    assert not witnessed(check, choosing(required=answer("No.", offered=RENAMED)))


def test_content_beside_calls_is_read() -> None:
    check = tools.content_beside_calls_may_be_null
    assert readings(check, answer(calling(call()))) == ["null"]
    spoken = choice("chat", "Let me see.", tool_calls=[call()])
    assert readings(check, answer(spoken)) == ["string"]


def test_calls_of_other_answers_have_other_ids() -> None:
    check = tools.calls_of_other_answers_have_other_ids
    one, other = (answer(calling(call(id=i))) for i in ("call_a", "call_b"))
    assert not findings(check, one, other)
    later = said("chat", calling(call(id="call_a")), sent=request("chat"), id="ex-2")
    (again,) = findings(check, one, other, later)
    assert again.actual == "call_a"
