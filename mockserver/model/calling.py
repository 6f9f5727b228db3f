"""Which tools the mock calls, in which order, and when an agent's work is done."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from aios_conformance.mockserver.model.conversation import Conversation
from aios_conformance.mockserver.model.facts import facts_of
from aios_conformance.mockserver.model.geometry import FUNCTION_WORDS, features
from aios_conformance.mockserver.model.told import Material

# ruff: noqa: SIM905 - word lists read best as text

_GENERIC: Final = FUNCTION_WORDS | frozenset(
    "get set find search fetch call use make do run tool function return".split()
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+")
_NAMED: Final = 100  # the relevance of a function whose very name is said
_WORD: Final = 10  # the relevance of one word of the name
_ENDS: Final = frozenset(
    """final finish finished done submit complete completion terminate end stop exit
    respond answer reply""".split()
)
_ENDING: Final = re.compile(
    r"final (?:answer|response|result|output)|when you are done"
    r"|respond with an? (?:json|structured)\b"
    r"|ends? (?:this|the) (?:conversation|task|run)|task is (?:complete|done|finished)",
    re.IGNORECASE,
)
_FORM: Final = re.compile(r"(?<=[a-z]{3})(?:ie[sd]|ying|y|ing|e[sd]?|(?<!s)s)$")
"""The endings of a word's forms: multiply, multiplied; search, searches, searching."""
_LATER: Final = re.compile(
    r"\b(?:then|afterwards|after that|the result|its result|그 다음)\b", re.IGNORECASE
)
_MANY: Final = 16  # calls made at once


@dataclass(frozen=True, slots=True)
class CallToMake:
    """A function to call, and what its arguments are taken from."""

    function: Mapping[str, Any]
    source: Material


def calls(talk: Conversation, *, must: bool, parallel: bool) -> list[CallToMake]:
    """Return what to call now; nothing if the model is to answer in text.

    First come the tools that the user asked for, one after the other or, if they are
    independent, at once. After the last one, or if there is no other, the tool is
    called that ends the work, if there is one. `must` never returns nothing if a tool
    is offered: it prefers one that was not called yet.
    """
    functions = [
        tool["function"] for tool in talk.tools if tool["function"].get("name")
    ]
    called = talk.called
    wanted = [
        one
        for one in _asked(functions, talk.question)
        if _name(one.function) not in called
    ]
    ends = [one for one in functions if _ends(one)]
    if must and len(functions) > len(ends):
        wanted = [one for one in wanted if one.function not in ends]
    if wanted:
        return _now(wanted, talk, parallel=parallel)
    rest = [*ends, *(one for one in functions if _name(one) not in called), *functions]
    ready = called or len(ends) == len(functions)  # there is nothing to do before
    if must or (ends and ready and _name(ends[0]) not in called):
        whole = Material(talk.stated, talk.results, lean=True)
        return [CallToMake(one, whole) for one in rest[:1]]
    return []


def _now(
    wanted: Sequence[CallToMake], talk: Conversation, *, parallel: bool
) -> list[CallToMake]:
    """Return those of the calls that need not wait for another's result."""
    first, *others = wanted
    chosen = [*_each(first)] if parallel else [first]
    for one in others:
        if not parallel or _LATER.search(one.source.question) or len(chosen) >= _MANY:
            break
        chosen += _each(one)
    results = talk.results
    return [
        CallToMake(one.function, Material(one.source.question, results, lean=True))
        for one in chosen
    ]


def _each(call: CallToMake) -> Iterator[CallToMake]:
    """Yield a call for each of several names that the only argument could hold."""
    parameters = call.function.get("parameters") or {}
    required: Sequence[Any] = parameters.get("required") or ()
    members = parameters.get("properties") or {}
    only = members.get(required[0]) if len(required) == 1 else None
    names = facts_of(call.source.question).names
    together = _together(call.source.question, names)
    if (
        not isinstance(only, dict)
        or only.get("type") != "string"
        or "enum" in only
        or len(together) < 2
    ):
        yield call
        return
    for name in together:
        rest = call.source.question
        for other in together:
            if other != name:
                rest = rest.replace(other, "", 1)
        yield CallToMake(call.function, Material(rest))


def _together(text: str, names: Sequence[str]) -> list[str]:
    """Return the first names that stand in a row, joined by commas, `and` or `or`."""
    row = list(names[:1])
    for before, after in pairwise(names[:_MANY]):
        joint = r"\s*(?:,|,? and|,? or|&|와|과|,? vs\.?)\s+"
        row_goes_on = rf"{re.escape(before)}{joint}{re.escape(after)}\b"
        if not re.search(row_goes_on, text):
            break
        row.append(after)
    joined_by_word = re.search(r"\b(?:and|or|vs)\b|&|와 |과 ", text)
    return row if joined_by_word else row[:1]


def _asked(functions: Sequence[Mapping[str, Any]], question: str) -> list[CallToMake]:
    """Return the functions that a question asks for, in its order, each with its part.

    One that shares all its words with a likelier one is not asked for besides it.
    """
    asked = _stems(set(features(question)) - FUNCTION_WORDS)
    ranked = [
        (relevance, -place, function)
        for place, function in enumerate(functions)
        if (relevance := _relevance(function, question, asked))
    ]
    ranked.sort(key=lambda one: one[:2], reverse=True)
    if ranked and ranked[0][0] < _WORD:
        del ranked[1:]  # by its description only
    chosen: list[Mapping[str, Any]] = []
    explained: set[str] = set()
    for relevance, _, function in ranked:
        words = _words(_name(function)) & asked
        named = relevance >= _NAMED
        if not chosen or named or (words - explained and relevance >= _WORD):
            chosen.append(function)
            explained |= words
    return _parted(chosen, question)


def _parted(functions: Iterable[Mapping[str, Any]], question: str) -> list[CallToMake]:
    """Give each function the part of the question that speaks of it."""
    placed = sorted(
        ((_place(function, question), function) for function in functions),
        key=lambda one: one[0],
    )
    if len(placed) < 2:
        return [CallToMake(function, Material(question)) for _, function in placed]
    bounds = [0, *(_joint(question, place) for place, _ in placed[1:]), len(question)]
    found = []
    for (_, function), (start, end) in zip(placed, pairwise(bounds), strict=True):
        part = question[start:end]
        facts = facts_of(part)
        says = facts.names or facts.numbers or facts.quoted or facts.codes
        bare = not says and not facts.objects
        found.append(CallToMake(function, Material(question if bare else part)))
    return found


def _joint(question: str, place: int) -> int:
    """Return where the part begins that leads to a place."""
    joints = [
        m.end() for m in re.finditer(r"[,.;?!]|\band\b|\bthen\b", question[:place])
    ]
    later = [m.start() for m in _LATER.finditer(question[:place])]
    return (
        max([0, *joints[-1:]]) if not later else min(later[-1], max([0, *joints[-1:]]))
    )


def _place(function: Mapping[str, Any], question: str) -> int:
    """Return where a question speaks of a function first."""
    name, said = _name(function), question.lower()
    if name in question:
        return question.index(name)
    places = [said.find(word) for word in _words(name)]
    return min((place for place in places if place >= 0), default=len(said))


def _ends(function: Mapping[str, Any]) -> bool:
    """Tell whether a function is there to end an agent's work."""
    words = _words(_name(function), everything=True)
    if words & {"final", "finish", "terminate"} or (
        words <= _ENDS | {"task", "tool", "result"} and words & _ENDS
    ):
        return True
    return bool(_ENDING.search(str(function.get("description") or "")[:500]))


def _name(function: Mapping[str, Any]) -> str:
    return str(function.get("name") or "")


def _words(name: str, *, everything: bool = False) -> set[str]:
    found = set(features(" ".join(_CAMEL.split(name))))
    if everything:
        return found
    return _stems(found - _GENERIC or found - FUNCTION_WORDS)


def _stems(words: Iterable[str]) -> set[str]:
    """Return words without the endings of their forms."""
    return {_FORM.sub("", word) for word in words}


def _relevance(function: Mapping[str, Any], question: str, asked: set[str]) -> int:
    """Count how strongly a question asks for a tool; 0: not at all.

    One word of the name is enough; a description needs two.
    """
    name = _name(function)
    described = set(features(str(function.get("description") or ""))) - _GENERIC
    described = _stems(word for word in described if word.isalnum())
    hits = _NAMED * (name in question) + _WORD * len(_words(name) & asked)
    about = len(described & asked)
    return hits + (about if hits or about > 1 else 0)
