"""Bugs of values that are 0 or small, of ids, of caches, and of unequal company."""

import re
from collections.abc import Sequence
from typing import Any

from aios_conformance.mockserver.defects.museum.caches import without
from aios_conformance.mockserver.defects.museum.planting import (
    in_both,
    in_company,
    joined,
    remembering,
)
from aios_conformance.mockserver.defects.planting import (
    in_answer,
    in_parameters,
    in_refusal,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import ApiError, Broken
from aios_conformance.serving.stages import Answer, Response

CHAT, BOTH = "chat", "chat completions"
LIMITS = ("max_tokens", "max_completion_tokens")
PENALTIES = ("frequency_penalty", "presence_penalty")
_OTHERS = "others"
_SURROGATE = re.compile(rb"(?i)\\ud[89ab]..(?!\\ud[c-f])")


@in_parameters(
    "META-050",
    api=BOTH,
    also=dict.fromkeys(("CHAT-SEM-012",), "the same statement"),
    source="000:385",
    origin="InternLM/lmdeploy#4525",
)
def gen_seed_0_is_none(context: RequestContext) -> object:
    """A seed of 0 counts as not given."""
    acted = context.parameters.get("seed") == 0
    if acted:
        context.parameters["seed"] = 1_000_000 + context.number
    return acted


@in_parameters(
    "META-053",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-016",
            "COMP-SEM-016",
            "META-054",
        ),
        "every text is the greedy one",
    ),
    source="000:389",
    origin="ollama/ollama#5044",
)
def gen_seed_is_greedy(context: RequestContext) -> object:
    """With a seed the temperature is 0, whatever it was given."""
    values = context.parameters
    acted = values.get("seed") is not None and values["temperature"] > 0
    if acted:
        values["temperature"] = 0.0
    return acted


@in_parameters(
    "CHAT-REQ-020",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-REQ-023",
            "COMP-REQ-020",
            "COMP-REQ-022",
        ),
        "the same limit",
    ),
    source="000:381",
    origin="openai/gpt-oss#269",
)
def gen_limit_0_is_none(context: RequestContext) -> object:
    """A limit of 0 counts as not given."""
    zero = [name for name in LIMITS if context.parameters.get(name) == 0]
    for name in zero:
        context.parameters[name] = None
    return bool(zero)


@in_parameters(
    "CHAT-REQ-041",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-REQ-039",
            "COMMON-RES-001",
        ),
        "a valid request is a 500",
    ),
    source="000:389",
    origin="vllm-project/vllm#890",
)
def gen_low_temperature_crashes(context: RequestContext) -> object:
    """A temperature above 0 and below 0.01 is a 500."""
    if not 0 < context.parameters["temperature"] < 0.01:
        return False
    raise Broken("probability tensor contains inf or nan", code="crashed")


@in_refusal(
    "COMMON-ERR-004",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-ERR-003",
            "COMP-ERR-003",
        ),
        "a 500",
    ),
    source="000:475",
    origin="Aider-AI/aider#3693",
)
def gen_lone_surrogate_crashes(
    context: RequestContext, error: ApiError, response: Response
) -> Response:
    """Half of a surrogate pair in a text is a 500."""
    if not _SURROGATE.search(context.raw):
        return response
    return 500, response[1], b'{"error": {"message": "surrogates not allowed"}}'


@in_parameters(
    "COMMON-RES-001",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-REQ-005",
            "COMP-REQ-004",
            "COMP-REQ-005",
        ),
        "a valid request is a 500",
    ),
    source="000:377",
    origin="run-llama/llama_index#14310",
)
def gen_braces_crash(context: RequestContext) -> object:
    """A text that holds a word in braces is a 500."""
    values = context.parameters
    told = str([m.get("content") for m in values.get("messages", ())])
    if not re.search(r"\{\w+\}", told + str(values.get("prompt", ""))):
        return False
    raise Broken("KeyError", code="crashed")


@in_company(
    "COMMON-RES-001",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-REQ-005",
            "CHAT-REQ-014",
            "CHAT-REQ-017",
            "CHAT-REQ-018",
            "CHAT-REQ-022",
            "CHAT-REQ-026",
            "CHAT-REQ-028",
            "CHAT-REQ-034",
            "CHAT-REQ-035",
            "CHAT-REQ-036",
            "CHAT-REQ-037",
            "CHAT-REQ-041",
            "CHAT-REQ-043",
            "CHAT-REQ-046",
            "CHAT-REQ-050",
            "CHAT-REQ-051",
            "CHAT-REQ-053",
            "COMMON-REQ-013",
            "COMMON-REQ-014",
            "COMMON-REQ-015",
            "COMP-REQ-005",
            "COMP-REQ-009",
            "COMP-REQ-010",
            "COMP-REQ-012",
            "COMP-REQ-015",
            "COMP-REQ-016",
            "COMP-REQ-017",
            "COMP-REQ-019",
            "COMP-REQ-025",
            "COMP-REQ-027",
            "CHAT-REQ-030",
            "COMP-REQ-028",
            "COMP-REQ-029",
            "COMP-REQ-030",
            "COMP-REQ-032",
            "COMP-REQ-035",
            "COMP-REQ-037",
            "META-083",
            "META-117",
            "META-118",
            "META-119",
        ),
        "a valid request is a 500",
    ),
    source="000:389",
    origin="vllm-project/vllm-ascend#5423",
)
def gen_greedy_beside_sampled_crashes(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """A greedy request is a 500 while one that is not greedy is in flight."""
    if context.parameters["temperature"] or not any(
        other.parameters.get("temperature") for other in others
    ):
        return False
    raise Broken("index out of range", code="crashed")


@in_company(api=BOTH)
def _counted(context: RequestContext, others: Sequence[RequestContext]) -> object:
    """Note how many alternatives the others want."""
    names = ("logprobs", "top_logprobs")
    wanted = [tuple(map(other.parameters.get, names)) for other in others]
    mine = tuple(map(context.parameters.get, names))
    context.memory[_OTHERS] = any(one[0] and one != mine for one in wanted)
    return False


@in_answer(api=BOTH)
def _collapsed(context: RequestContext, answer: Answer) -> object:
    """List one token that is none, with the log probability of none."""
    acted = False
    for choice in answer["choices"] if context.memory.get(_OTHERS) else ():
        listed = choice["logprobs"] or {}
        for entry in listed.get("content") or ():
            if entry["top_logprobs"]:
                entry["top_logprobs"] = [
                    {"token": "<pad>", "logprob": -9999.0, "bytes": [60, 62]}
                ]
                acted = True
        if listed.get("top_logprobs"):
            listed["top_logprobs"] = [{"<pad>": -9999.0} for _ in listed["tokens"]]
            acted = True
    return acted


@joined(
    "CHAT-SEM-006",
    _counted,
    _collapsed,
    also=dict.fromkeys(
        (
            "COMP-SEM-003",
            "META-068",
            "META-069",
            "META-075",
            "META-089",
        ),
        "the alternatives are none",
    ),
    source="000:403",
    origin="vllm-project/vllm#51789",
)
def gen_alternatives_lost_in_company() -> None:
    """Beside a request that wants another number, alternatives are one <pad>."""


@in_company(
    "META-055",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-022",
            "COMP-SEM-017",
        ),
        "the same statement",
    ),
    source="000:405",
    origin="vllm-project/vllm#14301",
)
def gen_top_p_lost_in_company(
    context: RequestContext, others: Sequence[RequestContext]
) -> object:
    """top_p is lost while a request without one is in flight."""
    acted = context.parameters["top_p"] < 1 and any(
        other.parameters.get("top_p") == 1 for other in others
    )
    if acted:
        context.parameters["top_p"] = 1.0
    return acted


@in_both(
    "META-115",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-RES-001",
            "COMMON-RES-005",
            "COMP-RES-001",
        ),
        "ids come again",
    ),
    source="000:450",
    origin="ogx-ai/ogx#2315",
)
def gen_id_is_one_of_a_thousand(context: RequestContext, told: Answer) -> object:
    """The id ends with a number below 1,000."""
    head, _, unique = context.id.partition("-")
    told["id"] = f"{head}-{int(unique[-8:], 16) % 1000}"
    return True


@remembering(
    in_parameters,
    "CHAT-SEM-014",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-001",
            "COMMON-SEM-002",
            "COMP-SEM-001",
            "COMP-SEM-011",
        ),
        "no stream",
    ),
    source="000:387",
    origin="Portkey-AI/gateway#19",
)
def gen_stream_of_a_cached_answer_is_json() -> Any:
    """What was answered whole before is not streamed but answered whole again."""
    whole: set[str] = set()

    def edit(context: RequestContext) -> bool:
        values = context.parameters
        left_out = ("stream", "stream_options")
        key = repr(sorted(item for item in values.items() if item[0] not in left_out))
        if not values["stream"]:
            whole.add(context.operation_id + key)
            return False
        acted = context.operation_id + key in whole
        values["stream"] = not acted
        return acted

    return edit


@remembering(
    in_answer,
    "CHAT-SEM-002",
    api=BOTH,
    also=dict.fromkeys(
        (
            "CHAT-SEM-003",
            "COMP-SEM-013",
            "COMP-SEM-014",
        ),
        "the same statement",
    ),
    source="000:378",
    origin="Continuum-AI-Corp/OrcaRouter-Lite#84",
)
def gen_cache_key_lacks_the_penalties() -> Any:
    """Whole answers are cached under a key that lacks the penalties."""
    return without(PENALTIES)


@remembering(
    in_answer,
    "CHAT-SEM-016",
    api=BOTH,
    also=dict.fromkeys(("META-054",), "the same statement"),
    source="000:389",
    origin="openclaw/lobster#130",
)
def gen_cache_key_lacks_the_temperature() -> Any:
    """Whole answers are cached under a key that lacks the temperature."""
    return without(("temperature",))


@remembering(
    in_answer, "META-039", api=CHAT, source="000:377", origin="BerriAI/litellm#12234"
)
def chat_cache_key_is_the_last_message() -> Any:
    """Whole answers are cached under a key that has the last message only."""
    edit = without(("messages",))

    def keyed(context: RequestContext, answer: Answer) -> object:
        values = context.parameters
        context.parameters = {**values, "last": values["messages"][-1:]}
        try:
            return edit(context, answer)
        finally:
            context.parameters = values

    return keyed
