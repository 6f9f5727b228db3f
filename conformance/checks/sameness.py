"""Requests that mean the same are answered alike: spelling, nulls, headers, history."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aios_conformance.conformance.checks.generated import Generated, on
from aios_conformance.conformance.terms.check import Finding, Note, Witness, check
from aios_conformance.conformance.terms.content import difference, is_drift
from aios_conformance.conformance.terms.exchange import Api, Exchange, Observation
from aios_conformance.conformance.terms.views import Answer, Record

_LIMITS: Final = ("max_tokens", "max_completion_tokens")


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


@check(
    "COMMON-REQ-004",
    on="common.headers.",
    when=lambda s: "charset" in s.steps and s.accepted("with"),
)
def a_charset_changes_nothing(seen: Observation) -> Iterator[Note]:
    """JSON whose media type says its charset, as many clients do, is taken (soft)."""
    if seen["charset"].status >= 400:
        yield Finding(
            expected="200, as without a charset",
            actual=seen["charset"].status,
            step="charset",
            kind="refused",
            soft=True,
        )


def _media(exchange: Exchange) -> str:
    kind = exchange.response.header("content-type") if exchange.response else None
    return (kind or "no Content-Type").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class _Limited:
    """An answer of one choice under one of the two limits of its tokens."""

    answer: Generated
    name: str
    beside_null: bool  # the other limit is null, not absent

    @property
    def is_kept(self) -> bool:
        return 0 < self.count <= self.limit

    @property
    def limit(self) -> int:
        return self.answer.limit(self.name) or 0

    @property
    def count(self) -> int:
        return self.answer.completion_tokens or 0


def _limited(record: Record, api: Api) -> Iterator[_Limited]:
    for exchange in record.answers(api):
        answer = Generated.of(exchange, record.facts)
        if answer is None or answer.wanted != 1 or answer.completion_tokens is None:
            continue
        for name, other in (_LIMITS, _LIMITS[::-1]):
            if answer.limit(name) and answer.sent.get(other) is None:
                yield _Limited(answer, name, other in answer.sent)


@check("COMMON-REQ-014", on=("common.nulls.", *on("greedy")), witness=True)
def null_sets_nothing(record: Record) -> Iterator[Note]:
    """A null limit is no limit of 0, and leaves the other limit in force.

    Where that one is not kept alone either, the null is not to blame.
    """
    for api in ("chat", "completions"):
        answers = [*_limited(record, api)]
        alone = {(a.name, a.is_kept) for a in answers if not a.beside_null}
        for each in answers:
            if {kept for name, kept in alone if name == each.name} != {True}:
                continue
            if each.beside_null:
                yield Witness(("COMMON-REQ-014",))
            if each.beside_null and not each.is_kept:
                yield Finding(
                    expected=f"1 to {each.limit} tokens: null leaves {each.name} be",
                    actual=each.count,
                    pointer="/usage/completion_tokens",
                    kind="silent",
                    exchange=each.answer.exchange.id,
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
    """Something was refused after the first answer and before the second.

    Where the target does not even give the second one again, what it says depends on
    more than what was refused, and shows nothing.
    """
    if not seen.accepted("before", "after"):
        return False
    before, after = seen["before"], seen["after"]
    is_refused = any(
        400 <= step.status < 500 and before.sent_at <= step.sent_at <= after.sent_at
        for step in seen.steps.values()
    )
    settled = seen.steps.get("settled")
    return is_refused and (
        settled is None
        or difference(after, settled) is None
        or difference(before, settled) is None
    )


@check("META-119", on="common.after_error.", when=_a_refusal_lies_between)
def an_error_leaves_nothing_behind(seen: Observation) -> Iterator[Note]:
    """The valid request after refused ones is answered as it was before them."""
    yield from _same(seen, "before", "after")


def _same(
    seen: Observation, one: str, other: str, *, soft: bool = False
) -> Iterator[Note]:
    """Two answers say the same; one finding where they first do not."""
    found = difference(seen[one], seen[other])
    if found is not None:
        yield Finding(
            expected=f"{found.before!r}, as in step {one}",
            actual=found.after,
            pointer=found.pointer,
            step=other,
            soft=soft,
            drift=is_drift(found.before, found.after),
        )
