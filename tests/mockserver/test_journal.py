"""What a client sent can be looked up, without its secrets."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_http import Client

from aios_conformance.mockserver.control.exchange import Exchange
from aios_conformance.mockserver.control.journal import BODY_LIMIT, Journal
from aios_conformance.mockserver.embedded import LocalMock, local_mock

CHAT = "meta-llama/Llama-3.3-70B-Instruct"
BODY = {"model": CHAT, "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]}
EMBED = {"model": "sds/bge-m3", "input": "hi"}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalMock]:
    with local_mock("--journal", "5") as mock:
        yield mock


def journal(mock: LocalMock, query: str = "") -> list[dict[str, Any]]:
    reply = Client(mock.url).get(f"/_mock/requests{query}")
    assert reply.status == 200
    found: list[dict[str, Any]] = reply.json()["requests"]
    return found


def test_an_exchange_is_told_in_full(mock: LocalMock) -> None:
    reply = Client(mock.url).post("/v1/chat/completions", BODY)
    (entry,) = journal(mock)
    assert entry["number"] == 1
    assert (entry["method"], entry["path"]) == ("POST", "/v1/chat/completions")
    assert (entry["api"], entry["status"]) == ("chat", 200)
    assert entry["body"] == BODY
    assert entry["response"] == reply.json()
    assert entry["response_bytes"] == len(reply.body)
    assert entry["finished"] is True
    assert entry["duration_ms"] > 0
    assert mock.requests == [entry]


def test_a_stream_is_kept_as_it_was_sent(mock: LocalMock) -> None:
    reply = Client(mock.url).post("/v1/chat/completions", {**BODY, "stream": True})
    (entry,) = journal(mock)
    assert entry["streamed"] is True
    assert entry["response"].encode() == reply.body
    assert entry["events"] == len(reply.chunks()) + 1


def test_a_body_that_is_too_large_is_noted_with_its_refusal() -> None:
    with local_mock("--body-limit", "100") as mock:
        Client(mock.url).post("/v1/rerank", {"model": "a" * 200})
        (entry,) = mock.requests
    assert (entry["status"], entry["finished"]) == (413, True)
    assert entry["response"]["error"]["code"] == "body_too_large"


def test_bytes_that_are_no_text_are_kept(mock: LocalMock) -> None:
    odd = {"Authorization": "Bearer \xff", "X-Odd": "\xfe\xff"}
    Client(mock.url).post("/v1/chat/completions", BODY, **odd)
    (entry,) = journal(mock)
    assert entry["headers"]["Authorization"].startswith("sha256:")
    assert Client(mock.url).get("/_mock/requests/1").json()["status"] == 200


def test_refused_requests_and_unknown_paths_are_kept_too(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.post("/v1/chat/completions", {**BODY, "model": 5})
    client.post("/v1/nowhere", BODY)
    client.get("/v1/models")
    client.get("/health")
    client.get("/openapi.json")
    assert [(e["path"], e["status"]) for e in journal(mock)] == [
        ("/v1/chat/completions", 422),
        ("/v1/nowhere", 404),
        ("/v1/models", 200),
    ]


def test_the_journal_is_a_ring(mock: LocalMock) -> None:
    for _ in range(7):
        Client(mock.url).post("/v1/embeddings", EMBED)
    assert [entry["number"] for entry in journal(mock)] == [3, 4, 5, 6, 7]


@given(
    st.integers(0, 4),
    st.integers(0, 40),
    st.lists(st.tuples(st.sampled_from(["add", "settle", "reset"]), st.integers(0, 9))),
)
def test_the_journal_stays_within_its_number_and_its_bytes(
    size: int, budget: int, acts: list[tuple[str, int]]
) -> None:
    journal = Journal(size, budget)
    open_: list[Exchange] = []
    for act, number in acts:
        if act == "add":
            exchange = Exchange(journal.next_number(), 0.0, "GET", "/", {})
            exchange.request = b"x" * number
            journal.add(exchange)
            open_.append(exchange)
        elif act == "settle" and open_:
            journal.settle(open_.pop(number % len(open_)))
        elif act == "reset":
            journal.reset()
        settled = [one for one in journal if one not in open_]
        assert len(list(journal)) <= size
        assert sum(len(one.request) for one in settled) <= budget


def test_entries_can_be_chosen(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.post("/v1/chat/completions", BODY)
    client.post("/v1/embeddings", EMBED)
    client.post("/v1/embeddings", {**EMBED, "model": "nobody"})
    assert len(journal(mock, "?api=embeddings")) == 2
    assert len(journal(mock, "?api=embeddings&status=404")) == 1
    assert len(journal(mock, "?model=nobody")) == 1
    assert len(journal(mock, "?path=/v1/chat/completions")) == 1
    assert journal(mock, "?rule=none") == []
    reply = client.get("/_mock/requests?colour=red")
    assert reply.status == 400
    assert "'colour'" in reply.json()["error"]["message"]


def test_secrets_are_hashed_but_can_be_told_apart(mock: LocalMock) -> None:
    client = Client(mock.url)
    for key in ("Bearer sk-secret-one", "Bearer sk-secret-two", "Bearer sk-secret-one"):
        client.post("/v1/embeddings", EMBED, Authorization=key, Cookie="sk-secret")
    entries = journal(mock)
    assert "sk-secret" not in json.dumps(entries)
    hashes = [entry["headers"]["Authorization"] for entry in entries]
    assert hashes[0] == hashes[2] != hashes[1]
    assert hashes[0].startswith("sha256:")


def test_long_bodies_are_cut_and_their_size_is_told(mock: LocalMock) -> None:
    texts = ["many words " * 500] * 30
    reply = Client(mock.url).post("/v1/embeddings", {**EMBED, "input": texts})
    assert reply.status == 200
    (entry,) = journal(mock)
    assert entry["body_bytes"] > BODY_LIMIT
    assert len(entry["body"]) == BODY_LIMIT
    assert len(entry["response"]) == BODY_LIMIT
    assert entry["response_bytes"] == len(reply.body)


def test_the_id_of_a_request_comes_back(mock: LocalMock) -> None:
    client = Client(mock.url)
    for body in (BODY, {**BODY, "stream": True}, {**BODY, "model": 5}):
        reply = client.post("/v1/chat/completions", body, **{"X-Request-Id": "r-7"})
        assert reply.headers["x-request-id"] == "r-7"


def test_a_reset_forgets_entries_rules_and_faults(mock: LocalMock) -> None:
    client = Client(mock.url)
    client.send("PUT", "/_mock/rules", {"rules": [{"respond": {"text": "ruled"}}]})
    client.send("PUT", "/_mock/faults", {"faults": ["429=1"]})
    assert client.post("/v1/chat/completions", BODY).status == 429
    assert client.send("POST", "/_mock/reset").status == 204
    reply = client.post("/v1/chat/completions", BODY)
    assert reply.status == 200
    assert b"ruled" not in reply.body
    assert [entry["number"] for entry in journal(mock)] == [1]


BROKEN, NOWHERE = (422, "validation_error"), (404, "path_not_found")


@pytest.mark.parametrize(
    ("method", "path", "body", "refused", "words"),
    [
        ("PUT", "/_mock/rules", {"rules": 5}, (400, "invalid_rules"), "must be a list"),
        ("PUT", "/_mock/rules", [], (400, "json_invalid"), "must be a JSON object"),
        ("PUT", "/_mock/faults", {"faults": "429"}, BROKEN, "must be a list"),
        ("PUT", "/_mock/faults", {"faults": ["boom"]}, BROKEN, "'boom'"),
        ("POST", "/_mock/faults", None, NOWHERE, "PUT faults"),
        ("PUT", "/_mock/", None, NOWHERE, "GET requests"),
        ("GET", "/_mock/requests?a=1", None, (400, "unknown_parameter"), "'a'"),
    ],
)
def test_mistakes_are_named(
    mock: LocalMock,
    method: str,
    path: str,
    body: Any,
    refused: tuple[int, str],
    words: str,
) -> None:
    reply = Client(mock.url).send(method, path, body)
    error = reply.json()["error"]
    assert (reply.status, error["code"]) == refused
    assert words in error["message"]


def test_control_can_be_switched_off() -> None:
    with local_mock("--no-control") as mock:
        client = Client(mock.url)
        assert client.get("/_mock/requests").status == 404
        reply = client.post("/v1/embeddings", EMBED, **{"X-Mock-Status": "429"})
        assert reply.status == 200


ENDLESS = "9" * 5_000  # more digits than Python reads


def test_a_request_can_ask_for_a_delay(mock: LocalMock) -> None:
    reply = Client(mock.url).post("/v1/embeddings", EMBED, **{"X-Mock-Delay-Ms": "40"})
    assert reply.status == 200
    assert mock.requests[-1]["duration_ms"] >= 39
    for name, value in (
        ("X-Mock-Delay-Ms", "x"),
        ("X-Mock-Delay-Ms", ENDLESS),
        ("X-Mock-Fault", f"cut@{ENDLESS}"),
        ("Prefer", f"code={ENDLESS}"),
        ("X-Mock-Stat", "429"),
    ):
        wrong = Client(mock.url).post("/v1/embeddings", EMBED, **{name: value})
        assert wrong.status == 400
        assert name in wrong.json()["error"]["message"]
        assert wrong.json()["error"]["code"] == "invalid_header"


def test_who_leaves_while_it_waits_is_noted_with_what_was_asked(
    mock: LocalMock,
) -> None:
    slow = {"X-Mock-Delay-Ms": "60000"}
    with pytest.raises(TimeoutError):
        Client(mock.url, timeout=0.2).post("/v1/embeddings", EMBED, **slow)
    mock.verdict()  # waits until who left is noted
    (entry,) = mock.requests
    assert (entry["api"], entry["model"]) == ("embeddings", EMBED["model"])
    assert (entry["status"], entry["finished"]) == (None, False)


def test_a_body_beyond_the_limit_is_refused_whatever_is_played() -> None:
    with local_mock("--body-limit", "100", "--fault", "429=1") as mock:
        reply = Client(mock.url).post("/v1/embeddings", {**EMBED, "input": "x" * 500})
        assert reply.status == 429
        assert mock.requests[-1]["body"] is None


def test_a_clock_that_is_set_moves_nothing(
    mock: LocalMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(mock.url)
    client.get("/v1/models")
    monkeypatch.setattr(time, "time", lambda real=time.time: real() - 7200)
    client.get("/v1/models")
    first, second = mock.requests
    assert first["started"] <= second["started"] < first["started"] + 60
