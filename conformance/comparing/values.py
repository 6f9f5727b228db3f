"""What two JSON values differ in, member by member.

Numbers are compared within the tolerances of `terms.tolerances`, vectors by their
cosine too, results of a rerank by the document that they are about.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from aios_conformance.conformance.terms.json_text import read_json
from aios_conformance.conformance.terms.tolerances import (
    BETWEEN_CALLS,
    COSINE_MOVED,
    LOGPROB_MOVED,
    MOVED,
)
from aios_conformance.conformance.terms.vectors import (
    decoded,
    largest_difference,
    likeness,
)
from aios_conformance.conformance.terms.views import is_number, is_whole

Kind = Literal[
    "unanswered",  # only one answers at all
    "support",  # only one accepts
    "crash",  # only one breaks down
    "code",
    "media",
    "stream",  # how events follow one another
    "member",  # only one has it
    "type",
    "value",
    "count",  # a whole number
    "length",  # of a list
    "vector",
    "score",
    "rank",
    "text",
    "tie",  # a text that parts late, as near ties of floating point do
    "finish",
    "logprob",
    "more",  # than are told of one pair
]
FREE = frozenset(
    {"id", "created", "message", "msg", "detail", "request_id", "cached_tokens"}
)
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two answers differ in.

    `pointer` has `*` for places in lists; `one` and `other` are what stands there, or
    words for it; `size` says how far numbers lie apart, with its sign for counts.
    """

    kind: Kind
    pointer: str
    one: Any
    other: Any
    size: float = 0.0
    is_refusal: bool = False  # it stands in the body of an error


def walked(pointer: str, one: Any, other: Any) -> Iterator[Difference]:
    """What two values differ in, member by member."""
    if one == other and type(one) is type(other):
        return
    name = pointer.rpartition("/")[2]
    kinds = kind_of(one), kind_of(other)
    if name == "embedding" and {*kinds} <= {"array", "string"} and one and other:
        yield from _vectors(pointer, one, other)
    elif kinds[0] != kinds[1]:
        yield Difference("type", pointer, *kinds)
    elif isinstance(one, dict):
        yield from _objects(pointer, one, other)
    elif isinstance(one, list):
        yield from _lists(pointer, one, other)
    elif name not in FREE:
        yield from _values(pointer, one, other)


def _objects(
    pointer: str, one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[Difference]:
    for member in {**one, **other}:
        place = f"{pointer}/{member}"
        if member not in one or member not in other:
            sides = (
                kind_of(one.get(member, _ABSENT)),
                kind_of(other.get(member, _ABSENT)),
            )
            yield Difference("member", place, *sides)
        elif member == "top_logprobs":
            yield from _ranked_logprobs(place, one[member], other[member])
        else:
            yield from walked(place, one[member], other[member])


def _values(pointer: str, one: Any, other: Any) -> Iterator[Difference]:
    if is_number(one):
        yield from _numbers(pointer, one, other)
    elif not is_same_text(pointer, one, other):
        is_end = pointer.endswith("/finish_reason")
        yield Difference("finish" if is_end else "value", pointer, one, other)


def is_same_text(pointer: str, one: Any, other: Any) -> bool:
    """Two texts are equal; the arguments of a call may be spelled in two ways."""
    if one == other or not pointer.endswith("/arguments"):
        return bool(one == other)
    value = read_json(str(one))
    return value is not None and value == read_json(str(other))


def _lists(pointer: str, one: list[Any], other: list[Any]) -> Iterator[Difference]:
    if len(one) != len(other):
        sizes = len(one), len(other)
        yield Difference("length", pointer, *sizes, sizes[1] - sizes[0])
    if pointer == "/results" and (ranked := _by_index(one, other)):
        yield from _ranks(one, other)
        one, other = ranked
    for left, right in zip(one, other, strict=False):
        yield from walked(f"{pointer}/*", left, right)


def _by_index(
    one: Sequence[Any], other: Sequence[Any]
) -> tuple[list[Any], list[Any]] | None:
    """The results of both by the number of their document; None if they have none."""
    sides = []
    for results in (one, other):
        if not all(
            isinstance(r, dict)
            and is_whole(r.get("index"))
            and is_number(r.get("relevance_score"))
            for r in results
        ):
            return None
        sides.append({r["index"]: r for r in results})
    common = sorted(sides[0].keys() & sides[1].keys())
    return [sides[0][i] for i in common], [sides[1][i] for i in common]


def _ranks(one: Sequence[Any], other: Sequence[Any]) -> Iterator[Difference]:
    """Documents that changed places; those of equal scores may stand in any order."""
    orders = [r["index"] for r in one], [r["index"] for r in other]
    scores = {r["index"]: r["relevance_score"] for r in one}
    after = [scores[i] for i in orders[1] if i in scores]
    rise = max((b - a for a, b in pairwise(after)), default=0.0)
    if rise > MOVED:
        yield Difference("rank", "/results", *orders, rise)
    elif any(a != b for a, b in zip(*orders, strict=False)) and (
        {*orders[0]} != {*orders[1]}
    ):
        yield Difference("rank", "/results", *orders)


def _vectors(pointer: str, one: Any, other: Any) -> Iterator[Difference]:
    if type(one) is not type(other):
        yield Difference("type", pointer, kind_of(one), kind_of(other))
        return
    try:
        left, right = [decoded(v) if isinstance(v, str) else v for v in (one, other)]
    except ValueError:
        return  # what cannot be read is judged on each side
    if not all(is_number(x) for x in (*left, *right)):
        return
    if len(left) != len(right):
        yield Difference("vector", pointer, len(left), len(right), 1.0)
        return
    apart = 1 - likeness(left, right)
    if apart > COSINE_MOVED or largest_difference(left, right) > BETWEEN_CALLS:
        far = largest_difference(left, right)
        yield Difference("vector", pointer, round(1 - apart, 6), round(far, 6), apart)


def _numbers(pointer: str, one: float, other: float) -> Iterator[Difference]:
    if "logprob" in pointer:
        if abs(one - other) > LOGPROB_MOVED:
            yield Difference("logprob", pointer, one, other, abs(one - other))
    elif isinstance(one, int) and isinstance(other, int):
        yield Difference("count", pointer, one, other, other - one)
    elif not abs(one - other) <= MOVED:
        yield Difference("score", pointer, one, other, abs(one - other))


def _ranked_logprobs(pointer: str, one: Any, other: Any) -> Iterator[Difference]:
    """Alternatives of a token: values by rank; of near ties either may be listed."""
    sides = [_alternatives(one), _alternatives(other)]
    if any(side is None for side in sides):
        if kind_of(one) != kind_of(other):
            yield Difference("type", pointer, kind_of(one), kind_of(other))
        return
    left, right = sides
    assert left is not None  # noqa: S101 - said above
    assert right is not None  # noqa: S101
    if len(left) != len(right):
        sizes = len(left), len(right)
        yield Difference("length", pointer, *sizes, sizes[1] - sizes[0])
    for a, b in zip(left, right, strict=False):
        if abs(a - b) > LOGPROB_MOVED:
            yield Difference("logprob", pointer, a, b, abs(a - b))


def _alternatives(value: Any) -> list[float] | None:
    """The log probabilities of a list of alternatives, the likeliest first."""
    found: list[float] = []
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict) and "logprob" in each:
            found.append(each["logprob"])
        elif isinstance(each, dict):  # of each place, a mapping from token to value
            found += sorted((v for v in each.values() if is_number(v)), reverse=True)
    if not isinstance(value, list) or not all(map(is_number, found)):
        return None
    is_listed = all(isinstance(each, dict) and "logprob" in each for each in value)
    return sorted(found, reverse=True) if is_listed else found


def kind_of(value: Any) -> str:
    """What kind of JSON value it is, in words."""
    if value is _ABSENT:
        return "absent"
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return "boolean" if isinstance(value, bool) else "number"
    kinds = (("string", str), ("array", list), ("object", dict))
    return next((word for word, kind in kinds if isinstance(value, kind)), "value")
