"""The chat template, and when the mock calls a tool.

A prompt is `<|begin|>`, the tools as JSON if there are any, each message between its
role token and `<|end|>`, and the assistant's role token at the end. What the model
decides is read back from these tokens, so it depends on the prompt alone.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from aios_conformance.mockserver.model import calling
from aios_conformance.mockserver.model.conversation import Conversation, read
from aios_conformance.mockserver.model.formats import code_of, formatted
from aios_conformance.mockserver.model.printed import spoken, wanted, wants_json
from aios_conformance.mockserver.model.schema_text import write_json
from aios_conformance.mockserver.model.specialists import TRADES
from aios_conformance.mockserver.model.tokenizer import (
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
from aios_conformance.mockserver.model.told import Source
from aios_conformance.serving.engine import EngineError, Model, Sampling

_ROLES: Final = {
    "system": SYSTEM,
    "developer": SYSTEM,
    "user": USER,
    "assistant": ASSISTANT,
    "tool": TOOL,
    "function": TOOL,
}
_MARKS: Final = frozenset((BEGIN, END, *_ROLES.values()))
_REPORTED: Final = 400  # characters of a tool's result that are said again

_ANY_OBJECT: Final = {"type": "object"}
_WITH_TOOLS: Final = frozenset((TOOL, TOOLS))

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


def said(content: Any) -> str:
    """Return what the content of a message says: its text, and a mark of each image."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(
        (_mark(part) if "image_url" in part else str(part.get("text", "")))
        if isinstance(part, dict)
        else str(part)
        for part in parts
    )


def _mark(part: Mapping[str, Any]) -> str:
    """Return what stands for an image: other text for another image."""
    digest = blake2b(repr(part["image_url"]).encode(), digest_size=4)
    return f"<image {digest.hexdigest()}>"


def _text(message: Mapping[str, Any]) -> str:
    """Return what a message says, then its tool calls as markup."""
    text = said(message.get("content"))
    for call in message.get("tool_calls") or ():
        function = call.get("function", {}) if isinstance(call, dict) else {}
        text += _markup(
            str(function.get("name")), str(function.get("arguments")), _TOOL_CALL
        )
    return text


def _markup(name: str, arguments: str, markup: tuple[str, str]) -> str:
    before, after = markup
    return f'{before}{{"name": {json.dumps(name)}, "arguments": {arguments}}}{after}'


def thought(prompt: Sequence[int], sampling: Sampling, model: Model) -> str:
    """Return what a model that reasons thinks before it answers (000:459)."""
    speaks = bool(prompt) and prompt[-1] == ASSISTANT
    if model.reasoning is None or not sampling.thinking or not speaks:
        return ""
    before, after = model.reasoning
    return f"{before}\nThe question is simple, so a short answer will do.\n{after}\n\n"


def is_free(prompt: Sequence[int], sampling: Sampling, model: Model) -> bool:
    """Tell at once whether the model surely speaks freely."""
    if (
        sampling.schema is not None
        or model.trade is not None
        or not _WITH_TOOLS.isdisjoint(prompt)
    ):
        return False
    text = decode(prompt)
    return not (  # spelled out, as every chat comes by here
        b"json" in text
        or b"JSON" in text
        or b"Action Input" in text
        or b"final_answer(" in text
        or b"[[ ## " in text
    )


def set_on(
    prompt: Sequence[int], sampling: Sampling, model: Model, variation: int
) -> str | None:
    """Return the text that the model is set to say; None if it speaks freely.

    That is tool calls if tools were offered and are asked for or must be called, or
    JSON that satisfies a schema, or what the tools have found (000:392). `variation`
    tells choices apart.
    """
    if model.trade is not None and sampling.schema is None and TOOLS not in prompt:
        return TRADES[model.trade](_last(prompt))
    if is_free(prompt, sampling, model):
        return None
    talk = read(prompt)
    if talk.tools and prompt[-1] == ASSISTANT:
        must = sampling.must_call
        found = calling.calls(talk, must=must, parallel=sampling.parallel)
        written = "".join(_written(found, model.tool_call, variation, must=must))
        if written:
            plain = sampling.schema is None
            return thought(prompt, sampling, model) + written if plain else written
    text = _json(talk, sampling, variation)
    if text is not None:
        return text
    answers = bool(talk.turns) and talk.turns[-1].role == TOOL
    return _reported(talk.results) if answers else None


def _json(talk: Conversation, sampling: Sampling, variation: int) -> str | None:
    """Return the JSON that is wanted, by a schema or in words; None if none is."""
    schema, fenced = sampling.schema, False
    formed = formatted(talk, variation) if schema in (None, _ANY_OBJECT) else None
    if formed is not None:
        return formed
    if schema in (None, _ANY_OBJECT) and (schema or wants_json(talk.system, talk.said)):
        shape = wanted(talk.system, talk.said)
        if shape is not None:
            schema, fenced = json.loads(shape.schema), shape.fenced and not schema
    if schema is None:
        return None
    source = Source(spoken(talk.question), talk.results)
    code = schema.get("properties", {}).get("code")
    if code is not None and "final_answer(" in talk.system:
        program = code_of(talk, variation)
        members = {**schema["properties"], "code": {"const": program}}
        schema = {**schema, "properties": members}
    try:
        written = write_json(schema, variation, source)
    except EngineError:
        if schema is sampling.schema:
            raise
        written = write_json(_ANY_OBJECT, variation, source)
    if sampling.bare:
        return str(json.loads(written))
    return f"```json\n{written}\n```" if fenced else written


def _written(
    found: Sequence[calling.Call],
    markup: tuple[str, str],
    variation: int,
    *,
    must: bool,
) -> Iterator[str]:
    for call in found:
        schema = {**(call.function.get("parameters") or {}), "type": "object"}
        try:
            arguments = write_json(schema, variation, call.source)
        except EngineError:
            if must:
                raise
            continue  # a schema that nothing satisfies is answered in text
        yield _markup(str(call.function["name"]), arguments, markup)


def _reported(results: Sequence[str]) -> str:
    """Say what tools have found."""
    told = [" ".join(result.split())[:_REPORTED].strip() for result in results]
    told = [one for one in told if one] or ["nothing"]
    first, *others = told
    if not others:
        return f"The result is {first}{'' if first[-1] in '.!?' else '.'}"
    return f"The results are {', '.join(told[:-1])} and {told[-1]}."


def _last(prompt: Sequence[int]) -> str:
    """Return the last message, of whomever; a prompt without messages as a whole."""
    ends = [place for place, token in enumerate(prompt) if token == END]
    start = ends[-2] + 1 if len(ends) > 1 else 0
    text = [token for token in prompt[start:] if token not in _MARKS]
    return decode(text).decode(errors="replace")
