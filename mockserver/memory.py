"""What the mock keeps from one request for the next: one memory, bounded in bytes.

Whole answers are kept here (mockserver.answer_cache), and the vectors of texts that
were scored (mockserver.engine). Beside it there are only the tables of what pure
functions made of words.
"""

from collections.abc import Hashable
from operator import itemgetter
from typing import Any, Final

from cachetools import LRUCache

_LIMIT: Final = 6 * 1024 * 1024  # bytes
_ENTRY: Final = 1024  # bytes of an entry beside what it is said to weigh


class Memory:
    """Values by key; the oldest use is forgotten first."""

    def __init__(self, limit: int = _LIMIT) -> None:
        """Keep at most `limit` bytes."""
        self._kept: LRUCache[Hashable, tuple[Any, int]] = LRUCache(limit, itemgetter(1))

    def get(self, key: Hashable) -> Any:
        """Return the value of a key; None if it is not known."""
        found = self._kept.get(key)
        return None if found is None else found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value if there is room for it; `size` is that of key and value."""
        size += _ENTRY
        if size <= self._kept.maxsize:
            self._kept[key] = value, size
