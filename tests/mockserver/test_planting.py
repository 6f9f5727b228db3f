"""Defects that are planted in a running mock: it is then as one that was started so."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asking import started
from plain_http import Client, Reply

from aios_conformance.mockserver.embedded import local_mock

RERANK = {
    "model": "sds/bge-reranker-v2-m3",
    "query": "capital of France",
    "documents": ["Seoul is a city.", "Paris is the capital.", "a", "b"],
}
CHAT = {
    "model": "meta-llama/Llama-3.3-70B-Instruct",
    "messages": [{"role": "user", "content": "Name a café."}],
}
AIOS = [
    ("/v1/rerank", RERANK),
    ("/v1/rerank", RERANK),
    ("/v1/rerank", {**RERANK, "top_n": "two"}),
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", {**CHAT, "stream": True}),
    ("/v1/embeddings", {"model": "sds/bge-m3", "input": ["a", "b"]}),
    ("/v1/nothing", {"a": 1}),
]
EMBED = {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8}
LARGE = EMBED | {"model": "text-embedding-3-large"}
DIALECTS: dict[str, tuple[str, list[tuple[str, Any]]]] = {
    "aios": ("rerank_unsorted_beyond_three", AIOS),
    "infinity": (
        "infinity_owner_changes",
        [("/v1/models", None), ("/v1/embeddings", LARGE), ("/v1/models", None)],
    ),
    "aigne-hub": ("aigne_embeddings_are_gone", [("/api/embeddings", EMBED)] * 3),
    "aihubmix": (
        "aihubmix_refuses_strings",
        [("/v1/embeddings", EMBED | {"input": text}) for text in ("a", "a", "b")],
    ),
}
DEFECT = "rerank_unsorted_beyond_three"


@contextmanager
def local(*argv: str) -> Iterator[Client]:
    with local_mock(*argv) as mock:
        yield Client(mock.url)


def put(client: Client, *names: str) -> Reply:
    return client.send("PUT", "/_mock/defects", {"defects": list(names)})


def told(client: Client) -> Any:
    return client.get("/_mock/defects").json()


def seen(client: Client, requests: list[tuple[str, Any]]) -> list[tuple[int, bytes]]:
    """Return answers without what differs from one to the next: id and time."""
    found = []
    for path, body in requests:
        method = "POST" if body else "GET"
        reply = client.send(method, path, body, Authorization="Bearer any")
        bare = re.sub(rb'"id":"[^"]*"|"created":\d+', b"", reply.body)
        found.append((reply.status, bare))
    return found


def journal(client: Client) -> list[Any]:
    entries = client.get("/_mock/requests").json()["requests"]
    return [(e["number"], e["path"], e["status"], e["body"]) for e in entries]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_after_planting_a_mock_is_as_one_that_was_started_with_the_defect(
    dialect: str,
) -> None:
    """Nothing of what went before is left: answers, counts, journal, acts."""
    defect, requests = DIALECTS[dialect]
    argv = ("--dialect", dialect)
    with (
        local(*argv) as running,
        started(*argv, "--defect", defect) as (_, address),
        local(*argv) as sound,
    ):
        broken = Client(address)
        for new, names in ((broken, [defect]), (sound, []), (broken, [defect])):
            seen(running, requests)
            new.post("/_mock/reset", None)
            assert put(running, *names).status == 200
            assert seen(running, requests) == seen(new, requests)
            assert told(running) == told(new)
            assert journal(running) == journal(new)
        assert told(broken)["acts"][defect] > 0
        assert seen(broken, requests) != seen(sound, requests)


def test_the_dialects_that_share_a_port_begin_anew_together() -> None:
    names = [defect for defect, _ in DIALECTS.values()]
    argv = [word for name in DIALECTS for word in ("--dialect", name)]
    with local(*argv) as client:
        for _ in range(2):
            assert put(client, *names).json()["planted"] == names
            for dialect, (defect, requests) in DIALECTS.items():
                seen(client, [(f"/{dialect}{path}", b) for path, b in requests])
                assert told(client)["acts"][defect] > 0
        assert put(client).json() == {"planted": [], "acts": {}}
        assert client.post("/aigne-hub/api/embeddings", EMBED).status == 401


def test_repetitions_are_remembered_again_once_the_defects_are_gone() -> None:
    with local_mock() as mock:
        client = Client(mock.url)
        for names, remembers in (((DEFECT,), False), ((), True)):
            put(client, *names)
            assert (mock._state.repeats is not None) is remembers


def test_what_was_put_besides_is_gone_after_planting() -> None:
    with local() as client:
        rule = {"match": {}, "respond": {"status": 429}}
        client.send("PUT", "/_mock/rules", {"rules": [rule]})
        client.send("PUT", "/_mock/faults", {"faults": ["503=1"]})
        put(client, DEFECT)
        assert client.get("/_mock/rules").json() == {"rules": []}
        assert client.post("/v1/rerank", RERANK).status == 200


def test_a_reset_goes_back_to_what_was_planted_at_the_start() -> None:
    with local("--defect", DEFECT) as client:
        put(client)
        assert client.post("/_mock/reset", None).status == 204
        assert told(client)["planted"] == [DEFECT]


def test_all_defects_are_told_with_what_they_break() -> None:
    with local() as client:
        known = {one["name"]: one for one in told(client)["registry"]}
        assert known[DEFECT]["primary"] == "RERANK-SEM-006"
        assert known[DEFECT]["description"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"defects": ["rerank_unsorted"]}, 422, f"the nearest is '{DEFECT}'"),
        ({"defects": ["infinity_list_is_201"]}, 422, "add --dialect infinity"),
        ({"defects": DEFECT}, 422, "must be a list"),
        ({}, 422, "must be a list"),
        ([DEFECT], 400, "must be a JSON object, got an array"),
    ],
)
def test_what_cannot_be_planted_is_refused_and_changes_nothing(
    body: Any, status: int, says: str
) -> None:
    with local("--defect", DEFECT) as client:
        client.post("/v1/rerank", RERANK)
        before = told(client), journal(client)
        reply = client.send("PUT", "/_mock/defects", body)
        assert reply.status == status
        assert says in reply.json()["error"]["message"]
        assert (told(client), journal(client)) == before


def test_without_control_nothing_is_planted() -> None:
    with local("--no-control") as client:
        assert put(client, DEFECT).status == 404
        scores = [r["relevance_score"] for r in ranked(client)]
        assert scores == sorted(scores, reverse=True)


def ranked(client: Client) -> Any:
    return client.post("/v1/rerank", RERANK).json()["results"]
