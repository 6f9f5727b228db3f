"""Requests that are answered where they arrive, before aiohttp has a look at them.

Most come whole, want nothing unusual of HTTP, and can be answered without waiting for
anything. For these the way through aiohttp (a parser, a task, objects for request and
response) takes longer than the answer. All others go that way from their first byte.
"""

import re
import time
from asyncio import CancelledError, Transport
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from email.utils import formatdate
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE
from multidict import CIMultiDict, CIMultiDictProxy

from aios_conformance.serving.digits import whole_number
from aios_conformance.serving.turns import HEAVY

_HEAD: Final = re.compile(
    r"POST (/[\w./-]*) HTTP/1\.1((?:\r\n[\w-]+: [!-~]+(?: +[!-~]+)*)+)", re.ASCII
)
_UNUSUAL: Final = frozenset(
    "connection content-encoding expect te trailer transfer-encoding upgrade".split()  # noqa: SIM905 - reads best
)
_LONGEST: Final = 8_000  # bytes of a head

T = TypeVar("T")


class RequestHead(NamedTuple):
    """The head of a request."""

    path: str
    headers: CIMultiDictProxy[str]
    length: int  # of the body


AtOnce = Callable[[RequestHead, bytes, Transport], bytes | None]
"""Returns the bytes of an answer, all of them; None: nothing has happened."""

AT_ONCE: web.AppKey[AtOnce] = web.AppKey("at_once")
"""Where an application keeps what answers at once, if it has it."""


def received(data: bytes) -> tuple[RequestHead, bytes] | None:
    """Return the head of a usual request, and what there is of its body.

    None if data hold any other, no whole head, or more than one request.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    asked = _read(head) if end and len(head) <= _LONGEST else None
    return None if asked is None or len(body) > asked.length else (asked, body)


@lru_cache(maxsize=256)
def _read(head: bytes) -> RequestHead | None:
    """Read a head; a client's differ in little but the length of the body."""
    found = _HEAD.fullmatch(head.decode("latin-1"))
    if found is None:
        return None
    fields: CIMultiDict[str] = CIMultiDict(
        line.partition(": ")[::2] for line in found[2][2:].split("\r\n")
    )
    names = {name.lower() for name in fields}
    if fields.get("Connection", "").lower() == "keep-alive":
        names.discard("connection")
    length = whole_number(fields.get("Content-Length", ""))
    if (
        len(names) < len(fields) - ("Connection" in fields)  # one comes twice
        or not _UNUSUAL.isdisjoint(names)
        or "Host" not in fields
        or length is None
        or length > HEAVY
    ):
        return None
    return RequestHead(found[1], CIMultiDictProxy(fields), length)


def immediate(work: Awaitable[T]) -> T | None:
    """Return what comes of work, unless it would wait: then it is given up."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as done:
        result: T = done.value
        return result
    with suppress(CancelledError):  # to close it would leave its generators running
        steps.throw(CancelledError())
    return None


def framed(
    fields: Mapping[str, str], body: bytes, *, chunked: bool
) -> tuple[dict[str, str], bytes]:
    """Return the headers of an answer, and all its bytes, as aiohttp writes them."""
    headers = dict(fields)
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        headers["Content-Length"] = str(len(body))
    headers["Date"] = _date(int(time.time()))
    headers["Server"] = SERVER_SOFTWARE
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return headers, f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode() + body


@lru_cache(maxsize=1)
def _date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
