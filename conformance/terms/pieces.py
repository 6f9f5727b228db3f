"""Secrets that an answer says piece by piece: token by token, or event by event.

What stands in the same member of the items of a list, or of the events of a stream, is
read as one text; items that have an `index` are told apart by it.
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aios_conformance.conformance.terms.json_text import read_json

LARGEST = 8 * 2**20
"""Bytes of an answer in which pieces are looked for."""

_DATA = re.compile(rb"(?m)^data: ?(.*?)\r?$")
_TELLING = frozenset({str, dict, list})  # of a vector's numbers there are many
_Holder = dict[str, Any] | list[Any]
Hide = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Edit:
    """A part of a body, and what it is to be instead."""

    start: int
    end: int
    text: bytes


@dataclass(slots=True)
class _Piece:
    holder: Any  # the object or list that holds the text under `key`
    key: Any
    document: int


def edits(body: bytes, hide: Hide) -> list[Edit]:
    """What to change so that no text of several pieces holds what `hide` replaces."""
    if len(body) > LARGEST:
        return []
    places = [match.span(1) for match in _DATA.finditer(body)] or [(0, len(body))]
    documents = [read_json(body[start:end]) for start, end in places]
    texts: dict[object, list[_Piece]] = defaultdict(list)
    for number, document in enumerate(documents):
        for path, holder, key in _strings(document, ()):
            texts[path].append(_Piece(holder, key, number))
    changed = {
        each.document
        for pieces in texts.values()
        if len(pieces) > 1
        for each in _hidden(pieces, hide)
    }
    return [
        Edit(*places[number], json.dumps(documents[number]).encode())
        for number in sorted(changed)
    ]


def edited(body: bytes, changes: list[Edit]) -> bytes:
    """The body with these changes."""
    done, at = bytearray(), 0
    for each in changes:
        done += body[at : each.start] + each.text
        at = each.end
    return bytes(done + body[at:])


def moved(counts: Iterable[int], changes: Iterable[Edit]) -> list[int]:
    """How many bytes the first `count` are, once the changes are made, for each count.

    Both go from the start of the body to its end.
    """
    rest, shift, found = deque(changes), 0, []
    for count in counts:
        while rest and rest[0].end <= count:
            each = rest.popleft()
            shift += len(each.text) - (each.end - each.start)
        found.append(count + shift)
    return found


def _hidden(pieces: list[_Piece], hide: Hide) -> list[_Piece]:
    """Put what remains of the joined text in the first piece, if anything is hidden."""
    joined = "".join(each.holder[each.key] for each in pieces)
    plain = hide(joined)
    if plain == joined:
        return []
    for each in pieces:
        each.holder[each.key] = ""
    pieces[0].holder[pieces[0].key] = plain
    return pieces


def _strings(value: Any, path: tuple[object, ...]) -> Iterator[tuple[object, Any, Any]]:
    """Each text with its path, and what holds it under which key."""
    if isinstance(value, dict):
        own = value.get("index")
        here = (*path, own) if isinstance(own, int | str) else path
        for name, inner in value.items():
            yield from _inner(value, name, inner, (*here, name))
    elif isinstance(value, list) and not _TELLING.isdisjoint(map(type, value)):
        for place, inner in enumerate(value):
            yield from _inner(value, place, inner, path)


def _inner(
    holder: _Holder, key: Any, inner: Any, path: tuple[object, ...]
) -> Iterator[tuple[object, Any, Any]]:
    if isinstance(inner, str):
        yield path, holder, key
    elif isinstance(inner, dict | list):
        yield from _strings(inner, path)
