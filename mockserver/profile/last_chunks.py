"""The shape in which vLLM ends a stream: the last text and its end in one chunk."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.stages import Chunks, Stages


def joined(stages: Stages) -> Stages:
    """Let each choice of a stream end with the chunk that holds its last text.

    Chunks are one late for that, each that says nothing is joined to the one before.
    """

    async def chunks(context: RequestContext) -> Chunks:
        held: dict[int, dict[str, Any]] = {}  # the latest chunk of each choice
        async with aclosing(stages.chunks(context)) as source:
            async for chunk in source:
                choices = chunk.get("choices")
                if not choices:
                    yield chunk
                    continue
                index = choices[0]["index"]
                before = held.pop(index, None)
                if choices[0].get("finish_reason") is None:
                    held[index] = chunk
                    if before is not None:
                        yield before
                else:
                    yield chunk if before is None else _ended(before, chunk)

    return replace(stages, chunks=chunks)


def _ended(chunk: Mapping[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    """Return the last chunk with what the one before it said."""
    said, end = chunk["choices"][0], last["choices"][0]
    whole = {
        name: said.get(name) if value in (None, "", {}) else value
        for name, value in end.items()
    }
    return {**last, "choices": [whole]}
