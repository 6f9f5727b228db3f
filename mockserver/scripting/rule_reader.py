"""Read rules strictly: every mistake is told, with its place and the nearest word.

A rules file is YAML: a list under `rules`, each with `match` and `respond`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path as File
from typing import Any, Final, TypeVar, cast

from aios_conformance import spec
from aios_conformance.mockserver.faults.kinds import FaultError, parse_fault
from aios_conformance.mockserver.scripting.asked import ToolResult
from aios_conformance.mockserver.scripting.conditions import Match
from aios_conformance.mockserver.scripting.expressions import (
    Expression,
    ExpressionError,
    Regex,
)
from aios_conformance.mockserver.scripting.rules import Rule, RuleResponse
from aios_conformance.mockserver.scripting.script import Script
from aios_conformance.mockserver.scripting.templates import templated
from aios_conformance.serving.located import (
    Document,
    Malformed,
    Path,
    Problems,
    read_yaml,
    short,
    unknown,
)

_RULE: Final = ("name", "match", "respond", "times", "off")
_MATCH: Final = tuple(one.name for one in fields(Match))
_RESPOND: Final = (
    *("text", "reasoning", "tool_calls", "scores", "json", "status", "message"),
    *("fault", "delay_ms", "headers"),
)
_KINDS: Final[Mapping[type, str]] = {
    str: "text (in quotes)",
    bool: "true or false",
    dict: "a mapping",
    list: "a list",
    int: "a whole number",
    float: "a number",
}
_HEADER: Final = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")
_FRAMING: Final = ("content-length", "transfer-encoding", "connection", "content-type")
_CALL: Final = ("name", "arguments")
_FILLED: Final = ("text", "reasoning", "tool_calls", "json", "message")
_RESULT: Final = tuple(one.name for one in fields(ToolResult))
_LONGEST: Final = 3_600_000  # milliseconds that a rule may wait

T = TypeVar("T")
RuleError = Malformed
"""Rules that cannot be taken; the text has a line for each mistake, with its place."""


def load_rules(path: File) -> tuple[Rule, ...]:
    """Read a rules file; raises RuleError."""
    document = read_yaml(path)
    problems = Problems()
    rules = document_rules(document, problems)
    document.refuse(problems)
    return rules


def document_rules(document: Document, problems: Problems) -> tuple[Rule, ...]:
    """Return the rules of a file that can be read; note what is wrong with it."""
    problems.extend(document.problems)
    if isinstance(document.value, list):
        problems.at((), "a rules file needs a list under `rules`, got the list alone")
        return ()
    content = problems.mapping(document.value, (), ("rules",), "a rules file")
    if not content and not problems:
        problems.at((), "a rules file needs a list under `rules`")
    return _rules(content.get("rules", []), ("rules",), problems)


def parse_rules(content: Any) -> tuple[Rule, ...]:
    """Read `{"rules": [...]}`; raises RuleError with JSON pointers."""
    problems = Problems()
    body = problems.mapping(content, (), ("rules",), "the body")
    rules = _rules(body.get("rules"), ("rules",), problems)
    problems.refuse()
    return rules


def _rules(content: Any, path: Path, problems: Problems) -> tuple[Rule, ...]:
    if not isinstance(content, list):
        problems.at(path, f"rules must be a list, got {short(content)}")
        return ()
    return tuple(
        _rule(item, position + 1, _Place((*path, position), problems))
        for position, item in enumerate(content)
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A path in what is read; what is found wrong below it is noted."""

    path: Path
    problems: Problems

    def below(self, *steps: str | int) -> "_Place":
        return _Place((*self.path, *steps), self.problems)

    def mapping(self, item: Any, known: Iterable[str], what: str) -> dict[str, Any]:
        return self.problems.mapping(item, self.path, known, what)

    def wrong(self, message: str) -> None:
        self.problems.at(self.path, message)

    def typed(self, mapping: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
        """Return a member if it has its type; None if it has not, or is not there."""
        value = mapping.get(name)
        if value is None:
            if name in mapping:
                self.below(name).wrong(f"{name} says nothing; leave it out")
            return None
        if type(value) is kind or (kind is float and type(value) is int):
            return cast("T", value)
        self.below(name).wrong(f"{name} must be {_KINDS[kind]}, got {short(value)}")
        return None

    def read(
        self, mapping: Mapping[str, Any], name: str, parse: Callable[[str], T]
    ) -> T | None:
        """Return what a text means; None if it cannot be read."""
        text = self.typed(mapping, name, str)
        try:
            return None if text is None else parse(text)
        except (ExpressionError, FaultError) as error:
            self.below(name).wrong(f"{name}: {error}")
            return None


def _rule(item: Any, number: int, at: _Place) -> Rule:
    rule = at.mapping(item, _RULE, "a rule")
    times = at.typed(rule, "times", int)
    if times is not None and times < 1:
        at.below("times").wrong(f"times must be a whole number from 1, got {times}")
    name = at.typed(rule, "name", str) or f"rule {number}"
    match = _match(rule.get("match", {}), at.below("match"))
    responses = rule.get("respond")
    if rule and responses in (None, []):
        at.wrong(f"{name}: respond is required")
    place = at.below("respond")
    read = (
        [_response(each, place.below(n)) for n, each in enumerate(responses)]
        if isinstance(responses, list)
        else [_response(responses or {}, place)]
    )
    return Rule(
        name,
        match,
        [response for response, _ in read],
        times,
        holes=any(holes for _, holes in read),
        off=at.typed(rule, "off", bool) or False,
        source=rule,
    )


def _match(item: Any, at: _Place) -> Match:
    match = at.mapping(item, _MATCH, "match")
    api = at.typed(match, "api", str)
    if api is not None and api not in _apis():
        at.below("api").wrong(unknown("api", api, _apis()))
    turn = at.typed(match, "turn", int)
    if turn is not None and turn < 1:
        at.below("turn").wrong(f"turn counts from 1, got {turn}")
    body = at.typed(match, "body", dict) or {}
    for pointer in body:
        if pointer != "" and not str(pointer).startswith("/"):
            at.below("body", pointer).wrong(
                f"body needs JSON pointers such as /temperature, got {pointer!r}"
            )
    header = at.typed(match, "header", dict) or {}
    for name in header:
        at.below("header").typed(header, name, str)
    path = at.typed(match, "path", str)
    if path is not None and not path.startswith("/"):
        at.below("path").wrong(f"a path begins with /, got {path!r}")
    return Match(
        api=api,
        path=path,
        model=at.typed(match, "model", str),
        stream=at.typed(match, "stream", bool),
        text=at.typed(match, "text", str),
        regex=at.read(match, "regex", Regex),
        system=at.typed(match, "system", str),
        turn=turn,
        tool_result=_tool_result(match, at),
        body=body,
        jmespath=at.read(match, "jmespath", Expression),
        header=header,
    )


def _tool_result(match: Mapping[str, Any], at: _Place) -> ToolResult | bool | None:
    wanted = match.get("tool_result")
    if wanted is None or isinstance(wanted, bool):
        return at.typed(match, "tool_result", bool)
    at = at.below("tool_result")
    result = at.mapping(wanted, _RESULT, "tool_result")
    return ToolResult(**{name: at.typed(result, name, str) or "" for name in _RESULT})


def _response(item: Any, at: _Place) -> tuple[RuleResponse, bool]:
    """Return a response, and whether it has holes."""
    response = at.mapping(item, _RESPOND, "respond")
    status = at.typed(response, "status", int)
    if status is not None and not 400 <= status <= 599:
        at.below("status").wrong(f"status must be from 400 to 599, got {status}")
    delay = at.typed(response, "delay_ms", float) or 0.0
    if not 0 <= delay <= _LONGEST:
        at.below("delay_ms").wrong(
            f"delay_ms must be a number from 0 to {_LONGEST}, got {delay}"
        )
    for name in ("text", "reasoning", "message"):
        at.typed(response, name, str)
    scores = at.typed(response, "scores", list)
    for position, score in enumerate(scores or ()):
        if type(score) not in (int, float) or not 0 <= score <= 1:
            at.below("scores", position).wrong(
                f"scores go from 0 to 1, got {short(score)}"
            )
    calls = at.typed(response, "tool_calls", list) or []
    for position, call in enumerate(calls):
        place = at.below("tool_calls", position)
        known = place.mapping(call, _CALL, "a tool call")
        if isinstance(call, dict) and place.typed(known, "name", str) is None:
            place.wrong("each tool call needs a name")
    fault = at.read(response, "fault", parse_fault)
    made = templated(
        {name: response.get(name) for name in _FILLED}, at.path, at.problems
    )
    script = Script(
        text=made["text"],
        reasoning=made["reasoning"],
        tool_calls=tuple(made["tool_calls"] or ()) if calls else (),
        scores=scores,
    )
    holes = any(made[name] is not response.get(name) for name in _FILLED)
    return (
        RuleResponse(
            script,
            made["json"],
            status,
            made["message"],
            fault,
            delay,
            _headers(response, at),
        ),
        holes,
    )


def _headers(response: Mapping[str, Any], at: _Place) -> Mapping[str, str]:
    """Return the headers of a response; numbers may stand without quotes."""
    read = {}
    for name, value in (at.typed(response, "headers", dict) or {}).items():
        text = str(value) if type(value) in (int, float) else value
        if not _HEADER.fullmatch(str(name)) or str(name).lower() in _FRAMING:
            at.below("headers", name).wrong(f"no rule can set the header {short(name)}")
        elif not isinstance(text, str) or not _VALUE.fullmatch(text):
            at.below("headers", name).wrong(
                f"{name} must be a line of text, got {short(value)}"
            )
        else:
            read[str(name)] = text
    return read


def _apis() -> tuple[str, ...]:
    """Return the names of the APIs that a dialect of ours or a brought one has."""
    brought = [name for name in spec.known_dialects() if name not in spec.DIALECTS]
    names = (api for dialect in brought for api in spec.apis(dialect))
    return tuple(dict.fromkeys((*spec.MODEL_APIS, *names)))
