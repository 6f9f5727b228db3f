"""What all chunks of a stream have in common, and usage in streams (`A-099`)."""

from typing import Any, Final

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.usage import usage

STREAM: Final = "stream"
"""Where wrappers of the stages find the stream of a context, once it has begun."""


class ChunkStream:
    """Makes the chunks of one stream and keeps count while it runs.

    include_usage asks for a last chunk with the usage and no choices; the other
    chunks then have a null. continuous_usage_stats asks for the usage so far on
    every chunk, and for the last chunk unless include_usage is false (`000:388`).
    """

    __slots__ = ("_continuous", "_head", "_prompt", "counted", "finishes", "tokens")

    def __init__(self, context: RequestContext, kind: str, prompt: int) -> None:
        """`kind` is each chunk's `object`, `prompt` counts the prompt's tokens."""
        self._head = {
            "id": context.id,
            "object": kind,
            "created": context.created,
            "model": context.parameters["model"],
        }
        self._prompt = prompt
        options = context.parameters.get("stream_options") or {}
        wanted = options.get("include_usage")
        self._continuous = bool(options.get("continuous_usage_stats")) and (
            wanted is not False
        )
        self.counted: bool = bool(wanted) or self._continuous
        self.finishes: list[str] = []  # why choices ended, those that have
        self.tokens: dict[int, int] = {}  # generated so far, by choice
        context.memory[STREAM] = self

    def chunk(self, choice: dict[str, Any]) -> dict[str, Any]:
        """Return a chunk with a piece of one choice."""
        if not self.counted:
            return {**self._head, "choices": [choice]}
        so_far = self.usage() if self._continuous else None
        return {**self._head, "choices": [choice], "usage": so_far}

    def last(self) -> dict[str, Any]:
        """Return the chunk that holds nothing but the usage."""
        return {**self._head, "choices": [], "usage": self.usage()}

    def usage(self) -> dict[str, Any]:
        """Return the usage so far."""
        return usage(self._prompt, sum(self.tokens.values()))
