"""Where the documents say what a requirement asks for, in words.

The documents are not shipped: their headings, the row of the table, and for what a
table says in a column of its own that column, lead to the place in any copy of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from aios_conformance.spec._catalogue import Requirement
from aios_conformance.spec._sources import sources

BELOW = " \u203a "
"""Between a heading and what stands below it."""

# What tells by the topic of a row which column of the table of parameters says it.
_COLUMNS: Mapping[str, str] = {
    "Default value": r"-defaults?\b",
    "Required": r"(?<!tool-choice)-(required|optional)$",
    "Boundary value": r"-(range|positive|negative|zero|zero-accepted|bounds|extremes)$"
    r"|^out-of-bounds",
    "Type": r"-(type|strings?|arrays?|integer|number|object|boolean)$",
    "Example": r"-(as-shown|shown)$",
}


@dataclass(frozen=True, slots=True)
class Locator:
    """A place, and the lines that stand there."""

    words: str  # "" where nobody has said it in words
    references: tuple[str, ...]


def locators(row: Requirement) -> tuple[Locator, ...]:
    """The places of a requirement's sources, each place once, in their order."""
    found: dict[str, list[str]] = {}
    for reference in row.sources:
        found.setdefault(_words(reference, row.topic), []).append(reference)
    return tuple(Locator(words, tuple(lines)) for words, lines in found.items())


@cache
def _words(reference: str, topic: str) -> str:
    document, _, lines = reference.partition(":")
    source = sources().get(document)
    words = source.place(int(lines.partition("-")[0])) if source else ""
    if f"{BELOW}Body Parameters{BELOW}" in words:
        for column, endings in _COLUMNS.items():
            if re.search(endings, topic):
                return f"{words}{BELOW}{column}"
    return words
