"""The schema accepts a sound report and refuses each way of saying less or more."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from aios_conformance import spec

Report = dict[str, Any]

VALIDATOR = Draft202012Validator(spec.report_schema())


def small_report() -> Report:
    row = {
        "id": "RERANK-SEM-006",
        "level": "MUST",
        "operations": ["POST /rerank", "POST /v1/rerank"],
        "statement": "Order results from most to least relevant.",
        "sources": ["000:56", "000:127-141"],
        "ruling": "A-036",
        "reading": None,
        "verdict": "fail",
        "reason": None,
        "evidence": 37,
        "reproduced": True,
        "findings": [
            {
                "kind": "malformed",
                "expected": "at most 0.7",
                "actual": 0.8,
                "pointer": "/results/1/relevance_score",
                "exchange": "ex-12",
                "curl": "curl -X POST http://127.0.0.1:8000/rerank",
            }
        ],
    }
    passed = {
        **row,
        "id": "META-115",
        "ruling": None,
        "verdict": "pass",
        "reproduced": None,
        "findings": [],
        "checks": [{"check": "ids_differ", "judged": 37, "needed": 5}],
    }
    return {
        "schema_version": 1,
        "suite": {
            "name": "aios-conformance",
            "version": "0.1.0",
            "requirements_sha256": spec.requirements_sha256(),
        },
        "target": {
            "url": "http://127.0.0.1:8000",
            "models": {"rerank": "sds/bge-reranker-v2-m3"},
            "server": None,
        },
        "dialect": "aios",
        "preset": "standard",
        "seed": 0,
        "started": "2026-08-01T12:00:00Z",
        "duration_s": 4.2,
        "complete": True,
        "claim": "none",
        "selection": None,
        "summary": {
            "pass": 1,
            "warn": 0,
            "fail": 1,
            "inconclusive": 0,
            "not_applicable": 0,
            "waived": 0,
            "error": 0,
            "info": 0,
        },
        "usage": {
            "requests": 40,
            "prompt_tokens": 900,
            "completion_tokens": 0,
            "shrink_requests": 3,
        },
        "timing": {"POST /rerank": {"total_ms": {"p50": 3.1, "max": 9}}},
        "not_scored": [],
        "stale_waivers": [],
        "excluded": [{"id": "COMMON-REQ-007", "reason": "not seen on the wire"}],
        "requirements": [row, passed],
    }


def problems(report: Report) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(report)]


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(spec.report_schema())


def test_a_sound_report_is_accepted() -> None:
    assert problems(small_report()) == []


@pytest.mark.parametrize("claim", ["full", "none", "partial: chat, embeddings"])
def test_the_three_claims_are_accepted(claim: str) -> None:
    assert problems({**small_report(), "claim": claim}) == []


def test_a_stale_waiver_fails_with_a_reason_instead_of_a_finding() -> None:
    report = small_report()
    report["requirements"][0] |= {"findings": [], "reason": "stale waiver"}
    assert problems(report) == []


@pytest.mark.parametrize("member", sorted(small_report()))
def test_no_member_may_be_missing(member: str) -> None:
    report = small_report()
    del report[member]
    assert problems(report) == ["$"]


@pytest.mark.parametrize("member", sorted(small_report()["requirements"][0]))
def test_no_member_of_a_row_may_be_missing(member: str) -> None:
    report = small_report()
    del report["requirements"][0][member]
    assert "$.requirements[0]" in problems(report)


def edit(*path: str | int, to: object) -> Callable[[Report], Report]:
    def apply(report: Report) -> Report:
        node: Any = report
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = to
        return report

    return apply


ROW = ("requirements", 0)
PASSED = ("requirements", 1)
FINDING = (*ROW, "findings", 0)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (edit("extra", to=1), "$"),
        (edit("schema_version", to=2), "$.schema_version"),
        (edit("claim", to="partial: "), "$.claim"),
        (edit("claim", to="almost full"), "$.claim"),
        (edit("dialect", to="Open AI"), "$.dialect"),
        (edit("preset", to="huge"), "$.preset"),
        (edit("started", to="yesterday"), "$.started"),
        (edit("duration_s", to=-1), "$.duration_s"),
        (edit("complete", to="yes"), "$.complete"),
        (edit("selection", to="rerank"), "$.selection"),
        (edit("suite", "requirements_sha256", to="abc"), "$.suite.requirements_sha256"),
        (edit("target", "url", to="localhost"), "$.target.url"),
        (edit("target", "models", to={"images": "x"}), "$.target.models"),
        (edit("summary", "fail", to=-1), "$.summary.fail"),
        (edit("summary", "skipped", to=0), "$.summary"),
        (edit("usage", "requests", to=1.5), "$.usage.requests"),
        (edit("timing", to={"/rerank": {}}), "$.timing"),
        (edit("excluded", to=["COMMON-REQ-007"]), "$.excluded[0]"),
        (edit("stale_waivers", to=["RERANK-6"]), "$.stale_waivers[0]"),
        (edit(*ROW, "id", to="RERANK-006"), "$.requirements[0].id"),
        (edit(*ROW, "verdict", to="skipped"), "$.requirements[0].verdict"),
        (edit(*ROW, "level", to="MAY"), "$.requirements[0].level"),
        (edit(*ROW, "sources", to=[]), "$.requirements[0].sources"),
        (edit(*ROW, "ruling", to="36"), "$.requirements[0].ruling"),
        (edit(*ROW, "operations", to=["/rerank"]), "$.requirements[0].operations[0]"),
        (edit(*ROW, "findings", to=[]), "$.requirements[0]"),
        (edit(*FINDING, "kind", to="odd"), "$.requirements[0].findings[0].kind"),
        (
            edit(*FINDING, "pointer", to="results"),
            "$.requirements[0].findings[0].pointer",
        ),
        (edit(*FINDING, "secret", to="x"), "$.requirements[0].findings[0]"),
        (edit(*PASSED, "evidence", to=0), "$.requirements[1].evidence"),
        (edit(*PASSED, "verdict", to="inconclusive"), "$.requirements[1].reason"),
        (edit(*PASSED, "verdict", to="info"), "$.requirements[1].level"),
    ],
)
def test_a_report_that_says_too_much_or_too_little_is_refused(
    wrong: Callable[[Report], Report], where: str
) -> None:
    report = wrong(copy.deepcopy(small_report()))
    assert where in problems(report)
