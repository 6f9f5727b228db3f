"""One text has one vector, and one pair one score, wherever in a run they are sent.

The relation scenarios compare closely what differs in one thing. Here all answers of a
run lie side by side: other members, other forms and other neighbours at once. Only
what is far off is a finding, which no arithmetic explains, and it goes to the row of
what differs. Two steps of one scenario are compared there, and not again.

A limit that no tokenizer's count of a text exceeds is to change nothing; what may be
cut is left aside. Nothing here is evidence that a row was exercised: that two answers
speak of the same text is left to chance.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from aios_conformance import spec
from aios_conformance.conformance.checks.observed import are_promised
from aios_conformance.conformance.terms.check import Finding, Note, check
from aios_conformance.conformance.terms.exchange import Exchange, Json
from aios_conformance.conformance.terms.tolerances import COSINE_NEAR, SCORE_NEAR
from aios_conformance.conformance.terms.vectors import Vector, agreement, decoded
from aios_conformance.conformance.terms.views import (
    Answer,
    EmbeddingAnswer,
    Record,
    RerankTexts,
    ScoreAnswer,
)

_SPECIAL = 8  # tokens that a model adds to a text or a pair, at most
_LIMIT = "truncate_prompt_tokens"

V = TypeVar("V")

_PLAIN = "plain"  # that answers without format and limit contradict one another


@dataclass(frozen=True, slots=True)
class _Seen(Generic[V]):
    """What one answer says of a text or a pair."""

    exchange: Exchange
    key: Hashable
    value: V
    pointer: str
    packed: bool = False
    limited: bool = False

    @property
    def scenario(self) -> tuple[str, int]:
        """Where its own relations are judged."""
        return self.exchange.probe, self.exchange.draw


def _cuts(view: Answer, *texts: str) -> bool:
    """The limit may be less than what these texts have, read byte by byte."""
    limit = view.sent.get(_LIMIT)
    size = sum(len(text.encode(errors="replace")) for text in texts) + _SPECIAL
    return limit is not None and not (isinstance(limit, int) and limit >= size)


def _listed(value: Json) -> list[str]:
    return value if isinstance(value, list) else [str(value)]


def _vectors(record: Record) -> Iterator[_Seen[Vector]]:
    for exchange in record.answers("embeddings"):
        view = EmbeddingAnswer.of(exchange, record.facts)
        if view is None or "dimensions" in view.sent:
            continue
        given = view.sent.get("input")
        texts = given if isinstance(given, list) else [given]
        if not are_promised(view, texts) or len(texts) != len(view.embeddings):
            continue
        for i, (text, said) in enumerate(zip(texts, view.embeddings, strict=True)):
            if not text.strip() or _cuts(view, text):
                continue
            packed = isinstance(said, str)
            try:
                vector = decoded(said) if isinstance(said, str) else said
            except ValueError:
                continue  # that it is no base64 is found elsewhere
            yield _Seen(
                exchange,
                (view.sent.get("model"), text),
                vector,
                f"/data/{i}/embedding",
                packed=packed,
                limited=_LIMIT in view.sent,
            )


def _ranked(record: Record) -> Iterator[_Seen[float]]:
    for exchange in record.answers("rerank"):
        view = RerankTexts.of(exchange, record.facts)
        query = view.sent.get("query") if view else None
        if view is None or not isinstance(query, str):
            continue
        if not are_promised(view, [query, *view.documents]):
            continue
        for i, (text, score) in enumerate(zip(view.texts, view.scores, strict=True)):
            # a text that is told amiss is another row's matter
            if text.strip() and text in view.documents and not _cuts(view, query, text):
                yield _Seen(
                    exchange,
                    (view.sent.get("model"), query, text),
                    score,
                    f"/results/{i}/relevance_score",
                    limited=_LIMIT in view.sent,
                )


def _scored(record: Record) -> Iterator[_Seen[float]]:
    for exchange in record.answers("score"):
        view = ScoreAnswer.of(exchange, record.facts)
        if view is None or view.sent.get("encoding_format") == "int":
            continue
        one, two = _listed(view.sent.get("text_1")), _listed(view.sent.get("text_2"))
        if len(one) == 1:
            one = one * len(two)
        if not len(one) == len(two) == len(view.scores):
            continue
        if not are_promised(view, [*one, *two]):
            continue
        for i, (left, right) in enumerate(zip(one, two, strict=True)):
            if left.strip() and right.strip() and not _cuts(view, left, right):
                yield _Seen(
                    exchange,
                    (view.sent.get("model"), left, right),
                    view.scores[i],
                    f"/data/{i}/score",
                    limited=_LIMIT in view.sent,
                )


def _compared(
    record: Record,
    found: Iterator[_Seen[V]],
    is_far: Callable[[V, V], bool],
    topic_of: Callable[[_Seen[V], _Seen[V]], str],
) -> Iterator[Note]:
    """Hold what is said of a text against what was first said of it elsewhere.

    Where answers to requests alike in form contradict one another, what those of
    another form say shows nothing more.
    """
    said: dict[Hashable, list[_Seen[V]]] = {}
    for seen in found:
        said.setdefault(seen.key, []).append(seen)
    for every in said.values():
        plain = [one for one in every if not (one.packed or one.limited)]
        first = (plain or every)[0]
        broken: set[str] = set()
        for seen in (*plain, *(one for one in every if one.packed or one.limited)):
            topic = topic_of(first, seen)
            if first.scenario == seen.scenario or topic in broken or _PLAIN in broken:
                continue
            if is_far(first.value, seen.value):
                broken |= {topic} if seen.packed or seen.limited else {topic, _PLAIN}
                yield _far(record, first, seen, topic)


def _far(record: Record, first: _Seen[V], seen: _Seen[V], topic: str) -> Finding:
    return Finding(
        expected=f"what {first.exchange.id} says of the same, or nearly",
        actual=seen.value if isinstance(seen.value, float) else "one far from it",
        pointer=seen.pointer,
        exchange=seen.exchange.id,
        ids=spec.rows(topic, api=seen.exchange.api, dialect=record.facts.dialect),
    )


@check(witness=True)
def a_text_has_one_vector(record: Record) -> Iterator[Note]:
    """A text has the same vector in whatever request it is sent."""

    def is_far(one: Vector, other: Vector) -> bool:
        return not agreement(one, other) >= COSINE_NEAR

    def topic(known: _Seen[Vector], seen: _Seen[Vector]) -> str:
        if known.limited != seen.limited:
            return "truncation-bounds-count"
        if known.packed != seen.packed:
            return "base64-is-float-vector"
        return "same-text-same-vector"

    yield from _compared(record, _vectors(record), is_far, topic)


def _is_far_score(one: float, other: float) -> bool:
    return not abs(one - other) <= SCORE_NEAR


@check(witness=True)
def a_document_has_one_score(record: Record) -> Iterator[Note]:
    """A document has the same score for a query in whatever request it is sent."""

    def topic(known: _Seen[float], seen: _Seen[float]) -> str:
        if known.limited != seen.limited:
            return "loose-truncation-changes-nothing"
        return "removal-keeps-relevance"

    yield from _compared(record, _ranked(record), _is_far_score, topic)


@check(witness=True)
def a_pair_has_one_score(record: Record) -> Iterator[Note]:
    """A pair has the same score in whatever request it is sent."""

    def topic(known: _Seen[float], seen: _Seen[float]) -> str:
        if known.limited != seen.limited:
            return "truncation-bounds-count"
        return "batching-keeps-scores"

    yield from _compared(record, _scored(record), _is_far_score, topic)
