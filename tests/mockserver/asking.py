"""What many tests ask of a mock, in this process or in one of its own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from plain_http import Client, Reply

from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.embedded import LocalMock
from aios_conformance.mockserver.options import read_options

COMMAND = [sys.executable, "-m", "aios_conformance.mockserver"]
PATH = "/v1/chat/completions"
CHAT = "meta-llama/Llama-3.3-70B-Instruct"
ASK = {"model": CHAT, "messages": [{"role": "user", "content": "Name a large city."}]}


def tool(name: str, about: str = "", **members: Any) -> dict[str, Any]:
    """A function of which all members are required whose name does not end in _."""
    properties = {name.removesuffix("_"): schema for name, schema in members.items()}
    required = [name for name in members if not name.endswith("_")]
    parameters = {"type": "object", "properties": properties, "required": required}
    function = {"name": name, "description": about, "parameters": parameters}
    return {"type": "function", "function": function}


WEATHER = tool(
    "get_weather",
    "Weather of a city",
    city={"type": "string"},
    unit_={"enum": ["c", "f"]},
    days={"type": "integer", "minimum": 1, "maximum": 7},
)


def saying(text: str, **members: Any) -> dict[str, Any]:
    """The body of a chat with one turn of the user."""
    return {"model": CHAT, "messages": [{"role": "user", "content": text}], **members}


def chat(mock: LocalMock, text: str = "hello", **members: Any) -> Reply:
    return Client(mock.url).post(PATH, saying(text, **members))


def text_of(chunks: list[Any], index: int = 0) -> str:
    return "".join(
        choice.get("text") or choice.get("delta", {}).get("content") or ""
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["index"] == index
    )


def served(running: Any, *argv: str) -> Any:
    """A client of a mock that judges its own answers."""
    return running(mock_application(read_options([*argv, "--self-check"], {})))


@contextmanager
def stalled(mock: LocalMock, events: int = 2, **members: Any) -> Iterator[Any]:
    """A chat of which only the first events come: its connection."""
    where = urlsplit(mock.url)
    body = json.dumps(saying("hello", **members)).encode()
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/json\r\nX-Mock-Fault: stall@%d\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (events, len(body), body)
        )
        yield connection


@contextmanager
def started(
    *argv: str, **environ: str
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`aios-mock` in a process of its own, and where it listens."""
    kept = {key: value for key, value in os.environ.items() if "AIOS" not in key}
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=kept | environ,
    )
    try:
        first = process.stdout.readline() if process.stdout else ""
        assert first.startswith("listening on "), process.communicate()[1]
        yield process, first.removeprefix("listening on ").strip()
    finally:
        process.kill()
        process.communicate()
