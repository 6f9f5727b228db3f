"""Long work beside short: the event loop is never held up for long."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from time import perf_counter
from typing import Final, ParamSpec, TypeVar

_TURN: Final = 0.005  # seconds of work between two looks of the loop at its sockets
HEAVY: Final = 16 * 1024
"""Bytes of a request from which on it is read and prepared beside the loop."""

LONG: Final = 4_096
"""Tokens of an answer from which on it is put together beside the loop."""

_BESIDE: Final = ThreadPoolExecutor(2, "aside")
"""Few, because the loop has to take turns with each of them."""

P = ParamSpec("P")
T = TypeVar("T")


async def aside(
    heavy: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Do work at once, or in a thread if it is heavy, while others are served."""
    if heavy:
        await asyncio.sleep(0)  # who cannot wait leaves with nothing begun
        done = partial(copy_context().run, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(_BESIDE, done)
    return work(*args, **kwargs)


class Turns:
    """Whoever has long work waits here for its next turn, again and again.

    All that wait share a turn, so that a thousand of them hold up the loop no longer
    than one does.
    """

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        """No turn has begun."""
        self._ends: float | None = None

    async def next(self) -> None:
        """Return at once while the turn lasts, else in a later one."""
        while self._ends is not None and perf_counter() > (ends := self._ends):
            await asyncio.sleep(0)
            if self._ends == ends:  # begun under a loop that is no more
                self._ends = None
        if self._ends is None:
            self._ends = perf_counter() + _TURN
            asyncio.get_running_loop().call_soon(self._over)

    def _over(self) -> None:
        self._ends = None


TURNS: Final = Turns()
"""The turns of every request that is begun, and of each of its choices."""
