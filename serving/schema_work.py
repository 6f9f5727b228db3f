"""How much work a JSON schema is, told before any of it is done.

A validator cannot be stopped once it runs, and a schema of a few lines can keep it
busy for ever: references that double at each level, repeats within repeats, lists of
thousands. So the work is counted in steps first, and what exceeds a budget is refused.
A step is about a microsecond.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from jsonschema_rs import Draft202012Validator, FancyRegexOptions, ValidationError

from aios_conformance.serving.digits import whole_number
from aios_conformance.serving.pointers import pointer_to
from aios_conformance.serving.pointers import steps as pointer_steps

BUDGET: Final = 50_000
"""Steps that a schema may take to be compiled, and again for each value."""

_PART: Final = 10  # steps to compile one subschema
_READ: Final = 9  # steps to read a character of a pattern
_CLASS: Final = 20  # steps to compile a character class, where a character is one
_PATTERNS: Final = FancyRegexOptions(
    backtrack_limit=10_000, size_limit=1_000_000, dfa_size_limit=1_000_000
)
_SHOWN: Final = 60  # characters of a pattern in a message
_REPEAT: Final = re.compile(r"\{\s*(\d*)\s*(?:,\s*(\d*)\s*)?\}")
_IN_PLACE: Final = ("allOf", "anyOf", "oneOf")
_IN_PLACE_ONE: Final = ("not", "if", "then", "else")
_DEPENDENT: Final = ("dependentSchemas", "dependencies")
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES: Final = ("$id", "$anchor", "$dynamicAnchor")
_DATA: Final = ("const", "enum", "default", "examples")
_URI: Final = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]*", re.ASCII)
_OF_ITEMS: Final = ("items", "contains", "unevaluatedItems", "additionalItems")
_OF_MEMBERS: Final = ("additionalProperties", "unevaluatedProperties")


class TooMuchWork(ValueError):  # noqa: N818 - reads as the fact it states
    """A schema asks for more steps than there are."""


def compiling(schema: Any, budget: int) -> int:
    """Count the steps to compile a schema. Raises TooMuchWork beyond the budget."""
    total = 0
    rest = [schema]
    while rest:
        node = rest.pop()
        total += _PART if isinstance(node, dict) else 1
        if isinstance(node, dict):
            total += _patterns(node, budget)
            rest.extend(node.values())
        elif isinstance(node, list):
            rest.extend(node)
        if total + len(rest) > budget:
            raise TooMuchWork(f"it takes more than {budget} steps to compile")
    return total


def _patterns(node: Mapping[str, Any], budget: int) -> int:
    named = node.get("patternProperties")
    patterns = [node.get("pattern"), *(named if isinstance(named, dict) else ())]
    texts = [each for each in patterns if isinstance(each, str)]
    return sum(pattern_size(p, budget).parts + _READ * len(p) for p in texts)


@dataclass(frozen=True, slots=True)
class PatternSize:
    """How large a pattern is with its repeats written out."""

    parts: int = 0  # characters, and classes for as many as they take to compile
    loose: int = 0  # what a text may have or not: so many ways to go at each letter

    def __add__(self, more: "PatternSize") -> "PatternSize":
        """Return the size of both."""
        return PatternSize(self.parts + more.parts, self.loose + more.loose)

    def repeated(self, least: int, most: int) -> "PatternSize":
        """Return the size of so many of it, one after the other."""
        loose = self.loose * least + max(1, self.loose) * (most - least)
        return PatternSize(self.parts * most, loose)


_LOOSE: Final = PatternSize(loose=1)


def pattern_size(pattern: str, budget: int) -> PatternSize:
    """Count what a pattern has. Raises TooMuchWork beyond the budget of parts.

    >>> pattern_size("(ab{3}){2,4}c?", 100)
    PatternSize(parts=21, loose=3)
    """
    outer: list[PatternSize] = []  # what stands before each group that is open
    done = atom = PatternSize()  # in the innermost one; what a repeat would repeat
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "(":
            outer.append(done + atom)
            done = atom = PatternSize()
        elif character == ")" and outer:
            done, atom = outer.pop(), PatternSize(1) + done + atom
        elif repeat := _REPEAT.match(pattern, at - 1):
            at = repeat.end()
            least, most = (int(number[:9] or 0) for number in repeat.groups(""))
            atom = atom.repeated(least, max(1, least, most))
        elif character in "?*":
            atom = atom.repeated(0, 1)
        elif character in "+|":
            atom += _LOOSE
        elif character not in "^$":
            wide = character == "[" or (
                character == "\\" and pattern[at : at + 1].isalpha()
            )
            if character in "[\\":
                at = _end_of_class(pattern, at) if character == "[" else at + 1
            done, atom = done + atom, PatternSize(_CLASS if wide else 1)
        if done.parts + atom.parts > budget:
            raise TooMuchWork(
                f"a pattern of it has more than {budget} characters with its repeats"
            )
    return sum(outer, done + atom)


def _end_of_class(pattern: str, at: int) -> int:
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


class ClientSchema:
    """A schema that a client sent, compiled; what it asks for has a budget."""

    def __init__(self, schema: Any, budget: int = BUDGET) -> None:
        """Compile it. Raises TooMuchWork, and ValueError for what is no schema."""
        compiling(schema, budget)
        self._validator = _validator(anonymous(schema))
        self._work = Work(schema)
        self._budget = budget

    def work(self, value: Any) -> int:
        """Count the steps to validate a value. Raises TooMuchWork."""
        return self._work.validating(value, self._budget)

    def accepts(self, value: Any) -> bool:
        """Tell whether a value is valid; none is that takes too much work."""
        try:
            self.work(value)
        except TooMuchWork:
            return False
        return bool(self._validator.is_valid(value))

    def breach(self, value: Any) -> str | None:
        """Say what is wrong with a value, if anything is; look at its work first."""
        try:
            self._validator.validate(value)
        except ValidationError as error:
            where = pointer_to(error.instance_path)
            return f"{where}: {error.message}" if where else str(error.message)
        return None


def _validator(schema: Any) -> Draft202012Validator:
    """Compile a schema. Raises TooMuchWork for a pattern that takes too much memory."""
    try:
        return Draft202012Validator(schema, offline=True, pattern_options=_PATTERNS)
    except ValidationError as error:
        text = str(error.instance)
        if getattr(error.kind, "format", "") == "regex" and _is_pattern(text):
            raise TooMuchWork(
                f"the pattern {text[:_SHOWN]!r} takes too much memory with its "
                "repeats written out"
            ) from error
        raise


def _is_pattern(text: str) -> bool:
    """Tell whether a text is a pattern but for the size of its repeats."""

    def once(repeat: re.Match[str]) -> str:
        least, most = (int(number[:9] or 0) for number in repeat.groups(""))
        return "{0,1}" if least <= most or not repeat[2] else repeat[0]

    shortened = {"pattern": _REPEAT.sub(once, text)}
    try:
        Draft202012Validator(shortened, pattern_options=_PATTERNS)
    except ValidationError:
        return False
    return True


def anonymous(schema: Any) -> Any:
    """Return a schema without the names that are no URI, by which nobody refers.

    Schemas of frameworks have titles as `$id` ("Output Format"); servers take them.
    """
    if isinstance(schema, list):
        return [anonymous(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: inner if name in _DATA else anonymous(inner)
        for name, inner in schema.items()
        if name != "$id" or not isinstance(inner, str) or _URI.fullmatch(inner)
    }


class Work:
    """Counts the steps to hold values against one schema."""

    def __init__(self, schema: Any) -> None:
        """Know where the schema's references lead."""
        self._roots = [schema]  # what a pointer may start from
        self._named: dict[str, list[Any]] = {}
        self._loose: dict[str, int] = {}  # of patterns, when they are met
        rest = [schema]
        while rest:
            node = rest.pop()
            if isinstance(node, dict):
                self._note(node)
                rest.extend(node.values())
            elif isinstance(node, list):
                rest.extend(node)

    def _note(self, node: dict[str, Any]) -> None:
        for keyword in _NAMES:
            if isinstance(name := node.get(keyword), str):
                last = name.rstrip("/#").rpartition("/")[2]
                self._named.setdefault(last, []).append(node)
        if isinstance(node.get("$id"), str) and node is not self._roots[0]:
            self._roots.append(node)

    def validating(self, value: Any, budget: int) -> int:
        """Count the subschemas that meet a part of the value, each time they do.

        Raises TooMuchWork beyond the budget, also where a schema refers to itself
        without an end.
        """
        total = 0
        rest: list[tuple[Any, Any]] = [(self._roots[0], value)]
        while rest:
            node, part = rest.pop()
            if not isinstance(node, dict):
                continue
            total += 1
            if isinstance(options := node.get("enum"), list):
                total += len(options) // _PART
            if isinstance(part, list) and node.get("uniqueItems") is True:
                total += len(part) ** 2 // (4 * _PART)
            if isinstance(part, str):
                total += self._matching([node.get("pattern")], len(part))
            elif isinstance(part, dict) and isinstance(
                named := node.get("patternProperties"), dict
            ):
                total += self._matching(named, sum(map(len, part)))
            rest.extend((each, part) for each in self._here(node, part))
            rest.extend(_below(node, part))
            if total + len(rest) > budget:
                raise TooMuchWork(f"it takes more than {budget} steps to validate")
        return total

    def _matching(self, patterns: Iterable[Any], letters: int) -> int:
        """Count the steps to look for patterns in so many letters."""
        total = 0
        for each in patterns:
            if isinstance(each, str):
                if each not in self._loose:
                    self._loose[each] = pattern_size(each, sys.maxsize).loose
                total += self._loose[each] * letters // _PART
        return total

    def _here(self, node: Mapping[str, Any], part: Any) -> Iterator[Any]:
        """Yield the schemas that meet the same value."""
        for keyword in _IN_PLACE:
            if isinstance(some := node.get(keyword), list):
                yield from some
        for keyword in _IN_PLACE_ONE:
            yield node.get(keyword)
        for keyword in _REFERENCES:
            if isinstance(reference := node.get(keyword), str):
                yield from self._targets(reference)
        if isinstance(part, dict):
            for keyword in _DEPENDENT:
                if isinstance(dependent := node.get(keyword), dict):
                    yield from (dependent[name] for name in part if name in dependent)

    def _targets(self, reference: str) -> Iterator[Any]:
        """Yield all that a reference may mean, whatever it is relative to."""
        place, _, fragment = unquote(reference).partition("#")
        name = place.rstrip("/").rpartition("/")[2]
        if fragment and not fragment.startswith("/"):
            yield from self._named.get(fragment, ())
            return
        for root in self._named.get(name, ()) if name else self._roots:
            found = root
            for step in pointer_steps(fragment):
                if isinstance(found, list):
                    at = whole_number(step)
                    found = found[at] if at is not None and at < len(found) else None
                else:
                    found = found.get(step) if isinstance(found, dict) else None
            yield found


def _below(node: Mapping[str, Any], part: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the schemas that meet parts of a value, each with its part."""
    if isinstance(part, list):
        for keyword in _OF_ITEMS:
            if isinstance(node.get(keyword), dict):
                yield from ((node[keyword], item) for item in part)
        prefix = node.get("prefixItems")
        yield from zip(prefix if isinstance(prefix, list) else (), part, strict=False)
    elif isinstance(part, dict):
        listed = node.get("properties")
        if isinstance(listed, dict):
            yield from ((listed[name], part[name]) for name in part if name in listed)
        matching = node.get("patternProperties")
        several = list(matching.values()) if isinstance(matching, dict) else []
        several += [node.get(keyword) for keyword in _OF_MEMBERS]
        for schema in several:
            if isinstance(schema, dict):
                yield from ((schema, member) for member in part.values())
        yield from ((node.get("propertyNames"), name) for name in part)
