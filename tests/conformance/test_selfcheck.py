"""The judge judges what it sends."""

import pytest
import toys

from aios_conformance.conformance.observing.selfcheck import breach, suite_fault
from aios_conformance.conformance.options.values import RunOptions
from aios_conformance.conformance.planning.plan import plan
from aios_conformance.conformance.terms.exchange import Facts
from aios_conformance.conformance.terms.probe import Served, Step
from aios_conformance.conformance.terms.requests import body_bytes, outgoing

BODY = toys.body(Served(Facts()))


def step(body: object, expect: str = "accept", **more: object) -> Step:
    return Step("s", toys.RERANK, body, expect=expect, **more)  # type: ignore[arg-type]


def told(asked: Step) -> str | None:
    made = outgoing(asked, {})
    assert made is not None
    return suite_fault("aios", asked, made.body)


def test_a_valid_request_is_no_fault() -> None:
    assert told(step(BODY)) is None


def test_a_wrong_request_sent_as_valid_is_one() -> None:
    assert told(step(BODY | {"top_n": "few"})) is not None
    assert "sent as valid" in (told(step({})) or "")


def test_a_right_refusal_is_no_fault() -> None:
    assert told(step(BODY | {"top_n": "few"}, "refuse", breaks="/top_n")) is None


def test_a_valid_request_sent_to_be_refused_is_one() -> None:
    assert "the document allows it" in (told(step(BODY, "refuse")) or "")


@pytest.mark.parametrize(
    ("operation", "body", "place"),
    [
        (toys.RERANK, BODY | {"documents": []}, "/documents"),
        (
            "POST /v1/completions",
            {"model": "m", "prompt": "a", "top_p": 0},
            "/top_p",
        ),
    ],
)
def test_what_the_documents_leave_open_is_not_valid(
    operation: str, body: object, place: str
) -> None:
    assert breach("aios", operation, body_bytes(body)) is None
    sent = Step("s", operation, body)
    assert f"is open: {place}" in (told(sent) or "")
    assert told(Step("s", operation, body, expect="either")) is None


def test_either_is_never_one() -> None:
    assert told(step({}, "either")) is None


def test_a_reason_is_believed() -> None:
    assert told(step(BODY, "refuse", off_schema="unknown model")) is None


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [(b"{", "not JSON"), (b"", "missing"), (b"[]", "the body"), (b'{"query": 5}', "")],
)
def test_exact_bytes_are_looked_at_too(raw: bytes, wrong: str) -> None:
    assert wrong in (breach("aios", toys.RERANK, raw) or "no breach")


def test_an_undocumented_operation_is_a_breach() -> None:
    assert breach("aios", "GET /v1/rerank", None) is not None
    assert breach("aios", "POST /v9/rerank", b"{}") is not None


def test_a_breach_names_the_place() -> None:
    told = breach("aios", toys.RERANK, body_bytes(BODY | {"documents": [{"a": []}]}))
    assert told is not None
    assert told.startswith("/documents/0: ")


@pytest.mark.parametrize("preset", ["smoke", "standard"])
def test_all_that_the_plan_sends_is_what_it_claims(preset: str) -> None:
    planned = plan(RunOptions("http://h", preset=preset))  # type: ignore[arg-type]
    wrong = [
        (scenario.name, asked.label, wrong)
        for scenario in planned.scenarios
        for asked in scenario.steps
        if not callable(asked.body) and (wrong := told(asked)) is not None
    ]
    assert wrong == []
