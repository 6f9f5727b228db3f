"""One thread that does all computing, for all models in turn.

A single thread because a device does one thing at a time: two models computing at
once would only fight over the cores. Lanes take turns, a step each, so none starves.
It alone has torch's threads: as soon as OpenMP counts more threads than processors,
because a second thread of this process computed something, it puts the idle ones to
sleep at every barrier, and waking them costs a third of the speed.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from aios_conformance.serving.engine import Overloaded

Event = tuple[Callable[[Any], None], Any]  # to be called on the event loop

log = logging.getLogger(__name__)


class Lane(Protocol):
    """The work of one model."""

    def ready_in(self) -> float | None:
        """Seconds until there is work to do; None when there is none."""

    def step(self) -> list[Event]:
        """Do a little of it; return what to tell the clients."""

    def fail(self, error: Exception) -> list[Event]:
        """Give up what is under way; return what to tell the clients."""


class Worker:
    """The thread. `wake` it after giving a lane work."""

    def __init__(
        self, lanes: Sequence[Lane], loop: asyncio.AbstractEventLoop, threads: int
    ) -> None:
        """Events are delivered on `loop`; torch computes with `threads` threads."""
        self._lanes = lanes
        self._loop = loop
        self._threads = threads
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be work."""
        self._wake.set()

    def stop(self) -> None:
        """End the thread after its present step, and wait for that."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    @torch.inference_mode()
    def _run(self) -> None:
        torch.set_num_threads(self._threads)
        while not self._stopping:
            self._wake.clear()
            delays = [lane.ready_in() for lane in self._lanes]
            for lane, delay in zip(self._lanes, delays, strict=True):
                if delay == 0:
                    self._deliver(_stepped(lane))
            if 0 not in delays:
                self._wake.wait(min((d for d in delays if d is not None), default=None))

    def _deliver(self, events: list[Event]) -> None:
        if events:
            with contextlib.suppress(RuntimeError):  # the loop is already closed
                self._loop.call_soon_threadsafe(_call, events)


def _stepped(lane: Lane) -> list[Event]:
    try:
        return lane.step()
    except Exception as error:
        log.exception("a step failed: the requests under way are given up")
        return lane.fail(Overloaded() if _is_lack_of_memory(error) else error)


def _is_lack_of_memory(error: Exception) -> bool:
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or "allocate memory" in str(error)  # a CPU's words


def _call(events: list[Event]) -> None:
    for tell, value in events:
        tell(value)
