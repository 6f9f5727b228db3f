"""Log probabilities beside their own token: good answers and bad ones."""

from itertools import pairwise
from typing import Any

import pytest
from exchanges import findings
from generations import choice, listed, request, said, scored

from aios_conformance.conformance.checks import positions
from aios_conformance.conformance.terms.exchange import Exchange

NEXT = positions.no_token_has_its_neighbours_likelihood
ALONE = positions.an_echo_lists_alternatives_of_each_token
TOKENS = ("a", "b", "c", "d", "e", "f")


def chat(*told: tuple[str, str, str]) -> Exchange:
    """Tokens, each beside that of which it has the likelihood, as it is spelt."""
    entries = [
        (token, -1.0 - TOKENS.index(of), [(spelt, -1.0 - TOKENS.index(of))])
        for token, of, spelt in told
    ]
    sent = request("chat", logprobs=True, top_logprobs=1)
    return said("chat", choice("chat", "abc", logprobs=scored(*entries)), sent=sent)


def test_the_likelihood_is_not_that_of_the_next_token() -> None:
    own = [(one, one, one) for one in TOKENS]
    assert not findings(NEXT, chat(*own))
    ahead = [(one, of, of) for one, of in pairwise(TOKENS)]
    (found,) = findings(NEXT, chat(*ahead, own[-1]))
    assert found.ids == ("CHAT-SEM-006",)
    behind = [(one, of, of) for of, one in pairwise(TOKENS)]
    assert findings(NEXT, chat(own[0], *behind))


def test_a_token_may_be_spelt_otherwise_among_its_alternatives() -> None:
    assert not findings(NEXT, chat(*((one, one, f" {one}") for one in TOKENS)))


@pytest.mark.parametrize(
    ("likely", "echo", "count"),
    [("same", True, 1), ("same", False, 0), ("own", True, 0), ("one", True, 0)],
)
def test_each_token_of_an_echo_has_its_own_alternatives(
    likely: str, echo: bool, count: int
) -> None:
    def alternatives(token: str) -> dict[str, float]:
        named = {"own": (token, "z"), "same": ("y", "z"), "one": ("z",)}[likely]
        return {name: -2.0 - place for place, name in enumerate(named)}

    told: list[Any] = [("<s>", None, None)]
    told += [(token, -3.0, alternatives(token)) for token in TOKENS]
    sent = request("completions", "abcde", logprobs=2, echo=echo, max_tokens=1)
    text = choice("completions", "abcdef", logprobs=listed(*told))
    found = findings(ALONE, said("completions", text, sent=sent))
    assert [finding.soft for finding in found] == [True] * count
