"""Embeddings, score and rerank stand on one geometry."""

import asyncio
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aios_conformance.mockserver.catalogue import KINDS, documented, matryoshka
from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.serving.engine import EngineError, TooLong
from aios_conformance.spec import DIALECTS

ENGINE = MockEngine([*documented("aios"), matryoshka("long", 3_072)])
EMBEDDING, RERANKER = "sds/bge-m3", "sds/bge-reranker-v2-m3"


def embed(*inputs: Any, model: str = EMBEDDING, **options: Any) -> list[list[float]]:
    found = asyncio.run(ENGINE.embed(model, inputs, **options))
    return [
        [value for (value,) in struct.iter_unpack("<f", item.vector)] for item in found
    ]


def counts(*inputs: Any, **options: Any) -> list[int]:
    found = asyncio.run(ENGINE.embed(EMBEDDING, inputs, **options))
    return [item.tokens for item in found]


def score(model: str, *pairs: tuple[str, str], **options: Any) -> list[float]:
    return [s.score for s in asyncio.run(ENGINE.score(model, pairs, **options))]


def pair_tokens(one: str, two: str, truncate: int | None) -> int:
    found = asyncio.run(ENGINE.score(RERANKER, [(one, two)], truncate=truncate))
    return found[0].tokens


words = st.text(max_size=30) | st.sampled_from(["the city", "a river", "", "서울"])


@given(words, words)
def test_the_score_of_an_embedding_model_is_the_cosine_moved(
    one: str, two: str
) -> None:
    a, b = embed(one, two)
    cosine = math.fsum(x * y for x, y in zip(a, b, strict=True))
    (found,) = score(EMBEDDING, (one, two))
    assert 0 <= found <= 1
    assert found == pytest.approx((1 + cosine) / 2, abs=1e-6)
    assert score(EMBEDDING, (two, one)) == pytest.approx([found], abs=1e-9)


@settings(deadline=None)
@given(words)
def test_equal_texts_score_one(text: str) -> None:
    for model in (EMBEDDING, RERANKER):
        assert score(model, (text, text))[0] >= 0.999


@given(words, st.lists(words, min_size=2, max_size=5))
def test_both_kinds_of_models_rank_alike(query: str, documents: list[str]) -> None:
    pairs = [(query, document) for document in documents]
    cosines, joint = score(EMBEDDING, *pairs), score(RERANKER, *pairs)
    order = sorted(range(len(pairs)), key=cosines.__getitem__)
    ranked = [joint[i] for i in order]
    assert ranked == sorted(ranked)
    assert all(0 <= value <= 1 for value in joint)


def test_the_printed_examples() -> None:
    query = "What is the capital of France?"
    documents = [
        "The capital of France is Paris.",
        "France capital city is known for the Eiffel Tower.",
        "Paris is located in the north-central part of France.",
    ]
    for model in (EMBEDDING, RERANKER):
        scores = score(model, *((query, document) for document in documents))
        assert scores == sorted(scores, reverse=True)
        assert scores[0] > 0.8 > scores[2]
    assert scores[1] > 0.5 > scores[2]  # a cross-encoder is sure of itself


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=4))
def test_a_batch_is_its_single_inputs(texts: list[str]) -> None:
    assert embed(*texts) == [embed(text)[0] for text in texts]
    assert counts(*texts) == [counts(text)[0] for text in texts]


def test_token_ids_embed_as_their_text() -> None:
    ids = ENGINE.encode(EMBEDDING, "The capital of France")
    assert embed(ids) == embed("The capital of France")
    assert counts(ids, [100, 101]) == [5, 2]
    with pytest.raises(EngineError, match="token ids"):
        embed([10**9])


@given(words, words, st.integers(1, 40))
def test_truncation_limits_and_never_lowers_tokens(
    one: str, two: str, limit: int
) -> None:
    assert counts(one, truncate=limit) == [min(limit, counts(one)[0])]
    whole = pair_tokens(one, two, None)
    assert pair_tokens(one, two, limit) == min(limit, whole)
    assert embed(one, truncate=counts(one)[0]) == embed(one)
    assert score(RERANKER, (one, two), truncate=whole) == score(RERANKER, (one, two))


def test_truncation_keeps_the_first_tokens() -> None:
    same = embed("the city of Paris", "the city of Seoul", truncate=4)
    assert same[0] == same[1]
    assert embed("the city")[0] == embed("the city of Seoul", truncate=3)[0]
    pairs = [("the city", "a river near the sea"), ("the city", "a river near Paris")]
    cut = score(RERANKER, *pairs, truncate=4 + 2 + 3)
    assert cut[0] == cut[1]
    whole = score(RERANKER, *pairs)
    assert whole[0] != whole[1]


@pytest.mark.parametrize("length", [1, 2, 256, 1_024, 3_072])
def test_shorter_vectors_are_the_beginning_at_unit_length(length: int) -> None:
    (full,) = embed("hello", model="long")
    (short,) = embed("hello", model="long", dimensions=length)
    assert len(short) == length
    assert math.hypot(*short) == pytest.approx(1, abs=1e-5)
    scale = math.hypot(*full[:length])
    assert short == pytest.approx([x / scale for x in full[:length]], abs=1e-5)


@pytest.mark.parametrize("length", [0, -1, 3_073])
def test_impossible_dimensions_are_refused(length: int) -> None:
    with pytest.raises(EngineError, match="dimensions must be from 1 to 3072"):
        embed("hello", model="long", dimensions=length)


def test_inputs_beyond_the_context_are_too_long() -> None:
    text = "city " * 8_000
    for act in (
        lambda: embed(text * 2),
        lambda: embed([5] * 8_193),
        lambda: score(RERANKER, (text, text)),
    ):
        with pytest.raises(TooLong, match=r"has \d"):
            act()
    for act in (lambda: embed(text * 50), lambda: score(RERANKER, (text * 50, text))):
        with pytest.raises(TooLong, match=r"has at least \d"):
            act()
    assert counts(text * 2, truncate=512) == [512]
    assert counts([5] * 9_000, truncate=512) == [512]


def test_a_mock_of_any_model_serves_every_name_and_api() -> None:
    engine = MockEngine(any_model=True)
    assert engine.find("") is None  # no answer could carry it
    assert engine.find(RERANKER) in engine.models
    found = engine.find("whatever")
    assert found is not None
    assert len(found.apis) == 5
    assert MockEngine().find("whatever") is None
    with pytest.raises(EngineError, match="'whatever' is not served"):
        asyncio.run(MockEngine().embed("whatever", ["x"]))


def test_kinds_and_documented_names() -> None:
    for kind, make in KINDS.items():
        assert make("m").name == "m", kind
    names = {model.name for models in map(documented, DIALECTS) for model in models}
    assert {EMBEDDING, RERANKER, "Qwen2-Embedding-48"} <= names
    for models in map(documented, DIALECTS):
        assert len({model.name for model in models}) == len(models)
    by_name = {model.name: model for model in documented("aios")}
    assert by_name[EMBEDDING].dimensions == 1_024
    assert by_name[RERANKER].cross_encoder


def test_an_idle_server_reports_its_counters() -> None:
    assert set(ENGINE.stats(EMBEDDING)) == {
        "queue_fraction",
        "queue_absolute",
        "results_pending",
        "batch_size",
    }
    assert ENGINE.token(EMBEDDING, 67) == b"d"
    assert ENGINE.token(EMBEDDING, -1) is None
    assert ENGINE.token(EMBEDDING, 10**6) is None
