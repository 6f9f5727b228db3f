"""Bugs of what meets something else: refused, lost, read as another, or told twice."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from aios_conformance.mockserver.defects.chunks import pieces, say
from aios_conformance.mockserver.defects.museum.caches import PENALTIES, without
from aios_conformance.mockserver.defects.museum.planting import (
    ACCEPTED,
    OtherEngine,
    because,
    in_both,
    refuse_if,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    Chunk,
    in_answer,
    in_engine,
    in_parameters,
    in_stream,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Embedded, Engine
from aios_conformance.serving.stages import Answer

CHAT, BOTH, EMB, RERANK = "chat", "chat completions", "embeddings", "rerank"


@in_parameters(
    "CHAT-REQ-018",
    api=CHAT,
    also=ACCEPTED | because("what stands beside it", "CHAT-REQ-034 CHAT-REQ-046"),
    source="000:380",
    origin="ggml-org/llama.cpp#28478",
)
def chat_stream_logprobs_beside_tools_refused(context: RequestContext) -> object:
    """Log probabilities are refused in streams with tools."""
    given = context.parameters
    return refuse_if(given["stream"] and given.get("tools") and given["logprobs"])


def _read(context: RequestContext, turns: list[Any]) -> object:
    """Put these turns in place of those sent, if they are others."""
    sent, context.parameters["messages"] = context.parameters["messages"], turns
    return turns != sent


@in_parameters("META-039", api=CHAT, source="000:377", origin="vllm-project/vllm#30648")
def chat_empty_calls_lose_the_reply(context: RequestContext) -> object:
    """An earlier reply that comes back with an empty list of calls loses its text."""
    sent = context.parameters["messages"]
    return _read(
        context,
        [{**m, "content": ""} if m.get("tool_calls") == [] else m for m in sent],
    )


@in_parameters("META-039", api=CHAT, source="000:377", origin="nomic-ai/gpt4all#3256")
def chat_replies_are_not_read(context: RequestContext) -> object:
    """Earlier replies are not in the prompt."""
    sent = context.parameters["messages"]
    return _read(
        context, [m for m in sent if m["role"] != "assistant" or m.get("tool_calls")]
    )


@in_stream(
    "META-059",
    api=BOTH,
    also=because("less text than tokens", "COMP-RES-017 META-047 META-071"),
    source="000:387",
    origin="BerriAI/litellm#5158",
)
def gen_stream_with_a_penalty_is_cut(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Streams under a frequency_penalty have no text from the sixth piece on."""
    seen: Counter[int] = Counter()
    is_cut = context.parameters["frequency_penalty"] > 0
    for piece in pieces(chunks) if is_cut else ():
        seen[piece["index"]] += 1
        if seen[piece["index"]] > 5:
            say(piece, "")


@in_parameters(
    "CHAT-SEM-002",
    api=BOTH,
    also=because("has no effect", "CHAT-SEM-003 COMP-SEM-013 COMP-SEM-014 META-059"),
    source="000:378",
    origin="pydantic/pydantic-ai#5939",
)
def gen_whole_penalties_not_read(context: RequestContext) -> object:
    """Whole answers ignore penalties, streams obey them."""
    values = context.parameters
    if values["stream"] or not any(values[name] for name in PENALTIES):
        return False
    values |= dict.fromkeys(PENALTIES, 0)
    return True


@in_stream(
    "META-061",
    api=BOTH,
    also={"CHAT-RES-016": "the second choice has no reason"},
    source="000:456",
    origin="ggml-org/llama.cpp#20226",
)
def gen_stream_ends_the_first_choice_only(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The chunk that ends a choice of a stream has index 0, whichever it ends."""
    for piece in pieces(chunks):
        if piece.get("finish_reason"):
            piece["index"] = 0


@in_stream(
    "META-059", api=CHAT, source="000:460", origin="llm-d/llm-d-inference-sim#545"
)
def chat_stream_calls_are_the_last(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Several calls of a stream all have the name and arguments of the last."""
    parts: defaultdict[int, defaultdict[int, list[Any]]]
    parts = defaultdict(lambda: defaultdict(list))
    for piece in pieces(chunks):
        for call in piece["delta"].get("tool_calls") or ():
            parts[piece["index"]][call["index"]].append(call["function"])
    for calls in parts.values():
        *others, last = calls.values()
        name = last[0]["name"]
        text = "".join(part.get("arguments") or "" for part in last)
        for first, *rest in others:
            first |= {"name": name, "arguments": text}
            for part in rest:
                part["arguments"] = ""


@remembering(
    in_answer,
    "META-076",
    api=CHAT,
    also=because(
        "a call of before", "CHAT-SEM-017 CHAT-SEM-019 CHAT-SEM-020 META-077 META-079"
    ),
    source="000:392",
    origin="theopenco/llmgateway#3747",
)
def chat_cache_key_lacks_the_tools() -> Any:
    """Whole answers are cached under a key that lacks tools and tool_choice."""
    return without(("tools", "tool_choice"))


class _Slipping(OtherEngine):
    """An engine that reads what it has cut off a text as the next one."""

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Embed, and let vectors slip behind the first text that is cut."""
        found = await self._engine.embed(model, inputs, **options)
        whole = await self._engine.embed(model, inputs, **options | {"truncate": None})
        pairs = zip(found, whole, strict=True)
        cut = [i for i, (one, all_) in enumerate(pairs, 1) if one.tokens < all_.tokens]
        if not cut or cut[0] == len(found):
            return found
        self._tally.add()
        late = zip(found[cut[0] :], found[cut[0] - 1 :], strict=False)
        slipped = [replace(own, vector=other.vector, json=None) for own, other in late]
        return [*found[: cut[0]], *slipped]


@in_engine("EMB-SEM-002", source="000:765", origin="caikit/caikit-nlp#343")
def emb_truncated_lists_slip(engine: Engine, tally: Tally) -> Engine:
    """In a list, a text that is cut off takes the place of the next one as well."""
    return cast("Engine", _Slipping(engine, tally))


class _Lettering(OtherEngine):
    """An engine whose limit is of characters."""

    async def embed(
        self,
        model: str,
        inputs: Sequence[Any],
        *,
        truncate: int | None = None,
        **options: Any,
    ) -> list[Embedded]:
        """Embed what so many characters leave."""
        read = [t[:truncate] if isinstance(t, str) else t for t in inputs]
        if read != [*inputs]:
            self._tally.add()
        return await self._engine.embed(model, read, **options)


@in_engine("META-099", also={"EMB-SEM-005": "too many tokens are read"},
           source="000:731", origin="xorbitsai/inference#5151")  # fmt: skip
def emb_limit_is_of_characters(engine: Engine, tally: Tally) -> Engine:
    """truncate_prompt_tokens limits characters, not tokens."""
    return cast("Engine", _Lettering(engine, tally))


@remembering(
    in_answer,
    "EMB-RES-009",
    api=EMB,
    source="000:730",
    origin="tensorzero/tensorzero#3633",
)
def emb_cached_comes_as_first_encoded() -> Any:
    """A vector that was asked for before comes in the format of that time."""
    first: dict[str, list[Any]] = {}

    def edit(context: RequestContext, answer: Answer) -> bool:
        values = context.parameters
        key = repr((values["input"], values.get("truncate_prompt_tokens")))
        new = [item["embedding"] for item in answer["data"]]
        old = first.setdefault(key, new)
        for item, vector in zip(answer["data"], old, strict=True):
            item["embedding"] = vector
        return old != new

    return edit


@in_answer(
    "RERANK-SEM-008",
    api=RERANK,
    also=because(
        "one score for all",
        "META-002 META-008 META-009 META-016 META-017 RERANK-SEM-004 RERANK-SEM-007",
    ),
    source="000:26",
    origin="castorini/pygaggle#325",
)
def rerank_all_have_the_last_score(context: RequestContext, answer: Answer) -> object:
    """Every document has the score of the last one."""
    results = answer["results"]
    for result in results:
        result["relevance_score"] = results[-1]["relevance_score"]
    return len(results) > 1


@in_both(
    api=BOTH,
    freedom="000:388: what usage is before the last chunk",
    source="000:388",
    origin="EricLBuehler/mistral.rs#1539",
)
def gen_stream_usage_is_null_free(context: RequestContext, said: Answer) -> object:
    """Each chunk has a usage, which is null but for the last."""
    return said.setdefault("usage", None) is None


@in_stream(
    api=CHAT,
    freedom="000:458: content beside calls",
    source="000:458",
    origin="vllm-project/vllm-ascend#14501",
)
def chat_stream_content_beside_calls_is_null_free(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """Pieces of calls have a content, which is null."""
    for piece in pieces(chunks):
        if piece["delta"].get("tool_calls"):
            piece["delta"].setdefault("content", None)
