"""From a step to its request."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import toys
from exchanges import exchange

from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.probe import Step
from aios_conformance.conformance.terms.requests import (
    body_bytes,
    content_key,
    outgoing,
)

ANSWERS = {"first": exchange("rerank", {}, {"id": "x"})}


@pytest.mark.parametrize("body", [{"a": 1}, [], "é", 2**70, None, {"a": "\ud800"}])
def test_bodies_are_json(body: Any) -> None:
    assert json.loads(body_bytes(body)) == body


def test_exact_bytes_go_as_they_are() -> None:
    made = outgoing(Step("s", toys.RERANK, {"a": 1}, raw=b"{"), {})
    assert made is not None
    assert made.body == b"{"


def test_a_get_has_no_body() -> None:
    made = outgoing(Step("s", "GET /v1/models"), {})
    assert made is not None
    assert made.body is None


def test_a_later_body_is_made_of_answers() -> None:
    def later(answers: Mapping[str, Exchange]) -> Any:
        response = answers["first"].response
        assert response is not None
        return {"query": response.json["id"]}

    made = outgoing(Step("s", toys.RERANK, later), ANSWERS)
    assert made is not None
    assert made.body == b'{"query":"x"}'


def wants_too_much(answers: Mapping[str, Exchange]) -> Any:
    return {"query": answers["missing"]}


def wants_nothing(_: Mapping[str, Exchange]) -> None:
    """It cannot be made."""


@pytest.mark.parametrize("later", [wants_too_much, wants_nothing])
def test_a_body_that_cannot_be_made_is_not_sent(later: Any) -> None:
    assert outgoing(Step("s", toys.RERANK, later), ANSWERS) is None


def test_equal_requests_have_equal_keys() -> None:
    one = Step("a", toys.RERANK, {"a": 1}, serves=("X",))
    assert content_key(one) == content_key(Step("b", toys.RERANK, {"a": 1}))
    for other in (
        Step("a", toys.RERANK, {"a": 2}),
        Step("a", "POST /rerank", {"a": 1}),
        Step("a", toys.RERANK, {"a": 1}, headers={"Accept": None}),
        Step("a", toys.RERANK, wants_nothing),
    ):
        assert content_key(one) != content_key(other)
