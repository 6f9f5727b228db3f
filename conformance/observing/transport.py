"""The only module that opens a socket: requests out, exact bytes in.

Answers 429, 502, 503 and 504 and connections that fail before the first byte of an
answer say nothing about the contract: they are retried within bounds, and what
remains is a failure, not an answer. An answer that breaks off after its first byte
is an answer, and says how it broke.
"""

import asyncio
import base64
import ssl
import time
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp

from aios_conformance.conformance.observing.reading import (
    AnswerReader,
    Attempt,
    failed,
    left,
    retry_after,
)
from aios_conformance.conformance.options.values import OptionError, RunOptions
from aios_conformance.conformance.terms.events import Listener, Waiting
from aios_conformance.conformance.terms.exchange import Request, Response
from aios_conformance.conformance.terms.pieces import edited, edits, moved
from aios_conformance.conformance.terms.redact import Redactor
from aios_conformance.conformance.terms.requests import Outgoing
from aios_conformance.conformance.terms.visible import visible

RETRIED = (429, 502, 503, 504)
PROXY_AUTHENTICATION = 407
ATTEMPTS = 4
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
"""Who asks for more patience by Retry-After is not asked again."""
TOLD_PAUSE_S = 2.0
"""Waiting for longer is told."""
HANDSHAKE_S = 3.0
MOST_RUN_BYTES = 1024 * 1024 * 1024
"""What all answers of a run may hold; they are kept in memory until it is judged."""
A_VALUE = 32
"""What a value of JSON, such as a number of two signs, holds once it is read."""


STEADY_SINCE = time.time() - time.monotonic()
"""What makes Unix seconds of a clock that nobody sets."""


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a request: an answer, or the reason why there is none."""

    request: Request
    response: Response | None
    failure: str | None
    sent_at: float
    total_s: float
    attempts: int
    partial: Response | None = None  # what had come when the time was over
    clock_s: float = 0.0  # by which the system's clock was not `sent_at`


class Transport:
    """Sends requests to one target within the limits of concurrency and rate."""

    def __init__(
        self,
        options: RunOptions,
        url: str,
        *,
        listener: Listener = lambda _: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`pause` waits for some seconds; a test hands in one that does not."""
        self.url, userinfo = split_userinfo(url)
        proxy, login = split_userinfo(options.proxy) if options.proxy else (None, None)
        self._proxy = proxy
        basic = [("Authorization", userinfo)] if userinfo else []
        to_proxy = [("Proxy-Authorization", login)] if login else []
        self._proxy_headers = dict(to_proxy)
        self.redactor = Redactor.of(
            options.api_key, options.api_key_env, [*options.headers, *basic, *to_proxy]
        )
        self.received = 0  # bytes that all answers hold
        self._headers: dict[str, str] = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",  # the bytes as the target made them
            "User-Agent": "aios-conformance",
        }
        if userinfo:
            self._headers["Authorization"] = userinfo
        if options.api_key:
            self._headers["Authorization"] = f"Bearer {options.api_key}"
        self._headers.update(options.headers)
        self._options = options
        self._listener = listener
        self._slots = asyncio.Semaphore(max(1, options.concurrency))
        self._pause = pause
        self._not_before = 0.0  # monotonic: the target asked for patience until then
        self._next_turn = 0.0  # monotonic: when the rate allows the next request
        self._is_met = False  # somebody has listened at least once
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool.

        Raises:
            OptionError: the CA bundle cannot be read.

        """
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls(self._options)),
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def send(self, outgoing: Outgoing) -> Received:
        """Send one request, again where that is allowed, and read its answer."""
        headers, request = self._headers_of(outgoing), self.request(outgoing)
        async with self._slots:
            for attempt in range(1, ATTEMPTS + 1):
                await self._turn()
                began = time.monotonic()
                sent_at = STEADY_SINCE + began
                clock_s = round(time.time() - sent_at, 3)
                made = await self._once(outgoing, headers)
                total, pause = time.monotonic() - began, made.retry_after
                if pause is None:
                    break
                if pause > LONGEST_PAUSE_S:
                    made = replace(
                        made,
                        failure=f"{made.failure} (Retry-After asks for {pause:.0f} s, "
                        f"more than the {LONGEST_PAUSE_S:.0f} that are waited for)",
                    )
                    break
                if attempt < ATTEMPTS:
                    await self._wait(pause, attempt)
        return Received(
            request,
            made.response and self._redacted(made.response),
            made.failure and self._told(made.failure),
            sent_at,
            total,
            attempt,
            made.partial and self._redacted(made.partial),
            clock_s,
        )

    def request(self, outgoing: Outgoing) -> Request:
        """A request as it is recorded: without secrets."""
        return Request(
            outgoing.operation,
            self.redactor.bytes(outgoing.body or b""),
            self.redactor.sent_headers(self._headers_of(outgoing)),
        )

    async def speaks_tls(self) -> bool:
        """The target's port takes a TLS handshake."""
        parts = urlsplit(self.url)
        lenient = ssl.create_default_context()
        lenient.check_hostname, lenient.verify_mode = False, ssl.CERT_NONE
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                _, writer = await asyncio.open_connection(
                    parts.hostname, parts.port or 80, ssl=lenient
                )
        except (OSError, TimeoutError, ValueError):  # ValueError: no name of a host
            return False
        writer.close()
        return True

    def _headers_of(self, outgoing: Outgoing) -> list[tuple[str, str]]:
        headers = dict(self._headers)
        if outgoing.body is not None:
            headers["Content-Type"] = "application/json"
        for name, value in outgoing.headers.items():
            for known in [h for h in headers if h.lower() == name.lower()]:
                del headers[known]
            if value is not None:
                headers[name] = value
        return list(headers.items())

    async def _once(
        self, outgoing: Outgoing, headers: list[tuple[str, str]]
    ) -> Attempt:
        assert self._session is not None, "used outside of its context"  # noqa: S101
        method, _, path = outgoing.operation.partition(" ")
        limit = self._options.request_timeout_s
        began = time.monotonic()
        reading: AnswerReader | None = None
        try:
            async with asyncio.timeout(limit):
                async with self._session.request(
                    method,
                    self.url + path,
                    data=outgoing.body,
                    headers=headers,
                    allow_redirects=False,
                    proxy=self._proxy,
                    proxy_headers=self._proxy_headers,
                ) as answer:
                    self._is_met = True
                    if outgoing.leaves:
                        return Attempt(failure=await left(answer))
                    reading = AnswerReader(answer, began)
                    response = await reading.read()
        except TimeoutError:
            failure = f"timeout: no complete answer within {limit:g} s"
            partial = reading.so_far() if reading else None
            return Attempt(failure=failure, partial=partial)
        except Exception as error:  # noqa: BLE001 - an exchange is lost, not the run
            return failed(error, is_met=self._is_met)
        self.received += len(response.body) + A_VALUE * response.body.count(b",")
        if response.status == PROXY_AUTHENTICATION and self._proxy:
            return Attempt(failure=f"the proxy refuses: {response.status}")
        if response.status in RETRIED:
            failure = f"HTTP {response.status}: {_start(response.body)}"
            pause = retry_after(response.header("retry-after"))
            return Attempt(failure=failure, retry_after=pause)
        return Attempt(response)

    async def _turn(self) -> None:
        """Wait until the rate and the target's wish for patience allow a request."""
        now = time.monotonic()
        turn = max(now, self._not_before, self._next_turn)
        if self._options.rate:
            self._next_turn = turn + 1 / self._options.rate
        if turn > now:
            if self._not_before - now > TOLD_PAUSE_S:
                self._listener(Waiting(self._not_before - now, "Retry-After"))
            await self._pause(turn - now)

    async def _wait(self, retry_after: float, attempt: int) -> None:
        if retry_after:
            until = time.monotonic() + retry_after
            self._not_before = max(self._not_before, until)
        else:
            await self._pause(FIRST_PAUSE_S * 2 ** (attempt - 1))

    def _redacted(self, response: Response) -> Response:
        plain = self.redactor.bytes(response.body)  # first what stands there in whole
        changes = edits(plain, self.redactor.text) if self.redactor else []
        body = edited(plain, changes)
        arrivals = response.arrivals
        if len(body) != len(response.body):
            counts = [count for _, count in arrivals]
            counts = moved(self._shrunk(counts, response.body, len(plain)), changes)
            arrivals = tuple(
                (at, count) for (at, _), count in zip(arrivals, counts, strict=True)
            )
        headers = tuple(
            (name, self.redactor.text(value)) for name, value in response.headers
        )
        broken = response.broken and self._told(response.broken)
        return Response(response.status, headers, body, arrivals, broken)

    def _told(self, reason: str) -> str:
        """A reason that may quote the target."""
        return visible(self.redactor.text(reason))

    def _shrunk(self, counts: list[int], whole: bytes, most: int) -> list[int]:
        """How many bytes came by then, once secrets are replaced: to the line's end."""
        ends, lengths = [0], [0]
        for line in whole.splitlines(keepends=True):
            ends.append(ends[-1] + len(line))
            lengths.append(lengths[-1] + len(self.redactor.bytes(line)))
        places = (bisect_right(ends, count) - 1 for count in counts)
        return [min(lengths[place], most) for place in places]


def tls(options: RunOptions) -> ssl.SSLContext | bool:
    """How certificates are verified: by the system's (True), a bundle, or not at all.

    Raises:
        OptionError: the bundle cannot be read.

    """
    if options.insecure:
        return False
    if options.ca_bundle is None:
        return True
    try:
        return ssl.create_default_context(cafile=options.ca_bundle)
    except (OSError, ssl.SSLError) as error:
        raise OptionError(
            f"--ca-bundle: cannot read {options.ca_bundle}: {error}",
            code="bad-ca-bundle",
            hint="a file of PEM certificates is needed",
        ) from error


def split_userinfo(url: str) -> tuple[str, str | None]:
    """A base URL without user and password, and the header that carries them.

    Raises:
        OptionError: not an http or https URL.

    """
    parts = urlsplit(url)
    try:
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_usable = False
    if not is_usable:
        raise OptionError(
            f"--target: {url!r} is not a base URL",
            code="bad-target",
            hint="valid are http(s)://host[:port][/prefix], mock and reference",
        )
    place = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
    if parts.username is None:
        return bare, None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return bare, "Basic " + base64.b64encode(pair.encode()).decode()


def _start(body: bytes) -> str:
    return body[:120].decode(errors="replace")
