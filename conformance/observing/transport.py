"""The only module that opens a socket: requests out, exact bytes in.

Answers 429, 502, 503 and 504 and connections that fail before the first byte of an
answer say nothing about the contract: they are retried within bounds, and what
remains is a failure, not an answer. An answer that breaks off after its first byte
is an answer, and says how it broke.
"""

import asyncio
import base64
import email.utils
import math
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp

from aios_conformance.conformance.observing.coding import CodingError, Decoding
from aios_conformance.conformance.options.values import OptionError, RunOptions
from aios_conformance.conformance.terms.events import Listener, Waiting
from aios_conformance.conformance.terms.exchange import Request, Response
from aios_conformance.conformance.terms.redact import Redactor
from aios_conformance.conformance.terms.requests import Outgoing

RETRIED = (429, 502, 503, 504)
ATTEMPTS = 4
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
"""Who asks for more patience by Retry-After is not asked again."""
TOLD_PAUSE_S = 2.0
"""Waiting for longer is told."""
HANDSHAKE_S = 3.0
MOST_BYTES = 64 * 1024 * 1024
"""A longer answer is cut and counts as broken off: no documented one comes near."""
MOST_EVENTS = 50_000
"""So does a stream of more events: no limit that we send lets an answer be as long."""
MOST_RUN_BYTES = 512 * 1024 * 1024
"""What all answers of a run may hold; they are kept in memory until it is judged."""

_ENDED_EARLY = (
    aiohttp.ClientPayloadError,
    aiohttp.ClientConnectionError,
    ConnectionError,
)
_TLS_ALERT = ("\\x15\\x03", "\x15\x03")


@dataclass(frozen=True, slots=True)
class Received:
    """What came of a request: an answer, or the reason why there is none."""

    request: Request
    response: Response | None
    failure: str | None
    sent_at: float
    total_s: float
    attempts: int


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
        self.received = 0  # bytes of all answers
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
        headers = self._headers_of(outgoing)
        request = Request(
            outgoing.operation,
            self.redactor.bytes(outgoing.body or b""),
            self.redactor.sent_headers(headers),
        )
        failure: str | None = None
        async with self._slots:
            for attempt in range(1, ATTEMPTS + 1):
                await self._turn()
                sent_at, began = time.time(), time.monotonic()
                response, failure, retry_after = await self._once(outgoing, headers)
                total = time.monotonic() - began
                if response is not None or retry_after is None:
                    break
                if retry_after > LONGEST_PAUSE_S:
                    failure = (
                        f"{failure} (Retry-After asks for {retry_after:.0f} s, more "
                        f"than the {LONGEST_PAUSE_S:.0f} that are waited for)"
                    )
                    break
                if attempt < ATTEMPTS:
                    await self._wait(retry_after, attempt)
        kept = response and self._redacted(response)
        failure = failure and self.redactor.text(failure)
        return Received(request, kept, failure, sent_at, total, attempt)

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
        except (OSError, TimeoutError):
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
    ) -> tuple[Response | None, str | None, float | None]:
        """One attempt: answer, failure, and seconds to wait if it may be repeated.

        0 seconds leaves the pause to us; None forbids a repetition.
        """
        assert self._session is not None, "used outside of its context"  # noqa: S101
        method, _, path = outgoing.operation.partition(" ")
        limit = self._options.request_timeout_s
        began = time.monotonic()
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
                        return None, await _left(answer), None
                    response = await _read(answer, began)
        except TimeoutError:
            return None, f"timeout: no complete answer within {limit:g} s", None
        except Exception as error:  # noqa: BLE001 - an exchange is lost, not the run
            return _failed(error, is_met=self._is_met)
        self.received += len(response.body)
        if response.status in RETRIED:
            failure = f"HTTP {response.status}: {_start(response.body)}"
            return None, failure, _retry_after(response.header("retry-after"))
        return response, None, None

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
        body = self.redactor.bytes(response.body)
        arrivals = response.arrivals
        if len(body) != len(response.body):
            arrivals = tuple(
                (at, len(self.redactor.bytes(response.body[:count])))
                for at, count in arrivals
            )
        headers = tuple(
            (name, self.redactor.text(value)) for name, value in response.headers
        )
        return Response(response.status, headers, body, arrivals, response.broken)


async def _read(answer: aiohttp.ClientResponse, began: float) -> Response:
    body = bytearray()
    arrivals: list[tuple[float, int]] = []
    broken: str | None = None
    is_stream = answer.content_type == "text/event-stream"
    events = 0
    try:
        decoding = Decoding(answer.headers.get("Content-Encoding"))
        async for piece in answer.content.iter_any():
            plain = decoding.feed(piece, MOST_BYTES + 1 - len(body))
            body += plain
            arrivals.append((round(time.monotonic() - began, 6), len(body)))
            events += plain.count(b"data:") if is_stream else 0
            if len(body) > MOST_BYTES:
                broken = f"longer than {MOST_BYTES} bytes"
            elif events > MOST_EVENTS:
                broken = f"no end after {MOST_EVENTS} events"
            if broken:
                answer.close()
                break
    except CodingError as error:
        broken = str(error)
        answer.close()
    except _ENDED_EARLY as error:
        broken = f"broke off after {len(body)} bytes: {_told(error)}"
    headers = tuple(
        (name.decode("latin-1").lower(), value.decode(errors="surrogateescape"))
        for name, value in answer.raw_headers
    )
    return Response(answer.status, headers, bytes(body), tuple(arrivals), broken)


async def _left(answer: aiohttp.ClientResponse) -> str:
    """Go away after the first bytes of a stream; how that is told."""
    with suppress(*_ENDED_EARLY):
        await answer.content.readany()
    answer.close()
    return f"left in the middle of HTTP {answer.status}, as intended"


def _failed(
    error: Exception, *, is_met: bool
) -> tuple[Response | None, str | None, float | None]:
    """What an attempt came to that ended in an error; see `Transport._once`.

    `is_met`: somebody has listened before. A port where nobody ever did is not asked
    again.
    """
    match error:
        case aiohttp.ClientHttpProxyError():
            return None, f"the proxy refuses: {error.status} {error.message}", None
        case aiohttp.ClientResponseError():
            if any(sign in error.message for sign in _TLS_ALERT):
                return None, "connect: the port speaks TLS: write https://", None
            told = f"the answer is not HTTP: {error.message}"
            return Response(0, (), b"", broken=told), None, None
        case aiohttp.ClientConnectorCertificateError():
            told = f"{_told(error)}; --ca-bundle FILE trusts it, --insecure any"
            return None, f"connect: {told}", None
        case aiohttp.ClientConnectorSSLError():
            told = f"{_told(error)}; if the port speaks no TLS, write http://"
            return None, f"connect: {told}", None
        case aiohttp.ClientError() | OSError():
            is_refused = isinstance(
                getattr(error, "os_error", error), ConnectionRefusedError
            )
            pause = None if is_refused and not is_met else 0.0
            return None, f"connect: {_told(error)}", pause
        case _:
            return None, f"unreadable: {type(error).__name__}: {error}", None


def _retry_after(value: str | None) -> float:
    """Seconds to wait by a Retry-After header (a number or a date), 0 if none."""
    if value is None:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        try:
            seconds = email.utils.mktime_tz(date) - time.time() if date else 0.0
        except (ValueError, OverflowError):  # a date beyond the calendar
            return math.inf
    return 0.0 if math.isnan(seconds) else max(0.0, seconds)


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


def _told(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _start(body: bytes) -> str:
    return body[:120].decode(errors="replace")
