"""Each answer of the neighbouring dialects, right and wrong."""

import pytest
from exchanges import findings, witnessed
from neighbours import FACTS, NEIGHBOURS, ONE, TWO, UNEQUAL, call, reply, tripped

from aios_conformance.conformance.checks import dialects_answers
from aios_conformance.conformance.terms.exchange import Facts, Json

COUNTS = {
    "infinity": {"INF-RES-021"},
    "aigne-hub": {"AIGNE-RES-003", "META-107"},
    "aihubmix": {"AHM-RES-003"},
}
ORDERS = {
    "infinity": {"INF-RES-024"},
    "aigne-hub": {"AIGNE-RES-007"},
    "aihubmix": {"AHM-RES-004"},
}


TEXTS = {
    "infinity": {"INF-REQ-008"},
    "aigne-hub": {"AIGNE-REQ-008"},
    "aihubmix": {"AHM-REQ-010"},
}


@pytest.mark.parametrize("dialect", NEIGHBOURS)
def test_an_item_per_input(dialect: str) -> None:
    check = dialects_answers.an_item_per_input
    good = call(dialect, ["a", "b"], reply(ONE, TWO))
    assert tripped(check, good, dialect) == set()
    held = witnessed(check, good, facts=FACTS[dialect])
    assert held == COUNTS[dialect] | TEXTS[dialect] | ORDERS[dialect]
    bad = call(dialect, ["a", "b"], reply(ONE))
    assert tripped(check, bad, dialect) == COUNTS[dialect] | TEXTS[dialect]


@pytest.mark.parametrize("dialect", NEIGHBOURS)
def test_items_in_another_order(dialect: str) -> None:
    answer = reply(ONE, TWO)
    answer["data"].reverse()
    bad = call(dialect, ["a", "b"], answer)
    assert tripped(dialects_answers.an_item_per_input, bad, dialect) == ORDERS[dialect]


@pytest.mark.parametrize(
    ("dialect", "given", "count", "row"),
    [
        ("infinity", "a", 1, "INF-REQ-007"),
        ("aigne-hub", "a", 1, "AIGNE-REQ-007"),
        ("aigne-hub", ["a"], 1, "AIGNE-REQ-008"),
        ("aigne-hub", [[1, 2], [3]], 2, "AIGNE-REQ-010"),
        ("aigne-hub", [1, 2, 3], 1, "AIGNE-REQ-011"),
        ("aihubmix", "a", 1, "AHM-REQ-008"),
        ("aihubmix", [1, 2, 3], 1, "AHM-REQ-009"),
        ("aihubmix", [[1, 2], [3]], 2, "AHM-REQ-011"),
    ],
)
def test_each_form_of_input_has_its_count(
    dialect: str, given: Json, count: int, row: str
) -> None:
    good = call(dialect, given, reply(*[ONE] * count))
    assert tripped(dialects_answers.an_item_per_input, good, dialect) == set()
    bad = call(dialect, given, reply(*[ONE] * (count + 2)))
    rows = tripped(dialects_answers.an_item_per_input, bad, dialect)
    assert rows == COUNTS[dialect] | {row}


@pytest.mark.parametrize(
    ("dialect", "given", "is_soft"),
    [
        ("aigne-hub", [1, 2, 3], True),
        ("aigne-hub", "a", False),
        ("aihubmix", [1, 2, 3], False),
    ],
)
def test_flat_integers_as_many_inputs_only_warn(
    dialect: str, given: Json, *, is_soft: bool
) -> None:
    bad = call(dialect, given, reply(ONE, ONE, ONE))
    (found,) = findings(dialects_answers.an_item_per_input, bad, facts=FACTS[dialect])
    assert found.soft is is_soft


@pytest.mark.parametrize(
    ("dialect", "over", "rows"),
    [
        ("infinity", {"model": "other"}, {"INF-RES-025"}),
        ("aigne-hub", {"model": "other"}, {"AIGNE-RES-008"}),
        ("aihubmix", {"model": "other"}, set()),
        ("aigne-hub", {"object": "lists"}, {"META-109"}),
        ("aihubmix", {"object": "lists"}, {"META-113"}),
        ("infinity", {"usage": UNEQUAL}, {"INF-EX-004"}),
        ("aigne-hub", {"usage": UNEQUAL}, {"AIGNE-EX-003"}),
        ("infinity", {}, set()),
        ("aigne-hub", {}, set()),
        ("aihubmix", {}, set()),
    ],
)
def test_members_say_what_was_asked(
    dialect: str, over: dict[str, Json], rows: set[str]
) -> None:
    made = call(dialect, "a", reply(ONE, **over))
    assert tripped(dialects_answers.members_say_what_was_asked, made, dialect) == rows


def test_another_model_name_is_a_soft_finding() -> None:
    made = call("aigne-hub", "a", reply(ONE, model="other"))
    check = dialects_answers.members_say_what_was_asked
    (found,) = findings(check, made, facts=FACTS["aigne-hub"])
    assert found.soft


def test_free_steps_and_other_contracts_are_left_alone() -> None:
    check = dialects_answers.an_item_per_input
    free = call("infinity", ["a", "b"], reply(ONE), expect="either")
    assert findings(check, free, facts=FACTS["infinity"]) == []
    foreign = call("infinity", ["a", "b"], reply(ONE))
    assert findings(check, foreign, facts=Facts("aios")) == []


def test_a_vector_has_more_than_one_component() -> None:
    check = dialects_answers.text_becomes_a_vector
    good = call("aigne-hub", "a", reply(ONE))
    assert tripped(check, good, "aigne-hub") == set()
    for sin in ([0.5], [], "abc"):
        bad = call("aigne-hub", "a", reply(sin))
        assert tripped(check, bad, "aigne-hub") == {"AIGNE-SEM-001"}
