"""Texts, or token ids, to vectors (`000:696`, `002:59`, `003:10`, `004:9`).

Dialects differ in what their documents list: members of the request that are not
listed have no effect, members of the answer that are not listed are left out.
"""

from collections.abc import Sequence
from typing import Any

from aios_conformance.serving.codec import Vector
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.contract import Operation
from aios_conformance.serving.engine import Model
from aios_conformance.serving.errors import BadRequest, Meaningless
from aios_conformance.serving.inputs import Input, inputs
from aios_conformance.serving.turns import aside
from aios_conformance.serving.usage import usage

_SEVERAL = 64  # vectors that are written in passing
_GROUP = 256  # inputs that the engine gets at once where a request has a limit


async def answer(context: RequestContext) -> dict[str, Any]:
    """Embed every input, in order; base64 is little-endian float32 (`A-124`)."""
    values = context.parameters
    found = await _limited(
        context, inputs(values["input"], "input"), _dimensions(context)
    )
    base64 = values.get("encoding_format") == "base64"
    plain = context.front.plain

    def entries() -> list[dict[str, Any]]:
        return [
            {
                "index": index,
                "object": "embedding",
                "embedding": vector.base64
                if base64
                else (vector.values() if plain else vector),
            }
            for index, (vector, _) in enumerate(found)
        ]

    data = await aside(len(found) > _SEVERAL and (base64 or plain), entries)
    return _operation(context).told(
        {
            "id": context.id,
            "object": "list",
            "created": context.created,
            "model": values["model"],
            "data": data,
            "usage": usage(sum(tokens for _, tokens in found)),
        }
    )


def _operation(context: RequestContext) -> Operation:
    assert context.operation is not None  # noqa: S101 - no API without an operation
    return context.operation


def _dimensions(context: RequestContext) -> int | None:
    """Return the wanted length; BadRequest if the model cannot make it.

    A member that the dialect's document does not list has no effect (`A-128`).
    """
    wanted: int | None = context.parameters.get("dimensions")
    model = context.served
    if wanted is None:
        return None
    if not model.matryoshka:
        raise BadRequest(
            f"the model {model.name!r} has vectors of {model.dimensions} dimensions "
            "only; leave /dimensions out",
            code="dimensions_unsupported",
            param="dimensions",
        )
    if wanted > model.dimensions:
        raise BadRequest(
            f"/dimensions must be at most {model.dimensions} for the model "
            f"{model.name!r}, got {wanted}",
            code="dimensions_unsupported",
            param="dimensions",
        )
    return None if wanted == model.dimensions else wanted


async def _limited(
    context: RequestContext, wanted: Sequence[Input], dimensions: int | None
) -> list[tuple[Vector, int]]:
    """Return the vectors within the document's limits on tokens (`004:56`).

    Tokens are those that usage counts. Raises Meaningless beyond a limit, as soon as
    enough inputs were read to tell.
    """
    operation = _operation(context)
    most, together = operation.input_tokens, operation.request_tokens
    size = len(wanted) if together is None else _GROUP
    found: list[tuple[Vector, int]] = []
    total = 0
    for start in range(0, len(wanted), size):
        group = wanted[start : start + size]
        for one in group:  # ids are counted before they are read
            if most is not None and not isinstance(one, str):
                _at_most(most, len(one), "an input")
        truncate = context.parameters.get("truncate_prompt_tokens")
        found += await _vectors(
            context.front, context.served, group, truncate, dimensions
        )
        for _, tokens in found[start:]:
            total += tokens
            if most is not None:
                _at_most(most, tokens, "an input")
        if together is not None:
            _at_most(together, total, "all inputs together")
    return found


def _at_most(limit: int, tokens: int, what: str) -> None:
    if tokens > limit:
        raise Meaningless(
            f"/input: {what} may have at most {limit} tokens, got {tokens} or more",
            code="too_many_tokens",
            param="input",
        )


async def _vectors(
    front: Front,
    model: Model,
    wanted: Sequence[Input],
    truncate: int | None,
    dimensions: int | None,
) -> list[tuple[Vector, int]]:
    """Return each input's vector and token count; equal inputs are read once."""
    keys = [one if isinstance(one, str) else tuple(one) for one in wanted]
    different = dict(zip(keys, wanted, strict=True))
    embedded = await front.engine.embed(
        model.name, list(different.values()), truncate=truncate, dimensions=dimensions
    )
    found = {
        key: (Vector(one.vector, one.json), one.tokens)
        for key, one in zip(different, embedded, strict=True)
    }
    return [found[key] for key in keys]
