"""When a rule holds, and how near it comes where it does not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import SequenceMatcher
from typing import Any

from aios_conformance.mockserver.scripting.asked import ToolResult, asked
from aios_conformance.mockserver.scripting.expressions import (
    Expression,
    ExpressionError,
    Regex,
)
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.digits import whole_number
from aios_conformance.serving.located import short
from aios_conformance.serving.pointers import steps

_LOOKED_AT = 200  # characters of a text whose likeness is measured


@dataclass(frozen=True, slots=True)
class Miss:
    """A condition that does not hold; `wanted` and `found` tell how nearly."""

    reason: str
    wanted: Any = None
    found: Any = None

    @property
    def likeness(self) -> float:
        """From 0 to 1 for two texts or numbers that are alike; 0 for others."""
        if not (isinstance(self.wanted, str) and isinstance(self.found, str)):
            return 0.0
        wanted, found = self.wanted[:_LOOKED_AT], self.found[:_LOOKED_AT]
        return SequenceMatcher(None, wanted.lower(), found.lower()).ratio()


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold; one left out holds always."""

    api: str | None = None
    path: str | None = None
    model: str | None = None
    stream: bool | None = None
    text: str | None = None  # part of the last user text, in any letter case
    regex: Regex | None = None  # found in the last user text
    system: str | None = None  # part of the system text, in any letter case
    turn: int | None = None
    tool_result: ToolResult | bool | None = None
    body: Mapping[str, Any] = field(default_factory=dict)  # JSON pointer: value
    jmespath: Expression | None = None  # true of the body
    header: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Count the conditions."""
        values = [getattr(self, one.name) for one in fields(self)]
        return sum(
            len(value) if isinstance(value, dict) else value is not None
            for value in values
        )

    def misses(self, context: RequestContext) -> Iterator[Miss]:
        """Say which conditions do not hold, those that are quickly told first."""
        body = context.body
        for name, wanted, found in (
            ("api", self.api, context.api),
            ("path", self.path, context.path),
            ("model", self.model, body.get("model")),
            ("stream", self.stream, bool(body.get("stream"))),
        ):
            if wanted is not None and wanted != found:
                yield Miss(f"{name} is {found!r}, not {wanted!r}", wanted, found)
        for name, value in self.header.items():
            if context.headers.get(name) != value:
                yield Miss(f"the header {name} is not {value!r}")
        yield from self._unsaid(context)
        for pointer, wanted in self.body.items():
            found = look_up(body, pointer)
            if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
                yield Miss(
                    f"{pointer} is {short(found)}, not {wanted!r}", wanted, found
                )
        if self.jmespath is not None:
            try:
                if not self.jmespath.holds(body):
                    yield Miss(f"{self.jmespath.source} does not hold")
            except ExpressionError as error:
                yield Miss(str(error))

    def _unsaid(self, context: RequestContext) -> Iterator[Miss]:
        """Say which conditions on what was said do not hold."""
        found = asked(context)
        if self.text is not None and self.text.casefold() not in found.folded:
            yield _unfound(self.text, found.text, "text")
        if self.system is not None and not _within(self.system, found.system):
            yield _unfound(self.system, found.system, "system text")
        if self.regex is not None and self.regex.groups(found.text) is None:
            yield Miss(
                f"{self.regex.pattern!r} is not found in the text {short(found.text)}",
                self.regex.pattern,
                found.text,
            )
        if self.turn is not None and self.turn != found.turn:
            yield Miss(f"it is turn {found.turn}, not {self.turn}")
        if self.tool_result is not None:
            yield from _without(self.tool_result, found.results)


def _within(wanted: str, said: str) -> bool:
    return wanted.casefold() in said.casefold()


def _unfound(wanted: str, said: str, what: str) -> Miss:
    return Miss(f"{wanted!r} is not in the {what} {short(said)}", wanted, said)


def _without(
    wanted: ToolResult | bool, results: Sequence[ToolResult]
) -> Iterator[Miss]:
    """Say that the last messages are no such results of tools."""
    if isinstance(wanted, bool):
        if wanted != bool(results):
            is_ = "is" if results else "is not"
            yield Miss(f"the last message {is_} a tool's result")
    elif not any(_is_such(wanted, result) for result in results):
        yield Miss(f"{short(wanted)} is not among the results {short([*results])}")


def _is_such(wanted: ToolResult, result: ToolResult) -> bool:
    return (
        wanted.name in ("", result.name)
        and wanted.id in ("", result.id)
        and _within(wanted.text, result.text)
    )


def look_up(body: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) leads to; None if nothing."""
    for key in steps(pointer):
        if isinstance(body, dict):
            body = body.get(key)
        elif isinstance(body, list):
            place = whole_number(key)
            body = None if place is None or place >= len(body) else body[place]
        else:
            return None
    return body
