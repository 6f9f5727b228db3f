"""Rerank: soft clauses, readings, and what is no evidence."""

import json
from typing import Any

import pytest
from exchanges import exchange, findings, is_evidence, observation, readings
from played import (
    BOTH,
    EMBEDDER,
    EMBEDDING,
    RERANKER,
    Server,
    edited,
    judged,
    mock,
    play,
    played,
    tripped,
)

from aios_conformance.conformance.checks import rerank, rerank_relations
from aios_conformance.conformance.checks.observed import answer
from aios_conformance.conformance.probes import rerank_relations as relations
from aios_conformance.conformance.terms.catalogue import checks_in
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.views import RerankAnswer


def _softness(row: str, server: Server, **more: Any) -> set[bool]:
    return {found.soft for found in judged("rerank", server, **more)[row]}


def test_a_range_beyond_0_and_1_only_warns_with_an_embedding_model() -> None:
    server = mock("rerank_raw_logits")
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
    def shortened(_operation: str, body: Any, answer: Any) -> Any:
        for result in answer["results"] if "truncate_prompt_tokens" in body else ():
            result["document"]["text"] = result["document"]["text"][:40]
        return answer

    def replaced(_operation: str, body: Any, answer: Any) -> Any:
        if "truncate_prompt_tokens" in body:
            answer["results"][-1]["document"]["text"] = "…"
        return answer

    assert _softness("RERANK-RES-016", edited("rerank", shortened)) == {True}
    assert _softness("RERANK-RES-016", edited("rerank", replaced)) == {False}


def test_asking_for_every_document_by_number_only_warns() -> None:
    def one_too_few(_operation: str, body: Any, answer: Any) -> Any:
        if body.get("top_n", 0) >= 5:
            del answer["results"][body["top_n"] - 1 :]
        return answer

    assert _softness("META-003", edited("rerank", one_too_few)) == {True}
    assert _softness("META-003", mock("rerank_top_n_defaults_to_three")) == {False}


def test_the_meaning_of_index_is_reported() -> None:
    for server, reading in (
        (mock(), "input position"),
        (mock("index_counts_ranks"), "rank"),
    ):
        steps = [e for seen in played("rerank", server) for e in seen.steps.values()]
        assert readings(rerank.index_has_one_meaning, *steps, facts=EMBEDDING) == [
            reading
        ]


def test_ties_may_come_in_any_order() -> None:
    def ties(operation: str, body: Any, answer: Any) -> Any:
        for result in answer["results"]:
            result["relevance_score"] = 0.5
        if not body.get("top_n") and operation == "POST /v1/rerank":
            answer["results"].reverse()
        return answer

    rows = tripped("rerank", edited("rerank", ties))
    assert rows <= {"META-017", "RERANK-EX-004", "META-016", "RERANK-SEM-007"}


def test_results_that_are_all_about_one_text_outrank_nothing() -> None:
    result = {"relevance_score": 0.5, "document": {"text": "b"}}
    results = [result | {"index": i} for i in range(2)]
    sent = {"query": "q", "documents": ["a", "b"]}
    seen = observation(
        "rerank.documents", base=exchange("rerank", sent, {"results": results})
    )
    assert not is_evidence(rerank_relations.the_answer_outranks_other_topics, seen)


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
        for check in checks_in(rerank)
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


def test_an_empty_query_tells_nothing_of_empty_lists() -> None:
    step = exchange("rerank", {"documents": ["a"], "query": ""}, {"results": []})
    seen = observation("rerank.empty", variant=step)
    assert readings(rerank.no_documents_may_be_refused, seen) == []


def test_a_step_without_an_answer_cannot_be_viewed() -> None:
    seen = observation("rerank.test", refused=exchange("rerank", {}, {}, status=422))
    for label in ("refused", "absent"):
        with pytest.raises(LookupError, match=label):
            answer(RerankAnswer, seen, label)


def test_a_whole_number_may_have_a_point() -> None:
    """1.0 is an integer (A-018), of an index too."""

    def pointed(_operation: str, _body: Any, answer: Any) -> Any:
        return json.loads(json.dumps(answer), parse_int=float)

    assert not tripped("rerank", edited("rerank", pointed))
