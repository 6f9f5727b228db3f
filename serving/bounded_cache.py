"""Remembering what an engine calls repeatable, within a bound."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Remembers values until their weights exceed a limit; the oldest use goes first.

    A limit of 0 remembers nothing.
    """

    __slots__ = ("_limit", "_values", "_weight")

    def __init__(self, limit: int) -> None:
        """`limit` is in whatever unit the weights are."""
        self._limit = limit
        self._weight = 0
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the remembered value, if there is one."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Remember a value."""
        if weight > self._limit:
            return
        _, before = self._values.pop(key, (None, 0))
        self._values[key] = (value, weight)
        self._weight += weight - before
        while self._weight > self._limit:
            _, (_, oldest) = self._values.popitem(last=False)
            self._weight -= oldest
