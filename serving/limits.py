"""How much one request may ask for; what exceeds it is refused by name.

The documents' own limits stand in their schemas. These are the server's: far beyond
what a client needs, and below what would keep it from serving anybody else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aios_conformance.serving.errors import BadRequest

DEPTH: Final = 128
"""Arrays and objects inside each other in a body."""

_NUMBERS: Final = 3  # that take as long to be parsed and validated as another value
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NAMED: Final = 4  # levels whose names a refusal tells


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request; each has an option of its name."""

    max_entries: int = 4_096  # of an array or object; numbers do not count
    max_values: int = 300_000  # of a body: strings, arrays, objects, three numbers
    max_generated: int = 1_048_576  # tokens, with the alternatives shown of each

    def parsed(self, raw: bytes) -> None:
        """Refuse a body that takes too long to be parsed. Raises BadRequest."""
        most = _weight(raw, 0, len(raw)) + raw.count(b'"') // 2
        if most > self.max_values and self._values(raw) > self.max_values:
            raise BadRequest(
                f"the body holds more than {self.max_values} values; the server's "
                "option --max-values sets how many it may hold",
                code="too_many_values",
            )

    def _values(self, raw: bytes) -> int:
        """Count what is no part of a string, until it is too much."""
        total = end = 0
        for string in _STRING.finditer(raw):
            total += 1 + _weight(raw, end, string.start())
            end = string.end()
            if total > self.max_values:
                break
        return total + _weight(raw, end, len(raw))

    def held(self, raw: bytes, body: Mapping[str, Any]) -> None:
        """Refuse a parsed body that is too deep or too wide. Raises BadRequest."""
        opened = raw.count(b"[") + raw.count(b"{")
        if opened <= DEPTH and raw.count(b",") < self.max_entries:
            return
        rest: list[tuple[Any, str, int]] = [(body, "", 1)]
        while rest:
            node, place, depth = rest.pop()
            inner = [
                (value, f"{place}/{name}" if depth < _NAMED else place, depth + 1)
                for name, value in _members(node)
                if isinstance(value, dict | list)
            ]
            if inner or isinstance(node, dict) or isinstance(node[0], str):
                self.entries(len(node), place or "the body", _top(place))
            if depth > DEPTH:
                raise BadRequest(
                    f"{place} is nested more than {DEPTH} deep",
                    code="too_deep",
                    param=_top(place),
                )
            rest.extend(each for each in inner if each[0])

    def entries(self, count: int, what: str, param: str | None) -> None:
        """Refuse more than `max_entries` of something. Raises BadRequest."""
        if count > self.max_entries:
            raise BadRequest(
                f"{what[:100]} has {count} entries; this server takes at most "
                f"{self.max_entries}, as its option --max-entries says",
                code="too_many_entries",
                param=param,
            )


def _weight(raw: bytes, start: int, end: int) -> int:
    opened = raw.count(b"[", start, end) + raw.count(b"{", start, end)
    return opened + raw.count(b",", start, end) // _NUMBERS


def _members(node: Any) -> Any:
    return node.items() if isinstance(node, dict) else enumerate(node)


def _top(place: str) -> str | None:
    return place.split("/")[1][:100] if place else None


class Allowance:
    """What is left of the tokens that one answer may have."""

    def __init__(self, limits: Limits) -> None:
        """Everything is left."""
        self._limit = self._left = limits.max_generated

    def take(self, tokens: int) -> None:
        """Count tokens, each with its alternatives. Raises BadRequest."""
        self._left -= tokens
        if self._left < 0:
            raise BadRequest(
                f"the answer has more than {self._limit} tokens, counting the "
                "alternatives of each; the server's option --max-generated sets how "
                "many it may have",
                code="answer_too_large",
            )
