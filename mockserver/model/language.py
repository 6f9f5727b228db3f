"""A deterministic token-level language model.

The next-token distribution is a pure function of seed, model and context tokens: the
grammar says which moves there are, and a hash of the whole context chooses one of some
versions of their weights. Every other token of the vocabulary has the same small rest.
So it is a real distribution (it sums to one over the vocabulary), the same for
generated and for echoed tokens, and what can be known of it is computed once.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from math import exp, log
from operator import getitem
from typing import Final, NamedTuple
from zlib import crc32

from aios_conformance.mockserver.model.sentences import NODES, RESUME
from aios_conformance.mockserver.model.tokenizer import ASSISTANT, END, PIECES, encode
from aios_conformance.serving.engine import Candidate

SPREAD: Final = 8.0
"""Range of the hashed part of a logit: 0 to SPREAD."""

REST: Final = exp(-24.0)
"""Weight of every token that is no candidate."""

PLANNED: Final = exp(30.0)
"""Weight of the next token of a plan (a tool call, the rest of a split word)."""

SHORTEST, LONGEST = 8, 48
"""Tokens after which an answer may end, and after which it is made to end."""

LISTED: Final = encode(" on each line")
"""Who is asked for something on each line goes on for ten times as long."""

VERSIONS: Final = 32
"""Of a node's weights; five bits of the context's hash choose one."""

OPEN: Final = -1
"""How near the end is where there must be none."""

_PATIENCE: Final = 10
_NEW_LINE: Final = 6.0
_STEP: Final = 4  # tokens by which an end comes nearer at a time
_FLOOR: Final = -9999.0  # the log probability of what cannot be: JSON has no infinity
_SHOWN: Final = 20  # alternatives that a request may ask for


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
_CLOSING: Final = frozenset(
    node for node, moves in NODES.items() if any(move.to == "close" for move in moves)
)


@dataclass(frozen=True)
class Distribution:
    """Unnormalised weights of the candidates; any other token weighs `rest`."""

    tokens: tuple[int, ...]
    weights: Sequence[float]
    size: int  # of the vocabulary
    rest: float = REST

    @cached_property
    def others(self) -> float:
        """The weight of all that are no candidates."""
        return self.rest * (self.size - len(self.tokens))

    @cached_property
    def total(self) -> float:
        """The weight of the whole vocabulary."""
        return sum(self.weights) + self.others

    @cached_property
    def ranked(self) -> tuple[Candidate, ...]:
        """The likeliest tokens, the likeliest first, ties by id."""
        losses = [-weight for weight in self.weights]
        order = sorted(zip(losses, self.tokens, strict=True))
        return tuple(
            Candidate(token, self.logprob(token), PIECES[token])
            for _, token in order[:_SHOWN]
        )

    def logprob(self, token: int) -> float:
        """Return the natural logarithm of a token's probability, at least -9999."""
        try:
            weight = self.weights[self.tokens.index(token)]
        except ValueError:
            weight = self.rest
        share = weight / self.total
        if share >= 1:
            return 0.0
        return log(share) if share > 0 else _FLOOR

    def planning(self, token: int) -> "Distribution":
        """Return the same with a token that is as good as certain."""
        others = [
            (other, weight)
            for other, weight in zip(self.tokens, self.weights, strict=True)
            if other != token
        ]
        tokens, weights = zip((token, PLANNED), *others, strict=True)
        return Distribution(tokens, weights, self.size, self.rest)


def latest(*, lists: bool) -> int:
    """Return the run from which on an end comes no nearer."""
    return (LONGEST + SHORTEST) * (_PATIENCE if lists else 1)


def nearness(node: str, run: int, *, lists: bool, open_: bool = False) -> int:
    """Return how near the end is, as far as the moves of a node depend on it."""
    if node != "close" and node not in _CLOSING:
        return 0
    if open_:
        return OPEN
    run = min(run, latest(lists=lists)) // (_PATIENCE if lists else 1)
    return run // _STEP if node == "close" or run >= LONGEST else 0


@lru_cache(maxsize=512)
def versions(node: str, near: int, lists: bool, size: int) -> tuple[Distribution, ...]:
    """Return the distributions of which the context chooses one.

    The longer the answer, the likelier its end; new lines are likelier in a list.
    """
    tables = []
    for move in NODES[node]:
        prior = move.prior
        if move.token == END:
            run = near * _STEP
            prior += (run - 2 * SHORTEST) / 3 if run >= SHORTEST else -12.0
        elif move.to == "close" and near * _STEP >= LONGEST:
            prior += 2 * SPREAD
        elif lists and PIECES[move.token] == b"\n":
            prior += _NEW_LINE
        banned = move.token == END and near == OPEN
        tables.append((0.0,) * 256 if banned else _table(prior))
    return tuple(
        Distribution(
            _TOKENS[node], [*map(getitem, tables, _digest(node, number))], size
        )
        for number in range(VERSIONS)
    )


@lru_cache(maxsize=256)
def _table(prior: float) -> tuple[float, ...]:
    return tuple(exp(prior + SPREAD * value / 255) for value in range(256))


def _digest(node: str, version: int) -> bytes:
    return blake2b(f"{node} {version}".encode()).digest()


class TokenContext:
    """Tokens seen so far, and the distribution of the next one."""

    __slots__ = ("_heard", "hashed", "size", "state")

    def __init__(self, key: bytes, size: int) -> None:
        """`key` stands for seed and model, `size` counts the model's token ids."""
        self.hashed = crc32(key)
        self.size = size
        self._heard = 0  # tokens of LISTED, one after another
        self.state = SentenceState()

    @property
    def lists(self) -> bool:
        """Whether something was asked for on each line."""
        return self._heard == len(LISTED)

    def read(self, tokens: Sequence[int]) -> None:
        """Read a prompt; the same as adding its tokens one by one, only faster."""
        self.hashed = crc32(struct.pack(f"<{len(tokens)}I", *tokens), self.hashed)
        if self._heard or LISTED[0] in tokens:
            for token in tokens:
                self._listen(token)
        state = self.state
        for token in tokens[_last(ASSISTANT, tokens) :]:
            state = state.after(token)
        self.state = state

    def add(self, token: int) -> None:
        """Read one token."""
        self.hashed = crc32(token.to_bytes(4, "little"), self.hashed)
        self._listen(token)
        self.state = self.state.after(token)

    def _listen(self, token: int) -> None:
        if not self.lists:
            known = token == LISTED[self._heard]
            self._heard = self._heard + 1 if known else int(token == LISTED[0])

    def place(self, *, open_: bool = False) -> tuple[str, int, bool]:
        """Say where the next token stands; there is no end while it is open."""
        node, _, run = self.state
        near = nearness(node, run, lists=self.lists, open_=open_)
        return node, near, self.lists

    def distribution(self, *, open_: bool = False) -> Distribution:
        """Weigh the next token."""
        found = versions(*self.place(open_=open_), self.size)[self.version]
        plan = self.state.plan
        return found.planning(plan[0]) if plan else found

    @property
    def version(self) -> int:
        """The version of weights that this context chooses."""
        return self.hashed >> 27


def _last(token: int, tokens: Sequence[int]) -> int:
    """Return the last position of a token; 0 if it is not there."""
    for position in range(len(tokens) - 1, -1, -1):
        if tokens[position] == token:
            return position
    return 0
