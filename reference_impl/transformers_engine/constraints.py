"""Constrained decoding: which tokens keep the text inside a JSON schema.

llguidance does the parsing. Of the maintained libraries it honours the most of
JSON Schema, refuses what it cannot honour instead of ignoring it, brings no other
package (xgrammar asks for triton and its own runtime) and is quick.

This module adds one thing: an answer ends within its limit. Nothing in a grammar
makes a model close a string, and an answer that is cut off in one is no JSON. So
once the room that is left is about what the shortest ending needs, or the text
only repeats itself, tokens that lead to the end are the only ones allowed.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from llguidance import LLMatcher

MARGIN = 12  # tokens kept in hand when the ending is estimated
EVERY = 8  # tokens between two estimates
LONGEST = 400  # tokens; an ending longer than this is not looked for
STUCK = 64  # tokens of exact repetition…
PERIODS = 16  # …with a period of at most so many tokens

_NOWHERE = "NoExtensionBias"  # as llguidance calls it that no token may come next
_BITS = torch.arange(32, dtype=torch.int32)


class Tokens(Protocol):
    """What a constraint asks of the vocabulary."""

    @property
    def size(self) -> int:
        """Number of ids, V."""

    @property
    def ends(self) -> frozenset[int]:
        """End-of-sequence ids."""

    def text(self, token_id: int) -> bytes:
        """Text bytes of a token."""


class Endings:
    """Tokens that bring a JSON text nearer to its end, as bit masks (⌈V/32⌉,)."""

    def __init__(self, tokens: Tokens) -> None:
        """Sort the vocabulary once."""
        texts = [tokens.text(i).strip(b" ") for i in range(tokens.size)]

        def those(first: bytes, rest: bytes) -> Tensor:
            return _packed(
                t[:1] in [first[i : i + 1] for i in range(len(first))]
                and not t[1:].strip(rest)
                for t in texts
            )

        self.stop = _packed(i in tokens.ends for i in range(tokens.size))
        self.string = those(b'"', b"]}")  # closes a string and perhaps more
        self.bracket = those(b"]}", b"]}")  # closes an object or array
        self.comma = those(b",", b' "')  # ends a number, goes on to what must follow

    def among(self, allowed: Tensor, *, in_string: bool) -> Tensor:
        """Narrow `allowed` to what ends soonest, where there is any."""
        inner = (self.string,) if in_string else (self.bracket, self.comma)
        for wanted in (self.stop, *inner):
            both: Tensor = allowed & wanted
            if both.any():
                return both
        return allowed


class Constraint:
    """One answer's way through its grammar."""

    def __init__(self, matcher: "LLMatcher", tokens: Tokens, endings: Endings) -> None:
        """`matcher` stands at the start of the text."""
        self._matcher = matcher
        self._tokens = tokens
        self._endings = endings
        self._in_string = _InString()
        self._ids: list[int] = []
        self._ending = False
        self._due = 0  # how many tokens may be left when the end is next estimated

    def allowed(self, left: int) -> Tensor:
        """Bit mask of the tokens that may come next, with room for `left` more."""
        mask = _mask(self._matcher, self._tokens.size)
        self._ending = self._ending or self._must_end(left)
        if self._ending:
            mask = self._endings.among(mask, in_string=bool(self._in_string))
        return mask

    def accept(self, token_id: int) -> bool:
        """Take the token; tell whether the text is complete."""
        self._matcher.consume_token(token_id)
        self._in_string.read(self._tokens.text(token_id))
        self._ids.append(token_id)
        return self._matcher.is_stopped()

    @property
    def problem(self) -> str:
        """Why the grammar cannot be followed any further, mostly empty."""
        if not self._matcher.is_error():
            return ""
        reason = self._matcher.get_error().split("\n", maxsplit=1)[0]
        if reason == _NOWHERE:
            return "the JSON schema cannot be enforced: nothing it allows ever ends"
        return f"the JSON schema is too complex to be enforced: {reason}"

    def _must_end(self, left: int) -> bool:
        if len(self._ids) % EVERY == 0 and _repeats(self._ids):
            return True
        if left > LONGEST + MARGIN or (self._due and left > self._due):
            return False
        shortest = self._shortest(min(LONGEST, 2 * left + MARGIN))
        if shortest is None:
            self._due = left - EVERY
            return False
        # the ending grows by about one token a token until the next look
        self._due = max(left - EVERY, shortest + MARGIN)
        return left <= shortest + MARGIN

    def _shortest(self, most: int) -> int | None:
        """Tokens to the nearest end, found by walking there; None: more than that."""
        matcher = self._matcher.deep_copy()
        in_string = self._in_string.copy()
        for count in range(most):
            if matcher.is_stopped():
                return count
            mask = _mask(matcher, self._tokens.size)
            token = _first(self._endings.among(mask, in_string=bool(in_string)))
            matcher.consume_token(token)
            in_string.read(self._tokens.text(token))
        return None


class _InString:
    """Whether JSON text that was read so far ends inside a string."""

    def __init__(self, *, inside: bool = False, escaped: bool = False) -> None:
        self._inside = inside
        self._escaped = escaped

    def copy(self) -> "_InString":
        return _InString(inside=self._inside, escaped=self._escaped)

    def read(self, data: bytes) -> None:
        for byte in data:
            if self._escaped:
                self._escaped = False
            elif byte == ord('"'):
                self._inside = not self._inside
            elif byte == ord("\\"):
                self._escaped = self._inside

    def __bool__(self) -> bool:
        return self._inside


def unpacked(masks: Tensor, size: int) -> Tensor:
    """Bit masks (B, ⌈V/32⌉) as booleans (B, V), on the masks' device."""
    bits = (masks[:, :, None] >> _BITS.to(masks.device)) & 1  # (B, ⌈V/32⌉, 32)
    return bits.bool().flatten(1)[:, :size]


def _mask(matcher: "LLMatcher", size: int) -> Tensor:
    mask = torch.zeros((size + 31) // 32, dtype=torch.int32)
    matcher.unsafe_compute_mask_ptr(mask.data_ptr(), mask.numel() * 4)
    return mask


def _packed(flags: Iterable[bool]) -> Tensor:
    bits = np.fromiter(flags, bool)
    bits = np.concatenate([bits, np.zeros(-len(bits) % 32, bool)])
    return torch.from_numpy(np.packbits(bits, bitorder="little").view(np.int32))


def _first(mask: Tensor) -> int:
    return int(unpacked(mask[None], mask.numel() * 32)[0].int().argmax())


def _repeats(ids: list[int]) -> bool:
    tail = ids[-STUCK:]
    return len(tail) == STUCK and any(
        tail[period:] == tail[:-period] for period in range(1, PERIODS + 1)
    )
