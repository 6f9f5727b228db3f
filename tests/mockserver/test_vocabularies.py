"""Token ids of real vocabularies are taken, whichever client counted them."""

from collections.abc import Iterator
from typing import Any

import pytest
from plain_http import Client

from aios_conformance.mockserver.catalogue import vocabulary
from aios_conformance.mockserver.embedded import LocalMock, local_mock

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
YES, NO = 9_642, 2_822  # "Yes" and "No" in cl100k_base and in Llama 3


@pytest.fixture(scope="module")
def mock() -> Iterator[LocalMock]:
    with local_mock("--model", "gpt-4o=chat") as running:
        yield running


def ask(mock: LocalMock, path: str, **body: Any) -> tuple[int, Any]:
    reply = Client(mock.url).post(f"/v1/{path}", body)
    return reply.status, reply.json()


def test_token_ids_are_embedded_as_their_text(mock: LocalMock) -> None:
    wanted: list[Any] = ["hello world", [15_339, 1_917]]
    vectors = []
    for one in wanted:
        status, answer = ask(mock, "embeddings", model="sds/bge-m3", input=one)
        assert status == 200
        vectors.append(answer["data"][0]["embedding"])
    assert vectors[0] == vectors[1]


def test_a_bias_of_real_ids_chooses_the_answer(mock: LocalMock) -> None:
    question = [{"role": "user", "content": "Is it so?"}]
    bias = {YES: 100, NO: 100, 50_256: -100}
    for name in (CHAT, "gpt-4o"):
        status, answer = ask(
            mock,
            "chat/completions",
            model=name,
            messages=question,
            max_tokens=1,
            logit_bias=bias,
        )
        assert status == 200
        assert answer["choices"][0]["message"]["content"] in ("Yes", "No")


def test_a_prompt_of_ids_is_read_and_echoed(mock: LocalMock) -> None:
    body: Any = {"model": CHAT, "prompt": [128_000, 15_339, 1_917], "echo": True}
    status, answer = ask(mock, "completions", **body, max_tokens=1)
    assert status == 200
    assert answer["choices"][0]["text"].startswith("hello world")
    assert answer["usage"]["prompt_tokens"] == 3


@pytest.mark.parametrize(
    ("path", "body", "last"),
    [
        ("embeddings", {"model": "sds/bge-m3", "input": [250_002]}, 250_001),
        ("completions", {"model": CHAT, "prompt": [[128_256]]}, 128_255),
        ("completions", {"model": CHAT, "prompt": [34, 2**62]}, 128_255),
        (
            "completions",
            {"model": CHAT, "prompt": "x", "logit_bias": {128_256: 1}},
            128_255,
        ),
    ],
)
def test_an_id_beyond_the_vocabulary_is_refused_with_the_last_one(
    mock: LocalMock, path: str, body: Any, last: int
) -> None:
    status, answer = ask(mock, path, **body)
    assert status == 400
    assert f"from 0 to {last}" in answer["error"]["message"]


def test_a_name_stands_for_a_vocabulary() -> None:
    sizes = {
        "gpt-4o-mini": 200_019,
        "o3": 200_019,
        "gpt-4": 100_277,
        "text-embedding-3-large": 100_277,
        "meta-llama/Llama-4-Scout-17B-16E-Instruct": 202_048,
        "sds/bge-reranker-v2-m3": 250_002,
        "Qwen2-Embedding-48": 151_936,
        "mine": 128_256,
    }
    assert {name: vocabulary(name) for name in sizes} == sizes
