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


def presentable(result: RunResult, redactor: Redactor | None = None) -> RunResult:
    """The result as reports and terminals may show it."""

    def show(text: str) -> str:
        return visible(redactor.text(text) if redactor else text)

    facts = result.facts
    models = {api: show(name) for api, name in facts.models.items()}
    return replace(
        result,
        server=_optional(result.server, show),
        cut_short=_optional(result.cut_short, show),
        facts=replace(facts, models=models),
        baseline=result.baseline
        and replace(result.baseline, place=show(result.baseline.place)),
        requirements=[_row(each, show) for each in result.requirements],
    )


def _row(each: RequirementResult, show: Show) -> RequirementResult:
    return replace(
        each,
        reason=_optional(each.reason, show),
        reading=_optional(each.reading, show),
        findings=tuple(_finding(one, show) for one in each.findings),
        shown=each.shown and replace(each.shown, curl=show(each.shown.curl)),
    )


def _finding(each: Evidence, show: Show) -> Evidence:
    return replace(
        each,
        expected=show(each.expected),
        actual=plain(each.actual, show),
        pointer=show(each.pointer),
        curl=show(each.curl),
    )


def _optional(text: str | None, show: Show) -> str | None:
    return None if text is None else show(text)


def plain(value: object, show: Show = visible) -> Any:
    """The nearest JSON value: what JSON cannot hold becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value) if value.bit_length() < 4096 else "a number of many digits"
    if isinstance(value, str):
        return show(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {show(str(key)): plain(each, show) for key, each in value.items()}
    if isinstance(value, bytes):
        return show(value.decode("utf-8", "replace"))
    if isinstance(value, Iterable):
        return [plain(each, show) for each in value]
    return show(repr(value))
