"""What the documents allow and forbid in a request, field by field."""

import pytest
from openapi_walk import Node, blame

SENTENCE = "What is the capital of France?"
SAMPLES: dict[tuple[str, str], Node] = {
    ("aios", "RerankRequest"): {"model": "m", "query": "q", "documents": ["a"]},
    ("aios", "ScoreRequest"): {"model": "m", "text_1": "a", "text_2": ["b"]},
    ("aios", "ChatCompletionRequest"): {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
    },
    ("aios", "CompletionRequest"): {"model": "m", "prompt": "hello"},
    ("aios", "EmbeddingRequest"): {"model": "m", "input": SENTENCE},
    ("infinity", "EmbeddingRequest"): {"model": "m", "input": SENTENCE},
    ("aigne-hub", "EmbeddingRequest"): {"model": "m", "input": SENTENCE},
    ("aihubmix", "EmbeddingRequest"): {"model": "m", "input": SENTENCE},
}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {}}}

# What the documents allow, at the edges of each bound.
ALLOWED: dict[tuple[str, str], list[Node]] = {
    ("aios", "RerankRequest"): [
        {"top_n": 0},
        {"top_n": 5},
        {"top_n": 5.0},
        {"truncate_prompt_tokens": 1},
        {"documents": []},
        {"documents": [""]},
        {"unknown": 1},
    ],
    ("aios", "ScoreRequest"): [
        {"encoding_format": "float"},
        {"encoding_format": "int"},
        {"text_1": ["a", "b"]},
        {"text_1": ""},
        {"truncate_prompt_tokens": 100},
    ],
    ("aios", "ChatCompletionRequest"): [
        {"messages": []},
        {"messages": [{"role": "assistant", "content": "a"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": []}]},
        {"frequency_penalty": -2},
        {"frequency_penalty": 2},
        {"logit_bias": None},
        {"logit_bias": {}},
        {"logit_bias": {"100": 100, "7": -100.0}},
        {"logprobs": True, "top_logprobs": 20},
        {"top_logprobs": 0},
        {"top_logprobs": None},
        {"max_completion_tokens": 0},
        {"max_completion_tokens": None},
        {"max_tokens": 10**9},
        {"n": 3},
        {"presence_penalty": -2.0},
        {"seed": None},
        {"seed": -1},
        {"stop": None},
        {"stop": "a"},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream_options": {"continuous_usage_stats": False}},
        {"stream_options": None},
        {"temperature": 0},
        {"temperature": 1},
        {"tools": None},
        {"tools": [FUNCTION] * 128, "tool_choice": "required"},
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"top_p": 0},
        {"top_p": 1},
    ],
    ("aios", "CompletionRequest"): [
        {"prompt": ""},
        {"prompt": ["a", "b"]},
        {"prompt": [1, 2]},
        {"prompt": [[1], [2, 3]]},
        {"echo": True},
        {"logprobs": None},
        {"logprobs": 0},
        {"logprobs": 5},
        {"max_tokens": 0},
        {"stop": ["a"]},
        {"temperature": 0.0},
        {"top_p": 1.0},
    ],
    ("aios", "EmbeddingRequest"): [
        {"input": ["a", "b"]},
        {"input": []},
        {"input": [1, 2]},
        {"encoding_format": "base64"},
        {"truncate_prompt_tokens": 1},
        {"dimensions": 4, "user": "u"},
    ],
    ("infinity", "EmbeddingRequest"): [
        {"input": ["a"]},
        {"dimensions": 1536},
        {"encoding_format": "base64"},
    ],
    ("aigne-hub", "EmbeddingRequest"): [
        {"input": ["a"]},
        {"input": [1, 2]},
        {"input": [[1], [2]]},
    ],
    ("aihubmix", "EmbeddingRequest"): [
        {"input": ["a"] * 2048},
        {"input": [1] * 2048},
        {"input": [[1] * 2048]},
        {"dimensions": 1},
        {"user": "user-1234"},
    ],
}

# What the documents forbid: the requirements broken, each with the level of refusal.
FORBIDDEN: dict[tuple[str, str], list[tuple[Node, dict[str, str]]]] = {
    ("aios", "RerankRequest"): [
        ({"model": {}}, {"RERANK-REQ-004": "MUST"}),
        ({"query": 1}, {"RERANK-REQ-005": "MUST"}),
        ({"documents": 7}, {"RERANK-REQ-006": "MUST"}),
        ({"documents": [None]}, {"RERANK-REQ-007": "SHOULD"}),
        ({"top_n": 2.5}, {"RERANK-REQ-011": "MUST"}),
        ({"top_n": -1}, {"RERANK-REQ-015": "SHOULD"}),
        ({"truncate_prompt_tokens": "word"}, {"RERANK-REQ-016": "MUST"}),
        ({"truncate_prompt_tokens": 0}, {"RERANK-REQ-017": "MUST"}),
    ],
    ("aios", "ScoreRequest"): [
        ({"text_1": 5}, {"SCORE-REQ-011": "MUST"}),
        ({"text_2": {}}, {"SCORE-REQ-011": "MUST"}),
        ({"text_1": [5]}, {"SCORE-REQ-011": "SHOULD"}),
        ({"encoding_format": {}}, {"SCORE-REQ-014": "MUST", "SCORE-REQ-018": "SHOULD"}),
        ({"encoding_format": "hex"}, {"SCORE-REQ-018": "SHOULD"}),
        ({"truncate_prompt_tokens": 2.5}, {"SCORE-REQ-019": "MUST"}),
        ({"truncate_prompt_tokens": -1}, {"SCORE-REQ-020": "MUST"}),
    ],
    ("aios", "ChatCompletionRequest"): [
        ({"messages": "hello"}, {"CHAT-REQ-005": "MUST"}),
        ({"messages": ["hello"]}, {"CHAT-REQ-005": "MUST"}),
        ({"messages": [{"content": "a"}]}, {"CHAT-REQ-006": "MUST"}),
        ({"messages": [{"role": "user"}]}, {"CHAT-REQ-007": "SHOULD"}),
        ({"messages": [{"role": "user", "content": 5}]}, {"CHAT-REQ-007": "SHOULD"}),
        ({"messages": [{"role": "wizard", "content": "a"}]}, {"CHAT-REQ-006": "MAY"}),
        ({"frequency_penalty": "word"}, {"CHAT-REQ-012": "MUST"}),
        ({"frequency_penalty": 2.1}, {"CHAT-REQ-014": "MUST"}),
        ({"logit_bias": "word"}, {"CHAT-REQ-015": "MUST"}),
        ({"logit_bias": {"word": 1}}, {"CHAT-REQ-016": "SHOULD"}),
        ({"logit_bias": {"100": 101}}, {"CHAT-REQ-017": "SHOULD"}),
        ({"logprobs": {}}, {"CHAT-REQ-018": "MUST"}),
        ({"max_completion_tokens": 2.5}, {"CHAT-REQ-019": "MUST"}),
        ({"max_completion_tokens": -1}, {"CHAT-REQ-020": "SHOULD"}),
        ({"max_tokens": {}}, {"CHAT-REQ-022": "MUST"}),
        ({"max_tokens": -1}, {"CHAT-REQ-023": "SHOULD"}),
        ({"n": 2.5}, {"CHAT-REQ-024": "MUST"}),
        ({"n": 0}, {"CHAT-REQ-025": "SHOULD"}),
        ({"presence_penalty": {}}, {"CHAT-REQ-026": "MUST"}),
        ({"presence_penalty": -2.1}, {"CHAT-REQ-028": "MUST"}),
        ({"seed": "word"}, {"CHAT-REQ-029": "MUST"}),
        ({"stop": {}}, {"CHAT-REQ-033": "MUST"}),
        ({"stop": [5]}, {"CHAT-REQ-033": "SHOULD"}),
        ({"stream": "word"}, {"CHAT-REQ-034": "MUST"}),
        ({"stream_options": "word"}, {"CHAT-REQ-035": "MUST"}),
        ({"stream_options": {"include_usage": "word"}}, {"CHAT-REQ-036": "SHOULD"}),
        (
            {"stream_options": {"continuous_usage_stats": {}}},
            {"CHAT-REQ-037": "SHOULD"},
        ),
        ({"temperature": "word"}, {"CHAT-REQ-039": "MUST"}),
        ({"temperature": -0.1}, {"CHAT-REQ-041": "MUST"}),
        ({"temperature": 1.5}, {"CHAT-REQ-042": "SHOULD"}),
        ({"tool_choice": "sometimes"}, {"CHAT-REQ-043": "MUST"}),
        ({"tools": "word"}, {"CHAT-REQ-046": "MUST"}),
        (
            {"tools": [{"type": "magic", "function": {"name": "f"}}]},
            {"CHAT-REQ-047": "SHOULD"},
        ),
        ({"tools": [FUNCTION] * 129}, {"CHAT-REQ-049": "SHOULD"}),
        ({"logprobs": True, "top_logprobs": "word"}, {"CHAT-REQ-050": "MUST"}),
        ({"logprobs": True, "top_logprobs": 21}, {"CHAT-REQ-051": "MUST"}),
        ({"logprobs": True, "top_logprobs": -1}, {"CHAT-REQ-051": "MUST"}),
        ({"top_logprobs": 3}, {"CHAT-REQ-052": "MUST"}),
        ({"logprobs": False, "top_logprobs": 3}, {"CHAT-REQ-052": "MUST"}),
        ({"top_p": {}}, {"CHAT-REQ-053": "MUST"}),
        ({"top_p": 1.1}, {"CHAT-REQ-055": "MUST"}),
        ({"top_p": -0.1}, {"CHAT-REQ-055": "MUST"}),
    ],
    ("aios", "CompletionRequest"): [
        ({"prompt": 5}, {"COMP-REQ-007": "MUST"}),
        ({"prompt": ["a", 5]}, {"COMP-REQ-007": "SHOULD"}),
        ({"echo": {}}, {"COMP-REQ-009": "MUST"}),
        ({"frequency_penalty": -2.1}, {"COMP-REQ-012": "MUST"}),
        ({"logit_bias": {"x": 1}}, {"COMP-REQ-014": "SHOULD"}),
        ({"logit_bias": {"1": -101}}, {"COMP-REQ-015": "SHOULD"}),
        ({"logprobs": True}, {"COMP-REQ-016": "MUST"}),
        ({"logprobs": 6}, {"COMP-REQ-018": "SHOULD"}),
        ({"logprobs": -1}, {"COMP-REQ-018": "SHOULD"}),
        ({"max_completion_tokens": -1}, {"COMP-REQ-020": "SHOULD"}),
        ({"max_tokens": -1}, {"COMP-REQ-022": "SHOULD"}),
        ({"n": 0}, {"COMP-REQ-024": "SHOULD"}),
        ({"presence_penalty": 2.1}, {"COMP-REQ-027": "MUST"}),
        ({"stop": {}}, {"COMP-REQ-029": "MUST"}),
        ({"stream": "true"}, {"COMP-REQ-030": "MUST"}),
        ({"temperature": -0.1}, {"COMP-REQ-035": "MUST"}),
        ({"temperature": 1.5}, {"COMP-REQ-036": "SHOULD"}),
        ({"top_p": 1.1}, {"COMP-REQ-039": "MUST"}),
    ],
    ("aios", "EmbeddingRequest"): [
        ({"input": {}}, {"EMB-REQ-008": "MUST"}),
        ({"input": True}, {"EMB-REQ-008": "MUST"}),
        ({"input": ["a", True]}, {"EMB-REQ-008": "SHOULD"}),
        ({"encoding_format": 5}, {"EMB-REQ-011": "MUST", "EMB-REQ-014": "MUST"}),
        ({"encoding_format": "hex"}, {"EMB-REQ-014": "MUST"}),
        ({"truncate_prompt_tokens": {}}, {"EMB-REQ-015": "MUST"}),
        ({"truncate_prompt_tokens": 0}, {"EMB-REQ-016": "MUST"}),
    ],
    ("infinity", "EmbeddingRequest"): [
        ({"model": {}}, {"INF-REQ-005": "SHOULD"}),
        ({"input": {}}, {"INF-REQ-006": "SHOULD"}),
        ({"encoding_format": "hex"}, {"INF-REQ-012": "SHOULD"}),
        ({"dimensions": "word"}, {"INF-REQ-014": "SHOULD"}),
        ({"dimensions": 0}, {"INF-REQ-014": "MAY"}),
    ],
    ("aigne-hub", "EmbeddingRequest"): [
        ({"model": {}}, {"AIGNE-REQ-004": "MUST"}),
        ({"input": {}}, {"AIGNE-REQ-006": "MUST"}),
        ({"input": [1, "a"]}, {"AIGNE-REQ-006": "SHOULD"}),
    ],
    ("aihubmix", "EmbeddingRequest"): [
        ({"model": {}}, {"AHM-REQ-017": "SHOULD"}),
        ({"input": ""}, {"AHM-REQ-013": "MUST"}),
        ({"input": ["a", ""]}, {"AHM-REQ-013": "SHOULD"}),
        ({"input": ["a"] * 2049}, {"AHM-REQ-014": "MUST"}),
        ({"input": [[1]] * 2049}, {"AHM-REQ-014": "MUST"}),
        ({"input": [1] * 2049}, {"AHM-REQ-014": "SHOULD"}),
        ({"input": [[1] * 2049]}, {"AHM-REQ-014": "SHOULD"}),
        ({"input": {}}, {"AHM-REQ-006": "SHOULD"}),
        ({"encoding_format": "hex"}, {"AHM-REQ-018": "MUST"}),
        ({"dimensions": 2.5}, {"AHM-REQ-020": "MUST"}),
        ({"dimensions": 0}, {"AHM-REQ-021": "MUST"}),
        ({"user": {}}, {"AHM-REQ-023": "MUST"}),
    ],
}

MISSING: dict[tuple[str, str], dict[str, str]] = {
    ("aios", "RerankRequest"): {
        "model": "RERANK-REQ-004",
        "query": "RERANK-REQ-005",
        "documents": "RERANK-REQ-006",
    },
    ("aios", "ScoreRequest"): {
        "model": "SCORE-REQ-004",
        "text_1": "SCORE-REQ-005",
        "text_2": "SCORE-REQ-006",
    },
    ("aios", "ChatCompletionRequest"): {
        "model": "CHAT-REQ-003",
        "messages": "CHAT-REQ-004",
    },
    ("aios", "CompletionRequest"): {"model": "COMP-REQ-002", "prompt": "COMP-REQ-003"},
    ("aios", "EmbeddingRequest"): {"model": "EMB-REQ-004", "input": "EMB-REQ-005"},
    ("infinity", "EmbeddingRequest"): {"model": "INF-REQ-004", "input": "INF-REQ-006"},
    ("aigne-hub", "EmbeddingRequest"): {
        "model": "AIGNE-REQ-004",
        "input": "AIGNE-REQ-006",
    },
    ("aihubmix", "EmbeddingRequest"): {"input": "AHM-REQ-006", "model": "AHM-REQ-016"},
}


@pytest.mark.parametrize(
    ("dialect", "schema", "change"),
    [(*key, change) for key, rows in ALLOWED.items() for change in [{}, *rows]],
)
def test_what_the_documents_allow_satisfies_the_schema(
    dialect: str, schema: str, change: Node
) -> None:
    body = SAMPLES[dialect, schema] | change
    assert blame(dialect, schema, body) == {}


@pytest.mark.parametrize(
    ("dialect", "schema", "change", "expected"),
    [(*key, *row) for key, rows in FORBIDDEN.items() for row in rows],
)
def test_what_the_documents_forbid_breaks_the_right_requirement(
    dialect: str, schema: str, change: Node, expected: dict[str, str]
) -> None:
    body = SAMPLES[dialect, schema] | change
    assert blame(dialect, schema, body) == expected


@pytest.mark.parametrize(
    ("dialect", "schema", "member", "expected"),
    [(*key, *row) for key, rows in MISSING.items() for row in rows.items()],
)
def test_a_missing_member_breaks_its_own_requirement(
    dialect: str, schema: str, member: str, expected: str
) -> None:
    body = {k: v for k, v in SAMPLES[dialect, schema].items() if k != member}
    assert blame(dialect, schema, body) == {expected: "MUST"}
