"""How client mistakes are answered: codes are told apart, bodies are objects."""

from typing import Any

import pytest
from answers import SENT, good
from exchanges import (
    exchange,
    findings,
    is_evidence,
    observation,
    readings,
    witnessed,
)

from aios_conformance.conformance.checks import errors
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Exchange, Observation

ERROR: Any = {"error": {"message": "no"}}


def refused(status: int, **over: Any) -> Exchange:
    return exchange("chat", SENT["chat"], ERROR, status=status, **over)


def rows(check: Check, *seen: Any) -> set[str]:
    return {row for f in findings(check, *seen) for row in f.ids or check.ids}


def mistake(status: int, sent: Any = None, **over: Any) -> Observation:
    broken = SENT["chat"] | {"n": "word"} if sent is None else sent
    mutant = exchange("chat", broken, ERROR, status=status, expect="refuse", **over)
    return observation(
        "common.test", valid=exchange("chat", SENT["chat"], good("chat")), mutant=mutant
    )


@pytest.mark.parametrize(
    ("status", "sent", "row", "is_found"),
    [
        (400, b'{"model"', "COMMON-ERR-002", False),
        (422, b'{"model"', "COMMON-ERR-002", False),
        (415, b'{"model"', "COMMON-ERR-002", True),
        (400, b"", "COMMON-ERR-002", False),
        (422, None, "COMMON-ERR-003", False),
        (400, None, "COMMON-ERR-003", False),
        (404, None, "COMMON-ERR-003", True),
    ],
)
def test_each_mistake_has_its_code(
    status: int, sent: Any, row: str, *, is_found: bool
) -> None:
    check, other = errors.what_is_no_json_has_its_code, errors.each_breach_has_its_code
    if row in other.ids:
        check, other = other, check
    seen = mistake(status, sent)
    assert witnessed(check, seen) == {row}
    assert rows(check, seen) == ({row} if is_found else set())
    assert readings(check, seen) == [str(status)]
    assert not witnessed(other, seen)


@pytest.mark.parametrize(
    "seen",
    [
        mistake(400, b"[]"),
        mistake(422, b"null"),
        mistake(404, codes=(400, 404, 422)),
        mistake(500),
        mistake(200),
        observation("common.test", mutant=mistake(400)["mutant"]),
    ],
    ids=["array", "null", "unknown model", "crash", "accepted", "no neighbour"],
)
def test_what_is_no_documented_mistake_has_no_code(seen: Observation) -> None:
    assert witnessed(errors.what_is_no_json_has_its_code, seen) == set()
    assert witnessed(errors.each_breach_has_its_code, seen) == set()


def test_other_codes_are_told() -> None:
    check = errors.other_codes_are_free
    assert readings(check, refused(404), refused(422), refused(400)) == ["answers 404"]


@pytest.mark.parametrize(
    ("body", "is_found"),
    [(b'{"error": {}}', False), (b"Not Found", True), (b"", True), (b'"no"', True)],
)
def test_a_refusal_is_an_object(body: bytes, *, is_found: bool) -> None:
    made = exchange("chat", SENT["chat"], body, status=422)
    assert bool(findings(errors.a_refusal_is_json, made)) == is_found


def test_the_body_of_an_undocumented_refusal_is_free() -> None:
    get = refused(405, operation="GET /v1/chat/completions")
    assert not is_evidence(errors.a_refusal_is_json, get)
