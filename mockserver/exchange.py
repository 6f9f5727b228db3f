"""One request with its response, while it happens and in the journal."""

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import ContextVar

from aios_conformance.mockserver.faults import Fault
from aios_conformance.mockserver.script import Script


class Exchange:
    """What the mock knows about a request that it answers.

    Bodies are kept up to the journal's limit; their full sizes are counted.
    """

    # Most exchanges leave most of these as they are, so they are set here once.
    request: bytes = b""
    request_size: int = 0
    api: str | None = None
    status: int | None = None  # None: no response was begun
    response: Sequence[bytes] = ()
    response_size: int = 0
    events: int = 0  # of a stream
    streamed: bool = False
    finished: bool = False  # False: cut by a fault, or the client left
    duration: float = 0.0  # seconds
    fault: Fault | None = None
    rule: str | None = None
    script: Script | None = None
    replayed: bool = False
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
