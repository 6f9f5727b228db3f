"""Each sin of a rerank server trips its rows, and no others."""

from typing import Any

import pytest
from exchanges import exchange, findings, is_evidence, observation, readings
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
    play,
    played,
    refusing,
    silent,
    sinning,
    tripped,
)
from sins_rerank import (
    CUT,
    SINS,
    _all,
    default_of_three,
    index_renumbered_everywhere,
    logits_as_scores,
    one_too_few,
    text_replaced_with_the_input,
    text_shortened_with_the_input,
    with_scores,
)

from aios_conformance.conformance.checks import rerank
from aios_conformance.conformance.checks.observed import answer
from aios_conformance.conformance.probes import rerank_relations as relations
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.views import RerankAnswer
from aios_conformance.spec import Level, requirements


def test_an_honest_server_trips_nothing_and_exercises_every_own_row() -> None:
    seen = judged("rerank")
    assert {row for row, found in seen.items() if found} == set()
    own = {row for check in rerank.CHECKS for row in check.ids}
    assert own <= seen.keys()


@pytest.mark.parametrize("level", [Level.MUST, Level.SHOULD])
def test_every_row_beyond_mere_shape_is_exercised(level: Level) -> None:
    seen = judged("rerank")
    shape = {f"RERANK-RES-{n:03}" for n in (1, 4, 5, 6, 8, 10, 14, 15, 17)}
    shared = {"RERANK-ERR-001", "RERANK-ERR-002"}  # the probes of all APIs
    for row in requirements():
        if row.level is level and row.api == "rerank" and not row.excluded:
            assert row.id in seen.keys() | shape | shared


# --- sins of the answer ------------------------------------------------------------


@pytest.mark.parametrize(("sin", "rows"), SINS)
def test_a_sin_of_the_answer_trips_its_rows(sin: Edit, rows: set[str]) -> None:
    assert tripped("rerank", sinning("rerank", sin)) == rows


# --- sins of the reading -----------------------------------------------------------


def _is_rerank(operation: str) -> bool:
    return operation.endswith("/rerank")


def cut_before_sorting(operation: str, body: Any) -> tuple[int, Any]:
    status, answer = honest(operation, body)
    top = body.get("top_n") if _is_rerank(operation) and status == 200 else None
    if top:
        _, whole = honest(operation, body | {"top_n": 0})
        answer["results"] = [r for r in whole["results"] if r["index"] < top]
    return status, answer


def one_document_refused(operation: str, body: Any) -> tuple[int, Any]:
    given = body.get("documents")
    is_short = isinstance(given, list) and len(given) == 1 and len(given[0]) < 1000
    if _is_rerank(operation) and is_short:
        return 422, {"error": "/documents: too few"}
    return honest(operation, body)


def crashing_on_words(operation: str, body: Any) -> tuple[int, Any]:
    if isinstance(body.get("top_n"), str):
        return 500, {"error": "int() cannot read this"}
    return honest(operation, body)


def crashing_on_long_texts(operation: str, body: Any) -> tuple[int, Any]:
    if len(str(body)) > 16_000:
        return 500, {"error": "out of memory"}
    return honest(operation, body)


UNREADABLE = [
    ("model", "m", {"RERANK-REQ-004"}),
    ("query", "q", {"RERANK-REQ-005"}),
    ("documents", ["d"], {"RERANK-REQ-006", "RERANK-REQ-007"}),
    ("top_n", 1, {"RERANK-REQ-011", "RERANK-REQ-015"}),
    ("truncate_prompt_tokens", 100, {"RERANK-REQ-016", "RERANK-REQ-017"}),
]


@pytest.mark.parametrize(("field", "otherwise", "rows"), UNREADABLE)
def test_leniency_with_a_field_trips_its_rows(
    field: str, otherwise: Any, rows: set[str]
) -> None:
    assert silent("rerank", lenient("rerank", field, otherwise)) == rows


PATHS = {"RERANK-SEM-001", "META-011"}

READING: list[tuple[Server, set[str]]] = [
    (cut_before_sorting, CUT),
    (ignoring("rerank", "top_n", "POST /v2/rerank"), {"RERANK-SEM-004"} | PATHS),
    (ignoring("rerank", "truncate_prompt_tokens", "POST /v2/rerank"), PATHS),
    (ignoring("rerank", "truncate_prompt_tokens"), {"RERANK-SEM-009", "META-014"}),
    (
        refusing("rerank", "top_n", 1, 2, 5),
        {"RERANK-REQ-013", "RERANK-EX-001", "COMMON-RES-001"},
    ),
    (refusing("rerank", "top_n", 0), {"RERANK-REQ-014"}),
    (refusing("rerank", "top_n", 10, 11, 12), {"RERANK-SEM-005"}),
    (
        refusing("rerank", "truncate_prompt_tokens", 512),
        {"RERANK-REQ-018", "RERANK-EX-001"},
    ),
    (missing("/v2/rerank"), {"RERANK-REQ-003"}),
    (missing("/v1/rerank"), {"RERANK-REQ-002"}),
    (missing("/rerank"), {"RERANK-REQ-001"}),
    (one_document_refused, {"RERANK-REQ-008"}),
    (crashing_on_words, {"COMMON-ERR-004", "RERANK-ERR-003"}),
    (
        crashing_on_long_texts,
        {"RERANK-REQ-010", "COMMON-ERR-004", "RERANK-ERR-003"},
    ),
]


@pytest.mark.parametrize(("server", "rows"), READING)
def test_a_sin_of_the_reading_trips_its_rows(server: Server, rows: set[str]) -> None:
    assert tripped("rerank", server) == rows


# --- soft clauses, readings, and what is no evidence -------------------------------


def _softness(row: str, server: Server, **more: Any) -> set[bool]:
    return {found.soft for found in judged("rerank", server, **more)[row]}


def test_a_range_beyond_0_and_1_only_warns_with_an_embedding_model() -> None:
    server = sinning("rerank", logits_as_scores)
    assert _softness("RERANK-RES-018", server, facts=BOTH) == {False, True}
    assert _softness("RERANK-RES-018", server, facts=EMBEDDING) == {True}


def test_a_request_that_names_the_embedding_model_is_judged_as_one() -> None:
    result = {"index": 0, "document": {"text": "a"}, "relevance_score": -0.2}
    for model, soft in ((RERANKER, False), (EMBEDDER, True)):
        sent = {"model": model, "query": "q", "documents": ["a"]}
        seen = exchange("rerank", sent, {"results": [result]})
        (found,) = findings(rerank.relevance_lies_between_0_and_1, seen, facts=BOTH)
        assert found.soft is soft


def _without_texts(*ranked: tuple[int, float]) -> Exchange:
    """An answer of a server that returns documents only where they are asked for."""
    sent = {"model": RERANKER, "query": "q", "documents": ["a", "b"], "top_n": 2}
    results = [
        {"index": i, "relevance_score": score, "document": None} for i, score in ranked
    ]
    return exchange("rerank", sent, {"results": results, "usage": {"total_tokens": 4}})


def test_scores_are_judged_without_texts() -> None:
    good = _without_texts((1, 0.9), (0, 0.2))
    for check in (
        rerank.scores_never_rise,
        rerank.relevance_lies_between_0_and_1,
        rerank.indices_are_in_range,
        rerank.indices_do_not_repeat,
        rerank.top_n_is_the_number_of_results,
    ):
        assert is_evidence(check, good)
        assert findings(check, good) == []
    assert findings(rerank.scores_never_rise, _without_texts((1, 0.2), (0, 0.9)))
    assert findings(rerank.indices_are_in_range, _without_texts((2, 0.9), (0, 0.2)))


def test_the_meaning_of_index_is_not_judged_without_texts() -> None:
    for check in (
        rerank.index_leads_to_the_document,
        rerank.texts_are_submitted_documents,
        rerank.each_document_is_scored_once,
        rerank.texts_come_back_unharmed,
    ):
        assert not is_evidence(check, _without_texts((1, 0.9), (0, 0.2)))


def test_a_prefix_under_truncation_only_warns() -> None:
    shortened = sinning("rerank", text_shortened_with_the_input)
    replaced = sinning("rerank", text_replaced_with_the_input)
    assert _softness("RERANK-RES-016", shortened) == {True}
    assert _softness("RERANK-RES-016", replaced) == {False}


def test_asking_for_every_document_by_number_only_warns() -> None:
    assert _softness("META-003", sinning("rerank", one_too_few)) == {True}
    assert _softness("META-003", sinning("rerank", default_of_three)) == {False}


def test_the_meaning_of_index_is_reported() -> None:
    for server, reading in (
        (honest, "input position"),
        (sinning("rerank", index_renumbered_everywhere), "rank"),
    ):
        steps = [e for seen in played("rerank", server) for e in seen.steps.values()]
        assert readings(rerank.index_has_one_meaning, *steps, facts=EMBEDDING) == [
            reading
        ]


def test_ties_may_come_in_any_order() -> None:
    def ties(operation: str, body: Any, answer: Any) -> Any:
        with_scores(answer, lambda _i, _s, _r: 0.5)
        if _all(body) and operation == "POST /v1/rerank":
            answer["results"].reverse()
        return answer

    rows = tripped("rerank", sinning("rerank", ties))
    assert rows <= {"META-017", "RERANK-EX-004", "META-016", "RERANK-SEM-007"}


def test_a_single_result_is_no_evidence_of_order() -> None:
    probe = next(p for p in relations.PROBES if p.name == "rerank.documents")
    ranking = {"query": "q", "documents": ["a", "b", "c", "d"]}
    seen = play(probe, {"ranking": ranking, "many": ["text"] * 20})
    view = answer(RerankAnswer, seen, "alone")
    assert rerank.scores_never_rise.when is not None
    assert not rerank.scores_never_rise.when(view)


def test_a_server_that_refuses_top_n_0_shows_the_other_relations() -> None:
    ranking = {"query": "q", "documents": ["a", "b", "c", "d"]}
    among = {"ranking": ranking, "many": ["text"] * 20}
    for name, params in (("rerank.documents", among), ("rerank.score", ranking)):
        probe = next(p for p in relations.PROBES if p.name == name)
        seen = play(probe, params)
        asked = [e for e in seen.steps.values() if e.expect != "refuse"]
        assert not any("top_n" in e.request.json for e in asked)


def test_what_may_be_is_read_and_never_found() -> None:
    free = [
        check
        for check in rerank.CHECKS
        if check.ids[0] in {f"RERANK-RES-{n:03}" for n in (2, 3, 9, 19)}
    ]
    sent = {"documents": ["a"]}
    body = {
        "id": "2d1f0a4e-3c64-4c0e-9a35-0d0c7a0f0b11",
        "created": 1,
        "result": "",
        "usage": {"prompt_tokens": 1},
        "results": [],
    }
    found = [readings(c, exchange("rerank", sent, body)) for c in free]
    assert found == [
        ["UUID"],
        ["other"],
        ["has a member result"],
        ["has created, prompt_tokens"],
    ]


def test_what_happens_to_an_overlong_document_is_reported() -> None:
    sent = {"query": "q", "documents": ["word " * 9000]}
    for status, total, reading in (
        (200, 8192, ["truncated"]),
        (200, 9010, ["read as a whole"]),
        (400, 0, ["refused"]),
        (500, 0, []),
    ):
        step = exchange(
            "rerank", sent, {"usage": {"total_tokens": total}}, status=status
        )
        seen = observation("rerank.too_long", overlong=step)
        assert readings(rerank.an_overlong_document_is_no_crash, seen) == reading


def test_an_empty_list_may_be_refused_or_answered() -> None:
    for status, reading in ((200, ["empty results"]), (422, ["refused"]), (500, [])):
        step = exchange("rerank", {"documents": []}, {"results": []}, status=status)
        seen = observation("rerank.empty", variant=step)
        assert readings(rerank.no_documents_may_be_refused, seen) == reading


def test_a_step_without_an_answer_cannot_be_viewed() -> None:
    seen = observation("rerank.test", refused=exchange("rerank", {}, {}, status=422))
    for label in ("refused", "absent"):
        with pytest.raises(LookupError, match=label):
            answer(RerankAnswer, seen, label)
