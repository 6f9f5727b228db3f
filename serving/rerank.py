"""POST /rerank, /v1/rerank, /v2/rerank: documents in order of relevance (`000:19`)."""

from typing import Any

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.errors import Meaningless


async def answer(context: RequestContext) -> dict[str, Any]:
    """Score every document against the query, return the best.

    The sort is stable, `index` is the position in the request (`A-035`), `text` the
    whole document (`A-042`), and the tokens are those of all documents (`A-050`).
    """
    values = context.parameters
    documents: list[str] = values["documents"]
    if not documents:
        raise Meaningless(
            "/documents must hold at least one text", code="empty", param="documents"
        )
    scored = await context.front.engine.score(
        context.served.name,
        [(values["query"], document) for document in documents],
        truncate=values.get("truncate_prompt_tokens"),
    )
    order = sorted(range(len(documents)), key=lambda index: -scored[index].score)
    return {
        "id": context.id,
        "model": values["model"],
        "usage": {"total_tokens": sum(pair.tokens for pair in scored)},
        "results": [
            {
                "index": index,
                "document": {"text": documents[index]},
                "relevance_score": scored[index].score,
            }
            for index in order[: values["top_n"] or None]
        ],
    }
