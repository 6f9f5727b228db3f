"""Messages to a prompt: the model's own chat template, with tools either way.

Many small models' templates ignore tools, call results and structured content. For
those, tools are written into the system message in the widespread Hermes form, and
calls and results into plain messages, so that any template can carry them.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from aios_conformance.reference_impl.tokenizing.texts import whole
from aios_conformance.serving.engine import EngineError

Message = Mapping[str, Any]

TOOL_CALL = ("<tool_call>", "</tool_call>")
REASONING = ("<think>", "</think>")
ROLES = {"developer": "system"}  # newer names for what templates know

TOOLS = """You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments \
within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


class Chat:
    """A tokenizer's chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        """The tokenizer must have a template."""
        template = tokenizer.chat_template
        texts = list(template.values()) if isinstance(template, dict) else [template]
        self._tokenizer = tokenizer
        self._knows_tools = any("tools" in t and TOOL_CALL[0] in t for t in texts)
        self.reasoning: tuple[str, str] | None = None
        if any(REASONING[1] in t for t in texts):
            self.reasoning = ("", REASONING[1]) if self._opens() else REASONING

    def _opens(self) -> bool:
        """Tell whether the template itself begins the reasoning."""
        ids = self.render([{"role": "user", "content": "?"}], [])
        return str(self._tokenizer.decode(ids)).rstrip().endswith(REASONING[0])

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Message],
        limit: int = sys.maxsize,
    ) -> list[int]:
        """Token ids, generation prompt included.

        Raises EngineError for what the template refuses (an order of roles, a part
        that is no text), TooLong for far more than `limit` tokens.
        """
        plain = [_with_text(message) for message in messages]
        if not self._knows_tools:
            plain = _written_out(plain, tools)
        try:
            text = self._tokenizer.apply_chat_template(
                plain,
                tools=[dict(t) for t in tools] if tools and self._knows_tools else None,
                add_generation_prompt=True,
                tokenize=False,
            )
        except TemplateError as error:
            raise EngineError(f"the model's chat template refuses: {error}") from error
        return whole(self._tokenizer, str(text), limit, special=False)


def _with_text(message: Message) -> dict[str, Any]:
    """Give a message plain text as content, and arguments as objects."""
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        content = "".join(_part(part) for part in content)
    result = dict(message) | {"content": content or ""}
    result["role"] = ROLES.get(message["role"], message["role"])
    if calls := message.get("tool_calls"):
        result["tool_calls"] = [_call(call) for call in calls]
    return result


def _part(part: Message) -> str:
    if part.get("type") != "text":
        raise EngineError(
            f"the model reads text only, not content of type {part.get('type')!r}"
        )
    return str(part["text"])


def _call(call: Message) -> dict[str, Any]:
    function = dict(call["function"])
    try:
        function["arguments"] = json.loads(function["arguments"])
    except (ValueError, TypeError, KeyError, RecursionError):  # left as it came
        function.setdefault("arguments", {})
    return dict(call) | {"function": function}


def _written_out(
    messages: Sequence[dict[str, Any]], tools: Sequence[Message]
) -> list[dict[str, Any]]:
    """Turn tools, calls and results into the text of plain messages."""
    result = [_plain(message) for message in messages]
    if tools:
        listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
        text = TOOLS.format(tools=listed)
        if result and result[0]["role"] == "system":
            text = f"{result[0]['content']}\n\n{text}"
            result = result[1:]
        result.insert(0, {"role": "system", "content": text})
    return result


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    role, content = message["role"], message["content"]
    if role in ("tool", "function"):
        return {
            "role": "user",
            "content": f"<tool_response>\n{content}\n</tool_response>",
        }
    calls = [
        f"{TOOL_CALL[0]}\n{_signature(call['function'])}\n{TOOL_CALL[1]}"
        for call in message.get("tool_calls") or ()
    ]
    return {
        "role": role,
        "content": "\n".join([*([content] if content else []), *calls]),
    }


def _signature(function: Mapping[str, Any]) -> str:
    return json.dumps(
        {"name": function["name"], "arguments": function["arguments"]},
        ensure_ascii=False,
    )
