"""Requests to the mock, and a client that keeps connections busy with them.

The client sends raw bytes and looks for no more than the end of each response, so that
it costs little beside the server that is measured.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

CHAT = "meta-llama/Llama-3.3-70B-Instruct"


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Use uvloop where it is installed, as the mock does."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop


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
