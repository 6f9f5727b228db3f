"""Rows that consist of others cannot pass beside what refutes those."""

from dataclasses import replace
from typing import Any

import pytest
from exchanges import exchange, observation
from judged_runs import SETTING, counted, judged_run, row
from test_judge import GOOD

from aios_conformance.conformance.options.values import Waiver
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.result import RequirementResult
from aios_conformance.spec import requirements

VALID = "COMMON-RES-001"
MISTAKES = "COMMON-ERR-001"


def mistake(serves: str, status: int, **over: Any) -> Exchange:
    body = over.pop("sent", {"query": "q", "documents": []})
    return exchange(
        "rerank", body, {}, status=status, expect="refuse", serves=(serves,), **over
    )


def refused(serves: str) -> Exchange:
    return exchange("rerank", {}, {"detail": "no"}, status=422, serves=(serves,))


def beside(step: Exchange, name: str) -> RequirementResult:
    return row(judged_run(observation("toy.refused", valid=GOOD, mutant=step)), name)


def test_a_refused_request_refutes_that_valid_ones_are_accepted() -> None:
    found = beside(refused("RERANK-REQ-013"), VALID)
    assert found.verdict == "fail"
    assert found.reason == "refuted by RERANK-REQ-013 top-n-positive"
    assert [each.parts for each in found.findings] == [("RERANK-REQ-013",)]
    assert found.is_derived


def test_what_is_only_recommended_on_its_own_row_does_no_more_than_warn() -> None:
    assert beside(refused("RERANK-REQ-018"), VALID).verdict == "warn"


@pytest.mark.parametrize("status", [200, 500])
def test_a_mistake_that_is_not_refused_refutes_that_mistakes_are(status: int) -> None:
    step = mistake("RERANK-REQ-011", status)
    assert beside(step, MISTAKES).verdict == "fail"
    assert beside(step, "RERANK-ERR-002").verdict == "fail"
    assert beside(step, "COMMON-ERR-003").verdict == "warn"
    for other in ("RERANK-ERR-001", "COMMON-ERR-002"):
        assert beside(step, other).verdict != "fail"


def test_an_unknown_model_has_no_documented_code() -> None:
    step = mistake("COMMON-ERR-008", 200, codes=(400, 404, 422))
    assert beside(step, MISTAKES).verdict == "inconclusive"


def test_only_what_lacks_a_required_member_refutes_that_it_is_required() -> None:
    ticked = "COMMON-REQ-011"
    assert beside(mistake("RERANK-REQ-004", 200), ticked).verdict == "fail"
    whole = {"model": {}, "query": "q", "documents": ["d"]}
    step = mistake("RERANK-REQ-004", 200, sent=whole)
    assert beside(step, ticked).verdict == "inconclusive"


def test_a_missing_member_refutes_that_all_are_there() -> None:
    body: Any = GOOD.response and GOOD.response.json
    lacking = {name: value for name, value in body.items() if name != "usage"}
    made = judged_run(counted(exchange("rerank", {}, lacking)))
    found = row(made, "COMMON-RES-002")
    assert (found.verdict, found.reason) == (
        "fail",
        "refuted by RERANK-RES-005 usage-object",
    )


def test_a_waived_part_waives_what_follows_from_it() -> None:
    waiver = Waiver("RERANK-REQ-013", "known", "2026-12-31")
    made = judged_run(
        observation("toy.refused", valid=GOOD, mutant=refused("RERANK-REQ-013")),
        setting=replace(SETTING, waivers=(waiver,)),
    )
    assert row(made, VALID).verdict == "waived"
    assert row(made, VALID).reason == "known (until 2026-12-31)"


def test_a_part_that_does_not_apply_refutes_nothing() -> None:
    made = judged_run(
        observation("toy.refused", valid=GOOD, mutant=refused("RERANK-REQ-013")),
        absent={"rerank": "rerank is not served"},
    )
    assert row(made, VALID).verdict != "fail"


@pytest.mark.parametrize("dialect", ["aios", "infinity", "aigne-hub", "aihubmix"])
def test_parts_are_rows_of_the_same_operations(dialect: str) -> None:
    rows = requirements(dialect)
    for whole in rows:
        for topic in whole.parts.topics if whole.parts else ():
            parts = [r for r in rows if r.topic == topic and r is not whole]
            assert any({*r.operations} & {*whole.operations} for r in parts), topic
