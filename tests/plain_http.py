"""A client that hides nothing of the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[str]:
        """The data of every event; fails on anything else in the stream."""
        assert self.headers["content-type"].startswith("text/event-stream")
        *blocks, rest = self.body.decode().split("\n\n")
        assert rest == ""
        for block in blocks:
            assert block.startswith("data: "), block
            assert "\n" not in block
        return [block.removeprefix("data: ") for block in blocks]

    def chunks(self) -> list[Any]:
        *data, done = self.events()
        assert done == "[DONE]"
        assert "[DONE]" not in data
        return [json.loads(one) for one in data]


@dataclass(frozen=True, slots=True)
class Client:
    """Sends one request per connection."""

    url: str
    timeout: float = 30

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Send a body of bytes as it is, any other as JSON."""
        where = urlsplit(self.url)
        host = where.hostname or ""
        connection = HTTPConnection(host, where.port, timeout=self.timeout)
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        media = {} if raw is None else {"Content-Type": "application/json"}
        try:
            connection.request(method, path, raw, media | headers)
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, fields, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        return self.send("POST", path, body, **headers)
