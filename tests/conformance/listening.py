"""A behaviour, served over real HTTP for as long as a block lasts.

A behaviour is a function from what was asked to what is said:

    with listening(behaviour) as url:
        ...
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Said:
    status: int
    body: bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None  # close the connection after so many bytes of the body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def with_json(self, value: Any) -> "Said":
        return replace(self, body=json.dumps(value).encode())

    @property
    def is_success(self) -> bool:
        return self.status == 200 and self.kind == "application/json"


Behaviour = Callable[[Asked], Said]


def say(value: Any, status: int = 200) -> Said:
    return Said(status, json.dumps(value).encode())


def refuse(status: int, message: str) -> Said:
    return say({"error": {"message": message, "code": status}}, status)


@contextmanager
def listening(behaviour: Behaviour) -> Iterator[str]:
    """Serve a behaviour; the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, self.rfile.read(length))
            said = behaviour(asked)
            body = said.body if said.cut is None else said.body[: said.cut]
            head = [f"HTTP/1.1 {said.status} Said", f"Content-Type: {said.kind}"]
            head += [f"Content-Length: {len(said.body)}", "Server: miniature"]
            head += [f"{name}: {value}" for name, value in said.headers.items()]
            written = "\r\n".join([*head, "", ""]).encode(errors="surrogateescape")
            self.wfile.write(written + body)
            self.close_connection = said.cut is not None

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """A client that goes away is none of our business."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
