"""Causes: the same difference of a thousand answers is told once.

What only one side accepts is told for the parameter, the path or the rule that all
those requests have in common; everything else for the place in the answer. Another
reply has other counts, another text and another end: they are told with it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from aios_conformance import spec
from aios_conformance.conformance.comparing.answers import is_determined
from aios_conformance.conformance.comparing.pairs import Found, Pair, Side
from aios_conformance.conformance.comparing.schema_rows import rows_at
from aios_conformance.conformance.comparing.titles import told
from aios_conformance.conformance.comparing.values import Difference
from aios_conformance.conformance.terms.exchange import NOBODY, Api
from aios_conformance.conformance.terms.tolerances import TIES

_ORDER = (
    "unanswered",
    "support",
    "crash",
    "verdict",
    "code",
    "media",
    "stream",
    "member",
    "type",
    "value",
    "length",
    "vector",
    "score",
    "rank",
    "count",
    "text",
    "finish",
    "logprob",
    "tie",
    "more",
    "time",
)
_REPLY = {"type", "length"}  # within choices: one calls where the other writes
_FOLLOWS = {*_REPLY, "member", "value", "count", "text", "finish", "logprob", "tie"}
_Key = tuple[object, ...]
NEARLY_ALL = 0.9
"""Of the requests with a parameter this share is only taken by one side: it is the
parameter that the other does not take."""


@dataclass(frozen=True)
class Cause:
    """One thing that two sides do differently, with all that shows it."""

    kind: str
    title: str
    found: Sequence[Found] = ()
    pointer: str = ""
    subject: str = ""  # the parameter, path or rule that it is about
    of: int = 0  # pairs that could have shown it
    rows: tuple[str, ...] = ()
    excuse: str = ""  # why it is told, and does not count
    curls: tuple[str, str] | None = None  # plainer than those of a pair
    also: tuple[str, ...] = ()  # what the same answers show as well, because of it
    asked: tuple[Api, ...] = ()  # the APIs of what no pair shows

    @property
    def counts(self) -> bool:
        """It is a difference between the two, and no accident."""
        return not self.excuse

    @property
    def apis(self) -> tuple[Api, ...]:
        """The APIs that show it."""
        return tuple(dict.fromkeys((*(p.api for p, _ in self.found), *self.asked)))

    @cached_property
    def example(self) -> Found | None:
        """The pair with the shortest request."""
        return min(
            self.found, key=lambda each: len(each[0].one.request.body), default=None
        )

    @property
    def ids(self) -> frozenset[str]:
        """The exchanges of the first side that show it."""
        return frozenset(pair.one.id for pair, _ in self.found)

    def with_also(self, cause: "Cause") -> "Cause":
        """Tell with it another cause, which the same answers show because of it."""
        return replace(
            self,
            rows=tuple(dict.fromkeys((*self.rows, *cause.rows))),
            also=(*self.also, cause.title, *cause.also),
        )


def causes(one: Side, other: Side, pairs: Sequence[Pair]) -> list[Cause]:
    """The causes of all differences: the gravest first, then the farthest-reaching."""
    groups: dict[_Key, list[Found]] = {}
    with_it: dict[_Key, dict[_Key, list[Found]]] = {}
    plain: list[Found] = []
    replies = _other_replies(pairs, one.dialect)
    for pair in pairs:
        reply = replies.get(pair.one.id)
        for each in pair.differences:
            key = _key(each, pair, one.dialect)
            if each.kind in ("support", "crash", "unanswered"):
                plain.append((pair, each))
            elif reply and reply != key and each.kind in _FOLLOWS:
                follows = with_it.setdefault(reply, {})
                follows.setdefault(key, []).append((pair, each))
            else:
                groups.setdefault(key, []).append((pair, each))
    made = []
    for key, found in groups.items():
        cause = _cause(found, one, other, pairs)
        for shown in with_it.get(key, {}).values():
            cause = cause.with_also(_cause(shown, one, other, pairs))
        made.append(cause)
    subjects = _subjects(plain, pairs, one.dialect)
    made += [_cause(found, one, other, pairs, name) for name, found in subjects]
    return ordered(made)


def ordered(found: Iterable[Cause]) -> list[Cause]:
    """Those that count first, the gravest first."""
    return sorted(
        found, key=lambda c: (not c.counts, _ORDER.index(c.kind), -len(c.found))
    )


def _other_replies(pairs: Sequence[Pair], dialect: str) -> Mapping[str, _Key]:
    """The difference that makes a pair's replies two different ones, by exchange.

    One that most answers show explains nothing: too much has it in common.
    """
    asked = Counter(pair.api for pair in pairs)
    found: dict[_Key, list[Found]] = {}
    for pair in pairs:
        for each in pair.differences:
            if each.kind in _REPLY and each.pointer.startswith("/choices"):
                found.setdefault(_key(each, pair, dialect), []).append((pair, each))
    seldom = (
        (key, shown)
        for key, shown in found.items()
        if 2 * len(shown) < sum(asked[api] for api in {p.api for p, _ in shown})
    )
    gravest = sorted(seldom, key=lambda item: -_ORDER.index(item[1][0][1].kind))
    return {pair.one.id: key for key, shown in gravest for pair, _ in shown}


def _key(each: Difference, pair: Pair, dialect: str) -> _Key:
    """What the same differences have in common."""
    match each.kind:
        case "code":
            return each.kind, each.one, each.other
        case "member" | "type" | "media" | "stream":
            return each.kind, each.pointer, each.is_refusal, each.one, each.other
        case "text" | "tie":
            return each.kind, is_determined(pair.one, dialect)
        case "logprob":
            return (each.kind,)
        case _:
            return each.kind, each.pointer, each.is_refusal


def _subjects(
    found: Sequence[Found], pairs: Sequence[Pair], dialect: str
) -> Iterator[tuple[str, list[Found]]]:
    """What only one side accepts, split by what these requests have in common.

    Of several APIs the same rule is one subject. A server that is gone is one as well,
    whatever it was asked.
    """
    nobody = [(p, d) for p, d in found if NOBODY in f"{d.one} {d.other}"]
    if nobody:
        yield f"{len(nobody)} request{'s' if len(nobody) > 1 else ''}", nobody
        found = [(p, d) for p, d in found if NOBODY not in f"{d.one} {d.other}"]
    groups: dict[tuple[str, Api, int], list[Found]] = {}
    for pair, each in found:
        key = (each.kind, pair.api, _accepts(pair))
        groups.setdefault(key, []).append((pair, each))
    subjects: dict[tuple[str, int, str], list[Found]] = {}
    for (kind, api, side), waiting in groups.items():
        left = list(waiting)
        taken = [p for p in pairs if p.api == api and _accepts(p) in (side, 2)]
        known = spec.apis(dialect).get(api)
        needed = {"model", *(known.required if known else ())}
        for name, has in _traits(taken, needed):
            mine = [f for f in left if has(f[0])]
            if mine and len(mine) >= NEARLY_ALL * sum(map(has, taken)):
                subjects.setdefault((kind, side, name), []).extend(mine)
                left = [f for f in left if f not in mine]
        for pair, each in left:
            key_of_rule = (kind, side, _rule(pair))
            subjects.setdefault(key_of_rule, []).append((pair, each))
    for (_, _, subject), shown in subjects.items():
        yield subject, shown


def _accepts(pair: Pair) -> int:
    """Which side accepts: 0 the first alone, 1 the other alone, 2 both, 3 none."""
    sides = (pair.one.is_success, pair.other.is_success)
    return {(True, False): 0, (False, True): 1, (True, True): 2}.get(sides, 3)


def _traits(
    taken: Sequence[Pair], needed: Iterable[str]
) -> Iterator[tuple[str, Callable[[Pair], bool]]]:
    """What requests may have in common: a path, then parameters, the rarest last."""
    gone = {404, 405, 501}
    paths = {
        p.one.request.operation
        for p in taken
        if not gone.isdisjoint((p.one.status, p.other.status))
    }
    for operation in sorted(paths):
        yield operation, lambda p, o=operation: p.one.request.operation == o  # type: ignore[misc]
    names = {name for p in taken for name in p.parameters} - {*needed}
    counts = {name: sum(name in p.parameters for p in taken) for name in names}
    for name in sorted(names, key=lambda name: (-counts[name], name)):
        yield name, lambda p, n=name: n in p.parameters  # type: ignore[misc]


def _rule(pair: Pair) -> str:
    """The rule that a request is about, in words."""
    if pair.one.breaks:
        return pair.one.breaks
    topics = [spec.requirement(row).topic for row in pair.serves[:1]]
    return topics[0] if topics else f"a request of {pair.one.probe}"


def _cause(
    found: list[Found],
    one: Side,
    other: Side,
    pairs: Sequence[Pair],
    subject: str = "",
) -> Cause:
    each = found[0][1]
    apis = {pair.api for pair, _ in found}
    could = [p for p in pairs if p.api in apis]
    title = told(found, one, subject)
    return Cause(
        each.kind,
        title,
        found,
        each.pointer,
        subject,
        len(could),
        _rows(found, one.dialect),
        _excuse(found, one, other, could),
    )


def _excuse(
    found: Sequence[Found], one: Side, other: Side, could: Sequence[Pair]
) -> str:
    """Why a difference is none between the two: each by itself shows it as well."""
    kind = found[0][1].kind
    if kind == "tie":
        of = sum(is_determined(p.one, one.dialect) == "temperature 0" for p in could)
        if len(found) <= max(1, TIES * of):
            return f"near ties of floating point do so, in {len(found)} of {of} texts"
        return ""
    for side in (one, other):
        if all(_is_own(each, pair.api, side) for pair, each in found):
            return f"{side.name} by itself does not answer this the same way twice"
    return ""


def _is_own(each: Difference, api: Api, side: Side) -> bool:
    own = side.wavers.get((api, each.kind, each.pointer))
    if each.kind in ("text", "finish"):
        own = own if own is not None else side.wavers.get((api, "tie", each.pointer))
    return own is not None and abs(each.size) <= 2 * own


def _rows(found: Sequence[Found], dialect: str) -> tuple[str, ...]:
    """The requirements that a difference concerns."""
    rows: dict[str, None] = {}
    asked: set[tuple[str, str]] = set()
    for pair, each in found:
        if each.kind in ("support", "crash", "unanswered", "code"):
            rows |= dict.fromkeys(pair.serves)
            continue
        operation = pair.one.request.operation
        if not each.is_refusal and (operation, each.pointer) not in asked:
            asked.add((operation, each.pointer))
            rows |= dict.fromkeys(rows_at(dialect, operation, each.pointer))
    return tuple(rows)
