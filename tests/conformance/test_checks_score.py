"""Each sin of a score server trips its rows, and no others."""

from typing import Any

import pytest
from exchanges import exchange, findings, observation, readings
from played import (
    BOTH,
    EMBEDDER,
    EMBEDDING,
    RERANKER,
    Edit,
    Server,
    honest,
    ignoring,
    judged,
    lenient,
    missing,
    refusing,
    silent,
    sinning,
    tripped,
)
from sins_score import (
    PATHS,
    SINS,
    details_given,
    first_two_swapped,
    last_pair_dropped,
    logits_as_scores,
    texts_of,
    with_scores,
)

from aios_conformance.conformance.checks import score
from aios_conformance.conformance.checks.agreement import a_score_is_a_cosine
from aios_conformance.conformance.checks.score_relations import int_gives_numbers_too
from aios_conformance.spec import Level, requirements


def test_an_honest_server_trips_nothing_and_exercises_every_own_row() -> None:
    seen = judged("score")
    assert {row for row, found in seen.items() if found} == set()
    own = {row for check in score.CHECKS for row in check.ids}
    assert own <= seen.keys()


def test_every_row_beyond_mere_shape_is_exercised() -> None:
    seen = judged("score")
    shape = {f"SCORE-RES-{n:03}" for n in (1, 2, 5, 7, 8, 10, 11, 12, 13)}
    shared = {"SCORE-ERR-001", "SCORE-ERR-002", "SCORE-EX-005", "META-028"}
    shared |= {"SCORE-RES-003", "SCORE-RES-004"}  # the checks of all APIs
    for row in requirements():
        if row.level is not Level.MAY and row.api == "score" and not row.excluded:
            assert row.id in seen.keys() | shape | shared


# --- sins of the answer ------------------------------------------------------------


@pytest.mark.parametrize(("sin", "rows"), SINS)
def test_a_sin_of_the_answer_trips_its_rows(sin: Edit, rows: set[str]) -> None:
    assert tripped("score", sinning("score", sin)) == rows


# --- sins of the reading -----------------------------------------------------------


def shorter_array_repeated(operation: str, body: Any) -> tuple[int, Any]:
    """N against 1 is broadcast as 1 against N is."""
    status, answer = honest(operation, body)
    if status == 422 and operation.endswith("/score") and "text_2" in body:
        two = body["text_2"] if isinstance(body["text_2"], list) else [body["text_2"]]
        if len(two) == 1 and isinstance(body.get("text_1"), list):
            repeated = two * len(body["text_1"])
            return honest(operation, body | {"text_2": repeated})
    return status, answer


def longer_array_cut(operation: str, body: Any) -> tuple[int, Any]:
    status, answer = honest(operation, body)
    one, two = body.get("text_1"), body.get("text_2")
    if status == 422 and isinstance(one, list) and isinstance(two, list):
        least = min(len(one), len(two))
        return honest(operation, body | {"text_1": one[:least], "text_2": two[:least]})
    return status, answer


def strings_only(operation: str, body: Any) -> tuple[int, Any]:
    if isinstance(body.get("text_1"), list) and operation.endswith("/score"):
        return 422, {"error": "/text_1: only strings"}
    return honest(operation, body)


def one_to_many_refused(operation: str, body: Any) -> tuple[int, Any]:
    is_many = isinstance(body.get("text_2"), list) and len(body["text_2"]) > 1
    if is_many and isinstance(body.get("text_1"), str):
        return 422, {"error": "/text_1: as many texts as /text_2"}
    return honest(operation, body)


def crashing_on_objects(operation: str, body: Any) -> tuple[int, Any]:
    if isinstance(body.get("text_2"), dict):
        return 500, {"error": "no attribute 'strip'"}
    return honest(operation, body)


def crashing_on_long_texts(operation: str, body: Any) -> tuple[int, Any]:
    if len(str(body.get("text_2"))) > 1_000:
        return 500, {"error": "out of memory"}
    return honest(operation, body)


@pytest.mark.parametrize(
    ("field", "otherwise", "rows"),
    [
        ("model", RERANKER, {"SCORE-REQ-004"}),
        ("text_1", "t", {"SCORE-REQ-005", "SCORE-REQ-011", "SCORE-SEM-004"}),
        ("text_2", "t", {"SCORE-REQ-006", "SCORE-REQ-011"}),
        ("encoding_format", "float", {"SCORE-REQ-014", "SCORE-REQ-018"}),
        ("truncate_prompt_tokens", 9, {"SCORE-REQ-019", "SCORE-REQ-020"}),
    ],
)
def test_leniency_with_a_field_trips_its_rows(
    field: str, otherwise: Any, rows: set[str]
) -> None:
    assert silent("score", lenient("score", field, otherwise)) == rows


READING: list[tuple[Server, set[str]]] = [
    (shorter_array_repeated, {"SCORE-SEM-004"}),
    (longer_array_cut, {"SCORE-SEM-004"}),
    (
        strings_only,
        {"SCORE-REQ-008", "SCORE-SEM-002", "SCORE-EX-001", "COMMON-RES-001"},
    ),
    (one_to_many_refused, {"SCORE-SEM-003"}),
    (
        ignoring("score", "truncate_prompt_tokens"),
        {"SCORE-SEM-008", "META-031"},
    ),
    (ignoring("score", "truncate_prompt_tokens", "POST /score"), PATHS),
    (
        refusing("score", "encoding_format", "float"),
        {"SCORE-REQ-016", "SCORE-EX-001"},
    ),
    (refusing("score", "encoding_format", "int"), {"SCORE-REQ-017"}),
    (
        refusing("score", "truncate_prompt_tokens"),
        {"SCORE-REQ-019", "COMMON-RES-001"},
    ),
    (refusing("score", "model", EMBEDDER), {"SCORE-REQ-021"}),
    (missing("/score"), {"SCORE-REQ-001"}),
    (missing("/v1/score"), {"SCORE-REQ-002"}),
    (crashing_on_objects, {"COMMON-ERR-004", "SCORE-ERR-003"}),
    (
        crashing_on_long_texts,
        {"SCORE-REQ-013", "COMMON-ERR-004", "SCORE-ERR-003"},
    ),
]


@pytest.mark.parametrize(("server", "rows"), READING)
def test_a_sin_of_the_reading_trips_its_rows(server: Server, rows: set[str]) -> None:
    assert tripped("score", server) == rows


# --- soft clauses and readings -----------------------------------------------------


@pytest.mark.parametrize(
    ("row", "sin", "soft"),
    [
        ("SCORE-RES-015", details_given, {True}),
        ("SCORE-SEM-002", first_two_swapped, {True}),
        ("SCORE-SEM-002", last_pair_dropped, {False}),
    ],
)
def test_soft_clauses_only_warn(row: str, sin: Edit, soft: set[bool]) -> None:
    found = judged("score", sinning("score", sin))[row]
    assert {finding.soft for finding in found} == soft


def test_a_range_beyond_0_and_1_only_warns_with_an_embedding_model() -> None:
    server = sinning("score", logits_as_scores)
    for facts, soft in ((BOTH, {False, True}), (EMBEDDING, {True})):
        found = judged("score", server, facts)["SCORE-RES-009"]
        assert {finding.soft for finding in found} == soft


def test_a_cross_encoder_need_not_be_symmetric() -> None:
    def asymmetric(operation: str, body: Any, answer: Any) -> Any:
        one, _ = texts_of(body)
        is_cross_encoder = body["model"] == RERANKER
        weight = 1 - len(one[0]) / 1000 if is_cross_encoder and len(one) == 1 else 1
        return with_scores(answer, lambda _i, s: s * weight)

    rows = tripped("score", sinning("score", asymmetric))
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
