"""Where two JSON values differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any, Final

from aios_conformance.serving.located import Path, short
from aios_conformance.serving.pointers import pointer_to

_BEFORE: Final = 20  # characters shown before the place where texts part


class _Nothing:
    """Stands for a member that is not there."""

    def __repr__(self) -> str:
        return "nothing"


NOTHING: Final = _Nothing()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What was expected at a place, and what is there."""

    path: Path
    expected: Any
    got: Any

    def __str__(self) -> str:
        """Tell it; of long texts the part where they differ."""
        expected, got = self.expected, self.got
        if isinstance(expected, str) and isinstance(got, str):
            same = len(commonprefix([expected, got]))  # noqa: RUF071 - texts
            start = max(0, same - _BEFORE)
            expected, got = expected[start:], got[start:]
        place = pointer_to(self.path) or "the body"
        return f"{place}: expected {short(expected)}, got {short(got)}"


def differences(expected: Any, got: Any, path: Path = ()) -> Iterator[Mismatch]:
    """Yield the places where two JSON values differ, as deep as can be said."""
    if expected == got:
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in dict.fromkeys((*expected, *got)):
            yield from differences(
                expected.get(name, NOTHING), got.get(name, NOTHING), (*path, name)
            )
    elif isinstance(expected, list) and isinstance(got, list):
        for number in range(max(len(expected), len(got))):
            yield from differences(
                expected[number] if number < len(expected) else NOTHING,
                got[number] if number < len(got) else NOTHING,
                (*path, number),
            )
    else:
        yield Mismatch(path, expected, got)
