"""The chat template, and when the mock calls a tool.

A prompt is `<|begin|>`, the tools as JSON if there are any, each message between its
role token and `<|end|>`, and the assistant's role token at the end. What the model
decides is read back from these tokens, so it depends on the prompt alone.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aios_conformance.mockserver.geometry import FUNCTION_WORDS, features
from aios_conformance.mockserver.schema_text import write_json
from aios_conformance.mockserver.tokenizer import (
    ASSISTANT,
    BEGIN,
    END,
    SYSTEM,
    TOOL,
    TOOLS,
    USER,
    decode,
    encode,
)
from aios_conformance.serving.engine import EngineError

_ROLES: Final = {
    "system": SYSTEM,
    "developer": SYSTEM,
    "user": USER,
    "assistant": ASSISTANT,
    "tool": TOOL,
    "function": TOOL,
}
_GENERIC: Final = FUNCTION_WORDS | frozenset(
    "get set find search fetch call use make do run tool function return".split()  # noqa: SIM905 - word lists read best as text
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+")

_NAMED: Final = 100  # the relevance of a function whose very name is said

_TOOL_CALL: Final = ("<tool_call>", "</tool_call>")


def render(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Return the prompt tokens of a conversation, generation prompt included."""
    ids = [BEGIN]
    if tools:
        ids += [TOOLS, *encode(json.dumps(tools, ensure_ascii=False)), END]
    for message in messages:
        ids.append(_ROLES.get(str(message.get("role")), USER))
        ids += encode(_text(message))
        ids.append(END)
    ids.append(ASSISTANT)
    return ids


def _text(message: Mapping[str, Any]) -> str:
    """Return what a message says: its text parts, then its tool calls as markup."""
    content = message.get("content")
    if isinstance(content, str):
        text = content
    else:
        parts = content if isinstance(content, list) else ()
        text = "".join(
            str(part.get("text", "")) if isinstance(part, dict) else str(part)
            for part in parts
        )
    for call in message.get("tool_calls") or ():
        function = call.get("function", {}) if isinstance(call, dict) else {}
        text += _markup(
            str(function.get("name")), str(function.get("arguments")), _TOOL_CALL
        )
    return text


def _markup(name: str, arguments: str, markup: tuple[str, str]) -> str:
    before, after = markup
    return f'{before}{{"name": {json.dumps(name)}, "arguments": {arguments}}}{after}'


def plan(
    prompt: Sequence[int],
    reasoning: tuple[str, str] | None,
    markup: tuple[str, str],
) -> tuple[int, ...]:
    """Return the tokens that the model is set to say next, before free text.

    That is a thought, for a model that reasons (000:459), and tool calls if tools
    were offered and the last user message asks for them. After a tool's result the
    model answers in text (000:392).
    """
    if not prompt or prompt[-1] != ASSISTANT:
        return ()
    ids: list[int] = []
    if reasoning is not None:
        before, after = reasoning
        ids += encode(f"{before}\nThe question is simple, so a short answer will do.")
        ids += encode(f"\n{after}\n\n")
    if TOOLS in prompt:
        calls = "".join(_tool_calls(list(prompt), markup))
        if calls:
            ids += [*encode(calls), END]
    return tuple(ids)


def _tool_calls(prompt: list[int], markup: tuple[str, str]) -> Iterator[str]:
    """Yield a call of each function that is named, or else of the likeliest one."""
    start = prompt.index(TOOLS) + 1
    try:
        tools = json.loads(decode(prompt[start : prompt.index(END, start)]))
    except ValueError:
        return  # token ids that were not rendered here
    turn = max((i for i, t in enumerate(prompt) if t in (USER, TOOL)), default=None)
    if turn is None or prompt[turn] == TOOL or not isinstance(tools, list):
        return
    question = decode(prompt[turn + 1 : prompt.index(END, turn)]).decode(
        errors="replace"
    )
    asked = set(features(question)) - _GENERIC
    ranked = {n: _relevance(tool, question, asked) for n, tool in enumerate(tools)}
    best = max(ranked, key=ranked.__getitem__)
    for number, relevance in ranked.items():
        if relevance >= _NAMED or (number == best and relevance):
            function = tools[number]["function"]
            schema = function.get("parameters") or {"type": "object", "properties": {}}
            # a schema that nothing satisfies is answered in text
            with suppress(EngineError):
                yield _markup(function["name"], write_json(schema, 0), markup)


def _relevance(tool: Any, question: str, asked: set[str]) -> int:
    """Count how strongly a question asks for a tool; 0: not at all.

    One word of the name is enough; a description needs two.
    """
    function = tool.get("function", {}) if isinstance(tool, dict) else {}
    name = str(function.get("name", ""))
    if not name:
        return 0
    named = set(features(" ".join(_CAMEL.split(name)))) - _GENERIC
    described = set(features(str(function.get("description") or ""))) - _GENERIC
    described = {word for word in described if word.isalnum()}
    hits = _NAMED * (name in question) + 10 * len(named & asked)
    about = len(described & asked)
    return hits + (about if hits or about > 1 else 0)
