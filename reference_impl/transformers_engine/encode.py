"""Dynamic batching for encoders: texts of many requests share forward passes.

While one batch computes, the next gathers. Only an idle lane waits, a few
milliseconds, for texts that arrive together; then it takes the oldest, sorts
them by length, so that little of a batch is padding, and runs batch after batch.

B texts, T tokens, H hidden size.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from aios_conformance.reference_impl.tokenizing.texts import Encoding
from aios_conformance.reference_impl.transformers_engine.worker import Event
from aios_conformance.serving.engine import Overloaded

WINDOW = 0.004  # seconds without a new text after which a batch starts
PATIENCE = 0.012  # seconds that the oldest text waits at most for others
SORTED = 4  # batches that are sorted together


@dataclass(eq=False, slots=True)
class Text:
    """One encoding on its way, and whom to tell the result."""

    encoding: Encoding
    emit: Callable[[Any], None]  # called on the event loop with one result
    is_wanted: Callable[[], bool]
    arrived: float = field(default_factory=time.monotonic)


class Head(Protocol):
    """What a model makes of a padded batch."""

    def __call__(self, inputs: dict[str, Tensor]) -> Tensor:
        """(B, T) ids, mask and types → one row of results for each text."""


@dataclass(frozen=True, slots=True)
class EncoderLimits:
    """How much is encoded at once."""

    batch: int  # texts in one forward pass
    tokens: int  # padded tokens in one forward pass
    queue: int  # texts that may wait


class Encoder:
    """The lane of one encoder. Only `submit` is for other threads."""

    def __init__(self, head: Head, device: torch.device, limits: EncoderLimits) -> None:
        """`head` runs the model and reduces its output."""
        self.limits = limits
        self._head = head
        self._device = device
        self._waiting: deque[Text] = deque()
        self._lock = threading.Lock()
        self._batches: deque[list[Text]] = deque()
        self.waiting = 0  # texts that are not yet computed

    def submit(self, texts: list[Text]) -> None:
        """Queue texts; raises Overloaded when too many wait."""
        with self._lock:
            if self.waiting and self.waiting + len(texts) > self.limits.queue:
                raise Overloaded
            self._waiting.extend(texts)
            self.waiting += len(texts)

    def ready_in(self) -> float | None:
        """Seconds until the next batch should start; None: nothing waits."""
        if self._batches or len(self._waiting) >= self.limits.batch:
            return 0.0
        with self._lock:
            if not self._waiting:
                return None
            oldest, newest = self._waiting[0].arrived, self._waiting[-1].arrived
        due = min(newest + WINDOW, oldest + PATIENCE)
        return max(0.0, due - time.monotonic())

    def fail(self, error: Exception) -> list[Event]:
        """Give up the batches that were formed."""
        victims = [text for batch in self._batches for text in batch]
        self._batches.clear()
        self._leave(len(victims))
        return [(text.emit, error) for text in victims]

    def step(self) -> list[Event]:
        """Run one batch."""
        if not self._batches:
            self._batches.extend(self._gathered())
        if not self._batches:
            return []
        texts = [t for t in self._batches[0] if t.is_wanted()]
        results = self._computed([t.encoding for t in texts]) if texts else []
        self._leave(len(self._batches.popleft()))
        return [(t.emit, row) for t, row in zip(texts, results, strict=True)]

    def _gathered(self) -> Iterable[list[Text]]:
        """Form batches of the oldest texts, the shortest texts first."""
        with self._lock:
            count = min(len(self._waiting), SORTED * self.limits.batch)
            texts = [self._waiting.popleft() for _ in range(count)]
        batch: list[Text] = []
        for text in sorted(texts, key=lambda t: len(t.encoding.ids)):
            padded = (len(batch) + 1) * len(text.encoding.ids)
            if batch and (
                len(batch) == self.limits.batch or padded > self.limits.tokens
            ):
                yield batch
                batch = []
            batch.append(text)
        if batch:
            yield batch

    def _leave(self, count: int) -> None:
        with self._lock:
            self.waiting -= count

    def _computed(self, encodings: list[Encoding]) -> Any:
        result = self._head(padded(encodings, self._device))  # (B, …)
        return result.float().cpu().numpy()


def padded(encodings: list[Encoding], device: torch.device) -> dict[str, Tensor]:
    """Stack texts, padded on the right: ids, mask and perhaps types (B, T)."""
    width = max(len(e.ids) for e in encodings)

    def stacked(rows: list[list[int]]) -> Tensor:
        return torch.tensor(
            [row + [0] * (width - len(row)) for row in rows], device=device
        )

    inputs = {
        "input_ids": stacked([e.ids for e in encodings]),
        "attention_mask": stacked([[1] * len(e.ids) for e in encodings]),
    }
    if encodings[0].types is not None:
        inputs["token_type_ids"] = stacked([e.types or [] for e in encodings])
    return inputs
