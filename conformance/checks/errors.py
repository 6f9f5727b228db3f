"""How client mistakes are answered: codes and bodies (A-003, A-004, A-005)."""

from collections.abc import Iterator

from aios_conformance.conformance.checks.acceptance import DOCUMENTED
from aios_conformance.conformance.terms.check import (
    Finding,
    FollowedReading,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Exchange, Observation
from aios_conformance.conformance.terms.views import Refusal


@check("COMMON-ERR-002", witness=True)
def what_is_no_json_has_its_code(seen: Observation) -> Iterator[Note]:
    """What is no JSON gets 400 or 422; which of them is reported (A-003)."""
    yield from _codes(seen, is_json=False)


@check("COMMON-ERR-003", witness=True)
def each_breach_has_its_code(seen: Observation) -> Iterator[Note]:
    """What breaks a parameter table gets 400 or 422; which, is reported (A-003)."""
    yield from _codes(seen, is_json=True)


def _codes(seen: Observation, *, is_json: bool) -> Iterator[Note]:
    if not any(e.expect == "accept" and e.is_answer for e in seen.steps.values()):
        return
    for exchange in seen.steps.values():
        if isinstance(exchange.request.json, dict) != is_json:
            continue
        if not _is_documented_mistake(exchange):
            continue
        yield Witness()
        yield FollowedReading(str(exchange.status))
        if exchange.status not in DOCUMENTED:
            yield Finding(
                expected=f"400 or 422: {exchange.breaks}",
                actual=exchange.status,
                step=exchange.label,
            )


def _is_documented_mistake(exchange: Exchange) -> bool:
    """A refused step whose code the documents name: no JSON, or a breach of a table.

    JSON of another kind than an object is left out: it parses, but is no breach of a
    parameter table either.
    """
    body = exchange.request.json
    is_garbage = body is None and exchange.request.body.strip() != b"null"
    return (
        exchange.expect == "refuse"
        and exchange.codes == DOCUMENTED
        and 400 <= exchange.status < 500
        and (isinstance(body, dict) or is_garbage)
    )


@check("COMMON-ERR-005")
def other_codes_are_free(refusal: Refusal) -> Iterator[Note]:
    """Which codes besides the documented ones the target uses."""
    if refusal.exchange.status not in DOCUMENTED:
        yield FollowedReading(f"answers {refusal.exchange.status}")


@check("COMMON-ERR-006", when=lambda r: r.exchange.request.operation.startswith("POST"))
def a_refusal_is_json(refusal: Refusal) -> Iterator[Note]:
    """An error body is a JSON object (of a wrong method the documents say nothing)."""
    response = refusal.exchange.response
    if response is not None and not isinstance(response.json, dict):
        body = response.body[:120].decode(errors="replace")
        yield Finding(expected="a JSON object", actual=body or "an empty body")
