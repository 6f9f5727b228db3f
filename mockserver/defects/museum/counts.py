"""Bugs of usage: several choices, caches, streams."""

from collections.abc import Iterable
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import remembering
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer
from aios_conformance.serving.streaming import STREAM

API = "chat completions"
UNCOUNTED = {
    "CHAT-RES-021": "fewer tokens than texts", "COMP-RES-015": "the same statement",
}  # fmt: skip


def _counted(usage: dict[str, Any], **counts: int) -> bool:
    """Change counts, so that the total still adds up."""
    before = dict(usage)
    usage |= counts
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    return usage != before


@in_answer("META-037", api=API,
           also=UNCOUNTED | {"META-086": "fewer than single calls"},
           source="000:466", origin="ggml-org/llama.cpp#27318")  # fmt: skip
def gen_n_counts_one_choice(context: RequestContext, answer: Answer) -> object:
    """completion_tokens counts one choice, however many there are."""
    usage, several = answer["usage"], len(answer["choices"])
    return _counted(usage, completion_tokens=-(-usage["completion_tokens"] // several))


@in_answer("META-037", api=API,
           source="000:465", origin="inclusionAI/AReno#460")  # fmt: skip
def gen_n_counts_the_prompt_n_times(context: RequestContext, answer: Answer) -> object:
    """prompt_tokens counts the prompt once for each choice."""
    usage = answer["usage"]
    return _counted(
        usage, prompt_tokens=usage["prompt_tokens"] * context.parameters["n"]
    )


@remembering(in_answer, "META-038", api=API, also={
    "META-037": "one prompt has two counts", "META-062": "streams count it",
    "META-085": "one prompt has two counts", "META-086": "likewise",
    "META-039": "the longer one may have been seen before",
}, source="000:465", origin="SamSaffron/term-llm#424")  # fmt: skip
def gen_cached_prompt_not_counted() -> Any:
    """prompt_tokens leaves out what is in the cache from a request before."""
    seen: set[str] = set()

    def edit(context: RequestContext, answer: Answer) -> bool:
        values = context.parameters
        asked = repr(values.get("messages") or values.get("prompt"))
        known = asked in seen
        seen.add(asked)
        return known and _counted(answer["usage"], prompt_tokens=1)

    return edit


@in_stream("META-064", api=API,
           source="000:388", origin="vllm-project/vllm#9357")  # fmt: skip
def gen_continuous_usage_of_each_chunk(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Under continuous_usage_stats each chunk counts its own tokens only."""
    for chunk in chunks:
        if chunk.get("usage") and chunk["choices"]:
            _counted(chunk["usage"], completion_tokens=1)


@in_stream("META-037", api=API,
           also=UNCOUNTED | {"META-062": "a whole answer counts all"},
           source="000:388", origin="vllm-project/vllm#8625")  # fmt: skip
def gen_stream_counts_one_choice(context: RequestContext, chunks: list[Chunk]) -> None:
    """The usage of a stream counts one choice, however many there are."""
    several = len({p["index"] for chunk in chunks for p in chunk["choices"]})
    for chunk in chunks:
        if chunk.get("usage") and not chunk["choices"]:
            usage = chunk["usage"]
            _counted(usage, completion_tokens=-(-usage["completion_tokens"] // several))


@in_stream("META-063", api=API, also={"CHAT-SEM-015": "the same statement"},
           source="000:388", origin="Arthur-Ficial/apfel#100")  # fmt: skip
def gen_stream_usage_unasked(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """A last chunk with the usage comes though nobody asked for it."""
    if any("usage" in chunk for chunk in chunks):
        return chunks
    return [*chunks, context.memory[STREAM].last()]


@in_stream("CHAT-RES-025", api=API, also={
    "COMMON-SEM-002": "the client cannot read it", "CHAT-SEM-001": "likewise",
    "COMP-SEM-001": "likewise", "COMP-RES-018": "the same statement",
}, source="000:454", origin="ROCm/ATOM#1711")  # fmt: skip
def gen_stream_usage_without_choices(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The last chunk, which has the usage, has no list of choices."""
    for chunk in chunks:
        if not chunk["choices"]:
            del chunk["choices"]


@in_parameters("COMP-REQ-022", api="completions", also={
    "META-040": "more than the limit", "COMP-SEM-005": "likewise",
    "COMP-REQ-020": "the other limit",
},
               source="000:580", origin="vllm-project/vllm#39556")  # fmt: skip
def comp_echo_limit_0_says_a_token(context: RequestContext) -> object:
    """Echo with a limit of 0 generates a token, and counts it."""
    names = ("max_tokens", "max_completion_tokens")
    zero = [name for name in names if context.parameters.get(name) == 0]
    if not context.parameters["echo"] or not zero:
        return False
    context.parameters |= dict.fromkeys(zero, 1)
    return True


@in_answer("CHAT-RES-020", api=API, also=UNCOUNTED | {
    "COMMON-RES-009": "nothing is counted", "COMP-RES-013": "the same statement",
    "META-038": "nothing is counted", "META-062": "the stream counts",
    "META-086": "nor in a list, one of whose texts is stopped",
}, source="000:465", origin="pleaseai/shunt#607")  # fmt: skip
def gen_stopped_counts_nothing(context: RequestContext, answer: Answer) -> object:
    """Where a stop string strikes all counts of a whole answer are 0."""
    if not any(isinstance(each["stop_reason"], str) for each in answer["choices"]):
        return False
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    answer["usage"] |= dict.fromkeys(names, 0)
    return True
