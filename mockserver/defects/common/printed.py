"""What goes wrong with the requests that the documents print, and little else."""

from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
)
from aios_conformance.mockserver.defects.tables import refuses
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer


def _is_printed_rerank(context: RequestContext) -> bool:
    return bool(
        context.parameters.get("top_n")
        and context.parameters.get("truncate_prompt_tokens")
    )


@in_parameters("RERANK-EX-003", api="rerank", also={
    "RERANK-SEM-004": "top_n is not obeyed",
})  # fmt: skip
def rerank_limit_overrides_top_n(context: RequestContext) -> object:
    """With truncate_prompt_tokens all documents come back, whatever top_n is."""
    if not _is_printed_rerank(context):
        return False
    context.parameters["top_n"] = 0
    return True


@in_answer("RERANK-EX-004", api="rerank")
def rerank_limit_turns_the_order(context: RequestContext, answer: Answer) -> object:
    """With top_n and truncate_prompt_tokens the best get the worst scores."""
    if not _is_printed_rerank(context):
        return False
    for result in answer["results"]:
        result["relevance_score"] = 1 - result["relevance_score"]
    answer["results"].reverse()
    return True


@in_answer("SCORE-EX-003", api="score", also={
    "SCORE-RES-006": "0 to n-1", "META-018": "0 to n-1",
})  # fmt: skip
def score_of_two_floats_counts_from_one(
    context: RequestContext, answer: Answer
) -> object:
    """Two pairs with encoding_format float have the indices 1 and 2."""
    if "encoding_format" not in context.body or len(answer["data"]) != 2:
        return False
    for item in answer["data"]:
        item["index"] += 1
    return True


@in_answer("EMB-EX-003", api="embeddings", also={
    "EMB-RES-013": "the same statement", "META-102": "the same statement",
    "COMMON-RES-010": "the same statement",
})  # fmt: skip
def embeddings_total_in_floats_is_one_more(
    context: RequestContext, answer: Answer
) -> object:
    """With encoding_format float total_tokens is one too high."""
    if context.body.get("encoding_format") != "float":
        return False
    answer["usage"]["total_tokens"] += 1
    return True


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
    rerank_limit_overrides_top_n,
    rerank_limit_turns_the_order,
    score_of_two_floats_counts_from_one,
    embeddings_total_in_floats_is_one_more,
    chat_hello_is_never_streamed,
    completions_hello_is_never_streamed,
    chat_without_limit_is_filtered,
    refuses("score_refuses_float_for_lists", "SCORE-EX-001", "score",
            lambda body: body.get("encoding_format") == "float"
            and isinstance(body["text_1"], list), why="lists have no floats", also={
                "COMMON-RES-001": "a valid request is not answered 200",
                "SCORE-SEM-002": "two lists are paired",
                "SCORE-REQ-016": "float may be spelt out"}),
    refuses("embeddings_refuses_float_for_strings", "EMB-EX-001", "embeddings",
            lambda body: body.get("encoding_format") == "float"
            and isinstance(body["input"], str), why="strings have no floats",
            also={"EMB-REQ-012": "float may be spelt out"}),
    refuses("chat_refuses_a_preamble", "CHAT-EX-001", "chat",
            lambda body: body.keys() == {"model", "messages"}
            and [m["role"] for m in body["messages"]] == ["assistant", "user"],
            why="the user speaks first"),
    refuses("completions_refuses_070", "COMP-EX-001", "completions",
            lambda body: body.keys() == {"model", "prompt", "temperature"}
            and body["temperature"] == 0.7, why="max_tokens is missing"),
)  # fmt: skip
