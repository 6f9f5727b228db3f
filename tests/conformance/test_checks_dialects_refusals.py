"""What the neighbouring dialects refuse, and what they leave free."""

from typing import Any

import pytest
from exchanges import findings, readings, witnessed
from neighbours import ONE, call, reply, seen, tripped

from aios_conformance.conformance.checks import dialects_refusals
from aios_conformance.conformance.probes.dialects import PROBES
from aios_conformance.conformance.terms.exchange import Facts, Observation
from aios_conformance.conformance.terms.probe import Probe, Served


def keys(missing: int, wrong: int) -> Observation:
    return seen(
        "aihubmix",
        "keys",
        valid=call("aihubmix", "a", reply(ONE)),
        missing=call("aihubmix", "a", {}, status=missing, expect="refuse"),
        wrong=call("aihubmix", "a", {}, status=wrong, expect="refuse"),
    )


def test_keys_are_refused_as_such() -> None:
    check = dialects_refusals.keys_are_refused_as_such
    assert tripped(check, keys(401, 403), "aihubmix") == set()
    assert witnessed(check, keys(401, 403)) == {"META-114"}
    assert tripped(check, keys(400, 401), "aihubmix") == {"META-114"}
    assert tripped(check, keys(401, 404), "aihubmix") == {"META-114"}


def test_a_refusal_is_no_crash() -> None:
    check = dialects_refusals.a_refusal_is_no_crash
    for status, rows in ((400, set()), (200, set()), (500, {"AHM-REQ-006"})):
        step = call(
            "aihubmix",
            {"model": "m"},
            {},
            status=status,
            expect="refuse",
            serves=("AHM-REQ-006",),
        )
        made = seen("aihubmix", "refused", mutant=step)
        assert tripped(check, made, "aihubmix") == rows


@pytest.mark.parametrize(
    ("status", "rows"), [(200, set()), (400, set()), (500, {"INF-REQ-015"})]
)
def test_odd_dimensions_are_no_crash(status: int, rows: set[str]) -> None:
    step = call("infinity", "a", reply(ONE), status=status, expect="either")
    made = seen("infinity", "odd_dimensions", free=step)
    check = dialects_refusals.odd_dimensions_are_no_crash
    assert tripped(check, made, "infinity") == rows


def old_model(old: int, sized: int, length: int = 8) -> Observation:
    return seen(
        "aihubmix",
        "old_model",
        old=call("aihubmix", "a", reply(ONE), status=old, expect="either"),
        sized=call(
            "aihubmix", "a", reply([0.5] * length), status=sized, expect="either"
        ),
    )


def test_an_old_model_refuses_dimensions() -> None:
    check = dialects_refusals.an_old_model_refuses_dimensions
    assert tripped(check, old_model(200, 400), "aihubmix") == set()
    assert tripped(check, old_model(200, 500), "aihubmix") == {"AHM-REQ-022"}
    assert readings(check, old_model(404, 404)) == ["no older model is served"]
    assert readings(check, old_model(200, 200)) == ["an older model obeys dimensions"]


def test_what_is_unlisted_is_free() -> None:
    step = call("infinity", [1, 2], {"error": {}}, status=422, expect="either")
    made = seen("infinity", "token_ids", free=step)
    check = dialects_refusals.what_is_unlisted_is_free
    assert readings(check, made) == ["answered 422"]


PLANNED = Served(Facts("aihubmix", {"embeddings": "m"}))


def named(name: str) -> Probe:
    """The probe of a name."""
    return next(each for each in PROBES if each.name == name)


def test_limits_are_sent_last_and_two_thousand_once() -> None:
    steps = [
        step
        for probe in map(named, ("aihubmix.limits", "aihubmix.most_strings"))
        for row in probe.rows
        for step in probe.build(row, PLANNED)
    ]
    heavy = [step for step in steps if not step.shared]
    assert len(heavy) == 4
    assert all(step.last for step in heavy)
    refused = [step for step in heavy if step.expect == "refuse"]
    assert [step.prompt_tokens for step in refused] == [0, 0, 0]
    (most,) = [step for step in heavy if step.expect == "accept"]
    assert most.body == {
        "model": "m",
        "input": ["word"] * 2048,
        "encoding_format": "base64",
        "dimensions": 8,
    }


def test_limits_are_broken_by_a_margin_and_one_at_a_time() -> None:
    limits = named("aihubmix.limits")
    given: dict[str, Any] = {}
    for row in limits.rows:
        *_, mutant = limits.build(row, PLANNED)
        assert isinstance(mutant.body, dict)
        given[row] = mutant.body["input"]
    assert len(given["2049"]) == 2049
    assert len(given["long"].split()) > 8192
    assert len(given["sum"]) <= 2048
    assert all(len(text.split()) <= 8192 for text in given["sum"])
    assert sum(len(text.split()) for text in given["sum"]) > 300_000


@pytest.mark.parametrize(
    ("status", "found"), [(400, []), (422, []), (200, [True]), (500, [False])]
)
def test_an_empty_text_among_others_is_refused(status: int, found: list[bool]) -> None:
    """To accept it warns, to crash at it fails."""
    step = call("aihubmix", ["a", ""], reply(ONE, ONE), status=status, expect="either")
    made = seen("aihubmix", "blank_among", free=step)
    check = dialects_refusals.an_empty_text_among_others_is_refused
    assert [each.soft for each in findings(check, made)] == found
