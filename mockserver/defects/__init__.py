"""Broken promises, to prove that a judge notices, and freedoms, to prove its fairness.

One module per API or dialect; `registry()` lists all of them by name.
"""

from collections.abc import Mapping

from aios_conformance.mockserver.defects import (
    aigne_hub,
    aihubmix,
    chat,
    chat_fields,
    chat_logprobs,
    chat_requests,
    chat_tools,
    common,
    completions,
    completions_fields,
    decoding,
    embeddings,
    embeddings_fields,
    generation,
    generation_fields,
    infinity,
    kinds,
    mistakes,
    paths,
    printed,
    rerank,
    rerank_fields,
    rerank_top_n,
    score,
    score_fields,
    stream_variations,
    streams,
    variations,
)
from aios_conformance.mockserver.defects.planting import Defect

_ALL: tuple[Defect, ...] = (
    *common.DEFECTS,
    *paths.DEFECTS,
    *mistakes.DEFECTS,
    *printed.DEFECTS,
    *kinds.DEFECTS,
    *rerank.DEFECTS,
    *rerank_top_n.DEFECTS,
    *rerank_fields.DEFECTS,
    *score.DEFECTS,
    *score_fields.DEFECTS,
    *embeddings.DEFECTS,
    *embeddings_fields.DEFECTS,
    *generation.DEFECTS,
    *generation_fields.DEFECTS,
    *decoding.DEFECTS,
    *chat.DEFECTS,
    *chat_logprobs.DEFECTS,
    *chat_tools.DEFECTS,
    *chat_fields.DEFECTS,
    *chat_requests.DEFECTS,
    *completions.DEFECTS,
    *completions_fields.DEFECTS,
    *streams.DEFECTS,
    *variations.VARIATIONS,
    *stream_variations.VARIATIONS,
    *infinity.DEFECTS,
    *aigne_hub.DEFECTS,
    *aihubmix.DEFECTS,
)


def registry() -> Mapping[str, Defect]:
    """Every defect and variation by name; raises ValueError for a name twice."""
    found = {defect.name: defect for defect in _ALL}
    if len(found) != len(_ALL):
        raise ValueError("two defects share a name")
    return found
