"""Processes of servers that are measured: their memory, and rest while others work."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def with_children(pids: Iterable[int]) -> frozenset[int]:
    """Processes and all that they have started."""
    found = [psutil.Process(pid) for pid in pids]
    return frozenset(
        each.pid for one in found for each in (one, *one.children(recursive=True))
    )


def peak_mib(pids: Iterable[int]) -> float:
    """The largest resident memory of each process so far, in all."""
    return sum(map(_peak_kib, pids)) / 1024


def _peak_kib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) if found else float("nan")


@contextmanager
def suspended(pids: Iterable[int]) -> Iterator[None]:
    """Stop processes from using the processors, and let them go on afterwards."""
    processes = [psutil.Process(pid) for pid in pids]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
