"""Hold the answers of a real server against those of the mock.

Only what a test can trip over counts: what is refused, fails or is shaped otherwise
there. What the mock refuses and the server takes, and what the server says beyond the
mock, is told last, as notes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import groupby
from typing import Any, Final

from aios_conformance.mockserver.drift.exchanges import Answer, Request, read_json
from aios_conformance.mockserver.drift.shapes import (
    ITEMS,
    Place,
    Shape,
    said,
    shape,
    spelled,
)
from aios_conformance.serving.located import short

_DONE: Final = "[DONE]"
_CONSTANT: Final = ("object", "role", "type")  # members whose texts programs compare
_VECTOR: Final = 32  # numbers that make an array a vector


class Kind(IntEnum):
    """What a finding is about; the lower, the more tests it breaks."""

    MODEL = 1
    FAILS = 2
    REFUSED = 3
    STREAM = 4
    ABSENT = 5
    TYPE = 6
    STATUS = 7
    ERROR = 8
    LIMIT = 9
    NOTE = 10


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """One request with both answers."""

    request: Request
    there: Answer
    here: Answer  # of the mock


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, with how many of how many requests show it."""

    kind: Kind
    operations: tuple[str, ...]
    text: str
    count: int = 1
    of: int = 1
    request: Request | None = None  # the smallest that shows it


def compare(pairs: Sequence[AnswerPair]) -> list[Finding]:
    """Return all that differs, most important first; once, if several APIs share it."""
    found: dict[tuple[Kind, str], Finding] = {}
    for operation, group in groupby(sorted(pairs, key=_operation), _operation):
        for one in _compared(operation, [*group]):
            before = found.get((one.kind, one.text))
            found[one.kind, one.text] = one if before is None else _joined(before, one)
    return sorted(found.values(), key=lambda one: (one.kind, -one.count / one.of))


def _joined(first: Finding, second: Finding) -> Finding:
    return replace(
        first,
        operations=(*first.operations, *second.operations),
        count=first.count + second.count,
        of=first.of + second.of,
    )


def _operation(pair: AnswerPair) -> str:
    return pair.request.operation


def _compared(operation: str, pairs: Sequence[AnswerPair]) -> Iterator[Finding]:
    """Yield what differs in one operation."""
    notes: dict[tuple[Kind, str], list[Request]] = defaultdict(list)
    for pair in pairs:
        for seen in _statuses(pair):
            notes[seen].append(pair.request)
    for (kind, text), requests in notes.items():
        yield _found(kind, operation, text, requests, len(pairs))
    both = [pair for pair in pairs if pair.there.accepted and pair.here.accepted]
    neither = [p for p in pairs if p.there.status >= 400 and p.here.status >= 400]
    for part, some in (("answer", both), ("refusal", neither)):
        yield from _shapes(operation, part, some)


def _statuses(pair: AnswerPair) -> Iterator[tuple[Kind, str]]:
    """Yield what differs in how one request is taken."""
    there, here = pair.there, pair.here
    if there.status == 0:
        yield Kind.FAILS, f"no answer: {short(there.body.decode('utf-8', 'replace'))}"
    elif there.status == 429 != here.status:
        yield Kind.NOTE, "429 there: too much was asked, so this was not compared"
    elif there.status >= 500 > here.status:
        yield Kind.FAILS, f"{there.status} there, {here.status} on the mock"
    elif here.accepted and not there.accepted:
        text = f"{there.status} there, {here.status} on the mock: {_reason(there)}"
        yield Kind.REFUSED, text
    elif there.accepted and not here.accepted:
        text = f"taken there, {here.status} on the mock: {_reason(here)}"
        yield Kind.NOTE, text
    elif there.status != here.status:
        yield (
            Kind.STATUS,
            f"refused with {there.status} there, {here.status} on the mock",
        )
    elif there.accepted:
        yield from _streams(there, here)


def _reason(answer: Answer) -> str:
    """Return why a request was refused, without what differs from one to the next."""
    messages = [text for text in said([answer.json], "message") if text]
    text = messages[0] if messages else answer.body[:200].decode("utf-8", "replace")
    text = re.sub(r"(['\"`]).{1,200}?\1", "'…'", text.replace("\n", " "))
    return short(re.sub(r"\d+", "N", text)).strip("'\"")


def _streams(there: Answer, here: Answer) -> Iterator[tuple[Kind, str]]:
    """Yield what differs in how a success is sent."""
    if (there.events is None) != (here.events is None):
        stream, whole = ("mock", "there") if there.events is None else ("there", "mock")
        yield Kind.STREAM, f"a stream ({stream}) against a whole answer ({whole})"
    elif there.events is None:
        if there.json is None and here.json is not None:
            yield Kind.FAILS, "the answer is no JSON there"
    else:
        if _DONE not in there.events and _DONE in (here.events or ()):
            yield Kind.STREAM, "the stream ends without [DONE] there"
        if any("error" in (_object(text)) for text in there.events):
            yield Kind.STREAM, "the stream holds an error there"


def _object(text: str) -> dict[str, Any]:
    value = read_json(text)
    return value if isinstance(value, dict) else {}


Sides = tuple[Request, list[Any], list[Any]]  # values there, and on the mock


def _shapes(
    operation: str, part: str, pairs: Sequence[AnswerPair]
) -> Iterator[Finding]:
    """Yield what differs in the shape of successes or of refusals."""
    refused = part == "refusal"
    sides: list[Sides] = [
        (pair.request, there, here)
        for pair in pairs
        if (there := _values(pair.there)) and (here := _values(pair.here))
    ]
    for stream in (False, True):
        members = _Members()
        for request, there, here in sides:
            if (_streamed(request) and not refused) == stream:
                members.see(request, shape(there), shape(here))
        for kind, text, requests, of in members.differing():
            told = Kind.ERROR if refused and kind is not Kind.NOTE else kind
            where = "chunks: " if stream else ""
            yield _found(told, operation, where + text, requests, of)
    for text in _constants(sides):
        told = Kind.ERROR if refused else Kind.TYPE
        yield _found(told, operation, text, [each[0] for each in sides])
    unreadable = [p.request for p in pairs if p.there.json is None]
    if refused and unreadable:
        text = "the refusal is no JSON there"
        yield _found(Kind.ERROR, operation, text, unreadable, len(pairs))
    differing: dict[str, list[Request]] = defaultdict(list)
    for request, there, here in sides:
        theirs, mine = _dimensions(there), _dimensions(here)
        if theirs and mine and theirs != mine:
            text = f"vectors have {_listed(theirs)} numbers there, "
            differing[f"{text}{_listed(mine)} on the mock"].append(request)
    for text, requests in differing.items():
        yield _found(Kind.LIMIT, operation, text, requests, len(sides))


class _Members:
    """Members of answers of one kind, by place, on both sides.

    A member counts only where what holds it is on both sides, so that one that is
    absent is told once, and not with all that it would hold.
    """

    def __init__(self) -> None:
        self._seen: Counter[Place] = Counter()
        self._absent: dict[Place, list[Request]] = defaultdict(list)
        self._beyond: dict[Place, list[Request]] = defaultdict(list)
        self._here: dict[Place, set[str]] = defaultdict(set)  # types
        self._there: dict[tuple[Place, str], list[Request]] = defaultdict(list)

    def see(self, request: Request, there: Shape, here: Shape) -> None:
        for place in here.keys() | there.keys():
            if place and not (place[:-1] in there and place[:-1] in here):
                continue
            self._seen[place] += 1
            self._here[place] |= here.get(place, set())
            for one in there.get(place, ()):
                self._there[place, one].append(request)
            if place and place[-1] != ITEMS:  # an array may be empty
                if place not in there:
                    self._absent[place].append(request)
                if place not in here:
                    self._beyond[place].append(request)

    def differing(self) -> Iterator[tuple[Kind, str, list[Request], int]]:
        for place, requests in self._absent.items():
            null = " (null on the mock)" * (self._here[place] == {"null"})
            text = f"{spelled(place)} is absent there{null}"
            yield Kind.ABSENT, text, requests, self._seen[place]
        for (place, one), requests in self._there.items():
            if self._here[place] and one not in self._here[place]:
                mine = " or ".join(sorted(self._here[place]))
                text = f"{spelled(place)} is {one} there, {mine} on the mock"
                yield Kind.TYPE, text, requests, self._seen[place]
        if self._beyond:
            names = ", ".join(sorted(map(spelled, self._beyond)))
            most = max(self._beyond, key=lambda place: len(self._beyond[place]))
            text = f"there, not on the mock: {names}"
            yield Kind.NOTE, text, self._beyond[most], self._seen[most]


def _constants(sides: Sequence[Sides]) -> Iterator[str]:
    """Yield members whose texts programs compare, and that agree in none."""
    for name in _CONSTANT:
        there = said((value for _, each, _ in sides for value in each), name)
        here = said((value for _, _, each in sides for value in each), name)
        if there and here and not there & here:
            mine, theirs = (", ".join(sorted(each)) for each in (here, there))
            yield f"`{name}` is {theirs} there, {mine} on the mock"


def _found(
    kind: Kind,
    operation: str,
    text: str,
    requests: Sequence[Request],
    of: int | None = None,
) -> Finding:
    smallest = min(requests, key=lambda one: len(one.body))
    count = len(requests)
    return Finding(kind, (operation,), text, count, max(count, of or 0), smallest)


def _values(answer: Answer) -> list[Any]:
    """Return the objects of an answer: one, or those of a stream's events."""
    if answer.events is None:
        return [answer.json] if isinstance(answer.json, dict | list) else []
    return [value for text in answer.events if (value := _object(text))]


def _streamed(request: Request) -> bool:
    return isinstance(request.json, dict) and bool(request.json.get("stream"))


def _dimensions(values: Iterable[Any]) -> set[int]:
    """Return the lengths of the vectors in values."""
    found: set[int] = set()
    rest = [*values]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, list):
            if len(value) >= _VECTOR and all(type(x) in (int, float) for x in value):
                found.add(len(value))
            else:
                rest += value
    return found


def _listed(numbers: Iterable[int]) -> str:
    return " or ".join(map(str, sorted(numbers)))
