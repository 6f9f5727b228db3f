"""Defects that are one line of a table each.

forgives    a breach that is overlooked
refuses     a valid body that is refused
turns_away  a valid request that is refused with a status of choice
crashes     a client mistake that is answered 500
breaks_down a body that is answered 500, whether it is a mistake or not
member      a member of whole answers that has another value, or is missing
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from aios_conformance.mockserver.defects.planting import Defect, concerns, in_answer
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError, BadRequest, Broken, Violation
from aios_conformance.serving.stages import Answer, Response, Stages

_NOTHING: Mapping[str, str] = {}


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
        def validate(context: RequestContext) -> list[Violation]:
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

    def fits(context: RequestContext) -> bool:
        return context.api in api.split() and when(context.body)

    text = f"{api}: a valid body is refused: {why}."
    refused = turns_away(name, primary, why, fits, also=also, origin=origin)
    return replace(refused, description=text)


def turns_away(
    name: str,
    primary: str,
    text: str,
    when: Callable[[RequestContext], object],
    *,
    error: type[ApiError] = BadRequest,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Refuse valid requests with a status; `when` looks at them once they are read."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if when(context):
                tally.add()
                raise error(text, code="refused")

        return replace(stages, prepare=prepare), engine

    return Defect(name, text, plant, primary, also, origin=origin)


def crashes(
    name: str,
    primary: str,
    api: str,
    when: Callable[[RequestContext], bool],
    *,
    what: str,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Answer 500 where a client mistake should be refused."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def refusal(context: RequestContext, error: ApiError) -> Response:
            if concerns(context, api) and error.status < 500 and when(context):
                tally.add()
                return stages.refusal(context, Broken("crashed", code="crashed"))
            return stages.refusal(context, error)

        return replace(stages, refusal=refusal), engine

    text = f"{api or 'every API'}: {what} is answered 500."
    return Defect(name, text, plant, primary, also, origin=origin)


def answers(
    name: str,
    primary: str,
    api: str,
    when: Callable[[RequestContext, ApiError], bool],
    *,
    what: str,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Answer 200, with the error as body, where a client mistake is to be refused."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def refusal(context: RequestContext, error: ApiError) -> Response:
            status, headers, body = stages.refusal(context, error)
            if concerns(context, api) and when(context, error):
                tally.add()
                status = 200
            return status, headers, body

        return replace(stages, refusal=refusal), engine

    text = f"{api or 'every API'}: {what} is answered 200, with an error as body."
    return Defect(name, text, plant, primary, also, origin=origin)


REMOVED = object()


def member(
    name: str,
    primary: str,
    api: str,
    path: str,
    value: object,
    *,
    when: Callable[[RequestContext], bool] = lambda _: True,
    also: Mapping[str, str] = _NOTHING,
    origin: str = "",
) -> Defect:
    """Set a member of whole answers to a value, or take it away (REMOVED).

    `path` is like "results/*/index": "*" is every item of an array, "-1" its last.
    A callable value computes the new value from the old one.
    """

    @in_answer(primary, api=api, also=also, origin=origin)
    def edit(context: RequestContext, answer: Answer) -> bool:
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


def breaks_down(
    name: str,
    primary: str,
    api: str,
    when: Callable[[RequestContext], Any],
    *,
    what: str,
    also: Mapping[str, str],
) -> Defect:
    """Answer 500 to a body that may be accepted or refused."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: RequestContext) -> None:
            if context.api == api and when(context):
                tally.add()
                raise Broken("crashed", code="crashed")
            stages.admit(context)

        return replace(stages, admit=admit), engine

    return Defect(name, f"{api}: {what} is answered 500.", plant, primary, also)
