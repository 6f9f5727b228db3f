"""Bugs of completions: echo in streams and in lists; more freedoms."""

from collections.abc import Iterable
from copy import deepcopy

from aios_conformance.mockserver.defects.chunks import in_twos, pieces
from aios_conformance.mockserver.defects.museum.planting import in_both
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_frames,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import BadRequest
from aios_conformance.serving.stages import Answer

CHAT, COMP, BOTH = "chat", "completions", "chat completions"


@in_parameters(
    "COMP-REQ-009",
    api=COMP,
    also=dict.fromkeys(
        (
            "COMMON-RES-001",
            "COMP-REQ-030",
        ),
        "a valid request is refused",
    ),
    source="000:575",
    origin="vllm-project/vllm#15119",
)
def comp_stream_echo_refused(context: RequestContext) -> object:
    """Echo is refused in streams."""
    if not (context.parameters["stream"] and context.parameters["echo"]):
        return False
    raise BadRequest("echo cannot be streamed", code="refused")


@in_frames(
    "COMP-RES-018",
    api=COMP,
    also=dict.fromkeys(
        (
            "COMP-SEM-018",
            "META-061",
            "META-086",
        ),
        "what follows is missing",
    ),
    source="000:585",
    origin="vllm-project/vllm#2703",
)
def comp_stream_echo_with_logprobs_breaks_off(
    context: RequestContext, frames: list[bytes]
) -> Iterable[bytes]:
    """Streams with echo and logprobs end after the first piece."""
    values = context.parameters
    struck = values["echo"] and values.get("logprobs") is not None
    return frames[:1] if struck else frames


@in_answer("META-086", api=COMP, source="000:574", origin="vllm-project/vllm#11778")
def comp_logprobs_of_a_list_differ(context: RequestContext, answer: Answer) -> object:
    """Beside other prompts a prompt has other log probabilities."""
    many = isinstance(context.parameters["prompt"], list) and answer["choices"][1:]
    for choice in many or ():
        listed = choice["logprobs"]
        if not listed:
            return False
        listed["token_logprobs"] = [v and v * 1.5 for v in listed["token_logprobs"]]
        listed["top_logprobs"] = [
            top and {token: v * 1.5 for token, v in top.items()}
            for top in listed["top_logprobs"]
        ]
    return bool(many)


@in_answer(
    "META-071",
    api=COMP,
    also=dict.fromkeys(("COMP-RES-017",), "offsets do not fit the tokens"),
    source="000:575",
    origin="vllm-project/vllm#5334",
)
def comp_echoed_tokens_repeat_line_breaks(
    context: RequestContext, answer: Answer
) -> object:
    """After a line break each token of an echoed prompt is listed with it."""
    acted = False
    for choice in answer["choices"] if context.parameters["echo"] else ():
        tokens = (choice["logprobs"] or {}).get("tokens", [])
        breaks = [at for at, token in enumerate(tokens) if "\n" in token]
        if breaks and breaks[0] + 1 < len(tokens):
            tokens[breaks[0] + 1] = "\n" + tokens[breaks[0] + 1]
            acted = True
    return acted


@in_parameters(api=BOTH, freedom="000:385: without a seed nothing is promised",
               source="000:385", origin="Blaizzy/mlx-vlm#1818")  # fmt: skip
def gen_unseeded_differs_free(context: RequestContext) -> object:
    """Without a seed every request draws anew."""
    acted = context.parameters.get("seed") is None
    if acted:
        context.parameters["seed"] = 1_000_000 + context.number
    return acted


@in_stream(api=BOTH, freedom="000:387: how a text is cut into pieces",
           source="000:387", origin="vllm-project/vllm#45678")  # fmt: skip
def gen_stream_two_tokens_a_piece_free(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk]:
    """Pieces hold two tokens each, with the log probabilities of both."""
    told = list(in_twos(chunks))
    for piece in pieces(told):
        second = piece.pop("second", None)
        if second and piece["logprobs"] and second["logprobs"]:
            for name, listed in deepcopy(second["logprobs"]).items():
                piece["logprobs"][name] += listed
    return told


@in_stream(api=CHAT, freedom="000:387: what the last piece holds besides its reason",
           source="000:387", origin="BerriAI/litellm#12417")  # fmt: skip
def chat_stream_last_delta_is_blank_free(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The delta that ends a choice has an empty text, in place of nothing."""
    for piece in pieces(chunks):
        if piece["finish_reason"] and not piece["delta"]:
            piece["delta"] = {"content": ""}


@in_both(api=COMP, freedom="000:624: where offsets begin",
         source="000:624", origin="xorbitsai/inference#5245")  # fmt: skip
def comp_offsets_count_from_the_prompt_free(
    context: RequestContext, said: Answer
) -> object:
    """text_offset counts from the beginning of a prompt that is not echoed."""
    given = context.parameters["prompt"]
    if context.parameters.get("echo") or not isinstance(given, str):
        return False
    found = [each["logprobs"] for each in said["choices"] if each["logprobs"]]
    for each in found:
        each["text_offset"] = [at + len(given) for at in each["text_offset"]]
    return bool(found)
