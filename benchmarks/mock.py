"""The mock, validation and journal on, against a bare handler in the same run.

The bare handler is aiohttp and orjson (and uvloop where it is installed, for both):
it parses the request and builds a reply of the same shape, with no validation, no
model and no journal. For each row the two servers are measured in turn, several
times; the row's figure is the median of the ratios of requests per second.

    python benchmarks/mock.py [--cycles 9] [--seconds 1.5] [--write FILE]
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
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
    yield Row("chat, every prompt new", fresh(path, chat_body), None)
    yield Row("embeddings, every text new", fresh(vectors, embedding_body), 0.8)
    yield Row(
        "embeddings, repeated", repeated(request(vectors, embedding_body(None))), 2.0
    )
    yield Row(
        "streamed events",
        repeated(request(path, stream_body())),
        1.5,
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


def report(cycles: int, seconds: float, names: list[str]) -> list[str]:
    """Run everything; return the lines of the report."""
    bare = start([sys.executable, mock_bare.__file__])
    mock = start([sys.executable, "-m", "aios_conformance.mockserver", "--port", "0"])
    try:
        idle = mock.memory()
        chosen = [
            row
            for row in rows(stream_events(mock.port))
            if not names or any(name in row.name for name in names)
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
