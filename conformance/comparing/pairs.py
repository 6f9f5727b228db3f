"""Which answers can be held against each other: those to the same request.

Two servers, or two days of one, are asked by the same plan, so what was asked stands
under the same scenario and step. Where a plan has changed (another edition, another
dialect) the nth time that a request was sent answers to the nth time of the other.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from aios_conformance.conformance.comparing.answers import differences
from aios_conformance.conformance.comparing.values import Difference
from aios_conformance.conformance.terms.exchange import (
    NOBODY,
    Api,
    Exchange,
    Observation,
)

_Content = tuple[str, bytes]
_CALL_ID = re.compile(rb'"(?:tool_call_)?id":"[^"]*"')
_WAVERING = frozenset(
    {"text", "tie", "finish", "logprob", "score", "vector", "rank", "count"}
)


@dataclass(frozen=True)
class Side:
    """One of the two: its report as data, and what was observed."""

    name: str  # "A"
    report: Mapping[str, Any]
    observations: Sequence[Observation] = ()
    exchanges: Sequence[Exchange] = ()  # all, what was sent again included
    key_env: str = "AIOS_API_KEY"

    @property
    def url(self) -> str:
        """Its base URL."""
        return str(self.report["target"]["url"])

    @property
    def dialect(self) -> str:
        """The contract that it was asked under."""
        return str(self.report["dialect"])

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """The results of its requirements, by id."""
        return {row["id"]: row for row in self.report["requirements"]}

    @cached_property
    def apis(self) -> frozenset[Api]:
        """The APIs that were asked for something."""
        return frozenset(e.api for seen in self.observations for e in _steps(seen))

    def content(self, exchange: Exchange) -> _Content:
        """What was asked, whatever models and calls of earlier answers are called."""
        body = _CALL_ID.sub(b'"id":""', exchange.request.body)
        for api, name in self.report["target"]["models"].items():
            body = body.replace(orjson.dumps(name), f'"<{api}>"'.encode())
        return exchange.request.operation, body

    def asked(self, exchange: str) -> _Content | None:
        """What an exchange, by its id, asked; None if it is not known."""
        found = self._by_id.get(exchange)
        return self.content(found) if found else None

    def apis_of(self, exchanges: Iterable[str]) -> tuple[Api, ...]:
        """The APIs that exchanges, by their ids, asked."""
        known = (self._by_id[each] for each in exchanges if each in self._by_id)
        return tuple(dict.fromkeys(each.api for each in known))

    @cached_property
    def _by_id(self) -> Mapping[str, Exchange]:
        return {each.id: each for each in self.exchanges}

    @cached_property
    def wavers(self) -> Mapping[tuple[Api, str, str], float]:
        """By how much its own answers to one and the same request differ.

        Keys are API, kind and pointer of what differs.
        """
        same: dict[object, list[Exchange]] = {}
        for each in {e.id: e for e in self.exchanges}.values():
            request = each.request
            asked = (request.operation, request.body, request.headers)
            if each.response is not None and request.body:
                same.setdefault(asked, []).append(each)
        found: dict[tuple[Api, str, str], float] = {}
        for first, *others in same.values():
            for other in others[:4]:
                for apart in differences(first, other, self.dialect):
                    if apart.kind in _WAVERING:
                        key = (first.api, apart.kind, apart.pointer)
                        found[key] = max(found.get(key, 0.0), abs(apart.size))
        return found


@dataclass(frozen=True)
class Pair:
    """Two answers to the same request."""

    one: Exchange
    other: Exchange
    differences: Sequence[Difference] = ()
    serves: tuple[str, ...] = ()

    @property
    def api(self) -> Api:
        """The API that was asked."""
        return self.one.api

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The members of the request."""
        body = self.one.request.json
        return frozenset(body) if isinstance(body, dict) else frozenset()


Found = tuple[Pair, Difference]


@dataclass
class Paired:
    """The pairs of two sides, and what could not be paired, with the reason."""

    pairs: list[Pair] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def paired(one: Side, other: Side) -> Paired:
    """Hold the answers of two sides against each other."""
    found = Paired()
    places = dict(_placed(other))
    served: dict[tuple[str, str], tuple[str, ...]] = {}
    matched: dict[tuple[str, str], tuple[Exchange, Exchange]] = {}
    waiting: list[Exchange] = []
    taken: set[str] = set()
    for place, mine in _placed(one):
        theirs = places.get(place)
        if theirs is None or one.content(mine) != other.content(theirs):
            waiting.append(mine)
            continue
        key = (mine.id, theirs.id)
        taken.add(theirs.id)
        matched.setdefault(key, (mine, theirs))
        served[key] = tuple(dict.fromkeys((*served.get(key, ()), *mine.serves)))
    free: dict[_Content, deque[Exchange]] = {}
    for theirs in _once(e for _, e in _placed(other)):
        if theirs.id not in taken:
            free.setdefault(other.content(theirs), deque()).append(theirs)
    known = {mine for mine, _ in matched}
    for mine in _once(e for e in waiting if e.id not in known):
        queue = free.get(one.content(mine))
        if queue:
            theirs = queue.popleft()
            matched[mine.id, theirs.id] = (mine, theirs)
            served[mine.id, theirs.id] = mine.serves
        else:
            found.left[_why(mine, one, other)] += 1
    for theirs in (e for queue in free.values() for e in queue):
        found.left[_why(theirs, other, one)] += 1
    for key, (mine, theirs) in matched.items():
        asked = ((mine, one), (theirs, other))
        if unheard := next((e for e, by in asked if _is_unheard(e, by)), None):
            found.left[str(unheard.failure)] += 1
            continue
        differ = differences(mine, theirs, one.dialect)
        found.pairs.append(Pair(mine, theirs, differ, served[key]))
    return found


def _placed(side: Side) -> Iterator[tuple[tuple[str, int, str], Exchange]]:
    for seen in side.observations:
        for label, exchange in seen.steps.items():
            yield (seen.probe, seen.draw, label), exchange


def _steps(seen: Observation) -> Iterable[Exchange]:
    return seen.steps.values()


def _once(exchanges: Iterable[Exchange]) -> list[Exchange]:
    return list({each.id: each for each in exchanges}.values())


def _is_unheard(exchange: Exchange, side: Side) -> bool:
    """Nobody was asked: it was not sent, or the target was gone for good."""
    failure = exchange.failure or ""
    is_gone = NOBODY in failure and not side.report.get("complete", True)
    return is_gone or failure.startswith("not sent")


def _why(exchange: Exchange, asked: Side, other: Side) -> str:
    """Why there is no answer of the other side to hold against this one."""
    if asked.dialect != other.dialect:
        return f"only {asked.name} was asked it: the dialects differ"
    if exchange.api not in other.apis:
        return f"{other.name} was not asked for {exchange.api}"
    if any(exchange.probe == seen.probe for seen in other.observations):
        return "asked in other words, as earlier answers or the plans differ"
    return f"only {asked.name} was asked it: the plans differ"
