"""GET /v1/models: the served models, as OpenAI's API lists them."""

from typing import Any

from serving.context import Front


def listed(front: Front) -> dict[str, Any]:
    """Return the models in the engine's order."""
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
