"""Likeness: whether two findings tell of the same thing.

A stream without [DONE] is found in each of twenty streams, an ignored `n` under
several requirements. A reader wants each cause once, and every cause.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Protocol

from aios_conformance.conformance.terms.check import Finding, Kind, Note

MOST_ALIKE = 5
"""So many findings that are alike are kept of one answer."""

MOST_OF_ALL = 1_000
"""So many findings on the same rows are kept of one answer, whatever they say."""

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|“[^”]*”")
_COUNTED = re.compile(r"-?\d+(\.\d+)?")
_CHARGED = re.compile(r": refused only with .*$")
_NAMED = re.compile(r"[0-9a-f]{8}[0-9a-f-]*|\d+")


class FindingLike(Protocol):
    """What was found: a check's finding, or one as it is reported."""

    @property
    def kind(self) -> Kind:
        """How the promise was broken."""

    @property
    def expected(self) -> str:
        """What was promised."""

    @property
    def actual(self) -> object:
        """What was there."""

    @property
    def pointer(self) -> str:
        """Where in the answer."""


def likeness(found: FindingLike) -> tuple[str, ...]:
    """What a finding has in common with others of its cause.

    Quoted texts and numbers differ from answer to answer. What a refusal or a crash
    answers tells one cause from another, but for ids and times in it, and for the
    members that the judge has found it to depend on.
    """
    alike = (
        found.kind,
        _COUNTED.sub("#", found.pointer),
        _COUNTED.sub("#", _QUOTED.sub("…", found.expected)),
    )
    if found.kind not in ("refused", "crash"):
        return alike
    answer = _CHARGED.sub("", str(found.actual))
    return (*alike, answer[:3], _NAMED.sub("#", answer[3:]))


def few_of_each(notes: Sequence[Note]) -> Iterator[Note]:
    """What a check has noted on one answer, with a few findings of each likeness.

    An answer of ten thousand results may break a promise in each of them. The others
    say no more, and every one of them would take its time in all that follows.
    """
    seen: Counter[Hashable] = Counter()
    for note in notes:
        if isinstance(note, Finding) and len(notes) > MOST_ALIKE:
            place = (note.ids, note.soft, note.drift, note.step, note.exchange)
            seen[place] += 1
            if seen[place] > MOST_OF_ALL:
                continue
            alike = (place, likeness(note))
            seen[alike] += 1
            if seen[alike] > MOST_ALIKE:
                continue
        yield note
