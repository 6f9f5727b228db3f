"""A small English sentence grammar over token ids.

A node is a place in a sentence; its moves are the tokens that may come next, each
with a prior and the node it leads to. Tokens that a word needs beyond its first
(bytes of a split character) are the move's `rest`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aios_conformance.mockserver.model import words
from aios_conformance.mockserver.model.tokenizer import END, encode

MAX_MOVES: Final = 64
"""One byte of a 64-byte digest weighs each move, so no node may have more."""

MIN_MOVES: Final = 40
"""Distributions are filled up with unlikely words to at least this many moves."""

_UNLIKELY: Final = -9.0


@dataclass(frozen=True, slots=True)
class Move:
    """One way on: a token, its prior logit, and where it leads."""

    token: int
    prior: float
    to: str
    rest: tuple[int, ...] = ()


def _moves(texts: Iterable[str], to: str, prior: float = 0.0) -> list[Move]:
    moves = []
    for text in texts:
        first, *rest = encode(text)
        moves.append(Move(first, prior, to, tuple(rest)))
    return moves


def _spaced(group: Iterable[str]) -> list[str]:
    return [f" {word}" for word in group]


def _node(*groups: list[Move]) -> tuple[Move, ...]:
    """Join groups of moves; the first move of a token wins; fill up to MIN_MOVES."""
    unique: dict[int, Move] = {}
    fillers = _moves(_spaced(words.COMMON), "object", _UNLIKELY)
    for move in (move for group in groups for move in group):
        unique.setdefault(move.token, move)
    for move in fillers:
        if len(unique) < MIN_MOVES:
            unique.setdefault(move.token, move)
    # By token id, so that of two equally likely tokens the first has the lower id.
    return tuple(sorted(unique.values(), key=lambda move: move.token))


def _nodes() -> dict[str, tuple[Move, ...]]:
    adjectives = _spaced(words.ADJECTIVES)
    nouns = _spaced(words.NOUNS)
    determiners = _spaced(words.DETERMINERS)
    full_stop = _moves(["."], "close", 4.0)
    more = _moves(_spaced(words.JOINERS), "clause", -2.0)
    place = _moves(_spaced(words.PREPOSITIONS), "place")
    return {
        "start": _node(
            _moves(words.OPENERS, "subject"), _moves(words.NAMES, "verb", -1.0)
        ),
        "close": _node(
            [Move(END, 0.0, "start")],
            _moves(_spaced(words.OPENERS), "subject"),
            _moves(_spaced(words.NAMES), "verb", -1.0),
            _moves(["\n"], "start", 1.0),
        ),
        "clause": _node(
            _moves(determiners, "subject"), _moves(_spaced(words.NAMES), "verb", -1.0)
        ),
        "subject": _node(
            _moves(adjectives, "subject noun"), _moves(nouns, "verb", 1.0)
        ),
        "subject noun": _node(_moves(nouns, "verb")),
        "verb": _node(
            _moves(_spaced(words.VERBS), "object", 2.0),
            _moves(_spaced(words.ADVERBS), "verb"),
        ),
        "object": _node(
            _moves(determiners, "object noun", 2.0),
            _moves(_spaced(words.NAMES), "tail"),
        ),
        "object noun": _node(
            _moves(adjectives, "noun", 0.0), _moves(nouns, "tail", 1.0)
        ),
        "noun": _node(_moves(nouns, "tail")),
        "tail": _node(full_stop, place, more),
        "place": _node(
            _moves(determiners, "place noun", 1.0),
            _moves(_spaced(words.NAMES), "last"),
        ),
        "place noun": _node(_moves(nouns, "last", 1.0), _moves(adjectives, "ending")),
        "ending": _node(_moves(nouns, "last")),
        "last": _node(_moves(["."], "close", 9.0), more),
    }


NODES: Final[Mapping[str, tuple[Move, ...]]] = MappingProxyType(_nodes())
"""The moves of every node."""


def _resume() -> dict[int, str]:
    """Map a token that did not follow the grammar to the node that fits after it."""
    after: dict[int, str] = {}
    for node, moves in reversed(list(NODES.items())):
        if node != "close":
            after.update({m.token: m.to for m in moves if m.prior > _UNLIKELY})
    for text, to in {".": "close", "?": "close", "!": "close", "\n": "start"}.items():
        after.update(dict.fromkeys(encode(text), to))
    return after


RESUME: Final[Mapping[int, str]] = MappingProxyType(_resume())
"""Where to go on after a token that the grammar did not expect."""
