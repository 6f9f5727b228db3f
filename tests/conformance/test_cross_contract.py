"""What dialects borrow from each other, and that it is sent once."""

from collections import Counter
from typing import Any

import pytest

from aios_conformance.conformance.observing.answer_cache import AnswerCache
from aios_conformance.conformance.observing.selfcheck import suite_fault
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.cross_contract import (
    is_reused,
    with_reused,
)
from aios_conformance.conformance.planning.plan import Plan, assemble, drawn, jointly
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.probe import Step
from aios_conformance.conformance.terms.requests import (
    Outgoing,
    body_bytes,
    content_key,
)
from aios_conformance.spec import DIALECTS, MODEL_APIS

MODEL = "words"
NEIGHBOURS = ("infinity", "aihubmix")


def planned(dialect: str, *, model: str = MODEL, **options: Any) -> Plan:
    given = RunOptions("http://t", dialect=dialect, cache_dir=None, **options)
    apis = MODEL_APIS if dialect == "aios" else ("embeddings",)
    facts = Facts(dialect, dict.fromkeys(apis, model))
    return assemble(given, drawn(given), facts=facts)


def borrowing(dialect: str, *others: Plan, model: str = MODEL) -> Plan:
    facts = Facts(dialect, {"embeddings": model})
    return with_reused(planned(dialect, model=model), others, facts)


def reused(plan: Plan) -> list[Step]:
    """The borrowed steps, without the valid ones beside the refused."""
    return [
        step
        for scenario in plan.scenarios
        if is_reused(scenario.probe.name)
        for step in scenario.steps
        if not step.shared
    ]


def sent(step: Step) -> dict[str, Any]:
    assert isinstance(step.body, dict)
    return step.body


AIOS = planned("aios", preset="smoke")


@pytest.fixture(scope="module")
def own() -> dict[str, Plan]:
    return {name: planned(name) for name in DIALECTS}


@pytest.fixture(scope="module")
def plans(own: dict[str, Plan]) -> dict[str, Plan]:
    """The plans of two dialects with what they borrow from all others."""
    return {
        name: borrowing(name, *(p for other, p in own.items() if other != name))
        for name in NEIGHBOURS
    }


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_what_is_borrowed_is_right_by_the_borrowers_contract(
    plans: dict[str, Plan], name: str
) -> None:
    steps = reused(plans[name])
    assert {step.expect for step in steps} == {"accept", "refuse"}
    assert all(step.serves for step in steps)
    assert all(400 in step.codes for step in steps if step.expect == "refuse")
    assert [suite_fault(name, s, body_bytes(s.body)) for s in steps] == [None] * len(
        steps
    )


@pytest.mark.parametrize("name", NEIGHBOURS)
def test_no_request_is_borrowed_that_is_there_or_twice(
    plans: dict[str, Plan], name: str
) -> None:
    own = {content_key(s) for c in planned(name).scenarios for s in c.steps}
    keys = Counter(content_key(step) for step in reused(plans[name]))
    assert set(keys.values()) == {1}
    assert not keys.keys() & own


def test_token_ids_are_promised_by_one_contract_only(plans: dict[str, Plan]) -> None:
    def has_ids(steps: list[Step]) -> bool:
        given = [sent(step).get("input") for step in steps]
        return any(isinstance(g, list) and not isinstance(g[0], str) for g in given)

    assert has_ids(reused(plans["aihubmix"]))
    assert not has_ids(reused(plans["infinity"]))


def test_a_member_that_no_line_lists_is_not_borrowed(plans: dict[str, Plan]) -> None:
    members = {name for step in reused(plans["infinity"]) for name in sent(step)}
    assert members <= {"model", "input", "encoding_format", "dimensions"}


def test_what_lies_at_a_limit_is_not_borrowed(plans: dict[str, Plan]) -> None:
    for plan in plans.values():
        assert all(len(body_bytes(step.body)) < 8_000 for step in reused(plan))
    assert not any(s.is_last for s in plans["infinity"].scenarios)
    assert plans["aihubmix"].scenarios[-1].is_last


def test_what_a_contract_leaves_open_is_not_borrowed() -> None:
    """Of an empty text in an array, one says nothing, and one that it should not be."""
    body = {"model": MODEL, "input": ["a text", ""]}
    step = Step("free", "POST /v1/embeddings", body, "either")
    origin = planned("infinity", preset="smoke")
    scenario = origin.scenarios[0]
    asked = Plan(
        origin.catalogue,
        "smoke",
        0,
        (type(scenario)(scenario.probe, 0, None, (step,)),),
    )
    assert reused(borrowing("infinity", asked)) == []
    assert reused(borrowing("aihubmix", asked)) == []


def test_nothing_is_borrowed_for_another_model() -> None:
    made = borrowing("infinity", planned("aihubmix"), model="another")
    assert not any(sent(step).get("model") == MODEL for step in reused(made))


def test_what_is_not_claimed_is_not_borrowed() -> None:
    facts = Facts("infinity", {"embeddings": MODEL})
    without = ("dimensions",)
    mine = planned("infinity", without=without)
    made = with_reused(mine, [planned("aihubmix")], facts, without)
    accepted = [step for step in reused(made) if step.expect == "accept"]
    assert accepted
    assert not any("dimensions" in sent(step) for step in accepted)


def test_another_path_is_another_matter() -> None:
    made = borrowing("aigne-hub", planned("aihubmix"), AIOS)
    assert reused(made) == []


def test_together_each_request_is_sent_once(
    own: dict[str, Plan], plans: dict[str, Plan]
) -> None:
    joint = jointly(own.values())
    alone = [plan.summary.requests for plan in own.values()]
    assert max(alone) < joint.requests < sum(alone)
    # what is borrowed is a request of another plan, and costs nothing
    assert jointly((own | plans).values()).requests == joint.requests


def test_a_request_that_is_made_twice_has_two_answers() -> None:
    made = Outgoing("POST /v1/embeddings", b"{}")
    mine, yours = AnswerCache(), AnswerCache()
    assert mine.place(made) != mine.place(made)
    assert yours.place(made) == AnswerCache().place(made)
    assert mine.place(made) not in (yours.place(made), AnswerCache().place(made))


def test_headers_make_another_request() -> None:
    keyed = Outgoing("POST /v1/embeddings", b"{}", {"Authorization": None})
    assert AnswerCache().place(keyed) != AnswerCache().place(
        Outgoing(keyed.operation, b"{}")
    )
