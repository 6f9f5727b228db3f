"""One request with its response, while it happens and in the journal."""

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal, NamedTuple

from aios_conformance.mockserver.control.connections import Connection, Line
from aios_conformance.mockserver.faults.kinds import Fault
from aios_conformance.mockserver.faults.quotas import Taken
from aios_conformance.mockserver.scripting.script import Script


class Remark(NamedTuple):
    """One member of a request, and what is to be said of it."""

    member: str
    kind: Literal["unknown", "ignored", "deprecated"]
    message: str


class Exchange:
    """What the mock knows about a request that it answers.

    Bodies are kept up to the journal's limit; their full sizes are counted.
    """

    # Most exchanges leave most of these as they are, so they are set here once.
    request: bytes = b""
    request_size: int = 0
    api: str | None = None
    status: int | None = None  # None: no response was begun
    answered: Mapping[str, str] = MappingProxyType({})  # headers of the response
    response: Sequence[bytes] = ()
    response_size: int = 0
    events: int = 0  # of a stream
    streamed: bool = False
    model: str | None = None  # that answered
    tokens: tuple[int, int] = (0, 0)  # of the prompt, and generated
    finishes: Sequence[str] = ()  # why each choice ended
    first: float | None = None  # seconds to the first byte of a stream
    finished: bool = False  # False: cut by a fault, or the client left
    begun: float = 0.0  # by the clock that measures durations
    duration: float = 0.0  # seconds
    times: Sequence[float] = ()  # of the events on that clock, where they are paced
    fault: Fault | None = None
    rule: str | None = None
    example: str | None = None  # the rule that the request asks for
    script: Script | None = None
    replayed: bool = False
    remarks: Sequence[Remark] | None = None  # on the request; None: nobody looked
    taken: Taken | None = None  # of a quota
    added: Mapping[str, str] = MappingProxyType({})  # headers that a rule adds
    line: Line | None = None  # of the client, where another process has it
    connection: Connection | None = None
    kept: bool = True  # still in the journal
    kept_bytes: int = 0  # of bodies, as the journal counts them

    def __init__(
        self,
        number: int,
        started: float,
        method: str,
        path: str,
        headers: Mapping[str, str],
        transport: asyncio.Transport | None = None,
    ) -> None:
        """`number` counts from the start or the last reset; `started` is Unix time."""
        self.number = number
        self.started = started
        self.method = method
        self.path = path
        self.headers = headers
        self.transport = transport


current: ContextVar[Exchange] = ContextVar("exchange")
"""The exchange that the running task belongs to; set for every request."""
