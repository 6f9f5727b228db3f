"""Bugs of completions: echo, lists of prompts, log probabilities, and their pairs."""

from typing import Any

from aios_conformance.mockserver.defects.chunks import pieces
from aios_conformance.mockserver.defects.museum.planting import ACCEPTED, joined
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Broken, Meaningless
from aios_conformance.serving.stages import Answer

API = "completions"
POSITIONS = {
    "META-070": "other positions than tokens",
    "META-071": "the tokens are not the text",
    "COMP-RES-008": "log probabilities are missing",
    "COMP-SEM-003": "log probabilities are missing",
}


def _echoes_with_logprobs(context: RequestContext) -> bool:
    wanted = context.parameters.get("logprobs") is not None
    return wanted and bool(context.parameters["echo"])


def _prompts(context: RequestContext) -> list[Any]:
    given = context.parameters["prompt"]
    is_list = isinstance(given, list) and given and isinstance(given[0], str | list)
    return given if is_list else [given]


@in_answer(api=API)
def _whole_generated_only(context: RequestContext, answer: Answer) -> bool:
    if not _echoes_with_logprobs(context):
        return False
    prompts = _prompts(context)
    for choice in answer["choices"]:
        prompt = prompts[choice["index"] // context.parameters["n"]]
        length = len(prompt) if isinstance(prompt, str) else 0
        found = choice["logprobs"]
        begin = sum(offset < length for offset in found["text_offset"])
        for name in found:
            found[name] = found[name][begin:]
    return True


@in_stream(api=API)
def _streamed_generated_only(context: RequestContext, chunks: list[Chunk]) -> None:
    seen: set[int] = set()
    for piece in pieces(chunks) if _echoes_with_logprobs(context) else ():
        if piece["index"] not in seen:
            seen.add(piece["index"])
            piece["logprobs"] = None


@joined("META-071", _whole_generated_only, _streamed_generated_only, also=POSITIONS | {
    "META-088": "offsets do not begin with the text",
    "COMP-RES-017": "offsets do not begin with the text",
}, source="000:624", origin="ggml-org/llama.cpp#27174")  # fmt: skip
def comp_echo_logprobs_generated_only() -> None:
    """Echo with logprobs gives positions of the generated tokens only."""


@in_parameters("COMP-REQ-009", api=API, also=ACCEPTED | {
    "COMP-REQ-016": "logprobs are valid", "COMP-REQ-017": "logprobs are valid",
    "COMP-SEM-002": "nothing is echoed", "COMP-ERR-003": "a 500",
}, source="000:575", origin="vllm-project/vllm#10234")  # fmt: skip
def comp_echo_logprobs_500(context: RequestContext) -> object:
    """Echo with logprobs is a 500."""
    if not _echoes_with_logprobs(context):
        return False
    raise Broken("no such token", code="crashed")


@in_parameters("COMP-REQ-022", api=API, also=ACCEPTED | {
    "COMP-REQ-009": "echo is valid", "COMP-REQ-020": "0 is in the printed range",
    "COMP-REQ-021": "0 is in the printed range",
}, source="000:580", origin="vllm-project/vllm#6521")  # fmt: skip
def comp_echo_limit_0_crashes(context: RequestContext) -> object:
    """Echo with a limit of 0 tokens is a 500."""
    limits = [context.parameters.get(f"max_{x}tokens") for x in ("", "completion_")]
    if not context.parameters["echo"] or 0 not in limits:
        return False
    raise Broken("no text", code="crashed")


@in_parameters("COMP-REQ-005", api=API, also=ACCEPTED | {
    "COMP-REQ-030": "stream is valid", "COMP-SEM-011": "nothing is streamed",
    "COMP-SEM-018": "no choices", "META-086": "no choices",
}, source="000:574",
   origin="huggingface/text-generation-inference#1702")  # fmt: skip
def comp_stream_list_refused(context: RequestContext) -> object:
    """Several prompts with stream are refused."""
    if not context.parameters.get("stream") or len(_prompts(context)) < 2:
        return False
    raise Meaningless("a stream takes one prompt", code="refused")


def _by_draw(context: RequestContext, index: int) -> int:
    """Where a choice comes if choices are grouped by draw, not by prompt."""
    each, prompts = context.parameters["n"], len(_prompts(context))
    return int(index % each * prompts + index // each)


@in_answer(api=API)
def _whole_by_draw(context: RequestContext, answer: Answer) -> bool:
    before = [choice["index"] for choice in answer["choices"]]
    for choice in answer["choices"]:
        choice["index"] = _by_draw(context, choice["index"])
    moved = before != [choice["index"] for choice in answer["choices"]]
    answer["choices"].sort(key=lambda choice: choice["index"])
    return moved


@in_stream(api=API)
def _streamed_by_draw(context: RequestContext, chunks: list[Chunk]) -> None:
    for piece in pieces(chunks):
        piece["index"] = _by_draw(context, piece["index"])


@joined("COMP-SEM-018", _whole_by_draw, _streamed_by_draw, also={
    "META-086": "the choices are not those of single calls",
    "META-084": "echoes are of other prompts", "COMP-SEM-002": "likewise",
}, source="000:621", origin="smg-project/smg#1957")  # fmt: skip
def comp_list_n_choice_major() -> None:
    """For several prompts and n above 1 choices are grouped by draw, not by prompt."""


@in_answer(api=API)
def _whole_without_space(context: RequestContext, answer: Answer) -> bool:
    acted = False
    for choice in answer["choices"]:
        if not context.parameters["echo"] and choice["text"].startswith(" "):
            choice["text"], acted = choice["text"][1:], True
    return acted


@in_stream(api=API)
def _streamed_without_space(context: RequestContext, chunks: list[Chunk]) -> None:
    seen: set[int] = set()
    for piece in pieces(chunks):
        if piece["text"] and piece["index"] not in seen:
            seen.add(piece["index"])
            if not context.parameters["echo"]:
                piece["text"] = piece["text"].removeprefix(" ")


SPACE = {
    "META-084": "echo keeps the space", "META-071": "the tokens keep the space",
    "COMP-SEM-002": "echo keeps the space", "META-047": "stopped streams keep it",
    "COMP-RES-017": "offsets count the space",
}  # fmt: skip


@joined("META-059", _whole_without_space, also=SPACE,
        source="000:585", origin="EricLBuehler/mistral.rs#2326")  # fmt: skip
def comp_leading_space_lost_whole() -> None:
    """Whole completions lose their leading space, streams and echo keep it."""


@joined("META-084", _whole_without_space, _streamed_without_space, also=SPACE,
        source="000:575", origin="EricLBuehler/mistral.rs#2326")  # fmt: skip
def comp_leading_space_lost() -> None:
    """Completions lose their leading space, whole and streamed; echo keeps it."""


@in_stream("META-062", api=API, also={
    "COMP-RES-014": "no total", "META-034": "no total", "COMMON-RES-010": "no total",
    "COMP-SEM-012": "no whole usage", "META-064": "no whole usage",
    "COMP-RES-018": "no whole usage", "COMMON-SEM-002": "the client wants a total",
    "COMP-SEM-001": "the client wants a total",
}, source="000:586", origin="PaddlePaddle/FastDeploy#3247")  # fmt: skip
def comp_stream_usage_without_total(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Usage in streams lacks total_tokens."""
    for chunk in chunks:
        if chunk.get("usage"):
            del chunk["usage"]["total_tokens"]


@in_stream("META-088", api=API, also={"COMP-RES-017": "offsets fall"},
           source="000:624", origin="vllm-project/vllm#47815")  # fmt: skip
def comp_stream_echo_offsets_slip(context: RequestContext, chunks: list[Chunk]) -> None:
    """With echo, stream and logprobs text_offset begins anew after the prompt."""
    if not _echoes_with_logprobs(context):
        return
    begins: dict[int, int] = {}
    for piece in pieces(chunks):
        if piece["index"] not in begins:
            begins[piece["index"]] = len(piece["text"])
        elif piece["logprobs"]:
            offsets = piece["logprobs"]["text_offset"]
            begin = begins[piece["index"]]
            piece["logprobs"]["text_offset"] = [place - begin for place in offsets]


@in_stream("COMP-RES-008", api=API,
           also=POSITIONS | {"META-059": "streams lack them"},
           source="000:624", origin="kekzl/imp#1589")  # fmt: skip
def comp_stream_logprobs_missing(context: RequestContext, chunks: list[Chunk]) -> None:
    """Streams have no logprobs."""
    for piece in pieces(chunks):
        piece["logprobs"] = None


@in_stream("COMP-RES-001", api=API, also={
    "META-061": "chunks differ", "COMMON-RES-005": "no id of the answer",
}, source="000:617", origin="raullenchai/Rapid-MLX#461")  # fmt: skip
def comp_stream_id_of_each_chunk(context: RequestContext, chunks: list[Chunk]) -> None:
    """Every chunk of a streamed completion has an id of its own."""
    for number, chunk in enumerate(chunks):
        chunk["id"] = f"{chunk['id']}-{number}"


@in_parameters("COMP-SEM-002", api=API, also={
    "META-084": "the text does not begin with the prompt",
    "META-071": "the positions lack the prompt",
}, source="000:575", origin="PaddlePaddle/FastDeploy#3245")  # fmt: skip
def comp_stream_echo_not_read(context: RequestContext) -> object:
    """Streams have no echo, whole answers do."""
    if not (context.parameters.get("stream") and context.parameters["echo"]):
        return False
    context.parameters["echo"] = False
    return True
