"""Findings of one cause are alike, those of two are not."""

import pytest

from aios_conformance.conformance.judging.fingerprint import likeness
from aios_conformance.conformance.terms.check import Finding

DONE = Finding("[DONE] once, as the last event", "0 [DONE] in 25 events", "/events/24")
FIELD = "Unexpected fields in the request: {'max_completion_tokens'}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DONE, Finding(DONE.expected, "0 [DONE] in 4 events", "/events/3")),
        (
            Finding("nothing after 'y o'", "The story of", kind="silent"),
            Finding('nothing after "it\'s"', "and it's on", kind="silent"),
        ),
        (
            Finding("1795331316, as in the first chunk", 1, "/chunks/2/created"),
            Finding("1795331255, as in the first chunk", 2, "/chunks/7/created"),
        ),
        (
            Finding("200", '422 {"id":"7f3a9c1e-5d4b","detail":"no"}', kind="refused"),
            Finding("200", '422 {"id":"0c77e2b9-11aa","detail":"no"}', kind="refused"),
        ),
    ],
)
def test_findings_of_one_cause_are_alike(one: Finding, other: Finding) -> None:
    assert likeness(one) == likeness(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DONE, Finding(DONE.expected, DONE.actual, DONE.pointer, kind="crash")),
        (Finding("3 choices", 1, "/choices"), Finding("3 choices", 1, "/data")),
        (
            Finding("400 or 422: /n is a word", "200", kind="silent"),
            Finding("400 or 422: /top_p is a word", "200", kind="silent"),
        ),
        (
            Finding("200: the request is valid", f"422 {FIELD}", kind="refused"),
            Finding("200: the request is valid", "422 no arrays", kind="refused"),
        ),
        (
            Finding("200: the request is valid", "422", kind="refused"),
            Finding("200: the request is valid", "400", kind="refused"),
        ),
    ],
)
def test_findings_of_two_causes_are_not(one: Finding, other: Finding) -> None:
    assert likeness(one) != likeness(other)
