"""Every member that an answer lacks or gets wrong trips its own rows, no others."""

from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from answers import SENT, chunk, good, says, spoilt, streamed
from exchanges import exchange, findings, is_evidence, witnessed

from aios_conformance.conformance.checks.shape import (
    MOST_ALIKE,
    a_success_is_one_json_object,
    answers_have_the_documented_shape,
    chunks_have_the_openai_shape,
    expected,
    what_was_accepted_has_the_documented_shape,
)
from aios_conformance.conformance.terms.exchange import Api, Json

shape = answers_have_the_documented_shape
APIS: tuple[Api, ...] = ("rerank", "score", "chat", "completions", "embeddings")
PREFIX = {"chat": "CHAT", "completions": "COMP", "rerank": "RERANK"}


@pytest.mark.parametrize("api", APIS)
def test_a_documented_answer_has_no_findings(api: Api) -> None:
    answer = exchange(api, SENT[api], good(api))
    assert findings(shape, answer) == []
    assert {"COMMON-RES-002", "COMMON-RES-005", "COMMON-RES-009"} <= witnessed(
        shape, answer
    )


@pytest.mark.parametrize(
    ("api", "pointer", "value", "rows"),
    [
        ("rerank", "id", [""], {"RERANK-RES-001", "COMMON-RES-005"}),
        ("rerank", "id", [], {"RERANK-RES-001", "COMMON-RES-005"}),
        ("rerank", "results", [{}], {"RERANK-RES-008"}),
        ("rerank", "results/0/index", ["0"], {"RERANK-RES-010"}),
        ("rerank", "results/0/index", [0.5], {"RERANK-RES-010"}),
        ("rerank", "results/1/index", [-1], {"RERANK-RES-011"}),
        ("rerank", "results/0/document", ["two"], {"RERANK-RES-014"}),
        ("rerank", "results/0/document/text", [], {"RERANK-RES-015"}),
        ("rerank", "results/0/relevance_score", ["high"], {"RERANK-RES-017"}),
        ("rerank", "usage/total_tokens", [-1], {"RERANK-RES-006", "COMMON-RES-009"}),
        ("score", "object", ["scores"], {"SCORE-RES-002"}),
        ("score", "created", [1.5], {"SCORE-RES-003", "COMMON-RES-006"}),
        ("score", "data/0/object", [], {"SCORE-RES-007"}),
        ("score", "usage", [None], {"SCORE-RES-010"}),
        ("chat", "model", [""], {"CHAT-RES-004", "COMMON-RES-007"}),
        ("chat", "choices", [[]], {"CHAT-RES-005"}),
        ("chat", "choices/0/message/role", ["user"], {"CHAT-RES-008"}),
        ("chat", "choices/0/message/content", [None], {"CHAT-RES-009"}),
        ("chat", "choices/0/message/tool_calls", [None], {"CHAT-RES-014"}),
        ("chat", "choices/0/message/tool_calls", [{}], {"CHAT-RES-013"}),
        ("chat", "choices/0/finish_reason", [1], {"CHAT-RES-015"}),
        ("chat", "choices/0/logprobs", [[]], {"CHAT-RES-018"}),
        ("completions", "choices/0/text", [None], {"COMP-RES-007"}),
        ("completions", "choices/0/logprobs", [1], {"COMP-RES-008"}),
        ("completions", "choices/0/logprobs", [{"tokens": []}], {"COMP-RES-017"}),
        ("embeddings", "data/0/embedding", [None], {"EMB-RES-008"}),
        (
            "embeddings", "usage/completion_tokens", ["0"],
            {"EMB-RES-014", "COMMON-RES-009"},
        ),
        (
            "embeddings", "usage/prompt_tokens_details", [0],
            {"EMB-RES-016", "COMMON-RES-011"},
        ),
    ],
)  # fmt: skip
def test_a_wrong_member_trips_its_own_rows(
    api: Api, pointer: str, value: list[Json], rows: set[str]
) -> None:
    answer = exchange(api, SENT[api], spoilt(api, pointer, *value))
    found = findings(shape, answer)
    assert {row for f in found for row in f.ids} == rows
    assert not any(f.soft for f in found)
    assert found[0].pointer.startswith(f"/{pointer}".rpartition("/")[0])
    assert rows <= witnessed(shape, answer)


@pytest.mark.parametrize(
    ("api", "pointer", "row"),
    [
        ("score", "usage/prompt_tokens_details", "SCORE-RES-015"),
        ("chat", "choices/0/stop_reason", "CHAT-RES-017"),
        ("completions", "choices/0/prompt_logprobs", "COMP-RES-011"),
    ],
)
def test_a_member_that_is_null_in_the_example_may_be_absent(
    api: Api, pointer: str, row: str
) -> None:
    """Absence only warns (A-010)."""
    (found,) = findings(shape, exchange(api, SENT[api], spoilt(api, pointer)))
    assert found.soft
    assert row in found.ids
    assert found.actual == "absent"


def test_whole_floats_are_whole() -> None:
    answer = spoilt("chat", "created", 1000.0)
    assert findings(shape, exchange("chat", SENT["chat"], answer)) == []


def test_null_log_probabilities_are_no_evidence_for_their_layout() -> None:
    for answer in (good("completions"), spoilt("completions", "choices/0/logprobs")):
        seen = witnessed(shape, exchange("completions", SENT["completions"], answer))
        assert "COMP-RES-008" in seen
        assert "COMP-RES-017" not in seen


def test_a_left_out_list_of_calls_is_evidence_that_it_may_be() -> None:
    answer = spoilt("chat", "choices/0/message/tool_calls")
    made = exchange("chat", SENT["chat"], answer)
    assert findings(shape, made) == []
    assert {"CHAT-RES-013", "CHAT-RES-014"} <= witnessed(shape, made)


def test_a_thousand_wrong_numbers_are_a_few_findings() -> None:
    answer = spoilt("embeddings", "data/0/embedding", ["x"] * 1000)
    found = findings(shape, exchange("embeddings", SENT["embeddings"], answer))
    assert len(found) == MOST_ALIKE


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"enum": ["assistant", None]}, "", '"assistant" or null'),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 3, "string or null"),
        ({"anyOf": [{"type": "null"}, {"items": {"minimum": 2}}]}, [1], "valid under"),
        ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, "a", "more than one"),
        ({"pattern": "^a"}, "b", "text that matches ^a"),
        ({"additionalProperties": False}, {"a": 1}, "no such member"),
        ({"maxItems": 1}, [1, 2], "1 items or fewer"),
        ({"uniqueItems": True}, [1, 1], "items that all differ"),
        ({"const": "list"}, 1, '"list"'),
    ],
)
def test_what_was_expected_is_said_of_the_value_that_would_do(
    schema: Any, value: Any, said: str
) -> None:
    (error,) = jsonschema_rs.validator_for(schema).iter_errors(value)
    assert said in expected(error)


@pytest.mark.parametrize("expect", ["refuse", "either"])
def test_an_answer_to_an_invalid_request_has_no_promised_shape(expect: str) -> None:
    answer = exchange("chat", SENT["chat"], {"choices": []}, expect=expect)
    assert findings(shape, answer) == []
    assert witnessed(shape, answer) == set()


@pytest.mark.parametrize("body", [b"[]", b"", b"<html>", b'"text"', b'{"a": 1'])
def test_a_success_is_one_object(body: bytes) -> None:
    answer = exchange("chat", SENT["chat"], body)
    (found,) = findings(a_success_is_one_json_object, answer)
    assert found.expected == "one JSON object"


@pytest.mark.parametrize(
    ("operation", "is_found"),
    [("POST /v1/embeddings", True), ("POST /v1/embedding", False)],
)
def test_a_success_that_might_have_been_refused_is_one_object(
    operation: str, *, is_found: bool
) -> None:
    sent = SENT["embeddings"]
    answer = exchange("embeddings", sent, b"\x1f", expect="either")
    answer = replace(answer, request=replace(answer.request, operation=operation))
    assert bool(findings(a_success_is_one_json_object, answer)) is is_found


def test_a_success_that_breaks_off_is_found_even_if_it_parses() -> None:
    answer = exchange("chat", SENT["chat"], good("chat"), broken="cut after 3 bytes")
    (found,) = findings(a_success_is_one_json_object, answer)
    assert (found.kind, found.actual) == ("crash", "cut after 3 bytes")


def test_streams_and_refusals_are_no_whole_successes() -> None:
    sent = SENT["chat"] | {"stream": True}
    stream = exchange("chat", sent, stream=streamed("a"))
    refusal = exchange("chat", sent, b"", status=400)
    assert not is_evidence(a_success_is_one_json_object, stream)
    assert not is_evidence(a_success_is_one_json_object, refusal)


# --- chunks ------------------------------------------------------------------------


def stream_of(chunks: list[Any], api: Api = "chat", **over: Any) -> Any:
    return exchange(api, SENT[api] | {"stream": True}, stream=chunks, **over)


def test_documented_chunks_have_no_findings() -> None:
    made = stream_of(streamed("Blue", " sky"))
    assert findings(chunks_have_the_openai_shape, made) == []
    assert witnessed(chunks_have_the_openai_shape, made) == {"CHAT-RES-025"}


@pytest.mark.parametrize(
    "freedom",
    [
        chunk(says("x"), usage=None),
        chunk({"index": 0, "delta": {"content": "x"}}),  # no finish_reason yet
        chunk({"index": 0, "delta": {"role": None, "content": None}}),
        chunk(says("x"), system_fingerprint="f", service_tier=None),
        chunk(usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}),
    ],
)
def test_freedoms_of_real_servers_are_no_findings(freedom: Any) -> None:
    made = stream_of([*streamed("a"), freedom])
    assert findings(chunks_have_the_openai_shape, made) == []


@pytest.mark.parametrize(
    "wrong",
    [
        chunk(says("x"), object="chat.completion"),
        chunk({"index": 0, "message": {"content": "x"}}),
        chunk({"delta": {"content": "x"}}),
        chunk(says("x"), created="now"),
        chunk(says("x"), usage={"prompt_tokens": 1}),
        {"choices": []},
    ],
)
def test_a_wrong_chunk_trips_the_layout(wrong: Any) -> None:
    found = findings(chunks_have_the_openai_shape, stream_of([*streamed("a"), wrong]))
    assert {row for f in found for row in f.ids} == {"CHAT-RES-025"}
    assert all(f.pointer.startswith("/chunks/3") for f in found)


def test_an_error_event_is_not_judged_as_a_chunk() -> None:
    made = stream_of([*streamed("a"), {"error": {"message": "out of memory"}}])
    assert findings(chunks_have_the_openai_shape, made) == []


def test_chunks_of_completions_carry_text() -> None:
    head = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}
    right = head | {"choices": [{"index": 0, "text": "a", "finish_reason": None}]}
    wrong = head | {"choices": [{"index": 0, "delta": {"content": "a"}}]}
    assert (
        findings(chunks_have_the_openai_shape, stream_of([right], "completions")) == []
    )
    (found,) = findings(chunks_have_the_openai_shape, stream_of([wrong], "completions"))
    assert found.ids == ("COMP-RES-018",)


def test_what_might_have_been_refused_has_the_shape_if_it_is_accepted() -> None:
    accepted = what_was_accepted_has_the_documented_shape
    blank = SENT["embeddings"] | {"input": ["", "a"]}
    holes = spoilt("embeddings", "data/0/embedding", [None, None])

    def said(sent: Any, answer: Any) -> Any:
        played = exchange("embeddings", sent, answer, expect="either")
        assert witnessed(accepted, played) == set()
        return {row for f in findings(accepted, played) for row in f.ids}

    assert said(blank, good("embeddings")) == set()
    assert said(blank, holes) == {"EMB-RES-008"}
    assert said(SENT["embeddings"] | {"input": 7}, holes) == set()
