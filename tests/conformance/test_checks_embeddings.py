"""Each sin of an embeddings server trips its rows, and no others."""

import base64
import struct
from typing import Any

import pytest
from exchanges import exchange, findings, observation, readings
from played import (
    EMBEDDER,
    Edit,
    Server,
    cut,
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

from conformance.checks import embeddings
from conformance.checks.embeddings_relations import what_is_cut_off_does_not_count
from conformance.checks.vectors import decoded
from spec import Level, requirements


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


def _texts(body: Any) -> list[str]:
    return body["input"] if isinstance(body["input"], list) else [body["input"]]


def _is_base64(body: Any) -> bool:
    return bool(body.get("encoding_format") == "base64")


def _vectors(answer: Any, change: Any) -> Any:
    """Change the vectors that are lists: change(i, vector)."""
    for i, item in enumerate(answer["data"]):
        if isinstance(item["embedding"], list):
            item["embedding"] = change(i, item["embedding"])
    return answer


def _packed(layout: str) -> Edit:
    def edit(operation: str, body: Any, answer: Any) -> Any:
        if _is_base64(body):
            for item in answer["data"]:
                numbers = decoded(item["embedding"])
                data = struct.pack(f"{layout[0]}{len(numbers)}{layout[1]}", *numbers)
                item["embedding"] = base64.b64encode(data).decode()
        return answer

    return edit


big_endian, doubles, halves = _packed(">f"), _packed("<d"), _packed("<e")


def big_endian_in_batches(operation: str, body: Any, answer: Any) -> Any:
    is_batch = len(_texts(body)) > 1
    return big_endian(operation, body, answer) if is_batch else answer


def base64_ignored(operation: str, body: Any, answer: Any) -> Any:
    if _is_base64(body):
        for item in answer["data"]:
            item["embedding"] = decoded(item["embedding"])
    return answer


def base64_by_default(operation: str, body: Any, answer: Any) -> Any:
    if "encoding_format" in body:
        return answer
    return honest(operation, body | {"encoding_format": "base64"})[1]


def base64_always(operation: str, body: Any, answer: Any) -> Any:
    return honest(operation, body | {"encoding_format": "base64"})[1]


def url_safe_without_padding(operation: str, body: Any, answer: Any) -> Any:
    if _is_base64(body):
        for item in answer["data"]:
            data = base64.b64decode(item["embedding"])
            item["embedding"] = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return answer


def last_of_a_base64_batch_wrong(operation: str, body: Any, answer: Any) -> Any:
    if _is_base64(body) and len(answer["data"]) > 1:
        answer["data"][-1]["embedding"] = answer["data"][0]["embedding"]
    return answer


def stated_float_is_shorter(operation: str, body: Any, answer: Any) -> Any:
    is_float = body.get("encoding_format") == "float"
    return _vectors(answer, lambda _i, v: v[:64]) if is_float else answer


def batch_reversed(operation: str, body: Any, answer: Any) -> Any:
    embeddings = [item["embedding"] for item in answer["data"]][::-1]
    for item, embedding in zip(answer["data"], embeddings, strict=True):
        item["embedding"] = embedding
    return answer


def last_of_a_batch_wrong(operation: str, body: Any, answer: Any) -> Any:
    if _is_base64(body) or len(answer["data"]) != 3:
        return answer
    answer["data"][-1]["embedding"] = answer["data"][0]["embedding"]
    return answer


def last_of_a_batch_is_the_first(operation: str, body: Any, answer: Any) -> Any:
    if not _is_base64(body) and len(answer["data"]) > 1:
        answer["data"][-1]["embedding"] = answer["data"][0]["embedding"]
    return answer


def empty_in_base64(operation: str, body: Any, answer: Any) -> Any:
    if _is_base64(body):
        answer["data"][0]["embedding"] = ""
    return answer


def index_as_text(operation: str, body: Any, answer: Any) -> Any:
    for item in answer["data"]:
        item["index"] = str(item["index"])
    return answer


def only_ascii_in_batches(operation: str, body: Any, answer: Any) -> Any:
    cut_to = body.get("truncate_prompt_tokens")
    if len(_texts(body)) > 1 and not _is_base64(body):
        for item, text in zip(answer["data"], _texts(body), strict=True):
            ascii_only = str(text).encode("ascii", "ignore").decode()
            item["embedding"] = list(vector(cut(ascii_only, cut_to)))
    return answer


def last_of_a_batch_dropped(operation: str, body: Any, answer: Any) -> Any:
    if len(answer["data"]) > 1:
        answer["data"].pop()
    return answer


def duplicates_merged(operation: str, body: Any, answer: Any) -> Any:
    texts = list(map(str, _texts(body)))
    if len(set(texts)) < len(texts):
        answer["data"] = answer["data"][: len(set(texts))]
    return answer


def two_items_for_a_string(operation: str, body: Any, answer: Any) -> Any:
    if isinstance(body["input"], str):
        answer["data"].append(answer["data"][0] | {"index": 1})
    return answer


def numbered_from_one(operation: str, body: Any, answer: Any) -> Any:
    for item in answer["data"]:
        item["index"] += 1
    return answer


def numbered_all_zero(operation: str, body: Any, answer: Any) -> Any:
    for item in answer["data"]:
        item["index"] = 0
    return answer


def second_of_a_batch_shorter(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda i, v: v[:-1] if i == 1 else v)


def half_length_everywhere(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda _i, v: v[:64])


def zero_vector_beyond_the_first(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda i, v: v if i < 1 else [0.0] * len(v))


def one_component(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda _i, v: [sum(v)])


def infinite_in_base64(operation: str, body: Any, answer: Any) -> Any:
    if _is_base64(body):
        for item in answer["data"]:
            numbers = [float("inf"), *decoded(item["embedding"])[1:]]
            data = struct.pack(f"<{len(numbers)}f", *numbers)
            item["embedding"] = base64.b64encode(data).decode()
    return answer


def one_vector_for_all(operation: str, body: Any, answer: Any) -> Any:
    return _vectors(answer, lambda _i, _v: list(vector("text")))


def usage_of_one_text(operation: str, body: Any, answer: Any) -> Any:
    count = answer["usage"]["prompt_tokens"] // max(1, len(answer["data"]))
    answer["usage"] |= {"prompt_tokens": count, "total_tokens": count}
    return answer


def usage_zero(operation: str, body: Any, answer: Any) -> Any:
    answer["usage"] |= {"prompt_tokens": 0, "total_tokens": 0}
    return answer


def something_generated(operation: str, body: Any, answer: Any) -> Any:
    answer["usage"]["completion_tokens"] = 1
    return answer


def limit_moves_vectors(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" not in body:
        return answer
    return _vectors(answer, lambda i, v: [v[0] + 0.3 * (i + 1), *v[1:]])


def middle_kept(operation: str, body: Any, answer: Any) -> Any:
    limit = body.get("truncate_prompt_tokens")
    if limit is not None:
        for item, text in zip(answer["data"], _texts(body), strict=True):
            words = text.split()
            spare = max(0, len(words) - limit) // 2
            middle = " ".join(words[spare : len(words) - spare])
            item["embedding"] = list(vector(middle))
    return answer


def limit_adds_tokens(operation: str, body: Any, answer: Any) -> Any:
    if "truncate_prompt_tokens" in body:
        answer["usage"]["prompt_tokens"] += 1000
    return answer


FORM = {"EMB-SEM-004", "META-093"}
DEFAULT = {"EMB-REQ-011", "META-094"}
ALONE = {"EMB-SEM-003", "META-090"}
NUMBERED = {"EMB-RES-006", "EMB-SEM-003", "META-090"}
COUNT = {"EMB-RES-005", "EMB-REQ-006", "META-090"}
LENGTH = {"META-095", "EMB-RES-010"}
USEFUL = {"META-096", "EMB-SEM-001"}
REAL = {"EMB-SEM-002", "META-098"}  # only of real models

SINS: list[tuple[Edit, set[str]]] = [
    (big_endian, FORM),
    (big_endian_in_batches, FORM),
    (doubles, FORM),
    (halves, FORM),
    (base64_ignored, FORM | {"EMB-RES-009"}),
    (base64_by_default, DEFAULT | {"EMB-RES-008"}),
    (base64_always, {"EMB-REQ-012", "EMB-RES-008"}),
    (url_safe_without_padding, FORM | {"EMB-RES-009"}),
    (last_of_a_base64_batch_wrong, FORM),
    (stated_float_is_shorter, DEFAULT | LENGTH),
    (batch_reversed, {"META-091", "META-097", "META-100"} | ALONE | REAL),
    (last_of_a_batch_wrong, {"META-091"} | ALONE | FORM | REAL),
    (last_of_a_batch_is_the_first, {"META-091"} | ALONE | FORM | REAL),
    (empty_in_base64, FORM | {"EMB-RES-009"}),
    (index_as_text, set()),  # the shape is judged elsewhere
    (only_ascii_in_batches, ALONE | FORM),
    (last_of_a_batch_dropped, COUNT),
    (duplicates_merged, COUNT),
    (two_items_for_a_string, {"EMB-RES-005", "EMB-REQ-007"}),
    (numbered_from_one, NUMBERED),
    (numbered_all_zero, NUMBERED),
    (
        second_of_a_batch_shorter,
        {"META-091", "META-100"} | LENGTH | FORM | ALONE | REAL,
    ),
    (half_length_everywhere, FORM),
    (
        zero_vector_beyond_the_first,
        {"META-091", "META-097", "META-099", "META-100"} | USEFUL | ALONE | FORM | REAL,
    ),
    (one_component, {"EMB-SEM-001"} | FORM | REAL),
    (infinite_in_base64, FORM),
    (one_vector_for_all, FORM | REAL),
    (usage_of_one_text, {"META-101"}),
    (usage_zero, {"EMB-RES-012"}),
    (something_generated, {"EMB-RES-015", "META-103"}),
    (limit_adds_tokens, {"META-099", "EMB-SEM-005"}),
    (limit_moves_vectors, {"META-099", "META-100"}),
    (middle_kept, {"META-100"}),
]


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
    if _is_base64(body) and isinstance(body.get("input"), list):
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
    (refusing("embeddings", "truncate_prompt_tokens", 1), {"EMB-REQ-016"}),
    (refusing("embeddings", "truncate_prompt_tokens", 100), {"EMB-REQ-015"}),
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
        ("META-090", only_ascii_in_batches, {True}),
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
