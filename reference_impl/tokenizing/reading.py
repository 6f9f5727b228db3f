"""Long texts are read off the event loop: they take seconds."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

from transformers import PreTrainedTokenizerBase

from aios_conformance.reference_impl.tokenizing.texts import Encoding, encoding

Text = str | Sequence[int]
Asked = tuple[Text, str | None]
"""A text or token ids, and the text that it is paired with."""

_AT_ONCE: Final = 10_000  # characters, or token ids, that are read where they are
_SLICE: Final = 100_000  # that are read before others have their turn
_EACH: Final = 100  # what a text costs however short it is


class Reader:
    """Encodes little at once, and much in a thread, a slice at a time.

    Never both together, since a fast tokenizer that cuts a text changes its own
    settings for it.
    """

    def __init__(self) -> None:
        """Start the thread when there is much to read."""
        self._thread = ThreadPoolExecutor(1, "tokenizer")
        self._reading = Lock()

    async def encodings(
        self,
        tokenizer: PreTrainedTokenizerBase,
        asked: Sequence[Asked],
        *,
        limit: int,
        truncate: int | None,
    ) -> list[Encoding]:
        """Encode each as `encoding` does, and raise what it raises.

        Who does not wait any longer has no further slice read.
        """

        def read(some: Sequence[Asked]) -> list[Encoding]:
            return [
                encoding(tokenizer, *one, limit=limit, truncate=truncate)
                for one in some
            ]

        def read_alone(some: Sequence[Asked]) -> list[Encoding]:
            with self._reading:
                return read(some)

        if sum(map(_cost, asked)) <= _AT_ONCE and self._reading.acquire(blocking=False):
            try:
                return read(asked)
            finally:
                self._reading.release()
        loop, found = asyncio.get_running_loop(), list[Encoding]()
        for some in _slices(asked):
            found += await loop.run_in_executor(self._thread, read_alone, some)
        return found

    def close(self) -> None:
        """Read nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _cost(asked: Asked) -> int:
    text, other = asked
    return _EACH + len(text) + len(other or "")


def _slices(asked: Sequence[Asked]) -> Iterator[Sequence[Asked]]:
    begin = size = 0
    for end, one in enumerate(asked, 1):
        size += _cost(one)
        if size >= _SLICE or end == len(asked):
            yield asked[begin:end]
            begin, size = end, 0
