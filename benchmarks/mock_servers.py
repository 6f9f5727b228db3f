"""Servers as processes: started, waited for, and their processor time and memory."""

import asyncio
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from mock_load import load


@dataclass
class Server:
    """A started server."""

    process: subprocess.Popen[str]
    port: int
    ready: float  # seconds from the start to the first answer

    def cpu(self) -> float:
        """Return the processor seconds used so far, by all workers (Linux), else 0."""
        own = Path(f"/proc/{self.process.pid}")
        try:
            workers = (own / f"task/{own.name}/children").read_text().split()
            texts = [(own.parent / each / "schedstat").read_text() for each in workers]
            texts.append((own / "schedstat").read_text())
        except OSError:
            return 0.0
        return sum(int(text.split()[0]) for text in texts) / 1e9

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
