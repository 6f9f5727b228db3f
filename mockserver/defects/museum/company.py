"""Bugs of company: neighbours in flight, in a batch, in a list; and seeds, lost."""

from array import array
from collections.abc import Sequence
from math import exp, sqrt
from typing import Any, cast

from aios_conformance.mockserver.defects.museum.planting import (
    OtherEngine,
    because,
    in_company,
    joined,
)
from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_engine,
    in_parameters,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Embedded, Engine
from aios_conformance.serving.stages import Answer

CHAT, COMP, BOTH = "chat", "completions", "chat completions"
EMB, RERANK, SCORE = "embeddings", "rerank", "score"
_WANTED = "top_n that was asked for"


@in_company(
    "META-069",
    api=BOTH,
    also=because(
        "the text is drawn, or is not",
        "CHAT-REQ-013 CHAT-REQ-027 CHAT-REQ-040 CHAT-REQ-054 CHAT-SEM-012 CHAT-SEM-016 "
        "CHAT-SEM-022 COMP-REQ-011 COMP-REQ-026 COMP-REQ-034 COMP-REQ-038 COMP-SEM-009 "
        "COMP-SEM-016 COMP-SEM-017 META-047 META-048 META-049 META-050 META-052 "
        "META-053 META-054 META-055 META-059 META-073 META-084 META-086 META-087 "
        "META-117 META-118 META-119",
    ),
    source="000:389",
    origin="Blaizzy/mlx-vlm#1647",
)
def gen_temperature_of_the_neighbour(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """A request is drawn at the temperature, and top_p, of the first one in flight."""
    names = ("temperature", "top_p")
    theirs = {name: others[0].body.get(name, 1) for name in names}
    acted = any(context.parameters[name] != theirs[name] for name in names)
    context.parameters |= theirs
    return acted


@in_company(
    "META-045",
    api=BOTH,
    also=because(
        "the text ends elsewhere",
        "CHAT-SEM-002 CHAT-SEM-012 CHAT-SEM-013 COMP-SEM-009 COMP-SEM-010 META-046 "
        "META-047 META-048 META-050 META-059 META-073 META-119",
    ),
    source="000:386",
    origin="raullenchai/Rapid-MLX#665",
)
def gen_stop_of_the_neighbour(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """A request stops at the stop strings of the first one in flight."""
    theirs = others[0].body.get("stop")
    acted = context.parameters.get("stop") != theirs
    context.parameters["stop"] = theirs
    return acted


def _unseeded(context: RequestContext) -> bool:
    """Draw by a seed of the server's own."""
    is_seeded = context.parameters.get("seed") is not None
    if is_seeded:
        context.parameters["seed"] = context.number + 1_000
    return is_seeded


@in_parameters("META-050", api=COMP, also={"COMP-SEM-009": "the same statement"},
               source="000:583", origin="pydantic/pydantic-ai#6561")  # fmt: skip
def comp_stream_seed_not_passed_on(context: RequestContext) -> object:
    """In streams of completions a seed is accepted and not read."""
    return context.parameters["stream"] and _unseeded(context)


@in_parameters("META-050", api=CHAT, also={"CHAT-SEM-012": "the same statement"},
               source="000:385", origin="pydantic/pydantic-ai#6561")  # fmt: skip
def chat_seed_beside_tools_not_passed_on(context: RequestContext) -> object:
    """Beside tools a seed is accepted and not read."""
    return bool(context.parameters.get("tools")) and _unseeded(context)


@in_parameters("META-039", api=CHAT, source="000:377",
               origin="openmake/openmake_llm#543")  # fmt: skip
def chat_system_lost_without_tools(context: RequestContext) -> object:
    """Without tools system messages are left out of the prompt."""
    sent = context.parameters["messages"]
    read = [one for one in sent if one["role"] != "system"]
    if context.parameters.get("tools") or read == sent or not read:
        return False
    context.parameters["messages"] = read
    return True


@in_parameters(api=RERANK)
def _all_at_first(context: RequestContext) -> object:
    context.memory[_WANTED] = context.parameters["top_n"]
    context.parameters["top_n"] = 0
    return False


_SORTED = 8


@in_answer(api=RERANK)
def _head_alone(context: RequestContext, answer: Answer) -> object:
    best = answer["results"]
    given = sorted(best, key=lambda result: result["index"])
    head = sorted(given[:_SORTED], key=lambda result: -result["relevance_score"])
    answer["results"] = (head + given[_SORTED:])[: context.memory[_WANTED] or None]
    return len(given) > _SORTED and head + given[_SORTED:] != best


@joined("RERANK-SEM-006", _all_at_first, _head_alone,
        also=because("others, or in another order",
                     "META-001 META-002 META-011 RERANK-SEM-001 RERANK-SEM-004"),
        source="000:56", origin="dondai44423/donsetch#125")  # fmt: skip
def rerank_first_8_are_sorted() -> None:
    """Of a long list the first 8 documents are sorted, and others follow as given."""


class _Unmasked(OtherEngine):
    """An engine in which what pads a text up to the longest is read as well."""

    async def embed(
        self, model: str, inputs: Sequence[Any], **options: Any
    ) -> list[Embedded]:
        """Push each vector the further, the more its text is padded."""
        found: list[Embedded] = await self._engine.embed(model, inputs, **options)
        width = max((one.tokens for one in found), default=0)
        self._tally.add(any(one.tokens < width for one in found))
        return [self._pushed(one, width - one.tokens) for one in found]

    def _pushed(self, one: Embedded, pads: int) -> Embedded:
        if not pads:
            return one
        vector = array("f", one.vector)
        push = 0.02 * pads / sqrt(len(vector))
        pushed = [x + (push if i % 2 else -push) for i, x in enumerate(vector)]
        length = sqrt(sum(x * x for x in pushed)) or 1.0
        return Embedded(array("f", [x / length for x in pushed]).tobytes(), one.tokens)


@in_engine("EMB-SEM-003", also=because(
    "another vector in another batch",
    "META-025 META-090 META-091 META-092 META-093 META-094 META-097 META-099 META-100 "
    "EMB-SEM-004 EMB-SEM-005 EMB-REQ-011 RERANK-SEM-007 SCORE-SEM-006 META-118 "
    "META-119",
), source="000:765", origin="HKUDS/LightRAG#3675")  # fmt: skip
def emb_padding_is_read(engine: Engine, tally: Tally) -> Engine:
    """A vector depends on how much longer the longest text of its batch is."""
    return cast("Engine", _Unmasked(engine, tally))


@in_answer("SCORE-SEM-005", api=SCORE, also=because(
    "not of the pair alone",
    "SCORE-SEM-002 SCORE-SEM-003 SCORE-SEM-006 META-010 META-017 META-019 META-020 "
    "META-021 META-022 META-025 META-026 META-027 META-032 SCORE-SEM-007 META-118",
), source="000:179", origin="Marker-Inc-Korea/AutoRAG#403")  # fmt: skip
def score_is_a_share(context: RequestContext, answer: Answer) -> object:
    """The scores of a request add up to 1."""
    likely = [exp(item["score"]) for item in answer["data"]]
    for item, one in zip(answer["data"], likely, strict=True):
        item["score"] = one / sum(likely)
    return True
