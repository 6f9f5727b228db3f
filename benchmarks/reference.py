"""The reference beside what it is built on: the same weights, prompts and processors.

Offline rows run `model.generate` and a plain encoder in a process of their own, with
nothing between the model and the clock. Served rows go over HTTP, client included, so
a ratio is what batching, streaming, sampling and the wire cost together. Both sides
are measured in turn, several times; a row's figure is the ratio of the medians.

    python benchmarks/reference.py [--cycles 5] [--write FILE]
        [--threads 2]             of torch, on both sides (default: each side's choice)
        [--serve-python PYTHON]   a Python with transformers[serving], to compare
"""

import argparse
import asyncio
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from processes import peak_mib, suspended
from reference_offline import offline_process
from reference_served import chats, embeddings, reference, transformers_serve
from reference_work import CHATS, TEXTS

from aios_conformance.reference_impl.options import read_options


@dataclass
class Row:
    """One comparison: rates per second of both sides, cycle by cycle."""

    name: str
    unit: str
    goal: float
    mine: list[float] = field(default_factory=list)
    other: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # ratios per CPU second

    def line(self) -> str:
        """One line of the table."""
        mine, other = statistics.median(self.mine), statistics.median(self.other)
        ratio = mine / other
        met = "met" if ratio >= self.goal else "MISSED"
        spread = f"{min(self.mine):.1f} to {max(self.mine):.1f}"
        return (
            f"| {self.name} | {mine:.1f} {self.unit} ({spread}) | {other:.1f} "
            f"| {ratio:.2f} | {self.goal:g} {met} | {statistics.median(self.cpu):.2f} |"
        )


def compared(
    cache: Path, threads: int | None, cycles: int
) -> tuple[list[str], list[str]]:
    """Measure the reference and the offline process in turn."""
    rows = [
        Row("one stream", "tokens/s", 0.9),
        Row("8 concurrent chats", "tokens/s", 0.85),
        Row("320 embeddings, 32 at once", "texts/s", 0.7),
    ]
    alone: list[float] = []
    crowded: list[float] = []
    with reference(cache, threads) as server, offline_process(cache, threads) as plain:
        pairs: list[tuple[Callable[[], Awaitable[Any]], tuple[str, Sequence[str]]]] = [
            (lambda: chats(server, CHATS[:1]), ("generate", CHATS[:1])),
            (lambda: chats(server, CHATS), ("generate", CHATS)),
            (lambda: embeddings(server, TEXTS), ("embed", TEXTS)),
        ]
        for cycle in range(cycles + 1):
            for row, (served, job) in zip(rows, pairs, strict=True):
                spent, started = server.cpu_seconds(), time.perf_counter()
                got = asyncio.run(_awaited(served))
                seconds = time.perf_counter() - started
                spent = server.cpu_seconds() - spent
                other, other_per_cpu = plain.rates(*job)
                if cycle == 0:  # both sides warm up
                    continue
                rate = got[0] if isinstance(got, tuple) else got
                row.cpu.append(rate * seconds / spent / other_per_cpu)
                row.other.append(other)
                if isinstance(got, tuple):
                    row.mine.append(got[0])
                    (alone if row is rows[0] else crowded).extend(got[1])
                else:
                    row.mine.append(got)
        peak = peak_mib([server.pid])
    facts = [
        f"- First token alone: {_ms(alone)}; among 8 streams: {_ms(crowded)}.",
        f"- Peak memory of the server, both models loaded: {peak:.0f} MiB.",
    ]
    return [row.line() for row in rows], facts


async def _awaited(served: Callable[[], Awaitable[Any]]) -> Any:
    return await served()


def _ms(seconds: Sequence[float]) -> str:
    middle, worst = statistics.median(seconds) * 1e3, max(seconds) * 1e3
    return f"median {middle:.0f} ms, worst {worst:.0f} ms"


def against_serve(
    python: str, cache: Path, threads: int | None, cycles: int
) -> list[str]:
    """Measure the reference and `transformers serve` in turn, on the chat rows.

    Each is suspended while the other is measured: serve's batching polls when idle.
    """
    lines = []
    for continuous in (False, True):
        name = "with" if continuous else "without"
        with ExitStack() as stack:
            other = stack.enter_context(
                transformers_serve(python, cache, threads, continuous=continuous)
            )
            mine = stack.enter_context(reference(cache, threads))
            for texts in (CHATS[:1], CHATS):
                rates: dict[str, list[float]] = {"mine": [], "other": []}
                firsts: dict[str, list[float]] = {"mine": [], "other": []}
                for cycle in range(cycles + 1):
                    for key, server in (("mine", mine), ("other", other)):
                        with suspended([(other if server is mine else mine).pid]):
                            rate, first = asyncio.run(chats(server, texts))
                        if cycle:
                            rates[key].append(rate)
                            firsts[key] += first
                one, two = (statistics.median(rates[k]) for k in ("mine", "other"))
                lines.append(
                    f"| {len(texts)} at once, {name} --continuous-batching | {one:.1f} "
                    f"| {two:.1f} | {one / two:.2f} | {_ms(firsts['mine'])} "
                    f"| {_ms(firsts['other'])} |"
                )
            lines.append(
                f"| peak memory, MiB | {peak_mib([mine.pid]):.0f} (both models) "
                f"| {peak_mib([other.pid]):.0f} (chat only) | | | |"
            )
    return lines


_HEAD = (
    "| against offline | reference, over HTTP | offline | ratio | goal "
    "| ratio of work per CPU second |"
)
_SERVE_HEAD = (
    "| against `transformers serve`, tokens/s | reference | serve | ratio "
    "| first token, reference | first token, serve |"
)


def _told(threads: int | None) -> str:
    return str(threads) if threads else "each side's own choice of"


def _stolen(before: Any) -> float:
    """Share of the CPU time since `before` that a hypervisor gave to others."""
    spent = [now - then for now, then in zip(psutil.cpu_times(), before, strict=True)]
    stolen = dict(zip(before._fields, spent, strict=True)).get("steal", 0.0)
    return float(stolen / sum(spent))


def _conditions(arguments: argparse.Namespace, before: Any) -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_told(arguments.threads)} threads on "
        f"{os.cpu_count()} CPUs ({platform.machine()}), float32, Python "
        f"{platform.python_version()}, torch {version('torch')}, transformers "
        f"{version('transformers')}; load average {os.getloadavg()[0]:.1f} at the end, "
        f"{_stolen(before):.1%} of the CPU time taken by other machines; "
        f"median of {arguments.cycles} cycles, the client on the same CPUs. "
        "No GPU was measured."
    )


def main() -> None:
    """Measure and print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--serve-python")
    parser.add_argument("--cache-dir", type=Path)
    arguments = parser.parse_args()
    cache = arguments.cache_dir or read_options([], os.environ).cache
    before = psutil.cpu_times()
    rows, facts = compared(cache, arguments.threads, arguments.cycles)
    lines = [
        "# The reference, measured",
        "",
        _conditions(arguments, before),
        "",
        _HEAD,
        "|---|---|---|---|---|---|",
        *rows,
        "",
        *facts,
    ]
    if arguments.serve_python:
        served = against_serve(
            arguments.serve_python, cache, arguments.threads, arguments.cycles
        )
        lines += [
            "",
            _SERVE_HEAD,
            "|---|---|---|---|---|---|",
            *served,
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.write:
        arguments.write.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
