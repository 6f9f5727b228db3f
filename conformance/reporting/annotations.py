"""Annotations for a pipeline: what to look at, in which line of which file.

They stand at the entry of the waiver that has ended, is about to, or is not needed,
and at the row of the baseline that was lost or mended; what is in neither stands alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from aios_conformance.conformance.options.values import Waiver
from aios_conformance.conformance.reporting.causes import causes
from aios_conformance.conformance.reporting.wording import in_short
from aios_conformance.conformance.terms.result import RequirementResult, RunResult
from aios_conformance.spec import requirement

SOON_DAYS = 14
"""A waiver that ends within so many days is told before it does."""
MOST = 10
"""GitHub shows so many of each kind for a step."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file that annotations can stand in."""

    name: str
    text: str

    def line(self, pattern: str) -> int:
        """The number of the first line that holds a pattern, else 1."""
        found = re.search(pattern, self.text)
        return self.text.count("\n", 0, found.start()) + 1 if found else 1


@dataclass(frozen=True, slots=True)
class Annotation:
    """One of them."""

    kind: Literal["error", "warning", "notice"]
    title: str
    text: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """As a workflow command of GitHub."""
        where = f"file={_property(self.file)},line={self.line}," if self.file else ""
        return f"::{self.kind} {where}title={_property(self.title)}::{_data(self.text)}"


def annotations(
    result: RunResult,
    waivers: tuple[Place, tuple[Waiver, ...]] | None = None,
    baseline: Place | None = None,
) -> list[Annotation]:
    """What to annotate, the first of each kind."""
    made = list(_made(result, waivers, baseline))
    kinds = ("error", "warning", "notice")
    return [a for kind in kinds for a in [x for x in made if x.kind == kind][:MOST]]


def _made(
    result: RunResult,
    waivers: tuple[Place, tuple[Waiver, ...]] | None,
    baseline: Place | None,
) -> Iterator[Annotation]:
    told: set[str] = set()
    if waivers is not None:
        place, entries = waivers
        for waiver in entries:
            for annotation in _of_waiver(result, place, waiver):
                told.add(waiver.id)
                yield annotation
    if baseline is not None:
        yield from _of_baseline(result, baseline, told)
    for cause in causes(result):
        each = cause.lead
        name = each.requirement.id
        if each.verdict == "fail" and _counts(each) and name not in told:
            also = f" (also {', '.join(cause.others)})" if cause.others else ""
            yield Annotation("error", _title(each), f"{in_short(each)}{also}")


def _of_waiver(result: RunResult, place: Place, waiver: Waiver) -> Iterator[Annotation]:
    row = requirement(waiver.id)
    line = place.line(rf"\b({re.escape(row.id)}|{re.escape(row.topic)})\b")
    title, where = f"{row.id} {row.topic}", (place.name, line)
    left = date.fromisoformat(waiver.expires) - date.fromisoformat(result.started[:10])
    if row.id in result.stale_waivers:
        yield Annotation("error", title, "waived, but kept: remove the waiver", *where)
    elif left.days < 0:
        yield Annotation(
            "error", title, f"the waiver expired on {waiver.expires}", *where
        )
    elif left.days <= SOON_DAYS:
        text = f"the waiver ends on {waiver.expires}: {waiver.reason}"
        yield Annotation("warning", title, text, *where)


def _of_baseline(
    result: RunResult, place: Place, told: set[str]
) -> Iterator[Annotation]:
    for each in result.scored:
        name = each.requirement.id
        line = place.line(rf'"id": ?"{re.escape(name)}"')
        if each.is_lost or (each.change == "new" and each.verdict == "fail"):
            told.add(name)
            was = each.before or "not in it"
            text = f"{each.verdict}, was {was}: {in_short(each)}"
            yield Annotation("error", _title(each), text, place.name, line)
        elif each.verdict == "pass" and each.before == "fail":
            text = "mended since: a new baseline would hold it"
            yield Annotation("notice", _title(each), text, place.name, line)


def _counts(each: RequirementResult) -> bool:
    return each.is_scored and each.change != "known"


def _title(each: RequirementResult) -> str:
    return f"{each.requirement.id} {each.requirement.topic}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D")
    return escaped.replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
