"""The thread that computes."""

import asyncio
import threading
from typing import Any

import torch

from aios_conformance.reference_impl.transformers_engine.worker import Event, Worker


class Counting:
    """A lane with one step of work, which tells how many threads torch has there."""

    def __init__(self, told: "asyncio.Future[tuple[int, bool]]") -> None:
        self._told = told
        self._done = False

    def ready_in(self) -> float | None:
        return None if self._done else 0.0

    def step(self) -> list[Event]:
        self._done = True
        elsewhere = threading.current_thread() is not threading.main_thread()
        return [(self._told.set_result, (torch.get_num_threads(), elsewhere))]

    def fail(self, error: Exception) -> list[Event]:
        return [(self._told.set_exception, error)]


def test_torch_has_its_threads_where_it_computes() -> None:
    """On the event loop it keeps one, so that no second pool of threads arises."""
    torch.set_num_threads(1)

    async def main() -> Any:
        told: asyncio.Future[tuple[int, bool]] = asyncio.Future()
        worker = Worker([Counting(told)], asyncio.get_running_loop(), 3)
        try:
            return await told, torch.get_num_threads()
        finally:
            await asyncio.to_thread(worker.stop)

    there, here = asyncio.run(asyncio.wait_for(main(), 60))
    assert there == (3, True)
    assert here == 1
