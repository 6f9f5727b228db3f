"""Values for a schema out of what a conversation states, each fact used once."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeVar

import re2

from aios_conformance.mockserver.model.facts import (
    StatedFacts,
    facts_of,
    iso_date,
    words_of,
)

# ruff: noqa: SIM905 - word lists read best as text

_WHOLE: Final = frozenset(
    """query question q text prompt message input content task request instruction
    instructions search sentence document passage topic problem goal""".split()
)
_SHORT: Final = frozenset(
    """answer response result output final summary explanation reasoning reason
    conclusion thought thoughts analysis""".split()
)
_CODE: Final = frozenset(
    "id code sku ref reference ticket symbol ticker key number no uuid isbn".split()
)
_DATES: Final = frozenset(
    "date day when due deadline birthday checkin checkout departure arrival".split()
)
_TIMES: Final = frozenset("time hour at clock".split())
_LINKS: Final = frozenset(
    "url urls uri link links website site href page pages".split()
)
_MAILS: Final = frozenset("email emails mail recipient recipients to".split())
_ORIGIN: Final = frozenset("from origin source departure sender start base".split())
_GOAL: Final = frozenset("to destination target arrival recipient dest end".split())
_PLACES: Final = frozenset(
    "name city country state region location place address area".split()
)
_SUMS: Final = frozenset("expression formula equation calculation".split())
_ALIKE: Final[Mapping[str, str]] = {
    "age": "years",
    "guests": "people",
    "passengers": "people",
    "persons": "people",
    "travelers": "people",
    "quantity": "items",
    "percentage": "percent",
    "duration": "minutes",
}
_PLAIN: Final = frozenset("id name value the is of a and get".split())
_SUM: Final = re.compile(r"[-(]*\d[\d.]*(?: ?[-+*/^×÷%] ?[-(]*\d[\d.]*\)*)+")  # noqa: RUF001 - signs that people write
_UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_NOT: Final = re.compile(r"\b(?:no|not|without|don't|never|disable|off)\W+(?:\w+\W+)?$")
_ABOUT: Final = frozenset("in at for of about near".split())
_SHOWN: Final = 300  # characters of a result or question in an answer
_LISTED: Final = 20  # items of a list
_MEMBERS: Final = 40  # members of an object that have a claim
_PHRASE: Final = 200  # characters of the longest that is looked for
_KEYS: Final = 1_000  # members of results that are looked up


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Material:
    """What can be told: the question, and the results of tools since.

    `lean` leaves out what the question does not state and the schema does not want.
    """

    question: str = ""
    results: tuple[str, ...] = ()
    lean: bool = False


NOTHING_TOLD: Final = Material()


class FactsInTurn:
    """Hands out facts, in the order of the text."""

    def __init__(self, source: Material) -> None:
        """Begin with no fact used."""
        self.lean = source.lean
        self.given = 0  # values that were found
        self._facts = facts_of(source.question)
        self._results = source.results
        self._found = _members(source.results)
        self._used: set[object] = set()
        self._claimed: dict[str, str] = {}  # what the text says of a member, by value
        self._sure = False

    def claim(self, names: Iterable[str]) -> None:
        """Keep what the text says of one of these members from the others."""
        if self._facts.text:
            for name in islice(names, _MEMBERS):
                for value in self._beside(words_of(name), None):
                    self._claimed.setdefault(value, name)

    @contextmanager
    def sure(self, *, wanted: bool) -> Iterator[None]:
        """Hand out nothing but what surely is meant, if the source is lean."""
        before, self._sure = self._sure, self.lean and wanted
        try:
            yield
        finally:
            self._sure = before

    def text(self, name: str, flat: Mapping[str, Any]) -> str | None:
        """Return a string for the member of a name; None if nothing fits it."""
        for found in self._texts(words_of(name), name, flat.get("format")):
            free = self._claimed.get(found, name) == name and found not in self._used
            if free and _fits(found, flat):
                return self._give(found)
        return None

    def number(
        self, name: str, flat: Mapping[str, Any], *, whole: bool
    ) -> int | float | None:
        """Return a number for the member of a name; None if nothing fits it."""
        words = words_of(name)
        words |= {_ALIKE[word] for word in words if word in _ALIKE}
        looked_up = self._found.get(_plain(name))
        if isinstance(looked_up, int | float) and _within(looked_up, flat, whole):
            return self._give(looked_up)
        own = list(enumerate(self._facts.numbers))
        if self._results and words & (_SHORT | {"total", "sum", "count"}):
            own = []
        results = [n for text in self._results for n in facts_of(text).numbers]
        later = list(enumerate(results, len(self._facts.numbers)))
        choices = [
            *(one for one in own if _akin(one[1].unit, words)),
            *(one for one in own if self._beside(words, str(one[1].value))),
            *([] if self._sure else [*later, *own]),
        ]
        for place, found in choices:
            if ("number", place) not in self._used and _within(
                found.value, flat, whole
            ):
                self._used.add(("number", place))
                self.given += 1
                return int(found.value) if whole else found.value
        return None

    def option(self, name: str, options: Sequence[Any]) -> Any:
        """Return the listed value that is named first; None if none is."""
        looked_up = self._found.get(_plain(name))
        if looked_up is not None and looked_up in options:
            return self._give(looked_up)
        places: list[tuple[int, int, Any]] = []
        for option in options[:_KEYS]:
            if not isinstance(option, str) or not option:
                continue
            place = _place(option, self._facts.text)
            if place is not None:
                places.append((place, -len(option), option))
        if places:
            return self._give(min(places)[2])
        return None

    def flag(self, name: str) -> bool | None:
        """Tell whether a thing is wanted; None if it is not spoken of."""
        looked_up = self._found.get(_plain(name))
        if isinstance(looked_up, bool):
            return bool(self._give(looked_up))
        said = self._facts.text.lower()
        for word in sorted(words_of(name) - _PLAIN):
            place = _place(word, said)
            if len(word) > 2 and place is not None:
                self.given += 1
                return _NOT.search(said, max(0, place - 40), place) is None
        return None

    def count(self, name: str, items: Any) -> int | None:
        """Return how many items of a list are told; None if that is open."""
        kind = items.get("type") if isinstance(items, dict) else None
        facts = self._facts
        if kind in ("number", "integer"):
            return len(facts.numbers) or None
        if kind == "string":
            listed = self._listed(words_of(name))
            return len([one for one in listed if one not in self._used]) or None
        if kind == "object" or (isinstance(items, dict) and "$ref" in items):
            return min(max(len(facts.names), 1), _LISTED) if facts.names else None
        return None

    def listed(self, name: str, flat: Mapping[str, Any]) -> str | None:
        """Return the next string of a list; None if no more is told."""
        for found in self._listed(words_of(name)):
            if found not in self._used and _fits(found, flat):
                return self._give(found)
        return None

    def _give(self, value: T) -> T:
        self._used.add(value if isinstance(value, str) else ("value", repr(value)))
        self.given += 1
        return value

    def _listed(self, words: frozenset[str]) -> Sequence[str]:
        facts = self._facts
        if facts.emails and words & _MAILS:
            return facts.emails[:_LISTED]
        if facts.urls and words & _LINKS:
            return facts.urls[:_LISTED]
        several = _series(facts.text)
        for found in (facts.quoted, facts.codes, facts.names, several):
            if found:
                return found[:_LISTED]
        return ()

    def _texts(
        self, words: frozenset[str], name: str, form: str | None
    ) -> Iterator[str]:
        """Yield what a member of these words may hold, the likeliest first."""
        looked_up = self._found.get(_plain(name))
        if isinstance(looked_up, str | int | float) and not isinstance(looked_up, bool):
            yield str(looked_up)
        if form:
            yield from _formed(form, self._facts)
            return
        facts, said = self._facts, self._facts.text
        objects, loose = facts.objects, frozenset[str]() if self._sure else words
        yield from self._beside(words, None)
        for meant, found in (
            (_MAILS, facts.emails),
            (_LINKS, facts.urls),
            (_SUMS, (sum_[0].strip() for sum_ in _SUM.finditer(said))),
            (_WHOLE, self._wholes(words)),
            (_SHORT, filter(None, [" ".join(self._results)[:_SHOWN]])),
            (_DATES, facts.dates),
            (_TIMES, facts.times),
            (_ORIGIN, (thing for link, thing in objects if link == "from")),
            (_GOAL, (thing for link, thing in objects if link == "to")),
            (loose, facts.quoted),
            (_CODE, facts.codes),
            (_CODE, (str(number.value) for number in facts.numbers)),
            (loose or words & _PLACES, facts.names),
            (loose, facts.codes),
            (
                loose or words & _PLACES,
                (thing for link, thing in objects if link in _ABOUT),
            ),
            (loose, filter(None, [" ".join(self._results)[:_SHOWN]])),
            (_SHORT, filter(None, [said.strip()[:_SHOWN]])),
        ):
            if words & meant:
                yield from found

    def _wholes(self, words: frozenset[str]) -> Iterator[str]:
        """Yield a text that is spoken of: quoted, after a colon, or all of it."""
        facts = self._facts
        if len(facts.quoted) == 1:
            yield facts.quoted[0]
        _, colon, after = facts.text.partition(": ")
        if colon and not words & {"query", "question", "q", "search"}:
            yield after.strip()
        about = [thing for link, thing in facts.objects if link in ("for", "about")]
        if about and words & {"query", "q", "search", "topic"}:
            yield about[0]
        yield facts.text.strip()

    def _beside(self, words: frozenset[str], only: str | None) -> list[str]:
        """Return what the text says that a thing of these words is."""
        found: list[str] = []
        text, ends = self._facts.text, _ends(self._facts.text)
        for word in sorted(words - _PLAIN):
            read = 0
            for end in ends.get(word, ()):
                match = _VALUE.match(text, end) if end > read else None
                if match is None:
                    continue
                read = match.end()
                *quoted, bare = match.groups(default="")
                value = "".join(quoted) or bare.rstrip(".,;:!?")
                if value and only in (None, value):
                    found.append(value)
        return found


@lru_cache(maxsize=8)
def _ends(text: str) -> Mapping[str, list[int]]:
    """Return where each word of a text ends, each time."""
    ends: dict[str, list[int]] = {}
    for match in re.finditer(r"\w+", text):
        ends.setdefault(match[0].lower(), []).append(match.end())
    return ends


_VALUE: Final = re.compile(
    r"[ _-]?(?:id|code|number|no\.?|name)?"
    r"(?: ?(?:=|:|#)| (?:is|of|to|named|called|as|number|no\.))? ?#?"
    r"(?:\"([^\"\n]{1,200})\"|'([^'\n]{1,200})'|`([^`\n]{1,200})`"
    r"|((?-i:[A-Z])[\w-]{0,60}|[\w.-]{0,60}\d[\w.-]{0,60}))",
    re.IGNORECASE,
)
"""What stands after a word and is its value: `order ABC-12`, `age is 25`."""


@lru_cache(maxsize=64)
def _members(results: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the plain values of results that are JSON, by their names."""
    found: dict[str, Any] = {}
    for text in results:
        try:
            rest: list[Any] = [json.loads(text)]
        except (ValueError, RecursionError):
            continue
        while rest and len(found) < _KEYS:
            node = rest.pop()
            if isinstance(node, list):
                rest.extend(node[:_KEYS])
            elif isinstance(node, dict):
                for name, value in node.items():
                    if isinstance(value, dict | list):
                        rest.append(value)
                    elif value is not None:
                        found.setdefault(_plain(name), value)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _akin(unit: str, words: Iterable[str]) -> bool:
    stem = unit.rstrip("s")
    return len(stem) > 2 and any(word.rstrip("s") == stem for word in words)


def _within(value: float, flat: Mapping[str, Any], whole: bool) -> bool:
    step = flat.get("multipleOf")
    return not (
        (whole and value != int(value))
        or value < flat.get("minimum", value)
        or value > flat.get("maximum", value)
        or ("exclusiveMinimum" in flat and value <= flat["exclusiveMinimum"])
        or ("exclusiveMaximum" in flat and value >= flat["exclusiveMaximum"])
        or (step and value % step)
    )


def _fits(text: str, flat: Mapping[str, Any]) -> bool:
    if not flat.get("minLength", 0) <= len(text) <= flat.get("maxLength", len(text)):
        return False
    pattern = flat.get("pattern")
    if pattern is None:
        return bool(text)
    try:
        return re2.search(pattern, text) is not None
    except re2.error:
        return False


def _place(word: str, text: str) -> int | None:
    """Return where a word or phrase stands in a text, whatever its letters' case."""
    if len(word) > _PHRASE:
        return None
    said = word.replace("_", " ")
    exact = re.IGNORECASE if len(said) > 2 else 0
    found = re.search(rf"(?<!\w){re.escape(said)}(?!\w)", text, exact)
    if found is None and said != word:
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, exact)
    return found and found.start()


def _formed(form: str, facts: StatedFacts) -> Iterator[str]:
    """Yield what a text states in a format; the validator does not know all of them."""
    match form:
        case "email" | "idn-email":
            yield from facts.emails
        case "uri" | "iri" | "url":
            yield from facts.urls
        case "uuid":
            yield from _UUID.findall(facts.text)
        case "date" | "date-time":
            for day in map(iso_date, facts.dates):
                if day[:4].isdigit() and form == "date":
                    yield day[:10]
                elif day[:4].isdigit():
                    full = f"{day[:10]}T{day[11:] or '00:00:00'}"
                    yield full if full.endswith("Z") or "+" in full else f"{full}Z"


_ONE: Final = r"[^\W\d][\w-]{0,30}(?: [^\W\d][\w-]{0,30})?"
_SERIES: Final = re.compile(rf"({_ONE}(?:, {_ONE}){{1,20}}),? (?:and|or) ({_ONE})")
_PAIR: Final = re.compile(r"([^\W\d][\w-]{1,30}) (?:and|or) ([^\W\d][\w-]{1,30})")


def _series(text: str) -> tuple[str, ...]:
    """Return the things of `apples, pears and plums`."""
    found = _SERIES.search(text)
    if found:
        first, *others = found[1].split(", ")
        return (first.split(" ")[-1], *others, found[2].split(" ")[0])
    pair = _PAIR.search(text)
    return (pair[1], pair[2]) if pair else ()
