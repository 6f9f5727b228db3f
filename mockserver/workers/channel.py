"""What the parent and a worker say to each other, over a pair of sockets."""

import asyncio
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_MUCH: Final = 1024 * 1024  # bytes on their way
_SIZE: Final = 4  # bytes that tell the length of a message

Entry = tuple[int, int, Mapping[str, Any]]
"""An exchange: its number and its connection's in its worker; what was set of it."""

HEADERS: Final = ("headers", "answered")
"""Attributes that are told as pairs."""


@dataclass(frozen=True, slots=True)
class Order:
    """How the worker has to be from now on; it obeys and then reports."""

    number: int
    generation: int  # of the journal: another one means to begin anew
    handing_on: bool  # everything, to the parent
    rest: bool  # let exchanges whose answers were read be noted as over first


@dataclass(frozen=True, slots=True)
class Farewell:
    """The parent ends, and clears up by itself."""


@dataclass(frozen=True, slots=True)
class Report:
    """What happened in a worker since its last report. Times are Unix times."""

    order: int | None  # that it answers
    at: float
    generation: int
    begun: Sequence[Entry]  # and not over
    ended: Sequence[Entry]
    closed: Sequence[tuple[float, int]]  # connections
    running: Mapping[str, int]  # by model, now


class Channel:
    """One end."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Of a connected pair of sockets."""
        self._reader = reader
        self._writer = writer

    def send(self, message: Order | Farewell | Report) -> None:
        """Send without waiting."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._writer.write(len(data).to_bytes(_SIZE, "big") + data)

    @property
    def full(self) -> bool:
        """Whether much is on its way."""
        return self._writer.transport.get_write_buffer_size() > _MUCH

    async def drain(self) -> None:
        """Wait while too much is on its way."""
        await self._writer.drain()

    async def receive(self) -> Any:
        """Return the next message; None if the other process is gone."""
        try:
            size = await self._reader.readexactly(_SIZE)
            data = await self._reader.readexactly(int.from_bytes(size, "big"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return pickle.loads(data)  # noqa: S301 - from a process that we have started

    def close(self) -> None:
        """Tell the other process that this one is done."""
        self._writer.close()
