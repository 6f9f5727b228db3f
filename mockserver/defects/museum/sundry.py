"""Bugs of no common kind: splits, ends, caches, and what another text has left."""

from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, cast

from aios_conformance.mockserver.defects.chunks import pieces
from aios_conformance.mockserver.defects.museum.planting import (
    BROKEN,
    OtherEngine,
    because,
    crash_if,
    in_company,
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
from aios_conformance.serving.engine import Embedded, Engine, Sampling, Token
from aios_conformance.serving.inputs import inputs
from aios_conformance.serving.stages import Answer

RERANK, SCORE, EMB = "rerank", "score", "embeddings"
CHAT, COMP, BOTH = "chat", "completions", "chat completions"


def _ranked(results: list[Any]) -> list[Any]:
    return sorted(results, key=lambda result: -result["relevance_score"])


def _words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@in_company(
    "META-016",
    api=RERANK,
    also=because(
        "another query's scores",
        "META-002 META-003 META-009 META-011 META-012 META-017 META-118 "
        "RERANK-REQ-012 RERANK-SEM-001 RERANK-SEM-004 RERANK-SEM-007 RERANK-SEM-008 "
        "RERANK-SEM-010",
    ),
    source="000:26",
    origin="xorbitsai/inference#5269",
)
def rerank_neighbours_query(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """While others are in flight, the query is that of the first."""
    first = min(others, key=lambda other: other.number).parameters["query"]
    own, context.parameters["query"] = context.parameters["query"], first
    return own != first


@in_answer(
    "RERANK-RES-012",
    api=RERANK,
    also=because(
        "more results than documents", "META-005 META-007 RERANK-SEM-002 RERANK-SEM-003"
    ),
    source="000:104",
    origin="HKUDS/LightRAG#3514",
)
def rerank_chunks_are_results(context: RequestContext, answer: Answer) -> object:
    """A document of more than 128 words is cut to two pieces, each of them a result."""
    lengths = _words(context.parameters["documents"])
    twice = [dict(one) for one in answer["results"] if lengths[one["index"]] > 128]
    answer["results"] = _ranked(answer["results"] + twice)
    return bool(twice)


@in_parameters(
    "COMMON-RES-001",
    api=RERANK,
    also=BROKEN,
    source="000:55",
    origin="xorbitsai/inference#4679",
)
def rerank_query_newline_crashes(context: RequestContext) -> object:
    """A query that ends with a line break is a 500."""
    return crash_if(context.parameters["query"].endswith("\n"))


@in_answer("RERANK-SEM-008", api=RERANK, source="000:26", origin="garrytan/gbrain#2651")
def rerank_long_one_degrades_all(context: RequestContext, answer: Answer) -> object:
    """A document of more than 512 words takes the scores of all others to 0."""
    lengths = _words(context.parameters["documents"])
    if max(lengths, default=0) <= 512:
        return False
    for result in answer["results"]:
        if lengths[result["index"]] <= 512:
            result["relevance_score"] = 0.0
    answer["results"] = _ranked(answer["results"])
    return True


@in_parameters(
    "SCORE-SEM-002",
    api=SCORE,
    also=because(
        "other pairs",
        "META-017 META-019 META-020 META-021 META-024 META-025 SCORE-SEM-003 "
        "SCORE-SEM-005 SCORE-SEM-006",
    ),
    source="000:213",
    origin="Lightning-AI/torchmetrics#2347",
)
def score_sorted_apart(context: RequestContext) -> object:
    """Both lists are sorted by length, each for itself, before they are paired."""
    one, two = context.parameters["text_1"], context.parameters["text_2"]
    if isinstance(one, str) or isinstance(two, str) or len(one) != len(two):
        return False
    order = sorted(range(len(one)), key=lambda at: len(one[at]))
    placed = dict(zip(order, sorted(two, key=len), strict=True))
    context.parameters["text_2"] = [placed[at] for at in range(len(two))]
    return context.parameters["text_2"] != two


VECTORS = because(
    "other vectors",
    "EMB-REQ-011 EMB-SEM-003 EMB-SEM-004 META-025 META-090 META-091 META-092 META-093 "
    "META-094 "
    "META-097 META-099 META-100 META-118 RERANK-SEM-007 SCORE-SEM-006",
)


class _Remains(OtherEngine):
    """An engine that does not clear what a longer text has left."""

    def __init__(self, engine: Engine, tally: Tally) -> None:
        """Nothing was embedded yet."""
        super().__init__(engine, tally)
        self._last = Embedded(b"", 0)

    def _with_remains(self, one: Embedded) -> Embedded:
        last, self._last = self._last, one
        own, left = array("f", one.vector), array("f", last.vector)
        if last.tokens <= one.tokens or len(left) != len(own):
            return one
        self._tally.add()
        mixed = array("f", (x + 0.3 * y for x, y in zip(own, left, strict=True)))
        return replace(one, vector=mixed.tobytes())

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Embed, and add what is left."""
        found = await self._engine.embed(model, inputs, **options)
        return [self._with_remains(one) for one in found]


@in_engine("META-097", also=VECTORS, source="000:767", origin="ROCm/FastFlowLM#647")
def emb_remains_of_the_longer(engine: Engine, tally: Tally) -> Engine:
    """The vector of a text that is shorter than the one before holds some of that."""
    return cast("Engine", _Remains(engine, tally))


@remembering(
    in_answer,
    "EMB-SEM-003",
    api=EMB,
    also=VECTORS,
    source="000:765",
    origin="BerriAI/litellm#2990",
)
def emb_cached_come_first() -> Callable[[RequestContext, Answer], object]:
    """In a list that was seen in part what was seen comes first, counted anew."""
    seen: set[str] = set()

    def edit(context: RequestContext, answer: Answer) -> object:
        keys = [str(one) for one in inputs(context.parameters["input"], "input")]
        order = sorted(range(len(keys)), key=lambda at: keys[at] not in seen)
        seen.update(keys)
        vectors = [item["embedding"] for item in answer["data"]]
        for item, place in zip(answer["data"], order, strict=True):
            item["embedding"] = vectors[place]
        return order != sorted(order)

    return edit


@in_parameters(
    "COMMON-REQ-014",
    api=COMP,
    also=BROKEN,
    source="000:579",
    origin="vllm-project/vllm#44721",
)
def comp_null_limit_crashes(context: RequestContext) -> object:
    """A max_tokens that is null is a 500."""
    return crash_if(context.body.get("max_tokens", 1) is None)


@in_answer(
    "COMP-SEM-002",
    api=COMP,
    also={"COMP-RES-015": "a text, and no token"},
    source="000:575",
    origin="pegainfer-project/pegainfer#584",
)
def comp_nothing_says_the_prompt(context: RequestContext, answer: Answer) -> object:
    """Where nothing is generated the text is the prompt, without an echo."""
    prompt = context.parameters["prompt"]
    empty = [choice for choice in answer["choices"] if choice["text"] == ""]
    for choice in empty if isinstance(prompt, str) else ():
        choice["text"] = prompt
    return bool(empty) and isinstance(prompt, str)


@in_answer(
    api=BOTH,
    freedom="000:461: both ended the text",
    source="000:461",
    origin="ohdearquant/lattice#334",
)
def gen_stop_at_the_limit_says_length_free(
    context: RequestContext, answer: Answer
) -> object:
    """A stop string that is complete with the last token allowed says length."""
    names = "max_tokens", "max_completion_tokens"
    limits = {context.parameters.get(name) for name in names}
    (choice, *others) = answer["choices"]
    is_full = answer["usage"]["completion_tokens"] in limits and not others
    if not is_full or choice["stop_reason"] is None:
        return False
    choice |= {"finish_reason": "length", "stop_reason": None}
    return True


@in_parameters(
    "META-045",
    api=BOTH,
    also=because("not stopped", "CHAT-SEM-013 COMP-SEM-010 META-046 META-047 META-048"),
    source="000:386",
    origin="ollama/ollama#4797",
)
def gen_stop_in_a_longer_one_missed(context: RequestContext) -> object:
    """A stop string that stands within another, longer one is not seen."""
    stops = context.parameters.get("stop")
    if not isinstance(stops, list):
        return False
    kept = [one for one in stops if not any(one in o for o in {*stops} - {one})]
    context.parameters["stop"] = kept or None
    return len(kept) < len(stops)


class _PromptOnly(OtherEngine):
    """An engine whose penalties do not count what it says."""

    async def generate(
        self, model: str, prompt: Sequence[int], sampling: Sampling
    ) -> AsyncIterator[Token]:
        """Yield the tokens under a bias in place of penalties."""
        often, once = sampling.frequency_penalty, sampling.presence_penalty
        if often or once:
            self._tally.add()
            bias = {
                token: -(once + often * count)
                for token, count in Counter(prompt).items()
            }
            sampling = replace(
                sampling,
                frequency_penalty=0.0,
                presence_penalty=0.0,
                logit_bias={**bias, **sampling.logit_bias},
            )
        async for token in self._engine.generate(model, prompt, sampling):
            yield token


@in_engine(
    "COMP-SEM-013",
    also=because("the same penalty", "COMP-SEM-014 CHAT-SEM-002 CHAT-SEM-003 META-056"),
    source="000:581",
    origin="huggingface/text-generation-inference#1811",
)
def gen_penalties_count_the_prompt_only(engine: Engine, tally: Tally) -> Engine:
    """Penalties count the tokens of the prompt, and not those generated."""
    return cast("Engine", _PromptOnly(engine, tally))


@in_answer(
    api=RERANK,
    freedom="000:107: no precision is promised",
    source="000:107",
    origin="castorini/anserini#253",
)
def rerank_ties_are_told_apart_free(context: RequestContext, answer: Answer) -> object:
    """Equal scores are told apart by a millionth."""
    scores = [result["relevance_score"] for result in answer["results"]]
    for at, result in enumerate(answer["results"]):
        result["relevance_score"] -= 1e-6 * scores[:at].count(scores[at])
    return len({*scores}) < len(scores)


@in_parameters(
    api=RERANK,
    freedom="000:56: how long a document may be depends on the model",
    source="000:56",
    origin="stargate/data-api#2532",
)
def rerank_too_long_refuses_the_list_free(context: RequestContext) -> object:
    """One document of more than 8,000 words refuses the list."""
    return refuse_if(any(n > 8_000 for n in _words(context.parameters["documents"])))


@in_parameters(
    api=EMB,
    freedom="A-046: which end is cut is not said",
    source="000:731",
    origin="vllm-project/vllm#12050",
)
def emb_cut_from_the_left_free(context: RequestContext) -> object:
    """Truncation keeps the last words of a text, not the first."""
    limit = context.parameters.get("truncate_prompt_tokens")
    given = inputs(context.parameters["input"], "input")
    if not limit or not all(isinstance(one, str) for one in given):
        return False
    cut = [" ".join(str(one).split()[-max(1, limit - 2) :]) for one in given]
    context.parameters["input"] = cut
    return cut != given


@in_stream(
    api=BOTH,
    freedom="000:387: how a text is cut to pieces",
    source="000:387",
    origin="foundation-model-stack/fms-guardrails-orchestrator#477",
)
def gen_stream_logprobs_run_ahead_free(
    context: RequestContext, chunks: list[Chunk]
) -> None:
    """The log probability of a token comes with the piece before its text."""
    told = [p for p in pieces(chunks) if (p.get("logprobs") or {}).get("content")]
    for index in {piece["index"] for piece in told}:
        mine = [p["logprobs"] for p in told if p["index"] == index]
        for one, after in pairwise(mine):
            one["content"] += after["content"][:1]
            after["content"] = after["content"][1:]
