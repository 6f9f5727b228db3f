"""How a defect or a variation is planted: a few small decorators over the stages.

A defect is a short function with a docstring that says which promise it breaks, and
ids written down before it is first run: the `primary` row that must notice, and
`also`: other rows that may notice too, each with a reason. A variation is the same,
but takes a freedom that the documents leave, so that no row may notice.

    @in_answer("RERANK-SEM-006", api="rerank", also={"META-001": "the same order"})
    def rerank_unsorted(context: Context, answer: Answer) -> bool:
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

from mockserver.plan import Tally
from serving.context import Context
from serving.engine import Engine
from serving.errors import ApiError, BadRequest, Broken, Violation
from serving.stages import Answer, Chunks, Frames, Response, Stages

Chunk = dict[str, Any]
_NOTHING: Mapping[str, str] = {}


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

    def describe(self) -> dict[str, Any]:
        """The defect as plain JSON values."""
        return {
            "name": self.name,
            "description": self.description,
            "primary": self.primary or None,
            "also": dict(self.also),
            "freedom": self.freedom or None,
            "origin": self.origin or None,
            "dialect": self.dialect,
        }


def _defect(
    function: Callable[..., Any],
    plant: Plant,
    primary: str,
    declared: Mapping[str, Any],
) -> Defect:
    description = " ".join((function.__doc__ or "").split())
    return Defect(function.__name__, description, plant, primary, **declared)


def _concerns(context: Context, api: str) -> bool:
    return not api or context.api in api.split()


def in_answer(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[Context, Answer], object]], Defect]:
    """Edit whole answers in place. `api` names one or more APIs; "" is all.

    `declared` are further fields of the Defect, here and below.
    """

    def make(edit: Callable[[Context, Answer], object]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            async def answer(context: Context) -> Answer:
                whole = await stages.answer(context)
                if _concerns(context, api):
                    tally.add(edit(context, whole))
                return whole

            return replace(stages, answer=answer), engine

        return _defect(edit, plant, primary, declared)

    return make


def in_stream(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[Context, list[Chunk]], Iterable[Chunk] | None]], Defect]:
    """Edit the chunks of a stream: in place (return None), or return other ones."""

    def make(
        edit: Callable[[Context, list[Chunk]], Iterable[Chunk] | None],
    ) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            async def chunks(context: Context) -> AsyncGenerator[Chunk, None]:
                async with aclosing(stages.chunks(context)) as source:
                    found = [chunk async for chunk in source]
                before = repr(found)
                edited = found
                if _concerns(context, api):
                    other = edit(context, found)
                    edited = found if other is None else list(other)
                    tally.add(repr(edited) != before)
                for chunk in edited:
                    yield chunk

            return replace(stages, chunks=chunks), engine

        return _defect(edit, plant, primary, declared)

    return make


def in_frames(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[Context, list[bytes]], Iterable[bytes]]], Defect]:
    """Edit the framed events of a stream, the [DONE] mark included."""

    def make(edit: Callable[[Context, list[bytes]], Iterable[bytes]]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            async def frames(context: Context, chunks: Chunks) -> Frames:
                async with aclosing(stages.frames(context, chunks)) as source:
                    found = [frame async for frame in source]
                edited = (
                    list(edit(context, found)) if _concerns(context, api) else found
                )
                tally.add(edited != found)
                for frame in edited:
                    yield frame

            return replace(stages, frames=frames), engine

        return _defect(edit, plant, primary, declared)

    return make


def in_parameters(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[Context], object]], Defect]:
    """Edit `context.parameters` (whole and streamed alike), or raise an ApiError."""

    def make(edit: Callable[[Context], object]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            def prepare(context: Context) -> None:
                stages.prepare(context)
                if _concerns(context, api):
                    try:
                        tally.add(edit(context))
                    except ApiError:
                        tally.add()
                        raise

            return replace(stages, prepare=prepare), engine

        return _defect(edit, plant, primary, declared)

    return make


def in_response(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[Context, Response], Response]], Defect]:
    """Replace (status, headers, body) of whole successes."""

    def make(edit: Callable[[Context, Response], Response]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            def respond(context: Context, answer: Answer) -> Response:
                found = stages.respond(context, answer)
                edited = edit(context, found) if _concerns(context, api) else found
                tally.add(edited != found)
                return edited

            return replace(stages, respond=respond), engine

        return _defect(edit, plant, primary, declared)

    return make


def in_refusal(
    primary: str = "", *, api: str = "", **declared: Any
) -> Callable[[Callable[[Context, ApiError, Response], Response]], Defect]:
    """Replace (status, headers, body) of refusals."""

    def make(edit: Callable[[Context, ApiError, Response], Response]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            def refusal(context: Context, error: ApiError) -> Response:
                found = stages.refusal(context, error)
                if not _concerns(context, api):
                    return found
                edited = edit(context, error, found)
                tally.add(edited != found)
                return edited

            return replace(stages, refusal=refusal), engine

        return _defect(edit, plant, primary, declared)

    return make


def in_engine(
    primary: str = "", **declared: Any
) -> Callable[[Callable[[Engine, Tally], Engine]], Defect]:
    """Wrap the engine; the wrapper counts its own acts on the tally."""

    def make(wrap: Callable[[Engine, Tally], Engine]) -> Defect:
        def plant(
            stages: Stages, engine: Engine, tally: Tally
        ) -> tuple[Stages, Engine]:
            return stages, wrap(engine, tally)

        return _defect(wrap, plant, primary, declared)

    return make


def forgives(  # noqa: PLR0913 - a table row, one column each
    name: str,
    primary: str,
    api: str,
    pointer: str,
    *,
    keyword: str = "",
    when: Callable[[Any], bool] = lambda _: True,
    instead: Any = None,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Accept a breach in silence: the violation at a pointer is overlooked.

    The offending top-level member is dropped (or replaced by `instead`) so that the
    answer is an ordinary one. `pointer` may end in "*"; `keyword` narrows by the
    schema keyword, `when` by the member's value.
    """
    member = pointer.split("/")[1].rstrip("*")

    def overlooked(violation: Violation) -> bool:
        at = violation.pointer
        fits = at.startswith(pointer[:-1]) if pointer.endswith("*") else at == pointer
        return fits and keyword in ("", violation.keyword)

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def validate(context: Context) -> list[Violation]:
            found = stages.validate(context)
            if not found or context.api not in api.split():
                return found
            if not when(context.body.get(member)):
                return found
            rest = [violation for violation in found if not overlooked(violation)]
            if not rest:
                tally.add()
                context.body.pop(member, None)
                if instead is not None:
                    context.body[member] = instead
            return rest

        return replace(stages, validate=validate), engine

    what = f"{pointer} ({keyword})" if keyword else pointer
    text = f"A breach at {what} of {api} is accepted in silence."
    return Defect(name, text, plant, primary, also, origin=origin)


def refuses(
    name: str,
    primary: str,
    api: str,
    when: Callable[[Mapping[str, Any]], bool],
    *,
    why: str,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Refuse a valid body: `when` looks at the body as it was sent."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def prepare(context: Context) -> None:
            stages.prepare(context)
            if context.api in api.split() and when(context.body):
                tally.add()
                raise BadRequest(why, code="refused")

        return replace(stages, prepare=prepare), engine

    text = f"{api}: a valid body is refused: {why}."
    return Defect(name, text, plant, primary, also, origin=origin)


def crashes(
    name: str,
    primary: str,
    api: str,
    when: Callable[[Context], bool],
    *,
    what: str,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Answer 500 where a client mistake should be refused."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def refusal(context: Context, error: ApiError) -> Response:
            if _concerns(context, api) and error.status < 500 and when(context):
                tally.add()
                return stages.refusal(context, Broken("crashed", code="crashed"))
            return stages.refusal(context, error)

        return replace(stages, refusal=refusal), engine

    text = f"{api or 'every API'}: {what} is answered 500."
    return Defect(name, text, plant, primary, also, origin=origin)


REMOVED = object()


def member(
    name: str,
    primary: str,
    api: str,
    path: str,
    value: object,
    *,
    when: Callable[[Context], bool] = lambda _: True,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Set a member of whole answers to a value, or take it away (REMOVED).

    `path` is like "results/*/index": "*" is every item of an array, "-1" its last.
    A callable value computes the new value from the old one.
    """

    @in_answer(primary, api=api, also=also, origin=origin)
    def edit(context: Context, answer: Answer) -> bool:
        *parents, leaf = path.split("/")
        holders = _holders(answer, parents) if when(context) else []
        put = [_put(holder, leaf, value) for holder in holders]
        return any(put)

    did = "is missing" if value is REMOVED else f"is changed ({name})"
    return replace(edit, name=name, description=f"{api}: {path} {did}.")


def _holders(value: Any, parents: list[str]) -> list[Any]:
    """The objects (or lists) that a path leads to."""
    found = [value]
    for part in parents:
        following: list[Any] = []
        for holder in found:
            if part == "*" and isinstance(holder, list):
                following += holder
            elif part == "-1" and isinstance(holder, list):
                following += holder[-1:]
            elif isinstance(holder, dict) and part in holder:
                following.append(holder[part])
        found = following
    return [holder for holder in found if isinstance(holder, dict | list)]


def _put(holder: Any, leaf: str, value: object) -> bool:
    keys: list[Any] = [leaf]
    if isinstance(holder, list):
        keys = (
            list(range(len(holder)))
            if leaf == "*"
            else [len(holder) - 1][: len(holder)]
        )
    elif leaf not in holder and value is REMOVED:
        return False
    for key in keys:
        if value is REMOVED:
            del holder[key]
        else:
            old = holder.get(key) if isinstance(holder, dict) else holder[key]
            holder[key] = value(old) if callable(value) else value
    return bool(keys)
