"""POST /score, /v1/score: the similarity of pairs of texts (`000:173`)."""

from typing import Any

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Meaningless
from aios_conformance.serving.usage import usage


async def answer(context: RequestContext) -> dict[str, Any]:
    """Score 1-1, 1-N or N-N pairs, in the order of the request (`A-057`)."""
    values = context.parameters
    pairs = paired(_texts(values["text_1"]), _texts(values["text_2"]))
    scored = await context.front.engine.score(
        context.served.name, pairs, truncate=values.get("truncate_prompt_tokens")
    )
    whole = values.get("encoding_format") == "int"  # a whole number (`000:211`)
    return {
        "id": context.id,
        "object": "list",
        "created": context.created,
        "model": values["model"],
        "data": [
            {
                "index": index,
                "object": "score",
                "score": round(pair.score) if whole else pair.score,
            }
            for index, pair in enumerate(scored)
        ],
        "usage": usage(sum(pair.tokens for pair in scored)),
    }


def paired(left: list[str], right: list[str]) -> list[tuple[str, str]]:
    """Pair texts one with one, one with each, or position by position.

    Raises Meaningless for any other pair of lengths.
    """
    if not left or not right:
        raise Meaningless(
            "/text_1 and /text_2 must each hold at least one text", code="empty"
        )
    if len(left) == 1:
        left = left * len(right)
    if len(left) != len(right):
        raise Meaningless(
            f"/text_1 holds {len(left)} texts and /text_2 {len(right)}; valid are one "
            "and one, one and several, or the same number of both",
            code="unpaired",
            param="text_2",
        )
    return list(zip(left, right, strict=True))


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
