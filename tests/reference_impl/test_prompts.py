"""Messages to prompts, with templates that know tools and templates that do not."""

import json
from typing import Any

import pytest
from tiny import CHATML, byte_tokenizer

from aios_conformance.reference_impl.tokenizing.chat import Chat
from aios_conformance.serving.engine import EngineError

TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string"}},
        },
    },
}
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"location": "Seoul"}'},
}
HERMES = (
    "{% if tools %}<tools>{{ tools | tojson }}</tools> use <tool_call>{% endif %}"
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ c.function.arguments.location }}{% endfor %}"
    "{% endfor %}"
)


def rendered(
    messages: list[dict[str, Any]], *tools: dict[str, Any], template: str = CHATML
) -> str:
    tokenizer = byte_tokenizer(template)
    return str(tokenizer.decode(Chat(tokenizer).render(messages, tools)))


def test_plain_messages_are_the_templates_own() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    assert rendered(messages) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_special_tokens_are_single_ids() -> None:
    tokenizer = byte_tokenizer()
    ids = Chat(tokenizer).render([{"role": "user", "content": "Hi"}], [])
    assert ids[0] == tokenizer.convert_tokens_to_ids("<|im_start|>")
    assert ids.count(ids[0]) == 2


def test_tools_join_the_system_message_where_the_template_ignores_them() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]
    text = rendered(messages, TOOL)
    system, user = text.split("<|im_end|>\n")[:2]
    assert system.startswith("<|im_start|>system\nBe brief.\n\n")
    assert json.dumps(TOOL) in system
    assert "<tool_call>" in system
    assert user == "<|im_start|>user\nHi"


def test_tools_get_a_system_message_of_their_own_if_there_is_none() -> None:
    text = rendered([{"role": "user", "content": "Hi"}], TOOL)
    assert text.startswith("<|im_start|>system\nYou may call")


def test_calls_and_results_are_written_out() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "sunny", "tool_call_id": "call_1"},
    ]
    text = rendered(messages, TOOL)
    assert (
        '<|im_start|>assistant\n<tool_call>\n{"name": "get_weather", "arguments": '
        '{"location": "Seoul"}}\n</tool_call><|im_end|>'
    ) in text
    assert (
        "<|im_start|>user\n<tool_response>\nsunny\n</tool_response><|im_end|>" in text
    )


def test_a_template_that_knows_tools_gets_them_as_objects() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
    ]
    text = rendered(messages, TOOL, template=HERMES)
    assert text.startswith("<tools>[")
    assert text.endswith("[assistant]Seoul")


def test_arguments_that_are_no_json_are_left_as_they_came() -> None:
    call = CALL | {"function": {"name": "f", "arguments": "not json"}}
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": "x", "tool_calls": [call]}
    ]
    assert '{"name": "f", "arguments": "not json"}' in rendered(messages)


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]
    assert "user\nHello<" in rendered([{"role": "user", "content": parts}])


def test_the_developer_speaks_as_system() -> None:
    assert "system\nx<" in rendered([{"role": "developer", "content": "x"}])


def test_other_parts_are_refused() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "data:,"}}]
    with pytest.raises(EngineError, match="image_url"):
        rendered([{"role": "user", "content": parts}])


def test_what_the_template_refuses_is_the_clients_to_change() -> None:
    refusing = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(EngineError, match="roles must alternate"):
        rendered([{"role": "user", "content": "x"}], template=refusing)


@pytest.mark.parametrize(
    ("template", "reasoning"),
    [
        (CHATML, None),
        (CHATML + "{# <think></think> #}", ("<think>", "</think>")),
        (CHATML + "{# </think> #}<think>\n", ("", "</think>")),
    ],
)
def test_reasoning_markup_is_that_of_the_template(
    template: str, reasoning: tuple[str, str] | None
) -> None:
    assert Chat(byte_tokenizer(template)).reasoning == reasoning
