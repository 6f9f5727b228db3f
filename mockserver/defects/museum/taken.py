"""Bugs of what a request holds: refused, lost or changed."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import (
    BROKEN,
    CRASHED,
    crash_if,
    refuse_if,
)
from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_parameters,
    made,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import (
    ApiError,
    Violation,
)
from aios_conformance.serving.stages import Stages

CHAT, BOTH, EMB = "chat", "chat completions", "embeddings"
LIMITS = ("max_tokens", "max_completion_tokens")


Judge = Callable[[RequestContext, list[Violation]], list[Violation]]


def _validating(
    primary: str, *, api: str, **declared: Any
) -> Callable[[Judge], Defect]:
    """Plant other violations than those that a body has."""

    def make(judge: Judge) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            def validate(context: RequestContext) -> list[Violation]:
                found = stages.validate(context)
                if context.api not in api.split():
                    return found
                try:
                    kept = judge(context, found)
                except ApiError:
                    tally.add()
                    raise
                tally.add(kept != found)
                return kept

            return replace(stages, validate=validate), engine

        return made(judge, plant, primary, declared)

    return make


@_validating(
    "COMMON-ERR-004",
    api=BOTH,
    also=CRASHED,
    source="000:475",
    origin="Arthur-Ficial/apfel#235",
)
def gen_top_p_beyond_crashes(
    context: RequestContext, found: list[Violation]
) -> list[Violation]:
    """A top_p below 0 or above 1 is a 500."""
    given = context.body.get("top_p")
    crash_if(isinstance(given, int | float) and not 0 <= given <= 1)
    return found


@_validating(
    "COMMON-ERR-004",
    api=CHAT,
    also=CRASHED,
    source="000:475",
    origin="lm-sys/FastChat#2837",
)
def chat_stream_word_crashes(
    context: RequestContext, found: list[Violation]
) -> list[Violation]:
    """A stream that is a word is a 500."""
    crash_if(isinstance(context.body.get("stream"), str))
    return found


@_validating(
    "CHAT-REQ-025",
    api=BOTH,
    also=dict.fromkeys(
        (
            "COMMON-ERR-001",
            "COMMON-ERR-003",
            "COMMON-ERR-007",
            "CHAT-ERR-002",
            "COMP-REQ-024",
            "COMP-ERR-002",
        ),
        "0 is below the bound",
    ),
    source="000:383",
    origin="raullenchai/Rapid-MLX#461",
)
def gen_n_0_is_1(context: RequestContext, found: list[Violation]) -> list[Violation]:
    """An n of 0 counts as 1."""
    if context.body.get("n") != 0:
        return found
    context.body["n"] = 1
    return [one for one in found if one.pointer != "/n"]


def _tools(context: RequestContext) -> object:
    return context.parameters.get("tools")


@in_parameters(
    "CHAT-SEM-016",
    api=CHAT,
    also={"META-054": "the same texts"},
    source="000:389",
    origin="LostRuins/koboldcpp#2481",
)
def chat_tools_cap_the_temperature(context: RequestContext) -> object:
    """With tools the temperature is at most 0.5."""
    given = context.parameters["temperature"]
    if not _tools(context) or given <= 0.5:
        return False
    context.parameters["temperature"] = 0.5
    return True


@in_parameters("META-039", api=CHAT, source="000:377", origin="ollama/ollama-js#220")
def chat_system_lost_with_tools(context: RequestContext) -> object:
    """With tools system messages are left out of the prompt."""
    sent = context.parameters["messages"]
    read = [one for one in sent if one["role"] != "system"]
    if not _tools(context) or read == sent or not read:
        return False
    context.parameters["messages"] = read
    return True


@in_parameters(
    "META-038", api=CHAT, source="000:377", origin="LostRuins/koboldcpp#2481"
)
def gen_large_limit_shrinks_the_prompt(context: RequestContext) -> object:
    """A limit that leaves no room for the prompt cuts the prompt silently."""
    room = context.served.context_length - 64
    large = [name for name in LIMITS if (context.parameters.get(name) or 0) > room]
    if not large:
        return False
    last = context.parameters["messages"][-1]
    short = {**last, "content": str(last["content"]).split()[-1]}
    context.parameters |= {"messages": [short], **dict.fromkeys(large, 16)}
    return True


_MARKED = re.compile("[\u00c0-\u024f]")


def _inputs(context: RequestContext) -> list[str]:
    given = context.parameters["input"]
    return [t for t in ([given] if isinstance(given, str) else given) if str(t) == t]


@in_parameters(
    "COMMON-RES-001",
    api=EMB,
    also=BROKEN,
    source="000:729",
    origin="ollama/ollama#16625",
)
def emb_marks_and_commas_crash(context: RequestContext) -> object:
    """Letters with marks beside two commas are a 500."""
    texts = _inputs(context)
    return crash_if(any(_MARKED.search(t) and t.count(",") > 1 for t in texts))


@in_parameters(
    "COMMON-RES-001", api=EMB, also=BROKEN, source="000:729", origin="nearai/nearai#830"
)
def emb_apostrophes_and_tags_crash(context: RequestContext) -> object:
    """An apostrophe, or a tag of HTML, is a 500."""
    return crash_if(any(re.search("'|<[a-z]+", text) for text in _inputs(context)))


@in_parameters(
    api=BOTH,
    freedom="000:382: nothing is said of both limits at once",
    source="000:382",
    origin="HKUDS/nanobot#2548",
)
def gen_both_limits_refused_free(context: RequestContext) -> object:
    """Both limits at once are refused."""
    return refuse_if(all(context.body.get(name) is not None for name in LIMITS))
