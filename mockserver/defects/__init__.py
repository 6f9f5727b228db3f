"""Broken promises, to prove that a judge notices, and freedoms, to prove its fairness.

One module per API or dialect; `registry()` lists all of them by name.
"""

from collections.abc import Mapping

from mockserver.defects import (
    aigne_hub,
    aihubmix,
    chat,
    common,
    completions,
    embeddings,
    generation,
    infinity,
    rerank,
    score,
    streams,
    variations,
)
from mockserver.defects.planting import Defect

_ALL: tuple[Defect, ...] = (
    *common.DEFECTS,
    *rerank.DEFECTS,
    *score.DEFECTS,
    *embeddings.DEFECTS,
    *generation.DEFECTS,
    *chat.DEFECTS,
    *completions.DEFECTS,
    *streams.DEFECTS,
    *variations.VARIATIONS,
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
