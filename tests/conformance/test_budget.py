"""Ceilings hold, and the ledger never lets a limit be exceeded."""

import asyncio
import re
from typing import Any

import pytest
from exchanges import OPERATIONS, exchange
from hypothesis import given
from hypothesis import strategies as st

from aios_conformance.conformance.observing.budget import Budget
from aios_conformance.conformance.terms.cost import (
    NOTHING,
    Cost,
    ceiling,
    ceilings,
    last_usage,
    spent,
    subwords,
    utf8,
)
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.probe import Step

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def most(api: Api, body: Any) -> Cost:
    return ceiling(OPERATIONS[api], body)


@pytest.mark.parametrize(
    ("api", "body", "completion"),
    [
        ("chat", CHAT | {"max_tokens": 5}, 5),
        ("chat", CHAT | {"max_tokens": 5, "max_completion_tokens": 3}, 3),
        ("chat", CHAT | {"max_completion_tokens": 3, "n": 4}, 12),
        ("chat", CHAT, 1024),
        ("chat", CHAT | {"max_tokens": {}}, 1024),
        ("chat", CHAT | {"max_tokens": 5, "n": True}, 5),
        ("completions", {"prompt": "a", "max_tokens": 2}, 2),
        ("completions", {"prompt": ["a", "b"], "max_tokens": 2}, 4),
        ("completions", {"prompt": ["a", "b"], "n": 3, "max_tokens": 2}, 12),
        ("completions", {"prompt": "a", "best_of": 3, "max_tokens": 2}, 6),
        ("completions", {"prompt": "a"}, 16),
        ("completions", {"prompt": [1, 2, 3], "max_tokens": 2}, 2),
        ("embeddings", {"input": "a"}, 0),
        ("rerank", {"query": "a", "documents": ["b"]}, 0),
    ],
)
def test_completion_is_limit_times_choices_times_prompts(
    api: Api, body: Any, completion: int
) -> None:
    assert most(api, body).completion == completion


def test_no_tokenizer_makes_more_tokens_than_bytes() -> None:
    assert most("embeddings", {"input": "é" * 10}).prompt >= 20


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("a b c", 3),  # a word is a token at least
        ("capital of France", 8),  # and a token for two letters at most
        ("one, two.", 5),
        ("3 14", 3),
        ("a\nb", 3),
        ("é 水", 5),
        ("", 0),
    ],
)
def test_subwords_are_words_or_parts_of_words(text: str, most: int) -> None:
    assert subwords(text) == most <= max(utf8(text), most)


@given(st.text())
def test_no_measure_exceeds_the_bytes_but_for_words_of_one_letter(text: str) -> None:
    words = len(re.findall("[A-Za-z]+", text))
    assert utf8(text) >= subwords(text) >= words


def test_a_plan_may_count_in_subwords() -> None:
    body = {"input": "international"}
    bytewise = ceiling(OPERATIONS["embeddings"], body)
    wordwise = ceiling(OPERATIONS["embeddings"], body, measure=subwords)
    assert bytewise.prompt - wordwise.prompt == 6


def test_a_template_shows_no_names_of_members() -> None:
    one = most("chat", CHAT).prompt
    long_name = [{"role": "user", "content": "hello", "n" * 100: ""}]
    assert most("chat", CHAT | {"messages": long_name}).prompt == one


def test_a_later_body_may_have_the_prompt_of_another() -> None:
    first = Step("a", OPERATIONS["chat"], CHAT | {"max_tokens": 9})
    second = Step("b", OPERATIONS["chat"], CHAT | {"max_tokens": 2})
    later = Step("c", OPERATIONS["chat"], lambda _: None, like="a")
    costs = list(ceilings((first, second, later)))
    assert costs[2] == Cost(costs[0].prompt, 9)


def test_a_query_is_read_with_every_document() -> None:
    one = most("rerank", {"query": "q" * 100, "documents": ["d"]}).prompt
    ten = most("rerank", {"query": "q" * 100, "documents": ["d"] * 10}).prompt
    assert ten >= one + 900


def test_a_single_text_is_read_with_every_other() -> None:
    for body in (
        {"text_1": "q" * 100, "text_2": ["d"] * 10},
        {"text_1": ["d"] * 10, "text_2": "q" * 100},
    ):
        assert most("score", body).prompt >= 1000


def test_paired_lists_are_read_once() -> None:
    body = {"text_1": ["q" * 100] * 5, "text_2": ["d"] * 5}
    assert 505 <= most("score", body).prompt < 700


def test_tools_are_part_of_the_prompt() -> None:
    tools = [{"type": "function", "function": {"name": "f" * 100}}]
    extra = most("chat", CHAT | {"tools": tools}).prompt - most("chat", CHAT).prompt
    assert extra > 100


def test_token_ids_count_one_each() -> None:
    body = {"prompt": [5] * 100, "max_tokens": 1}
    assert 100 <= most("completions", body).prompt < 120


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_a_body_that_is_no_object_generates_nothing(body: Any) -> None:
    assert most("chat", body).completion == 0


def test_exact_bytes_count_as_they_are() -> None:
    assert ceiling("POST /v1/chat/completions", None, b"x" * 50) == Cost(50, 0)


def test_a_get_costs_one_request() -> None:
    assert ceiling("GET /v1/models", None) == Cost(0, 0, 1)


def test_a_later_body_holds_at_most_what_came_before() -> None:
    first = Step("a", OPERATIONS["chat"], CHAT | {"max_tokens": 9})
    later = Step("b", OPERATIONS["chat"], lambda _: None)
    cost, after = ceilings((first, later))
    assert after.prompt >= cost.prompt + cost.completion
    assert after.completion == 9
    assert after.requests == 1


def test_a_later_body_alone_still_has_a_ceiling() -> None:
    (cost,) = ceilings((Step("b", OPERATIONS["chat"], lambda _: None),))
    assert cost.tokens > 0


def test_a_step_may_know_better() -> None:
    step = Step("a", OPERATIONS["chat"], CHAT, prompt_tokens=7, completion_tokens=3)
    assert list(ceilings((step,))) == [Cost(7, 3)]


def test_bytes_cost_what_the_body_costs_that_they_are_like() -> None:
    first = Step("a", OPERATIONS["chat"], CHAT)
    raw = b'{"model":"' + b"m" * 500
    bytes_ = Step("b", OPERATIONS["chat"], raw=raw, like="a", beyond=6)
    cost, alike = ceilings((first, bytes_))
    assert alike.prompt == cost.prompt + 6


# --- what was really spent ---------------------------------------------------------

MOST = Cost(100, 50)


def test_usage_tells_what_was_spent() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    answer = exchange("chat", CHAT, {"usage": usage})
    assert spent(answer, MOST) == Cost(7, 2)


def test_rerank_counts_its_total_as_prompt() -> None:
    answer = exchange("rerank", {}, {"usage": {"total_tokens": 9}})
    assert spent(answer, MOST) == Cost(9, 0)


@pytest.mark.parametrize("usage", [None, "x", {"prompt_tokens": -1}, {}])
def test_a_success_without_readable_usage_costs_its_ceiling(usage: Any) -> None:
    answer = exchange("chat", CHAT, {"usage": usage})
    assert spent(answer, MOST).prompt == 100


def test_a_refusal_costs_nothing() -> None:
    answer = exchange("chat", CHAT, {"error": {}}, status=400)
    assert spent(answer, MOST) == NOTHING


def test_a_timeout_may_have_cost_all() -> None:
    answer = exchange("chat", CHAT, failure="timeout: no complete answer within 1 s")
    assert spent(answer, MOST) == MOST


def test_the_last_usage_of_a_stream_counts() -> None:
    chunks = [
        {"usage": {"total_tokens": 1}},
        {"usage": None},
        {"usage": {"total_tokens": 5}},
    ]
    stream = exchange("chat", CHAT | {"stream": True}, stream=chunks)
    assert last_usage(stream) == {"total_tokens": 5}


def test_a_stream_without_usage_has_none() -> None:
    stream = exchange("chat", CHAT | {"stream": True}, stream=[{"id": "x"}])
    assert last_usage(stream) is None
    assert spent(stream, MOST) == MOST


# --- the ledger --------------------------------------------------------------------


def test_requests_in_flight_count_against_the_limit() -> None:
    async def story() -> list[str | None]:
        ledger = Budget(max_requests=1)
        first = await ledger.reserve(Cost())
        second = asyncio.create_task(ledger.reserve(Cost()))
        await asyncio.sleep(0)
        assert not second.done()  # it may yet go, should the first not be sent
        await ledger.settle(Cost(), Cost())
        return [first, await second]

    assert asyncio.run(story()) == [None, "--max-requests 1"]


def test_an_unsent_request_frees_its_place() -> None:
    async def story() -> str | None:
        ledger = Budget(max_requests=1)
        await ledger.reserve(Cost())
        await ledger.settle(Cost(), NOTHING)
        return await ledger.reserve(Cost())

    assert asyncio.run(story()) is None


def test_tokens_are_limited_by_ceilings_and_settled_by_usage() -> None:
    async def story() -> list[str | None]:
        ledger = Budget(max_tokens=100)
        answers = [await ledger.reserve(Cost(60, 40))]
        await ledger.settle(Cost(60, 40), Cost(5, 5))
        answers.append(await ledger.reserve(Cost(50, 40)))
        await ledger.settle(Cost(50, 40), Cost(50, 40))
        answers.append(await ledger.reserve(Cost(1, 0)))
        assert ledger.spent == Cost(55, 45, 2)
        return answers

    assert asyncio.run(story()) == [None, None, "--max-tokens 100"]


def test_without_limits_everything_goes() -> None:
    async def story() -> list[str | None]:
        ledger = Budget()
        return [await ledger.reserve(Cost(10**9, 10**9)) for _ in range(3)]

    assert asyncio.run(story()) == [None, None, None]
