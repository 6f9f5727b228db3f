"""JSON in both directions, the odd cases included."""

import struct
import tracemalloc

import pytest

from aios_conformance.serving.codec import Vector, decode, encode


def test_half_a_surrogate_pair_is_escaped() -> None:
    assert encode({"a": "x\ud800"}) == b'{"a":"x\\ud800"}'


def test_a_vector_is_written_as_its_numbers() -> None:
    vector = Vector(struct.pack("<3f", 0.5, -1.0, 2.0))
    assert encode({"v": vector}) == b'{"v":[0.5,-1.0,2.0]}'
    both = encode({"v": vector, "odd": "\ud800"})
    assert both == b'{"v":[0.5,-1.0,2.0],"odd":"\\ud800"}'
    assert vector.base64 == "AAAAPwAAgL8AAABA"


def test_a_vector_may_be_written_by_whoever_made_it() -> None:
    vector = Vector(struct.pack("<f", 0.5), lambda: b"[0.5]")
    assert encode({"v": vector}) == b'{"v":[0.5]}'
    assert vector.values() == [0.5]


def test_what_is_written_takes_no_more_memory_than_its_length() -> None:
    value = {"text": "x" * 300}
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [encode(value) for _ in range(100)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2 * sum(map(len, kept))


def test_integers_beyond_64_bits_are_numbers() -> None:
    assert decode(b"1" * 40) == pytest.approx(1.1111e39, rel=1e-3)
    assert encode(10**40) == b"1" + b"0" * 40


def test_other_objects_are_our_own_mistake() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()})
