"""Bugs of later turns, of choices and calls without a text, and of one for all."""

from copy import deepcopy
from math import exp
from typing import Any

import orjson

from aios_conformance.mockserver.defects.chunks import pieces, said, say
from aios_conformance.mockserver.defects.museum.planting import (
    because,
    in_both,
    refuse_if,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_parameters,
    in_response,
    in_stream,
)
from aios_conformance.serving.codec import encode
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer, Response

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
EMB, RERANK = "embeddings", "rerank"
_SAMPLER = ("frequency_penalty", "presence_penalty", "logit_bias")


def _holds_a_reply(context: RequestContext) -> bool:
    turns = context.parameters["messages"]
    return any(turn["role"] == "assistant" for turn in turns)


@in_parameters("META-050", api=CHAT, also={"CHAT-SEM-012": "the same statement"},
               source="000:385", origin="ggml-org/llama.cpp#1550")  # fmt: skip
def chat_seed_lost_after_a_reply(context: RequestContext) -> object:
    """A seed is not read where the conversation holds a reply."""
    is_lost = context.parameters.get("seed") is not None and _holds_a_reply(context)
    if is_lost:
        context.parameters["seed"] = context.number + 1_000
    return is_lost


@in_parameters("META-058", api=CHAT, also=because(
    "no penalty and no bias acts", "CHAT-SEM-002 CHAT-SEM-003 CHAT-SEM-004",
), source="000:379", origin="DenisovAV/flutter_gemma#432")  # fmt: skip
def chat_sampler_is_lost_after_a_reply(context: RequestContext) -> object:
    """Neither penalties nor biases are read where the conversation holds a reply."""
    values = context.parameters
    if not _holds_a_reply(context) or not any(values.get(n) for n in _SAMPLER):
        return False
    values |= {"frequency_penalty": 0, "presence_penalty": 0, "logit_bias": None}
    return True


@remembering(in_parameters, "META-039", api=CHAT,
             source="000:377", origin="ddalcu/mlx-serve#492")  # fmt: skip
def chat_first_turn_is_answered_again() -> Any:
    """A conversation whose beginning was asked before is answered as that beginning."""
    asked: set[str] = set()

    def edit(context: RequestContext) -> bool:
        turns = context.parameters["messages"]
        begun = [turns[:end] for end in range(1, len(turns))]
        known = next((one for one in begun if repr(one) in asked), None)
        asked.add(repr(turns))
        if known is not None:
            context.parameters["messages"] = known
        return known is not None

    return edit


@in_answer("CHAT-SEM-011", api=BOTH, also=because(
    "a choice has no text",
    "COMP-SEM-008 COMP-SEM-002 META-084 META-071 META-086 COMP-RES-017 META-050 "
    "CHAT-SEM-012",
), source="000:383", origin="turboderp-org/exllamav3#88")  # fmt: skip
def gen_second_choice_is_empty(context: RequestContext, answer: Answer) -> object:
    """Whole answers have no text in their second choice."""
    for choice in answer["choices"][1:2]:
        if "text" in choice:
            choice["text"] = ""
        elif choice["message"]["content"]:
            choice["message"]["content"] = ""
    return len(answer["choices"]) > 1


@remembering(in_stream, "META-055", api=BOTH, also=because(
    "the same statement", "COMP-SEM-017 CHAT-SEM-022",
), source="000:588", origin="headroomlabs-ai/headroom#1473")  # fmt: skip
def gen_stream_cache_key_lacks_top_p() -> Any:
    """Streams are cached under a key that lacks top_p."""
    first: dict[str, list[Chunk]] = {}

    def edit(context: RequestContext, chunks: list[Chunk]) -> list[Chunk]:
        values = sorted(i for i in context.parameters.items() if i[0] != "top_p")
        kept = first.setdefault(repr((context.api, values)), deepcopy(chunks))
        now = {"id": context.id, "created": context.created}
        return [chunk | now for chunk in deepcopy(kept)]

    return edit


@in_answer("META-090", api=EMB, also=because(
    "one vector for all",
    "EMB-SEM-002 EMB-SEM-003 EMB-SEM-004 META-025 META-091 META-093 META-097 META-098 "
    "META-099 RERANK-SEM-007 SCORE-SEM-006",
), source="000:765", origin="epam/ai-dial-adapter-vertexai#130")  # fmt: skip
def emb_all_have_the_last_vector(context: RequestContext, answer: Answer) -> object:
    """Each input of a list has the vector of the last."""
    for item in answer["data"]:
        item["embedding"] = answer["data"][-1]["embedding"]
    return len(answer["data"]) > 1


@in_parameters("META-092", api=EMB, also=because(
    "another text",
    "EMB-SEM-003 EMB-SEM-004 META-090 META-093 META-097 META-099 META-101",
), source="000:729", origin="theroyallab/tabbyAPI#290")  # fmt: skip
def emb_string_is_its_first_letter(context: RequestContext) -> object:
    """A single string is taken for the list of its letters, of which one is read."""
    given = context.parameters["input"]
    is_string = isinstance(given, str) and len(given) > 1
    if is_string:
        context.parameters["input"] = given[0]
    return is_string


@in_response("COMMON-RES-002", api=RERANK, source="000:103",
             origin="BerriAI/litellm#29156")  # fmt: skip
def rerank_is_a_bare_list(context: RequestContext, found: Response) -> Response:
    """The answer is a list of results, each with a score and the document's text."""
    results = [
        {
            "score": result["relevance_score"],
            "index": result["index"],
            "document": result["document"]["text"],
        }
        for result in orjson.loads(found[2])["results"]
    ]
    return found[0], found[1], encode(results)


@in_answer("META-016", api=RERANK, also=because(
    "no relevance", "RERANK-SEM-007 META-017",
), source="000:23", origin="modusensus/dsh-mneme#188")  # fmt: skip
def rerank_scores_are_all_half(context: RequestContext, answer: Answer) -> object:
    """Every score is 0.5."""
    for result in answer["results"]:
        result["relevance_score"] = 0.5
    return True


@in_parameters("CHAT-REQ-030", api=BOTH, also=because(
    "a valid request is refused", "COMMON-RES-001 COMP-REQ-029",
), source="000:386", origin="osaurus-ai/osaurus#1793")  # fmt: skip
def gen_stop_string_refused(context: RequestContext) -> object:
    """A stop that is a string is refused, a list of it is not."""
    return refuse_if(isinstance(context.parameters.get("stop"), str))


@in_both("CHAT-SEM-005", api=CHAT, source="000:380",
         origin="theroyallab/tabbyAPI#430")  # fmt: skip
def chat_logprobs_are_null(context: RequestContext, told: Answer) -> object:
    """Chat has no log probabilities, completions have."""
    scored = [choice for choice in told["choices"] if choice["logprobs"]]
    for choice in scored:
        choice["logprobs"] = None
    return bool(scored)


@in_stream("CHAT-SEM-019", api=CHAT, also=because("no call", "META-077 META-059"),
           source="000:393", origin="QuantumNous/new-api#7252")  # fmt: skip
def chat_stream_calls_are_lost(context: RequestContext, chunks: list[Chunk]) -> None:
    """In streams there are no calls, and the reason is stop."""
    for piece in pieces(chunks):
        piece["delta"].pop("tool_calls", None)
        if piece["finish_reason"] == "tool_calls":
            piece["finish_reason"] = "stop"


@in_answer("CHAT-RES-005", api=CHAT, also=because(
    "the client cannot read it", "COMMON-SEM-002 CHAT-SEM-001",
), source="000:454", origin="langwatch/tasks#465")  # fmt: skip
def chat_cut_has_no_choices(context: RequestContext, answer: Answer) -> object:
    """Where the limit cuts every choice, choices is null."""
    is_cut = all(one["finish_reason"] == "length" for one in answer["choices"])
    if is_cut:
        answer["choices"] = None
    return is_cut


@in_answer("META-059", api=BOTH, also=because(
    "all but the end is lost",
    "CHAT-SEM-010 CHAT-SEM-022 COMP-RES-017 COMP-SEM-002 COMP-SEM-007 META-041 "
    "META-044 META-047 META-049 META-055 META-071 META-084 META-086",
), source="000:458", origin="huggingface/text-generation-inference#2466")  # fmt: skip
def gen_whole_is_the_last_word(context: RequestContext, answer: Answer) -> object:
    """Whole answers are their last word, and never say that they were cut."""
    for choice in answer["choices"]:
        told, name = (
            (choice, "text") if "text" in choice else (choice["message"], "content")
        )
        if told[name]:
            told[name] = "".join(told[name].split()[-1:])
        if choice["finish_reason"] == "length":
            choice["finish_reason"] = "stop"
    return True


@in_stream("META-059", api=BOTH, also=because(
    "the text comes again", "COMP-RES-017 META-047 META-071",
), source="000:387", origin="NVIDIA/TensorRT-LLM#3280")  # fmt: skip
def gen_stream_piece_holds_all_so_far(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The twelfth piece of a choice holds all the text so far."""
    told: dict[int, list[str]] = {}
    for piece in filter(said, pieces(chunks)):
        before = told.setdefault(piece["index"], [])
        before.append(said(piece))
        if len(before) == 12:
            say(piece, "".join(before))


@in_stream("META-064", api=BOTH, also=because(
    "more tokens than there are",
    "CHAT-SEM-007 CHAT-SEM-008 COMP-SEM-004 COMP-SEM-005 META-040 META-042 META-062",
), source="000:388", origin="vllm-project/vllm-omni#2313")  # fmt: skip
def gen_continuous_usage_adds_up(context: RequestContext, chunks: list[Chunk]) -> None:
    """Under continuous_usage_stats each chunk adds its count to those before."""
    options = context.parameters.get("stream_options") or {}
    total = 0
    for chunk in chunks if options.get("continuous_usage_stats") else ():
        if usage := chunk.get("usage"):
            total += usage["completion_tokens"]
            sum_ = usage["prompt_tokens"] + total
            chunk["usage"] = usage | {"completion_tokens": total, "total_tokens": sum_}


@in_stream("META-061", api=COMP, also=because(
    "no reason is told", "COMP-SEM-010 META-047",
), source="000:621", origin="tenstorrent/tt-inference-server#2592")  # fmt: skip
def comp_stream_end_has_no_choice(context: RequestContext, chunks: list[Chunk]) -> None:
    """The chunk that ends a streamed completion has an empty list of choices."""
    for chunk in chunks:
        if any(piece["finish_reason"] for piece in chunk["choices"]):
            chunk["choices"] = []


@in_stream("COMP-RES-018", api=COMP, source="000:623",
           origin="Ai00-X/ai00_server#101")  # fmt: skip
def comp_stream_pieces_are_of_chat(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Pieces of completions have a delta with content, and no text."""
    for piece in pieces(chunks):
        piece["delta"] = {"content": piece.pop("text")}


@in_both(api=BOTH, freedom="A-095: reasons are not enumerated", source="000:461",
         origin="SillyTavern/SillyTavern#2122")  # fmt: skip
def gen_end_is_eos_token_free(context: RequestContext, told: Answer) -> object:
    """A text that ends of itself has the reason eos_token."""
    ended = [
        choice
        for choice in told["choices"]
        if choice["finish_reason"] == "stop" and choice.get("stop_reason") is None
    ]
    for choice in ended:
        choice["finish_reason"] = "eos_token"
    return bool(ended)


@in_both(api=BOTH, freedom="A-025: answers may hold what no table lists",
         source="000:462", origin="smg-project/smg#1447")  # fmt: skip
def gen_matched_stop_free(context: RequestContext, told: Answer) -> object:
    """Each choice has a second member that tells which stop string ended it."""
    for choice in told["choices"]:
        choice["matched_stop"] = choice.get("stop_reason")
    return bool(told["choices"])


@in_answer(api="rerank score", freedom="000:107: what a score within 0 to 1 means",
           source="000:107", origin="withcatai/node-llama-cpp#617")  # fmt: skip
def cross_scores_from_a_half_free(context: RequestContext, answer: Answer) -> object:
    """A cross-encoder's scores lie between 0.5 and 0.74, in the same order."""
    if not context.served.cross_encoder:
        return False
    for item in answer.get("results") or answer["data"]:
        name = "score" if "score" in item else "relevance_score"
        item[name] = 1 / (1 + exp(-item[name]))
    return True
