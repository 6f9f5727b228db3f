"""What the rules look at: exchanges as a client's behaviour, not as bytes."""

import json
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Final

from aios_conformance.mockserver.control.exchange import Exchange, Remark
from aios_conformance.mockserver.control.journal import readable
from aios_conformance.mockserver.faults.kinds import Fault

_SPOILS: Final = ("garbage", "error", "empty")  # faults that leave no good answer


@dataclass(frozen=True, eq=False)
class Seen:
    """One exchange, as far as the journal has it."""

    number: int
    started: float  # Unix time
    ended: float | None  # None: still under way
    method: str
    path: str
    api: str | None
    headers: Mapping[str, str]
    body: Any
    raw: bytes
    status: int | None
    retry_after: float | None  # seconds
    fault: Fault | None
    streamed: bool
    finished: bool
    response: bytes
    cut: bool  # the journal does not have all of the response
    connection: int | None
    idle_beside: int
    remarks: Sequence[Remark] | None  # None: nobody looked

    @property
    def members(self) -> Mapping[str, Any]:
        """The members of the body; none where it is no object."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def failed(self) -> bool:
        """Whether the client did not get what it asked for."""
        return (self.status or 0) >= 400 or self.broken or self.harmed

    @property
    def broken(self) -> bool:
        """Whether the answer came in part or not at all."""
        return self.ended is not None and not self.finished

    @property
    def harmed(self) -> bool:
        """Whether a fault spoiled the answer, broken off or not."""
        return self.fault is not None and (
            self.fault.breaks_off or self.fault.kind in _SPOILS
        )

    @property
    def refused(self) -> bool:
        """Whether the same request would be refused again, whenever it is sent."""
        status = self.status or 0
        return 400 <= status < 500 and status not in (408, 409, 425, 429)

    @property
    def passing(self) -> bool:
        """Whether the same request may well be answered a little later."""
        return self.status in (408, 409, 425, 429, 500, 502, 503, 504) or (
            self.fault is not None and self.fault.kind == "drop"
        )

    @cached_property
    def key(self) -> tuple[str, str, str, str | None]:
        """What two attempts at the same thing have in common."""
        said = json.dumps(self.body, sort_keys=True) if self.members else str(self.raw)
        return self.method, self.path, said, self.headers.get("Authorization")

    @property
    def name(self) -> str:
        """What was asked, for people."""
        return f"{self.method} {plain(self.path)}"

    @property
    def events(self) -> list[Any]:
        """The JSON in the events of a stream, as far as it can be read."""
        lines = self.response.removeprefix(BOM_UTF8).splitlines()
        data = (line[5:].strip() for line in lines if line.startswith(b"data:"))
        read = (readable(item) for item in data)
        return [item for item in read if isinstance(item, dict)]


def seen(exchange: Exchange) -> Seen:
    """Return an exchange as the rules look at it."""
    response = b"".join(exchange.response)
    over = exchange.transport is None
    return Seen(
        number=exchange.number,
        started=exchange.started,
        ended=exchange.started + exchange.duration if over else None,
        method=exchange.method,
        path=exchange.path,
        api=exchange.api,
        headers=exchange.headers,
        body=readable(exchange.request),
        raw=exchange.request,
        status=exchange.status,
        retry_after=_seconds(exchange),
        fault=exchange.fault,
        streamed=exchange.streamed,
        finished=exchange.finished,
        response=response,
        cut=len(response) < exchange.response_size,
        connection=exchange.connection.number if exchange.connection else None,
        idle_beside=exchange.connection.idle_beside if exchange.connection else 0,
        remarks=exchange.remarks,
    )


def _seconds(exchange: Exchange) -> float | None:
    """Read Retry-After: seconds, or a moment."""
    text = exchange.answered.get("Retry-After")
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    ended = exchange.started + exchange.duration
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - ended


def plain(text: object, limit: int = 60) -> str:
    """Return what a client sent as one short line of printable characters."""
    said = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)
    )
    return said if len(said) <= limit else f"{said[:limit]}…"
