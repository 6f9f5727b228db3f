"""Usage in streams (`000:388`, `A-099`): where it stands and what it counts."""

from collections.abc import Mapping
from typing import Any

from serving.usage import usage


class UsageInStream:
    """Keeps count while a stream runs.

    include_usage asks for a last chunk with the usage and no choices; the other
    chunks then have a null. continuous_usage_stats asks for the usage so far on
    every chunk, and for the last chunk unless include_usage is false.
    """

    __slots__ = ("_continuous", "_prompt", "last", "tokens")

    def __init__(self, parameters: Mapping[str, Any], prompt: int) -> None:
        """`prompt` is the number of prompt tokens."""
        options = parameters.get("stream_options") or {}
        wanted = options.get("include_usage")
        continuous = bool(options.get("continuous_usage_stats"))
        self._continuous = continuous and wanted is not False
        self.last: bool = bool(wanted) or self._continuous
        self._prompt = prompt
        self.tokens: dict[int, int] = {}  # generated so far, by choice

    def on(self, chunk: dict[str, Any]) -> dict[str, Any]:
        """Add the member `usage` to a chunk, where it was asked for."""
        if self.last:
            chunk["usage"] = self.total() if self._continuous else None
        return chunk

    def total(self) -> dict[str, Any]:
        """Return the usage so far."""
        return usage(self._prompt, sum(self.tokens.values()))
