"""Rerank, score and embeddings as the front lays them out."""

from typing import Any

import pytest

RERANK = {"model": "pairs", "query": "abc", "documents": ["x", "ab", "ba", "abx"]}


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_rerank_orders_stably_and_names_the_input_position(
    scripted: Any, path: str
) -> None:
    answer = scripted().post(path, RERANK).json()
    assert answer["id"].startswith("rerank-")
    assert answer["model"] == "pairs"
    assert [one["index"] for one in answer["results"]] == [1, 2, 3, 0]
    assert [one["document"]["text"] for one in answer["results"]] == [
        "ab",
        "ba",
        "abx",
        "x",
    ]
    assert answer["usage"] == {"total_tokens": 20}


@pytest.mark.parametrize(
    ("top_n", "count"), [(0, 4), (1, 1), (4, 4), (9, 4), (3.0, 3), (10**30, 4)]
)
def test_top_n_takes_the_best_and_costs_the_same(
    scripted: Any, top_n: float, count: int
) -> None:
    answer = scripted().post("/v1/rerank", {**RERANK, "top_n": top_n}).json()
    assert [one["index"] for one in answer["results"]] == [1, 2, 3, 0][:count]
    assert answer["usage"] == {"total_tokens": 20}


def test_truncation_reaches_the_engine_but_not_the_text(scripted: Any) -> None:
    body = {**RERANK, "truncate_prompt_tokens": 2}
    answer = scripted().post("/v1/rerank", body).json()
    assert answer["usage"] == {"total_tokens": 8}
    assert sorted(one["document"]["text"] for one in answer["results"]) == sorted(
        RERANK["documents"]
    )


@pytest.mark.parametrize("path", ["/score", "/v1/score"])
@pytest.mark.parametrize(
    ("left", "right", "scores"),
    [
        ("ab", "ab", [1.0]),
        ("ab", ["ab"], [1.0]),
        (["ab"], "ax", [0.5]),
        ("ab", ["ab", "ax", "xx"], [1.0, 0.5, 0.0]),
        (["ab"], ["ab", "ax"], [1.0, 0.5]),
        (["ab", "x"], ["ax", "x"], [0.5, 1.0]),
    ],
)
def test_score_pairs(
    scripted: Any, path: str, left: Any, right: Any, scores: list[float]
) -> None:
    body = {"model": "pairs", "text_1": left, "text_2": right}
    answer = scripted().post(path, body).json()
    assert [one["score"] for one in answer["data"]] == scores
    assert [one["index"] for one in answer["data"]] == list(range(len(scores)))
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 0


def test_scores_as_whole_numbers(scripted: Any) -> None:
    body = {"model": "pairs", "text_1": "ab", "text_2": ["ab", "abx", "xx"]}
    reply = scripted().post("/score", {**body, "encoding_format": "int"})
    assert [one["score"] for one in reply.json()["data"]] == [1, 1, 0]
    assert b"1.0" not in reply.body


@pytest.mark.parametrize("plain", [True, False])
def test_embeddings_in_both_forms(scripted: Any, plain: bool) -> None:
    client = scripted(plain=plain)
    body = {"model": "vectors", "input": ["abc", "a"]}
    answer = client.post("/v1/embeddings", body).json()
    assert answer["id"].startswith("embd-")
    assert [one["embedding"] for one in answer["data"]] == [[3.0, 3.0], [1.0, 1.0]]
    assert [one["index"] for one in answer["data"]] == [0, 1]
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] == 4
    reply = client.post("/v1/embeddings", {**body, "encoding_format": "base64"})
    assert reply.json()["data"][0]["embedding"] == "AABAQAAAQEA="


@pytest.mark.parametrize(
    ("input_", "count"),
    [("ab", 1), (["a", "b"], 2), ([1, 2.0], 1), ([[1], [2, 3]], 2), ("", 1)],
)
def test_every_form_of_input(scripted: Any, input_: Any, count: int) -> None:
    reply = scripted().post("/v1/embeddings", {"model": "vectors", "input": input_})
    assert len(reply.json()["data"]) == count


def test_members_that_the_document_does_not_list_have_no_effect(scripted: Any) -> None:
    body = {"model": "nested", "input": "ab", "dimensions": {}, "user": 5, "x": None}
    reply = scripted().post("/v1/embeddings", body)
    assert reply.status == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rerank", {"model": "pairs", "query": "a", "documents": []}, 422),
        ("/score", {"model": "pairs", "text_1": [], "text_2": "a"}, 422),
        ("/score", {"model": "pairs", "text_1": ["a", "b"], "text_2": "a"}, 422),
        (
            "/score",
            {"model": "pairs", "text_1": ["a", "b"], "text_2": list("abc")},
            422,
        ),
        ("/v1/embeddings", {"model": "vectors", "input": []}, 422),
        ("/v1/embeddings", {"model": "pairs", "input": "a"}, 400),
    ],
)
def test_what_cannot_be_served_is_refused(
    scripted: Any, path: str, body: Any, status: int
) -> None:
    reply = scripted().post(path, body)
    assert reply.status == status
    assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
