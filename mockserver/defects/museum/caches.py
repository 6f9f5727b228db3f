"""Bugs of caches whose keys lack something, and of requests beside one another."""

from collections.abc import Sequence
from copy import deepcopy
from itertools import count
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import (
    in_company,
    remembering,
)
from aios_conformance.mockserver.defects.planting import in_answer
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Answer

EMB, RERANK, BOTH = "embeddings", "rerank", "chat completions"
LIMITS = ("max_tokens", "max_completion_tokens")
PENALTIES = ("frequency_penalty", "presence_penalty")


def _keys(context: RequestContext) -> list[str]:
    values = context.parameters
    given = values["input"] if isinstance(values["input"], list) else [values["input"]]
    how = (values["encoding_format"], values.get("truncate_prompt_tokens"))
    return [repr((text, how)) for text in given]


@remembering(
    in_answer,
    "EMB-RES-006",
    also=dict.fromkeys(("EMB-SEM-003", "META-090"), "vectors are told by their index"),
    api=EMB,
    source="000:765",
    origin="BerriAI/litellm#41002",
)
def emb_fresh_index_restarts() -> Any:
    """Where some inputs of a batch are in a cache, the others are counted from 0."""
    seen: set[str] = set()

    def edit(context: RequestContext, answer: Answer) -> bool:
        known = [key in seen for key in _keys(context)]
        seen.update(_keys(context))
        if all(known) or not any(known):
            return False
        fresh = count()
        for item, old in zip(answer["data"], known, strict=False):
            item["index"] = item["index"] if old else next(fresh)
        return [item["index"] for item in answer["data"]] != [*range(len(known))]

    return edit


@remembering(
    in_answer,
    "META-090",
    also=dict.fromkeys(
        (
            "EMB-REQ-011",
            "EMB-SEM-002",
            "EMB-SEM-003",
            "EMB-SEM-004",
            "META-025",
            "META-091",
            "META-093",
            "META-094",
            "META-098",
            "META-099",
            "RERANK-SEM-007",
            "SCORE-SEM-006",
        ),
        "one of the vectors is that of another text",
    ),
    api=EMB,
    source="000:767",
    origin="BerriAI/litellm#41799",
)
def emb_fresh_input_gets_a_cached_vector() -> Any:
    """The last new input beside some of a cache gets the vector of one of these."""
    seen: set[str] = set()

    def edit(context: RequestContext, answer: Answer) -> bool:
        known = [key in seen for key in _keys(context)]
        seen.update(_keys(context))
        if all(known) or not any(known):
            return False
        last = len(known) - 1 - known[::-1].index(False)
        answer["data"][last]["embedding"] = answer["data"][known.index(True)][
            "embedding"
        ]
        return True

    return edit


@remembering(
    in_answer,
    "META-016",
    also=dict.fromkeys(
        ("META-002", "META-015", "META-017", "RERANK-SEM-004"),
        "a query is answered with what another one got",
    ),
    api=RERANK,
    source="000:23",
    origin="BerriAI/litellm#15595",
)
def rerank_cache_key_lacks_the_query() -> Any:
    """Scores are cached by the document alone, whatever the query."""
    first: dict[str, float] = {}

    def edit(context: RequestContext, answer: Answer) -> bool:
        acted = False
        how = context.parameters.get("truncate_prompt_tokens")
        for result in answer["results"]:
            key = repr((context.body["model"], result["document"]["text"], how))
            old = first.setdefault(key, result["relevance_score"])
            acted |= old != result["relevance_score"]
            result["relevance_score"] = old
        answer["results"].sort(key=lambda result: -result["relevance_score"])
        return acted

    return edit


def without(names: Sequence[str]) -> Any:
    """Remember whole answers under a key that lacks some parameters."""
    first: dict[str, Answer] = {}

    def edit(context: RequestContext, answer: Answer) -> bool:
        values = sorted(context.parameters.items())
        key = repr((context.api, [item for item in values if item[0] not in names]))
        new = {name: deepcopy(answer[name]) for name in ("choices", "usage")}
        old = first.setdefault(key, new)
        answer |= deepcopy(old)
        return bool(old["choices"] != new["choices"])

    return edit


@remembering(
    in_answer,
    "META-040",
    also=dict.fromkeys(
        (
            "CHAT-REQ-020",
            "CHAT-SEM-007",
            "CHAT-SEM-008",
            "COMP-REQ-020",
            "COMP-SEM-004",
            "COMP-SEM-005",
            "COMP-SEM-017",
            "META-042",
            "META-055",
        ),
        "text of a request with another limit",
    ),
    api=BOTH,
    source="000:381",
    origin="theopenco/llmgateway#3877",
)
def gen_cache_key_lacks_the_limit() -> Any:
    """Whole answers are cached under a key that lacks the token limits."""
    return without(LIMITS)


@remembering(
    in_answer,
    "META-045",
    also=dict.fromkeys(
        ("CHAT-SEM-013", "COMP-SEM-010", "META-046", "META-047", "META-048"),
        "text of a request with another stop string, or none",
    ),
    api=BOTH,
    source="000:386",
    origin="theopenco/llmgateway#3877",
)
def gen_cache_key_lacks_the_stop() -> Any:
    """Whole answers are cached under a key that lacks the stop strings."""
    return without(("stop",))


@in_company(
    "META-050",
    also=dict.fromkeys(
        (
            "CHAT-REQ-040",
            "CHAT-SEM-002",
            "CHAT-SEM-003",
            "CHAT-SEM-012",
            "COMP-REQ-026",
            "COMP-SEM-009",
            "COMP-SEM-017",
            "COMP-REQ-038",
            "META-048",
            "CHAT-SEM-016",
            "META-047",
            "META-049",
            "META-051",
            "META-052",
            "META-054",
            "META-055",
            "META-059",
            "META-073",
            "META-084",
            "META-086",
            "META-087",
        ),
        "what the penalty of another request does",
    ),
    api=BOTH,
    source="000:378",
    origin="vllm-project/vllm#5639",
)
def gen_penalty_of_the_neighbour(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """A request without penalties has those of another one that is in flight."""
    values, acted = context.parameters, False
    for name in PENALTIES:
        leaked = [o.body[name] for o in others if o.body.get(name)]
        if leaked and not values[name]:
            values[name], acted = leaked[0], True
    return acted


@in_company(
    "META-059",
    also=dict.fromkeys(
        (
            *("CHAT-SEM-012", "COMP-SEM-002", "META-036", "META-037"),
            *("META-038", "META-047"),
            *("META-050", "META-052", "META-055", "META-058", "META-062"),
            *("META-064", "META-084", "CHAT-REQ-027", "CHAT-SEM-022"),
        ),
        "the text is that of another request",
    )
    | dict.fromkeys(
        ("COMP-SEM-008", "COMP-SEM-018", "META-035", "META-065", "META-086"),
        "of one prompt, where several were sent",
    ),
    api=BOTH,
    source="000:387",
    origin="vllm-project/vllm#13186",
)
def gen_stream_of_the_neighbour(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """While several streams are in flight, one gets the text of another."""
    if not context.parameters.get("stream"):
        return False
    name = "messages" if context.api == "chat" else "prompt"
    mine = context.body[name]
    for other in others:
        if other.api == context.api and other.body.get("stream"):
            theirs = other.body[name]
            if theirs != mine and type(theirs) is type(mine):
                context.parameters[name] = theirs
                return True
    return False
