"""GET /v1/models: the served models.

AIOS documents no such path, so there it is OpenAI's; Infinity's has its own members.
"""

from difflib import get_close_matches
from typing import Any, get_args

from aios_conformance import spec
from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.engine import Feature, Model
from aios_conformance.serving.errors import BadRequest, NotFound

_LONGEST = 200  # characters of a name in a message
_CAPABILITIES = {"embeddings": "embed"}  # what a list calls an API (`002:43`)


def capabilities(model: Model) -> list[str]:
    """Return what a model can be asked for: its APIs, and what a writer can besides."""
    if not model.apis & spec.served_by("generator"):
        return sorted(model.apis)
    return sorted(model.apis) + sorted(set(get_args(Feature)) - model.lacks)


def able(model: Model, feature: Feature, param: str) -> None:
    """Raise BadRequest unless a model has a feature that a request asks for."""
    if feature in model.lacks:
        raise BadRequest(
            f"{feature} is not served for the model {model.name!r}: what runs it here "
            f"cannot do it; leave /{param} out",
            code="feature_unsupported",
            param=param,
        )


def card(model: Model) -> dict[str, Any]:
    """Return one model as OpenAI's API tells of it, with the length of its context."""
    return {
        "id": model.name,
        "object": "model",
        "created": model.created,
        "owned_by": "aios",
        "max_model_len": model.context_length,
    }


def named(front: Front, name: str) -> Model:
    """Return the served model of a name; raises NotFound."""
    model = front.find(name)
    if model is None:
        raise NotFound(
            f"the model {name[:_LONGEST]!r} is not served; "
            f"{_meant(front, name[:_LONGEST])}GET /v1/models lists those that are",
            code="model_not_found",
            param="model",
        )
    return model


def _meant(front: Front, name: str) -> str:
    """Ask for the served model whose name is most like another, if any is."""
    served = {model.name.lower(): model.name for model in front.engine.models}
    bare = {lower.rpartition("/")[2]: full for lower, full in served.items()}
    for names, said in (
        (served, name.lower()),
        (bare, name.lower().rpartition("/")[2]),
    ):
        if near := get_close_matches(said, names, 1, cutoff=0.7):
            return f"did you mean {names[near[0]]}? "
    return ""


async def answer(context: RequestContext) -> dict[str, Any]:
    """List the models that can be called, with how busy each is now (`002:9`)."""
    front = context.front
    documented = {each.api for each in front.contract.operations.values()}
    return {
        "data": [
            _described(front, model, documented)
            for model in front.engine.models
            if documented & model.apis
        ],
        "object": "list",
    }


def _described(front: Front, model: Model, documented: set[str]) -> dict[str, Any]:
    """Return one model as Infinity lists it (`002:16-29`)."""
    stats = front.engine.stats(model.name)
    return {
        "id": model.name,
        "stats": {
            "queue_fraction": float(stats["queue_fraction"]),
            "queue_absolute": int(stats["queue_absolute"]),
            "results_pending": int(stats["results_pending"]),
            "batch_size": int(stats["batch_size"]),
        },
        "object": "model",
        "owned_by": "infinity",
        "created": model.created,
        "backend": model.backend,
        "capabilities": [
            _CAPABILITIES.get(api, api) for api in sorted(documented & model.apis)
        ],
    }
