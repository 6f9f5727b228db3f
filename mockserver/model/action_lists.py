"""Calls as JSON that the prompt prescribes: those of Griptape and of Open WebUI."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from aios_conformance.mockserver.model import calling
from aios_conformance.mockserver.model.conversation import Conversation, Turn
from aios_conformance.mockserver.model.schema_text import write_json
from aios_conformance.mockserver.model.tokenizer import ASSISTANT, USER
from aios_conformance.serving.engine import EngineError

_PRINTED: Final = re.compile(r"\bActions: <[^{\n]{0,200}schema: (?=\{)")
_RESPONSE: Final = re.compile(r"\A\s*<\|Response\|>:?\s*(?:name: \S+\s*)?(?:output: )?")
_TOOLS: Final = re.compile(r"\bAvailable Tools: (?=\[)")
_DECODER: Final = json.JSONDecoder()


def listed_calls(text: str, talk: Conversation, variation: int) -> str | None:
    """Return calls of the tools that the prompt lists, if any; None if it lists none.

    Open WebUI asks for them beside the conversation, which it shows before a query.
    """
    printed = _TOOLS.search(text)
    try:
        listed = _DECODER.raw_decode(text, printed.end())[0] if printed else ()
    except (ValueError, RecursionError):
        return None
    tools = [
        {"function": tool}
        for tool in listed
        if isinstance(tool, dict) and isinstance(tool.get("name"), str)
    ]
    asked = Turn(USER, talk.said.rpartition("Query: ")[2])
    made = []
    for call in calling.calls(Conversation(tools, [asked]), must=False, parallel=True):
        schema = {**(call.function.get("parameters") or {}), "type": "object"}
        with suppress(EngineError):  # what nothing satisfies is not called
            given = json.loads(write_json(schema, variation, call.source))
            made.append({"name": call.function["name"], "parameters": given})
    return json.dumps({"tool_calls": made}, ensure_ascii=False) if tools else None


def actions(text: str, talk: Conversation, variation: int) -> str | None:
    """Return the next actions, or the answer after them; None if none are asked for."""
    printed = _PRINTED.search(text)
    try:
        schema = _DECODER.raw_decode(text, printed.end())[0] if printed else {}
    except (ValueError, RecursionError):
        return None
    items = schema.get("items")
    if not isinstance(items, dict):
        return None
    forms = {
        _constant(form, "path"): form for form in items.get("anyOf") or [items] if form
    }
    users = [turn.text for turn in talk.turns if turn.role == USER]
    found = [_RESPONSE.sub("", each) for each in users if _RESPONSE.match(each)]
    asked = [each for each in users if not _RESPONSE.match(each)]
    turns = [Turn(USER, asked[-1] if asked else "")]
    written = "".join(turn.text for turn in talk.turns if turn.role == ASSISTANT)
    acted = [path for path in forms if f'"path": "{path}"' in written]
    turns += [Turn(ASSISTANT, json.dumps({"name": path})) for path in acted]
    turns += [Turn(USER, f"Observation: {each}") for each in found]
    tools = [_function(path, form) for path, form in forms.items() if path]
    calls = calling.calls(Conversation(tools, turns), must=False, parallel=True)
    if not calls:
        return f"Thought: I know the answer.\nAnswer: {' '.join(found) or 'Done.'}"
    told = [_written(forms[each.function["name"]], each, variation) for each in calls]
    return f"Thought: This takes actions.\nActions: [{', '.join(told)}]"


def _written(form: Mapping[str, Any], call: calling.CallToMake, variation: int) -> str:
    tag = {"const": f"{call.function['name']}-1"}  # no word of the message
    members = {**form["properties"], "tag": tag}
    return write_json({**form, "properties": members}, variation, call.source)


def _constant(form: Mapping[str, Any], member: str) -> str:
    return str(form.get("properties", {}).get(member, {}).get("const", ""))


def _function(path: str, form: Mapping[str, Any]) -> dict[str, Any]:
    members = form["properties"]
    about = members["path"].get("description", "")
    parameters = members.get("input", {})
    return {"function": {"name": path, "description": about, "parameters": parameters}}
