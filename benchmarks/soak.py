"""Hold out: many requests to the mock, many runs of the judge against a fuzzing target.

The mock answers several mixes, over and over; its memory is told at each tenth, and
how many requests had no answer of 200. The judge runs at smoke against a target that
hands on what the mock answers and spoils some of it, by the number of the run; how the
runs ended is told, and each that ended with an error of the suite by its number.

    python benchmarks/soak.py [--requests 50000] [--runs 20] [--first 0] [--write FILE]
"""

import argparse
import asyncio
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from mock_load import CHAT, chat_body, embedding_body, load, loop_factory, request
from mock_servers import Server, start

CONNECTIONS = 16
TENTHS = 10
LONGEST = 300  # seconds that a run of the judge may take
BIN = Path(sys.executable).parent
MOCK = [str(BIN / "aios-mock"), "--port", "0"]
WEIRD = (
    *("null", "true", "-1", "1e999", "NaN", "[]", "{}", '""', '"\\ud800"', "9" * 400),
    *("3.0", '"\\u202e\\u001b[31m"', "[" * 200 + "]" * 200, '"' + "x" * 50_000 + '"'),
)


def mixes() -> dict[str, Callable[[int], bytes]]:
    """Return makers of requests by the name of their mix; a number makes each new."""
    chat, text, rank = "/v1/chat/completions", "/v1/completions", "/v1/rerank"
    documents = [f"The library near bridge {n} is open." for n in range(40)]
    reranker: dict[str, Any] = {"model": "sds/bge-reranker-v2-m3"}
    several = (
        lambda n: request(chat, chat_body(n)),
        lambda n: request(text, {"model": CHAT, "prompt": f"Say {n}.", "n": 2}),
        lambda n: request("/v1/embeddings", embedding_body(n)),
        lambda n: request(rank, reranker | {"query": f"{n}", "documents": ["a", "b"]}),
        lambda n: request("/v1/score", reranker | {"text_1": f"{n}", "text_2": "b"}),
    )
    return {
        "the same chat": lambda _: request(chat, chat_body(None)),
        "all APIs, new": lambda n: several[n % len(several)](n),
        "streams, new": lambda n: request(
            chat, chat_body(n, stream=True, logprobs=True, top_logprobs=5)
        ),
        "large": lambda n: (
            request(rank, reranker | {"query": f"{n}", "documents": documents})
            if n % 2
            else request(chat, chat_body(n, user="x" * 20_000))
        ),
    }


def soak(server: Server, requests: int) -> Iterator[str]:
    """Send the requests, a tenth at a time and of each mix in turn; yields lines."""
    numbers = count()
    made = mixes()
    share = max(CONNECTIONS, requests // TENTHS // len(made))
    sent = answered = 0
    for tenth in range(1, TENTHS + 1):
        begun = time.perf_counter()
        for make in made.values():

            def one(make: Callable[[int], bytes] = make) -> bytes:
                return make(next(numbers))

            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                done = runner.run(
                    load(server.port, one, connections=CONNECTIONS, limit=share)
                )
            sent += share
            answered += done.done
        rate = share * len(made) / (time.perf_counter() - begun)
        yield (
            f"| {tenth} | {sent:,} | {sent - answered} | {server.memory():.0f} | "
            f"{rate:.0f} |"
        )


class Fuzz:
    """A target that hands on what a server answers, and spoils some of it."""

    def __init__(self, port: int, number: int) -> None:
        """What is spoilt, and how, follows from the number."""
        self._port = port
        self._random = random.Random(number)  # noqa: S311
        self._share = self._random.choice((0.02, 0.2, 0.6))

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head, body = await _message(reader)
                answer = await self._asked(head, body)
                is_spoilt = self._random.random() < self._share
                writer.write(self._spoilt(*answer) if is_spoilt else b"".join(answer))
                await writer.drain()
                if is_spoilt:
                    break
        writer.close()

    async def _asked(self, head: bytes, body: bytes) -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(re.sub(rb"(?im)^accept-encoding:.*\r\n", b"", head) + body)
        answer = await _message(reader)
        writer.close()
        return answer

    def _spoilt(self, head: bytes, body: bytes) -> bytes:
        chosen = self._random
        match chosen.randrange(8):
            case 0:  # another status
                status = chosen.choice((204, 302, 400, 418, 429, 500, 503, 599, 999))
                head = head[:9] + b"%d" % status + head[12:]
            case 1:  # another value
                places = [*re.finditer(rb': ?("[^"]*"|[\d.]+|null|\[)', body)]
                if places:
                    at = chosen.choice(places)
                    text = chosen.choice(WEIRD).encode()
                    body = body[: at.start(1)] + text + body[at.end(1) :]
            case 2:  # other bytes
                spoilt = bytearray(body)
                for _ in range(min(5, len(body))):
                    spoilt[chosen.randrange(len(body))] = chosen.randrange(256)
                body = bytes(spoilt)
            case 3:  # the end is missing
                whole = _framed(head, body)
                return whole[: chosen.randrange(1, len(whole))]
            case 4:  # events in another order, or twice
                events = body.split(b"\n\n")
                chosen.shuffle(events)
                body = b"\n\n".join([*events, events[0]])
            case 5:  # a header that is none
                odd = chosen.choice((b"Content-Encoding: gzip", b"X: \xff\xfe", b"Y"))
                head = head[:-2] + odd + b"\r\n\r\n"
            case 6:  # what is no HTTP
                return chosen.randbytes(chosen.randrange(2_000))
            case _:  # another type
                kind = chosen.choice((b"text/event-stream", b"text/html", b"\xff"))
                head = re.sub(rb"(?i)(content-type:)[^\r]*", rb"\1 " + kind, head)
        return _framed(head, body)


def _framed(head: bytes, body: bytes) -> bytes:
    head = re.sub(rb"(?im)^(content-length|transfer-encoding):.*\r\n", b"", head)
    return head[:-2] + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Read a request or a response, of whichever framing; the head stays true."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    if length:
        return head, await reader.readexactly(int(length[1]))
    if b"chunked" not in head.lower():
        return head, b""
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return _framed(head, body)[: -len(body) or None], body


async def judged(port: int, number: int) -> tuple[int, str]:
    """Run the judge against the target of a number; its exit code and last words."""
    fuzz = Fuzz(port, number)
    server = await asyncio.start_server(fuzz.serve, "127.0.0.1", 0, limit=2**26)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(str(BIN / "aios-conformance"), "run", url, "--preset", "smoke"),
            *("--request-timeout", "10", "--max-time", "120", "--report-dir", folder),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), LONGEST)
        except TimeoutError:
            process.kill()
            said = b"it did not end"
    server.close()
    return process.returncode or 0, said.decode(errors="replace")[-2_000:]


def fuzzed(server: Server, numbers: Sequence[int]) -> Iterator[str]:
    """Run the judge once for each number; yields lines."""
    codes: Counter[int] = Counter()
    for done, number in enumerate(numbers, 1):
        code, said = asyncio.run(judged(server.port, number))
        codes[code] += 1
        if code not in (0, 1, 2, 4, 5):
            print(f"run {number} ended with {code}:\n{said}", file=sys.stderr)
        if done % max(1, len(numbers) // TENTHS) == 0 or done == len(numbers):
            told = ", ".join(f"{codes[c]} with {c}" for c in sorted(codes))
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
            yield f"| {done} | {told} | {peak} |"


def main() -> None:
    """Soak, and print what became of it line by line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--write", type=Path, help="file that gets the lines too")
    asked = parser.parse_args()
    server = start(MOCK)
    # what it is told to end with must not be lost, or the server outlives us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        for line in told(server, asked.requests, range(asked.first, asked.runs)):
            print(line, flush=True)
            if asked.write:
                with asked.write.open("a") as file:
                    file.write(f"{line}\n")
    finally:
        server.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(10)


def told(server: Server, requests: int, numbers: Sequence[int]) -> Iterator[str]:
    """Yield all lines of the report."""
    yield f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {', '.join(mixes())}\n"
    if requests:
        yield "| tenth | requests | lost | MB of the mock | requests/s |"
        yield "|---|---|---|---|---|"
        yield from soak(server, requests)
    if numbers:
        yield "\n| runs | exit codes | most MB of a run |\n|---|---|---|"
        yield from fuzzed(server, numbers)


if __name__ == "__main__":
    main()
