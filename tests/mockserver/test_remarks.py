"""Members without effect: remarked, refused or passed over, as `--unknown` says."""

import logging
from typing import Any

import pytest
from asking import ASK, served
from plain_http import Client

from aios_conformance.mockserver.embedded import LocalMock

TEXTS = {"model": "sds/bge-m3", "input": "a"}


def remarks(mock: Any, client: Any, body: Any, path: str = "chat/completions") -> Any:
    reply = client.post(f"/v1/{path}", body)
    found = {one["member"]: one for one in mock.requests[-1]["remarks"]}
    return reply.status, found


@pytest.fixture
def client(mock: LocalMock) -> Client:
    return Client(mock.url)


@pytest.mark.parametrize(
    ("member", "kind", "message"),
    [
        ("temprature", "unknown", "did you mean temperature?"),
        ("maxTokens", "unknown", "did you mean max_tokens?"),
        ("reponse_format", "unknown", "did you mean response_format?"),
        ("zzz", "unknown", "zzz is unknown and has no effect"),
        ("", "unknown", " is unknown and has no effect"),
        ("store", "unknown", "store is unknown and has no effect"),
        ("functions", "deprecated", "functions is deprecated and ignored: use tools"),
        ("max_tokens", "deprecated", "older name of max_completion_tokens"),
        ("top_k", "ignored", "the mock has no use for it"),
        ("min_tokens", "ignored", "the mock obeys it with --profile vllm"),
    ],
)
def test_a_member_is_remarked(
    mock: Any, client: Any, member: str, kind: str, message: str
) -> None:
    for _ in range(3):  # the last one is answered from memory
        status, found = remarks(mock, client, {**ASK, member: 3})
        assert status == 200
        assert found.keys() == {member}
        assert found[member]["kind"] == kind
        assert found[member]["message"].endswith(message)


def test_nothing_is_remarked_of_what_has_an_effect(mock: Any, client: Any) -> None:
    obeyed = {"response_format": {"type": "text"}, "parallel_tool_calls": True}
    body = {**ASK, **obeyed, "temperature": 0.5, "n": 1}
    assert remarks(mock, client, body) == (200, {})
    status, found = remarks(mock, client, {**TEXTS, "dimensions": 5}, "embeddings")
    assert (status, found["dimensions"]["kind"]) == (200, "ignored")


@pytest.mark.parametrize(
    ("body", "member", "meant"),
    [
        (
            {"stream": True, "stream_options": {"include_usages": 1}},
            "stream_options.include_usages",
            0,
        ),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "paramters": 1}}
                ]
            },
            "tools[].function.paramters",
            "parameters",
        ),
        (
            {"messages": [*ASK["messages"], {"role": "user", "content": "", "rol": 1}]},
            "messages[].rol",
            "role",
        ),
    ],
)
def test_slips_within_members_are_remarked_and_nothing_else(
    mock: Any, client: Any, body: Any, member: str, meant: Any
) -> None:
    status, found = remarks(mock, client, {**ASK, **body})
    assert (status, list(found)) == (200, [member])
    assert found[member]["message"].endswith(
        f"did you mean {meant or 'include_usage'}?"
    )
    echoed = {
        "role": "user",
        "content": "",
        "refusal": None,
        "name": "a",
        "audio": None,
    }
    assert remarks(mock, client, {**ASK, "messages": [echoed]}) == (200, {})


def test_a_missing_member_may_be_a_misspelt_one(client: Any) -> None:
    reply = client.post("/v1/embeddings", {"model": "sds/bge-m3", "inputs": "a"})
    assert reply.status == 422
    assert reply.json()["error"]["message"] == (
        "/input is required; inputs is unknown and has no effect; did you mean input?"
    )


def test_many_long_names_are_remarked_in_part(mock: Any, client: Any) -> None:
    strange = {f"{number}{'x' * 5_000}": 1 for number in range(1_000)}
    status, found = remarks(mock, client, {**ASK, **strange})
    assert status == 200
    assert len(found) == 8
    assert max(map(len, found)) == 80


@pytest.mark.parametrize("profile", ["documents", "vllm"])
def test_what_has_no_effect_is_refused_on_request(running: Any, profile: str) -> None:
    options = ("--unknown", "refuse", "--profile", profile)
    status = {"documents": 422, "vllm": 400}[profile]
    with served(running, *options) as client:
        for member, expected in {
            "temprature": status,
            "functions": status,
            "top_k": {"documents": 422, "vllm": 200}[profile],
            "max_tokens": 200,
        }.items():
            reply = client.post("/v1/chat/completions", {**ASK, member: 3})
            assert reply.status == expected, member
            if expected != 200:
                assert reply.json()["error"]["param"] == member


def test_it_is_said_once_in_the_log_or_not_at_all(
    running: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for mode, expected in (("warn", 1), ("ignore", 0)):
        caplog.clear()
        with served(running, "--unknown", mode) as client:
            for text in "ab":
                body = {**TEXTS, "input": text, "imput": "c"}
                assert client.post("/v1/embeddings", body).status == 200
        said = [one.getMessage() for one in caplog.records]
        assert len(said) == expected
        assert all(one.startswith("POST /v1/embeddings: imput is unkn") for one in said)


def test_options_of_a_stream_are_idle_without_one(
    mock: LocalMock, client: Client
) -> None:
    options = {**ASK, "stream_options": {"include_usage": True}}
    _, found = remarks(mock, client, options)
    assert found["stream_options"]["message"].endswith("no effect without stream")
    _, found = remarks(mock, client, {**options, "stream": True})
    assert found == {}
