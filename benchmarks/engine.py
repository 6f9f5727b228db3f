"""Servers of one model side by side: tokens per second, first token, peak memory.

Each is asked for the same chats, streamed and greedy, 1, 8 and 32 at once; the servers
take turns, so that what else the machine does meets all of them. Names are free. With
the ids of its processes (a front's, and those of what stands behind it) a server's
peak memory is told, those of its children included, and what belongs to others only is
suspended while it is measured.

    python benchmarks/engine.py bare=http://127.0.0.1:8000,71
        front=http://127.0.0.1:8001,80,71 [--model NAME] [--tokens 32]
        [--at-once 1,8,32] [--cycles 3]
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from processes import peak_mib, suspended, with_children

TOPICS = ("rivers", "bread", "clocks", "maps", "rain", "glass", "trains", "bees")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server answers, and the processes that do its work, if they are told."""

    name: str
    url: str
    pids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Timing:
    """One stream: when its first text came, and how many tokens came in all."""

    first: float
    tokens: int


def chat(model: str, number: int, tokens: int) -> dict[str, Any]:
    """A chat that is not ended before its limit, and differs from the others."""
    asked = (
        f"Write a long story, number {number}, about {TOPICS[number % len(TOPICS)]}."
    )
    return {
        "model": model,
        "messages": [{"role": "user", "content": asked}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def timed(
    session: aiohttp.ClientSession, url: str, body: dict[str, Any]
) -> Timing:
    """Stream one chat."""
    began = time.perf_counter()
    first, tokens = 0.0, 0
    async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            data = line.removeprefix(b"data: ").strip()
            if not data.startswith(b"{"):
                continue
            event = json.loads(data)
            if event.get("usage"):
                tokens = event["usage"]["completion_tokens"]
            said = any(c["delta"].get("content") for c in event["choices"])
            if said and not first:
                first = time.perf_counter() - began
    return Timing(first, tokens)


async def measured(
    url: str, model: str, tokens: int, at_once: int
) -> tuple[float, float]:
    """Tokens per second of all together, and the median time to the first token."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(600)) as session:
        bodies = [chat(model, number, tokens) for number in range(at_once)]
        began = time.perf_counter()
        timings = await asyncio.gather(*(timed(session, url, b) for b in bodies))
        took = time.perf_counter() - began
    rate = sum(one.tokens for one in timings) / took
    return rate, statistics.median(one.first for one in timings)


def named(text: str) -> Server:
    """Parse NAME=URL[,PID...]."""
    name, _, where = text.partition("=")
    url, *pids = where.split(",")
    return Server(name, url.rstrip("/"), tuple(map(int, pids)))


def in_turn(
    servers: Sequence[Server], given: argparse.Namespace, at_once: int
) -> Iterator[tuple[Server, tuple[float, float]]]:
    """Measure every server in each cycle, but for the first, in which they warm up."""
    own = [with_children(server.pids) for server in servers]
    everything = frozenset[int]().union(*own)
    for cycle in range(given.cycles + 1):
        for server, mine in zip(servers, own, strict=True):
            with suspended(everything - mine if mine else ()):
                one = asyncio.run(
                    measured(server.url, given.model, given.tokens, at_once)
                )
            if cycle:
                yield server, one


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("servers", nargs="+", type=named, metavar="NAME=URL[,PID...]")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--at-once", default="1,8,32")
    parser.add_argument("--cycles", type=int, default=3)
    given = parser.parse_args()
    print("| at once | server | tokens/s | first token, ms |\n|---|---|---|---|")
    for at_once in map(int, given.at_once.split(",")):
        found = list(in_turn(given.servers, given, at_once))
        for server in given.servers:
            pairs = [pair for whose, pair in found if whose == server]
            rate = statistics.median(rate for rate, _ in pairs)
            first = statistics.median(first for _, first in pairs)
            print(f"| {at_once} | {server.name} | {rate:.1f} | {first * 1000:.0f} |")
    for server in given.servers:
        if server.pids:
            peak = peak_mib(with_children(server.pids))
            print(f"{server.name}: peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
