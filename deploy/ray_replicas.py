"""Servers of vLLM as replicas of one Ray Serve deployment: one URL before them all.

    python deploy/ray_replicas.py --replicas 2 --port 8000 -- vllm serve FOLDER

Each replica starts the command on a free port of its own, is ready when that answers
`GET /health`, hands on requests and streams as they come, and is started anew by Ray
when its server is gone. What it needs: `ray[serve]`, beside the command.
"""

import argparse
import asyncio
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence

import aiohttp
from ray import serve
from starlette.requests import Request
from starlette.responses import StreamingResponse

ABOUT_THE_CONNECTION = frozenset(
    {"connection", "content-length", "date", "host", "keep-alive", "server"}
    | {"transfer-encoding", "content-encoding", "accept-encoding"}
)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@serve.deployment(max_ongoing_requests=256, health_check_period_s=5)
class Replica:
    """One server, and the requests that go to it."""

    def __init__(self, command: Sequence[str]) -> None:
        """Start it."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        at = ["--host", "127.0.0.1", "--port", str(port)]
        self.server = subprocess.Popen([*command, *at])
        while not self.answers():
            time.sleep(1)
        self.session: aiohttp.ClientSession | None = None

    def answers(self) -> bool:
        """Whether it answers; an error if it ended."""
        if self.server.poll() is not None:
            message = f"the server ended with {self.server.returncode}"
            raise RuntimeError(message)
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=10):
                return True
        except OSError:
            return False

    def connected(self) -> aiohttp.ClientSession:
        """The one session, made in the loop that uses it."""
        if self.session is None:
            forever = aiohttp.ClientTimeout(total=None)
            self.session = aiohttp.ClientSession(timeout=forever)
        return self.session

    async def check_health(self) -> None:
        """Raise if the server does not answer: Ray starts another replica."""
        if not await asyncio.to_thread(self.answers):
            message = "the server does not answer"
            raise RuntimeError(message)

    async def __call__(self, request: Request) -> StreamingResponse:
        """Hand one request on, and its answer back as it comes."""
        path = request.url.path + ("?" * bool(request.url.query)) + request.url.query
        asked = self.connected().request(
            request.method,
            self.url + path,
            headers=kept(request.headers.items()),
            data=await request.body(),
        )
        answer = await asked

        async def body() -> AsyncIterator[bytes]:
            async with answer:
                async for part in answer.content.iter_any():
                    yield part

        return StreamingResponse(
            body(), answer.status, headers=kept(answer.headers.items())
        )

    def __del__(self) -> None:
        """End the server with its replica."""
        self.server.terminate()
        self.server.wait()


def kept(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Of headers, those that speak of more than one connection."""
    return {
        name: value
        for name, value in headers
        if name.lower() not in ABOUT_THE_CONNECTION
    }


def main() -> None:
    """Deploy, and stay until told to stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    serve.start(http_options={"host": given.host, "port": given.port})
    replicas = Replica.options(num_replicas=given.replicas)
    serve.run(replicas.bind(given.command), route_prefix="/")
    print(f"{given.replicas} replicas on http://{given.host}:{given.port}", flush=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
    serve.shutdown()


if __name__ == "__main__":
    main()
