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


def write_match(pattern: str, random: Random, slack: int) -> str:
    """Return a text in which `pattern` is found.

    `slack` is how often an open repetition may go beyond its minimum. Raises
    UnsupportedPatternError for look-around and for what is no Python pattern;
    callers verify the text, as anchors are taken at face value.
    """
    try:
        tree = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UnsupportedPatternError(f"pattern {pattern!r}: {error}") from error
    return _sequence(tree, random, slack, {})


def _sequence(
    items: Sequence[tuple[Any, Any]],
    random: Random,
    slack: int,
    groups: dict[int, str],
) -> str:
    return "".join([_item(op, arg, random, slack, groups) for op, arg in items])


def _item(  # noqa: C901 - one case per construct
    op: Any, arg: Any, random: Random, slack: int, groups: dict[int, str]
) -> str:
    match str(op):
        case "LITERAL":
            return chr(arg)
        case "NOT_LITERAL":
            return _pick([c for c in _PRINTABLE if c != chr(arg)], random)
        case "ANY":
            return random.choice(_READABLE)
        case "IN":
            return _pick(_members(arg), random)
        case "AT":
            return ""
        case "BRANCH":
            return _sequence(random.choice(arg[1]), random, slack, groups)
        case "SUBPATTERN":
            text = _sequence(arg[3], random, slack, groups)
            if arg[0] is not None:
                groups[arg[0]] = text
            return text
        case "ATOMIC_GROUP":
            return _sequence(arg, random, slack, groups)
        case "GROUPREF":
            return groups.get(arg, "")
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, body = arg
            return _repeated(low, high, body, random, slack, groups)
        case name:
            raise UnsupportedPatternError(f"patterns with {name.lower()}")


def _repeated(
    low: int,
    high: Any,
    body: Sequence[tuple[Any, Any]],
    random: Random,
    slack: int,
    groups: dict[int, str],
) -> str:
    text = ""
    for _ in range(random.randint(low, max(low, min(int(high), low + slack)))):
        text += _sequence(body, random, slack, groups)
        if len(text) > _LONGEST:
            raise UnsupportedPatternError(f"more than {_LONGEST} characters")
    return text


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


def _pick(members: Sequence[str], random: Random) -> str:
    """Prefer a letter or digit, for readable text."""
    if not members:
        raise UnsupportedPatternError("an empty character class")
    readable = [c for c in members if c.isalnum()]
    return random.choice(readable or members)
