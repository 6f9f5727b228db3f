"""Scores of pairs by the vectors of their texts."""

from collections.abc import Sequence

import numpy as np

from aios_conformance.serving.engine import Engine, PairScore


async def cosines(
    engine: Engine, model: str, pairs: Sequence[tuple[str, str]], truncate: int | None
) -> list[PairScore]:
    """One score per pair in [0, 1] by an embedding model; each text is embedded once.

    A cosine may be negative, so it is moved from [-1, 1] to the [0, 1] that the
    documents promise (A-049, META-025). That keeps the order of any two scores, which
    cutting at 0 would not.
    """
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    found = await engine.embed(model, texts, truncate=truncate)
    vectors = np.stack([np.frombuffer(one.vector, "<f4") for one in found])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    place = {text: i for i, text in enumerate(texts)}
    return [
        PairScore(
            min(1.0, max(0.0, (1 + float(unit[a] @ unit[b])) / 2)),
            found[a].tokens + found[b].tokens,
        )
        for a, b in ((place[first], place[second]) for first, second in pairs)
    ]
