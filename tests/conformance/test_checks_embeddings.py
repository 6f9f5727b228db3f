"""Each sin of an embeddings server trips its rows, and no others."""

from typing import Any

import pytest
from exchanges import exchange, findings, observation, readings
from played import (
    EMBEDDER,
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
    vector,
)
from sins_embeddings import (
    SINS,
    a_little_off_in_batches,
    is_base64,
    last_of_a_batch_dropped,
    only_ascii_in_batches,
)

from aios_conformance.conformance.checks import embeddings
from aios_conformance.conformance.checks.embeddings_relations import (
    what_is_cut_off_does_not_count,
)
from aios_conformance.spec import Level, requirements


def test_an_honest_server_trips_nothing_and_exercises_every_own_row() -> None:
    seen = judged("embeddings")
    assert {row for row, found in seen.items() if found} == set()
    own = {row for check in embeddings.CHECKS for row in check.ids}
    assert own <= seen.keys()


def test_every_row_beyond_mere_shape_is_exercised() -> None:
    seen = judged("embeddings")
    shape = {f"EMB-RES-{n:03}" for n in (1, 2, 7, 11, 13, 14, 16)}
    shared = {"EMB-ERR-001", "EMB-ERR-002", "EMB-EX-003", "EMB-REQ-003", "META-102"}
    shared |= {"EMB-RES-003", "EMB-RES-004"}  # the checks of all APIs
    for row in requirements():
        if row.level is not Level.MAY and row.api == "embeddings" and not row.excluded:
            assert row.id in seen.keys() | shape | shared


# --- sins of the answer ------------------------------------------------------------


@pytest.mark.parametrize(("sin", "rows"), SINS)
def test_a_sin_of_the_answer_trips_its_rows(sin: Edit, rows: set[str]) -> None:
    assert tripped("embeddings", sinning("embeddings", sin)) == rows


# --- sins of the reading -----------------------------------------------------------


def strings_only(operation: str, body: Any) -> tuple[int, Any]:
    if isinstance(body.get("input"), list):
        return 422, {"error": "/input: only a string"}
    return honest(operation, body)


def arrays_only(operation: str, body: Any) -> tuple[int, Any]:
    if isinstance(body.get("input"), str):
        return 422, {"error": "/input: only an array"}
    return honest(operation, body)


def base64_batches_refused(operation: str, body: Any) -> tuple[int, Any]:
    if is_base64(body) and isinstance(body.get("input"), list):
        return 422, {"error": "/encoding_format: only for one text"}
    return honest(operation, body)


def crashing_on_objects(operation: str, body: Any) -> tuple[int, Any]:
    if isinstance(body.get("input"), dict):
        return 500, {"error": "no attribute 'strip'"}
    return honest(operation, body)


def crashing_on_token_ids(operation: str, body: Any) -> tuple[int, Any]:
    if body.get("input") == [11, 12, 13]:
        return 500, {"error": "no attribute 'strip'"}
    return honest(operation, body)


@pytest.mark.parametrize(
    ("field", "otherwise", "rows"),
    [
        ("model", EMBEDDER, {"EMB-REQ-004"}),
        ("input", "t", {"EMB-REQ-005", "EMB-REQ-008"}),
        ("encoding_format", "float", {"EMB-REQ-011", "EMB-REQ-014"}),
        ("truncate_prompt_tokens", 9, {"EMB-REQ-015", "EMB-REQ-016"}),
    ],
)
def test_leniency_with_a_field_trips_its_rows(
    field: str, otherwise: Any, rows: set[str]
) -> None:
    assert silent("embeddings", lenient("embeddings", field, otherwise)) == rows


READING: list[tuple[Server, set[str]]] = [
    (strings_only, {"EMB-REQ-006"}),
    (
        arrays_only,
        # the smallest body of all probes has a string
        {"EMB-REQ-007", "EMB-EX-001", "EMB-REQ-001", "COMMON-RES-001"},
    ),
    (base64_batches_refused, {"EMB-REQ-013"}),
    (refusing("embeddings", "encoding_format", "base64"), {"EMB-REQ-013"}),
    (
        ignoring("embeddings", "truncate_prompt_tokens"),
        {"EMB-SEM-005", "META-099", "META-100"},
    ),
    (missing("/v1/embeddings"), {"EMB-REQ-001"}),
    (crashing_on_objects, {"COMMON-ERR-004", "EMB-ERR-003"}),
    (crashing_on_token_ids, {"COMMON-ERR-004", "EMB-ERR-003"}),
]


@pytest.mark.parametrize(("server", "rows"), READING)
def test_a_sin_of_the_reading_trips_its_rows(server: Server, rows: set[str]) -> None:
    assert tripped("embeddings", server) == rows


# --- soft clauses, lengths, readings -----------------------------------------------


@pytest.mark.parametrize(
    ("row", "sin", "soft"),
    [
        ("META-090", only_ascii_in_batches, {False}),
        ("META-090", a_little_off_in_batches, {True}),
        ("META-090", last_of_a_batch_dropped, {False}),
    ],
)
def test_soft_clauses_only_warn(row: str, sin: Edit, soft: set[bool]) -> None:
    found = judged("embeddings", sinning("embeddings", sin))[row]
    assert {finding.soft for finding in found} == soft


@pytest.mark.parametrize(
    ("model", "length", "count"),
    [
        ("sds/bge-m3", 1024, 0),
        ("sds/bge-m3", 384, 2),
        ("sds-bge-m3", 384, 2),
        ("MiniLM", 384, 0),
    ],
)
def test_vectors_of_bge_m3_have_1024_components(
    model: str, length: int, count: int
) -> None:
    data = [{"embedding": [0.5] * length}]
    calls = [
        exchange("embeddings", {"model": model, "input": "a"}, {"data": data}, id=name)
        for name in ("ex-1", "ex-2")
    ]
    assert len(findings(embeddings.vectors_have_one_length, *calls)) == count


def test_asking_for_other_dimensions_says_nothing_of_the_length() -> None:
    calls = [
        exchange(
            "embeddings",
            {"model": "m", "input": "a"} | more,
            {"data": [{"embedding": [0.5] * length}]},
        )
        for more, length in (({}, 4), ({}, 4), ({"dimensions": 2}, 2))
    ]
    assert not findings(embeddings.vectors_have_one_length, *calls)


@pytest.mark.parametrize("end", ["first", "last"])
def test_which_end_is_cut_off_is_reported(end: str) -> None:
    sent = {"input": ["a b c", "a d", "e c"]}
    kept = {"first": ["a", "a", "e"], "last": ["c", "d", "c"]}[end]
    whole, part = (
        {"data": [{"embedding": list(vector(text))} for text in texts]}
        for texts in (["a b c", "x d", "y c"], kept)
    )
    seen = observation(
        "embeddings.shared_part",
        whole=exchange("embeddings", sent, whole),
        cut=exchange("embeddings", sent | {"truncate_prompt_tokens": 1}, part),
    )
    assert readings(what_is_cut_off_does_not_count, seen) == [f"keeps the {end} tokens"]


def test_what_may_be_is_read_and_never_found() -> None:
    given = {"200": ("accepted", "an alias"), "404": ("refused", "404")}
    for status, (reading, path_reading) in given.items():
        answer: Any = {"data": []} if status == "200" else {}
        step = exchange("embeddings", {"input": "a"}, answer, status=int(status))
        for check in (
            embeddings.token_ids_may_be_accepted,
            embeddings.empty_input_may_be_accepted,
            embeddings.dimensions_and_user_may_be_accepted,
        ):
            assert readings(check, observation(check.on[0], variant=step)) == [reading]
        seen = observation("embeddings.singular", singular=step)
        assert readings(embeddings.the_singular_path_may_exist, seen) == [path_reading]
