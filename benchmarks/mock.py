"""The mock, validation and journal on, against a bare handler in the same run.

The bare handler is aiohttp and orjson (and uvloop where it is installed, for both):
it parses the request and builds a reply of the same shape, with no validation, no
model and no journal. For each row the two servers are measured in turn, several
times; the row's figure is the median of the ratios of requests per second.

    python benchmarks/mock.py [--cycles 9] [--seconds 1.5] [--write FILE]
"""

import argparse
import asyncio
import hashlib
import json
import math
import statistics
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
SENTENCE = "The quiet library near the river keeps every letter of the old village."
HEADER = (
    "| what | ratio of requests/s | at least | reached | ratio of CPU | requests/s | "
    "p99 ms | failed |"
)
EVENTS = 20  # of a stream, the [DONE] mark not counted


# --- the bare handler


async def bare_chat(request: web.Request) -> web.StreamResponse:
    """Parse, build, write; one write for each event of a stream."""
    body = orjson.loads(await request.read())
    identity, created = f"chatcmpl-{uuid.uuid4().hex}", int(time.time())
    if not body.get("stream"):
        answer = {
            "id": identity,
            "object": "chat.completion",
            "created": created,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "reasoning_content": None,
                        "content": SENTENCE,
                        "tool_calls": [],
                    },
                    "logprobs": None,
                    "finish_reason": "stop",
                    "stop_reason": None,
                }
            ],
            "usage": {
                "prompt_tokens": 40,
                "total_tokens": 54,
                "completion_tokens": 14,
                "prompt_tokens_details": None,
            },
            "prompt_logprobs": None,
        }
        return web.Response(body=orjson.dumps(answer), content_type="application/json")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(EVENTS):
        chunk = {
            "id": identity,
            "object": "chat.completion.chunk",
            "created": created,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": " word"},
                    "logprobs": None,
                    "finish_reason": "stop" if number == EVENTS - 1 else None,
                    "stop_reason": None,
                }
            ],
        }
        await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def bare_embeddings(request: web.Request) -> web.Response:
    """Hash the text to a unit vector of 1024 values and write it as JSON."""
    body = orjson.loads(await request.read())
    digest = hashlib.shake_256(body["input"].encode()).digest(4096)
    values = [value / 2**31 for value in struct.unpack("<1024i", digest)]
    length = math.sqrt(sum(value * value for value in values))
    vector = [value / length for value in values]
    answer = {
        "id": f"embd-{uuid.uuid4().hex}",
        "object": "list",
        "created": int(time.time()),
        "model": body["model"],
        "data": [{"index": 0, "object": "embedding", "embedding": vector}],
        "usage": {
            "prompt_tokens": 9,
            "total_tokens": 9,
            "completion_tokens": 0,
            "prompt_tokens_details": None,
        },
    }
    return web.Response(body=orjson.dumps(answer), content_type="application/json")


async def health(request: web.Request) -> web.Response:
    """Answer as the mock does."""
    del request
    return web.Response(text="ok")


def serve_bare() -> None:
    """Be the bare server until killed."""

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/health", health)
        app.router.add_post("/v1/chat/completions", bare_chat)
        app.router.add_post("/v1/embeddings", bare_embeddings)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sys.stdout.write(f"listening on http://127.0.0.1:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(run())


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Use uvloop where it is installed, as the mock does."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop


# --- servers as processes


@dataclass
class Server:
    """A started server."""

    process: subprocess.Popen[str]
    port: int
    ready: float  # seconds from the start to the first answer

    def cpu(self) -> float:
        """Return the processor seconds used so far (Linux), else 0."""
        try:
            text = Path(f"/proc/{self.process.pid}/schedstat").read_text()
        except OSError:
            return 0.0
        return int(text.split()[0]) / 1e9

    def memory(self) -> float:
        """Return the resident megabytes (Linux), else 0."""
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0.0
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


def start(command: list[str]) -> Server:
    """Start a server that prints where it listens, and wait for its first answer."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        if line.startswith("listening on "):
            port = int(line.rsplit(":", 1)[1])
            break
    else:
        raise SystemExit(f"{command} did not start")
    raw = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    asyncio.run(load(port, lambda: raw, connections=1, limit=1))
    return Server(process, port, time.perf_counter() - begun)


# --- load


@dataclass
class Load:
    """What a stretch of load came to."""

    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.done / self.seconds

    def percentile(self, share: int) -> float:
        """Return a latency in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000


class Connection(asyncio.Protocol):
    """Sends a request, reads its response, sends the next; nothing more."""

    def __init__(self, make: Callable[[], bytes], going: Callable[[], bool]) -> None:
        """`going` tells whether another request is wanted."""
        self._make = make
        self._going = going
        self._buffer = bytearray()
        self._missing = -1  # bytes of the body; -1: the head is not complete
        self.finished: asyncio.Future[None] = asyncio.Future()
        self.load = Load()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport: Any = transport
        self._next()

    def _next(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(self._make())

    def data_received(self, data: bytes) -> None:
        """Find the end of the response by its length, or by the last chunk."""
        self._buffer += data
        if self._missing < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            self._ok = head.startswith(b"http/1.1 200")
            length = head.find(b"content-length: ")
            self._chunked = length < 0
            if not self._chunked:
                size = int(head[length + 16 :].split(b"\r\n", 1)[0])
                self._missing = end + 4 + size
            else:
                self._missing = 0
        if self._chunked:
            whole = self._buffer.endswith(b"0\r\n\r\n")
        else:
            whole = len(self._buffer) >= self._missing
        if whole:
            self._finish()

    def _finish(self) -> None:
        self._buffer.clear()
        self._missing = -1
        if self._ok:
            self.load.done += 1
            self.load.latencies.append(time.perf_counter() - self._begun)
        else:
            self.load.failed += 1
        if self._going():
            self._next()
        else:
            self._transport.close()
            self.finished.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that broke in the middle."""
        del exc
        if not self.finished.done():
            self.load.failed += 1
            self.finished.set_result(None)


async def load(
    port: int,
    make: Callable[[], bytes],
    *,
    connections: int,
    seconds: float = 1e9,
    limit: int | None = None,
) -> Load:
    """Keep connections busy for some seconds, or for `limit` requests in all."""
    begun = time.perf_counter()
    left = count()

    def going() -> bool:
        if limit is not None:
            return next(left) < limit - connections
        return time.perf_counter() - begun < seconds

    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(make, going), "127.0.0.1", port)
        for _ in range(connections)
    ]
    protocols = [protocol for _, protocol in made]
    await asyncio.gather(*(protocol.finished for protocol in protocols))
    total = Load(seconds=time.perf_counter() - begun)
    for protocol in protocols:
        total.done += protocol.load.done
        total.failed += protocol.load.failed
        total.latencies += protocol.load.latencies
    return total


def request(path: str, body: Mapping[str, Any]) -> bytes:
    """Write a request."""
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def chat_body(number: int | None, **more: Any) -> dict[str, Any]:
    """Return a chat request of about 290 bytes; a number makes it a new one."""
    ask = "What is the capital of Korea? Answer in one short sentence, please"
    return {
        "model": CHAT,
        "messages": [
            {"role": "system", "content": "You are a helpful, careful assistant."},
            {"role": "user", "content": f"{ask}{'' if number is None else number}."},
        ],
        "temperature": 0.7,
        "seed": 1,
        **more,
    }


def embedding_body(number: int | None) -> dict[str, Any]:
    """Return an embedding request; a number makes it a new one."""
    text = "The library near the old bridge is open, and the river is high in May"
    return {
        "model": "sds/bge-m3",
        "input": text if number is None else f"{text} {number}",
    }


def repeated(raw: bytes) -> Callable[[], bytes]:
    """Return a maker of one and the same request."""
    return lambda: raw


def fresh(path: str, body: Callable[[int], Mapping[str, Any]]) -> Callable[[], bytes]:
    """Return a maker of requests that were never sent before."""
    numbers = count(int(time.time() * 1000) % 10**9 * 1000)
    return lambda: request(path, body(next(numbers)))


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
    bare = start([sys.executable, __file__, "--bare"])
    mock = start([sys.executable, "-m", "mockserver", "--port", "0"])
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
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cycles", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--write", type=Path, help="write the report to this file")
    parser.add_argument("row", nargs="*", help="only rows whose name has this in it")
    options = parser.parse_args()
    if options.bare:
        serve_bare()
        return
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
