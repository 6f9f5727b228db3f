"""A result whose every text may be shown: without secrets, with nothing unseen.

Answers are redacted when they are captured. What is put together of them later, a
text of its streamed pieces, is looked through here once more.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from aios_conformance.conformance.terms.redact import Redactor
from aios_conformance.conformance.terms.result import (
    Evidence,
    RequirementResult,
    RunResult,
)
from aios_conformance.conformance.terms.visible import visible

Show = Callable[[str], str]

MOST_CHARACTERS = 10_000
"""Of one text of a target, in any report; the whole is in the recording."""

MOST_VALUES = 2_000
"""Of one JSON value of a target, likewise."""

_ROOM = 1.2
"""So much more passes where it may have been shortened before: never twice."""


def presentable(result: RunResult, redactor: Redactor | None = None) -> RunResult:
    """The result as reports and terminals may show it."""

    def whole(text: str) -> str:
        return visible(redactor.text(text) if redactor else text)

    def show(text: str) -> str:
        return _shortened(whole(text))

    facts = result.facts
    models = {api: show(name) for api, name in facts.models.items()}
    return replace(
        result,
        server=_optional(result.server, show),
        cut_short=_optional(result.cut_short, show),
        facts=replace(facts, models=models),
        baseline=result.baseline
        and replace(result.baseline, place=show(result.baseline.place)),
        requirements=[_row(each, show, whole) for each in result.requirements],
    )


def _row(each: RequirementResult, show: Show, whole: Show) -> RequirementResult:
    return replace(
        each,
        reason=_optional(each.reason, show),
        reading=_optional(each.reading, show),
        findings=tuple(_finding(one, show, whole) for one in each.findings),
        shown=each.shown and replace(each.shown, curl=whole(each.shown.curl)),
    )


def _finding(each: Evidence, show: Show, whole: Show) -> Evidence:
    return replace(
        each,
        expected=show(each.expected),
        actual=plain(each.actual, whole, 1.0),
        pointer=show(each.pointer),
        curl=whole(each.curl),
    )


def _optional(text: str | None, show: Show) -> str | None:
    return None if text is None else show(text)


def _shortened(text: str, room: float = 1.0) -> str:
    """A text, or the beginning of a very long one and how much more there is."""
    if len(text) <= MOST_CHARACTERS * room:
        return text
    more = len(text) - MOST_CHARACTERS
    return f"{text[:MOST_CHARACTERS]}… {more} more characters"


def plain(value: object, show: Show = visible, room: float = _ROOM) -> Any:
    """The nearest JSON value: what JSON cannot hold becomes its text.

    Of very much it is the beginning, and how much more there is.
    """
    left = int(MOST_VALUES * room)

    def near(value: object) -> Any:
        nonlocal left
        left -= 1
        if isinstance(value, Mapping):
            kept: dict[str, Any] = {}
            for key, each in value.items():
                if left <= 0:
                    return kept | {"…": f"{len(value) - len(kept)} more members"}
                kept[_shortened(show(str(key)), room)] = near(each)
            return kept
        if isinstance(value, Iterable) and not isinstance(value, str | bytes):
            items = list(value)
            found: list[Any] = []
            for each in items:
                if left <= 0:
                    return [*found, f"… {len(items) - len(found)} more items"]
                found.append(near(each))
            return found
        return _single(value, show, room)

    return near(value)


def _single(value: object, show: Show, room: float) -> Any:
    """The nearest JSON value of what holds no others."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value) if value.bit_length() < 4096 else "a number of many digits"
    if isinstance(value, int | float):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return _shortened(show(value if isinstance(value, str) else repr(value)), room)
