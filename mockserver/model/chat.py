"""The chat template, and when the mock calls a tool.

A prompt is `<|begin|>`, the tools as JSON if there are any, each message between its
role token and `<|end|>`, and the assistant's role token at the end. What the model
decides is read back from these tokens, so it depends on the prompt alone.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

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
from aios_conformance.serving.engine import Model, Sampling

_ROLES: Final = {
    "system": SYSTEM,
    "developer": SYSTEM,
    "user": USER,
    "assistant": ASSISTANT,
    "tool": TOOL,
    "function": TOOL,
}

MARKS: Final = frozenset((BEGIN, END, *_ROLES.values()))
"""Tokens around what is said."""

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
        text += markup(
            str(function.get("name")), str(function.get("arguments")), _TOOL_CALL
        )
    return text


def markup(name: str, arguments: str, around: tuple[str, str]) -> str:
    """Write a call as the model does."""
    before, after = around
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
        or b"TERMINATE" in text
        or b" tags" in text
        or b"omma" in text  # separated
    )


def set_on(
    prompt: Sequence[int], sampling: Sampling, model: Model, variation: int
) -> str | None:
    """Return the text that the model is set to say; None if it speaks freely.

    `variation` tells choices apart.
    """
    if is_free(prompt, sampling, model):
        return None
    from aios_conformance.mockserver.model import set_text  # noqa: PLC0415 - 30 ms

    return set_text.wanted(prompt, sampling, model, variation)
