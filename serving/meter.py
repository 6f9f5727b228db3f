"""What happened, in numbers, to be told as metrics (serving.metrics).

They are plain numbers, which take 2 µs a request; the counters of prometheus_client
would take 15.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, Protocol

_SECONDS: Final = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0),
)
_MODELS: Final = 1_000  # that are told apart: some mocks serve every name
_TOKENS: Final = tuple(
    float(digit * 10**power) for power in range(6) for digit in (1, 2, 5)
)
_REASONS: Final = ("stop", "length", "abort")
_STOP: Final = ("stop",)
_ABORT: Final = ("abort",)


class Histogram:
    """How often a value was in each of its ranges."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` are the upper ends, which belong to their ranges."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> list[tuple[str, float]]:
        """Return each upper end with how many values are not above it."""
        ends = [*map(str, self._bounds), "+Inf"]
        return list(zip(ends, accumulate(self._counts), strict=True))


class Numbers:
    """Those of one model."""

    __slots__ = ("finished", "first", "generated", "pause", "prompt", "whole")

    def __init__(self) -> None:
        """Nothing has happened."""
        self.first = Histogram(_SECONDS)  # to the first byte of an answer
        self.pause = Histogram(_SECONDS)  # between two tokens of a stream
        self.whole = Histogram(_SECONDS)  # of a request
        self.prompt = Histogram(_TOKENS)
        self.generated = Histogram(_TOKENS)
        self.finished = dict.fromkeys(_REASONS, 0)


class Happened(Protocol):
    """What a meter wants to know of a request that is over."""

    @property
    def api(self) -> str | None:
        """The API that was called; None for none."""

    @property
    def path(self) -> str:
        """The path as it was asked for."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def status(self) -> int | None:
        """The status; None: no response was begun."""

    @property
    def model(self) -> str | None:
        """The model that answered."""

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of the prompt, and generated ones."""

    @property
    def finishes(self) -> Sequence[str]:
        """Why each choice ended."""

    @property
    def finished(self) -> bool:
        """Whether the answer came to its end."""

    @property
    def streamed(self) -> bool:
        """Whether the answer was a stream."""

    @property
    def first(self) -> float | None:
        """Seconds to the first byte of a stream."""

    @property
    def duration(self) -> float:
        """Seconds from the first to the last."""


class Meter:
    """Counts since the start, or the last reset."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self.running: Counter[str] = Counter()  # requests in work or waiting, by model
        self.waiting: Counter[str] = Counter()  # those of them that wait for a place
        self.models: dict[str, Numbers] = {}
        self.answered: dict[tuple[str, str, int], int] = {}

    def note(self, exchange: Happened) -> None:
        """Count an exchange that is over."""
        hundreds = (exchange.status or 0) // 100
        if exchange.api is None:
            answered = ("none", "any", hundreds)
        else:
            answered = (exchange.path, exchange.method, hundreds)
        self.answered[answered] = self.answered.get(answered, 0) + 1
        if exchange.model is None:
            return
        model = self.models.get(exchange.model) or self._new(exchange.model)
        finished = model.finished
        for reason in exchange.finishes or _STOP if exchange.finished else _ABORT:
            ended = "stop" if reason == "tool_calls" else reason  # as engines see it
            finished[ended] = finished.get(ended, 0) + 1
        prompt, generated = exchange.tokens
        whole = exchange.duration
        first = whole if exchange.first is None else exchange.first
        model.first.observe(first)
        model.whole.observe(whole)
        model.prompt.observe(prompt)
        if generated:
            model.generated.observe(generated)
            if exchange.streamed and generated > 1:
                model.pause.observe((whole - first) / (generated - 1))

    def _new(self, name: str) -> Numbers:
        if len(self.models) >= _MODELS:
            name = "other"
        return self.models.setdefault(name, Numbers())
