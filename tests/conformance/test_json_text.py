"""Reading what a target calls JSON."""

import json

import pytest

from aios_conformance.conformance.terms.json_text import (
    DEEPEST,
    MOST_TEXTS,
    read_answer,
    read_json,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        ("18446744073709551615", 2**64 - 1),
        (b"", None),
        (b"{", None),
        (b"NaN", None),
        (b"1e999", None),
        (b'"\\ud800"', None),
        (b"\xff", None),
    ],
)
def test_a_text_is_a_value_or_none(text: bytes | str, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"\ud800 sky"', "\ufffd sky"),
        (r'"\uDC00\ud83d\ude00\ud83d"', "\ufffd\U0001f600\ufffd"),
        (rb'["\\ud800", "\ud800"]', [r"\ud800", "\ufffd"]),
        (rb'"\ud80"', None),
        (b'{"a": 1', None),
        (b"null", None),
    ],
)
def test_an_answer_may_hold_half_of_a_pair(text: bytes | str, value: object) -> None:
    assert read_answer(text) == value


@pytest.mark.parametrize("start", ["[", '{"a":'])
def test_what_is_nested_too_deep_is_not_read(start: str) -> None:
    end = "]" if start == "[" else "}"

    def nested(levels: int) -> str:
        return start * levels + "1" + end * levels

    assert read_json(nested(DEEPEST)) is not None
    for levels in (DEEPEST + 1, 1_000, 100_000):
        assert read_json(nested(levels)) is None


def test_what_holds_too_many_texts_is_not_read() -> None:
    assert read_json(json.dumps(["x"] * MOST_TEXTS)) is not None
    assert read_json(json.dumps(dict.fromkeys(map(str, range(MOST_TEXTS + 1))))) is None
