"""The mock over HTTP, every answer held against the contract, beyond what rows state.

That it keeps the rows is shown by the judge: tests/conformance/test_run_mock.py.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asking import ASK, CHAT, WEATHER, served, text_of, tool

from aios_conformance.mockserver.app import mock_application
from aios_conformance.mockserver.options import read_options

CLOCK = tool("get_time")


@pytest.fixture(scope="module")
def mock(running: Any) -> Iterator[Any]:
    with served(running) as client:
        yield client


def test_the_same_request_has_the_same_answer(mock: Any) -> None:
    for path, body in (
        ("/v1/chat/completions", {**ASK, "n": 2}),
        ("/v1/completions", {"model": CHAT, "prompt": ["a", "b"], "logprobs": 2}),
    ):
        first, second = (mock.post(path, body).json() for _ in range(2))
        assert first["choices"] == second["choices"]
        assert first["usage"] == second["usage"]
        assert first["id"] != second["id"]


def test_choices_and_seeds_are_different_draws(mock: Any) -> None:
    answer = mock.post("/v1/chat/completions", {**ASK, "n": 3}).json()
    texts = {choice["message"]["content"] for choice in answer["choices"]}
    assert len(texts) == 3
    seeded = {
        mock.post("/v1/chat/completions", {**ASK, "seed": seed}).json()["choices"][0][
            "message"
        ]["content"]
        for seed in range(3)
    }
    assert len(seeded) == 3
    greedy = mock.post("/v1/chat/completions", {**ASK, "n": 3, "temperature": 0}).json()
    assert len({c["message"]["content"] for c in greedy["choices"]}) == 1


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"temperature": 0},
        {"n": 2, "seed": 3},
        {"max_tokens": 5},
        {"max_completion_tokens": 0},
        {"stop": [" a", "."]},
        {"logprobs": True, "top_logprobs": 3},
        {"tools": [WEATHER], "tool_choice": "none"},
    ],
    ids=str,
)
def test_streamed_is_whole(mock: Any, extra: dict[str, Any]) -> None:
    body = {**ASK, **extra}
    whole = mock.post("/v1/chat/completions", body).json()
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = mock.post("/v1/chat/completions", {**body, **options}).chunks()
    for choice in whole["choices"]:
        assert text_of(chunks, choice["index"]) == choice["message"]["content"]
    assert chunks[-1]["usage"] == whole["usage"]


@pytest.mark.parametrize("extra", [{}, {"echo": True}, {"n": 2}, {"logprobs": 5}])
def test_streamed_completions_are_whole(mock: Any, extra: dict[str, Any]) -> None:
    body = {"model": CHAT, "prompt": ["One day a", "Été 😀"], **extra}
    whole = mock.post("/v1/completions", body).json()
    chunks = mock.post("/v1/completions", {**body, "stream": True}).chunks()
    for choice in whole["choices"]:
        assert text_of(chunks, choice["index"]) == choice["text"]


def test_the_model_calls_a_tool_that_fits_the_question(mock: Any) -> None:
    ask = [{"role": "user", "content": "What is the weather in Paris?"}]
    body = {**ASK, "messages": ask, "tools": [WEATHER, CLOCK]}
    (choice,) = mock.post("/v1/chat/completions", body).json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    answered = [
        *ask,
        choice["message"],
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
    ]
    (after,) = mock.post("/v1/chat/completions", {**body, "messages": answered}).json()[
        "choices"
    ]
    assert after["finish_reason"] == "stop"
    assert after["message"]["content"]


def test_structured_output_satisfies_its_schema(mock: Any) -> None:
    import jsonschema  # noqa: PLC0415

    schema = WEATHER["function"]["parameters"]
    formats: list[Any] = [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "w", "schema": schema}},
    ]
    for format_ in formats:
        answer = mock.post("/v1/chat/completions", {**ASK, "response_format": format_})
        content = json.loads(answer.json()["choices"][0]["message"]["content"])
        assert isinstance(content, dict)
    jsonschema.validate(content, schema)


def test_a_reasoning_model_thinks_apart(running: Any) -> None:
    with served(running, "--model", "deep=reasoning") as client:
        body = {**ASK, "model": "deep"}
        (choice,) = client.post("/v1/chat/completions", body).json()["choices"]
        assert choice["message"]["reasoning_content"]
        assert choice["message"]["content"]
        assert "think>" not in json.dumps(choice)
        chunks = client.post("/v1/chat/completions", {**body, "stream": True}).chunks()
        assert text_of(chunks) == choice["message"]["content"]


def test_models_can_be_added_and_any_name_served(running: Any) -> None:
    with served(running, "--model", "my=rerank", "--model", "a=b=embeddings") as client:
        ids = [one["id"] for one in client.get("/v1/models").json()["data"]]
        assert CHAT in ids
        assert ids[-2:] == ["my", "a=b"]
        body = {"model": "my", "query": "a", "documents": ["a"]}
        assert client.post("/rerank", body).status == 200
        assert client.post("/rerank", {**body, "model": "x"}).status == 404
        assert client.post("/v1/chat/completions", {**ASK, "model": "my"}).status == 400
    with served(running, "--models", "any") as client:
        assert client.post("/rerank", {**body, "model": "x"}).json()["model"] == "x"
        assert client.post("/v1/chat/completions", {**ASK, "model": "y"}).status == 200


def test_another_seed_is_another_world(running: Any, mock: Any) -> None:
    with served(running, "--seed", "5") as client:
        body = {"model": "sds/bge-m3", "input": "a"}
        first = client.post("/v1/embeddings", body).json()["data"]
        assert first != mock.post("/v1/embeddings", body).json()["data"]


def test_a_repeated_vector_is_the_same_in_both_forms(running: Any) -> None:
    """Without the self-check, vectors are remembered as they were written."""
    import base64  # noqa: PLC0415
    import struct  # noqa: PLC0415

    with running(mock_application(read_options([], {}))) as client:
        body = {"model": "sds/bge-m3", "input": ["x", "y", "x"]}
        first, again = (client.post("/v1/embeddings", body).json() for _ in range(2))
        assert first["data"] == again["data"]
        assert first["data"][0]["embedding"] == first["data"][2]["embedding"]
        packed = client.post("/v1/embeddings", {**body, "encoding_format": "base64"})
        for one, other in zip(first["data"], packed.json()["data"], strict=True):
            raw = base64.b64decode(other["embedding"])
            assert list(struct.unpack("<1024f", raw)) == one["embedding"]
