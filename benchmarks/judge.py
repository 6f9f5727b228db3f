"""How the judge keeps to its figures, in one run against the bundled mock.

    python benchmarks/judge.py [--latency-ms 300] [--concurrency 8]

Three figures: what a standard run costs, how soon its first request goes out (with
and without a cached plan), and how close a run comes to the shortest possible time
on a target that answers late. Prints ratios of the figure to its limit: at most 1.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from aios_conformance.conformance.observing.servers import serving
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.terms.events import ExchangeDone, RunEvent
from aios_conformance.conformance.terms.result import RunResult

REQUESTS, COMPLETION, PROMPT = 500, 5_000, 60_000
COLD_S, CACHED_S, WALL_S = 5.0, 2.0, 15.0
SLACK = 1.5
_CHILD = """
import sys, time
began = time.perf_counter()
import asyncio, json
from pathlib import Path
from aios_conformance.conformance.terms.events import ExchangeDone
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.running.run import run
first = []
def listen(event):
    if isinstance(event, ExchangeDone) and not first:
        first.append(time.perf_counter() - began - event.exchange.total_s)
url, cache, reports = sys.argv[1:]
options = RunOptions(url, cache_dir=Path(cache), report_dir=Path(reports))
asyncio.run(run(options, listen))
print(json.dumps({"first_s": first[0], "wall_s": time.perf_counter() - began}))
"""


@dataclass(frozen=True)
class Figure:
    """A measured value against the limit that it must keep."""

    name: str
    value: float
    limit: float
    unit: str

    def line(self) -> str:
        """One row of the table."""
        ratio = self.value / self.limit
        kept = "kept" if ratio <= 1 else "MISSED"
        return (
            f"{self.name:<44}{self.value:>10.2f}{self.limit:>10.2f} "
            f"{self.unit:<9}{ratio:>6.2f}  {kept}"
        )


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder for plans and reports."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@asynccontextmanager
async def late(url: str, seconds: float) -> Any:
    """A proxy that passes everything on, each request so much later."""
    host, port = url.removeprefix("http://").split(":")

    async def head_and_body(reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head + await reader.readexactly(length)

    async def forward(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(host, int(port))
        answers = asyncio.create_task(forward(behind, writer))
        try:
            while True:
                request = await head_and_body(reader)
                await asyncio.sleep(seconds)
                before.write(request)
                await before.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            before.close()
        await asyncio.gather(answers, return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def started(url: str, cache: Path, reports: Path) -> dict[str, float]:
    """Run the judge in a fresh process: seconds to the first request, and in all."""
    import sys  # noqa: PLC0415 - the interpreter that we are run by

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _CHILD,
        url,
        str(cache),
        str(reports),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    told: dict[str, float] = json.loads(output.splitlines()[-1])
    return told


async def late_run(
    url: str, seconds: float, options: RunOptions
) -> tuple[RunResult, float]:
    """A run against a late target, and the seconds from its first to last answer."""
    from aios_conformance.conformance.running.run import run  # noqa: PLC0415 - after the start was timed

    first: list[float] = []
    last = 0.0

    def listen(event: RunEvent) -> None:
        nonlocal last
        if isinstance(event, ExchangeDone):
            last = perf_counter()
            first.append(last - event.exchange.total_s)

    async with late(url, seconds) as behind:
        result = await run(replace(options, target=behind), listen)
    return result, last - first[0]


async def measure(latency_s: float, concurrency: int) -> list[Figure]:
    """All figures, one after the other, against one mock."""
    with scratch() as folder:
        mock = RunOptions("mock", report_dir=folder / "r", cache_dir=folder / "c")
        async with serving(mock, lambda _: None, ["aios"]) as url:
            cold = await started(url, folder / "cold", folder / "r1")
            cached = await started(url, folder / "cold", folder / "r2")
            given = replace(mock, concurrency=concurrency)
            result, seconds = await late_run(url, latency_s, given)
        usage = result.usage
        best = usage.requests * latency_s / concurrency
        return [
            Figure("requests of a standard run", usage.requests, REQUESTS, ""),
            Figure("completion tokens", usage.completion_tokens, COMPLETION, ""),
            Figure("prompt tokens", usage.prompt_tokens, PROMPT, ""),
            Figure("first request, cold", cold["first_s"], COLD_S, "s"),
            Figure("first request, cached plan", cached["first_s"], CACHED_S, "s"),
            Figure("whole run, cold", cold["wall_s"], WALL_S, "s"),
            Figure(
                f"run at {latency_s * 1000:.0f} ms latency, {concurrency} at once",
                seconds,
                SLACK * best,
                "s",
            ),
        ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=300.0)
    parser.add_argument("--concurrency", type=int, default=8)
    given = parser.parse_args()
    figures = asyncio.run(measure(given.latency_ms / 1000, given.concurrency))
    print(f"{'figure':<44}{'measured':>10}{'limit':>10} {'':<9}{'ratio':>6}")
    for figure in figures:
        print(figure.line())


if __name__ == "__main__":
    main()
