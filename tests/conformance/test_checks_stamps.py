"""An answer's id, time and model: each sin trips its rows, what is free trips none."""

from dataclasses import replace
from typing import Any

import pytest
from answers import SENT, chunk, good, spoilt, streamed
from exchanges import exchange, findings, readings, witnessed

from aios_conformance.conformance.checks import stamps
from aios_conformance.conformance.terms.catalogue import checks_in
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Api, Exchange
from aios_conformance.conformance.terms.tolerances import CLOCK_S

APIS: tuple[Api, ...] = ("rerank", "score", "chat", "completions", "embeddings")
IDS = ("COMMON-RES-005", "META-115")


def accepted(api: Api = "chat", answer: Any = None, **over: Any) -> Exchange:
    return exchange(api, SENT[api], good(api) if answer is None else answer, **over)


def rows(check: Check, *seen: Any) -> set[str]:
    return {row for f in findings(check, *seen) for row in f.ids or check.ids}


def named(name: str, api: Api = "chat", **over: Any) -> Exchange:
    return accepted(api, spoilt(api, "id", name), **over)


@pytest.mark.parametrize("api", APIS)
def test_an_id_that_comes_twice_is_found(api: Api) -> None:
    check = stamps.ids_differ_between_calls
    own = stamps._ID[api]
    assert findings(check, named("a", api), named("b", api)) == []
    assert witnessed(check, named("a", api), named("b", api)) == {*IDS, own}
    assert rows(check, named("a", api), named("a", api, id="ex-2")) == {*IDS, own}


def test_ids_of_streams_count_and_one_answer_is_no_evidence() -> None:
    check = stamps.ids_differ_between_calls
    sent = SENT["chat"] | {"stream": True}
    stream = exchange("chat", sent, stream=streamed("a"), id="ex-2")
    assert rows(check, named("answer-1"), stream) == {*IDS, "CHAT-RES-001"}
    assert witnessed(check, named("a")) == set()
    assert findings(check, named("a"), named("a", "score")) == []


def stamped(
    created: Any, at: float = 1000.0, took: float = 1.0, api: Api = "chat"
) -> Exchange:
    answer = spoilt(api, "created", created)
    return accepted(api, answer, id=f"ex-{at:.0f}", sent_at=at, total_s=took)


@pytest.mark.parametrize("api", [api for api in APIS if api != "rerank"])
@pytest.mark.parametrize(
    ("created", "is_found"),
    [
        (1000, False),
        (1000.0, False),
        (1001 + CLOCK_S, False),
        (1002 + CLOCK_S, True),
        (999 - CLOCK_S, True),
        (1_000_000, True),  # milliseconds
    ],
)
def test_created_is_the_time_of_the_call(
    created: Any, api: Api, *, is_found: bool
) -> None:
    check = stamps.created_is_the_time_of_the_call
    concerned = {"COMMON-RES-006", "META-116", stamps._CREATED[api]}
    found = findings(check, stamped(created, api=api))
    assert rows(check, stamped(created, api=api)) == (concerned if is_found else set())
    assert all(f.soft for f in found)
    assert witnessed(check, stamped(created, api=api)) == concerned


def test_a_wrong_type_of_created_is_the_shapes_business() -> None:
    assert witnessed(stamps.created_is_the_time_of_the_call, stamped("now")) == set()


def test_created_never_falls_over_calls_that_follow_each_other() -> None:
    check = stamps.created_never_goes_back
    assert findings(check, stamped(7, 1), stamped(7, 2), stamped(8, 3)) == []
    assert witnessed(check, stamped(7, 1), stamped(8, 2)) == {"META-116"}
    (found,) = findings(check, stamped(9, 1), stamped(9, 2.5), stamped(8, 5))
    assert found.exchange == "ex-5"
    assert "ex-1" in found.expected


def test_a_clock_that_was_set_spoils_no_verdict() -> None:
    """Ours alone, or that of both when they are one machine."""
    ours = replace(stamped(1000), clock_s=-7200.0)
    both = replace(stamped(1000 - 7200, 1001), clock_s=-7200.0)
    check = stamps.created_is_the_time_of_the_call
    assert rows(check, ours) == rows(check, both) == set()
    assert findings(stamps.created_never_goes_back, stamped(1000), both) == []


def test_calls_at_the_same_time_have_no_order() -> None:
    check = stamps.created_never_goes_back
    overlapping = (stamped(9, 1, took=5), stamped(8, 2, took=5))
    assert findings(check, *overlapping) == []
    assert witnessed(check, *overlapping) == set()


def test_a_call_is_compared_with_all_that_ended_before_it() -> None:
    """Not only with the one that was sent just before."""
    long_since = stamped(9, 1)
    (found,) = findings(
        stamps.created_never_goes_back,
        long_since,
        stamped(9, 4, took=9),
        stamped(8, 5),
    )
    assert found.exchange == "ex-5"


@pytest.mark.parametrize("api", APIS)
def test_another_name_of_the_model_warns(api: Api) -> None:
    named, asked = stamps.a_model_is_named, stamps.model_is_the_one_that_was_asked_for
    assert findings(named, accepted(api)) == findings(asked, accepted(api)) == []
    assert readings(named, accepted(api)) == ["echoed"]
    other = accepted(api, spoilt(api, "model", "/mnt/m"))
    own = {stamps._MODEL[api]} if api in stamps._MODEL else set()
    assert rows(asked, other) == {"COMMON-RES-008"}
    assert rows(named, other) == own
    assert all(f.soft for f in findings(named, other))
    assert readings(named, other) == ["own name"]
    assert witnessed(named, other) == {"COMMON-RES-007", *own}


def test_each_chunk_names_the_model() -> None:
    check = stamps.model_is_the_one_that_was_asked_for
    sent = SENT["chat"] | {"stream": True}
    chunks = [*streamed("a"), chunk(model="other")]
    stream = exchange("chat", sent, stream=chunks)
    assert {f.pointer for f in findings(check, stream)} == {"/chunks/3/model"}


@pytest.mark.parametrize("check", checks_in(stamps), ids=lambda c: c.name)
def test_a_selection_knows_which_rows_feed_on_stamps(check: Check) -> None:
    assert check.ids
    assert check.promise.endswith(".")
