"""Tokenizing beside the event loop: some megabytes of text take seconds."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from transformers import PreTrainedTokenizerBase

from aios_conformance.reference_impl.tokenizing.texts import Encoding, encoding

Input = tuple[str | Sequence[int], str | None]  # a text or token ids; with another

CALL: Final = 100  # characters that take as long as the call itself
SMALL: Final = 4_000  # characters that are read at once, in a few milliseconds
SLICE: Final = 100_000  # characters after which another request has its turn


class PromptReader:
    """Reads what one model's requests bring, in turns and one slice at a time.

    Never in two threads at once: a call may change a fast tokenizer's settings. What is
    small and finds the tokenizer free is read on the event loop.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, limit: int) -> None:
        """`limit` is how many tokens the model takes of one input."""
        self._tokenizer = tokenizer
        self._limit = limit
        self._thread = ThreadPoolExecutor(1, "reader")
        self._use = threading.Lock()

    async def read(
        self, inputs: Sequence[Input], truncate: int | None
    ) -> list[Encoding]:
        """Encode each input; raises TooLong and EngineError.

        When the client is gone, the slice in hand is the last one.
        """
        if sum(map(_size, inputs)) <= SMALL and self._use.acquire(blocking=False):
            try:
                return self._encodings(inputs, truncate)
            finally:
                self._use.release()
        loop, result = asyncio.get_running_loop(), []
        for part in _slices(inputs):
            result += await loop.run_in_executor(
                self._thread, self._slice, part, truncate
            )
        return result

    def _slice(self, part: Sequence[Input], truncate: int | None) -> list[Encoding]:
        with self._use:
            return self._encodings(part, truncate)

    def _encodings(
        self, inputs: Sequence[Input], truncate: int | None
    ) -> list[Encoding]:
        return [
            encoding(self._tokenizer, *one, limit=self._limit, truncate=truncate)
            for one in inputs
        ]


def _size(one: Input) -> int:
    text, other = one
    return CALL + len(text) + len(other or "")


def _slices(inputs: Sequence[Input]) -> Iterator[list[Input]]:
    """Cut between inputs: the tokens of one depend on the whole of it."""
    part: list[Input] = []
    size = 0
    for one in inputs:
        if part and size + _size(one) > SLICE:
            yield part
            part, size = [], 0
        part.append(one)
        size += _size(one)
    yield part
