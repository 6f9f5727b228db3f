"""The exhibit is the request that a reader understands at once."""

from dataclasses import replace
from typing import Any

from exchanges import exchange, observation
from judged_runs import judged_run, row
from test_judge import GOOD

from aios_conformance.conformance.judging.plain import strangeness
from aios_conformance.spec import examples


def printed(operation: str) -> dict[str, Any]:
    body = next(
        each.body
        for each in examples().values()
        if each.operation == operation and each.direction == "request"
    )
    assert isinstance(body, dict)
    return body


def test_a_printed_request_is_plain_and_a_drawn_one_strange() -> None:
    body = printed("POST /rerank")
    assert strangeness(exchange("rerank", body, {}), "aios") == (0, 0, 0)
    drawn = {"model": "m", "query": "Zozaa", "documents": ["Drvz"]}
    assert strangeness(exchange("rerank", drawn, {}), "aios") == (0, 2, 4)


def test_a_request_without_messages_shows_little() -> None:
    body = {"model": "m", "messages": [], "max_tokens": 4}
    assert strangeness(exchange("chat", body, {}), "aios") == (1, 0, 2)


def test_the_printed_example_without_its_model_shows_that_it_may_be_missing() -> None:
    body = printed("POST /rerank")
    nameless = {name: value for name, value in body.items() if name != "model"}
    mutant: dict[str, Any] = {
        "expect": "refuse",
        "serves": ("RERANK-REQ-004",),
        "breaks": "/model is missing",
    }
    steps = {
        "drawn": {"query": "Zozaa", "documents": ["Drvz"]},
        "printed": nameless,
    }
    made = judged_run(
        *(
            observation(
                "toy.refused",
                valid=GOOD,
                mutant=replace(exchange("rerank", sent, {}, **mutant), id=name),
            )
            for name, sent in steps.items()
        )
    )
    found = row(made, "RERANK-REQ-004").findings
    assert [each.exchange for each in found] == ["printed"]
