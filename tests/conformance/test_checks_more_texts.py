"""More texts never cost less than some of them."""

from typing import Any

import pytest
from exchanges import exchange, findings

from aios_conformance.conformance.checks.more_texts import CHECKS

INPUTS, PAIRS = CHECKS


def embedded(name: str, cost: int, texts: object, **more: object) -> Any:
    data = [{"embedding": [0.5]}]
    usage = {"prompt_tokens": cost}
    sent = {"model": "m", "input": texts, **more}
    return exchange("embeddings", sent, {"data": data, "usage": usage}, id=name)


def scored(name: str, cost: int, one: object, two: object) -> Any:
    usage = {"prompt_tokens": cost}
    sent = {"model": "m", "text_1": one, "text_2": two}
    data = [{"score": 0.5}]
    return exchange("score", sent, {"data": data, "usage": usage}, id=name)


@pytest.mark.parametrize(
    ("cost", "texts", "more", "count"),
    [
        (3, ["b", "a", "c"], {}, 0),
        (2, ["b", "a"], {}, 0),
        (1, ["b", "a", "c"], {}, 1),
        (1, ["b", "a"], {}, 1),
        (1, ["b", "c"], {}, 0),
        (1, ["b", "a", "c"], {"truncate_prompt_tokens": 1}, 0),
        (1, ["b", "a", "c"], {"model": "other"}, 0),
        (1, "a", {}, 0),
    ],
)
def test_inputs_cost_no_less_than_some_of_them(
    cost: int, texts: object, more: dict[str, object], count: int
) -> None:
    calls = [embedded("ex-1", 2, ["a", "b"]), embedded("ex-2", cost, texts, **more)]
    assert len(findings(INPUTS, *calls)) == count


@pytest.mark.parametrize(
    ("cost", "one", "two", "count"),
    [
        (1, ["q", "q", "q"], ["a", "b", "c"], 1),
        (2, ["q", "q", "q"], ["a", "b", "c"], 0),
        (1, ["r", "q", "q"], ["a", "b", "c"], 0),
        (1, "q", ["a", "b", "c"], 0),
    ],
)
def test_pairs_cost_no_less_than_some_of_them(
    cost: int, one: object, two: object, count: int
) -> None:
    calls = [scored("ex-1", 2, ["q", "q"], ["a", "b"]), scored("ex-2", cost, one, two)]
    assert len(findings(PAIRS, *calls)) == count
