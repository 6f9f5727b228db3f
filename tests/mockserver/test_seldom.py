"""Defects that strike some requests only."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from plain_http import Client

from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.embedded import local_mock
from aios_conformance.serving.options import OptionError

NAME = "rerank_results_named_result"
GOOD = {"model": "m", "query": "q", "documents": ["a", "b"]}
OTHER = {"model": "m", "query": "r", "documents": ["a", "b"]}
BAD = {"model": "m", "query": "q"}


def struck(trigger: str, *bodies: object) -> list[bool]:
    """Which of some rerank requests were struck; None in place of a refusal."""
    with local_mock("--models", "any", "--defect", f"{NAME}@{trigger}") as mock:
        client = Client(mock.url)
        found = [client.post("/v1/rerank", body) for body in bodies]
    return ["results" not in reply.json() for reply in found if reply.status == 200]


@pytest.mark.parametrize(
    ("trigger", "bodies", "wanted"),
    [
        ("third", [GOOD] * 6, [True, False, False, True, False, False]),
        ("third", [GOOD, BAD, BAD, GOOD], [True, False]),
        ("after-refusal", [GOOD, BAD, GOOD, GOOD], [False, True, False]),
        ("once-refused", [GOOD, BAD, BAD, GOOD, GOOD], [False, True, False]),
        ("repeated", [GOOD, OTHER, GOOD], [False, False, True]),
        ("in-company", [GOOD, GOOD], [False, False]),
    ],
)
def test_a_trigger_says_which_requests_are_struck(
    trigger: str, bodies: list[object], wanted: list[bool]
) -> None:
    assert struck(trigger, *bodies) == wanted


def test_company_is_another_request_in_flight() -> None:
    with (
        local_mock("--models", "any", "--defect", f"{NAME}@in-company") as mock,
        ThreadPoolExecutor(8) as pool,
    ):
        client = Client(mock.url)
        replies = list(pool.map(lambda _: client.post("/v1/rerank", GOOD), range(40)))
    assert any("results" not in reply.json() for reply in replies)


def test_an_unknown_trigger_is_an_unknown_defect() -> None:
    assert NAME in registry()
    with (
        pytest.raises(OptionError, match="unknown defect"),
        local_mock("--defect", f"{NAME}@tenth"),
    ):
        pass
