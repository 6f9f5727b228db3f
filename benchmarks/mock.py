"""The mock, validation and journal on, against a bare handler in the same run.

The bare handler is aiohttp and orjson (and uvloop where it is installed, for both):
it parses the request and builds a reply of the same shape, with no validation, no
model and no journal. For each row the two servers are measured in turn, several
times; the row's figure is the median of the ratios of requests per second.
In the same way two workers are held against one, with two processes that load them.

    python benchmarks/mock.py [--cycles 9] [--seconds 1.5] [--write FILE]
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import mock_bare
from mock_bare import EVENTS
from mock_load import (
    Load,
    chat_body,
    embedding_body,
    fresh,
    load,
    loop_factory,
    repeated,
    request,
)
from mock_servers import Server, start

HEADER = (
    "| what | ratio of requests/s | at least | reached | ratio of CPU | requests/s | "
    "p99 ms | failed |"
)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    make: Callable[[], bytes]
    target: float | None
    connections: int = 8
    weight: float = 1.0  # events of the mock's answer for one of the bare one's


def rows(events: int) -> Iterator[Row]:
    """Yield what is measured; `events` are those of the mock's stream."""
    path, vectors = "/v1/chat/completions", "/v1/embeddings"
    yield Row("chat", repeated(request(path, chat_body(None))), 0.5)
    yield Row("chat, every prompt new", fresh(path, chat_body), 0.4)
    yield Row("embeddings, every text new", fresh(vectors, embedding_body), 1.0)
    yield Row(
        "embeddings, repeated", repeated(request(vectors, embedding_body(None))), 2.5
    )
    yield Row(
        "streamed events",
        repeated(request(path, stream_body())),
        3.0,
        weight=events / EVENTS,
    )
    yield Row(
        "chat, 64 connections", repeated(request(path, chat_body(None))), None, 64
    )


def stream_body() -> dict[str, Any]:
    """Return a request whose stream has about EVENTS events."""
    return chat_body(None, stream=True, max_tokens=EVENTS - 2)


def stream_events(port: int) -> int:
    """Count the events of the mock's stream, the [DONE] mark not counted."""
    import urllib.request  # noqa: PLC0415

    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        json.dumps(stream_body()).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        return int(answer.read().count(b"data: ")) - 1


@dataclass
class Measured:
    """The cycles of one row."""

    row: Row
    ratios: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def ratio(self) -> float:
        """The row's figure."""
        return statistics.median(self.ratios)

    def line(self) -> str:
        """Write the row of the table."""
        target = self.row.target
        cells = (
            self.row.name,
            f"{self.ratio:.2f}",
            "" if target is None else str(target),
            "" if target is None else "yes" if self.ratio >= target else "no",
            f"{statistics.median(self.cpu):.2f}",
            f"{statistics.median(self.rates):.0f}",
            f"{statistics.median(self.p99):.1f}",
            str(self.failed),
        )
        return f"| {' | '.join(cells)} |"


def measure(
    row: Row, bare: Server, mock: Server, *, cycles: int, seconds: float
) -> Measured:
    """Measure one row, the two servers in turn."""
    found = Measured(row)
    for cycle in range(cycles):
        results: dict[str, tuple[Load, float]] = {}
        order = [("bare", bare), ("mock", mock)]
        for name, server in order if cycle % 2 else reversed(order):
            before = server.cpu()
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                done = runner.run(
                    load(
                        server.port,
                        row.make,
                        connections=row.connections,
                        seconds=seconds,
                    )
                )
            results[name] = done, (server.cpu() - before) / max(1, done.done)
        (plain, plain_cpu), (mocked, mock_cpu) = results["bare"], results["mock"]
        found.ratios.append(mocked.rate / plain.rate * row.weight)
        found.cpu.append(plain_cpu / mock_cpu * row.weight if mock_cpu else 0.0)
        found.rates.append(mocked.rate)
        found.p99.append(mocked.percentile(99))
        found.failed += mocked.failed
    return found


def _wanted(names: Sequence[str], row: str) -> bool:
    return not names or any(name in row for name in names)


def loaded(port: int, seconds: float) -> Load:
    """Load a mock with new prompts (in a process of its own)."""
    make = fresh("/v1/chat/completions", chat_body)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(load(port, make, connections=8, seconds=seconds))


def workers(cycles: int, seconds: float) -> Iterator[str]:
    """Measure two workers against one; yield the lines that tell of it."""
    command = [sys.executable, "-m", "aios_conformance.mockserver", "--port", "0"]
    servers = {n: start([*command, "--workers", str(n)]) for n in (1, 2)}
    rates: dict[int, list[float]] = {n: [] for n in servers}
    cpu: dict[int, list[float]] = {n: [] for n in servers}
    failed = 0
    try:
        with ProcessPoolExecutor(2, get_context("spawn")) as loads:
            for _ in range(cycles + 1):
                for number, server in servers.items():
                    before = server.cpu()
                    done = [loads.submit(loaded, server.port, seconds) for _ in "ab"]
                    results = [one.result() for one in done]
                    rates[number].append(sum(one.rate for one in results))
                    failed += sum(one.failed for one in results)
                    used = server.cpu() - before
                    cpu[number].append(used / max(1, sum(one.done for one in results)))
    finally:
        for server in servers.values():
            server.process.terminate()
            server.process.wait()
    one, two = (rates[number][1:] for number in servers)  # the first warm up
    ratio = statistics.median(b / a for a, b in zip(one, two, strict=True))
    each, shared = (statistics.median(cpu[number][1:]) * 1e6 for number in servers)
    yield (
        f"Two workers answer {ratio:.2f} times as many requests as one (chat, every "
        f"prompt new): {statistics.median(two):.0f} and {statistics.median(one):.0f} "
        f"a second, {failed} failed, on {os.cpu_count()} cores that two loading "
        f"processes share; a request takes {shared:.0f} µs of processor time in all "
        f"processes together, and {each:.0f} µs in one; load of the machine "
        f"{os.getloadavg()[0]:.1f}."
    )


def report(cycles: int, seconds: float, names: list[str]) -> list[str]:
    """Run everything; return the lines of the report."""
    bare = start([sys.executable, mock_bare.__file__])
    mock = start([sys.executable, "-m", "aios_conformance.mockserver", "--port", "0"])
    try:
        idle = mock.memory()
        chosen = [
            row for row in rows(stream_events(mock.port)) if _wanted(names, row.name)
        ]
        table = [
            measure(row, bare, mock, cycles=cycles, seconds=seconds).line()
            for row in chosen
        ]
        return [
            HEADER,
            "|---|---|---|---|---|---|---|---|",
            *table,
            "",
            f"Ready {mock.ready:.2f} s after its start (bare: {bare.ready:.2f} s).",
            f"Resident memory {idle:.0f} MB idle, {mock.memory():.0f} MB at the end.",
            *(workers(cycles, seconds) if _wanted(names, "workers") else []),
        ]
    finally:
        for server in (bare, mock):
            server.process.terminate()
            server.process.wait()


def main() -> None:
    """Print the report, and write it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--write", type=Path, help="write the report to this file")
    parser.add_argument("row", nargs="*", help="only rows whose name has this in it")
    options = parser.parse_args()
    lines = report(options.cycles, options.seconds, options.row)
    loop = "uvloop" if loop_factory() else "asyncio"
    libraries = f"aiohttp {version('aiohttp')}, orjson {version('orjson')}, {loop}"
    head = [
        "# The mock against a bare handler",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}, {libraries}.",
        f"{options.cycles} cycles of {options.seconds} s for each server and row.",
        "Client and servers share one machine.",
        "`python benchmarks/mock.py` measures it again and says what is compared.",
        "",
    ]
    text = "\n".join([*head, *lines]) + "\n"
    print(text)
    if options.write is not None:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
