"""Regular expressions and JMESPath, in forms that no request can keep busy."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import takewhile
from math import prod
from typing import Any, Final

from aios_conformance.serving.located import unknown

_LONGEST: Final = 1_000  # characters of an expression
_PATTERN: Final = 10_000  # characters of a regular expression, read in milliseconds
_GROWTH: Final = 16  # times that an expression may multiply what it looks at
_LEADING: Final = ("field", "subexpression", "pipe")  # from a value into it
_SPREADING: Final = (  # nodes all of whose parts look at the same
    *("function_expression", "multi_select_list", "multi_select_dict", "key_val_pair"),
    *("comparator", "and_expression", "or_expression", "not_expression"),
)
_FALSE: Final[tuple[Any, ...]] = (None, False, "", [], {})


class ExpressionError(ValueError):
    """An expression cannot be read, or does not fit what it is applied to."""


class Regex:
    """A regular expression that no text can keep busy: it is read once, by RE2."""

    def __init__(self, pattern: str) -> None:
        """Compile it. Raises ExpressionError for what RE2 does not have."""
        import re2  # noqa: PLC0415 - few rules have one

        self.pattern = pattern
        if len(pattern) > _PATTERN:
            raise ExpressionError(f"is longer than {_PATTERN} characters")
        quiet = re2.Options()
        quiet.log_errors = False
        try:
            self._found = re2.compile(pattern, quiet).search
        except re2.error as error:
            reason = error.args[0] if error.args else "unknown"
            text = reason.decode() if isinstance(reason, bytes) else str(reason)
            raise ExpressionError(f"{text} (RE2 has no look-around, no \\1)") from None

    def groups(
        self, text: str
    ) -> tuple[list[str | None], dict[str, str | None]] | None:
        """Return the groups of the first match, by number (0: all of it) and name."""
        found = self._found(text.encode("utf-8", "replace"))
        if found is None:
            return None
        numbered = [found.group(0), *found.groups()]
        return [*map(_text, numbered)], {
            name: _text(group) for name, group in found.groupdict().items()
        }

    def __eq__(self, other: object) -> bool:
        """Tell whether the pattern is the same."""
        return isinstance(other, Regex) and other.pattern == self.pattern

    def __hash__(self) -> int:
        """Hash the pattern."""
        return hash(self.pattern)


def _text(group: bytes | None) -> str | None:
    return None if group is None else group.decode("utf-8", "replace")


class Expression:
    """A JMESPath expression (jmespath.org) whose work grows with the body alone.

    Lists and objects that an expression builds, `to_string`, and what `join` puts
    between may multiply what they are given, so that a short one could take for ever;
    they are bounded when it is read.
    """

    def __init__(self, source: str) -> None:
        """Compile it. Raises ExpressionError that says what is wrong where.

        `paths` are the members of the body that it begins with, each with those that
        are looked up in it.
        """
        self.source = source
        if len(source) > _LONGEST:
            raise ExpressionError(f"is longer than {_LONGEST} characters")
        self._search, self.paths = _compiled(source)

    def value(self, data: Any) -> Any:
        """Return what it finds. Raises ExpressionError where it does not fit."""
        from jmespath.exceptions import JMESPathError  # noqa: PLC0415

        try:
            return self._search(data)
        except (JMESPathError, RecursionError, TypeError, ValueError) as error:
            raise ExpressionError(f"{self.source}: {_reason(error)}") from None

    def holds(self, data: Any) -> bool:
        """Tell whether it finds what JMESPath calls true. Raises ExpressionError."""
        found = self.value(data)
        return found is not False and (found == 0 or found not in _FALSE)

    def __eq__(self, other: object) -> bool:
        """Tell whether the expression is the same."""
        return isinstance(other, Expression) and other.source == self.source

    def __hash__(self) -> int:
        """Hash the expression."""
        return hash(self.source)


@lru_cache(maxsize=256)
def _compiled(source: str) -> tuple[Any, tuple[tuple[str, ...], ...]]:
    import jmespath  # noqa: PLC0415 - only those who use it pay for it
    from jmespath.exceptions import JMESPathError  # noqa: PLC0415
    from jmespath.functions import Functions  # noqa: PLC0415

    try:
        compiled = jmespath.compile(source)
        nodes = list(_nodes(compiled.parsed))
    except (JMESPathError, ValueError, RecursionError) as error:
        raise ExpressionError(_reason(error)) from None
    for node in nodes:
        name = node["value"] if node["type"] == "function_expression" else None
        if name is not None and name not in Functions.FUNCTION_TABLE:
            raise ExpressionError(unknown("JMESPath", name, Functions.FUNCTION_TABLE))
        if name == "join" and node["children"][0]["type"] != "literal":
            raise ExpressionError("what join puts between must be written out")
    if prod(map(_growth, nodes)) > _GROWTH:
        raise ExpressionError(f"builds more than {_GROWTH} times what it is given")
    return compiled.search, tuple(_begun(compiled.parsed))


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node["children"] if node["type"] != "slice" else ():  # numbers
        yield from _nodes(child)


def _begun(node: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the names that are looked up in the body itself, with those below."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        yield (node["value"],)
    elif kind != "expref":  # what is applied to items
        for child in children if kind in _SPREADING else children[:1]:
            below = children[1:] if child["type"] in _LEADING else ()
            fields = takewhile(lambda one: one["type"] == "field", below)
            names = [one["value"] for one in fields] if kind in _LEADING[1:] else []
            for path in _begun(child):
                yield (*path, *names)


def _growth(node: Mapping[str, Any]) -> int:
    kind = node["type"]
    if kind in ("multi_select_list", "multi_select_dict"):
        return len(node["children"])
    is_text = kind == "function_expression" and node["value"] == "to_string"
    return 4 if is_text else 1  # backslashes double, and the loop stands still


def _reason(error: Exception) -> str:
    """Return what is wrong, and at which character (from 1)."""
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    text = str(error).partition("\n")[0].removesuffix(", for expression:")
    at = getattr(error, "lex_position", None)
    return text if at is None else f"{text} at character {at + 1}"
