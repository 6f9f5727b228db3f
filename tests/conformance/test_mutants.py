"""Mutants break one rule at one place, and the schema says whose rows that are."""

from typing import Any

import pytest

from aios_conformance.conformance.observing.selfcheck import breach
from aios_conformance.conformance.probes.mutants import Mutant, request_schema
from aios_conformance.conformance.terms.requests import body_bytes
from aios_conformance.spec import Level, requirement

BODIES: dict[str, Any] = {
    "RerankRequest": {"model": "m", "query": "q", "documents": ["a"]},
    "ScoreRequest": {"model": "m", "text_1": ["a"], "text_2": ["b"]},
    "ChatCompletionRequest": {
        "model": "m",
        "messages": [{"role": "user", "content": "a"}],
        "logprobs": True,
        "top_logprobs": 1,
        "tools": [{"type": "function", "function": {"name": "f"}}],
    },
    "CompletionRequest": {"model": "m", "prompt": ["a"]},
    "EmbeddingRequest": {"model": "m", "input": "a"},
}
PATHS = {
    "RerankRequest": "/v1/rerank",
    "ScoreRequest": "/v1/score",
    "ChatCompletionRequest": "/v1/chat/completions",
    "CompletionRequest": "/v1/completions",
    "EmbeddingRequest": "/v1/embeddings",
}
ALL = ("n", "seed", "stop", "logprobs", "tools", "streaming", "echo", "token_input")


def proving(name: str) -> list[tuple[Mutant, tuple[str, ...]]]:
    """The mutants of an example that prove something, each with its rows."""
    known, body = request_schema("aios", name), BODIES[name]
    found = [(m, known.proven(m.applied(body))) for m in known.changes(body, ALL)]
    return [(mutant, rows) for mutant, rows in found if rows]


@pytest.mark.parametrize("name", BODIES)
def test_the_examples_break_nothing(name: str) -> None:
    assert request_schema("aios", name).breaches(BODIES[name]) == []
    assert request_schema("aios", name).proven(BODIES[name]) == ()


@pytest.mark.parametrize("name", BODIES)
def test_every_mutant_breaks_the_document_and_proves_its_own_api(name: str) -> None:
    found = proving(name)
    assert len(found) > 5
    prefix = {rows[0].partition("-")[0] for _, rows in found}
    assert len(prefix) == 1
    for mutant, rows in found:
        body = mutant.applied(BODIES[name])
        told = breach("aios", f"POST {PATHS[name]}", body_bytes(body))
        assert told is not None, mutant
        assert all(requirement(r).level in (Level.MUST, Level.SHOULD) for r in rows)


@pytest.mark.parametrize("name", BODIES)
def test_no_mutant_uses_a_value_that_may_be_coerced(name: str) -> None:
    for mutant, _ in proving(name):
        value = mutant.value
        assert not isinstance(value, bool)
        assert not isinstance(value, str) or value == "word"
        assert not isinstance(value, float) or value == 2.5


@pytest.mark.parametrize(
    ("name", "mutant", "rows"),
    [
        ("RerankRequest", Mutant(("query",), is_dropped=True), ("RERANK-REQ-005",)),
        ("RerankRequest", Mutant(("top_n",), 2.5), ("RERANK-REQ-011",)),
        ("RerankRequest", Mutant(("top_n",), -1), ("RERANK-REQ-015",)),
        ("RerankRequest", Mutant(("documents", 0), 5), ("RERANK-REQ-007",)),
        ("RerankRequest", Mutant(("query",), ""), ()),  # x-either
        ("ScoreRequest", Mutant(("text_2",), is_dropped=True), ("SCORE-REQ-006",)),
        ("ScoreRequest", Mutant(("text_1", 0), 5), ()),  # a SHOULD under a MUST row
        ("ScoreRequest", Mutant(("encoding_format",), "word"), ("SCORE-REQ-018",)),
        ("ScoreRequest", Mutant(("encoding_format",), 5), ("SCORE-REQ-014",)),
        ("CompletionRequest", Mutant(("prompt",), {}), ("COMP-REQ-007",)),
        ("CompletionRequest", Mutant(("prompt",), [1, 2]), ()),  # a MAY
        ("CompletionRequest", Mutant(("temperature",), 1.5), ("COMP-REQ-036",)),
        ("CompletionRequest", Mutant(("temperature",), -1), ("COMP-REQ-035",)),
        ("ChatCompletionRequest", Mutant(("messages",), "word"), ("CHAT-REQ-005",)),
        (
            "ChatCompletionRequest",
            Mutant(("messages", 0, "role"), is_dropped=True),
            ("CHAT-REQ-006",),
        ),
        ("ChatCompletionRequest", Mutant(("messages", 0, "role"), "word"), ()),
        ("ChatCompletionRequest", Mutant(("tool_choice",), "word"), ("CHAT-REQ-043",)),
        (
            "ChatCompletionRequest",
            Mutant(("logprobs",), is_dropped=True),
            ("CHAT-REQ-052",),
        ),
        # two rules at once: the type of one member, the need of another
        ("ChatCompletionRequest", Mutant(("logprobs",), "word"), ()),
        ("EmbeddingRequest", Mutant(("input",), True), ("EMB-REQ-008",)),  # noqa: FBT003
        ("EmbeddingRequest", Mutant(("encoding_format",), "word"), ("EMB-REQ-014",)),
    ],
)
def test_the_rows_are_those_of_the_deepest_annotated_node(
    name: str, mutant: Mutant, rows: tuple[str, ...]
) -> None:
    known = request_schema("aios", name)
    assert known.proven(mutant.applied(BODIES[name])) == rows


def test_members_that_need_a_capability_are_left_alone() -> None:
    known, body = request_schema("aios", "ChatCompletionRequest"), {
        "model": "m",
        "messages": [{"role": "user", "content": "a"}],
    }  # fmt: skip
    touched = {mutant.path[0] for mutant in known.changes(body)}
    assert not touched & {"n", "seed", "stop", "tools", "stream", "logprobs"}
    assert "n" in {mutant.path[0] for mutant in known.changes(body, ("n",))}


def test_a_mutant_changes_a_copy() -> None:
    body = {"messages": [{"role": "user"}]}
    mutant = Mutant(("messages", 0, "role"), 5)
    assert mutant.applied(body) == {"messages": [{"role": 5}]}
    assert body == {"messages": [{"role": "user"}]}
    assert mutant.pointer == "/messages/0/role"
