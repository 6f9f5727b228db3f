"""What the three embedding dialects have in common, and so can get wrong alike.

Rows differ by dialect, sins do not: each table below is given the ids of its own.
"""

from array import array
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count, cycle
from typing import Any

from multidict import CIMultiDict

from aios_conformance.mockserver.defects.planting import (
    Defect,
    in_answer,
    in_parameters,
    in_refusal,
    in_response,
)
from aios_conformance.mockserver.state import Tally
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.engine import Engine
from aios_conformance.serving.errors import ApiError, BadRequest, NotFound, Unauthorized
from aios_conformance.serving.stages import Answer, Response, Stages

API = "embeddings"
Also = Mapping[str, str]


def of(dialect: str, defects: Iterable[Defect]) -> tuple[Defect, ...]:
    """Return the defects as those of a dialect."""
    return tuple(replace(defect, dialect=dialect) for defect in defects)


def named(defect: Defect, name: str) -> Defect:
    """Return a defect under a name of its own."""
    return replace(defect, name=name)


def is_base64(context: RequestContext) -> bool:
    """Tell whether vectors were asked for as text."""
    return context.parameters.get("encoding_format") == "base64"


def vectors_alike(name: str, primary: str, also: Also) -> Defect:
    """Give every text of a batch the first one's vector."""

    @in_answer(primary, api=API, also=also)
    def edit(context: RequestContext, answer: Answer) -> bool:
        """Every input of a batch has the vector of the first."""
        data = answer["data"]
        for item in data:
            item["embedding"] = data[0]["embedding"]
        return len(data) > 1

    return named(edit, name)


def last_missing(name: str, primary: str, also: Also) -> Defect:
    """Leave the last item of a batch out."""

    @in_answer(primary, api=API, also=also)
    def edit(context: RequestContext, answer: Answer) -> bool:
        """A batch lacks its last item."""
        if len(answer["data"]) < 2:
            return False
        answer["data"].pop()
        return True

    return named(edit, name)


def created_201(name: str, primary: str, api: str, also: Also) -> Defect:
    """Answer 201 in place of 200."""

    @in_response(primary, api=api, also=also)
    def edit(context: RequestContext, found: Response) -> Response:
        """Success has the status 201."""
        return 201, *found[1:]

    return named(edit, name)


def gone(name: str, primary: str, api: str, also: Also) -> Defect:
    """Answer every second valid request with 404, as if the path were not there."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        turn = cycle((False, True))

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if context.api == api and next(turn):
                tally.add()
                raise NotFound("there is no such path", code="path_not_found")

        return replace(stages, prepare=prepare), engine

    return Defect(name, gone.__doc__ or "", plant, primary, also)


def tires(
    name: str,
    primary: str,
    when: Callable[[Mapping[str, Any]], bool],
    why: str,
    also: Also,
) -> Defect:
    """Refuse a valid body `when` says so, but not the first one."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        seen = count()

        def prepare(context: RequestContext) -> None:
            stages.prepare(context)
            if context.api == API and when(context.body) and next(seen):
                tally.add()
                raise BadRequest(why, code="refused")

        return replace(stages, prepare=prepare), engine

    what = f"Valid bodies but the first are refused: {why}."
    return Defect(name, what, plant, primary, also)


def base64_by_default(name: str, primary: str, also: Also) -> Defect:
    """Give text where no format is asked for."""

    @in_parameters(primary, api=API, also=also)
    def edit(context: RequestContext) -> bool:
        """Without encoding_format vectors come as base64."""
        if "encoding_format" in context.body:
            return False
        context.parameters["encoding_format"] = "base64"
        return True

    return named(edit, name)


def dimensions_as(
    name: str, primary: str, also: Also, change: Callable[[int], int], what: str
) -> Defect:
    """Give another length than was asked for."""

    @in_parameters(primary, api=API, also=also)
    def edit(context: RequestContext) -> bool:
        wanted = context.parameters.get("dimensions")
        if wanted is None or change(wanted) == wanted:
            return False
        context.parameters["dimensions"] = change(wanted)
        return True

    return replace(edit, name=name, description=what)


def dimensions_ignored(name: str, primary: str, also: Also) -> Defect:
    """Give vectors of the model's own length."""

    @in_parameters(primary, api=API, also=also)
    def edit(context: RequestContext) -> bool:
        """A wanted length is accepted and ignored."""
        return context.parameters.pop("dimensions", None) is not None

    return named(edit, name)


def big_endian(name: str, primary: str, also: Also) -> Defect:
    """Pack floats the wrong way round."""

    @in_answer(primary, api=API, also=also)
    def edit(context: RequestContext, answer: Answer) -> bool:
        """base64 holds big-endian numbers."""
        if not is_base64(context):
            return False
        for item in answer["data"]:
            numbers = array("f", b64decode(item["embedding"]))
            numbers.byteswap()
            item["embedding"] = b64encode(numbers.tobytes()).decode()
        return True

    return named(edit, name)


def default_differs(name: str, primary: str, also: Also) -> Defect:
    """Give other numbers where no format is asked for."""

    @in_answer(primary, api=API, also=also)
    def edit(context: RequestContext, answer: Answer) -> bool:
        """Without encoding_format a vector is of three times its length."""
        if "encoding_format" in context.body:
            return False
        for item in answer["data"]:
            item["embedding"] = [3 * x for x in item["embedding"]]
        return True

    return named(edit, name)


def keyless(name: str, primary: str, also: Also, code: str, what: str) -> Defect:
    """Serve who is refused with `code`: missing_api_key or invalid_api_key."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def admit(context: RequestContext) -> None:
            try:
                stages.admit(context)
            except Unauthorized as error:
                if error.code != code:
                    raise
                tally.add()
                front, headers = context.front, CIMultiDict(context.headers)
                headers["Authorization"] = "Bearer any"
                context.front = replace(front, api_key=None)
                context.headers = headers
                stages.admit(context)
                context.front = front

        return replace(stages, admit=admit), engine

    return Defect(name, what, plant, primary, also)


def any_model_serves(
    name: str, primary: str, also: Also, codes: frozenset[str]
) -> Defect:
    """Embed under a name that must be refused with one of `codes`."""

    def plant(stages: Stages, engine: Engine, tally: Tally) -> tuple[Stages, Engine]:
        def prepare(context: RequestContext) -> None:
            try:
                stages.prepare(context)
            except ApiError as error:
                if error.code not in codes:
                    raise
                tally.add()
                asked = context.body["model"]
                fit = (m.name for m in context.front.engine.models if API in m.apis)
                context.body["model"] = next(fit)
                stages.prepare(context)
                context.parameters["model"] = asked

        return replace(stages, prepare=prepare), engine

    what = "A model that is unknown or not fit for embeddings is answered 200."
    return Defect(name, what, plant, primary, also)


def asks(body: Mapping[str, Any], form: str) -> bool:
    """Tell whether the input of a body has a form: text, texts, ids or id lists."""
    value = body.get("input")
    if isinstance(value, str):
        return form == "text"
    first = value[0] if isinstance(value, list) and value else None
    kinds = {str: "texts", int: "ids", list: "id lists"}
    return kinds.get(type(first)) == form


def of_form(form: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return the condition that the input has a form."""
    return lambda body: asks(body, form)


def freedoms(prefix: str) -> tuple[Defect, ...]:
    """Return what every dialect leaves open: no judge may raise anything."""

    @in_refusal(freedom="A-136, A-151, A-163")
    def bad_request(
        context: RequestContext, error: ApiError, found: Response
    ) -> Response:
        """Every breach is answered 400."""
        return (400, *found[1:]) if found[0] in (404, 422) else found

    @in_refusal(freedom="A-136, A-151, A-163")
    def flat_errors(
        context: RequestContext, error: ApiError, found: Response
    ) -> Response:
        """Error bodies are those of FastAPI."""
        return found[0], found[1], b'{"detail":"refused"}'

    @in_answer(freedom="A-141, A-146, A-025", api=API)
    def extra_members(context: RequestContext, answer: Answer) -> None:
        """Answers carry members that the page does not show, as OpenAI's do."""
        answer |= {"id": f"embd-{context.number}", "created": context.created}
        answer["usage"]["completion_tokens"] = 0
        for item in answer["data"]:
            item["x_note"] = "free"

    @in_answer(freedom="BETWEEN_CALLS: batch numerics", api=API)
    def vectors_jitter(context: RequestContext, answer: Answer) -> bool:
        """Vector components differ by 1e-4 between calls."""
        if is_base64(context) or context.number % 2:
            return False
        for item in answer["data"]:
            item["embedding"] = [x + 1e-4 for x in item["embedding"]]
        return True

    found = (bad_request, flat_errors, extra_members, vectors_jitter)
    return tuple(named(one, f"{prefix}_{one.name}") for one in found)
