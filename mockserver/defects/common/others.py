"""What one request does to another: leaks, keys of caches, swapped answers, streams.

Each is a table over APIs and parameters: what one server gets wrong for one of them,
another gets wrong for the next.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cache
from typing import Any, cast

from aios_conformance import spec
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


@cache
def _whatever(apis: str) -> Also:
    """Any row of these APIs: the answer is another request's."""
    names = cast("list[spec.Api]", apis.split())
    own = {op for name in names for op in spec.apis()[name].operations}
    return {
        row.id: "the answer is not the request's own"
        for row in spec.requirements()
        if not own.isdisjoint(row.operations)
    }


def _leaks(api: str, member: str, primary: str) -> Defect:
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
    leak = remembering(in_parameters, primary, api=api, also=_whatever(api))(begin)
    name = f"{_word(api)}_{member}_leaks"
    return replace(leak, name=name, description=what)


def _key_lacks(api: str, member: str, primary: str) -> Defect:
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
    cached = remembering(in_parameters, primary, api=api, also=_whatever(api))(begin)
    name = f"{_word(api)}_cache_key_lacks_{member}"
    return replace(cached, name=name, description=what)


def _swapped(api: str, members: Sequence[str], primary: str) -> Defect:
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
    swapped = in_company(primary, api=api, also=_whatever(api))(edit)
    return replace(swapped, name=f"{api}_answers_the_neighbour")


def _after_a_stream_was_left(
    name: str, what: str, primary: str, spoil: Callable[..., None]
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
        made(spoil, plant, primary, {"also": _whatever(GENERATING)}),
        name=name,
        description=what,
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
    _leaks(GENERATING, "frequency_penalty", "META-051"),
    _leaks(GENERATING, "stop", "META-048"),
    _leaks(GENERATING, "max_completion_tokens", "META-042"),
    _leaks(GENERATING, "n", "META-036"),
    _leaks("rerank", "top_n", "RERANK-SEM-002"),
    _leaks("rerank", "truncate_prompt_tokens", "META-009"),
    _leaks("score", "truncate_prompt_tokens", "META-019"),
    _leaks("embeddings", "truncate_prompt_tokens", "META-090"),
    _leaks("embeddings", "encoding_format", "EMB-RES-008"),
    _key_lacks(GENERATING, "max_tokens", "META-042"),
    _key_lacks(GENERATING, "stop", "CHAT-SEM-013"),
    _key_lacks(GENERATING, "seed", "META-053"),
    _key_lacks(GENERATING, "n", "META-035"),
    _key_lacks(GENERATING, "logprobs", "CHAT-SEM-005"),
    _key_lacks("chat", "top_logprobs", "CHAT-SEM-006"),
    _key_lacks("chat", "tool_choice", "CHAT-SEM-017"),
    _key_lacks("completions", "echo", "META-084"),
    _key_lacks("rerank", "top_n", "RERANK-SEM-004"),
    _key_lacks("rerank", "documents", "META-007"),
    _key_lacks("rerank", "truncate_prompt_tokens", "RERANK-SEM-009"),
    _key_lacks("score", "truncate_prompt_tokens", "SCORE-SEM-008"),
    _key_lacks("embeddings", "encoding_format", "EMB-RES-009"),
    _swapped("rerank", ("query", "documents"), "RERANK-SEM-003"),
    _swapped("score", ("text_1", "text_2"), "SCORE-SEM-002"),
    _swapped("embeddings", ("input",), "META-090"),
    _swapped("completions", ("prompt",), "COMP-SEM-002"),
    _after_a_stream_was_left(
        "gen_stream_that_was_left_goes_on",
        "After a client left a stream, the next request is answered with its rest.",
        "META-059",
        _rest,
    ),
    _after_a_stream_was_left(
        "gen_stream_that_was_left_blocks",
        "After a client left a stream, the next request is a 500.",
        "COMMON-RES-001",
        _busy,
    ),
)

DEFECTS: tuple[Defect, ...] = tuple(
    replace(one, also={row: why for row, why in one.also.items() if row != one.primary})
    for one in _TABLE
)
