"""The mock beside other mocks, on one machine in one run, in turn.

Each is a command with PORT in the place of its port; all are asked the same. Ours
validates and keeps its journal, as always; what the others do is up to them. Answers
differ in length, so streams are compared by their events. Each figure is for a second
of the server's processor time (Linux), which a busy machine hardly changes.

    python benchmarks/mock_beside.py 'llmock=llmock serve -p PORT --log-level error' …
"""

import argparse
import asyncio
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from mock_load import (
    chat_body,
    embedding_body,
    fresh,
    load,
    loop_factory,
    repeated,
    request,
)
from mock_servers import Server

OURS = f"{sys.executable} -m aios_conformance.mockserver --port PORT"
CHAT, VECTORS = "/v1/chat/completions", "/v1/embeddings"
WAIT = 40  # seconds for a server to begin to answer


def keyed(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """Send a key along, as some want one."""
    return lambda: make().replace(b"Host:", b"Authorization: Bearer any\r\nHost:", 1)


STREAM = repeated(request(CHAT, chat_body(None, stream=True, max_tokens=40)))


def started(command: str) -> Server:
    """Start a server on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begun = time.perf_counter()
    process = subprocess.Popen(
        shlex.split(command.replace("PORT", str(port))),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while time.perf_counter() - begun < WAIT:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health").close()
        except urllib.error.HTTPError:
            break  # it speaks
        except OSError:
            time.sleep(0.02)
        else:
            break
    else:
        process.kill()
        raise SystemExit(f"{command} does not answer")
    return Server(process, port, time.perf_counter() - begun)


def events(port: int) -> int:
    """Count the events of a stream."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
        connection.sendall(keyed(STREAM)())
        raw = b""
        while not raw.endswith(b"0\r\n\r\n"):
            piece = connection.recv(65536)
            if not piece:
                break
            raw += piece
    return max(1, raw.count(b"data: ") - 1)


def measured(
    server: Server, make: Callable[[], bytes], seconds: float
) -> tuple[int, float]:
    """Return how many answers came, and the processor seconds that they took."""
    before = server.cpu()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        came = runner.run(load(server.port, make, connections=8, seconds=seconds))
    return (came.done if came.done > came.failed else 0), server.cpu() - before


def main() -> None:
    """Measure and print a table, a column for each server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="+", help="NAME=COMMAND")
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    asked = parser.parse_args()
    commands = dict([("aios-mock", OURS), *(s.split("=", 1) for s in asked.servers)])
    made = {name: started(command) for name, command in commands.items()}
    weights = {name: events(server.port) for name, server in made.items()}
    rows = {
        "chat, the same prompt": repeated(request(CHAT, chat_body(None))),
        "chat, every prompt new": fresh(CHAT, chat_body),
        "embeddings, the same text": repeated(request(VECTORS, embedding_body(None))),
        "embeddings, every text new": fresh(VECTORS, embedding_body),
        "streamed events": STREAM,
    }
    try:
        print(f"| | {' | '.join(made)} |\n|---{'|---' * len(made)}|")
        for row, make in rows.items():
            sums = {name: [0.0, 0.0] for name in made}
            for _ in range(asked.cycles):
                for name, server in made.items():
                    done, spent = measured(server, keyed(make), asked.seconds)
                    weight = weights[name] if row.startswith("streamed") else 1
                    sums[name][0] += done * weight
                    sums[name][1] += spent
            shown = [f"{n / cpu:.0f}" if n else "refused" for n, cpu in sums.values()]
            print(f"| {row} | {' | '.join(shown)} |", flush=True)
        ready = [f"{server.ready:.2f}" for server in made.values()]
        print(f"| ready after s | {' | '.join(ready)} |")
        held = [f"{server.memory():.0f}" for server in made.values()]
        print(f"| MB after it | {' | '.join(held)} |")
    finally:
        for server in made.values():
            server.process.terminate()
            server.process.wait()


if __name__ == "__main__":
    main()
