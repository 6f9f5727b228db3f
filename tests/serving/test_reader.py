"""Parts of an answer, read from tokens that are cut anywhere."""

import itertools
import json
from collections.abc import Iterator

import pytest

from aios_conformance.serving.calls import ForcedCall, MarkedCalls, WrittenCalls
from aios_conformance.serving.engine import Token
from aios_conformance.serving.reader import AnswerPart, TokenReader


def parts_of(
    reader: TokenReader, pieces: list[bytes], *, end: bool = True
) -> list[AnswerPart]:
    parts: list[AnswerPart] = []
    for number, piece in enumerate(pieces):
        parts += reader.feed(Token(number, piece, -1.0))
        if reader.finish is not None:
            return parts + reader.close()
    if end:
        return parts + reader.feed(Token(0, b"", -1.0, end=True))
    return parts + reader.close()


def said(parts: list[AnswerPart], kind: str = "content") -> str:
    return "".join(part.text for part in parts if part.kind == kind)


def tokens(parts: list[AnswerPart]) -> bytes:
    return b"".join(token.data for part in parts for token in part.tokens)


def splits(data: bytes) -> Iterator[list[bytes]]:
    """Whole, bytewise, and every cut in two and three."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    for first, second in itertools.combinations_with_replacement(range(len(data)), 2):
        yield [data[:first], data[first:second], data[second:]]


def test_characters_are_never_split() -> None:
    text = "a€é😀z"
    for pieces in splits(text.encode()):
        parts = parts_of(TokenReader(99), pieces)
        assert said(parts) == text
        assert tokens(parts) == text.encode()


def test_a_character_cut_off_by_the_limit_is_dropped() -> None:
    reader = TokenReader(2)
    parts = parts_of(reader, [b"a", "€".encode()[:2]], end=False)
    assert said(parts) == "a"
    assert reader.finish == "length"
    assert tokens(parts) == b"a" + "€".encode()[:2]


def test_an_end_token_counts_but_does_not_show() -> None:
    reader = TokenReader(9)
    parts = parts_of(reader, [b"hi"])
    assert (reader.finish, reader.tokens, tokens(parts)) == ("stop", 2, b"hi")


def test_tokens_of_the_stop_string_are_left_out() -> None:
    reader = TokenReader(9, stops=["STOP"])
    parts = parts_of(reader, [b"a", b"b", b"ST", b"OP", b"c"])
    assert (said(parts), tokens(parts)) == ("ab", b"ab")
    assert (reader.finish, reader.stop_reason, reader.tokens) == ("stop", "STOP", 4)


def test_reasoning_is_told_from_content_on_every_cut() -> None:
    data = b" <think>\n two\nlines \n</think>\n\n done "
    for pieces in splits(data):
        reader = TokenReader(99, reasoning=("<think>", "</think>"), stops=["lines"])
        parts = parts_of(reader, pieces)
        assert said(parts, "reasoning") == "two\nlines", pieces
        assert said(parts) == "done ", pieces
        assert reader.finish == "stop"
        if len(pieces) == len(data):
            assert tokens(parts) == b"done "


def test_an_answer_without_reasoning_is_all_content() -> None:
    for pieces in splits(b"<thin ice"):
        parts = parts_of(TokenReader(99, reasoning=("<think>", "</think>")), pieces)
        assert said(parts) == "<thin ice"


def test_unfinished_reasoning_stays_reasoning() -> None:
    for pieces in splits(b"<think>so </th"):
        parts = parts_of(TokenReader(99, reasoning=("<think>", "</think>")), pieces)
        assert said(parts, "reasoning") == "so </th"
        assert said(parts) == ""


def test_reasoning_may_begin_without_a_marker() -> None:
    for pieces in splits(b"hm</think>yes"):
        parts = parts_of(TokenReader(99, reasoning=("", "</think>")), pieces)
        assert (said(parts, "reasoning"), said(parts)) == ("hm", "yes")


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "f", "arguments": {"a": "x}\\" ,:", "b": [1, {"c": null}]}}',
        '{"arguments":{"a":"x}\\" ,:","b":[1,{"c":null}]},"name":"f"}',
        ' {\n "name" : "f" ,\n "arguments" : {"a":"x}\\" ,:","b":[1,{"c":null}]} \n}\n',
    ],
)
def test_a_forced_call_is_read_on_every_cut(text: str) -> None:
    for pieces in splits(text.encode()):
        reader = TokenReader(99, calls=ForcedCall())
        parts = parts_of(reader, pieces)
        assert said(parts, "call") == "f"
        arguments = json.loads(said(parts, "arguments"))
        assert arguments == {"a": 'x}" ,:', "b": [1, {"c": None}]}
        assert said(parts) == ""
        assert reader.finish == "tool_calls"
        assert tokens(parts) == text.encode()


def test_a_forced_call_cut_off_is_finished_by_length() -> None:
    reader = TokenReader(2, calls=ForcedCall())
    parts = parts_of(reader, [b'{"name":"f",', b'"arguments":{"a"'], end=False)
    assert (said(parts, "call"), said(parts, "arguments")) == ("f", '{"a"')
    assert reader.finish == "length"


def marked(offered: str = "f") -> MarkedCalls:
    return MarkedCalls(
        "<call>", "</call>", lambda name, given: name == offered and "a" in given
    )


def test_marked_calls_are_read_on_every_cut() -> None:
    text = (
        'So.\n<call>{"name":"f","arguments":{"a":1}}</call>\n'
        '<call> {"name": "f", "arguments": {"a": 2}} </call>\n'
    )
    for pieces in splits(text.encode()):
        reader = TokenReader(99, calls=marked())
        parts = parts_of(reader, pieces)
        assert said(parts) == "So."
        assert [part.text for part in parts if part.kind == "call"] == ["f", "f"]
        assert said(parts, "arguments") == '{"a":1}{"a":2}'
        assert reader.finish == "tool_calls"


@pytest.mark.parametrize(
    "text",
    [
        'x <call>{"name":"g","arguments":{"a":1}}</call> y',
        'x <call>{"name":"f","arguments":{}}</call> y',
        "x <call>no json</call> y",
        "x <call> and then",
        "less <cal than",
        "  ",
    ],
)
def test_what_is_no_acceptable_call_is_content(text: str) -> None:
    for pieces in splits(text.encode()):
        reader = TokenReader(99, calls=marked())
        parts = parts_of(reader, pieces)
        assert said(parts).replace(" ", "") == text.replace(" ", "")
        assert reader.finish == "stop"


def test_a_marked_call_may_lack_its_last_marker() -> None:
    reader = TokenReader(99, calls=marked())
    parts = parts_of(reader, [b'<call>{"name":"f",', b'"arguments":{"a":1}}'])
    assert said(parts, "arguments") == '{"a":1}'
    assert reader.finish == "tool_calls"


def test_a_plain_answer_keeps_its_white_space_beside_tools() -> None:
    for pieces in splits(b" one  two \n"):
        parts = parts_of(TokenReader(99, calls=marked()), pieces)
        assert said(parts) == " one  two \n"


def test_written_calls_are_read_on_every_cut() -> None:
    text = (
        'So.\n<call>{"name":"f","arguments":{"a":{"b":"}"}}}</call>\n'
        '<call> { "name" : "g\\"", "arguments": {"a": 2} } </call>\n'
    )
    for pieces in splits(text.encode()):
        reader = TokenReader(99, calls=WrittenCalls("<call>", "</call>"))
        parts = parts_of(reader, pieces)
        assert said(parts) == "So."
        assert [part.text for part in parts if part.kind == "call"] == ["f", 'g"']
        assert said(parts, "arguments") == '{"a":{"b":"}"}}{"a": 2}'
        assert reader.finish == "tool_calls"
        assert tokens(parts) == text.encode()


@pytest.mark.parametrize(
    "arguments",
    [
        '{"a": "x',
        "no json",
        '"a text"',
        '{"a": 1}}',
        "null",
        '{"a":\n',
        '{"a": "</call>"}',
        '{"\\"</call>": ["}</call>", "</call"]}',
    ],
)
def test_written_calls_hold_whatever_the_model_wrote(arguments: str) -> None:
    text = f'<call>{{"name": "f", "arguments": {arguments}}}</call>'
    for pieces in splits(text.encode()):
        parts = parts_of(
            TokenReader(99, calls=WrittenCalls("<call>", "</call>")), pieces
        )
        assert said(parts, "call") == "f"
        assert said(parts, "arguments") == arguments.rstrip()


def test_a_string_that_never_ends_ends_with_its_call() -> None:
    one = '<call>{"name":"f","arguments":{"a": "x}</call>'
    for pieces in splits(f"{one} {one}".encode()):
        parts = parts_of(
            TokenReader(99, calls=WrittenCalls("<call>", "</call>")), pieces
        )
        assert said(parts, "call") == "ff"
        assert said(parts, "arguments") == '{"a": "x' * 2
        assert not said(parts)


def test_a_marked_call_may_hold_its_last_marker() -> None:
    body = '<call>{"name":"f","arguments":{"a":"</call>"}}</call>'
    open_string = '<call>{"a": "x</call> y'
    for pieces in splits(f"{body}{open_string}".encode()):
        parts = parts_of(TokenReader(99, calls=marked()), pieces)
        assert said(parts, "arguments") == '{"a":"</call>"}'
        assert said(parts) == open_string


def test_a_written_call_cut_off_is_finished_by_length() -> None:
    reader = TokenReader(2, calls=WrittenCalls("<call>", "</call>"))
    pieces = [b'<call>{"name":"f","arguments":{"a"', b': {"b": 1}}}</']
    parts = parts_of(reader, pieces, end=False)
    assert said(parts, "arguments") == '{"a": {"b": 1}}'
    assert (said(parts), reader.finish) == ("", "length")


@pytest.mark.parametrize("text", ["<call>no name</call> so", "less <cal than", "  "])
def test_what_is_no_written_call_is_content(text: str) -> None:
    for pieces in splits(text.encode()):
        reader = TokenReader(99, calls=WrittenCalls("<call>", "</call>"))
        assert said(parts_of(reader, pieces)) == text
        assert reader.finish == "stop"
