"""The grammar of streams: every pair of state and piece, and what freedoms it takes."""

from itertools import product
from typing import Any

import pytest

from aios_conformance.conformance.terms.stream_grammar import (
    TRANSITIONS,
    GrammarViolation,
    Piece,
    StreamState,
    piece_of,
    violations,
)

ROLE = {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
TEXT = {"delta": {"content": "a"}, "finish_reason": None}
EMPTY: dict[str, Any] = {"delta": {}, "finish_reason": None}
END: dict[str, Any] = {"delta": {}, "finish_reason": "stop"}
LAST_TEXT = {"delta": {"content": "z"}, "finish_reason": "length"}

FORBIDDEN = {(StreamState.ENDED, Piece.TEXT), (StreamState.ENDED, Piece.FINISH)}


@pytest.mark.parametrize(("state", "piece"), list(product(StreamState, Piece)))
def test_only_speech_after_the_end_is_illegal(state: StreamState, piece: Piece) -> None:
    assert ((state, piece) in TRANSITIONS) == ((state, piece) not in FORBIDDEN)


@pytest.mark.parametrize("piece", Piece)
def test_a_finish_reason_and_nothing_else_ends_a_choice(piece: Piece) -> None:
    ends = TRANSITIONS[StreamState.OPEN, piece] is StreamState.ENDED
    assert ends == (piece is Piece.FINISH)


@pytest.mark.parametrize(
    ("choice", "piece"),
    [
        (ROLE, Piece.OPENING),
        (TEXT, Piece.TEXT),
        (EMPTY, Piece.EMPTY),
        (END, Piece.FINISH),
        (LAST_TEXT, Piece.FINISH),
        ({"delta": {"role": "assistant", "content": "a"}}, Piece.TEXT),
        ({"delta": {"reasoning_content": "hm"}}, Piece.TEXT),
        ({"delta": {"tool_calls": [{"index": 0}]}}, Piece.TEXT),
        ({"delta": {"content": None, "tool_calls": None}}, Piece.EMPTY),
        ({"delta": {}, "logprobs": {"content": [{"token": "a"}]}}, Piece.TEXT),
        ({"delta": {}, "logprobs": {"content": []}}, Piece.EMPTY),
        ({"delta": None}, Piece.EMPTY),
        ({"delta": {}, "finish_reason": ""}, Piece.FINISH),
        ({"text": "a", "finish_reason": None}, Piece.TEXT),
        ({"text": ""}, Piece.EMPTY),
        ({"text": "", "logprobs": {"tokens": ["a"]}}, Piece.TEXT),
        ({"text": "", "finish_reason": "stop"}, Piece.FINISH),
    ],
)
def test_a_choice_is_named_for_what_it_brings(choice: Any, piece: Piece) -> None:
    assert piece_of(choice) is piece


@pytest.mark.parametrize(
    "choices",
    [
        [ROLE, TEXT, TEXT, END],
        [TEXT, LAST_TEXT],
        [LAST_TEXT],  # all of it at once
        [END],  # nothing to say
        [ROLE, EMPTY, TEXT, EMPTY, END],
        [ROLE, ROLE, ROLE, END],  # the role in every delta
        [ROLE, TEXT, END, EMPTY],  # as beside a late usage
        [ROLE, TEXT, END, ROLE],
        [{"delta": {"content": "a"}}, END],  # no finish_reason before the last
    ],
)
def test_legal_sequences_have_no_violations(choices: Any) -> None:
    assert list(violations(choices)) == []


@pytest.mark.parametrize(
    ("choices", "found"),
    [
        ([], [GrammarViolation(0, StreamState.START, None)]),
        ([ROLE, TEXT], [GrammarViolation(2, StreamState.OPEN, None)]),
        ([TEXT, END, END], [GrammarViolation(2, StreamState.ENDED, Piece.FINISH)]),
        ([TEXT, END, TEXT], [GrammarViolation(2, StreamState.ENDED, Piece.TEXT)]),
        (
            [END, TEXT, END],
            [
                GrammarViolation(1, StreamState.ENDED, Piece.TEXT),
                GrammarViolation(2, StreamState.ENDED, Piece.FINISH),
            ],
        ),
    ],
)
def test_each_illegal_step_is_a_violation(
    choices: Any, found: list[GrammarViolation]
) -> None:
    assert list(violations(choices)) == found
