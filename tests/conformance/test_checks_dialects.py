"""The promises of the neighbouring dialects, kept and broken by hand."""

import base64
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from exchanges import exchange, findings, is_evidence, observation, readings, witnessed

from conformance.check import Check, Finding
from conformance.checks import dialects
from conformance.exchange import Exchange, Facts, Json, Observation
from conformance.probe import Probe, Served
from conformance.probes.dialects import OPERATION, PROBES

NEIGHBOURS = ("infinity", "aigne-hub", "aihubmix")
UNEQUAL = {"prompt_tokens": 3, "total_tokens": 4}
ONE, TWO = [0.5, 0.25, -0.5, 1.0], [-0.25, 0.5, 1.0, 0.125]
FACTS = {name: Facts(name) for name in NEIGHBOURS}


def reply(*vectors: Json, **over: Json) -> dict[str, Any]:
    """A right reply with these vectors."""
    data = [
        {"object": "embedding", "index": n, "embedding": v}
        for n, v in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "data": data, "model": "m", "usage": usage} | over


def call(
    dialect: str, given: Json, answer: Json, *, status: int = 200, **over: Any
) -> Exchange:
    """A call of a dialect; a mapping is the whole body, else it is the input."""
    body = given if isinstance(given, dict) else {"model": "m", "input": given}
    over.setdefault("operation", OPERATION[dialect])
    return exchange("embeddings", body, answer, status=status, **over)


def seen(dialect: str, name: str, **steps: Exchange) -> Observation:
    return observation(f"{dialect}.{name}", None, FACTS[dialect], 0, **steps)


def tripped(check: Check, subject: Any, dialect: str) -> set[str]:
    """The rows that findings of a check fall on."""
    found = findings(check, subject, facts=FACTS[dialect])
    return {row for each in found for row in _rows(check, each)}


def _rows(check: Check, finding: Finding) -> tuple[str, ...]:
    return finding.ids or check.ids


def packed(vector: list[float], order: str = "<") -> str:
    return base64.b64encode(struct.pack(f"{order}{len(vector)}f", *vector)).decode()


# --- every exchange ----------------------------------------------------------------

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
    check = dialects.an_item_per_input
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
    assert tripped(dialects.an_item_per_input, bad, dialect) == ORDERS[dialect]


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
    assert tripped(dialects.an_item_per_input, good, dialect) == set()
    bad = call(dialect, given, reply(*[ONE] * (count + 2)))
    rows = tripped(dialects.an_item_per_input, bad, dialect)
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
    (found,) = findings(dialects.an_item_per_input, bad, facts=FACTS[dialect])
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
    assert tripped(dialects.members_say_what_was_asked, made, dialect) == rows


def test_another_model_name_is_a_soft_finding() -> None:
    made = call("aigne-hub", "a", reply(ONE, model="other"))
    check = dialects.members_say_what_was_asked
    (found,) = findings(check, made, facts=FACTS["aigne-hub"])
    assert found.soft


def test_free_steps_and_other_contracts_are_left_alone() -> None:
    check = dialects.an_item_per_input
    free = call("infinity", ["a", "b"], reply(ONE), expect="either")
    assert findings(check, free, facts=FACTS["infinity"]) == []
    foreign = call("infinity", ["a", "b"], reply(ONE))
    assert findings(check, foreign, facts=Facts("aios")) == []


def test_a_vector_has_more_than_one_component() -> None:
    check = dialects.text_becomes_a_vector
    good = call("aigne-hub", "a", reply(ONE))
    assert tripped(check, good, "aigne-hub") == set()
    for sin in ([0.5], [], "abc"):
        bad = call("aigne-hub", "a", reply(sin))
        assert tripped(check, bad, "aigne-hub") == {"AIGNE-SEM-001"}


# --- relations ---------------------------------------------------------------------

PLAIN = {
    "infinity": {"META-094", "INF-REQ-010"},
    "aihubmix": {"META-094", "AHM-REQ-019"},
}
PACKED = {"infinity": {"META-093"}, "aihubmix": {"META-093", "AHM-SEM-002"}}


def formats(dialect: str, omitted: Json, packed_: Json) -> set[str]:
    made = seen(
        dialect,
        "formats",
        omitted=call(dialect, "a", reply(omitted)),
        float=call(dialect, "a", reply(ONE)),
        base64=call(dialect, "a", reply(packed_)),
    )
    return tripped(dialects.formats_hold_the_same_vector, made, dialect)


@pytest.mark.parametrize("dialect", PLAIN)
def test_formats_hold_the_same_vector(dialect: str) -> None:
    assert formats(dialect, ONE, packed(ONE)) == set()
    assert formats(dialect, TWO, packed(ONE)) == PLAIN[dialect]
    assert formats(dialect, ONE, packed(TWO)) == PACKED[dialect]
    assert formats(dialect, ONE, packed(ONE, ">")) == PACKED[dialect]
    assert formats(dialect, ONE, "no base64!") == PACKED[dialect]


def test_formats_that_were_refused_are_no_evidence() -> None:
    made = seen(
        "infinity",
        "formats",
        float=call("infinity", "a", reply(ONE)),
        base64=call("infinity", "a", {"error": {}}, status=400),
    )
    check = dialects.formats_hold_the_same_vector
    assert witnessed(check, made) == set()
    assert findings(check, made) == []


@pytest.mark.parametrize(
    ("dialect", "rows"),
    [("infinity", {"META-104", "INF-SEM-005"}), ("aihubmix", {"AHM-SEM-001"})],
)
def test_dimensions_set_the_length(dialect: str, rows: set[str]) -> None:
    def sized(*lengths: int) -> Observation:
        steps = {
            label: call(dialect, {"input": "a", "dimensions": wanted}, reply([0.5] * n))
            for label, wanted, n in zip(("few", "more"), (8, 64), lengths, strict=True)
        }
        return seen(dialect, "dimensions", **steps)

    check = dialects.dimensions_set_the_length
    assert tripped(check, sized(8, 64), dialect) == set()
    assert witnessed(check, sized(8, 64)) == rows
    assert tripped(check, sized(8, 8), dialect) == rows
    assert tripped(check, sized(64, 64), dialect) == rows


def test_the_printed_length_is_obeyed() -> None:
    check = dialects.the_printed_length_is_obeyed
    for length, rows in ((1536, set()), (1024, {"INF-EX-002"})):
        step = call("infinity", {"dimensions": 1536}, reply([0.5] * length))
        made = seen("infinity", "printed", variant=step)
        assert tripped(check, made, "infinity") == rows


@pytest.mark.parametrize(
    ("status", "rows"), [(200, set()), (400, set()), (500, {"INF-REQ-015"})]
)
def test_odd_dimensions_are_no_crash(status: int, rows: set[str]) -> None:
    step = call("infinity", "a", reply(ONE), status=status, expect="either")
    made = seen("infinity", "odd_dimensions", free=step)
    assert tripped(dialects.odd_dimensions_are_no_crash, made, "infinity") == rows


def test_different_texts_have_different_vectors() -> None:
    check = dialects.different_texts_have_different_vectors
    for second, rows in ((TWO, set()), (ONE, {"INF-SEM-004"})):
        batch = call("infinity", ["a", "b"], reply(ONE, second))
        made = seen("infinity", "batch", batch=batch)
        assert tripped(check, made, "infinity") == rows


def test_a_text_is_closest_to_itself() -> None:
    check = dialects.a_text_is_closest_to_itself
    for single, rows in ((TWO, set()), (ONE, {"AIGNE-SEM-002"})):
        made = seen(
            "aigne-hub",
            "batch",
            batch=call("aigne-hub", ["a", "b"], reply(ONE, TWO)),
            single=call("aigne-hub", "b", reply(single)),
        )
        assert tripped(check, made, "aigne-hub") == rows


def test_tokens_in_either_form_are_one_input() -> None:
    check = dialects.tokens_in_either_form_are_one_input
    for nested, rows in ((ONE, set()), (TWO, {"META-108"})):
        made = seen(
            "aigne-hub",
            "tokens",
            flat=call("aigne-hub", [1, 2], reply(ONE)),
            nested=call("aigne-hub", [[1, 2]], reply(nested)),
        )
        assert tripped(check, made, "aigne-hub") == rows


def test_user_changes_nothing() -> None:
    for named, rows in ((ONE, set()), (TWO, {"META-112", "AHM-SEM-003"})):
        steps = {
            "without": call("aihubmix", "a", reply(ONE)),
            "with": call("aihubmix", "a", reply(named)),
        }
        made = seen("aihubmix", "user", **steps)
        assert tripped(dialects.user_changes_nothing, made, "aihubmix") == rows


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
    check = dialects.an_old_model_refuses_dimensions
    assert tripped(check, old_model(200, 400), "aihubmix") == set()
    assert tripped(check, old_model(200, 500), "aihubmix") == {"AHM-REQ-022"}
    assert readings(check, old_model(404, 404)) == ["no older model is served"]
    assert readings(check, old_model(200, 200)) == ["an older model obeys dimensions"]


def test_what_is_unlisted_is_free() -> None:
    step = call("infinity", [1, 2], {"error": {}}, status=422, expect="either")
    made = seen("infinity", "token_ids", free=step)
    assert readings(dialects.what_is_unlisted_is_free, made) == ["answered 422"]


# --- refusals ----------------------------------------------------------------------


def keys(missing: int, wrong: int) -> Observation:
    return seen(
        "aihubmix",
        "keys",
        valid=call("aihubmix", "a", reply(ONE)),
        missing=call("aihubmix", "a", {}, status=missing, expect="refuse"),
        wrong=call("aihubmix", "a", {}, status=wrong, expect="refuse"),
    )


def test_keys_are_refused_as_such() -> None:
    check = dialects.keys_are_refused_as_such
    assert tripped(check, keys(401, 403), "aihubmix") == set()
    assert witnessed(check, keys(401, 403)) == {"META-114"}
    assert tripped(check, keys(400, 401), "aihubmix") == {"META-114"}
    assert tripped(check, keys(401, 404), "aihubmix") == {"META-114"}


def test_a_refusal_is_no_crash() -> None:
    check = dialects.a_refusal_is_no_crash
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


# --- the list of models ------------------------------------------------------------


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
        (dialects.model_ids_differ, (model("m"), model("m")), "META-105"),
        (dialects.model_times_are_plausible, (model(created=5),), "INF-RES-007"),
        (dialects.model_times_are_plausible, (model(created=1.9e12),), "INF-RES-007"),
        (dialects.each_model_has_its_statistics, (model(stats=None),), "INF-SEM-002"),
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
    assert tripped(dialects.headers_of_the_list, made, "infinity") == rows


def test_the_list_stays_the_same() -> None:
    check = dialects.the_list_stays_the_same
    moved = listing(model(stats={"queue_absolute": 4}, created=1_700_000_001))
    assert tripped(check, listed(model(), again=moved), "infinity") == set()
    other = listing(model(owned_by="another"))
    assert tripped(check, listed(model(), again=other), "infinity") == {"META-106"}


@pytest.mark.parametrize("status", [200, 404, 500])
def test_listed_models_embed(status: int) -> None:
    check = dialects.listed_models_embed
    answered = call("infinity", "a", reply(ONE), status=status)
    made = listed(model(), call_0=answered)
    rows = {"INF-SEM-001", "INF-SEM-003", "META-105"}
    assert witnessed(check, made) == rows
    assert tripped(check, made, "infinity") == (set() if status == 200 else rows)
    deaf = listed(model(capabilities=["rerank"]), call_0=answered)
    assert witnessed(check, deaf) == set()


# --- the tables --------------------------------------------------------------------


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
