"""What one request does to another: leaks, keys of caches, swapped answers, streams.

Each is a table over APIs and parameters: what one server gets wrong for one of them,
another gets wrong for the next.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.museum.planting import in_company, remembering
from aios_conformance.mockserver.defects.planting import (
    Defect,
    concerns,
    in_parameters,
    made,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import Broken
from aios_conformance.serving.stages import Chunks, Stages

GENERATING = "chat completions"
_PAUSE = 0.02  # seconds in which a client can leave
Also = Mapping[str, str]


def _also(*rows: str) -> Also:
    """What the answer to another request, or under other parameters, can break."""
    return dict.fromkeys(rows, "the answer is not the request's own")


_TEXTS = (
    "035 036 037 038 040 041 042 043 044 045 047 048 049 050 051 052 055 057 059 061 "
    "062 064 068 069 070 071 073 075 079 084 085 086 087 089 117 118 119"
)
GENERATED = _also(
    *(f"META-{number}" for number in _TEXTS.split()),
    *("COMMON-RES-001", "COMP-REQ-010", "COMP-REQ-012", "COMMON-REQ-015"),
    *("CHAT-REQ-027", "COMP-REQ-032"),
    *("CHAT-REQ-012", "CHAT-REQ-014", "CHAT-REQ-017", "CHAT-REQ-032", "CHAT-REQ-045"),
    *("CHAT-SEM-005", "CHAT-SEM-006", "CHAT-SEM-007", "CHAT-SEM-008", "CHAT-SEM-010"),
    *("CHAT-SEM-011", "CHAT-SEM-012", "CHAT-SEM-013", "CHAT-SEM-022"),
    *("CHAT-SEM-017", "META-076", "CHAT-SEM-019", "META-077", "META-083"),
    *("COMP-REQ-033", "COMP-RES-008", "COMP-RES-006", "CHAT-RES-006", "COMP-SEM-007"),
    *("COMP-SEM-002", "COMP-SEM-003", "COMP-SEM-005", "COMP-SEM-008", "COMP-SEM-009"),
    *("COMP-SEM-010", "COMP-SEM-017", "COMP-SEM-018"),
)
RERANKED = _also(
    *("META-002", "META-003", "META-005", "META-006", "META-007", "META-011"),
    *("META-012", "META-013", "META-014", "META-015", "COMMON-REQ-015", "META-118"),
    *("RERANK-SEM-008", "META-008", "META-009", "META-016"),
    *(
        "RERANK-REQ-008",
        "RERANK-REQ-012",
        "RERANK-RES-011",
        "RERANK-RES-013",
        "RERANK-RES-016",
    ),
    *("RERANK-SEM-001", "RERANK-SEM-002", "RERANK-SEM-003", "RERANK-SEM-004"),
    *("RERANK-SEM-005", "RERANK-SEM-009", "RERANK-SEM-010", "META-119"),
)
SCORED = _also(
    *("META-017", "META-020", "COMMON-RES-001", "SCORE-REQ-008"),
    *("META-018", "META-019", "META-021", "META-022", "META-026", "META-027"),
    *("META-030", "META-031", "META-032", "META-118", "META-119"),
    *("SCORE-SEM-001", "SCORE-SEM-002", "SCORE-SEM-003", "SCORE-SEM-005"),
    *("SCORE-SEM-007", "SCORE-SEM-008"),
)
EMBEDDED = _also(
    *("EMB-REQ-006", "EMB-REQ-007", "EMB-REQ-011", "EMB-REQ-012", "EMB-REQ-013"),
    *("EMB-RES-005", "EMB-RES-008", "EMB-RES-009", "EMB-SEM-002", "EMB-SEM-003"),
    *("EMB-SEM-004", "EMB-SEM-005", "META-090", "META-091", "META-092", "META-093"),
    *("META-094", "META-097", "META-098", "META-099", "META-100", "META-101"),
    *("META-118", "META-119", "META-025", "SCORE-SEM-006"),
)
BLOCKED = _also(
    *("COMMON-ERR-004", "CHAT-REQ-034", "CHAT-ERR-003", "COMP-REQ-028"),
    *("COMP-ERR-003", "COMP-REQ-032"),
)


def _leaks(api: str, member: str, primary: str, also: Also) -> Defect:
    """What one request asks for acts on the next one that does not."""

    def begin() -> Any:
        last: list[Any] = [None]

        def edit(context: RequestContext) -> bool:
            given, leaked = context.body.get(member), last[0]
            last[0] = given
            if given is not None or leaked is None:
                return False
            context.parameters[member] = leaked
            return True

        return edit

    what = f"{member} acts on the next request too, if that names none."
    leak = remembering(in_parameters, primary, api=api, also=also)(begin)
    return replace(leak, name=f"{_word(api)}_{member}_leaks", description=what)


def _key_lacks(api: str, member: str, primary: str, also: Also) -> Defect:
    """Answers are cached, whatever the value of one member."""

    def begin() -> Any:
        first: dict[str, Any] = {}

        def edit(context: RequestContext) -> bool:
            items = sorted(context.parameters.items(), key=lambda item: item[0])
            rest = repr((context.api, [i for i in items if i[0] != member]))
            given = context.parameters.get(member)
            context.parameters[member] = first.setdefault(rest, given)
            return bool(first[rest] != given)

        return edit

    what = f"Answers are cached under a key that lacks {member}."
    cached = remembering(in_parameters, primary, api=api, also=also)(begin)
    name = f"{_word(api)}_cache_key_lacks_{member}"
    return replace(cached, name=name, description=what)


def _swapped(api: str, members: Sequence[str], primary: str, also: Also) -> Defect:
    """While others are in flight, one of them is answered in place of the request."""

    def edit(context: RequestContext, others: Sequence[RequestContext]) -> bool:
        def asked(one: RequestContext) -> list[Any]:
            return [one.body.get(member) for member in members]

        other = next((o for o in others if asked(o) != asked(context)), None)
        if other is None:
            return False
        context.parameters |= dict(zip(members, asked(other), strict=True))
        return True

    edit.__doc__ = _swapped.__doc__
    swapped = in_company(primary, api=api, also=also)(edit)
    return replace(swapped, name=f"{api}_answers_the_neighbour")


def _after_a_stream_was_left(
    name: str, what: str, primary: str, also: Also, spoil: Callable[..., None]
) -> Defect:
    """The next request to the API suffers; `spoil` is given it and the stream."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        left: dict[str, RequestContext] = {}

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            before = left.pop(context.api or "", None)
            if before is not None:
                tally.add()
                spoil(context, before)

        async def chunks(
            context: RequestContext,
        ) -> AsyncGenerator[dict[str, Any], None]:
            source: Chunks
            is_over = False
            try:
                async with aclosing(stages.chunks(context)) as source:
                    async for chunk in source:
                        yield chunk
                        await asyncio.sleep(_PAUSE)
                is_over = True
            finally:
                if not is_over and concerns(context, GENERATING):
                    left[context.api or ""] = context

        return replace(stages, prepare=prepare, chunks=chunks), engine

    return replace(
        made(spoil, plant, primary, {"also": also}), name=name, description=what
    )


def _rest(context: RequestContext, before: RequestContext) -> None:
    for member in ("messages", "prompt"):
        if member in before.parameters:
            context.parameters[member] = before.parameters[member]


def _busy(context: RequestContext, before: RequestContext) -> None:
    raise Broken("a stream is under way", code="crashed")


def _word(api: str) -> str:
    return "gen" if api == GENERATING else api


_TABLE: tuple[Defect, ...] = (
    _leaks(GENERATING, "frequency_penalty", "META-051", GENERATED),
    _leaks(GENERATING, "stop", "META-048", GENERATED),
    _leaks(GENERATING, "max_completion_tokens", "META-042", GENERATED),
    _leaks(GENERATING, "n", "META-036", GENERATED),
    _leaks("rerank", "top_n", "RERANK-SEM-002", RERANKED),
    _leaks("rerank", "truncate_prompt_tokens", "RERANK-SEM-010", RERANKED),
    _leaks("score", "truncate_prompt_tokens", "META-019", SCORED),
    _leaks("embeddings", "truncate_prompt_tokens", "META-090", EMBEDDED),
    _leaks("embeddings", "encoding_format", "EMB-RES-008", EMBEDDED),
    _key_lacks(GENERATING, "max_tokens", "META-042", GENERATED),
    _key_lacks(GENERATING, "stop", "CHAT-SEM-013", GENERATED),
    _key_lacks(GENERATING, "seed", "META-053", GENERATED),
    _key_lacks(GENERATING, "n", "META-035", GENERATED),
    _key_lacks(GENERATING, "logprobs", "CHAT-SEM-005", GENERATED),
    _key_lacks("chat", "top_logprobs", "CHAT-SEM-006", GENERATED),
    _key_lacks("chat", "tool_choice", "CHAT-SEM-017", GENERATED),
    _key_lacks("completions", "echo", "META-084", GENERATED),
    _key_lacks("rerank", "top_n", "RERANK-SEM-004", RERANKED),
    _key_lacks("rerank", "documents", "META-007", RERANKED),
    _key_lacks("rerank", "truncate_prompt_tokens", "RERANK-SEM-009", RERANKED),
    _key_lacks("score", "truncate_prompt_tokens", "SCORE-SEM-008", SCORED),
    _key_lacks("embeddings", "encoding_format", "EMB-SEM-004", EMBEDDED),
    _swapped("rerank", ("query", "documents"), "RERANK-SEM-003", RERANKED),
    _swapped("score", ("text_1", "text_2"), "SCORE-SEM-002", SCORED),
    _swapped("embeddings", ("input",), "META-090", EMBEDDED),
    _swapped("completions", ("prompt",), "COMP-SEM-002", GENERATED),
    _after_a_stream_was_left(
        "gen_stream_that_was_left_goes_on",
        "After a client left a stream, the next request is answered with its rest.",
        "META-059",
        GENERATED,
        _rest,
    ),
    _after_a_stream_was_left(
        "gen_stream_that_was_left_blocks",
        "After a client left a stream, the next request is a 500.",
        "COMMON-RES-001",
        BLOCKED,
        _busy,
    ),
)

DEFECTS: tuple[Defect, ...] = tuple(
    replace(one, also={row: why for row, why in one.also.items() if row != one.primary})
    for one in _TABLE
)
