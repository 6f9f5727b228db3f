"""Any defect, made to strike only some of the requests on which it would act.

Whether a defect would act is tried: each stage is broken first, and where the defect
acted on a request that is not struck, the stage starts again as if nothing had been.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, cast

from aios_conformance.mockserver.defects.either import STRUCK, Either
from aios_conformance.mockserver.defects.planting import Defect
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError
from aios_conformance.serving.stages import Answer, Chunks, Frames, Response, Stages

_EVERY = 3
_PLACE = "where it acts"

T = TypeVar("T")
Item = TypeVar("Item")


@dataclass(slots=True)
class _Request:
    """What is known of one request: did the defect act, and is it struck."""

    has_acted: bool = False
    struck: bool | None = None  # None: nothing has come of the defect yet


_CURRENT: ContextVar[_Request] = ContextVar("current")


class _Acts(Tally):
    """Notes an act on the request that is being served."""

    def add(self, acted: object = None) -> None:
        if acted is not False and (current := _CURRENT.get(None)) is not None:
            current.has_acted = True


class _Undone(Exception):  # noqa: N818 - no error
    """The defect acted on a request that is not struck."""


class Turn(Protocol):
    """Which requests are struck, of those on which the defect would act."""

    def strikes(self, context: RequestContext) -> bool:
        """Whether this one is; asked once for each."""
        ...

    def refused(self, context: RequestContext) -> None:
        """Take note that a request was refused."""
        ...


class EveryThird:
    """The 1st, 4th, 7th, …."""

    def __init__(self) -> None:
        """Begin with the first."""
        self._number = -1

    def strikes(self, _context: RequestContext) -> bool:
        """Count them."""
        self._number += 1
        return self._number % _EVERY == 0

    def refused(self, _context: RequestContext) -> None:
        """Count no refusals."""


class OnceRefused:
    """The first one after each refusal of the same API."""

    def __init__(self) -> None:
        """Begin with none refused."""
        self._refused: set[str | None] = set()

    def strikes(self, context: RequestContext) -> bool:
        """One for each refusal."""
        is_next = context.api in self._refused
        self._refused.discard(context.api)
        return is_next

    def refused(self, context: RequestContext) -> None:
        """Be ready to strike."""
        self._refused.add(context.api)


def where_it_acts(defect: Defect, name: str, turn: Callable[[], Turn]) -> Defect:
    """The defect under another name, at its turn among those that it would act on."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        broken, other = defect.plant(stages, engine, _Acts())
        tries = _Tries(tally, turn())
        return _stages(stages, broken, tries), cast("Engine", Either(engine, other))

    return replace(defect, name=name, plant=plant)


@dataclass(frozen=True, slots=True)
class _Tries:
    """Runs stages broken, and undoes what they did to requests not to be struck."""

    tally: Tally
    turn: Turn

    def now(
        self, context: RequestContext, broken: Callable[[], T], right: Callable[[], T]
    ) -> T:
        """What a broken stage makes, or the right one if this request is not struck."""
        try:
            with self._trial(context):
                return broken()
        except _Undone:
            return right()

    async def later(
        self,
        context: RequestContext,
        broken: Callable[[], Awaitable[T]],
        right: Callable[[], Awaitable[T]],
    ) -> T:
        """The same of a stage that is awaited."""
        try:
            with self._trial(context):
                return await broken()
        except _Undone:
            return await right()

    @contextmanager
    def _trial(self, context: RequestContext) -> Iterator[None]:
        """Raise _Undone, with the context as it was, if the acts must not stand."""
        request = context.memory.setdefault(_PLACE, _Request())
        if request.struck is False:
            STRUCK.set(False)
            raise _Undone
        saved = _saved(context)
        _CURRENT.set(request)
        STRUCK.set(True)
        try:
            yield
        except Exception as error:
            if not self._stands(request, context):
                _restore(context, saved)
                raise _Undone from error
            raise
        if not self._stands(request, context):
            _restore(context, saved)
            raise _Undone

    def _stands(self, request: _Request, context: RequestContext) -> bool:
        """Whether what a broken stage did is to be seen."""
        if request.has_acted and request.struck is None:
            request.struck = self.turn.strikes(context)
            self.tally.add(request.struck)
            STRUCK.set(request.struck)
        return request.struck is not False


def _saved(context: RequestContext) -> dict[str, Any]:
    return {
        "body": deepcopy(context.body),
        "parameters": deepcopy(context.parameters),
        "memory": dict(context.memory),
        "headers": context.headers,
        "raw": context.raw,
        "model": context.model,
    }


def _copied(given: Any) -> Any:
    """An answer that may be edited; refusals are not, and cannot be copied."""
    return given if isinstance(given, Exception) else deepcopy(given)


def _restore(context: RequestContext, saved: dict[str, Any]) -> None:
    for name, value in saved.items():
        setattr(context, name, value)


@dataclass(frozen=True, slots=True)
class _Heard:
    """All that a stream gave, and what ended it."""

    items: list[Any]
    error: Exception | None = None

    async def again(self) -> AsyncGenerator[Any, None]:
        """The stream once more, each time with values of its own."""
        for item in deepcopy(self.items):
            yield item
        if self.error is not None:
            raise self.error


async def _heard(source: AsyncGenerator[Item, None]) -> _Heard:
    items = []
    async with aclosing(source):
        try:
            async for item in source:
                items.append(item)  # noqa: PERF401 - what came before an error counts
        except Exception as error:  # noqa: BLE001 - raised again by `again`
            return _Heard(items, error)
    return _Heard(items)


def _stages(right: Stages, broken: Stages, tries: _Tries) -> Stages:
    """Stages that are the broken ones for a request that is struck."""

    def simple(name: str) -> Callable[..., Any]:
        def stage(context: RequestContext, *given: Any) -> Any:
            return tries.now(
                context,
                lambda: getattr(broken, name)(context, *map(_copied, given)),
                lambda: getattr(right, name)(context, *given),
            )

        return stage

    async def answer(context: RequestContext) -> Answer:
        return await tries.later(
            context, lambda: broken.answer(context), lambda: right.answer(context)
        )

    async def chunks(context: RequestContext) -> AsyncGenerator[dict[str, Any], None]:
        heard = await tries.later(
            context,
            lambda: _heard(broken.chunks(context)),
            lambda: _heard(right.chunks(context)),
        )
        async for chunk in heard.again():
            yield chunk

    async def frames(context: RequestContext, source: Chunks) -> Frames:
        whole = await _heard(source)
        heard = await tries.later(
            context,
            lambda: _heard(broken.frames(context, whole.again())),
            lambda: _heard(right.frames(context, whole.again())),
        )
        async for frame in heard.again():
            yield frame

    def refusal(context: RequestContext, error: ApiError) -> Response:
        response: Response = simple("refusal")(context, error)
        tries.turn.refused(context)
        return response

    return Stages(
        simple("admit"),
        simple("validate"),
        simple("prepare"),
        answer,
        simple("respond"),
        chunks,
        frames,
        simple("stream"),
        refusal,
    )
