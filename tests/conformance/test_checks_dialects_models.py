"""The list of models, right and wrong."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from exchanges import exchange, findings, is_evidence, readings, witnessed
from neighbours import FACTS, ONE, call, reply, seen, tripped

from aios_conformance.conformance.checks import dialects_models
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Exchange, Json, Observation


def model(name: str = "m", **over: Json) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": 1_700_000_000,
        "capabilities": ["embed"],
        "stats": {"queue_absolute": 0},
    } | over


def listing(*models: Json, headers: Mapping[str, str] | None = None) -> Exchange:
    date = {"date": "Sun, 22 Nov 2026 05:00:00 GMT"}
    return exchange(
        "models",
        None,
        {"object": "list", "data": list(models)},
        headers=date | dict(headers or {}),
        sent_at=1_800_000_000.0,
    )


def listed(*models: Json, **more: Exchange) -> Observation:
    return seen("infinity", "models", list=listing(*models), **more)


@pytest.mark.parametrize(
    ("check", "bad", "row"),
    [
        (dialects_models.model_ids_differ, (model("m"), model("m")), "META-105"),
        (dialects_models.model_times_are_plausible, (model(created=5),), "INF-RES-007"),
        (
            dialects_models.model_times_are_plausible,
            (model(created=1.9e12),),
            "INF-RES-007",
        ),
        (
            dialects_models.each_model_has_its_statistics,
            (model(stats=None),),
            "INF-SEM-002",
        ),
    ],
)
def test_each_listed_model(check: Check, bad: tuple[Json, ...], row: str) -> None:
    assert tripped(check, listed(model("m"), model("n")), "infinity") == set()
    assert row in tripped(check, listed(*bad), "infinity")
    assert not is_evidence(check, listed())


@pytest.mark.parametrize(
    ("headers", "rows"),
    [
        ({}, set()),
        ({"content-type": "text/plain"}, {"INF-RES-015"}),
        ({"content-length": "1"}, {"INF-RES-016"}),
        ({"date": "yesterday"}, {"INF-RES-017"}),
    ],
)
def test_headers_of_the_list(headers: dict[str, str], rows: set[str]) -> None:
    made = seen("infinity", "models", list=listing(model(), headers=headers))
    checks = (
        dialects_models.the_list_is_json,
        dialects_models.the_list_is_as_long_as_it_says,
        dialects_models.the_list_is_dated,
    )
    assert set().union(*(tripped(each, made, "infinity") for each in checks)) == rows
    assert readings(dialects_models.a_server_may_be_named, made) == ["no Server header"]


def test_the_list_stays_the_same() -> None:
    check = dialects_models.the_list_stays_the_same
    moved = listing(model(stats={"queue_absolute": 4}, created=1_700_000_001))
    assert tripped(check, listed(model(), again=moved), "infinity") == set()
    other = listing(model(owned_by="another"))
    assert tripped(check, listed(model(), again=other), "infinity") == {"META-106"}


@pytest.mark.parametrize("status", [200, 404, 500])
def test_listed_models_embed(status: int) -> None:
    check = dialects_models.listed_models_embed
    answered = call("infinity", "a", reply(ONE), status=status)
    made = listed(model(), call_0=answered)
    rows = {"INF-SEM-001", "INF-SEM-003", "META-105"}
    assert witnessed(check, made) == rows
    assert tripped(check, made, "infinity") == (set() if status == 200 else rows)
    deaf = listed(model(capabilities=["rerank"]), call_0=answered)
    assert witnessed(check, deaf) == set()


def test_what_can_be_called_is_listed() -> None:
    check = dialects_models.what_can_be_called_is_listed
    called = replace(FACTS["infinity"], models={"embeddings": "m"})
    full, empty = listing(model("m")), listing()
    right = replace(listed(model("m"), again=full), facts=called)
    assert findings(check, right, facts=called) == []
    wrong = replace(listed(model("m"), again=empty), facts=called)
    (found,) = findings(check, wrong, facts=called)
    assert found.step == "again"
    assert not is_evidence(check, listed())
