"""What a chat server can get wrong about its messages."""

from aios_conformance.mockserver.defects.planting import in_answer
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

API = "chat"


@in_answer("META-082", api=API, also={
    "CHAT-RES-008": "the same member",
})  # fmt: skip
def chat_second_choice_is_the_users(context: RequestContext, answer: Answer) -> object:
    """Choices after the first have role user."""
    for choice in answer["choices"][1:]:
        choice["message"]["role"] = "user"
    return len(answer["choices"]) > 1


@in_answer("CHAT-RES-009", api=API, also={
    "COMMON-SEM-002": "the client finds no text", "CHAT-SEM-001": "no text",
})  # fmt: skip
def chat_content_is_a_list_of_parts(context: RequestContext, answer: Answer) -> object:
    """Content is a list of parts."""
    for choice in answer["choices"]:
        message = choice["message"]
        message["content"] = [{"type": "text", "text": message["content"]}]
    return True


@in_answer("CHAT-RES-009", api=API)
def chat_content_null_when_empty(context: RequestContext, answer: Answer) -> object:
    """The last choice has null in place of its text."""
    message = answer["choices"][-1]["message"]
    if message["tool_calls"]:
        return False
    message["content"] = None
    return True


@in_answer("CHAT-RES-016", api=API, also={"CHAT-RES-025": "the stream differs"})
def chat_finish_reason_is_null(context: RequestContext, answer: Answer) -> object:
    """Whole answers have no finish_reason."""
    for choice in answer["choices"]:
        choice["finish_reason"] = None
    return True


@in_answer("META-042", api=API, also={"CHAT-RES-025": "the stream differs"})
def chat_an_end_says_length(context: RequestContext, answer: Answer) -> object:
    """A text that ends by itself says `length`."""
    ended = [
        choice
        for choice in answer["choices"]
        if choice["finish_reason"] == "stop" and choice["stop_reason"] is None
    ]
    for choice in ended:
        choice["finish_reason"] = "length"
    return bool(ended)
