"""Hand-made results: every verdict, findings of every kind, and their exchanges."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aios_conformance.conformance.terms.check import Kind
from aios_conformance.conformance.terms.exchange import (
    Exchange,
    Facts,
    Request,
    Response,
)
from aios_conformance.conformance.terms.result import (
    CheckCoverage,
    Evidence,
    RequirementResult,
    RunResult,
    Usage,
    Verdict,
)
from aios_conformance.spec import Level, requirement, requirements

HOSTILE = "</script><img src=x onerror=alert(1)> ``` | ]]> \x00\ud800 & <b>bold</b>"


def exchange_of(
    identifier: str, sent: Any, answer: Any, *, status: int = 200, **over: Any
) -> Exchange:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    made = Exchange(
        id=identifier,
        probe="rerank.top_n",
        draw=0,
        label="top",
        api="rerank",
        expect="accept",
        request=Request("POST /v1/rerank", json.dumps(sent).encode()),
        response=Response(status, (("content-type", "application/json"),), body),
        total_s=0.012,
    )
    return replace(made, **over)


def evidence(kind: Kind = "malformed", actual: object = 0.93, **over: Any) -> Evidence:
    made = Evidence(
        kind=kind,
        expected="at most 0.41",
        actual=actual,
        pointer="/results/1/relevance_score",
        exchange="ex-12",
        curl="curl -sS http://127.0.0.1:8000/v1/rerank -H 'Content-Type: "
        'application/json\' -d \'{"model":"m","query":"cat"}\'',
        check="scores_never_rise",
    )
    return replace(made, **over)


BROKEN: Mapping[str, RequirementResult] = {
    each.requirement.id: each
    for each in (
        RequirementResult(
            requirement("RERANK-SEM-006"),
            "fail",
            evidence=37,
            reproduced=True,
            findings=(evidence(), evidence(), evidence(), evidence()),
            coverage=(CheckCoverage("scores_never_rise", 37, 3, ("ex-12", "ex-13")),),
        ),
        RequirementResult(
            requirement("COMMON-RES-010"),
            "fail",
            evidence=80,
            reproduced=True,
            findings=(evidence(actual=HOSTILE, exchange="ex-13", kind="silent"),),
        ),
        RequirementResult(
            requirement("CHAT-SEM-010"),
            "warn",
            evidence=4,
            reproduced=False,
            findings=(evidence("refused", actual=422, pointer="", soft=True),),
        ),
        RequirementResult(
            requirement("META-051"),
            "unstable",
            reason="generated texts differed 1 of 9 times; the same when sent again",
            evidence=9,
            reproduced=False,
            findings=(evidence(actual="another text", pointer=""),),
        ),
        RequirementResult(
            requirement("CHAT-REQ-003"),
            "waived",
            reason="ticket 4711, until 2027-03-31",
            evidence=2,
            findings=(evidence("crash", actual=500, pointer=""),),
        ),
        RequirementResult(requirement("EMB-REQ-004"), "error", reason="our own fault"),
        RequirementResult(
            requirement("COMP-REQ-002"), "inconclusive", reason="0 of 2 observations"
        ),
        RequirementResult(
            requirement("SCORE-REQ-004"), "not_applicable", reason="no score API"
        ),
    )
}


def made_result(
    broken: Mapping[str, RequirementResult] = BROKEN, **over: Any
) -> RunResult:
    """A complete run in which all rows pass but those of `broken`."""
    rows = requirements("aios")
    made = RunResult(
        url="http://127.0.0.1:8000",
        dialect="aios",
        preset="standard",
        seed=0,
        facts=Facts(
            models={"chat": "llama", "rerank": "bge-reranker"},
            kinds={"rerank": "cross_encoder"},
        ),
        server="miniature/1.0",
        started="2026-11-22T03:04:05Z",
        duration_s=4.25,
        complete=True,
        claim="none" if broken else "full",
        selection=None,
        requirements=[
            broken.get(row.id) or _kept(row.id) for row in rows if not row.excluded
        ],
        excluded=[row for row in rows if row.excluded],
        usage=Usage(431, 9_876, 3_210, 17),
        timing={
            "POST /v1/chat/completions": {
                "ttft_ms": {"p50": 12.5, "p95": 30.0},
                "total_ms": {"p50": 80.0, "p95": 200.0},
            },
            "POST /v1/rerank": {"total_ms": {"p50": 4.0, "p95": 9.5}},
        },
        exchanges=(
            exchange_of(
                "ex-12",
                {"model": "m", "query": "cat", "documents": ["a cat", "a dog"]},
                {"results": [{"index": 0, "relevance_score": 0.41}] * 2},
            ),
            exchange_of("ex-13", {"model": "m"}, HOSTILE.encode("utf-8", "replace")),
        ),
    )
    return replace(made, **over)


def _kept(identifier: str) -> RequirementResult:
    row = requirement(identifier)
    row = next(each for each in requirements("aios") if each.id == row.id)
    verdict: Verdict = "info" if row.level is Level.MAY else "pass"
    reading = "answers 422" if row.rulings and row.level is Level.MAY else None
    return RequirementResult(
        row,
        verdict,
        reading=reading,
        evidence=5,
        coverage=(
            CheckCoverage("answers_have_the_documented_shape", 5, 1, ("ex-12",)),
        ),
    )
