"""Bugs of what comes second: the second choice, the second prompt, the last piece."""

from collections.abc import Iterable
from copy import deepcopy

from aios_conformance.mockserver.defects.museum.planting import in_both
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

CHAT, COMP, BOTH = "chat", "completions", "chat completions"


@in_both(
    "META-045",
    also=dict.fromkeys(
        ("COMP-RES-008", "COMP-SEM-003", "COMP-SEM-010"),
        "text goes on behind the stop string",
    ),
    api=BOTH,
    source="000:386",
    origin="vllm-project/vllm#16863",
)
def gen_second_choice_is_not_stopped(context: RequestContext, said: Answer) -> object:
    """Stop strings end the first choice only."""
    acted = False
    for choice in said["choices"]:
        stop = choice.get("stop_reason")
        if choice["index"] and isinstance(stop, str):
            more = f"{stop} and on"
            if "text" in choice:
                choice["text"] += more
            else:
                told = choice.get("message") or choice["delta"]
                told["content"] = (told.get("content") or "") + more
            choice |= {"finish_reason": "length", "stop_reason": None}
            acted = True
    return acted


@in_answer("META-071", api=BOTH, also={
    "META-086": "prompts of a list likewise",
    "COMP-SEM-003": "the alternatives are those of another text",
    "COMP-RES-017": "they are so many", "META-037": "they are so many",
}, source="000:463", origin="sgl-project/sglang#388")  # fmt: skip
def gen_second_choice_has_the_first_logprobs(
    context: RequestContext, answer: Answer
) -> object:
    """Every choice has the log probabilities of the first."""
    first = answer["choices"][0]["logprobs"]
    others = [c for c in answer["choices"][1:] if c["logprobs"] != first]
    for choice in others:
        choice["logprobs"] = deepcopy(first)
    return bool(others)


@in_stream(
    "META-061",
    also={"CHAT-RES-016": "a choice has no reason to end"},
    api=BOTH,
    source="000:461",
    origin="ModelTC/LightLLM#1445",
)
def gen_stream_second_choice_never_finishes(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams only the first choice has a finish_reason."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            if piece["index"]:
                piece["finish_reason"] = None


@in_stream("CHAT-RES-025", api=CHAT,
           source="000:457", origin="ModelTC/LightLLM#1445")  # fmt: skip
def chat_stream_second_choice_has_no_role(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams only the first choice says its role."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            if piece["index"]:
                piece["delta"].pop("role", None)


@in_both(
    "META-077",
    also={"CHAT-SEM-019": "one of two choices calls nothing"},
    api=CHAT,
    source="000:393",
    origin="vllm-project/vllm#16863",
)
def chat_second_choice_calls_nothing(context: RequestContext, said: Answer) -> object:
    """Under tool_choice required only the first choice calls a tool."""
    acted = False
    for choice in said["choices"]:
        told = choice.get("message") or choice["delta"]
        if choice["index"] and told.get("tool_calls"):
            told |= {"tool_calls": [], "content": "Sure."}
            acted = True
        if choice["index"] and choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = "stop"
    return acted


@in_both("META-086", api=COMP,
         source="000:629", origin="vllm-project/vllm#8625")  # fmt: skip
def comp_list_counts_the_first_prompt(context: RequestContext, said: Answer) -> object:
    """For a list of prompts prompt_tokens counts the first alone."""
    prompts, usage = context.parameters["prompt"], said.get("usage")
    if not usage or not isinstance(prompts, list) or len(prompts) < 2:
        return False
    first = max(1, usage["prompt_tokens"] // len(prompts))
    usage["prompt_tokens"] = first
    usage["total_tokens"] = first + usage["completion_tokens"]
    return True


@in_parameters(
    "COMP-SEM-018",
    also=dict.fromkeys(
        ("COMP-SEM-008", "META-035", "META-065", "META-086"),
        "prompts in a list are answered as one",
    ),
    api=COMP,
    source="000:574",
    origin="Ai00-X/ai00_server#169",
)
def comp_list_is_joined(context: RequestContext) -> object:
    """The prompts of a list are joined to one."""
    prompts = context.parameters["prompt"]
    if not isinstance(prompts, list) or len(prompts) < 2:
        return False
    if not all(isinstance(one, str) for one in prompts):
        return False
    context.parameters["prompt"] = "".join(prompts)
    return True


@in_stream(
    "META-061",
    also=dict.fromkeys(
        (
            "COMP-SEM-008",
            "COMP-SEM-017",
            "COMP-SEM-018",
            "META-035",
            "META-037",
            "META-055",
            "META-065",
            "META-086",
        ),
        "the other prompts are not answered to their end",
    ),
    api=COMP,
    source="000:625",
    origin="ModelTC/LightLLM#1445",
)
def comp_stream_list_ends_with_the_first(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """A stream of several prompts ends when one of them has ended."""
    ended = False
    for chunk in chunks:
        if not ended or not chunk["choices"]:
            yield chunk
        ended |= any(piece["finish_reason"] for piece in chunk["choices"])


@in_stream("META-088", api=COMP, also={"COMP-RES-017": "offsets begin anew"},
           source="000:624", origin="triton-inference-server/server#8538")  # fmt: skip
def comp_stream_offsets_restart(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams text_offset begins at 0 in every piece."""
    for chunk in chunks:
        for piece in chunk["choices"]:
            found = piece["logprobs"]
            if found and found["text_offset"]:
                begin = found["text_offset"][0]
                found["text_offset"] = [at - begin for at in found["text_offset"]]


@in_stream("META-061", api=BOTH,
           source="000:387",
           origin="foundation-model-stack/fms-guardrails-orchestrator#482")  # fmt: skip
def gen_stream_ends_twice(
    context: RequestContext, chunks: list[Chunk]
) -> Iterable[Chunk]:
    """The piece before the last has the finish_reason too."""
    for chunk, after in zip(chunks, [*chunks[1:], {"choices": []}], strict=True):
        for piece, end in zip(chunk["choices"], after["choices"], strict=False):
            if end["finish_reason"] and end["index"] == piece["index"]:
                piece["finish_reason"] = end["finish_reason"]
        yield chunk


@in_parameters("META-086", api=COMP, also={
    "COMP-SEM-018": "another text", "COMP-SEM-002": "another prompt",
    "META-084": "another prompt",
}, source="000:574", origin="Blaizzy/mlx-vlm#1946")  # fmt: skip
def comp_short_prompts_are_padded(context: RequestContext) -> object:
    """Of a list of prompts those shorter than the longest are read with padding."""
    given = context.parameters["prompt"]
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        return False
    most = max((len(one.split()) for one in given), default=0)
    read = [". " * (most - len(one.split())) + one for one in given]
    context.parameters["prompt"] = read
    return read != given
