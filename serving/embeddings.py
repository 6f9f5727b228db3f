"""POST /v1/embeddings: texts to vectors (`000:696`)."""

from collections.abc import Sequence
from typing import Any

from serving.codec import Vector
from serving.context import Context, Front
from serving.engine import Model
from serving.errors import BadRequest, Meaningless
from serving.usage import usage

_WRITTEN = 7  # bytes of a vector as JSON, for each byte that it has as float32

Input = str | Sequence[int]


async def answer(context: Context) -> dict[str, Any]:
    """Embed every input, in order; base64 is little-endian float32 (`A-124`)."""
    values = context.parameters
    found = await _vectors(
        context.front,
        context.served,
        inputs(values["input"]),
        values.get("truncate_prompt_tokens"),
        _dimensions(context),
    )
    base64 = values.get("encoding_format") == "base64"
    plain = context.front.plain
    data = []
    for index, (vector, _) in enumerate(found):
        form = vector.base64 if base64 else vector.values() if plain else vector
        data.append({"index": index, "object": "embedding", "embedding": form})
    return {
        "id": context.id,
        "object": "list",
        "created": context.created,
        "model": values["model"],
        "data": data,
        "usage": usage(sum(tokens for _, tokens in found)),
    }


def inputs(value: Any) -> list[Input]:
    """Return one entry for each vector that is wanted.

    A flat list of token ids is one input (`A-150`). Raises Meaningless for no input.
    """
    if not value and value != "":
        raise Meaningless(
            "/input must hold at least one text", code="empty", param="input"
        )
    if isinstance(value, str):
        return [value]
    if isinstance(value[0], int | float):
        return [[int(token) for token in value]]
    return [
        item if isinstance(item, str) else [int(token) for token in item]
        for item in value
    ]


def _dimensions(context: Context) -> int | None:
    """Return the wanted length; BadRequest if the model cannot make it.

    A member that the dialect's document does not list has no effect (`A-128`).
    """
    wanted: int | None = context.parameters.get("dimensions")
    model = context.served
    if wanted is None or wanted == model.dimensions:
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
    return wanted


async def _vectors(
    front: Front,
    model: Model,
    wanted: Sequence[Input],
    truncate: int | None,
    dimensions: int | None,
) -> list[tuple[Vector, int]]:
    """Return each input's vector and token count; repeatable ones are remembered."""
    keys = [
        (model.name, one if isinstance(one, str) else tuple(one), truncate, dimensions)
        for one in wanted
    ]
    found = {
        key: kept
        for key in keys
        if model.repeatable and (kept := front.vectors.get(key))
    }
    missing = {
        key: one for key, one in zip(keys, wanted, strict=True) if key not in found
    }
    if missing:
        embedded = await front.engine.embed(
            model.name,
            list(missing.values()),
            truncate=truncate,
            dimensions=dimensions,
        )
        for key, one in zip(missing, embedded, strict=True):
            found[key] = vector = (Vector(one.vector), one.tokens)
            if model.repeatable and not front.plain:
                weight = len(one.vector) * _WRITTEN + len(key[1])
                front.vectors.put(key, vector, weight)
    return [found[key] for key in keys]
