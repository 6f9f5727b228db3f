"""Requests that mean the same are answered alike: spelling, nulls, headers, history."""

from collections.abc import Iterator
from typing import Any

from conformance.check import Check, Finding, Note, check
from conformance.checks.generated import usage_of
from conformance.exchange import Exchange, Observation
from conformance.tolerances import BETWEEN_CALLS
from conformance.views import Answer

_TELLING = ("results", "data", "choices")
"""The members that hold what an answer says, besides names, times and counts."""


@check(
    "COMMON-REQ-005", on="common.headers.", when=lambda s: s.accepted("with", "without")
)
def accept_changes_nothing(seen: Observation) -> Iterator[Note]:
    """With and without an Accept header, answers have the same members and media."""
    one, other = (Answer.of(seen[label], seen.facts) for label in ("with", "without"))
    if one is None or other is None:
        return  # that a success is an object is another row's promise
    media = [_media(seen[label]) for label in ("with", "without")]
    if media[0] != media[1]:
        yield Finding(
            expected=f"{media[0]}, as with Accept", actual=media[1], step="without"
        )
    if one.body.keys() != other.body.keys():
        yield Finding(
            expected=f"members {sorted(one.body)}, as with Accept",
            actual=sorted(other.body),
            step="without",
        )


def _media(exchange: Exchange) -> str:
    kind = exchange.response.header("content-type") if exchange.response else None
    return (kind or "no Content-Type").partition(";")[0].strip().lower()


@check(
    "COMMON-REQ-014", on="common.nulls.", when=lambda s: s.accepted("omitted", "unset")
)
def null_sets_nothing(seen: Observation) -> Iterator[Note]:
    """A null limit is no limit of 0, and leaves the other limit in force."""
    before, after = (
        usage_of(seen[label], "completion_tokens") for label in ("omitted", "unset")
    )
    limit = seen["unset"].request.json["max_tokens"]
    if before and after is not None and not 0 < after <= limit:
        yield Finding(
            expected=f"1 to {limit} tokens: null leaves max_tokens in force",
            actual=after,
            pointer="/usage/completion_tokens",
            kind="silent",
            step="unset",
        )


@check("META-117", on="common.nulls.", when=lambda s: s.accepted("omitted", "null"))
def null_is_as_good_as_nothing(seen: Observation) -> Iterator[Note]:
    """A null for a field whose default is null changes nothing (text: soft)."""
    yield from _same(seen, "omitted", "null", soft=True)


@check("META-118", on="common.spelling.", when=lambda s: s.accepted("plain", "respelt"))
def spelling_of_json_does_not_matter(seen: Observation) -> Iterator[Note]:
    """White space, member order and escapes of the request change nothing."""
    yield from _same(seen, "plain", "respelt")


def _a_refusal_lies_between(seen: Observation) -> bool:
    is_refused = 400 <= seen["mutant"].status < 500 if "mutant" in seen.steps else False
    return is_refused and seen.accepted("before", "after")


@check("META-119", on="common.after_error.", when=_a_refusal_lies_between)
def an_error_leaves_nothing_behind(seen: Observation) -> Iterator[Note]:
    """The valid request after a refused one is answered as it was before."""
    yield from _same(seen, "before", "after")


def _same(
    seen: Observation, one: str, other: str, *, soft: bool = False
) -> Iterator[Note]:
    """Content of two answers: texts equal, numbers within tolerance; one finding."""
    before, after = _content(seen[one]), _content(seen[other])
    for pointer in {**before, **after}:
        left, right = before.get(pointer), after.get(pointer)
        if not _is_close(left, right):
            yield Finding(
                expected=f"{left!r}, as in step {one}",
                actual=right,
                pointer=pointer,
                step=other,
                soft=soft,
            )
            return


def _is_close(left: object, right: object) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return abs(left - right) <= BETWEEN_CALLS
    return left == right


def _content(exchange: Exchange) -> dict[str, Any]:
    """What an answer says, by JSON pointer, without ids, times and names."""
    body = exchange.response.json if exchange.response else None
    if not isinstance(body, dict):
        return {}
    found: dict[str, Any] = {}
    stack: list[tuple[str, Any]] = [("", {k: body.get(k) for k in _TELLING})]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{pointer}/{k}", v) for k, v in value.items() if k != "id"]
        elif isinstance(value, list):
            stack += [(f"{pointer}/{i}", v) for i, v in enumerate(value)]
        elif value is not None:
            found[pointer] = value
    return found


CHECKS: tuple[Check, ...] = (
    accept_changes_nothing,
    null_sets_nothing,
    null_is_as_good_as_nothing,
    spelling_of_json_does_not_matter,
    an_error_leaves_nothing_behind,
)
