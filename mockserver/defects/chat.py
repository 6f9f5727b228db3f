"""What a chat server can get wrong beyond generation: messages, tools, logprobs."""

import json
from typing import Any

from mockserver.defects.planting import (
    Chunk,
    Defect,
    in_answer,
    in_parameters,
    in_stream,
)
from serving.context import Context
from serving.stages import Answer

API = "chat"


def _positions(answer: Answer) -> list[dict[str, Any]]:
    return [
        position
        for choice in answer["choices"]
        for position in ((choice["logprobs"] or {}).get("content") or [])
    ]


def _calls(answer: Answer) -> list[dict[str, Any]]:
    return [c for choice in answer["choices"] for c in choice["message"]["tool_calls"]]


@in_answer("META-082", api=API, also={
    "CHAT-RES-008": "the same member",
})  # fmt: skip
def chat_second_choice_is_the_users(context: Context, answer: Answer) -> object:
    """Choices after the first have role user."""
    for choice in answer["choices"][1:]:
        choice["message"]["role"] = "user"
    return len(answer["choices"]) > 1


@in_answer("CHAT-RES-009", api=API, also={
    "COMMON-SEM-002": "the client finds no text", "CHAT-SEM-001": "no text",
})  # fmt: skip
def chat_content_is_a_list_of_parts(context: Context, answer: Answer) -> object:
    """Content is a list of parts."""
    for choice in answer["choices"]:
        message = choice["message"]
        message["content"] = [{"type": "text", "text": message["content"]}]
    return True


@in_answer("CHAT-RES-009", api=API)
def chat_content_null_when_empty(context: Context, answer: Answer) -> object:
    """The last choice has null in place of its text."""
    message = answer["choices"][-1]["message"]
    if message["tool_calls"]:
        return False
    message["content"] = None
    return True


@in_answer("CHAT-RES-016", api=API)
def chat_finish_reason_is_null(context: Context, answer: Answer) -> object:
    """Whole answers have no finish_reason."""
    for choice in answer["choices"]:
        choice["finish_reason"] = None
    return True


@in_parameters("META-072", api=API, also={
    "CHAT-RES-018": "the same statement", "META-070": "never",
})  # fmt: skip
def chat_logprobs_unasked(context: Context) -> object:
    """Log probabilities come unasked."""
    unasked = not context.parameters["logprobs"]
    context.parameters["logprobs"] = True
    return unasked


@in_parameters("CHAT-SEM-005", api=API, also={
    "CHAT-SEM-006": "there are none", "CHAT-RES-018": "there are none",
    "META-075": "there are none",
}, origin="vllm-project/vllm#4795")  # fmt: skip
def chat_logprobs_without_top_ignored(context: Context) -> object:
    """Logprobs true without top_logprobs gives none."""
    if not context.parameters["logprobs"] or context.parameters.get("top_logprobs"):
        return False
    context.parameters["logprobs"] = False
    return True


@in_answer("CHAT-SEM-006", api=API, also={
    "META-068": "k - 1 of them", "META-075": "not a prefix",
    "META-069": "never: the first stays",
})  # fmt: skip
def chat_one_alternative_short(context: Context, answer: Answer) -> object:
    """top_logprobs k lists k - 1 alternatives."""
    acted = False
    for position in _positions(answer):
        if len(position["top_logprobs"]) > 1:
            position["top_logprobs"].pop()
            acted = True
    return acted


@in_answer("META-066", api=API, also={
    "META-067": "probabilities above 1", "META-069": "another log probability",
    "META-068": "the order turns", "META-075": "never",
})  # fmt: skip
def chat_logprobs_positive(context: Context, answer: Answer) -> object:
    """Log probabilities have lost their sign."""
    positions = _positions(answer)
    for position in positions:
        for entry in (position, *position["top_logprobs"]):
            entry["logprob"] = abs(entry["logprob"])
    return bool(positions)


@in_answer("META-067", api=API, also={
    "META-069": "the chosen token has another one",
})  # fmt: skip
def chat_probabilities_sum_above_one(context: Context, answer: Answer) -> object:
    """All alternatives of a position have the log probability of the best."""
    acted = False
    for position in _positions(answer):
        for entry in position["top_logprobs"]:
            entry["logprob"] = -0.2
            acted |= len(position["top_logprobs"]) > 1
    return acted


@in_answer("META-068", api=API, also={
    "META-069": "the chosen token is last", "META-075": "not a prefix",
})  # fmt: skip
def chat_alternatives_ascending(context: Context, answer: Answer) -> object:
    """Alternatives are listed from the least likely on."""
    acted = False
    for position in _positions(answer):
        position["top_logprobs"].reverse()
        acted |= len(position["top_logprobs"]) > 1
    return acted


@in_answer("META-069", api=API)
def chat_chosen_logprob_differs(context: Context, answer: Answer) -> object:
    """The chosen token has half the log probability of its own entry."""
    positions = _positions(answer)
    for position in positions:
        position["logprob"] = position["logprob"] * 2 - 0.5
    return bool(positions)


@in_answer("META-070", api=API, also={
    "META-071": "the first token is lost",
})  # fmt: skip
def chat_first_position_lost(context: Context, answer: Answer) -> object:
    """The first two positions of log probabilities are lost."""
    acted = False
    for choice in answer["choices"]:
        if choice["logprobs"] and len(choice["logprobs"]["content"]) > 2:
            del choice["logprobs"]["content"][:2]
            acted = True
    return acted


@in_answer("META-071", api=API)
def chat_tokens_lose_their_spaces(context: Context, answer: Answer) -> object:
    """Tokens of log probabilities are stripped of white space."""
    acted = False
    for position in _positions(answer):
        stripped = position["token"].strip()
        acted |= stripped != position["token"]
        position["token"] = stripped
        position["bytes"] = list(stripped.encode())
    return acted


@in_parameters("META-073", api=API, also={
    "META-069": "never: it is still greedy",
})  # fmt: skip
def chat_logprobs_change_the_text(context: Context) -> object:
    """Asking for log probabilities changes the text."""
    if not context.parameters["logprobs"]:
        return False
    context.parameters["logit_bias"] = {"1001": 100}
    return True


@in_answer("META-075", api=API, also={
    "META-068": "never: sorted", "META-067": "never", "META-069": "it is not listed",
})  # fmt: skip
def chat_many_alternatives_skip_the_second(context: Context, answer: Answer) -> object:
    """With top_logprobs above 5 the second alternative is skipped."""
    if (context.parameters.get("top_logprobs") or 0) <= 5:
        return False
    acted = False
    for position in _positions(answer):
        if len(position["top_logprobs"]) > 6:
            del position["top_logprobs"][1]
            acted = True
    return acted


@in_parameters("META-076", api=API, also={
    "CHAT-SEM-017": "the same statement",
})  # fmt: skip
def chat_tool_choice_none_calls(context: Context) -> object:
    """tool_choice none calls a tool all the same."""
    if context.parameters.get("tool_choice") != "none":
        return False
    context.parameters["tool_choice"] = "required"
    return True


@in_parameters("META-077", api=API, also={
    "CHAT-SEM-019": "the same statement", "META-080": "never: no call",
})  # fmt: skip
def chat_tool_choice_required_ignored(context: Context) -> object:
    """tool_choice required answers in text."""
    if context.parameters.get("tool_choice") != "required":
        return False
    context.parameters["tool_choice"] = "none"
    return True


def _invented(answer: Answer, name: str) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": "{}"},
    }
    for choice in answer["choices"]:
        choice["message"]["tool_calls"] = [call]


@in_answer("META-078", api=API, also={
    "CHAT-REQ-044": "the default is none", "CHAT-RES-014": "a plain answer",
    "META-070": "never", "META-071": "never", "CHAT-SEM-020": "nothing was offered",
})  # fmt: skip
def chat_calls_without_tools(context: Context, answer: Answer) -> object:
    """An answer to a request without tools has a call."""
    if context.parameters.get("tools"):
        return False
    _invented(answer, "search")
    return True


@in_parameters("CHAT-REQ-045", api=API, also={
    "META-079": "auto and the default differ",
})  # fmt: skip
def chat_tools_default_to_required(context: Context) -> object:
    """With tools and no tool_choice a call is forced."""
    if not context.parameters.get("tools") or context.body.get("tool_choice"):
        return False
    context.parameters["tool_choice"] = "required"
    return True


@in_answer("CHAT-SEM-020", api=API, also={
    "META-077": "its soft clause", "META-080": "no such function",
    "META-081": "a name outside the list",
})  # fmt: skip
def chat_called_name_is_prefixed(context: Context, answer: Answer) -> object:
    """Calls name the function with a prefix."""
    calls = _calls(answer)
    for call in calls:
        call["function"]["name"] = "functions." + call["function"]["name"]
    return bool(calls)


@in_answer("META-080", api=API, also={
    "CHAT-SEM-020": "arguments are no JSON",
})  # fmt: skip
def chat_arguments_are_cut(context: Context, answer: Answer) -> object:
    """Arguments lack their last brace."""
    calls = _calls(answer)
    for call in calls:
        call["function"]["arguments"] = call["function"]["arguments"][:-1]
    return bool(calls)


@in_answer("META-080", api=API, also={
    "META-081": "never",
})  # fmt: skip
def chat_arguments_are_strings(context: Context, answer: Answer) -> object:
    """Every argument is a number, whatever the schema says."""
    acted = False
    for call in _calls(answer):
        function = call["function"]
        given = json.loads(function["arguments"])
        function["arguments"] = json.dumps(dict.fromkeys(given, 0.5))
        acted |= bool(given)
    return acted


@in_answer("META-080", api=API, also={"CHAT-SEM-020": "an empty object"})
def chat_arguments_miss_the_required(context: Context, answer: Answer) -> object:
    """Arguments are empty, although the schema requires some."""
    acted = False
    for call in _calls(answer):
        acted |= call["function"]["arguments"] != "{}"
        call["function"]["arguments"] = "{}"
    return acted


@in_answer("META-081", api=API, also={
    "CHAT-SEM-020": "a name that was not offered", "META-077": "its soft clause",
    "META-080": "no such function",
})  # fmt: skip
def chat_calls_what_it_was_trained_on(context: Context, answer: Answer) -> object:
    """Calls name the weather tool, whatever it is called now."""
    acted = False
    for call in _calls(answer):
        acted |= call["function"]["name"] != "get_weather"
        call["function"]["name"] = "get_weather"
    return acted


@in_stream("CHAT-SEM-020", api=API, also={
    "META-080": "no such function",
}, origin="vllm-project/vllm#14951")  # fmt: skip
def chat_streamed_name_repeats(context: Context, chunks: list[Chunk]) -> None:
    """Every tool-call delta repeats the name."""
    name = ""
    for chunk in chunks:
        for piece in chunk["choices"]:
            for call in piece["delta"].get("tool_calls") or []:
                name = call["function"].get("name") or name
                call["function"]["name"] = name


@in_stream("META-080", api=API, also={
    "CHAT-SEM-020": "arguments are no JSON",
}, origin="vllm-project/vllm#21046")  # fmt: skip
def chat_streamed_arguments_lose_a_piece(context: Context, chunks: list[Chunk]) -> None:
    """The last piece of streamed arguments is lost."""
    pieces = [
        call["function"]
        for chunk in chunks
        for piece in chunk["choices"]
        for call in piece["delta"].get("tool_calls") or []
        if call["function"].get("arguments")
    ]
    if pieces:
        pieces[-1]["arguments"] = ""


DEFECTS: tuple[Defect, ...] = (
    chat_second_choice_is_the_users,
    chat_content_is_a_list_of_parts,
    chat_content_null_when_empty,
    chat_finish_reason_is_null,
    chat_logprobs_unasked,
    chat_logprobs_without_top_ignored,
    chat_one_alternative_short,
    chat_logprobs_positive,
    chat_probabilities_sum_above_one,
    chat_alternatives_ascending,
    chat_chosen_logprob_differs,
    chat_first_position_lost,
    chat_tokens_lose_their_spaces,
    chat_logprobs_change_the_text,
    chat_many_alternatives_skip_the_second,
    chat_tool_choice_none_calls,
    chat_tool_choice_required_ignored,
    chat_calls_without_tools,
    chat_tools_default_to_required,
    chat_called_name_is_prefixed,
    chat_arguments_are_cut,
    chat_arguments_are_strings,
    chat_arguments_miss_the_required,
    chat_calls_what_it_was_trained_on,
    chat_streamed_name_repeats,
    chat_streamed_arguments_lose_a_piece,
)
