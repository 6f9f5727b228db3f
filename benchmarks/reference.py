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
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from reference_impl.options import read_options
from reference_impl.packaged import DEFAULTS
from reference_impl.pull import place

TOKENS = 64  # of every answer; the prompts ask for more
CHATS = [
    f"Write a long story about {subject}."
    for subject in (
        "a dog",
        "a lighthouse keeper and his daughter",
        "rain",
        "two friends who build a boat out of an old piano and sail around the world",
        "the last train of the year",
        "a baker",
        "a quiet town near the river, where every house has a clock that is wrong",
        "winter in the mountains",
    )
]
TEXTS = [
    f"Document {i}: the quiet library near the river keeps every letter of the village"
    + ", and a reader comes on Mondays" * (i % 4)
    for i in range(320)
]
CONCURRENCY, BATCH = 32, 32  # of the embeddings row


# --- offline, in a process of its own


def offline(address: str, cache: Path, threads: int | None) -> None:
    """Answer the parent's jobs with seconds."""
    import torch  # noqa: PLC0415 - in this process only
    from transformers import (  # noqa: PLC0415
        AutoModel,
        AutoModelForCausalLM,
        AutoTokenizer,
    )

    if threads:
        torch.set_num_threads(threads)
    chat, vectors = (place(package, cache) for package in DEFAULTS.values())
    tokenizer = AutoTokenizer.from_pretrained(chat, padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(chat, dtype=torch.float32)
    reader = AutoTokenizer.from_pretrained(vectors)
    encoder = AutoModel.from_pretrained(vectors, dtype=torch.float32)

    def generate(chats: Sequence[str]) -> int:
        prompts = [
            tokenizer.apply_chat_template(
                [{"role": "user", "content": text}],
                tokenize=False,
                add_generation_prompt=True,
            )
            for text in chats
        ]
        inputs = tokenizer(prompts, return_tensors="pt", padding=True)
        output = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
        new = output[:, inputs["input_ids"].shape[1] :]
        return int((new != tokenizer.pad_token_id).sum())

    def embed(texts: Sequence[str]) -> int:
        for start in range(0, len(texts), BATCH):
            batch = texts[start : start + BATCH]
            inputs = reader(batch, return_tensors="pt", padding=True)
            hidden = encoder(**inputs).last_hidden_state
            mask = inputs["attention_mask"][..., None]
            mean = (hidden * mask).sum(1) / mask.sum(1)
            torch.nn.functional.normalize(mean).numpy()
        return len(texts)

    jobs = {"generate": generate, "embed": embed}
    with Client(address) as parent, torch.inference_mode():
        while (job := parent.recv()) is not None:
            started, spent = time.perf_counter(), time.process_time()
            done = jobs[job[0]](job[1])
            used = time.process_time() - spent
            parent.send((done / (time.perf_counter() - started), done / used))


@dataclass
class Offline:
    """The other process, from here."""

    connection: Any

    def rates(self, job: str, inputs: Sequence[str]) -> tuple[float, float]:
        """Tokens or texts per second, and per second of CPU time."""
        self.connection.send((job, inputs))
        rate, per_cpu = self.connection.recv()
        return rate, per_cpu


@contextmanager
def offline_process(cache: Path, threads: int | None) -> Iterator[Offline]:
    """Start the other process and stop it again."""
    with Listener(family="AF_UNIX") as listener:
        command = [sys.executable, __file__, "--offline", str(listener.address)]
        command += ["--cache-dir", str(cache), *_asked(threads)]
        with subprocess.Popen(command) as process:
            with listener.accept() as connection:
                yield Offline(connection)
                connection.send(None)
            process.wait(60)


# --- served


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

    def peak_mib(self) -> float:
        """Largest resident memory so far."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else float("nan")


@contextmanager
def reference(cache: Path, threads: int | None) -> Iterator[Server]:
    """Run `aios-reference`."""
    command = [sys.executable, "-m", "reference_impl", "--port", "0"]
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


# --- the comparison


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
        peak = server.peak_mib()
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
    """Measure the reference and `transformers serve` in turn, on the chat rows."""
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
                f"| peak memory, MiB | {mine.peak_mib():.0f} (both models) "
                f"| {other.peak_mib():.0f} (chat only) | | | |"
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


def _conditions(arguments: argparse.Namespace) -> str:
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_told(arguments.threads)} threads on "
        f"{os.cpu_count()} CPUs ({platform.machine()}), float32, Python "
        f"{platform.python_version()}, torch {version('torch')}, transformers "
        f"{version('transformers')}; load average {os.getloadavg()[0]:.1f} at the end; "
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
    parser.add_argument("--offline", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cache = arguments.cache_dir or read_options([], os.environ).cache
    if arguments.offline:
        offline(arguments.offline, cache, arguments.threads)
        return
    rows, facts = compared(cache, arguments.threads, arguments.cycles)
    lines = [
        "# The reference, measured",
        "",
        _conditions(arguments),
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
