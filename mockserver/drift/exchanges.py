"""Requests and answers to compare: read from a recording, or asked for."""

import asyncio
import gzip
import json
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import aiohttp

from aios_conformance.mockserver.scripting.tape import Tape, TapeError
from aios_conformance.serving.options import OptionError

_JSON: Final = {"Content-Type": "application/json"}
_FILES: Final = ("exchanges.jsonl", "exchanges.jsonl.gz")  # of the suite's recording
_LOST: Final = ("host", "content-length", "accept-encoding", "connection")
_AT_A_TIME: Final = 4


@dataclass(frozen=True)
class Request:
    """One request, without the server it goes to."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: _JSON)

    @property
    def operation(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        return read_json(self.body)


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 with the reason as body if nothing did."""

    status: int
    content_type: str
    body: bytes

    @property
    def accepted(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        return read_json(self.body)

    @cached_property
    def events(self) -> Sequence[str] | None:
        """The data of each event; None for what is no stream."""
        if not self.content_type.startswith("text/event-stream"):
            return None
        lines = self.body.decode("utf-8", "replace").splitlines()
        return [x[5:].strip() for x in lines if x.startswith("data:")]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a real server was asked, and what it answered."""

    exchanges: Sequence[tuple[Request, Answer]]
    dialect: str = "aios"
    key: str | None = None  # stands for the real one in the headers


def read_json(data: bytes | str) -> Any:
    """Return JSON as values; None for what is no JSON."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def recorded(path: Path) -> Recorded:
    """Read a recording of the suite (its folder or file) or a tape.

    Raises OptionError.
    """
    files = [path / name for name in _FILES] if path.is_dir() else [path]
    file = next((one for one in files if one.is_file()), None)
    if file is None:
        raise OptionError(f"{path} holds no recording: no {' or '.join(_FILES)}")
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            first = read_json(lines.readline())
            if not (isinstance(first, dict) and first.get("line") == "header"):
                return _asked(Recorded([*_of_tape(file)]), file)
            key = f"${first.get('key_env')}" if first.get("has_key") else None
            exchanges = list(_of_suite(map(json.loads, lines)))
            return _asked(Recorded(exchanges, first.get("dialect", "aios"), key), file)
    except (OSError, EOFError, ValueError, KeyError, TypeError, TapeError) as error:
        raise OptionError(f"{file} is no recording: {error}") from None


def _asked(found: Recorded, file: Path) -> Recorded:
    """Return a recording that says something; of nothing all would be the same."""
    if not found.exchanges:
        raise OptionError(f"{file} holds no answer")
    return found


def _of_suite(lines: Iterator[Any]) -> Iterator[tuple[Request, Answer]]:
    for line in lines:
        if line["line"] != "exchange" or not line["response"]:
            continue
        request, response = line["request"], line["response"]
        method, path = request["operation"].split(" ", 1)
        headers = {k: v for k, v in request["headers"] if k.lower() not in _LOST}
        types = [v for k, v in response["headers"] if k.lower() == "content-type"]
        answer = Answer(response["status"], "".join(types[:1]), _body(response))
        yield Request(method, path, _body(request), headers), answer


def _body(members: Mapping[str, Any]) -> bytes:
    coded = members.get("body_base64")
    return members["body"].encode() if coded is None else b64decode(coded)


def _of_tape(file: Path) -> Iterator[tuple[Request, Answer]]:
    for take in Tape(file):
        sent = b"" if take.request is None else json.dumps(take.request).encode()
        body = b"".join(data for _, data in take.blocks)
        answer = Answer(take.status, take.content_type, body)
        yield Request(take.method, take.path, sent), answer


async def asked(
    url: str, requests: Sequence[Request], *, key: str | None, seconds: float
) -> list[Answer]:
    """Ask a server everything, in the order of the requests."""
    room = asyncio.Semaphore(_AT_A_TIME)
    limit = aiohttp.ClientTimeout(total=seconds)
    keyed = {} if key is None else {"Authorization": f"Bearer {key}"}

    async def one(session: aiohttp.ClientSession, request: Request) -> Answer:
        headers = {**request.headers, **keyed}
        async with room:
            try:
                async with session.request(
                    request.method,
                    url + request.path,
                    data=request.body or None,
                    headers=headers,
                ) as answer:
                    return Answer(
                        answer.status,
                        answer.headers.get("Content-Type", ""),
                        await answer.read(),
                    )
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                return Answer(0, "", reason.encode())

    async with aiohttp.ClientSession(timeout=limit) as session:
        return await asyncio.gather(*(one(session, each) for each in requests))
