"""Token ids and their text bytes, as one fast tokenizer has them."""

import sys
from collections.abc import Iterable
from typing import Any

import llguidance.hf

from aios_conformance.reference_impl.tokenizing.texts import whole


class Vocabulary:
    """A fast tokenizer's ids with their bytes, padded to the model's logits."""

    def __init__(self, tokenizer: Any, size: int, ends: Iterable[int]) -> None:
        """`tokenizer` is a fast one, `size` the model's V, `ends` its final ids."""
        self.ends = frozenset(ends)
        self.size = size
        self._tokenizer = tokenizer
        start = tokenizer.bos_token_id
        self._start = min(self.ends) if start is None else int(start)
        added = tokenizer.added_tokens_decoder
        special = {i for i, t in added.items() if t.special}
        special |= set(tokenizer.all_special_ids)
        self._spelled: dict[int, bytes] = {
            i: added[i].content.encode() for i in special if i in added
        }
        self.grammars = llguidance.hf.from_tokenizer(
            tokenizer, n_vocab=size, eos_token=sorted(self.ends)
        )
        self._data = [
            b""
            if i in special or i >= len(tokenizer)
            else self.grammars.decode_bytes([i])
            for i in range(size)
        ]

    def encode(self, text: str, limit: int = sys.maxsize) -> list[int]:
        """Token ids of a plain prompt, with the model's own special tokens.

        An empty prompt is the token that begins a text: a model needs one to read.
        Raises TooLong for far more than `limit` tokens.
        """
        return whole(self._tokenizer, text, limit, special=True) or [self._start]

    def data(self, token_id: int) -> bytes | None:
        """Text bytes, those that spell it for a special one; None: there is no such."""
        if 0 <= token_id < min(self.size, len(self._tokenizer)):
            return self._spelled.get(token_id, self._data[token_id])
        return None

    def text(self, token_id: int) -> bytes:
        """Text bytes of an id that the model chose (padding ids have none)."""
        return self._data[token_id]
