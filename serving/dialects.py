"""Several documents behind one port.

One dialect stands at the root. Several stand under `/NAME` each, and at the root as
well wherever the dialects before them have left all of their paths free: AIOS,
Infinity's and AIHubMix's pages put different promises on POST /v1/embeddings
(`A-168`), AIGNE Hub's has a path of its own (`A-145`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

Documents = Mapping[str, Mapping[str, Any]]  # OpenAPI documents by dialect
ROOT = ""


def places(documents: Documents) -> Mapping[str, tuple[str, ...]]:
    """Return the prefixes under which each dialect is served, the shortest first."""
    if len(documents) == 1:
        return dict.fromkeys(documents, (ROOT,))
    taken: set[str] = set()
    placed: dict[str, tuple[str, ...]] = {}
    for name, document in documents.items():
        paths = document["paths"].keys()
        prefix = f"/{name}"
        placed[name] = (prefix,) if paths & taken else (ROOT, prefix)
        if not paths & taken:
            taken |= paths
    return placed


def announced(documents: Documents, url: str, *, keyed: bool) -> Iterator[str]:
    """Yield what to say at the start: where each dialect is, and which keys it takes.

    `keyed` tells that there is an accepted key. Nothing is said of AIOS alone.
    """
    placed = places(documents)
    if len(documents) > 1:
        for name, prefixes in placed.items():
            yield f"{name}: {' and '.join(url + prefix for prefix in prefixes)}"
    if keyed:
        return
    for name, document in documents.items():
        if document.get("security"):
            yield f"{name}: no --api-key is set, so any bearer key is accepted"
