"""Vectors are decoded and compared as they are written, odd ones too."""

import base64
import struct

import pytest

from aios_conformance.conformance.terms.vectors import (
    agreement,
    cosine,
    decoded,
    floats,
    is_close,
    largest_difference,
)


def test_base64_decodes_as_little_endian_floats() -> None:
    text = base64.b64encode(struct.pack("<2f", 0.5, -1.0)).decode()
    assert decoded(text) == [0.5, -1.0]
    assert floats([text, [2.0]]) == [[0.5, -1.0], [2.0]]


@pytest.mark.parametrize("text", ["AAA", "AAAA!", "AAAAAAA=", "[0.5, 0.5]"])
def test_what_is_no_base64_of_floats_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"not base64|no whole number"):
        decoded(text)


def test_cosine_and_difference_never_pass_what_is_not_finite() -> None:
    nan = float("nan")
    assert cosine([1.0, 0.0], [2.0, 0.0]) == pytest.approx(1.0)
    assert cosine([0.0, 0.0], [1.0, 0.0]) == 0.0
    assert cosine([nan, 1.0], [1.0, 1.0]) == 0.0
    assert cosine([1.0], [1.0, 1.0]) == 0.0
    assert largest_difference([1.0, 2.0], [1.0, 2.0]) == 0.0
    assert largest_difference([10.0], [9.0]) == pytest.approx(0.1)
    assert largest_difference([nan], [1.0]) == float("inf")
    assert largest_difference([1.0], [1.0, 1.0]) == float("inf")
    assert largest_difference([], []) == 0.0


def test_vectors_that_are_the_same_are_equally_long() -> None:
    assert agreement([0.0, 0.0], [0.0, 0.0]) == 1.0
    assert agreement([0.6, 0.8], [0.8, 0.6]) == pytest.approx(0.96)
    assert agreement([3.0, 4.0], [3.03, 4.04]) > 0.999
    assert agreement([0.6, 0.8], [1.2, 1.6]) == pytest.approx(0.8)
    assert agreement([0.0, 0.0], [0.6, 0.8]) == 0.0
    assert agreement([float("inf"), 0.0], [0.6, 0.8]) == 0.0
    assert agreement([1.0], [1.0, 0.0]) == 0.0


def test_vectors_may_differ_by_what_half_precision_loses_and_by_no_more() -> None:
    assert is_close([0.16, 0.01], [0.16, 0.0124])
    assert not is_close([0.16, 0.01], [0.16, 0.0126])
    assert is_close([16.0, 1.0], [16.0, 1.25])
    assert not is_close([0.01, 0.01], [0.01, 0.0112])
    assert not is_close([0.16], [0.16, 0.0])
    assert is_close([], [])
