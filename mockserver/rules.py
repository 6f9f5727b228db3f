"""Rules: what to answer when a request looks so and so.

A rules file is YAML: a list under `rules`, each with `match` and `respond`. The first
rule that matches and is not used up answers; without one the mock answers by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Final

import re2

from aios_conformance.mockserver.faults import Fault, FaultError, parse_fault
from aios_conformance.mockserver.script import Script
from aios_conformance.serving.context import RequestContext
from aios_conformance.serving.pointers import steps

_MATCH: Final = frozenset(
    {"api", "path", "model", "text", "regex", "body", "header", "stream"}
)
_RESPOND: Final = frozenset(
    {
        *("text", "reasoning", "tool_calls", "scores", "json", "status", "message"),
        *("fault", "delay_ms"),
    }
)
_SAID: Final = "mock.said"  # the text that rules look at
_RULE: Final = frozenset({"name", "match", "respond", "times"})


class RuleError(ValueError):
    """A rule cannot be understood; the text says which, where, and what is valid."""


@dataclass(frozen=True, slots=True)
class RuleResponse:
    """What a rule answers; what it leaves out the mock does by itself."""

    script: Script = field(default_factory=Script)
    json: Any = None  # instead of the whole answer
    status: int | None = None  # a refusal
    message: str | None = None
    fault: Fault | None = None
    delay_ms: float = 0.0  # before anything else


_QUIET: Final = re2.Options()
_QUIET.log_errors = False


class Regex:
    """A regular expression that no text can keep busy: it is read once, by RE2."""

    def __init__(self, pattern: str) -> None:
        """Compile it. Raises RuleError for what RE2 does not have."""
        self.pattern = pattern
        try:
            self._found = re2.compile(pattern, _QUIET).search
        except re2.error as error:
            reason = error.args[0] if error.args else "unknown"
            text = reason.decode() if isinstance(reason, bytes) else str(reason)
            raise RuleError(f"{text} (RE2 has no look-around, no \\1)") from None

    def found(self, text: str) -> bool:
        """Tell whether a text has a match."""
        return self._found(text.encode("utf-8", "replace")) is not None


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold; one left out holds always."""

    api: str | None = None
    path: str | None = None
    model: str | None = None
    text: str | None = None  # part of the last user text, in any letter case
    regex: Regex | None = None  # found in the last user text
    body: Mapping[str, Any] = field(default_factory=dict)  # JSON pointer: value
    header: Mapping[str, str] = field(default_factory=dict)
    stream: bool | None = None

    def misses(self, context: RequestContext) -> Iterator[str]:
        """Say which conditions do not hold."""
        if _SAID not in context.memory:
            context.memory[_SAID] = last_user_text(context)
        said: str = context.memory[_SAID]
        for name, wanted, found in (
            ("api", self.api, context.api),
            ("path", self.path, context.path),
            ("model", self.model, context.body.get("model")),
            ("stream", self.stream, bool(context.body.get("stream"))),
        ):
            if wanted is not None and wanted != found:
                yield f"{name} is {found!r}, not {wanted!r}"
        if self.text is not None and self.text.casefold() not in said.casefold():
            yield f"{self.text!r} is not in the text {_short(said)}"
        if self.regex is not None and not self.regex.found(said):
            yield f"{self.regex.pattern!r} is not found in the text {_short(said)}"
        for pointer, wanted in self.body.items():
            found = look_up(context.body, pointer)
            if found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
                yield f"{pointer} is {_short(found)}, not {wanted!r}"
        for name, value in self.header.items():
            if context.headers.get(name) != value:
                yield f"the header {name} is not {value!r}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who, what, and how often; `responses` come in turn, the last one stays."""

    name: str
    match: Match
    responses: Sequence[RuleResponse]
    times: int | None = None  # None: without limit


class Rules:
    """A list of rules that keeps count of how often each was used."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        """Begin with all counts at zero."""
        self.rules = tuple(rules)
        self.used = [0] * len(self.rules)
        self._finding = Lock()  # large requests are prepared in threads

    def reset(self) -> None:
        """Forget what was used."""
        self.used = [0] * len(self.rules)

    def find(self, context: RequestContext) -> tuple[Rule, RuleResponse] | None:
        """Return the first rule that matches and its next response, and count it."""
        with self._finding:
            for position, rule in enumerate(self.rules):
                used = self.used[position]
                if rule.times is not None and used >= rule.times:
                    continue
                if next(rule.match.misses(context), None) is None:
                    self.used[position] += 1
                    return rule, rule.responses[min(used, len(rule.responses) - 1)]
        return None

    def nearest(self, context: RequestContext) -> str:
        """Say which rule came closest to a request, and why it missed."""
        best: tuple[int, str] | None = None
        for rule, used in zip(self.rules, self.used, strict=True):
            misses = list(rule.match.misses(context))
            if rule.times is not None and used >= rule.times:
                misses.append(f"it was used {used} times already")
            if misses and (best is None or len(misses) < best[0]):
                best = len(misses), f"{rule.name!r} misses: {'; '.join(misses)}"
        return best[1] if best else "there are no rules"


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read a rules file; raises RuleError."""
    import yaml  # noqa: PLC0415 - only those who use a file pay for it

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RuleError(f"cannot read {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RuleError(f"{path} is no YAML: {error}") from None
    if not isinstance(content, dict) or content.keys() != {"rules"}:
        raise RuleError(f"{path} must hold a mapping with the one key `rules`")
    return parse_rules(content["rules"], str(path))


def parse_rules(content: Any, where: str) -> tuple[Rule, ...]:
    """Read a list of rules; `where` names it in a RuleError."""
    if not isinstance(content, list):
        raise RuleError(f"{where}: rules must be a list")
    return tuple(
        _rule(item, position, f"{where}: rule {position}")
        for position, item in enumerate(content, 1)
    )


def _rule(item: Any, position: int, where: str) -> Rule:
    rule = _mapping(item, _RULE, where)
    name = str(rule.get("name", f"rule {position}"))
    where = f"{where} ({name})" if "name" in rule else where
    times = rule.get("times")
    if times is not None and (type(times) is not int or times < 1):
        raise RuleError(f"{where}: times must be a whole number from 1, got {times!r}")
    responses = rule.get("respond")
    if not isinstance(responses, list):
        responses = [responses]
    if not responses or None in responses:
        raise RuleError(f"{where}: respond is required")
    return Rule(
        name,
        _match(rule.get("match") or {}, f"{where}: match"),
        [_response(response, f"{where}: respond") for response in responses],
        times,
    )


def _match(item: Any, where: str) -> Match:
    match = _mapping(item, _MATCH, where)
    _typed(match, where, str, "api", "path", "model", "text", "regex")
    _typed(match, where, dict, "body", "header")
    _typed(match, where, bool, "stream")
    for pointer in match.get("body", {}):
        if pointer and not pointer.startswith("/"):
            raise RuleError(
                f"{where}: body needs JSON pointers such as /temperature, "
                f"got {pointer!r}"
            )
    try:
        regex = Regex(match["regex"]) if "regex" in match else None
    except RuleError as error:
        raise RuleError(f"{where}: regex: {error}") from None
    return Match(**{**match, "regex": regex})


def _response(item: Any, where: str) -> RuleResponse:
    response = _mapping(item, _RESPOND, where)
    _typed(response, where, str, "text", "reasoning", "message", "fault")
    _typed(response, where, list, "tool_calls", "scores")
    status = response.get("status")
    if status is not None and (type(status) is not int or not 400 <= status <= 599):
        raise RuleError(f"{where}: status must be from 400 to 599, got {status!r}")
    for call in response.get("tool_calls", ()):
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            raise RuleError(f"{where}: each tool call needs a name")
    for score in response.get("scores", ()):
        if not isinstance(score, int | float) or not 0 <= score <= 1:
            raise RuleError(f"{where}: scores go from 0 to 1, got {score!r}")
    delay = response.get("delay_ms", 0)
    if not isinstance(delay, int | float) or delay < 0:
        raise RuleError(f"{where}: delay_ms must be a number from 0, got {delay!r}")
    try:
        fault = parse_fault(response["fault"]) if "fault" in response else None
    except FaultError as error:
        raise RuleError(f"{where}: fault {error}") from None
    script = Script(
        text=response.get("text"),
        reasoning=response.get("reasoning"),
        tool_calls=tuple(response.get("tool_calls", ())),
        scores=response.get("scores"),
    )
    return RuleResponse(
        script, response.get("json"), status, response.get("message"), fault, delay
    )


def _mapping(item: Any, known: frozenset[str], where: str) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise RuleError(f"{where} must be a mapping, got {_short(item)}")
    unknown = sorted(str(key) for key in item.keys() - known)
    if unknown:
        valid = ", ".join(sorted(known))
        raise RuleError(f"{where}: unknown key {unknown[0]!r}; valid are {valid}")
    return item


def _typed(item: Mapping[str, Any], where: str, kind: type, *names: str) -> None:
    for name in names:
        if name in item and not isinstance(item[name], kind):
            raise RuleError(
                f"{where}: {name} must be a {kind.__name__}, got {_short(item[name])}"
            )


def last_user_text(context: RequestContext) -> str:
    """Return what the client last said: message, prompt, input, query or text_1."""
    required = context.operation.about.required if context.operation else ()
    said = next((name for name in required if name != "model"), "")
    if said != "messages":
        return _text(context.body.get(said))
    messages = [m for m in _listed(context.body.get(said)) if _from_user(m)]
    return _text(messages[-1].get("content")) if messages else ""


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _from_user(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "user"


def _text(value: Any) -> str:
    """Join strings, lists of strings, and text parts."""
    if isinstance(value, str):
        return value
    parts = [
        item.get("text", "") if isinstance(item, dict) else item
        for item in _listed(value)
    ]
    return "\n".join(part for part in parts if isinstance(part, str))


def look_up(body: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) leads to; None if nothing."""
    for key in steps(pointer):
        if isinstance(body, dict):
            body = body.get(key)
        elif isinstance(body, list) and key.isdecimal() and int(key) < len(body):
            body = body[int(key)]
        else:
            return None
    return body


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
