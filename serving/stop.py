"""Stop strings, found wherever the model's tokens happen to be cut (`000:386`)."""

from collections.abc import Iterable


class StopMatcher:
    """Looks for stop strings in text that arrives in pieces.

    Text that may be the beginning of a stop string is held back. The result does
    not depend on the cuts: the stop string that is complete first wins, and of
    two that end together the longer one.
    """

    __slots__ = ("_held", "_stops")

    def __init__(self, stops: Iterable[str]) -> None:
        """`stops` are not empty strings."""
        self._stops = tuple(stops)
        self._held = ""

    def feed(self, text: str) -> tuple[str, str | None]:
        """Return the text that may be sent, and the stop string if one is complete.

        After a stop string is complete, nothing more may be fed.
        """
        text = self._held + text
        first: tuple[int, int, str] | None = None  # end, start, stop string
        for stop in self._stops:
            start = text.find(stop)
            if start >= 0:
                match = (start + len(stop), start, stop)
                first = match if first is None else min(first, match)
        if first is not None:
            self._held = ""
            return text[: first[1]], first[2]
        keep = max((overlap(text, stop) for stop in self._stops), default=0)
        cut = len(text) - keep
        self._held = text[cut:]
        return text[:cut], None

    def flush(self) -> str:
        """Return the text that was held back: no more will come."""
        text, self._held = self._held, ""
        return text


def overlap(text: str, marker: str) -> int:
    """Count the characters at the end of `text` that may begin `marker`.

    >>> overlap("one two", "wonder")
    0
    >>> overlap("swo", "wonder")
    2
    """
    for length in range(min(len(text), len(marker) - 1), 0, -1):
        if text.endswith(marker[:length]):
            return length
    return 0
