"""Covering arrays: what meets in them, and whom a refusal is charged to."""

from collections.abc import Callable
from itertools import combinations, product
from random import Random
from typing import Any

import pytest
from answers import good
from exchanges import exchange, findings, observation, witnessed

from aios_conformance.conformance.checks.acceptance import (
    each_step_ends_as_it_should as steps,
)
from aios_conformance.conformance.observing.selfcheck import suite_fault
from aios_conformance.conformance.planning.plan import capabilities
from aios_conformance.conformance.probes.bodies import OPERATION
from aios_conformance.conformance.probes.pairs import PROBES, is_open, rows
from aios_conformance.conformance.probes.value_classes import Class, value_classes
from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.conformance.terms.exchange import Api, Facts
from aios_conformance.conformance.terms.probe import Served
from aios_conformance.conformance.terms.requests import body_bytes, outgoing
from aios_conformance.spec import apis

CLAIMED = capabilities(catalogue())
SERVED = Served(Facts(models=dict.fromkeys(apis(), "m")))
BY_API = {probe.api: probe for probe in PROBES}
Refuses = Callable[[dict[str, Any]], int]


def bodies(api: Api, seed: int = 0, without: frozenset[str] = frozenset()) -> Any:
    found = rows(api, "standard", seed, CLAIMED - without)
    return [{k: v for unit in row for k, v in unit.items()} for row in found]


def play(api: Api, units: list[Class], status: Refuses) -> Any:
    """What the check of acceptance sees of a row, and how often it was narrowed."""
    played: dict[str, Any] = {}
    for step in BY_API[api].build(units, SERVED):
        made = outgoing(step, played)
        if made is None:
            continue
        body = step.body(played) if callable(step.body) else step.body
        code = status(body)
        answer = good(api) if code == 200 else {"error": {"message": "no"}}
        played[step.label] = exchange(
            api, body, answer, status=code, label=step.label,
            expect=step.expect, serves=step.serves,
        )  # fmt: skip
    return observation(f"{api}.pairs", units, **played)


# --- what meets --------------------------------------------------------------------


@pytest.mark.parametrize("api", sorted(apis()))
def test_every_two_classes_meet_but_for_what_is_open(api: Api) -> None:
    units = value_classes(api, CLAIMED, Random(f"{api} 0"))  # noqa: S311
    sent = bodies(api)
    for one, other in combinations(units.values(), 2):
        for a, b in product(one, other):
            both = {**a, **b}
            absent = {k for c in (*one, *other) for k in c} - both.keys()
            assert is_open(both) or any(
                both.items() <= body.items() and absent.isdisjoint(body)
                for body in sent
            ), both


@pytest.mark.parametrize("api", sorted(apis()))
@pytest.mark.parametrize("seed", [0, 7, 99999])
def test_what_is_sent_as_valid_is_valid_for_every_seed(api: Api, seed: int) -> None:
    for units in BY_API[api].made("standard", seed, CLAIMED):  # type: ignore[misc]
        for step in BY_API[api].build(units, SERVED):
            if not callable(step.body):
                assert suite_fault("aios", step, body_bytes(step.body)) is None


def test_the_seed_changes_values_and_not_how_many_there_are() -> None:
    assert bodies("chat", 1) != bodies("chat", 2)
    assert {len(bodies("chat", seed)) for seed in range(5)} == {20}


def test_what_is_not_claimed_is_not_asked() -> None:
    some = bodies("completions", without=frozenset({"echo", "streaming"}))
    assert some
    assert not any({"echo", "stream", "stream_options"} & body.keys() for body in some)


def test_several_choices_are_never_greedy() -> None:
    assert not any(
        body.get("n", 1) > 1 and body.get("temperature") == 0
        for api in ("chat", "completions")
        for body in bodies(api)
    )


@pytest.mark.parametrize(
    "wanted",
    [
        {"echo", "logprobs"}, {"echo", "logprobs", "stream"}, {"echo", "n"},
        {"n", "logprobs", "stream"}, {"top_p", "logprobs"},
    ],
)  # fmt: skip
def test_what_servers_fail_at_is_asked(wanted: set[str]) -> None:
    assert any(wanted <= body.keys() for body in bodies("completions"))


def test_deep_has_the_finer_classes() -> None:
    deep = rows("embeddings", "deep", 0, CLAIMED)
    assert len(deep) > 2 * len(rows("embeddings", "standard", 0, CLAIMED))


# --- whom a refusal is charged to --------------------------------------------------

UNITS: list[Class] = [
    {"prompt": ["a", "b"]},
    {"max_completion_tokens": 4},
    {"stream": True, "stream_options": {"include_usage": True}},
    {"stop": ["a", "b"]},
    {"temperature": 0},
    {"seed": 3},
]


def blamed(status: Refuses, units: list[Class] = UNITS) -> Any:
    seen = play("completions", units, status)
    found = findings(steps, seen)
    return [note.ids for note in found], found, seen


def test_a_row_that_is_accepted_proves_all_its_rows() -> None:
    rows_of, _, seen = blamed(lambda _: 200)
    assert not rows_of
    assert len(seen.steps) == 2
    assert {"COMP-REQ-005", "COMP-REQ-029", "COMP-REQ-019"} <= witnessed(steps, seen)


@pytest.mark.parametrize(
    ("member", "row"),
    [
        ("prompt", "COMP-REQ-005"),
        ("stop", "COMP-REQ-029"),
        ("seed", "COMP-REQ-028"),
        ("max_completion_tokens", "COMP-REQ-019"),
        ("stream_options", "COMP-REQ-032"),
    ],
)
@pytest.mark.parametrize("code", [400, 500])
def test_a_refusal_is_charged_to_the_member_that_caused_it(
    member: str, row: str, code: int
) -> None:
    def status(body: dict[str, Any]) -> int:
        kept = body.get(member)
        return code if kept not in (None, "The sky is") else 200

    ids, (found,), _ = blamed(status)
    assert ids == [(row,)]
    assert found.kind == ("crash" if code == 500 else "refused")
    assert found.actual.endswith(f"refused only with {member}")


def test_a_pair_is_named_as_a_pair() -> None:
    def status(body: dict[str, Any]) -> int:
        return 400 if isinstance(body["prompt"], list) and "stream" in body else 200

    ids, (found,), seen = blamed(status)
    assert ids == [("COMP-REQ-005", "COMP-REQ-030")]
    assert found.actual.endswith("stream and prompt")
    sent = seen[found.step].request.json
    assert {*sent} == {"model", "prompt", "stream", "max_tokens"}
    assert len(seen.steps) <= 12


def test_what_is_refused_without_any_of_them_says_nothing_of_them() -> None:
    ids, _, seen = blamed(lambda _: 400)
    assert ids == [("COMMON-RES-001",)]  # of the smallest body
    assert len(seen.steps) == 2


def test_what_the_documents_leave_open_may_be_refused_but_not_fail() -> None:
    units: list[Class] = [{"prompt": "a"}, {"echo": True}, {"logprobs": 2}]

    def status(code: int) -> Refuses:
        return lambda body: code if {"echo", "logprobs"} <= body.keys() else 200

    assert blamed(status(400), units)[0] == []
    assert blamed(status(500), units)[0] == [("COMP-REQ-009", "COMP-REQ-017")]


def test_a_text_that_is_refused_is_charged_to_the_row_on_texts() -> None:
    def status(body: dict[str, Any]) -> int:
        return 200 if str(body).isascii() else 400

    ids, _, _ = blamed(status, [{"prompt": "水"}, {"seed": 1}])
    assert ids == [("COMMON-REQ-015",)]


@pytest.mark.parametrize("api", sorted(apis()))
def test_no_text_has_a_newline_and_letters_beyond_ascii(api: Api) -> None:
    """Which of the two it was refused for could not be told."""
    pick = Random(1)  # noqa: S311
    classes = value_classes(api, CLAIMED, pick).values()
    found = {text for units in classes for unit in units for text in texts_of(unit)}
    assert any("\n" in text for text in found)
    assert not any("\n" in text and not text.isascii() for text in found)


def texts_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    is_list = isinstance(value, dict | list)
    return [text for part in parts for text in texts_of(part)] if is_list else []


def test_a_limit_that_we_add_decides_nothing_about_the_printed_request() -> None:
    sent = {"model": "m", "messages": [], "stream": True}
    limited = sent | {"max_tokens": 64}
    refused = exchange(
        "chat", limited, {"error": "no"}, status=400, serves=("CHAT-REQ-056",)
    )
    taken = exchange("chat", sent, stream=[{"choices": []}])
    (found,) = findings(
        steps, observation("chat.printed", printed=refused, as_printed=taken)
    )
    assert found.ids == ("CHAT-REQ-022",)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_printed_stream_is_sent_with_a_limit(api: Api) -> None:
    """Nobody waits until a server without a default limit has filled its context."""
    probe = catalogue().probes[f"{api}.printed"]
    sent: list[Any] = [
        next(step.body for step in probe.build(row, SERVED) if step.label == "printed")
        for row in probe.rows
    ]
    assert "max_tokens" not in sent[0]
    assert all("max_tokens" in body for body in sent if body.get("stream"))
    assert any(body.get("stream") for body in sent)


def test_operations_are_the_main_ones() -> None:
    for api, probe in BY_API.items():
        (units, *_) = probe.made("standard", 0, CLAIMED)  # type: ignore[misc]
        assert {s.operation for s in probe.build(units, SERVED)} == {OPERATION[api]}
