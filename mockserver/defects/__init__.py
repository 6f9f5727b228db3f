"""Broken promises, to prove that a judge notices, and freedoms, to prove its fairness.

One module per API; `registry()` lists all of them by name.
"""

from collections.abc import Mapping

from mockserver.defects import embeddings, rerank, score
from mockserver.defects.planting import Defect

_ALL: tuple[Defect, ...] = (
    *rerank.DEFECTS,
    *score.DEFECTS,
    *embeddings.DEFECTS,
)


def registry() -> Mapping[str, Defect]:
    """Every defect and variation by name."""
    return {defect.name: defect for defect in _ALL}
