"""Rebuilding a request: a printed one, with as little changed as shows a finding.

A member that a finding, its row or the broken rule names is tried alone; else all
that tell the failing request from the nearest printed one, its texts apart; else
printed texts in the failing request's form. What does not matter is then put back, but
for limits on the answer: without one a model may write for minutes, at somebody's cost.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce
from itertools import cycle, islice
from typing import Any

from aios_conformance.conformance.judging.plain import ABSENT, bases, differences
from aios_conformance.conformance.probes.bodies import TRUNCATION, limit_of
from aios_conformance.conformance.probes.pairs import LIMITS
from aios_conformance.conformance.terms.exchange import Exchange, Facts, Json
from aios_conformance.spec import apis

_WORD = re.compile(r"\w+")
_POINTER = re.compile(r"/(\w+)((?:/\w+)*)")
_SPOKEN = ("content", "text")
"""Members of a message that hold what is said."""

Path = tuple[str | int, ...]
Shows = Callable[[Json], Awaitable[bool]]


@dataclass(frozen=True)
class Rebuilding:
    """What a failing request is rebuilt from.

    `base` is the nearest printed body with the served model, and with the limits of the
    failing one that do not matter; `valid` is it with one in any case. `changes` make
    the failing one of it, but for the texts; `place` is the part of a text that the
    broken rule speaks of, with its value there and what stands beside it.
    """

    base: Mapping[str, Any]
    valid: Mapping[str, Any]
    changes: Mapping[str, Any]
    named: frozenset[str]
    texts: Mapping[str, Any]
    place: tuple[Path, Any, Mapping[str, Any]] | None

    def bodies(self) -> Iterator[tuple[Json, Mapping[str, Any]]]:
        """The bodies to try, the plainest first: what is changed, and in what."""
        few = {name: v for name, v in self.changes.items() if name in self.named}
        base = dict(self.base)
        if self.place is not None:
            altered = _altered(self.base, *self.place)
            base = {**base, **self.texts} if altered is None else altered
        is_rebuilt = base != self.base
        if few or is_rebuilt:
            yield base, few
        if self.changes != few:
            yield base, self.changes
        formed = {
            name: _formed(value, self.base.get(name))
            for name, value in self.texts.items()
        }
        if not is_rebuilt and differences({**base, **formed}, base):
            yield {**base, **formed}, self.changes

    async def search(self, shows: Shows, *, is_whole: bool) -> bool:
        """Try bodies until one shows the finding, if any does; then fewer changes.

        `is_whole`: no change may be left out, or the request would not be what it
        claims, and no schema would tell.
        """
        for base, changes in self.bodies():
            if is_whole and changes != self.changes:
                continue
            if await shows(changed(base, changes)):
                if not is_whole:
                    short = await self._shorter(base, changes, shows)
                    await self._put_back(short, dict(changes), shows)
                return True
        return False

    async def _shorter(
        self, base: Json, changes: Mapping[str, Any], shows: Shows
    ) -> Json:
        """The base with lists that are not printed as short as shows the finding."""
        made = differences(base, self.base)
        long = {n: v for n, v in made.items() if n in self.texts and _is_texts(v)}
        if not long:
            return base
        few, many = 0, max(map(len, long.values()))
        while many - few > 1:
            middle = (few + many) // 2
            cut = {**base, **{name: value[:middle] for name, value in long.items()}}
            if await shows(changed(cut, changes)):
                base, many = cut, middle
            else:
                few = middle
        return base

    async def _put_back(
        self, base: Json, changes: dict[str, Any], shows: Shows
    ) -> None:
        for name in sorted(changes, key=lambda name: name in self.named):
            if name in LIMITS and changes[name] is not None:
                continue
            fewer = {other: v for other, v in changes.items() if other != name}
            if (fewer or base != self.base) and await shows(changed(base, fewer)):
                changes = fewer


def rebuilding(
    failing: Exchange, told: str, dialect: str, facts: Facts
) -> Rebuilding | None:
    """How to rebuild a request, or None if it is no JSON object of a known API.

    `told`: all that speaks of the finding.
    """
    body, api = failing.request.json, apis(dialect).get(failing.api)
    model = facts.models.get(failing.api)
    if api is None or model is None or not isinstance(body, dict):
        return None
    texts = [name for name in api.required if name != "model"]
    named = frozenset(_WORD.findall(told)) | {"stream"}
    limits = {n: v for n, v in body.items() if n in LIMITS - named and v is not None}

    def apart(base: Mapping[str, Any]) -> dict[str, Any]:
        rest = (
            {n: v for n, v in each.items() if n not in texts} for each in (body, base)
        )
        return differences(*rest)

    served = [
        _bounded({**each, **limits, "model": model}, facts.limits.get(failing.api))
        for each in bases(dialect, failing.api)
    ]
    base = min(served, key=lambda each: len(apart(each)))
    return Rebuilding(
        base,
        base if limits else {**base, **limit_of(api)},
        apart(base),
        named,
        {name: body[name] for name in texts if name in body},
        _place(failing.breaks, body, texts),
    )


def _bounded(body: dict[str, Any], limit: int | None) -> dict[str, Any]:
    """Without a limit that is more than the model says that it reads (A-047)."""
    if limit is not None and body.get(TRUNCATION, 0) > limit:
        del body[TRUNCATION]
    return body


def _place(
    breaks: str, body: Mapping[str, Any], texts: Collection[str]
) -> tuple[Path, Any, Mapping[str, Any]] | None:
    """The part of a text that a broken rule speaks of, with its value.

    And what stands beside it, such as the role of a message, but for texts.
    """
    found = _POINTER.match(breaks)
    if found is None or found[1] not in texts:
        return None
    parts = (found[1] + found[2]).split("/")
    path = tuple(int(part) if part.isdecimal() else part for part in parts)
    around = _at(body, path[:-1]) if path[1:] else None
    beside = around.items() if isinstance(around, dict) else ()
    apart = (path[-1], *_SPOKEN)
    return path, _at(body, path), {n: v for n, v in beside if n not in apart}


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A body with members put in or taken out."""
    return {k: v for k, v in {**base, **changes}.items() if v is not ABSENT}


def _at(value: Any, path: Path) -> Any:
    try:
        return reduce(lambda inner, part: inner[part], path, value)
    except (LookupError, TypeError):
        return ABSENT


def _altered(
    base: Mapping[str, Any], path: Path, value: Any, beside: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The base with another value at a place, None if it has no such place."""
    made = deepcopy(dict(base))
    inner = _at(made, path[:-1])
    if any(_at(inner, (name,)) != each for name, each in beside.items()):
        return None
    try:
        if value is ABSENT:
            del inner[path[-1]]
        else:
            inner[path[-1]] = value
    except (LookupError, TypeError):
        return None
    return made


def _formed(value: Any, base: Any) -> Any:
    """Printed texts in the form of a value: one or a list, of as many."""
    texts = base if isinstance(base, list) else [base]
    if isinstance(value, str):
        spoken = next((text for text in texts if isinstance(text, str)), value)
        return spoken if value.strip() else value
    if not isinstance(value, list):
        return value
    if _is_texts(value):
        plain = islice(cycle(texts), len(value))
        return [p if v.strip() else v for p, v in zip(plain, value, strict=True)]
    asked = [item for item in value if _asks(item)]
    if len(asked) != 1:
        return value  # a conversation says what it says
    said = next(text for text in reversed(texts) if _asks(text))
    return [_spoken(item, said["content"]) if _asks(item) else item for item in value]


def _asks(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "user"


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _spoken(value: Any, text: str) -> Any:
    """A message that says a printed text."""
    if not isinstance(value, dict):
        return value
    return {
        name: text
        if name in _SPOKEN and isinstance(inner, str) and inner.strip()
        else [_spoken(part, text) for part in inner]
        if name == _SPOKEN[0] and isinstance(inner, list)
        else inner
        for name, inner in value.items()
    }
