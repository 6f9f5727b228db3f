"""Token accounting: the one place where totals are added up (`000:467`, `A-019`)."""

from typing import Any


def usage(prompt: int, completion: int = 0) -> dict[str, Any]:
    """Return the `usage` member; counts are tokens of the model."""
    return {
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
        "completion_tokens": completion,
        "prompt_tokens_details": None,
    }
