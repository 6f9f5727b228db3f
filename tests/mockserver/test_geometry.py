"""Texts that say the same are near each other; all vectors have unit length."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aios_conformance.mockserver.model.geometry import Geometry, features

SPACE = Geometry(0, 1_024)


def cosine(one: str, two: str, space: Geometry = SPACE) -> float:
    return math.fsum(
        a * b for a, b in zip(space.vector(one), space.vector(two), strict=True)
    )


@given(st.text())
def test_every_text_has_a_finite_vector_of_unit_length(text: str) -> None:
    vector = SPACE.vector(text)
    assert len(vector) == 1_024
    assert math.hypot(*vector) == pytest.approx(1)


@given(st.text())
def test_a_text_is_nearest_to_itself(text: str) -> None:
    assert cosine(text, text) == pytest.approx(1)


@pytest.mark.parametrize("dimensions", [7, 512, 1_024, 2_560, 3_072])
def test_a_vector_is_written_as_its_numbers(dimensions: int) -> None:
    space = Geometry(0, dimensions)
    for text in ("", "hello", "the capital of France"):
        written = json.loads(space.json(space.packed(text)))
        assert tuple(written) == space.vector(text)


@given(st.text(), st.text())
def test_no_texts_are_opposites_and_cosines_are_symmetric(one: str, two: str) -> None:
    assert -0.15 < cosine(one, two) < 1 + 1e-6
    assert cosine(one, two) == pytest.approx(cosine(two, one))


def test_a_second_space_of_the_same_seed_is_the_same() -> None:
    assert Geometry(0, 1_024).vector("hello") == SPACE.vector("hello")
    assert Geometry(1, 1_024).vector("hello") != SPACE.vector("hello")


def test_different_texts_have_different_vectors() -> None:
    texts = ["dog bites man", "man bites dog", "Dog bites man", "dog bites man.", ""]
    assert len({SPACE.vector(text) for text in texts}) == len(texts)


QUERY = "What is the capital of France?"
DOCUMENTS = (
    "The capital of France is Paris.",
    "France capital city is known for the Eiffel Tower.",
    "Paris is located in the north-central part of France.",
)


def test_the_printed_rerank_example_comes_out_in_its_printed_order() -> None:
    scores = [cosine(QUERY, document) for document in DOCUMENTS]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.7
    assert cosine(QUERY, "Boil the pasta until tender.") < 0.3 < scores[2]


def test_the_printed_score_example_matches_questions_with_their_answers() -> None:
    planets, symbol = (
        "What is the largest planet in the solar system?",
        "What is the chemical symbol for water?",
    )
    jupiter, formula = (
        "Jupiter is the largest planet in the solar system.",
        "The chemical formula of water is H₂O.",
    )
    right = [cosine(planets, jupiter), cosine(symbol, formula)]
    wrong = [cosine(planets, formula), cosine(symbol, jupiter)]
    assert min(right) > 2 * max(wrong)


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("two cats sleep", "two cats eat"), ("two cats sleep", "a red car")),
        (("the largest planet", "large planets"), ("the largest planet", "the of")),
        (("한국의 수도는 서울", "수도는 서울"), ("한국의 수도는 서울", "점심 메뉴")),
        (("日本の首都は東京", "首都は東京"), ("日本の首都は東京", "猫が好き")),
        (("Größe", "größe!"), ("Größe", "Ärger")),
        (("😀 smile", "😀"), ("😀 smile", "rain")),
    ],
)
def test_shared_words_raise_similarity(
    near: tuple[str, str], far: tuple[str, str]
) -> None:
    assert cosine(*near) > cosine(*far) + 0.1


def test_shared_function_words_hardly_count() -> None:
    assert cosine("it is in the house", "it is in the sea") < 0.4


def test_a_space_of_fewer_dimensions_holds_about_the_same_cosines() -> None:
    small = Geometry(0, 256)
    assert cosine(QUERY, DOCUMENTS[0], small) == pytest.approx(
        cosine(QUERY, DOCUMENTS[0]), abs=0.15
    )


def test_very_long_texts_do_not_overflow() -> None:
    for text in ("word " * 8_000, " ".join(f"w{i}" for i in range(8_000)), "ﷺ" * 8_000):
        assert math.hypot(*SPACE.vector(text)) == pytest.approx(1)
        assert cosine(text, text[:-1]) > 0.9


@given(st.text(st.characters(max_codepoint=127)))
def test_text_in_ascii_has_the_features_that_it_has_beside_other_text(
    text: str,
) -> None:
    assert [*features(text), "é"] == features(f"{text} é")


def test_features_fold_case_and_forms_and_separate_cjk() -> None:
    assert features("H₂O, \uff21\uff22 東京 don't") == [
        "h2o",
        ",",
        "ab",
        "東",
        "京",
        "don",
        "'",
        "t",
    ]
