"""How a defect or a variation is planted: a few small decorators over the stages.

A defect is a short function with a docstring that says which promise it breaks, and
ids written down before it is first run: the `primary` row that must notice, and
`also`: other rows that may notice too, each with a reason. A variation is the same,
but takes a freedom that the documents leave, so that no row may notice.

    @in_answer("RERANK-SEM-006", api="rerank", also={"META-001": "the same order"})
    def rerank_unsorted(context: RequestContext, answer: Answer) -> bool:
        '''Results come in the order of the documents.'''
        before = list(answer["results"])
        answer["results"].sort(key=lambda r: r["index"])
        return answer["results"] != before

Every function tells whether it acted (False: this request was none of its
business); the tally of acts shows that a defect was reached at all.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer, Chunks, Frames, Response, Stages

Chunk = dict[str, Any]
Plant = Callable[[Stages, Engine, Tally], tuple[Stages, Engine]]


@dataclass(frozen=True, slots=True)
class Defect:
    """One broken promise (`primary` set) or one freedom taken (`freedom` set)."""

    name: str
    description: str
    plant: Plant = field(repr=False)
    primary: str = ""
    also: Mapping[str, str] = field(default_factory=dict)  # id → reason
    freedom: str = ""  # the ruling or source line that leaves it open
    origin: str = ""  # the incident of a real server that it retells
    dialect: str = "aios"  # whose promise or freedom it is
    source: str = ""  # the line that promises better, of an exhibit of the museum

    def describe(self) -> dict[str, Any]:
        """The defect as plain JSON values; one with a source is an exhibit."""
        exhibit = {"museum": True, "source": self.source} if self.source else {}
        return {
            "name": self.name,
            "description": self.description,
            "primary": self.primary or None,
            "also": dict(self.also),
            "freedom": self.freedom or None,
            "origin": self.origin or None,
            "dialect": self.dialect,
            **exhibit,
        }


def made(
    function: Callable[..., Any],
    plant: Plant,
    primary: str,
    declared: Mapping[str, Any],
) -> Defect:
    """Make a defect of the function that describes it."""
    description = " ".join((function.__doc__ or "").split())
    return Defect(function.__name__, description, plant, primary, **declared)


def concerns(context: RequestContext, api: str) -> bool:
    """Tell whether a request is to one of some APIs; "" is all."""
    return not api or context.api in api.split()


def _decorator(
    primary: str,
    declared: Mapping[str, Any],
    around: Callable[[Any, Stages, Tally], Stages],
) -> Callable[[Callable[..., Any]], Defect]:
    """Make a defect of an edit that stages are changed by."""

    def make(edit: Callable[..., Any]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            return around(edit, stages, tally), engine

        return made(edit, plant, primary, declared)

    return make


def in_answer(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[RequestContext, Answer], object]], Defect]:
    """Edit whole answers in place. `api` names one or more APIs; "" is all.

    `declared` are further fields of the Defect, here and below. Where an answer may be
    streamed too, a stream then says another thing than the whole.
    """
    if primary and {"chat", "completions"} & {*api.split()}:
        also = {"META-059": "the stream differs", **declared.get("also", {})}
        also.pop(primary, None)
        declared["also"] = also

    def around(edit: Any, stages: Stages, tally: Tally) -> Stages:
        async def answer(context: RequestContext) -> Answer:
            whole = await stages.answer(context)
            if concerns(context, api):
                tally.add(edit(context, whole))
            return whole

        return replace(stages, answer=answer)

    return _decorator(primary, declared, around)


def in_stream(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[
    [Callable[[RequestContext, list[Chunk]], Iterable[Chunk] | None]], Defect
]:
    """Edit the chunks of a stream: in place (return None), or return other ones."""

    def around(edit: Any, stages: Stages, tally: Tally) -> Stages:
        async def chunks(context: RequestContext) -> AsyncGenerator[Chunk, None]:
            async with aclosing(stages.chunks(context)) as source:
                found = [chunk async for chunk in source]
            before = repr(found)
            edited = found
            if concerns(context, api):
                other = edit(context, found)
                edited = found if other is None else list(other)
                tally.add(repr(edited) != before)
            for chunk in edited:
                yield chunk

        return replace(stages, chunks=chunks)

    return _decorator(primary, declared, around)


def in_frames(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[RequestContext, list[bytes]], Iterable[bytes]]], Defect]:
    """Edit the framed events of a stream, the [DONE] mark included."""

    def around(edit: Any, stages: Stages, tally: Tally) -> Stages:
        async def frames(context: RequestContext, chunks: Chunks) -> Frames:
            async with aclosing(stages.frames(context, chunks)) as source:
                found = [frame async for frame in source]
            edited = list(edit(context, found)) if concerns(context, api) else found
            tally.add(edited != found)
            for frame in edited:
                yield frame

        return replace(stages, frames=frames)

    return _decorator(primary, declared, around)


def in_parameters(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[RequestContext], object]], Defect]:
    """Edit `context.parameters` (whole and streamed alike), or raise an ApiError."""

    def around(edit: Any, stages: Stages, tally: Tally) -> Stages:
        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if concerns(context, api):
                try:
                    tally.add(edit(context))
                except ApiError:
                    tally.add()
                    raise

        return replace(stages, prepare=prepare)

    return _decorator(primary, declared, around)


def in_response(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[RequestContext, Response], Response]], Defect]:
    """Replace (status, headers, body) of whole successes."""

    def around(edit: Any, stages: Stages, tally: Tally) -> Stages:
        def respond(context: RequestContext, answer: Answer) -> Response:
            found = stages.respond(context, answer)
            edited = edit(context, found) if concerns(context, api) else found
            tally.add(edited != found)
            return edited

        return replace(stages, respond=respond)

    return _decorator(primary, declared, around)


def in_refusal(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[RequestContext, ApiError, Response], Response]], Defect]:
    """Replace (status, headers, body) of refusals."""

    def around(edit: Any, stages: Stages, tally: Tally) -> Stages:
        def refusal(context: RequestContext, error: ApiError) -> Response:
            found = stages.refusal(context, error)
            if not concerns(context, api):
                return found
            edited: Response = edit(context, error, found)
            tally.add(edited != found)
            return edited

        return replace(stages, refusal=refusal)

    return _decorator(primary, declared, around)


def in_engine(
    primary: str = "", **declared: Any
) -> Callable[[Callable[[Engine, Tally], Engine]], Defect]:
    """Wrap the engine; the wrapper counts its own acts on the tally."""

    def make(wrap: Callable[[Engine, Tally], Engine]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            return stages, wrap(engine, tally)

        return made(wrap, plant, primary, declared)

    return make
