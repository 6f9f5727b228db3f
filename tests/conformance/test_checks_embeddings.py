"""Embeddings: soft clauses, lengths, readings."""

import base64
import math
import struct
from typing import Any

import pytest
from exchanges import exchange, findings, observation, readings
from played import EMBEDDER, Server, edited, judged, mock

from aios_conformance.conformance.checks import embeddings
from aios_conformance.conformance.checks.embeddings_relations import (
    what_is_cut_off_does_not_count,
)


def _longer_alone(_operation: str, body: Any, answer: Any) -> Any:
    for item in answer["data"] if isinstance(body["input"], str) else ():
        if isinstance(item["embedding"], list):
            item["embedding"] = [2 * number for number in item["embedding"]]
    return answer


def _a_little_off(_operation: str, body: Any, answer: Any) -> Any:
    if len(answer["data"]) > 1 and body.get("encoding_format") != "base64":
        for item in answer["data"]:
            item["embedding"][0] += 0.2
    return answer


@pytest.mark.parametrize(
    ("server", "soft"),
    [
        (edited("embeddings", _a_little_off), {True}),
        (edited("embeddings", _longer_alone), {True}),
        (mock("embeddings_last_of_three_repeats_the_first"), {False}),
        (mock("embeddings_equal_texts_merged"), {False}),
    ],
)
def test_vectors_of_a_batch_may_be_a_little_off(
    server: Server, soft: set[bool]
) -> None:
    found = judged("embeddings", server)["META-090"]
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
        mock()("POST /v1/embeddings", {"model": EMBEDDER, "input": texts})[1]
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


@pytest.mark.parametrize(
    ("numbers", "is_useful"),
    [((0.5, 0.0), True), ((0.0, 0.0), False), ((math.nan, math.nan), False)],
)
def test_vectors_in_base64_are_numbers_too(
    numbers: tuple[float, float], *, is_useful: bool
) -> None:
    packed = base64.b64encode(struct.pack("<2f", *numbers)).decode()
    sent = {"model": EMBEDDER, "input": "a", "encoding_format": "base64"}
    answer = exchange("embeddings", sent, {"data": [{"embedding": packed}]})
    found = findings(embeddings.vectors_are_finite_and_not_zero, answer)
    assert (not found) is is_useful


@pytest.mark.parametrize(
    ("texts", "is_found"),
    [
        (["the sea is cold", "a boat drifts"], True),
        (["the sea is cold", "the boat drifts"], False),  # a limit may leave "the"
        (["the sea is cold", "a boat is cold"], False),
    ],
)
def test_each_text_has_a_vector_of_its_own(texts: list[str], *, is_found: bool) -> None:
    check = embeddings.each_text_has_a_vector_of_its_own

    def told(*vectors: list[float], **limit: int) -> Any:
        data = [{"embedding": vector} for vector in vectors]
        sent = {"model": "m", "input": texts, **limit}
        return exchange("embeddings", sent, {"data": data}, probe="embeddings.meaning")

    cut = told([1.0, 2.0], [1.0, 2.0], truncate_prompt_tokens=4)
    assert bool(findings(check, cut)) is is_found
    # those that no limit cuts are read whole
    assert findings(check, told([1.0, 2.0], [1.0, 2.0]))
    assert not findings(check, told([1.0, 2.0], [2.0, 1.0]))


def test_long_texts_may_have_one_vector_where_a_model_reads_a_part() -> None:
    check = embeddings.each_text_has_a_vector_of_its_own
    begin = "word " * 32

    def told(*texts: str) -> Any:
        data = [{"embedding": [1.0, 2.0]}] * len(texts)
        sent = {"model": "m", "input": texts}
        return exchange("embeddings", sent, {"data": data}, probe="embeddings.meaning")

    assert not findings(check, told(f"{begin}a", f"{begin}b"))
    assert not findings(check, told(f"a {begin}", f"b {begin}"))
    assert findings(check, told(f"{begin[:-5]}a", f"{begin[:-5]}b"))
