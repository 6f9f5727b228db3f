"""GET /v1/models: the served models.

AIOS documents no such path, so there it is OpenAI's; Infinity's has its own members.
"""

from typing import Any

from aios_conformance.serving.context import Front, RequestContext
from aios_conformance.serving.engine import Model

_CAPABILITIES = {"embeddings": "embed"}  # what a list calls an API (`002:43`)


def listed(front: Front) -> dict[str, Any]:
    """Return the models in the engine's order, as OpenAI's API lists them."""
    return {
        "object": "list",
        "data": [
            {
                "id": model.name,
                "object": "model",
                "created": model.created,
                "owned_by": "aios",
                "max_model_len": model.context_length,
            }
            for model in front.engine.models
        ],
    }


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
