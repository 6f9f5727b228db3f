"""Answers of the neighbouring dialects: what only warns, and what is left alone."""

import pytest
from exchanges import findings, witnessed
from neighbours import FACTS, ONE, call, reply, seen, tripped

from aios_conformance.conformance.checks import dialects_answers, dialects_vectors
from aios_conformance.conformance.terms.exchange import Facts, Json


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


def test_formats_that_were_refused_are_no_evidence() -> None:
    made = seen(
        "infinity",
        "formats",
        float=call("infinity", "a", reply(ONE)),
        base64=call("infinity", "a", {"error": {}}, status=400),
    )
    check = dialects_vectors.formats_hold_the_same_vector
    assert witnessed(check, made) == set()
    assert findings(check, made) == []


def test_the_length_of_what_is_borrowed_counts_too() -> None:
    check = dialects_vectors.dimensions_set_the_length
    sized = call("infinity", {"input": "a", "dimensions": 1}, reply([0.5, 0.5]))
    plain = call("infinity", "a", reply([0.5, 0.5]))
    rows = {"META-104", "INF-SEM-005"}
    assert tripped(check, seen("infinity", "lent", lent=sized), "infinity") == rows
    assert witnessed(check, seen("infinity", "lent", lent=plain)) == set()
