"""Answers in the formats that agents prescribe in words: ReAct, code, and fields.

Each of them ends: once a result was observed, the answer is the final one.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from aios_conformance.mockserver.model import calling
from aios_conformance.mockserver.model.action_lists import actions, listed_calls
from aios_conformance.mockserver.model.conversation import Conversation, Turn
from aios_conformance.mockserver.model.marked import marked
from aios_conformance.mockserver.model.printed import described
from aios_conformance.mockserver.model.schema_text import write_json
from aios_conformance.mockserver.model.tokenizer import ASSISTANT, USER
from aios_conformance.mockserver.model.told import Material
from aios_conformance.serving.engine import EngineError

_READ: Final = 32_000  # characters of a prompt that are looked through
_TOOLS: Final = 64

_ONE_OF: Final = re.compile(
    r"one (?:name )?of:? ?[\[(]?"
    r"((?:['\"`]?[\w.-]{1,64}['\"`]?(?:, ?|(?=[\])\s.]))){1,64})"
)
_ASKED: Final = re.compile(
    r"(?:^|\n)[ \t]*(?:Question|Current Task|New task|Task|Input):\s*", re.IGNORECASE
)
_ENDS: Final = re.compile(
    r"\n[ \t]*(?:(?:Thought|Action|This is the expected|Begin)\b"
    r"|This was your previous work|\(reminder to respond)"
)
_ACTIONS: Final = re.compile(r"Valid \"action\" values: (.{1,2000})")
_OBSERVED: Final = re.compile(
    r"(?:^|\n)[ \t]*Observation:\s*(.{1,2000}?)"
    r"(?=\n[ \t]*(?:Thought|Action|Final)\b|\Z)",
    re.DOTALL,
)
_SIGNED: Final = re.compile(
    r"(?:def |^|\n|[->:*] )([A-Za-z_]\w{0,63})\(([^()\n]{0,500})\)(?:\s*->|:| -|\n)"
)
_FIELDS: Final = re.compile(r"order of fields:|starting with the field")
_FIELD: Final = re.compile(r"`(\[\[ ## )?(\w{1,64})(?: ## \]\])?`")
_KINDS: Final[Mapping[str, str]] = {
    "int": "integer",
    "float": "number",
    "bool": "boolean",
}
_NO_TOOL: Final = "No tool is needed."
_DECODER: Final = json.JSONDecoder()


def formatted(talk: Conversation, variation: int) -> str | None:
    """Return the answer in the format of the prompt; None if it prescribes none."""
    system, said = talk.system[:_READ], talk.said[:_READ]
    text = f"{system}\n{said}"
    if "[[ ## " in text and (found := list(_FIELDS.finditer(said))):
        return _fields(said[found[-1].end() :], talk, variation)
    if "Action Input" in text and _ONE_OF.search(text):
        return _react(text, talk, variation)
    if '"action_input"' in text and _ACTIONS.search(text):
        return _blob(text, talk, variation)
    if "final_answer(" in system and ("<code>" in system or "```py" in system):
        return _code(system, talk, variation)
    listed = actions(text, talk, variation) if "Actions: <" in text else None
    if "Available Tools: [" in text and '"tool_calls"' in text:
        listed = listed_calls(text, talk, variation)
    return listed or marked(text, talk, variation)


def code_of(talk: Conversation, variation: int) -> str:
    """Return Python that calls what is asked for and gives the final answer."""
    functions = [tool for tool in _signed(talk.system[:_READ]) if not _is_end(tool)]
    return _program(replace(talk, tools=functions), variation)


def _code(system: str, talk: Conversation, variation: int) -> str:
    before, after = ("<code>", "</code>") if "<code>" in system else ("```py", "```")
    thought = "Thought: I will call what helps and give the final answer."
    return f"{thought}\n{before}\n{code_of(talk, variation)}\n{after}"


def _program(talk: Conversation, variation: int) -> str:
    if talk.results:
        return f"final_answer({json.dumps(' '.join(talk.results))})"
    lines = []
    for number, call in enumerate(calling.calls(talk, must=False, parallel=True), 1):
        given = json.loads(_arguments(call, variation))
        written = ", ".join(f"{name}={value!r}" for name, value in given.items())
        lines.append(f"result_{number} = {call.function['name']}({written})")
    results = ", ".join(f"result_{number}" for number in range(1, len(lines) + 1))
    if len(lines) > 1:
        results = f"[{results}]"
    return "\n".join([*lines, f"final_answer({results or repr(_NO_TOOL)})"])


def _react(text: str, talk: Conversation, variation: int) -> str:
    """Write a thought with an action, or with the final answer."""
    named = _ONE_OF.search(text)
    call, results = _acting(named[1] if named else "", text, talk)
    opening = "" if talk.asked.rstrip().endswith("Thought:") else "Thought: "
    if call is None:
        label = "Final Answer" if "Final Answer" in text else "Answer"
        answer = " ".join(results) or _NO_TOOL
        return f"{opening}I now know the final answer.\n{label}: {answer}"
    arguments = _arguments(call, variation)
    given = json.loads(arguments)
    as_json = re.search(r"Action Input:[^\n]*(?:json|dict)", text, re.IGNORECASE)
    if len(given) == 1 and not as_json:
        (arguments,) = map(str, given.values())
    name = call.function["name"]
    return f"{opening}I should use {name}.\nAction: {name}\nAction Input: {arguments}"


def _blob(text: str, talk: Conversation, variation: int) -> str:
    """Write an action as JSON in a fence; the final answer is one, too."""
    (named,) = _ACTIONS.findall(text)[:1]
    call, results = _acting(named.replace('"Final Answer" or', ""), text, talk)
    if call is None:
        action: dict[str, Any] = {"action": "Final Answer"}
        action["action_input"] = " ".join(results) or _NO_TOOL
    else:
        action = {"action": call.function["name"]}
        action["action_input"] = json.loads(_arguments(call, variation))
    written = json.dumps(action, ensure_ascii=False, indent=2)
    return f"Action:\n```\n{written}\n```"


def _acting(
    named: str, text: str, talk: Conversation
) -> tuple[calling.CallToMake | None, Sequence[str]]:
    """Return the next call of an agent, if one is to come, and what it has observed."""
    *_, asked = _ASKED.split(talk.asked)
    question, *scratch = _ENDS.split(asked, maxsplit=1)
    written = "".join(t.text for t in talk.since if t.role == ASSISTANT)
    if scratch:
        written = asked[len(question) :] + written
    found = [one.strip() for one in _OBSERVED.findall(written)]
    results = [*found, *talk.results]
    names = re.findall(r"[\w.-]+", named)[:_TOOLS]
    signed = {tool["function"]["name"]: tool for tool in _signed(text)}
    tools = [_tool(name, text, signed) for name in names]
    turns = [Turn(USER, question), Turn(ASSISTANT, written)]
    turns += [Turn(USER, f"Observation: {result}") for result in results]
    now = Conversation(tools, turns)
    return next(iter(calling.calls(now, must=False, parallel=False)), None), results


def _fields(tail: str, talk: Conversation, variation: int) -> str:
    """Write the named fields, under headings or as a JSON object."""
    marks = list(_FIELD.finditer(tail))
    ends = [*(mark.start() for mark in marks[1:]), len(tail)]
    headed = any(mark[1] for mark in marks)
    members = {
        mark[2]: _field(mark[2], tail[mark.end() : end], talk.system)
        for mark, end in zip(marks, ends, strict=True)
        if mark[2] != "completed"
    }
    source = Material(_inputs(talk))
    try:
        written = write_json(_object(members), variation, source)
    except EngineError:  # what a prompt prints may be no schema
        members = {name: {"type": "string"} for name in members}
        written = write_json(_object(members), variation, source)
    value = json.loads(written)
    if "next_tool_name" in members:
        value |= _next_tool(members["next_tool_name"].get("enum", ()), talk, variation)
    if not headed:
        return json.dumps(value, ensure_ascii=False)
    parts = [
        f"[[ ## {name} ## ]]\n"
        + (one if isinstance(one, str) else json.dumps(one, ensure_ascii=False))
        for name, one in value.items()
    ]
    return "\n\n".join([*parts, "[[ ## completed ## ]]"])


def _object(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object, with what its members share at its root."""
    shared = [one.get("$defs", {}) for one in members.values()]
    return {
        "$defs": {name: one for defined in shared for name, one in defined.items()},
        "type": "object",
        "properties": dict(members),
        "required": list(members),
    }


def _field(name: str, about: str, system: str) -> dict[str, Any]:
    """Return the schema of a field: one that is printed, or by what is said of it."""
    noted = system.partition(f"{{{name}}}")[2].split("[[ ##")[0].split("\n")[0]
    if "JSON schema" in noted:
        about = noted.replace('\\"', '"')
    start = about.find("{")
    if "JSON schema" in about and start >= 0:
        try:
            schema = _DECODER.raw_decode(about, start)[0]
        except ValueError:
            schema = None
        if isinstance(schema, dict):
            return schema
    said = re.match(r"\s*\(([^)]{1,300})\)", about)
    return described(name, said[1] if said else "str")


def _inputs(talk: Conversation) -> str:
    """Return what stands under the headings of a message."""
    text = _FIELDS.split(talk.asked)[0].rpartition("\n\nRespond with")[0]
    return "\n".join(re.split(r"\[\[ ## \w+ ## \]\]\n?", text)).strip()


def _next_tool(
    names: Sequence[str], talk: Conversation, variation: int
) -> dict[str, Any]:
    """Return the next step of an agent whose tools end with `finish`."""
    history = talk.asked.partition("[[ ## trajectory ## ]]")[2]
    history = history.rpartition("\n\nRespond with")[0]
    question = _inputs(talk).partition("\n[[")[0].split("\n")[0]
    listed = talk.system
    tools = [
        _tool(name, listed[max(listed.rfind(f") {name}"), 0) :], {})
        for name in names
        if name not in ("finish", "")
    ]
    done = [name for name in names if re.search(rf"\b{re.escape(name)}\b", history)]
    turns = [Turn(USER, question)]
    if done:
        said = "".join(f'{{"name": "{name}"}}' for name in done)
        turns += [Turn(ASSISTANT, said), Turn(USER, "Observation: done")]
    calls = calling.calls(Conversation(tools, turns), must=False, parallel=False)
    if not calls:
        return {"next_tool_name": "finish", "next_tool_args": {}}
    (call,) = calls
    arguments = json.loads(_arguments(call, variation))
    return {"next_tool_name": call.function["name"], "next_tool_args": arguments}


def _arguments(call: calling.CallToMake, variation: int) -> str:
    return write_json(call.function["parameters"], variation, call.source)


def _is_end(tool: Mapping[str, Any]) -> bool:
    return bool(tool["function"]["name"] == "final_answer")


def _signed(text: str) -> list[dict[str, Any]]:
    """Return the functions whose signatures a text prints."""
    found: dict[str, str] = dict(_SIGNED.findall(text)[:_TOOLS])
    return [_function(name, _members(members)) for name, members in found.items()]


def _members(signature: str) -> dict[str, Any]:
    members = {}
    for part in filter(None, map(str.strip, signature.split(","))):
        name, _, kind = part.partition("=")[0].partition(":")
        members[name.strip(" *")] = {"type": _KINDS.get(kind.strip(), "string")}
    return members


def _tool(
    name: str, text: str, signed: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return a tool that a text describes: by signature, by schema, or by name."""
    if name in signed:
        return signed[name]
    place = text.find(name)
    for start in [m.start() for m in re.finditer(r"\{", text[place:])][:3]:
        source = text[place + start : place + start + 4_000]
        for spelled in (source, source.replace("'", '"').replace("None", "null")):
            try:
                found = _DECODER.raw_decode(spelled)[0]
            except (ValueError, RecursionError):
                continue
            members = found.get("properties", found)
            if members and all(isinstance(one, dict) for one in members.values()):
                plain = {key: _plain(one) for key, one in members.items()}
                return _function(name, plain)
    return _function(name, {"input": {"type": "string"}})


def _plain(member: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(member.get("type", "string"))
    known = ("string", "integer", "number", "boolean", "array", "object")
    return {"type": kind if kind in known else _KINDS.get(kind, "string")}


def _function(name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": dict(members),
        "required": list(members),
    }
    return {"function": {"name": name, "parameters": parameters}}
