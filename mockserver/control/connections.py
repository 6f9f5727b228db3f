"""Who is connected: connections in the order of their first request."""

from typing import Protocol
from weakref import WeakKeyDictionary


class Line(Protocol):
    """What a connection runs over: a transport, or what stands for one elsewhere."""

    def is_closing(self) -> bool:
        """Tell whether it is closed, or about to be."""


class Connection:
    """One connection of a client, from its first request on."""

    __slots__ = ("__weakref__", "busy", "idle_beside", "number")

    def __init__(self, number: int, idle_beside: int) -> None:
        """`idle_beside` counts those that lay idle when this one was opened."""
        self.number = number
        self.idle_beside = idle_beside
        self.busy = True


class Connections:
    """The connections that still exist; those that are gone are forgotten."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: WeakKeyDictionary[Line, Connection] = WeakKeyDictionary()
        self._number = 0

    def begin(self, line: Line) -> Connection:
        """Return the connection of a request that begins now."""
        found = self._known.get(line)
        if found is None:
            self._number += 1
            found = Connection(self._number, self.idle())
            self._known[line] = found
        else:
            found.busy = True
        return found

    def idle(self) -> int:
        """Count the connections that are open and have nothing under way."""
        return sum(
            not connection.busy and not line.is_closing()
            for line, connection in list(self._known.items())
        )
