"""Bugs of streams: pieces, their log probabilities, the last chunk."""

from collections.abc import Iterator, Sequence
from copy import deepcopy

from aios_conformance.mockserver.defects.chunks import in_twos, pieces, said, say
from aios_conformance.mockserver.defects.museum.planting import in_company, joined
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_parameters,
    in_stream,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Broken

CHAT, BOTH = "chat", "chat completions"
_CROWDED = "crowded"


@in_stream(
    "META-059",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-022",
            "COMP-RES-017",
            "META-047",
            "META-055",
            "META-071",
        ),
        "the text of a stream lacks its white space",
    ),
    source="000:387",
    origin="EricLBuehler/mistral.rs#63",
)
def gen_stream_pieces_are_stripped(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams pieces lose the white space around them."""
    for piece in pieces(chunks):
        say(piece, said(piece).strip())


@in_stream(
    "META-061",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-RES-004",
            "CHAT-RES-025",
            "COMMON-RES-006",
            "COMMON-RES-007",
            "COMMON-RES-008",
            "COMP-RES-003",
            "COMP-RES-004",
            "COMP-RES-018",
            "META-116",
        ),
        "a chunk names no model, or no time",
    ),
    source="000:453",
    origin="maximhq/bifrost#2613",
)
def gen_stream_finish_chunk_has_no_model(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The chunk that ends a choice has an empty model, and was created at 0."""
    for chunk in chunks:
        if any(piece["finish_reason"] for piece in chunk["choices"]):
            chunk |= {"model": "", "created": 0}


@in_stream(
    "META-061", api=BOTH, source="000:452", origin="llm-d/llm-d-inference-sim#561"
)
def gen_stream_usage_chunk_is_created_at_0(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The chunk that holds the usage was created at 0."""
    for chunk in chunks:
        if chunk.get("usage") and not chunk["choices"]:
            chunk["created"] = 0


@in_stream(
    "CHAT-SEM-006",
    api=CHAT,
    also=dict.fromkeys(
        ("META-067", "META-069"), "the token is not among its alternatives"
    ),
    source="000:403",
    origin="sgl-project/sglang#39260",
)
def chat_stream_second_token_has_the_first_alternatives(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk]:
    """Chunks hold two tokens; the second lists the alternatives of the first."""
    told = list(in_twos(chunks))
    for piece in pieces(told):
        second = piece.pop("second", None)
        if second and piece["logprobs"] and second["logprobs"]:
            listed = piece["logprobs"]["content"]
            for entry in second["logprobs"]["content"]:
                entry["top_logprobs"] = deepcopy(listed[0]["top_logprobs"])
                listed.append(entry)
    return told


@in_stream(
    "META-071",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-006",
            "COMP-RES-017",
            "COMP-SEM-003",
            "META-037",
            "META-059",
            "META-070",
        ),
        "half of the tokens are not listed",
    ),
    source="000:463",
    origin="Menci/Floway#481",
)
def gen_stream_chunks_list_their_last_token(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk]:
    """Chunks hold two tokens, and the log probabilities of the second only."""
    told = list(in_twos(chunks))
    for piece in pieces(told):
        second = piece.pop("second", None)
        if second:
            piece["logprobs"] = second["logprobs"]
    return told


@in_company(api=BOTH)
def _noticed(context: RequestContext, others: Sequence[RequestContext]) -> object:
    """Note that others are in flight."""
    context.memory[_CROWDED] = True
    return False


@in_stream(api=BOTH)
def _third_lost(context: RequestContext, chunks: list[Chunk]) -> list[Chunk]:
    """Lose the third chunk of text."""
    told = [c for c in chunks if c["choices"] and said(c["choices"][0])]
    if not context.memory.get(_CROWDED) or len(told) < 4:
        return chunks
    return [chunk for chunk in chunks if chunk is not told[2]]


@joined(
    "META-059",
    _noticed,
    _third_lost,
    also=dict.fromkeys(
        (
            "CHAT-REQ-027",
            "CHAT-SEM-006",
            "CHAT-SEM-012",
            "META-050",
            "META-052",
            "COMP-RES-017",
            "COMP-SEM-003",
            "META-037",
            "COMP-SEM-017",
            "META-047",
            "META-055",
            "META-070",
        ),
        "a piece of the text is missing",
    ),
    source="000:387",
    origin="vllm-project/vllm#30099",
)
def gen_stream_loses_a_piece_in_company() -> None:
    """While other requests are in flight a stream loses a piece of its text."""


@in_stream(
    "META-062",
    api=BOTH,
    also=dict.fromkeys(("COMP-SEM-012",), "the usage comes more than once"),
    source="000:388",
    origin="epam/ai-dial-adapter-openai#140",
)
def gen_stream_usage_at_each_end(
    context: RequestContext, chunks: list[Chunk]
) -> Iterator[Chunk]:
    """With several choices the usage is sent when each of them ends."""
    last = chunks[-1]
    for chunk in chunks:
        yield chunk
        ended = any(piece["finish_reason"] for piece in chunk["choices"])
        if ended and not last["choices"] and context.parameters["n"] > 1:
            yield last


@in_stream(
    "CHAT-RES-020",
    api=BOTH,
    also=dict.fromkeys(
        (
            "COMMON-RES-009",
            "COMP-RES-013",
            "META-038",
        ),
        "the prompt is not counted along the way",
    ),
    source="000:388",
    origin="vllm-project/vllm#9028",
)
def gen_stream_continuous_usage_lacks_the_prompt(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Under continuous_usage_stats prompt_tokens is 0 until the last chunk."""
    for chunk in chunks:
        usage = chunk.get("usage")
        if usage and chunk["choices"]:
            chunk["usage"] = {
                **usage, "prompt_tokens": 0, "total_tokens": usage["completion_tokens"]
            }  # fmt: skip


@in_parameters(
    "META-065",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-011",
            "COMP-SEM-008",
            "META-035",
        ),
        "one choice",
    ),
    source="000:383",
    origin="router-for-me/CLIProxyAPI#961",
)
def gen_stream_n_not_read(context: RequestContext) -> object:
    """In streams n is accepted and ignored."""
    values = context.parameters
    acted = bool(values["stream"]) and values["n"] > 1
    if acted:
        values["n"] = 1
    return acted


@in_parameters(
    "CHAT-REQ-041",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-REQ-017",
            "CHAT-REQ-026",
            "CHAT-REQ-028",
            "CHAT-REQ-034",
            "CHAT-REQ-035",
            "CHAT-REQ-036",
            "CHAT-REQ-037",
            "COMMON-RES-001",
            "COMP-REQ-010",
            "COMP-REQ-012",
            "COMP-REQ-015",
            "COMP-REQ-030",
            "COMP-REQ-032",
            "COMP-REQ-035",
        ),
        "a valid stream is a 500",
    ),
    source="000:389",
    origin="paiml/aprender#2076",
)
def gen_stream_temperature_0_crashes(context: RequestContext) -> object:
    """In streams a temperature of 0 is a 500."""
    values = context.parameters
    if not values["stream"] or values["temperature"]:
        return False
    raise Broken("temperature must be a positive finite number", code="crashed")


@in_stream(
    "META-041",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-RES-025",
            "CHAT-SEM-010",
            "COMP-SEM-007",
            "META-059",
        ),
        "the reason is another one",
    ),
    source="000:461",
    origin="PaddlePaddle/FastDeploy#4543",
)
def gen_stream_cut_says_stop(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams a text that is cut at the limit ends with stop."""
    for piece in pieces(chunks):
        if piece["finish_reason"] == "length":
            piece["finish_reason"] = "stop"


@in_stream(
    "META-047",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-013",
            "COMP-SEM-010",
            "META-042",
            "META-059",
        ),
        "the reason is another one",
    ),
    source="000:461",
    origin="EndlessInternational/intelligence#2",
)
def gen_stream_stop_says_length(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams a text that a stop string ends has the reason length."""
    for piece in pieces(chunks):
        if piece.get("stop_reason"):
            piece["finish_reason"] = "length"


@in_stream(
    "META-084",
    api=BOTH,
    also=dict.fromkeys(("COMP-RES-017", "COMP-SEM-002"), "the echo is lost"),
    source="000:387",
    origin="Soju06/codex-lb#1010",
)
def gen_stream_u2028_is_lost(
    context: RequestContext, chunks: list[Chunk]
) -> list[Chunk]:
    """In streams what holds U+2028, U+2029 or U+0085 is left out."""
    return [
        chunk
        for chunk in chunks
        if not any(set(said(p)) & {"\u2028", "\u2029", "\x85"} for p in pieces([chunk]))
    ]


@in_stream(
    "META-059",
    api=BOTH,
    also=dict.fromkeys(
        (
            "COMP-RES-017",
            "COMP-SEM-002",
            "META-071",
            "META-084",
        ),
        "the text is another one",
    ),
    source="000:458",
    origin="anomalyco/opencode#47870",
)
def gen_stream_line_breaks_are_spelled(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """In streams a line break is a backslash and an n."""
    for piece in pieces(chunks):
        say(piece, said(piece).replace("\n", "\\n"))
