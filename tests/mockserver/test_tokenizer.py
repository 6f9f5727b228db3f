"""The tokenizer loses nothing and its ids are stable."""

from hypothesis import given
from hypothesis import strategies as st

from aios_conformance.mockserver.tokenizer import (
    BEGIN,
    END,
    PIECES,
    SIZE,
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


def test_the_vocabulary_begins_with_the_bytes_and_the_special_tokens() -> None:
    assert PIECES[:256] == tuple(bytes([value]) for value in range(256))
    assert (BEGIN, END, PIECES[END]) == (256, 257, b"")
    assert encode("d") == [100]
    assert len({piece for piece in PIECES if piece}) == SIZE - PIECES.count(b"")


def test_known_words_are_one_token_with_or_without_their_space() -> None:
    assert len(encode("What is the capital of France?")) == 7
    assert len(encode("water")) == len(encode(" water")) == len(encode("Water")) == 1


def test_characters_outside_ascii_are_split_between_tokens() -> None:
    assert [PIECES[token] for token in encode("é")] == [b"\xc3", b"\xa9"]
    assert len(encode("서울")) == 6
