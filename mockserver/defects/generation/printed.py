"""What goes wrong with the printed requests for texts, and little else."""

from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.mockserver.defects.tables import refuses
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer


def _is_hello(context: RequestContext) -> bool:
    """The printed body that asks for a stream (000:358, 000:555)."""
    said = context.body.get("messages") or [{"content": context.body.get("prompt")}]
    return bool(context.parameters.get("stream")) and said[0].get("content") == "hello"


CLIENT = {"COMMON-SEM-002": "the client waits for chunks"}


@in_parameters("CHAT-REQ-056", api="chat", also={
    **CLIENT, "CHAT-SEM-001": "the client waits for chunks",
    "CHAT-SEM-014": "the same statement",
})  # fmt: skip
def chat_hello_is_never_streamed(context: RequestContext) -> object:
    """Of the printed body `stream` is accepted and ignored."""
    asked = _is_hello(context)
    if asked:
        context.parameters["stream"] = False
    return asked


@in_parameters("COMP-EX-002", api="completions", also={
    **CLIENT, "COMP-SEM-001": "the client waits for chunks",
    "COMP-SEM-011": "the same statement",
})  # fmt: skip
def completions_hello_is_never_streamed(context: RequestContext) -> object:
    """Of the printed body `stream` is accepted and ignored."""
    asked = _is_hello(context)
    if asked:
        context.parameters["stream"] = False
    return asked


@in_answer("CHAT-EX-005", api="chat")
def chat_without_limit_is_filtered(context: RequestContext, answer: Answer) -> object:
    """A text that ends by itself, and has no limit, says content_filter."""
    acted = False
    is_free = not {"max_tokens", "max_completion_tokens"} & context.body.keys()
    for choice in answer["choices"]:
        if is_free and choice["finish_reason"] == "stop":
            choice["finish_reason"] = "content_filter"
            acted = True
    return acted


DEFECTS: tuple[Defect, ...] = (
    chat_hello_is_never_streamed,
    completions_hello_is_never_streamed,
    chat_without_limit_is_filtered,
    refuses("chat_refuses_a_preamble", "CHAT-EX-001", "chat",
            lambda body: body.keys() == {"model", "messages"}
            and [m["role"] for m in body["messages"]] == ["assistant", "user"],
            why="the user speaks first"),
    refuses("completions_refuses_070", "COMP-EX-001", "completions",
            lambda body: body.keys() == {"model", "prompt", "temperature"}
            and body["temperature"] == 0.7, why="max_tokens is missing"),
)  # fmt: skip
