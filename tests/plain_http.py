"""A client that hides nothing of the wire."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
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

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(
            where.hostname or "", where.port, timeout=30
        )
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, fields, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, None, headers)

    def post(self, path: str, body: Any, **headers: str) -> Reply:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(
            "POST", path, raw, {"Content-Type": "application/json", **headers}
        )
