"""AnswerReader one answer: piece by piece, within limits, and what its errors mean."""

import email.utils
import math
import time
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from aios_conformance.conformance.observing.coding import CodingError, Decoding
from aios_conformance.conformance.terms.exchange import NOBODY, Response

MOST_BYTES = 64 * 1024 * 1024
"""A longer answer is cut and counts as broken off: no documented one comes near."""
MOST_OF_A_STREAM = 16 * 1024 * 1024
MOST_LINES = 200_000
MOST_EVENTS = 10_000
"""So does what is longer and no JSON: no limit that we send lets a stream be as long,
and each of its lines and events costs time to be judged."""

_ENDED_EARLY = (
    aiohttp.ClientPayloadError,
    aiohttp.ClientConnectionError,
    ConnectionError,
)
_TLS_ALERT = ("\\x15\\x03", "\x15\x03")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one sending of a request came to: an answer, or why there is none."""

    response: Response | None = None
    failure: str | None = None
    # seconds to wait before it may be sent again: 0 leaves them to us, None forbids it
    retry_after: float | None = None
    partial: Response | None = None  # what had come when the time was over


class AnswerReader:
    """An answer while it comes in."""

    def __init__(self, answer: aiohttp.ClientResponse, began: float) -> None:
        """`began` is when the request was sent, by the monotonic clock."""
        self._answer = answer
        self._began = began
        self._body = bytearray()
        self._arrivals: list[tuple[float, int]] = []

    async def read(self) -> Response:
        """The whole answer, or what came of it before it broke off or grew too long."""
        broken: str | None = None
        answer, body = self._answer, self._body
        is_json = answer.content_type == "application/json"
        most = MOST_BYTES if is_json else MOST_OF_A_STREAM
        lines = events = 0
        try:
            decoding = Decoding(answer.headers.get("Content-Encoding"))
            async for piece in answer.content.iter_any():
                plain = decoding.feed(piece, most + 1 - len(body))
                body += plain
                passed = round(time.monotonic() - self._began, 6)
                self._arrivals.append((passed, len(body)))
                if not is_json:
                    lines += plain.count(b"\n") + plain.count(b"\r")
                    events += plain.count(b"data:")
                if len(body) > most:
                    broken = f"longer than {most} bytes"
                elif events > MOST_EVENTS:
                    broken = f"no end after {MOST_EVENTS} lines of data"
                elif lines > MOST_LINES:
                    broken = f"no end after {MOST_LINES} lines"
                if broken:
                    answer.close()
                    break
            else:
                decoding.end()
        except CodingError as error:
            broken = str(error)
            answer.close()
        except _ENDED_EARLY as error:
            broken = f"broke off after {len(body)} bytes: {_told(error)}"
        return self.so_far(broken)

    def so_far(self, broken: str | None = None) -> Response:
        """What has come until now."""
        headers = tuple(
            (name.decode("latin-1").lower(), value.decode(errors="surrogateescape"))
            for name, value in self._answer.raw_headers
        )
        arrivals = tuple(self._arrivals)
        return Response(
            self._answer.status, headers, bytes(self._body), arrivals, broken
        )


async def left(answer: aiohttp.ClientResponse) -> str:
    """Go away after the first bytes of a stream; how that is told."""
    with suppress(*_ENDED_EARLY):
        await answer.content.readany()
    answer.close()
    return f"left in the middle of HTTP {answer.status}, as intended"


def failed(error: Exception, *, is_met: bool) -> Attempt:
    """What an attempt came to that ended in an error.

    `is_met`: somebody has listened before. A port where nobody ever did is not asked
    again.
    """
    match error:
        case aiohttp.ClientHttpProxyError():
            return Attempt(failure=f"the proxy refuses: {error.status} {error.message}")
        case aiohttp.ClientResponseError():
            if any(sign in error.message for sign in _TLS_ALERT):
                return Attempt(failure="connect: the port speaks TLS: write https://")
            told = f"the answer is not HTTP: {_on_one_line(error.message)}"
            return Attempt(Response(0, (), b"", broken=told))
        case aiohttp.ClientConnectorCertificateError():
            told = f"{_told(error)}; --ca-bundle FILE trusts it, --insecure any"
            return Attempt(failure=f"connect: {told}")
        case aiohttp.ClientConnectorSSLError():
            told = f"{_told(error)}; if the port speaks no TLS, write http://"
            return Attempt(failure=f"connect: {told}")
        case aiohttp.ClientError() | OSError():
            inner = getattr(error, "os_error", error)
            is_nobody = isinstance(inner, ConnectionRefusedError) and not is_met
            pause = None if is_nobody else 0.0
            return Attempt(failure=f"connect: {_told(error)}", retry_after=pause)
        case _:
            return Attempt(failure=f"unreadable: {type(error).__name__}: {error}")


def retry_after(value: str | None) -> float:
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


def _told(error: BaseException) -> str:
    """An error in a few words; aiohttp speaks of TLS where none was asked for."""
    is_foreign = isinstance(error, aiohttp.ClientConnectorCertificateError)
    if isinstance(error, aiohttp.ClientConnectorError) and not is_foreign:
        inner = error.os_error
        place = f"{error.host}:{error.port}"
        if isinstance(inner, ConnectionRefusedError):
            return f"{NOBODY} {place}"
        why = inner.strerror or str(inner) or "it ends the connection at once"
        return f"{place}: {why}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "it ends the connection before an answer"
    return str(error) or type(error).__name__


def _on_one_line(message: str) -> str:
    """What aiohttp says below one another, without the arrow at what it quotes."""
    return " ".join(message.split()).removesuffix(" ^")
