"""Generation behaves like sampling from one real, seeded model."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.mockserver.model.language import TokenContext
from aios_conformance.mockserver.model.sentences import MAX_MOVES, MIN_MOVES, NODES
from aios_conformance.mockserver.model.tokenizer import (
    BEGIN,
    END,
    PIECES,
    SPECIALS,
    decode,
    encode,
)
from aios_conformance.serving.engine import Sampling, Token, TooLong

ENGINE = MockEngine()
MODEL = ENGINE.models[0].name
SIZE = ENGINE.models[0].vocabulary or 0


def prompt_of(text: str) -> list[int]:
    return ENGINE.render_chat(MODEL, [{"role": "user", "content": text}], [])


def say(prompt: list[int], **options: Any) -> list[Token]:
    chosen = {"max_tokens": 300, "temperature": 0.0, **options}
    return list(ENGINE.decode(MODEL, prompt, Sampling(**chosen)))


def text_of(tokens: list[Token]) -> str:
    return b"".join(token.data for token in tokens).decode("utf-8", "replace")


def ids(tokens: list[Token]) -> list[int]:
    return [token.id for token in tokens]


PROMPTS = [prompt_of(f"Tell me about subject {i}.") for i in range(24)]


def test_every_node_offers_enough_words_and_leads_somewhere() -> None:
    for moves in NODES.values():
        assert MIN_MOVES <= len(moves) <= MAX_MOVES
        assert all(move.to in NODES for move in moves)
        tokens = [move.token for move in moves]
        assert tokens == sorted(set(tokens))


def test_answers_are_readable_and_of_natural_length() -> None:
    answers = [say(prompt) for prompt in PROMPTS]
    lengths = [len(answer) for answer in answers]
    assert min(lengths) >= 8
    assert max(lengths) <= 100
    assert 15 <= sum(lengths) / len(lengths) <= 60
    assert all(answer[-1].end and answer[-1].data == b"" for answer in answers)
    texts = [text_of(answer) for answer in answers]
    assert len(set(texts)) == len(texts)
    assert all(text[0].isupper() and text.endswith(".") for text in texts)
    assert any(not text.isascii() for text in texts)
    assert any("\n" in text for text in texts)


@given(st.lists(st.integers(0, SIZE - 1), max_size=12))
def test_a_distribution_covers_the_whole_vocabulary_and_sums_to_one(
    tokens: list[int],
) -> None:
    context = TokenContext(b"key", SIZE)
    for token in tokens:
        context.add(token)
    found = context.distribution()
    total = math.fsum(math.exp(found.logprob(token)) for token in found.tokens)
    other = next(token for token in range(SIZE) if token not in found.tokens)
    total += math.exp(found.logprob(other)) * (SIZE - len(found.tokens))
    assert total == pytest.approx(1)


@given(st.lists(st.integers(0, SIZE - 1), max_size=40))
def test_reading_a_prompt_at_once_is_reading_it_token_by_token(
    tokens: list[int],
) -> None:
    whole, single = TokenContext(b"key", SIZE), TokenContext(b"key", SIZE)
    whole.read(tokens)
    for token in tokens:
        single.add(token)
    assert whole.state == single.state
    assert whole.distribution() == single.distribution()


options = st.fixed_dictionaries(
    {
        "temperature": st.sampled_from([0.0, 0.3, 1.0]),
        "top_p": st.sampled_from([0.01, 0.5, 1.0]),
        "seed": st.none() | st.integers(-(2**63), 2**63 - 1),
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.floats(-2, 2),
        "logit_bias": st.dictionaries(
            st.integers(0, SIZE - 1), st.floats(-100, 100), max_size=3
        ),
        "top_logprobs": st.none() | st.integers(0, 20),
    }
)


@given(options, st.text(max_size=20))
@settings(max_examples=60)
def test_whatever_is_asked_log_probabilities_are_those_of_a_distribution(
    chosen: Mapping[str, Any], text: str
) -> None:
    count = chosen["top_logprobs"] or 0
    for token in say(prompt_of(text), **{**chosen, "max_tokens": 12}):
        assert (token.logprob is None) == (chosen["top_logprobs"] is None)
        assert token.logprob is None or token.logprob <= 0
        assert len(token.top) == count
        assert len({candidate.id for candidate in token.top}) == count
        logprobs = [candidate.logprob for candidate in token.top]
        assert logprobs == sorted(logprobs, reverse=True)
        assert math.fsum(map(math.exp, logprobs)) <= 1 + 1e-9
        for candidate in token.top:
            assert candidate.data == PIECES[candidate.id]
            if candidate.id == token.id:
                assert candidate.logprob == token.logprob


@given(options, st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=60)
def test_a_shorter_answer_is_the_beginning_of_a_longer_one(
    chosen: Mapping[str, Any], one: int, two: int
) -> None:
    low, high = sorted((one, two))
    short = say(PROMPTS[0], **{**chosen, "max_tokens": low})
    long = say(PROMPTS[0], **{**chosen, "max_tokens": high})
    assert short == long[:low]


def test_greedy_takes_the_top_token_whether_or_not_it_is_reported() -> None:
    for prompt in PROMPTS:
        plain = say(prompt)
        reported = say(prompt, top_logprobs=3)
        assert ids(plain) == ids(reported)
        assert all(token.top[0].id == token.id for token in reported)
        assert all(token.top[0].logprob == token.logprob for token in reported)


@given(
    st.sampled_from([0.0, 0.3, 1.0, 2.0, 6.0]),
    st.sampled_from([0.05, 0.5, 1.0]),
    st.integers(0, 99),
)
@settings(max_examples=60)
def test_answers_are_the_same_whether_or_not_their_tokens_are_weighed(
    temperature: float, top_p: float, seed: int
) -> None:
    chosen: Any = {"temperature": temperature, "top_p": top_p, "seed": seed}
    prompt = PROMPTS[seed % len(PROMPTS)]
    plain = ids(say(prompt, **chosen))
    assert plain == ids(say(prompt, **chosen, top_logprobs=0))
    whole = ENGINE.whole(MODEL, prompt, Sampling(300, **chosen))
    assert whole is not None
    assert (whole.data, whole.tokens) == (decode(plain), len(plain))
    assert whole.ended == (plain[-1] == END)


def test_fewer_alternatives_are_the_first_of_more() -> None:
    few = say(PROMPTS[0], top_logprobs=2)
    many = say(PROMPTS[0], top_logprobs=20)
    assert [t.top for t in few] == [t.top[:2] for t in many]


def test_split_characters_come_as_several_tokens() -> None:
    answers = [say(prompt, temperature=1.0, seed=1) for prompt in PROMPTS]
    pieces = [token.data for answer in answers for token in answer]
    assert any(len(piece) == 1 and piece[0] > 127 for piece in pieces)


def test_the_seed_of_the_server_and_the_model_change_every_answer() -> None:
    other = MockEngine(seed=1)
    sampling = Sampling(300, temperature=0.0)
    assert list(other.decode(MODEL, PROMPTS[0], sampling)) != say(PROMPTS[0])
    second = ENGINE.models[1].name
    assert list(ENGINE.decode(second, PROMPTS[0], sampling)) != say(PROMPTS[0])


def test_higher_temperature_gives_more_different_openings() -> None:
    def openings(temperature: float) -> int:
        return len(
            {
                tuple(
                    ids(say(PROMPTS[0], max_tokens=3, temperature=temperature, seed=s))
                )
                for s in range(40)
            }
        )

    counts = [openings(temperature) for temperature in (0.0, 0.1, 0.4, 1.0)]
    assert counts[0] == 1
    assert all(a < b for a, b in pairwise(counts))


def test_draws_follow_the_reported_probabilities() -> None:
    first = say(PROMPTS[0], max_tokens=1, top_logprobs=1)[0].top[0]
    hits = sum(
        say(PROMPTS[0], max_tokens=1, temperature=1.0, seed=seed)[0].id == first.id
        for seed in range(1_000)
    )
    assert hits / 1_000 == pytest.approx(math.exp(first.logprob), abs=0.05)


def test_top_p_keeps_the_draw_within_the_likeliest_tokens() -> None:
    likely = say(PROMPTS[0], max_tokens=1, top_logprobs=20)[0].top
    mass, nucleus = 0.0, set()
    for candidate in likely:
        if mass < 0.5:
            nucleus.add(candidate.id)
        mass += math.exp(candidate.logprob)
    drawn = {
        say(PROMPTS[0], max_tokens=1, temperature=1.0, top_p=0.5, seed=seed)[0].id
        for seed in range(200)
    }
    assert drawn == nucleus


@pytest.mark.parametrize("penalty", ["frequency_penalty", "presence_penalty"])
def test_penalties_reduce_repetition(penalty: str) -> None:
    def repeated(value: float) -> float:
        again = total = 0
        for prompt in PROMPTS:
            counts = Counter(
                ids(
                    say(
                        prompt,
                        max_tokens=60,
                        logit_bias={END: -100},
                        **{penalty: value},
                    )
                )
            )
            again += sum(counts.values()) - len(counts)
            total += sum(counts.values())
        return again / total

    assert repeated(2.0) < repeated(0.0) - 0.05
    assert repeated(0.0) < repeated(-2.0) - 0.05


@given(st.integers(0, SIZE - 1))
def test_any_token_can_be_forced(token: int) -> None:
    answer = say(PROMPTS[0], max_tokens=3, logit_bias={token: 100}, top_logprobs=0)
    assert all(found.id == token for found in answer)
    assert answer[0].logprob == pytest.approx(0, abs=1e-6)


def test_any_token_can_be_banned() -> None:
    free = say(PROMPTS[0], temperature=1.0, seed=3)
    for token in set(ids(free)):
        banned = say(PROMPTS[0], temperature=1.0, seed=3, logit_bias={token: -100})
        assert token not in ids(banned)


def test_hot_sampling_may_leave_the_candidates_but_never_says_special_tokens() -> None:
    seen = set()
    for seed in range(40):
        seen.update(ids(say(PROMPTS[0], max_tokens=20, temperature=6.0, seed=seed)))
    moves = {move.token for moves in NODES.values() for move in moves}
    assert seen - moves
    assert not seen & {*SPECIALS} - {END}


def test_echoed_tokens_have_the_probabilities_of_generated_ones() -> None:
    prompt = ENGINE.encode(MODEL, "What is the capital of Korea?")
    answer = say(prompt, temperature=1.0, seed=5, top_logprobs=4)
    echoed = asyncio.run(ENGINE.prompt_logprobs(MODEL, [*prompt, *ids(answer)], 4))
    assert [(t.logprob, t.top) for t in echoed[len(prompt) :]] == [
        (t.logprob, t.top) for t in answer
    ]
    assert echoed[0] == Token(BEGIN, b"", None)
    assert ids(echoed[: len(prompt)]) == prompt
    assert all(t.logprob is not None and t.logprob <= 0 for t in echoed[1:])


def test_generation_stops_at_the_end_of_the_context() -> None:
    limit = ENGINE.models[0].context_length
    prompt = [BEGIN] * (limit - 2)
    assert len(say(prompt)) == 2
    with pytest.raises(TooLong) as caught:
        say([BEGIN] * (limit + 1))
    assert (caught.value.tokens, caught.value.limit) == (limit + 1, limit)


def test_plain_text_can_be_continued_after_any_prompt() -> None:
    for text in ("", "Once upon a time", "It ends.", "a\n", "서울은"):
        tokens = say(ENGINE.encode(MODEL, text))
        assert len(tokens) > 5
        assert tokens[-1].end
    assert ENGINE.encode(MODEL, "a")[1:] == encode("a")
