"""What a text states: its numbers, names, quotations, dates, addresses and codes.

Everything is found in one pass of short patterns, so that a long text takes time in
proportion to its length.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# ruff: noqa: RUF001, SIM905 - signs that people write; word lists read best as text

_FEW: Final = 200  # codes of a text that are taken for nothing else
_READ: Final = 4_000  # characters of a text that are looked at

_QUOTED: Final = re.compile(
    r"\"([^\"\n]{1,200})\"|“([^”\n]{1,200})”|`([^`\n]{1,200})`"
    r"|(?<!\w)'([^'\n]{1,200})'(?!\w)|«([^»\n]{1,200})»|「([^」\n]{1,200})」"
)
_KEY: Final = re.compile(r"(?<=\")\s{0,3}:\s{0,3}[\[{\"]")  # what follows a key
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_URL: Final = re.compile(r"https?://[^\s\"'<>`]{1,500}")
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "jan january,feb february,mar march,apr april,may,jun june,jul july,"
        "aug august,sep sept september,oct october,nov november,dec december".split(
            ","
        ),
        1,
    )
    for name in names.split()
}
_MONTH: Final = f"(?:{'|'.join(sorted(_MONTHS, key=len, reverse=True))})"
_DATE: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:?\d{2})?)?"
    rf"|\b(?P<m1>{_MONTH})\.? (?P<d1>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y1>\d{{4}})\b"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)? (?P<m2>{_MONTH})\.?,? (?P<y2>\d{{4}})\b"
    r"|\d{1,2}/\d{1,2}/\d{4}"
    r"|\b(?:today|tomorrow|yesterday|tonight)\b"
    r"|\b(?:(?:next|this|on) )?(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"\b\d{1,2}:\d{2}(?: ?[ap]m)?\b|\b\d{1,2} ?[ap]m\b", re.IGNORECASE
)
_WORD: Final = re.compile(r"[^\s,;:!?()\[\]{}\"“”`<>=]{1,100}")
_SPELLED: Final = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
}
_NUMBER: Final = re.compile(
    r"(?<![\w.])[-−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)"
    r"|(?<![\w.])(?<!\d-)[-−]?\d{1,18}(?:\.\d{1,12})?(?=(?:[a-z%°]{0,4})\b|\W|$)"
    rf"|\b(?:{'|'.join(_SPELLED)})\b",
    re.IGNORECASE,
)
_UPPER: Final = "A-ZÀ-ÖØ-ÞΑ-ΩА-Я"
_NAME: Final = re.compile(rf"\b[{_UPPER}][\w’'&]*(?:[ -][{_UPPER}][\w’'&]*){{0,5}}")
_HANGUL: Final = re.compile(r"[가-힣]{2,12}")
_PARTICLE: Final = re.compile(
    r"(?<=..)(?:에서|으로|까지|부터|의|은|는|이|가|을|를|에|로|와|과|도)$"
)
_OBJECT: Final = re.compile(
    r"\b(in|at|for|of|about|near|from|to|on|with|into|called|named|by)\s+"
    r"(?=([^\s,.;:!?()]{1,40}(?: [^\s,.;:!?()]{1,40}){0,5}))",
    re.IGNORECASE,
)
_SENTENCE: Final = re.compile(r"(?:^|[.!?:]\s|\n)\s*$")
_TELLS: Final = re.compile(
    r"\s+(?:is|was|has|lives|works|wants|are|said)\b|'s\b|,? and [A-Z]"
)

_NO_NAME: Final = frozenset(
    """a about add after all also am an and answer any are as ask at be book buy
    calculate call can cancel check classify compute convert could create delete
    describe do does draft email every explain extract fetch find first for format
    from get give given go hello help hey hi how i if in into is it json just let
    list look lookup make may me multiply my name need no not now of ok on or order
    our parse pay please plan play provide query produce put read remind reply
    respond return run save schedule search see send set show solve some sort split
    start stop subtract sum summarize summarise tell thank thanks that the then there
    these they think this to today tomorrow translate turn update use user using
    verify wait want was we weather wrap what when where which who why will with
    would write yes you your url api http https id sql html xml csv monday tuesday
    wednesday thursday friday saturday sunday""".split()
) | frozenset(_MONTHS)
_LINKS: Final = frozenset(
    """in at for of about near from to on with into called named by and or then but is
    are was if when using as that which who where please now today tomorrow tonight
    right next this on so""".split()
)
_ARTICLES: Final = frozenset(
    "the a an my our your his her their its this that some".split()
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number, and the word that follows it."""

    value: int | float
    unit: str


@dataclass(frozen=True, slots=True)
class StatedFacts:
    """What a text states, each kind in the order of the text."""

    text: str = ""
    quoted: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    names: tuple[str, ...] = ()
    objects: tuple[tuple[str, str], ...] = ()  # preposition and what follows it


@lru_cache(maxsize=256)
def facts_of(text: str) -> StatedFacts:
    """Return the facts of a text."""
    text = text[:_READ]
    quoted = tuple(_quotations(text))
    rest = _QUOTED.sub(lambda found: " " * len(found[0]), text)
    urls = tuple(url.rstrip(".,;:!?)") for url in _URL.findall(text))
    rest = _URL.sub(" ", rest)
    emails = tuple(_EMAIL.findall(text))
    rest = _EMAIL.sub(" ", rest)
    dates = tuple(found[0] for found in _DATE.finditer(rest))
    rest = _DATE.sub(" . ", rest)
    times = tuple(_TIME.findall(rest))
    rest = _TIME.sub(" . ", rest)
    codes = tuple(_codes(rest))
    for code in codes[:_FEW]:
        rest = rest.replace(code, " ", 1)
    return StatedFacts(
        text,
        quoted,
        emails,
        urls,
        dates,
        times,
        codes,
        tuple(_numbers(rest)),
        tuple(_names(rest)),
        tuple(_objects(rest)),
    )


def says_something(text: str) -> bool:
    """Tell whether a text states more than what is wanted."""
    return how_much(text) > 0


def how_much(text: str) -> int:
    """Count the facts of a text that stand for themselves."""
    found = facts_of(text)
    plain = (found.quoted, found.emails, found.urls, found.dates, found.times)
    return sum(map(len, (*plain, found.codes, found.numbers, found.names)))


def iso_date(date: str) -> str:
    """Return a date of words as year-month-day, any other as it is."""
    found = _DATE.fullmatch(date)
    for n in "12":
        if found and (month := found[f"m{n}"]):
            number = _MONTHS[month.lower()]
            return f"{found[f'y{n}']}-{number:02}-{int(found[f'd{n}']):02}"
    return date


def _quotations(text: str) -> Iterator[str]:
    """Yield what is quoted, but for signs alone and for the keys of printed JSON."""
    for found in _QUOTED.finditer(text):
        said = next(filter(None, found.groups())).strip()
        if any(map(str.isalnum, said)) and not _KEY.match(text, found.end()):
            yield said


def _codes(text: str) -> Iterator[str]:
    """Yield words of letters and digits, such as ABC-12, and what stands after #."""
    for found in _WORD.finditer(text):
        word = found[0].strip(".'’#")
        if any(c.isdigit() for c in word) and (
            (any(c.isalpha() for c in word) and not _measure(word))
            or found[0].startswith("#")
        ):
            yield word


def _measure(word: str) -> bool:
    """Tell whether a word is a number with its unit, such as 5km or 21°C."""
    return bool(re.fullmatch(r"[-$€£]?[\d.,]+(?:[a-zA-Z%°]{1,3}|st|nd|rd|th)", word))


def _numbers(text: str) -> Iterator[Number]:
    for found in _NUMBER.finditer(text):
        after = re.match(
            r"[\s°%-]*([^\W\d_]{1,40})", text[found.end() : found.end() + 60]
        )
        unit = after[1].lower() if after else ""
        said = found[0].lower().replace(",", "").replace("−", "-")
        spelled = _SPELLED.get(said)
        if spelled == 1 and unit in ("of", "that", "is", "more", ""):
            continue
        if spelled is None:
            yield Number(float(said) if "." in said else int(said), unit)
        else:
            yield Number(spelled, unit)


def _names(text: str) -> Iterator[str]:
    """Yield runs of capitalised words, those that surely are names first."""
    unsure: list[str] = []
    found_any = False
    for found in _NAME.finditer(text):
        words = found[0].removesuffix("'s").removesuffix("’s").split(" ")
        opening = bool(
            _SENTENCE.search(text, max(0, found.start() - 40), found.start())
        )
        dropped = 0
        while words and words[0].lower() in _NO_NAME:
            words.pop(0)
            dropped += 1
        while words and words[-1].lower() in _NO_NAME:
            words.pop()
        name = " ".join(words)
        if not name:
            continue
        found_any = True
        sure = dropped or len(words) > 1 or _TELLS.match(text, found.end())
        if opening and not sure:
            unsure.append(name)
        else:
            yield name
    yield from unsure
    if not found_any:
        for word in _HANGUL.findall(text)[:1]:
            yield _PARTICLE.sub("", word)


def _objects(text: str) -> Iterator[tuple[str, str]]:
    for found in _OBJECT.finditer(text):
        words: list[str] = []
        for word in found[2].split(" "):
            if word.lower() in _LINKS:
                break
            words.append(word)
        while words and words[0].lower() in _ARTICLES:
            words.pop(0)
        if words:
            yield found[1].lower(), " ".join(words)


NO_FACTS: Final = StatedFacts()


def words_of(name: str) -> frozenset[str]:
    """Split the name of a member into its words, in small letters."""
    return frozenset(
        part.lower()
        for part in re.split(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", name)
        if part
    )
