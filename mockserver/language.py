"""A deterministic token-level language model.

The next-token distribution is a pure function of seed, model and context tokens:
a hash of the whole context weighs the moves of the grammar, and every other token
of the vocabulary has the same small rest. So it is a real distribution (it sums to
one over the vocabulary), the same for generated and for echoed tokens.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from math import exp
from operator import getitem
from typing import Final, NamedTuple

from aios_conformance.mockserver.sentences import NODES, RESUME
from aios_conformance.mockserver.tokenizer import ASSISTANT, END, PIECES, SIZE, decode

SPREAD: Final = 8.0
"""Range of the hashed part of a logit: 0 to SPREAD."""

REST: Final = exp(-16.0)
"""Weight of every token that is no candidate."""

PLANNED: Final = exp(30.0)
"""Weight of the next token of a plan (a tool call, the rest of a split word)."""

SHORTEST, LONGEST = 8, 48
"""Tokens after which an answer may end, and after which it is made to end."""

LISTED: Final = b"on each line"
"""Who is asked for something on each line goes on for ten times as long."""

_PATIENCE: Final = 10
_NEW_LINE: Final = 6.0


class SentenceState(NamedTuple):
    """What the grammar remembers of a context."""

    node: str = "start"
    plan: tuple[int, ...] = ()
    run: int = 0  # tokens that followed the grammar without a break

    def after(self, token: int) -> "SentenceState":
        """Return the state once `token` has been added."""
        if self.plan:
            if token == self.plan[0]:
                return SentenceState(self.node, self.plan[1:], self.run + 1)
        else:
            move = _MOVES[self.node].get(token)
            if move is not None:
                return SentenceState(*move, self.run + 1)
        if token == ASSISTANT:
            return SentenceState()
        return SentenceState(RESUME.get(token, "object"))


_MOVES: Final = {
    node: {move.token: (move.to, move.rest) for move in moves}
    for node, moves in NODES.items()
}
_TOKENS: Final = {
    node: tuple(move.token for move in moves) for node, moves in NODES.items()
}


class Distribution(NamedTuple):
    """Unnormalised weights of the candidates; any other token weighs `rest`."""

    tokens: tuple[int, ...]
    weights: list[float]
    digest: bytes  # of the context
    rest: float = REST

    @property
    def total(self) -> float:
        """The weight of the whole vocabulary."""
        return sum(self.weights) + self.rest * (SIZE - len(self.tokens))


@lru_cache(maxsize=1_024)
def _tables(node: str, run: int, lists: bool) -> tuple[tuple[float, ...], ...]:
    """Return a table for each move of a node: its weight by the byte it is hashed to.

    The longer the answer, the likelier its end; new lines are likelier in a list.
    """
    tables = []
    for move in NODES[node]:
        prior = move.prior
        if move.token == END:
            prior += (run - 2 * SHORTEST) / 3 if run >= SHORTEST else -12.0
        elif move.to == "close" and run >= LONGEST:
            prior += 2 * SPREAD
        elif lists and PIECES[move.token] == b"\n":
            prior += _NEW_LINE
        tables.append(_table(prior))
    return tuple(tables)


@lru_cache(maxsize=256)
def _table(prior: float) -> tuple[float, ...]:
    return tuple(exp(prior + SPREAD * value / 255) for value in range(256))


class TokenContext:
    """Tokens seen so far, and the distribution of the next one."""

    __slots__ = ("_hash", "_lists", "state")

    def __init__(self, key: bytes, state: SentenceState | None = None) -> None:
        """`key` (at most 64 bytes) stands for seed and model."""
        self._hash = blake2b(key=key)
        self._lists = False
        self.state = state or SentenceState()

    def read(self, tokens: Sequence[int]) -> None:
        """Read a prompt; the same as adding its tokens one by one, only faster."""
        self._hash.update(struct.pack(f"<{len(tokens)}I", *tokens))
        self._lists = LISTED in decode(tokens)
        state = self.state
        for token in tokens[_last(ASSISTANT, tokens) :]:
            state = state.after(token)
        self.state = state

    def add(self, token: int) -> None:
        """Read one token."""
        self._hash.update(token.to_bytes(4, "little"))
        self.state = self.state.after(token)

    def distribution(self) -> Distribution:
        """Weigh the next token."""
        state = self.state
        tokens = _TOKENS[state.node]
        run = state.run // _PATIENCE if self._lists else state.run
        tables = _tables(state.node, min(run, LONGEST + SHORTEST), self._lists)
        digest = self._hash.digest()
        weights = list(map(getitem, tables, digest))
        if state.plan:
            planned = state.plan[0]
            if planned in tokens:
                weights[tokens.index(planned)] = PLANNED
            else:
                tokens = (planned, *tokens)
                weights.insert(0, PLANNED)
        return Distribution(tokens, weights, digest)


def _last(token: int, tokens: Sequence[int]) -> int:
    """Return the last position of a token; 0 if it is not there."""
    for position in range(len(tokens) - 1, -1, -1):
        if tokens[position] == token:
            return position
    return 0
