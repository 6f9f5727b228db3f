"""The served side of the reference's benchmark: servers, and clients that load them."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from reference_work import CONCURRENCY, TOKENS

from aios_conformance.reference_impl.packaged import DEFAULTS
from aios_conformance.reference_impl.pull import place


@dataclass(frozen=True)
class Server:
    """A running server and the names of its models."""

    url: str
    pid: int
    chat: str
    vectors: str = ""

    def cpu_seconds(self) -> float:
        """CPU time so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)


@contextmanager
def reference(cache: Path, threads: int | None) -> Iterator[Server]:
    """Run `aios-reference`."""
    command = [sys.executable, "-m", "aios_conformance.reference_impl", "--port", "0"]
    command += ["--cache-dir", str(cache), "--no-pull", *_asked(threads)]
    with _process(command, threads, subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        url = process.stdout.readline().split()[-1]
        names = [package.name for package in DEFAULTS.values()]
        yield Server(url, process.pid, *names)


@contextmanager
def transformers_serve(
    python: str, cache: Path, threads: int | None, *, continuous: bool
) -> Iterator[Server]:
    """Run `transformers serve` on the same folder."""
    folder = str(place(DEFAULTS["chat"], cache))
    code = "from transformers.cli.transformers import main; main()"
    port = 18431
    command = [python, "-c", code, "serve", folder, "--port", str(port)]
    command += ["--device", "cpu", "--dtype", "float32"]
    command += ["--continuous-batching"] if continuous else []
    with _process(command, threads, subprocess.DEVNULL) as process:
        server = Server(f"http://localhost:{port}", process.pid, folder)
        asyncio.run(_wait(server))
        yield server


def _asked(threads: int | None) -> list[str]:
    return ["--threads", str(threads)] if threads else []


@contextmanager
def _process(command: list[str], threads: int | None, stdout: int) -> Iterator[Any]:
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    environment |= {"OMP_NUM_THREADS": str(threads)} if threads else {}
    with subprocess.Popen(
        command,
        env=environment,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


async def _wait(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            try:
                async with session.get(f"{server.url}/health"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)
    raise SystemExit("transformers serve did not start")


@asynccontextmanager
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client without limits of its own."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as one:
        yield one


async def _chat(
    client: aiohttp.ClientSession, server: Server, text: str
) -> tuple[int, float]:
    """Stream one chat: tokens, and seconds to the first of them."""
    body = {
        "model": server.chat,
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    started, first, pieces, counted = time.perf_counter(), 0.0, 0, 0
    url = f"{server.url}/v1/chat/completions"
    async with client.post(url, json=body) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            if chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                first = first or time.perf_counter() - started
                pieces += 1
            counted = (chunk.get("usage") or {}).get("completion_tokens", counted)
    return counted or pieces, first


async def chats(server: Server, texts: Sequence[str]) -> tuple[float, list[float]]:
    """Run chats at once: tokens per second, and seconds to each first token."""
    async with session() as client:
        started = time.perf_counter()
        done = await asyncio.gather(*(_chat(client, server, text) for text in texts))
        seconds = time.perf_counter() - started
    return sum(tokens for tokens, _ in done) / seconds, [first for _, first in done]


async def embeddings(server: Server, texts: Sequence[str]) -> float:
    """One text a request, CONCURRENCY at once: texts per second."""
    waiting = iter(texts)

    async def worker(client: aiohttp.ClientSession) -> None:
        for text in waiting:
            body = {"model": server.vectors, "input": text}
            url = f"{server.url}/v1/embeddings"
            async with client.post(url, json=body) as answer:
                answer.raise_for_status()
                await answer.read()

    async with session() as client:
        started = time.perf_counter()
        await asyncio.gather(*(worker(client) for _ in range(CONCURRENCY)))
        return len(texts) / (time.perf_counter() - started)
