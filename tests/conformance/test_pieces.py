"""Secrets that come in pieces."""

import json

from aios_conformance.conformance.terms.pieces import edited, edits, moved
from aios_conformance.conformance.terms.redact import Redactor

HIDE = Redactor({"sk-secret-1": "KEY"}).text
PIECES = ["I ", "say sk-", "sec", "ret-1", " now"]


def event(**choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def read(body: bytes) -> str:
    events = [json.loads(line[6:]) for line in body.splitlines() if line]
    return "".join(each["choices"][0]["text"] for each in events)


def test_a_key_in_the_pieces_of_a_stream_is_hidden() -> None:
    body = b"".join(event(index=0, text=piece) for piece in PIECES)
    changes = edits(body, HIDE)
    assert read(edited(body, changes)) == "I say $KEY now"
    after = len(edited(body, changes))
    assert moved([0, len(body)], changes) == [0, after]


def test_choices_are_read_apart() -> None:
    body = b"".join(
        event(index=i, text=piece) for piece in PIECES for i in (1, 0) if piece
    )
    assert "sec" not in read(edited(body, edits(body, HIDE))).replace("$KEY", "")


def test_a_key_in_the_tokens_of_a_whole_answer_is_hidden() -> None:
    tokens = [{"token": piece, "logprob": -1.0} for piece in PIECES]
    body = json.dumps({"choices": [{"index": 0, "logprobs": tokens}]}).encode()
    assert b"sec" not in edited(body, edits(body, HIDE))


def test_what_holds_no_key_stays_as_it_is() -> None:
    body = b"".join(event(index=0, text=piece) for piece in ("a", "b")) + b"data: {\n\n"
    assert edits(body, HIDE) == []
    assert edits(b"\xff no JSON", HIDE) == []
