"""Two answers say the same, or the first difference is told with its place."""

from typing import Any

import pytest
from exchanges import exchange

from aios_conformance.conformance.terms.content import (
    FirstDifference,
    difference,
    is_drift,
)
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.tolerances import BETWEEN_CALLS


def said(**body: Any) -> Exchange:
    return exchange("rerank", {}, body)


def ranked(*pairs: tuple[Any, float]) -> Exchange:
    return said(results=[{"index": i, "relevance_score": s} for i, s in pairs])


def embedded(*numbers: float) -> Exchange:
    return said(data=[{"index": 0, "embedding": [*numbers]}])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (said(id="a", model="m", created=1), said(id="b", model="n", created=2)),
        (said(usage={"total_tokens": 1}), said(usage={"total_tokens": 2})),
        (said(data=[{"id": "x", "score": 0.5}]), said(data=[{"score": 0.5}])),
        (said(data=[0.5]), said(data=[0.5 + BETWEEN_CALLS / 2])),
        # as bfloat16 computes: vectors as a whole, and scores that are numbers of it
        (embedded(0.15, 0.01), embedded(0.15, 0.012)),
        (ranked((0, 0.87109375)), ranked((0, 0.8671875))),
        (
            said(choices=[{"text": "a", "logprobs": None}]),
            said(choices=[{"text": "a"}]),
        ),
        # which of two equal scores comes first is free
        (ranked((0, 0.5), (1, 0.5)), ranked((1, 0.5), (0, 0.5))),
    ],
)
def test_these_say_the_same(one: Exchange, other: Exchange) -> None:
    assert difference(one, other) is None
    assert difference(other, one) is None


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (said(data=["a"]), said(data=["b"]), FirstDifference("/data/0", "a", "b")),
        (said(data=["a"]), said(data=[]), FirstDifference("/data/0", "a", None)),
        (said(data=[]), said(data=[0.5]), FirstDifference("/data", None, "1 numbers")),
        (
            embedded(0.15, 0.01),
            embedded(0.15, 0.014),
            FirstDifference("/data/0/embedding/1", 0.01, 0.014),
        ),
        (
            embedded(0.15, 0.01),
            embedded(0.15),
            FirstDifference("/data/0/embedding", "2 numbers", "1 numbers"),
        ),
        (
            ranked((0, 0.8711)),
            ranked((0, 0.8672)),
            FirstDifference("/results/0/relevance_score", 0.8711, 0.8672),
        ),
        (said(data=[0.5]), said(data=[0.6]), FirstDifference("/data/0", 0.5, 0.6)),
        (said(data=["1"]), said(data=[1]), FirstDifference("/data/0", "1", 1)),
        (
            ranked((0, 0.9), (1, 0.1)),
            ranked((1, 0.9), (0, 0.1)),
            FirstDifference("/results/1/relevance_score", 0.9, 0.1),
        ),
        # an index that is no index: by their places
        (
            ranked((None, 0.9), (None, 0.1)),
            ranked((None, 0.9), (None, 0.2)),
            FirstDifference("/results/1/relevance_score", 0.1, 0.2),
        ),
    ],
)
def test_a_difference_is_told_with_its_place(
    one: Exchange, other: Exchange, found: FirstDifference
) -> None:
    assert difference(one, other) == found


def test_what_is_no_object_says_nothing() -> None:
    assert difference(exchange("rerank", {}, []), exchange("rerank", {}, "x")) is None


@pytest.mark.parametrize(
    ("one", "other", "drifts"),
    [
        ("The sea is calm.", "The sea was calm.", True),
        ("The sea is calm.", "A sea is calm.", False),
        ("The sea is calm.", "The sea", False),
        ("    a", "    b", False),
        (["a", "The sea is"], ["a", "The sea was"], True),
        (["a", "The sea is"], ["b", "The sea was"], False),
        (["a"], ["a", "b"], False),
        (None, "a", False),
    ],
)
def test_texts_drift_that_begin_alike_and_part(
    one: object, other: object, *, drifts: bool
) -> None:
    assert is_drift(one, other) is drifts
