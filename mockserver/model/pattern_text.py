"""Text that matches a regular expression, for `pattern` in a JSON schema."""

import re
from collections.abc import Sequence
from importlib import import_module
from random import Random
from typing import Any, Final

# The standard library's own parse tree of a pattern; it has no public name.
_parser: Final[Any] = import_module("re._parser")
_constants: Final[Any] = import_module("re._constants")

_PRINTABLE: Final = tuple(map(chr, range(0x20, 0x7F)))
_LONGEST: Final = 10_000  # characters that a pattern may ask for
_PARSED: Final = 4  # characters of a pattern that are read in one step
_CLASS: Final = 10  # steps to choose from a class of characters
_READABLE: Final = "abcdefghijklmnopqrstuvwxyz"
_CATEGORIES: Final = {
    _constants.CATEGORY_DIGIT: str.isdigit,
    _constants.CATEGORY_NOT_DIGIT: lambda c: not c.isdigit(),
    _constants.CATEGORY_SPACE: str.isspace,
    _constants.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    _constants.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    _constants.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}


class UnsupportedPatternError(ValueError):
    """The pattern uses a construct that this writer cannot follow."""


class Exhausted(Exception):  # noqa: N818 - reads as the fact it states
    """The steps are used up."""


class Steps:
    """The work that may be spent on one text, whichever way it goes."""

    def __init__(self, budget: int) -> None:
        """`budget` steps may be taken; each takes some microseconds."""
        self.budget = self.left = budget

    def take(self, count: int = 1) -> None:
        """Spend steps. Raises Exhausted where there are not as many."""
        self.left -= count
        if self.left < 0:
            raise Exhausted(f"it takes more than {self.budget} steps")


def write_match(pattern: str, random: Random, slack: int, steps: Steps) -> str:
    """Return a text in which `pattern` is found.

    `slack` is how often an open repetition may go beyond its minimum. Raises
    UnsupportedPatternError for look-around and for what is no Python pattern, and
    Exhausted; callers verify the text, as anchors are taken at face value.
    """
    steps.take(len(pattern) // _PARSED)
    try:
        tree = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnsupportedPatternError(f"pattern {pattern!r}: {error}") from error
    return _Match(random, slack, steps).sequence(tree)


class _Match:
    """One text that is being written."""

    def __init__(self, random: Random, slack: int, steps: Steps) -> None:
        self._random = random
        self._slack = slack
        self._steps = steps
        self._groups: dict[int, str] = {}

    def sequence(self, items: Sequence[tuple[Any, Any]]) -> str:
        return "".join([self._item(op, arg) for op, arg in items])

    def _item(self, op: Any, arg: Any) -> str:  # noqa: C901 - one case per construct
        self._steps.take()
        match str(op):
            case "LITERAL":
                return chr(arg)
            case "NOT_LITERAL":
                return self._one([c for c in _PRINTABLE if c != chr(arg)])
            case "ANY":
                return self._random.choice(_READABLE)
            case "IN":
                return self._one(_members(arg))
            case "AT":
                return ""
            case "BRANCH":
                return self.sequence(self._random.choice(arg[1]))
            case "SUBPATTERN":
                text = self.sequence(arg[3])
                if arg[0] is not None:
                    self._groups[arg[0]] = text
                return text
            case "ATOMIC_GROUP":
                return self.sequence(arg)
            case "GROUPREF":
                return self._groups.get(arg, "")
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                return self._repeated(*arg)
            case name:
                looks = {"ASSERT": "look-around", "ASSERT_NOT": "look-around"}
                what = looks.get(name, name.lower())
                raise UnsupportedPatternError(f"patterns with {what}")

    def _repeated(self, low: int, high: Any, body: Sequence[tuple[Any, Any]]) -> str:
        most = max(low, min(int(high), low + self._slack))
        parts: list[str] = []
        length = 0
        for _ in range(self._random.randint(low, most)):
            self._steps.take()
            parts.append(self.sequence(body))
            length += len(parts[-1])
            if length > _LONGEST:
                raise UnsupportedPatternError(f"more than {_LONGEST} characters")
        return "".join(parts)

    def _one(self, members: Sequence[str]) -> str:
        """Prefer a letter or digit, for readable text."""
        self._steps.take(_CLASS)
        if not members:
            raise UnsupportedPatternError("an empty character class")
        readable = [c for c in members if c.isalnum()]
        return self._random.choice(readable or members)


def _members(items: Sequence[tuple[Any, Any]]) -> list[str]:
    """List the characters of a class, those of ASCII if it is a negated one."""
    negated = False
    members: set[str] = set()
    for op, arg in items:
        match str(op):
            case "NEGATE":
                negated = True
            case "LITERAL":
                members.add(chr(arg))
            case "RANGE":
                members.update(map(chr, range(arg[0], min(arg[1], arg[0] + 255) + 1)))
            case _:
                members.update(filter(_CATEGORIES[arg], _PRINTABLE))
    if negated:
        return [c for c in _PRINTABLE if c not in members]
    return sorted(members)
