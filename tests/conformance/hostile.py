"""A target whose answers are drawn: any status, headers, bytes and timing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from raw import Writer, saying

USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "a"},
    "text": "a",
    "delta": {"role": "assistant", "content": "a"},
    "finish_reason": "stop",
    "logprobs": {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": []}]},
}
RIGHT: dict[str, Any] = {
    "id": "x",
    "object": "list",
    "created": 1_700_000_000,
    "model": "m",
    "data": [{"id": "m", "index": 0, "embedding": [0.5, 0.5], "score": 0.5}],
    "results": [{"index": 0, "document": {"text": "a"}, "relevance_score": 0.5}],
    "choices": [CHOICE],
    "usage": USAGE,
}
"""Nearly every answer at once: what an API does not look for it passes over."""

WEIRD = (
    "18446744073709551615",
    "-1",
    "3.0",
    "1e300",
    "1e999",
    "NaN",
    "123456789012345678901234567890",
    "null",
    "true",
    '"x"',
    '""',
    "[]",
    "{}",
    "[[]]",
    '{"": null}',
    r'"\ud800"',
    '"\u202e\\u0000\\u001b[31m"',
    "[" * 2_000 + "]" * 2_000,
    '"' + "x" * 100_000 + '"',
)
_MARK = "@@"


def _places(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(node, dict):
        for key, each in node.items():
            found += _places(each, (*at, key))
    elif isinstance(node, list):
        for key, each in enumerate(node):
            found += _places(each, (*at, key))
    return found


PLACES = _places(RIGHT)


def with_weird(place: tuple[Any, ...], text: str) -> bytes:
    """A right answer but for one member, which is any JSON text or none."""
    made = json.loads(json.dumps(RIGHT))
    node = made
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = _MARK
    return json.dumps(made).replace(f'"{_MARK}"', text).encode()


@dataclass(frozen=True)
class Answer:
    """What is said to a request, and how."""

    status: int = 200
    headers: tuple[bytes, ...] = (b"Content-Type: application/json",)
    body: bytes = b""
    is_stream: bool = False
    ending: str = "whole"  # or "cut", "no length", "slow"

    async def play(self, writer: Writer) -> None:
        """Say it."""
        body = self.body
        headers = list(self.headers)
        if self.is_stream:
            headers = [b"Content-Type: text/event-stream"]
            body = b"data: " + body + b"\n\ndata: [DONE]\n\n"
        if self.ending != "no length":
            length = len(body) + (7 if self.ending == "cut" else 0)
            headers.append(b"Content-Length: %d" % length)
        head = b"\r\n".join([b"HTTP/1.1 %d Said" % self.status, *headers, b"", b""])
        writer.write(head + body[: len(body) // 2])
        if self.ending == "slow":
            await asyncio.sleep(0.01)
        writer.write(body[len(body) // 2 :])
        await writer.drain()
        if self.ending in ("cut", "no length"):
            writer.close()


_bodies = st.one_of(
    st.builds(with_weird, st.sampled_from(PLACES), st.sampled_from(WEIRD)),
    st.builds(with_weird, st.sampled_from(PLACES), st.sampled_from(WEIRD)),
    st.just(json.dumps(RIGHT).encode()),
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b"null", b"[]", b"data: ", b'{"error": {}}', b"\xef\xbb\xbf"]
    ),
)
_values = st.sampled_from(
    [
        b"application/json",
        b"text/event-stream; charset=\xff",
        b"\xff\xfe",
        b"",
        b"x" * 5_000,
        b"gzip",
        b"zstd, br",
        b"Fri, 31 Dec 999999 23:59:59 GMT",
        b"1e999",
    ]
)
_headers = st.lists(
    st.builds(
        lambda name, value: name + b": " + value,
        st.sampled_from([b"Content-Type", b"Content-Encoding", b"Server", b"X-\xe9"]),
        _values,
    ),
    max_size=3,
).map(tuple)
ANSWERS = st.builds(
    Answer,
    status=st.sampled_from(
        [200, 200, 200, 200, 201, 204, 400, 404, 418, 422, 500, 999]
    ),
    headers=st.one_of(st.just((b"Content-Type: application/json",)), _headers),
    body=_bodies,
    is_stream=st.booleans(),
    ending=st.sampled_from(["whole", "whole", "whole", "slow", "cut", "no length"]),
)


@asynccontextmanager
async def hostile(answers: list[Answer]) -> AsyncIterator[str]:
    """Serve these answers in turn; the address."""
    turn = iter(range(1_000_000))

    async def play(writer: Writer) -> None:
        await answers[next(turn) % len(answers)].play(writer)

    async with saying(play) as target:
        yield target.url
