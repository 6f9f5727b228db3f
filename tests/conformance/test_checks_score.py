"""Score: soft clauses and readings."""

from typing import Any

import pytest
from exchanges import exchange, findings, observation, readings
from played import BOTH, EMBEDDING, RERANKER, Server, edited, judged, mock, tripped

from aios_conformance.conformance.checks import score
from aios_conformance.conformance.checks.agreement import a_score_is_a_cosine
from aios_conformance.conformance.checks.score_relations import int_gives_numbers_too


def _first_two_swapped(_operation: str, _body: Any, answer: Any) -> Any:
    if len(answer["data"]) > 2:
        one, two, *_ = answer["data"]
        one["score"], two["score"] = two["score"], one["score"]
    return answer


@pytest.mark.parametrize(
    ("row", "server", "soft"),
    [
        ("SCORE-RES-015", mock("score_details_tell_of_a_cache"), {True}),
        ("SCORE-SEM-002", edited("score", _first_two_swapped), {True}),
        ("SCORE-SEM-002", mock("score_drops_the_third_pair"), {False}),
    ],
)
def test_soft_clauses_only_warn(row: str, server: Server, soft: set[bool]) -> None:
    found = judged("score", server)[row]
    assert {finding.soft for finding in found} == soft


def test_a_range_beyond_0_and_1_only_warns_with_an_embedding_model() -> None:
    server = mock("score_raw_logits")
    for facts, soft in ((BOTH, {False, True}), (EMBEDDING, {True})):
        found = judged("score", server, facts)["SCORE-RES-009"]
        assert {finding.soft for finding in found} == soft


def test_a_cross_encoder_need_not_be_symmetric() -> None:
    def asymmetric(operation: str, body: Any, answer: Any) -> Any:
        one = body["text_1"]
        if body["model"] == RERANKER and isinstance(one, str):
            for item in answer["data"]:
                item["score"] *= 1 - len(one) / 1000
        return answer

    rows = tripped("score", edited("score", asymmetric))
    assert not rows & {"META-024", "META-025", "META-026"}


def test_readings_say_what_the_target_does() -> None:
    for status, reading in ((200, "accepted"), (400, "refused")):
        variant = exchange("score", {"text_1": ""}, {"data": []}, status=status)
        params = {"change": {"text_1": ""}}
        seen = observation("score.empty", params, variant=variant)
        assert readings(score.an_empty_text_may_be_refused, seen) == [reading]


def test_int_without_any_score_is_no_number() -> None:
    readable = exchange("score", {}, {"data": []})
    for data, count in (([{"score": 1}], 0), ([], 1), ([{"score": None}], 1)):
        step = exchange("score", {"encoding_format": "int"}, {"data": data})
        seen = observation("score.encoding", float=readable, int=step)
        assert len(findings(int_gives_numbers_too, seen)) == count


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0.6, 0.0], ["cosine"]), ([0.8, 0.5], ["rescaled"]), ([0.6, 0.5], [])],
)
def test_how_a_score_comes_from_vectors_is_reported(
    scores: list[float], expected: list[str]
) -> None:
    vectors = [[1.0, 0.0], [0.6, 0.8], [1.0, 0.0], [0.0, 1.0]]
    data = [{"embedding": vector} for vector in vectors]
    texts = ["a", "b", "c", "d"]
    pairs = {"text_1": texts[::2], "text_2": texts[1::2]}
    seen = observation(
        "score.cosine",
        pairs=exchange("score", pairs, {"data": [{"score": s} for s in scores]}),
        vectors=exchange("embeddings", {"input": texts}, {"data": data}),
    )
    assert readings(a_score_is_a_cosine, seen) == expected
    assert len(findings(a_score_is_a_cosine, seen)) == (not expected)
