"""What the model is set to say: calls of tools, JSON, what tools have found.

Imported by the first request that wants any of these.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from aios_conformance.mockserver.model import calling
from aios_conformance.mockserver.model.chat import MARKS, markup, thought
from aios_conformance.mockserver.model.conversation import Conversation, read
from aios_conformance.mockserver.model.formats import code_of, formatted
from aios_conformance.mockserver.model.printed import spoken, wants_json
from aios_conformance.mockserver.model.printed import wanted as shape_of
from aios_conformance.mockserver.model.schema_text import write_json
from aios_conformance.mockserver.model.specialists import TRADES
from aios_conformance.mockserver.model.tokenizer import (
    ASSISTANT,
    END,
    TOOL,
    TOOLS,
    decode,
)
from aios_conformance.mockserver.model.told import Material
from aios_conformance.serving.engine import EngineError, Model, Sampling

_REPORTED: Final = 400  # characters of a tool's result that are said again
_LAST_WORD: Final = "TERMINATE"
"""What agents of AutoGen are told to say when their work is done."""

_ANY_OBJECT: Final = {"type": "object"}


def wanted(
    prompt: Sequence[int], sampling: Sampling, model: Model, variation: int
) -> str | None:
    """Return the text that the model is set to say; None if it speaks freely.

    That is tool calls if tools were offered and are asked for or must be called, or
    JSON that satisfies a schema, or what the tools have found (000:392). `variation`
    tells choices apart.
    """
    if model.trade is not None and sampling.schema is None and TOOLS not in prompt:
        return TRADES[model.trade](_last(prompt))
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
    ended = f" {_LAST_WORD}" if _LAST_WORD in talk.system else ""
    if answers:
        return _reported(talk.results) + ended
    return f"That is all there is to say.{ended}" if ended else None


def _json(talk: Conversation, sampling: Sampling, variation: int) -> str | None:
    """Return the JSON that is wanted, by a schema or in words; None if none is."""
    schema, fenced = sampling.schema, False
    formed = formatted(talk, variation) if schema in (None, _ANY_OBJECT) else None
    if formed is not None:
        return formed
    if schema in (None, _ANY_OBJECT) and (schema or wants_json(talk.system, talk.said)):
        shape = shape_of(talk.system, talk.said)
        if shape is not None:
            schema, fenced = json.loads(shape.schema), shape.fenced and not schema
    if schema is None:
        return None
    source = Material(spoken(talk.stated), talk.results)
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
    found: Sequence[calling.CallToMake],
    around: tuple[str, str],
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
        yield markup(str(call.function["name"]), arguments, around)


def _reported(results: Sequence[str]) -> str:
    """Say what tools have found."""
    told = [" ".join(result.split())[:_REPORTED].strip() for result in results]
    told = [one for one in told if one] or ["nothing"]
    first, *others = told
    if not others:
        return first if first[-1] in ".!?" else f"The result is {first}."
    return f"The results are {', '.join(told[:-1])} and {told[-1]}."


def _last(prompt: Sequence[int]) -> str:
    """Return the last message, of whomever; a prompt without messages as a whole."""
    ends = [place for place, token in enumerate(prompt) if token == END]
    start = ends[-2] + 1 if len(ends) > 1 else 0
    text = [token for token in prompt[start:] if token not in MARKS]
    return decode(text).decode(errors="replace")
