"""One request with its response, while it happens and in the journal."""

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from mockserver.faults import Fault
from mockserver.script import Script


@dataclass(slots=True)
class Exchange:
    """What the mock knows about a request that it answers.

    Bodies are kept up to the journal's limit; their full sizes are counted.
    """

    number: int  # since the start or the last reset, from 1
    started: float  # Unix seconds
    method: str
    path: str
    headers: Mapping[str, str]
    transport: asyncio.Transport | None = None
    request: bytes = b""
    request_size: int = 0
    api: str | None = None
    status: int | None = None  # None: no response was begun
    response: list[bytes] = field(default_factory=list)
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


current: ContextVar[Exchange] = ContextVar("exchange")
"""The exchange that the running task belongs to; set for every request."""
