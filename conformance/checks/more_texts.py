"""More texts never cost less than some of them, in whatever requests they are sent.

That follows from the sum over the texts, which the relation scenarios compare exactly,
and is seen on every batch of a run. Batches with a limit on tokens are left aside, and
so are texts outside arrays: a model may read one text once for many.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import permutations

from aios_conformance.conformance.terms.check import Check, Finding, Note, check
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.conformance.terms.views import (
    Answer,
    EmbeddingAnswer,
    Record,
    ScoreAnswer,
    is_whole,
)

Texts = Counter[Hashable]


@dataclass(frozen=True, slots=True)
class _Batch:
    """The texts of a request, and the tokens that they cost by its answer."""

    exchange: str
    model: object
    texts: Texts
    cost: float

    def is_part_of(self, other: "_Batch") -> bool:
        """The other holds all these texts, of the same model."""
        return self.model == other.model and self.texts <= other.texts


def _inputs(view: Answer) -> Texts | None:
    texts = view.sent.get("input")
    is_array = isinstance(texts, list) and all(isinstance(t, str) for t in texts)
    return Counter(texts) if is_array else None


def _pairs(view: Answer) -> Texts | None:
    one, two = view.sent.get("text_1"), view.sent.get("text_2")
    if not isinstance(one, list) or not isinstance(two, list):
        return None
    texts = [*one, *two]
    is_paired = len(one) == len(two) and all(isinstance(t, str) for t in texts)
    return Counter(zip(one, two, strict=True)) if is_paired else None


def _batches(
    record: Record,
    kind: type[Answer],
    api: Api,
    texts_of: Callable[[Answer], Texts | None],
) -> list[_Batch]:
    found = []
    for exchange in record.answers(api):
        view = kind.of(exchange, record.facts)
        if view is None or exchange.expect != "accept":
            continue
        texts = texts_of(view)
        cost: Json = view.usage.get("prompt_tokens")
        is_limited = view.sent.get("truncate_prompt_tokens") is not None
        if texts and is_whole(cost) and not is_limited:
            model = view.sent.get("model")
            found.append(_Batch(exchange.id, model, texts, cost))
    return found


def _cheaper(batches: list[_Batch]) -> Iterator[Note]:
    for part, whole in permutations(batches, 2):
        if whole.cost < part.cost and part.is_part_of(whole):
            yield Finding(
                expected=f"at least {part.cost}, as for some of the texts "
                f"in {part.exchange}",
                actual=whole.cost,
                pointer="/usage/prompt_tokens",
                exchange=whole.exchange,
            )


def _compared(
    name: str,
    row: str,
    kind: type[Answer],
    api: Api,
    texts_of: Callable[[Answer], Texts | None],
) -> Check:
    def judge(record: Record) -> Iterator[Note]:
        """More texts cost no fewer prompt_tokens than some of them."""
        yield from _cheaper(_batches(record, kind, api, texts_of))

    judge.__name__ = name
    return check(
        row, when=lambda record: len(_batches(record, kind, api, texts_of)) > 1
    )(judge)


CHECKS: tuple[Check, ...] = (
    _compared(
        "more_inputs_cost_more", "META-101", EmbeddingAnswer, "embeddings", _inputs
    ),
    _compared("more_pairs_cost_more", "META-030", ScoreAnswer, "score", _pairs),
)
