"""Bugs of what clients send in ways of their own: turns, numbers, escapes, headers."""

import json
import re
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import (
    ACCEPTED,
    BROKEN,
    CRASHED,
    crash_if,
    refuse_if,
)
from aios_conformance.mockserver.defects.planting import Defect, in_parameters
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import Broken
from aios_conformance.serving.inputs import inputs
from aios_conformance.serving.stages import Stages

CHAT, BOTH, EMB, RERANK = "chat", "chat completions", "embeddings", "rerank"
_FAR = re.compile("[\U00010000-\U0010ffff]")
_ESCAPED_PAIR = re.compile(rb"\\ud8", re.IGNORECASE)


@in_parameters(
    "META-083",
    api=CHAT,
    also=ACCEPTED | {"CHAT-REQ-008": "a conversation is refused"},
    source="000:493",
    origin="openai/openai-python#2061",
)
def chat_empty_calls_in_history_refused(context: RequestContext) -> object:
    """An earlier reply that comes back with an empty list of calls is refused."""
    messages = context.body["messages"]
    return refuse_if(any(each.get("tool_calls") == [] for each in messages))


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@in_parameters("COMMON-ERR-004", api=CHAT, also=CRASHED,
               source="000:475", origin="noonghunna/club-3090#1195")  # fmt: skip
def chat_earlier_arguments_that_are_no_object_crash(context: RequestContext) -> object:
    """An earlier call whose arguments are not the JSON text of an object is a 500."""
    calls = [c for m in context.body["messages"] for c in m.get("tool_calls") or ()]
    given = (call["function"]["arguments"] for call in calls)
    return crash_if(not all(_is_object(one) for one in given))


@in_parameters("COMMON-ERR-004", api=CHAT, also=CRASHED,
               source="000:475", origin="Arthur-Ficial/apfel#233")  # fmt: skip
def chat_null_from_the_user_crashes(context: RequestContext) -> object:
    """A message of the user whose content is null is a 500."""
    mine = [each for each in context.body["messages"] if each["role"] == "user"]
    return crash_if(any(each.get("content", "") is None for each in mine))


@in_parameters("CHAT-REQ-029", api=BOTH, also=ACCEPTED | {
    "COMP-REQ-028": "the same statement",
}, source="000:385", origin="pollinations/pollinations#12338")  # fmt: skip
def gen_seed_above_31_bits_refused(context: RequestContext) -> object:
    """A seed above 2,147,483,647 is refused."""
    return refuse_if((context.body.get("seed") or 0) >= 2**31)


@in_parameters("COMMON-ERR-004", api=BOTH, also=CRASHED | {
    "CHAT-REQ-021": "a 500", "COMP-REQ-020": "a 500",
}, source="000:475", origin="vllm-project/vllm#54175")  # fmt: skip
def gen_limit_of_31_bits_crashes(context: RequestContext) -> object:
    """A limit that needs more than 31 bits together with the prompt is a 500."""
    limits = (context.body.get(k) for k in ("max_tokens", "max_completion_tokens"))
    return crash_if(any((limit or 0) >= 2**31 - 16 for limit in limits))


@in_parameters("CHAT-REQ-015", api=BOTH, also=ACCEPTED | dict.fromkeys(
    ("CHAT-REQ-016", "COMP-REQ-013", "COMP-REQ-014"), "the same member"
), source="000:379", origin="dphnAI/sonar#278")  # fmt: skip
def gen_fractional_bias_refused(context: RequestContext) -> object:
    """A bias that is no whole number is refused."""
    given = context.body.get("logit_bias") or {}
    return refuse_if(any(bias % 1 for bias in given.values()))


@in_parameters("CHAT-REQ-053", api=BOTH, also=ACCEPTED | dict.fromkeys(
    ("CHAT-REQ-041", "CHAT-REQ-050", "COMP-REQ-016", "COMP-REQ-017",
     "COMP-REQ-035", "COMP-REQ-037"), "what stands beside it"
), source="000:405", origin="EricLBuehler/candle-vllm#307")  # fmt: skip
def gen_greedy_with_top_p_refused(context: RequestContext) -> object:
    """A top_p below 1 beside a temperature of 0 is refused."""
    values = context.parameters
    return refuse_if(values["temperature"] == 0 and values["top_p"] < 1)


def _until_far(text: Any) -> Any:
    return _FAR.split(text)[0] if isinstance(text, str) else text


@in_parameters("META-039", api=CHAT, also={
    "COMMON-REQ-015": "the rest is not read", "META-037": "likewise",
    "META-038": "likewise",
}, source="000:377", origin="ggml-org/llama.cpp#63")  # fmt: skip
def chat_emoji_cuts_the_prompt(context: RequestContext) -> object:
    """A message ends at the first character beyond 16 bits, and nothing says so."""
    sent = context.parameters["messages"]
    read = [{**each, "content": _until_far(each.get("content"))} for each in sent]
    context.parameters["messages"] = read
    return read != sent


@in_parameters("COMMON-RES-001", api=EMB, also=BROKEN | {
    "EMB-REQ-006": "a valid request", "EMB-REQ-007": "a valid request",
    "COMMON-REQ-015": "a valid request",
}, source="000:757", origin="nearai/nearai#830")  # fmt: skip
def emb_emoji_crashes(context: RequestContext) -> object:
    """An input that holds a character beyond 16 bits is a 500."""
    given = inputs(context.parameters["input"], "input")
    return crash_if(any(isinstance(one, str) and _FAR.search(one) for one in given))


@in_parameters("META-118", api=RERANK, also={
    "RERANK-RES-016": "another text", "META-007": "another text",
    "META-006": "another text", "META-012": "another count",
}, source="000:36", origin="elizaOS/eliza#30904")  # fmt: skip
def rerank_escaped_pairs_are_lost(context: RequestContext) -> object:
    """A character that is escaped as two is read as two times U+FFFD."""
    if not _ESCAPED_PAIR.search(context.raw):
        return False
    given = context.parameters["documents"]
    context.parameters["documents"] = [_FAR.sub("\ufffd\ufffd", one) for one in given]
    return True


def _accepting() -> Defect:
    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: RequestContext) -> None:
            said = {name.lower(): value for name, value in context.headers.items()}
            if "," in said.get("accept", ""):
                tally.add()
                raise Broken("no renderer of this name", code="crashed")
            stages.admit(context)

        return replace(stages, admit=admit), engine

    return Defect(
        "http_accepted_types_crash",
        "A request that accepts several media types is a 500.",
        plant,
        "COMMON-REQ-005",
        BROKEN,
        origin="pasteurlabs/tesseract-core#728",
        source="000:709",
    )


http_accepted_types_crash = _accepting()
