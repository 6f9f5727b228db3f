"""The path that a client probably meant, where there is none under the one it sent."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

_LONGEST: Final = 200  # characters of a path that are looked at
_BASES: Final = re.compile(r"^(v\d+|api|openai)/")

_ELSEWHERE: Final = {
    "responses": "chat/completions",
    "messages": "chat/completions",
    "generate": "completions",
    "embed": "embeddings",
}
"""What does the work of other services' paths."""


def nearest_path(path: str, served: Collection[str]) -> str | None:
    """Return the served path that is most like one that is not, if any is.

    What clients get wrong most often is what stands before the API's own part: no
    `/v1`, or two of them.

    >>> nearest_path("/v1/v1/embedding", ["/v1/embeddings", "/score"])
    '/v1/embeddings'
    """
    tails: dict[str, str] = {}
    for one in sorted(served, key=lambda one: not one.startswith("/v1/")):
        tails.setdefault(_tail(one), one)  # of aliases, the one that clients expect
    sent = _tail(path[:_LONGEST])
    sent = _ELSEWHERE.get(sent, sent)
    if near := get_close_matches(sent, tails, 1, cutoff=0.75):
        return tails[near[0]]
    for tail, one in tails.items():
        if sent and (sent.endswith(f"/{tail}") or tail.startswith(f"{sent}/")):
            return one
    return None


def _tail(path: str) -> str:
    """Return what names the API in a path."""
    tail = "/".join(part for part in path.lower().split("/") if part)
    while (shorter := _BASES.sub("", tail)) != tail:
        tail = shorter
    return tail
