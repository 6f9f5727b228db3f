"""Answers are as long as they are asked to be: by request, or by option."""

from collections.abc import Iterator
from typing import Any

import pytest
from asking import CHAT, chat
from plain_http import Client

from aios_conformance.mockserver.embedded import LocalMock, local_mock
from aios_conformance.mockserver.options import read_options
from aios_conformance.serving.options import OptionError


@pytest.fixture(scope="module")
def vllm() -> Iterator[LocalMock]:
    with local_mock("--profile", "vllm") as running:
        yield running


def told(mock: LocalMock, text: str = "Tell me.", **more: Any) -> tuple[int, Any]:
    reply = chat(mock, text, **more)
    return reply.status, reply.json()


@pytest.mark.parametrize("more", [{}, {"logprobs": True}, {"presence_penalty": 0.5}])
def test_an_answer_does_not_end_before_min_tokens(
    vllm: LocalMock, more: dict[str, Any]
) -> None:
    status, answer = told(vllm, min_tokens=300, **more)
    assert status == 200
    choice = answer["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert 300 < answer["usage"]["completion_tokens"] < 400
    assert choice["message"]["content"].endswith(".")


def test_without_an_end_the_limit_is_used_up(vllm: LocalMock) -> None:
    status, answer = told(vllm, ignore_eos=True, max_tokens=3_000)
    assert status == 200
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3_000


def test_more_than_the_limit_is_refused(vllm: LocalMock) -> None:
    status, answer = told(vllm, min_tokens=9, max_tokens=8)
    assert status == 400
    assert "/min_tokens must be at most 8" in answer["error"]["message"]


@pytest.mark.parametrize("more", [{}, {"logprobs": True}, {"temperature": 0}])
def test_all_answers_have_the_length_that_was_set(more: dict[str, Any]) -> None:
    with local_mock("--answer-tokens", "200") as mock:
        for seed in range(5):
            status, answer = told(mock, seed=seed, **more)
            assert (status, answer["usage"]["completion_tokens"]) == (200, 200)
            assert answer["choices"][0]["finish_reason"] == "stop"
            assert answer["choices"][0]["message"]["content"].endswith(" too.")


def test_lengths_vary_within_a_range() -> None:
    with local_mock("--answer-tokens", "20-90") as mock:
        lengths = [told(mock, str(n)) for n in range(12)]
    found = {answer["usage"]["completion_tokens"] for _, answer in lengths}
    assert len(found) > 4
    assert all(20 <= one <= 90 for one in found)


@pytest.mark.parametrize("text", ["0", "9-3", "a", "3-", "-4", "1-2-3"])
def test_a_length_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="MIN-MAX"):
        read_options([], {"AIOS_MOCK_ANSWER_TOKENS": text})


@pytest.mark.parametrize("stream", [False, True])
def test_as_many_log_probabilities_are_told_as_tokens_are_counted(
    vllm: LocalMock, *, stream: bool
) -> None:
    more: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    reply = chat(vllm, "Tell me.", logprobs=True, **(more if stream else {}))
    chunks = reply.chunks() if stream else [reply.json()]
    logprobs = [c["logprobs"] for chunk in chunks for c in chunk["choices"]]
    told = [entry for one in logprobs if one for entry in one["content"]]
    assert len(told) == chunks[-1]["usage"]["completion_tokens"]
    assert (told[-1]["token"], told[-1]["bytes"]) == ("", [])


def test_the_first_echoed_token_has_no_log_probability(vllm: LocalMock) -> None:
    body = {"model": CHAT, "prompt": "The old bridge", "echo": True, "logprobs": 2}
    reply = Client(vllm.url).post("/v1/completions", body)
    told = reply.json()["choices"][0]["logprobs"]
    assert (told["token_logprobs"][0], told["top_logprobs"][0]) == (None, None)
    assert None not in told["token_logprobs"][1:]
