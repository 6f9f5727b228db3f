"""The parse tree of a pattern has no public name: these fail where Python moves it."""

from random import Random
from typing import Any

import pytest

from aios_conformance.mockserver.model import pattern_text
from aios_conformance.mockserver.model.pattern_text import Steps

RANDOM = Random(0)  # noqa: S311 - content, no secret
CONSTRUCTS = {
    "a": "LITERAL",
    "[^a]": "NOT_LITERAL",
    ".": "ANY",
    "[ab]": "IN",
    "^": "AT",
    "a|bc": "BRANCH",
    "(a)": "SUBPATTERN",
    "(?>a)": "ATOMIC_GROUP",
    "(a)\\1": "SUBPATTERN GROUPREF",
    "a*": "MAX_REPEAT",
    "a*?": "MIN_REPEAT",
    "a*+": "POSSESSIVE_REPEAT",
    "(?=a)": "ASSERT",
}


@pytest.mark.parametrize(("pattern", "names"), CONSTRUCTS.items())
def test_constructs_have_the_names_that_the_writer_knows(
    pattern: str, names: str
) -> None:
    tree: list[tuple[Any, Any]] = list(pattern_text._parser.parse(pattern))
    assert " ".join(str(op) for op, _ in tree) == names


@pytest.mark.parametrize("pattern", ["\\d", "\\D", "\\s", "\\S", "\\w", "\\W"])
def test_categories_are_the_ones_that_the_writer_knows(pattern: str) -> None:
    ((_, ((name, category),)),) = pattern_text._parser.parse(pattern)
    assert str(name) == "CATEGORY"
    assert category in pattern_text._CATEGORIES
    assert pattern_text.write_match(pattern, RANDOM, 0, Steps(100))


def test_look_around_is_refused() -> None:
    with pytest.raises(pattern_text.UnsupportedPatternError, match="look-around"):
        pattern_text.write_match("(?=a)", RANDOM, 0, Steps(100))
