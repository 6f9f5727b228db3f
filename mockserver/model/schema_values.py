"""Strings and numbers within the bounds of a JSON schema."""

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from aios_conformance.mockserver.model.pattern_text import (
    Steps,
    UnsupportedPatternError,
    write_match,
)
from aios_conformance.mockserver.model.words import ADJECTIVES, NOUNS
from aios_conformance.serving.pointers import pointer_to

_LONGEST: Final = 10_000  # characters; a longer minLength is refused


class Impossible(Exception):  # noqa: N818 - reads as the fact it states
    """No value was found for a part of the schema."""

    def __init__(self, reason: str) -> None:
        """The value itself, unless it turns out to be part of another (`within`)."""
        super().__init__(reason)
        self.reason = reason
        self.path: tuple[str | int, ...] = ()

    def within(self, step: str | int) -> "Impossible":
        """Return the same of a member, or an item, of the value around it."""
        self.path = (step, *self.path)
        return self

    def __str__(self) -> str:
        """Say where, and what."""
        where = pointer_to(self.path)
        return f"{where}: {self.reason}" if where else self.reason


def _moment(random: Random) -> tuple[str, str]:
    day = f"20{random.randint(20, 29)}-{random.randint(1, 12):02}"
    clock = f"{random.randint(0, 23):02}:{random.randint(0, 59):02}"
    return f"{day}-{random.randint(1, 28):02}", f"{clock}:00Z"


def _word(random: Random) -> str:
    return random.choice([noun for noun in NOUNS if noun.isascii()])


_FORMATS: Final[Mapping[str, Callable[[Random], str]]] = {
    "date-time": lambda random: "T".join(_moment(random)),
    "date": lambda random: _moment(random)[0],
    "time": lambda random: _moment(random)[1],
    "duration": lambda random: f"P{random.randint(1, 30)}D",
    "email": lambda random: f"{_word(random)}@example.com",
    "idn-email": lambda random: f"{_word(random)}@example.com",
    "hostname": lambda random: f"{_word(random)}.example.com",
    "idn-hostname": lambda random: f"{_word(random)}.example.com",
    "uri": lambda random: f"https://example.com/{_word(random)}",
    "uri-reference": lambda random: f"/{_word(random)}",
    "iri": lambda random: f"https://example.com/{_word(random)}",
    "iri-reference": lambda random: f"/{_word(random)}",
    "ipv4": lambda random: f"192.0.2.{random.randint(1, 254)}",
    "ipv6": lambda random: f"2001:db8::{random.randint(1, 9999)}",
    "uuid": lambda random: "-".join(
        f"{random.getrandbits(4 * size):0{size}x}" for size in (8, 4, 4, 4, 12)
    ),
    "regex": lambda random: f"^{_word(random)}$",
    "json-pointer": lambda random: f"/{_word(random)}",
    "relative-json-pointer": lambda random: f"{random.randint(0, 3)}/{_word(random)}",
}


def text(flat: Mapping[str, Any], random: Random, attempt: int, steps: Steps) -> str:
    """Write a string: by pattern, by format, or words of a fitting length."""
    least = flat.get("minLength", 0)
    most = flat.get("maxLength", max(least, 60))
    if least > most or least > _LONGEST:
        raise Impossible(f"no string has from {least} to {most} characters")
    if "pattern" in flat:
        # More room for repetition with each attempt, and at once where a minimum
        # length asks for it.
        slack = attempt % 20 + (least if attempt % 2 else min(least, 1) * least)
        try:
            return write_match(flat["pattern"], random, max(1, slack), steps)
        except UnsupportedPatternError as error:
            raise Impossible(f"cannot write text for {error}") from error
    if flat.get("format") in _FORMATS:
        return _FORMATS[flat["format"]](random)
    words = f"{random.choice(ADJECTIVES)} {random.choice(NOUNS)}"
    while len(words) < least:
        words += f" {random.choice(NOUNS)}"
    return words[: int(most)]


def number(
    flat: Mapping[str, Any], random: Random, attempt: int, *, whole: bool
) -> int | float:
    """Pick a number within the bounds; later attempts try the bounds themselves."""
    try:
        return _number(flat, random, attempt, whole=whole)
    except (OverflowError, ValueError) as error:
        raise Impossible(f"its numbers are too large ({error})") from error


def _number(
    flat: Mapping[str, Any], random: Random, attempt: int, *, whole: bool
) -> int | float:
    low, high = _bounds(flat)
    step = flat.get("multipleOf")
    if step is None and whole:
        step = 1
    if step is not None:
        if whole and not float(step).is_integer():
            # A multiple of both: the step times a whole number that makes it whole.
            step = next((step * k for k in range(1, 1001) if (step * k) % 1 == 0), 1)
        first, last = math.ceil(low / step), math.floor(high / step)
        if first > last:
            raise Impossible(f"no multiple of {step} lies from {low} to {high}")
        chosen = (random.randint(first, last), first, last)[attempt % 3]
        picked = chosen * step
        return int(picked) if whole or float(picked).is_integer() else picked
    if low > high:
        raise Impossible(f"no number lies from {low} to {high}")
    if attempt % 3:
        return (low, high)[attempt % 3 - 1]
    for digits in (1, 3, 6):
        value = round(random.uniform(low, high), digits)
        if low <= value <= high:
            return value
    return low + (high - low) / 2


def _bounds(flat: Mapping[str, Any]) -> tuple[float, float]:
    """Return closed bounds, at most 100 apart where one is open."""
    low = flat.get("minimum")
    high = flat.get("maximum")
    above, below = flat.get("exclusiveMinimum"), flat.get("exclusiveMaximum")
    if above is not None and (low is None or above >= low):
        low = _next(above, math.inf)
    if below is not None and (high is None or below <= high):
        high = _next(below, -math.inf)
    if low is None:
        low = 0 if high is None or high >= 0 else high - 100
    if high is None:
        high = low + 100
    return low, high


def _next(value: float, toward: float) -> float:
    return math.nextafter(float(value), toward)
