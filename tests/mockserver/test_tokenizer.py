"""The tokenizer loses nothing and its ids are stable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aios_conformance.mockserver.model.tokenizer import (
    BEGIN,
    END,
    MOST,
    PIECES,
    SPECIALS,
    decode,
    encode,
    token_count,
)


@given(st.text())
def test_decoding_undoes_encoding(text: str) -> None:
    assert decode(encode(text)) == text.encode()


@given(st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=3))
def test_half_a_surrogate_pair_is_kept(text: str) -> None:
    assert decode(encode(text)) == text.encode("utf-8", "surrogatepass")


@given(st.text(), st.text())
def test_a_text_is_never_shorter_than_its_beginning(text: str, more: str) -> None:
    assert len(encode(f"{text}\n{more}")) > len(encode(text))


@given(st.text(st.characters(max_codepoint=127)))
def test_text_in_ascii_is_split_as_it_is_beside_other_text(text: str) -> None:
    assert encode(text) + encode("\né") == encode(f"{text}\né")


@given(st.text())
def test_tokens_are_counted_as_they_are_made(text: str) -> None:
    assert token_count(text) == len(encode(text))


def test_ids_are_those_of_a_real_vocabulary() -> None:
    assert encode("hello world") == [15_339, 1_917]
    assert encode("What is the capital of France?") == [
        *(3_923, 374, 279, 6_864, 315, 9_822, 30)
    ]
    assert (encode("!"), encode("\n"), encode("2026")) == ([0], [198], [2366, 21])
    assert (BEGIN, END) == (128_000, 128_009)


def test_every_id_has_a_text_of_its_own_but_for_special_ones() -> None:
    texts = {PIECES[token] for token in range(MOST)}
    assert len(texts) == MOST - len(SPECIALS) + 1
    assert all(PIECES[token] == b"" for token in SPECIALS)
    assert {*map(len, map(PIECES.__getitem__, range(256)))} == {1}
    with pytest.raises(IndexError):
        PIECES[MOST]


@given(st.lists(st.integers(0, 100_255), max_size=1))
def test_the_text_of_an_id_is_that_id_again(ids: list[int]) -> None:
    text = decode(ids).decode("utf-8", "replace")
    assert encode(text) == ids or "\ufffd" in text


def test_known_words_are_one_token_with_or_without_their_space() -> None:
    assert len(encode("What is the capital of France?")) == 7
    assert len(encode("water")) == len(encode(" water")) == len(encode("Water")) == 1


def test_characters_outside_ascii_are_split_between_tokens() -> None:
    assert [PIECES[token] for token in encode("é")] == [b"\xc3", b"\xa9"]
    assert len(encode("서울")) == 6
