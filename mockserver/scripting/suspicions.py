"""What rules say that can be done and has no effect: what never acts."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Final

from aios_conformance import spec
from aios_conformance.mockserver.scripting.asked import ToolResult
from aios_conformance.mockserver.scripting.conditions import Match
from aios_conformance.mockserver.scripting.rules import Rule, RuleResponse
from aios_conformance.serving.located import Path as Place
from aios_conformance.serving.located import Problem
from aios_conformance.serving.pointers import steps

_COMPARED: Final = 500  # rules of which it is told that an earlier one takes all
_CONVERSED: Final = ("system", "turn", "tool_result")  # that only chat can meet


def suspicions(rules: Sequence[Rule]) -> Iterator[Problem]:
    """Yield what can be done and has no effect: rules and parts that never act."""
    apis = [api for name in spec.known_dialects() for api in spec.apis(name).values()]
    paths = {
        operation.partition(" ")[2]: str(api.name)
        for api in apis
        for operation in api.operations
    }
    members = {name for api in apis for name in api.members}
    for position, rule in enumerate(rules):
        at = ("rules", position)
        compared = rules[:position] if position < _COMPARED else ()
        for number, earlier in enumerate(compared, 1):
            if earlier.times is None and covers(earlier.match, rule.match):
                yield Problem(
                    at,
                    f"{rule.name!r} never answers: {earlier.name!r} (rule {number}) "
                    "takes all that it would",
                )
                break
        yield from _impossible(rule.match, (*at, "match"), paths)
        yield from _mistyped(rule.match, (*at, "match"), members)
        named = [one.name for one in compared]
        if rule.name in named:
            first = f"rule {named.index(rule.name) + 1} is named {rule.name!r} too"
            yield Problem(at, f"{first}: Prefer: example takes that one")
        for number, response in enumerate(rule.responses):
            yield from _unsaid(response, (*at, "respond", number))


def covers(wide: Match, narrow: Match) -> bool:
    """Tell whether one match surely holds wherever the other does."""
    return all(
        _implied(one.name, getattr(wide, one.name), getattr(narrow, one.name))
        for one in fields(Match)
    )


def _implied(name: str, wide: Any, narrow: Any) -> bool:
    if wide is None or wide == narrow:
        return True
    if isinstance(wide, Mapping):
        return all(key in narrow and narrow[key] == wide[key] for key in wide)
    if name in ("text", "system"):
        return narrow is not None and wide.casefold() in narrow.casefold()
    return wide is True and isinstance(narrow, ToolResult)


def _impossible(match: Match, at: Place, paths: Mapping[str, str]) -> Iterator[Problem]:
    if match.path is not None and match.path not in paths:
        yield Problem((*at, "path"), "no document of ours has this path")
    elif match.path is not None and match.api not in (None, paths[match.path]):
        yield Problem(at, f"{match.path} is no path of {match.api}")
    for name in _CONVERSED:
        if getattr(match, name) and match.api not in (None, "chat"):
            yield Problem((*at, name), f"{match.api} has no {name}")


def _mistyped(match: Match, at: Place, members: Collection[str]) -> Iterator[Problem]:
    """Yield members of a body that no document has, and that are near to one it has."""
    looked_up: list[tuple[Place, list[str]]] = [
        (("body", pointer), steps(pointer)[:1]) for pointer in match.body
    ]
    if match.jmespath is not None:
        looked_up.append((("jmespath",), [path[0] for path in match.jmespath.paths]))
    for place, names in looked_up:
        for name in names:
            near = get_close_matches(name, members, 1)
            if near and name not in members:
                text = f"no document of ours has {name!r}, the nearest is {near[0]!r}"
                yield Problem((*at, *place), text)


def _unsaid(response: RuleResponse, at: Place) -> Iterator[Problem]:
    script = response.script
    status = response.status or (response.fault and response.fault.status)
    if status and (script.text or script.tool_calls or response.json is not None):
        yield Problem(at, f"status {status} refuses, so that nothing is said")
    if response.message is not None and response.status is None:
        yield Problem((*at, "message"), "only a refusal has a message; add a status")
