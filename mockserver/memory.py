"""What the mock keeps from one request for the next: one memory, bounded in bytes.

Whole answers are kept here (mockserver.answer_cache), and the vectors of texts that
were scored (mockserver.model.engine). Beside it there are only the tables of what pure
functions made of words.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final

_LIMIT: Final = 6 * 1024 * 1024  # bytes
_ENTRY: Final = 1024  # bytes of an entry beside what it is said to weigh


class Memory:
    """Values by key; the oldest use is forgotten first."""

    def __init__(self, limit: int = _LIMIT) -> None:
        """Keep at most `limit` bytes."""
        self._limit = limit
        self._size = 0
        # by hand, as every new request comes by here: a fourth of LRUCache's time
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """Return the value of a key; None if it is not known."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Any, size: int) -> None:
        """Keep a value if there is room for it; `size` is that of key and value."""
        size += _ENTRY
        if size > self._limit:
            return
        kept = self._kept
        self._size += size - kept.pop(key, (None, 0))[1]
        kept[key] = value, size
        while self._size > self._limit:
            _, (_, freed) = kept.popitem(last=False)
            self._size -= freed
