"""Draws against the distributions that they should follow."""

import pytest
import torch

from aios_conformance.reference_impl.transformers_engine.sampling import (
    IMPOSSIBLE,
    Choice,
    draw,
)

DRAWS = 4000
LOGITS = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, -3.0])


def choice(
    seed: int = 0, temperature: float = 1.0, top_p: float = 1.0, top: int = 0
) -> Choice:
    return Choice(temperature, top_p, torch.Generator().manual_seed(seed), {}, top)


def shares(temperature: float, top_p: float) -> torch.Tensor:
    """How often each token is drawn."""
    one = choice(3, temperature, top_p)
    rows = LOGITS.expand(DRAWS, -1)
    drawn = draw(rows, [one] * DRAWS, None).ids
    return torch.bincount(drawn, minlength=len(LOGITS)) / DRAWS


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_tokens_are_as_frequent_as_they_are_likely(temperature: float) -> None:
    expected = (LOGITS / temperature).softmax(-1)
    # four standard deviations of a share
    slack = 4 * (expected * (1 - expected) / DRAWS).sqrt() + 1e-3
    assert bool(((shares(temperature, 1.0) - expected).abs() <= slack).all())


@pytest.mark.parametrize(("top_p", "kept"), [(0.0, 1), (0.5, 1), (0.6, 2), (0.95, 4)])
def test_the_nucleus_holds_the_fewest_tokens_that_reach_top_p(
    top_p: float, kept: int
) -> None:
    found = shares(1.0, top_p)
    assert (found > 0).tolist() == [True] * kept + [False] * (len(LOGITS) - kept)
    renormalised = LOGITS[:kept].softmax(-1)
    assert bool(((found[:kept] - renormalised).abs() < 0.04).all())


def test_a_row_draws_the_same_beside_any_other() -> None:
    torch.manual_seed(1)
    logits = torch.randn(3, 50)

    def drawn(rows: list[int], choices: list[Choice]) -> list[int]:
        return draw(logits[rows], choices, None).ids.tolist()

    alone = [
        drawn([0], [choice(7)])[0],
        drawn([1], [choice(8, top_p=0.5)])[0],
        drawn([2], [choice(9, temperature=0)])[0],
    ]
    mixed = [choice(7), choice(8, top_p=0.5), choice(9, temperature=0)]
    assert drawn([0, 1, 2], mixed) == alone


def test_cold_draws_are_greedy() -> None:
    drawn = draw(LOGITS[None], [choice(temperature=1e-9)], None)
    assert drawn.ids.tolist() == [0]


def test_forbidden_tokens_are_never_drawn_and_have_a_finite_log_probability() -> None:
    allowed = torch.tensor([[False, False, True, False, False, False]])
    drawn = draw(LOGITS[None], [choice(top=3)], allowed)
    ((token_id, logprob, top),) = drawn.rows
    assert (token_id, logprob) == (2, 0.0)
    assert [p for _, p in top] == [0.0, IMPOSSIBLE, IMPOSSIBLE]


def test_each_row_reports_as_many_candidates_as_it_wants() -> None:
    drawn = draw(LOGITS.expand(2, -1), [choice(top=2), choice(top=0)], None)
    assert [len(top) for _, _, top in drawn.rows] == [2, 0]
    assert [i for i, _ in drawn.rows[0][2]] == [0, 1]
