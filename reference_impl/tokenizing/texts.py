"""Texts and pairs to what an encoder reads, cut and measured in tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from transformers import PreTrainedTokenizerBase

from aios_conformance.serving.engine import EngineError, Sampling, TooLong

FIRST: Final = 4 * 1024  # characters that are read of a text before all others
MOST: Final = 1024 * 1024  # that are read of one, unless a model's limit needs more
_SPARE: Final = 128  # tokens at the end of a part that the rest may change


@dataclass(frozen=True, slots=True)
class Encoding:
    """One tokenized text or pair."""

    ids: list[int]
    types: list[int] | None = None  # segment numbers, where the model uses them


@dataclass(frozen=True, slots=True)
class TokenizedPair:
    """Two texts, and both as a cross-encoder reads them."""

    first: str
    second: str
    encoding: Encoding


def encoding(
    tokenizer: PreTrainedTokenizerBase,
    text: str | Sequence[int],
    other: str | None,
    *,
    limit: int,
    truncate: int | None,
) -> Encoding:
    """Encode a text, a text with another, or token ids, which are taken as they are.

    `truncate` keeps that many tokens at most, special ones included. Raises TooLong
    when more than `limit` remain.
    """
    short = True
    if isinstance(text, str):
        wanted = limit + 1 if truncate is None else min(truncate, limit + 1)
        begun = beginning(tokenizer, text, wanted)
        also = other if other is None else beginning(tokenizer, other, wanted)
        short = begun is text and also is other
        read = tokenizer(begun, also, verbose=False)
        ids, types = list(read["input_ids"]), read.get("token_type_ids")
        if truncate is not None and len(ids) > truncate:
            kept = _kept(read.sequence_ids(), truncate)
            ids = [ids[place] for place in kept]
            types = types and [types[place] for place in kept]
    else:
        ids, types = list(text), None
        in_vocabulary(ids, len(tokenizer))
        if "token_type_ids" in tokenizer.model_input_names:
            types = [0] * len(ids)
    ids = ids[:truncate]
    if len(ids) > limit:
        raise TooLong(len(ids) if short else limit + 1, limit, least=not short)
    return Encoding(ids, None if types is None else list(types)[: len(ids)])


def _kept(texts: Sequence[int | None], most: int) -> list[int]:
    """Return the places of the tokens that are kept: the longer text gives way.

    `texts` says which text each token is of, None for what is put around them. A
    tokenizer's own truncation also makes every piece that could be cut off, and for a
    pair every pair of these.
    """
    lengths = [texts.count(0), texts.count(1)]
    room = most - texts.count(None)
    if room <= 0:
        return list(range(len(texts)))
    shorter = lengths.index(min(lengths))
    left = [min(length, room // 2) for length in lengths]
    left[1 - shorter] = room - left[shorter]
    kept = []
    for place, of in enumerate(texts):
        if of is not None:
            left[of] -= 1
        if of is None or left[of] >= 0:
            kept.append(place)
    return kept


def beginning(tokenizer: PreTrainedTokenizerBase, text: str, tokens: int) -> str:
    """Return a text, or a part of it that begins with the same tokens, so many.

    Each character takes time and memory, also of a text that is far too long. As none
    but the last tokens of a part depend on what follows it, a part of twice the tokens
    is enough. Raises EngineError for a text that goes on and on without tokens.
    """
    size = FIRST + 10 * tokens
    while size < len(text):
        part = text[:size]
        if _count(tokenizer, part) > 2 * tokens + _SPARE:
            return part
        if size >= max(MOST, 40 * tokens):
            raise EngineError(
                f"a text has {len(text)} characters, but hardly any tokens in the "
                f"first {size}; no more are read of it"
            )
        size *= 4
    return text


def whole(
    tokenizer: PreTrainedTokenizerBase, text: str, limit: int, *, special: bool
) -> list[int]:
    """Return the token ids of a text; raises TooLong for certainly more than a limit.

    `special` puts those before and behind it that the model wants.
    """
    if beginning(tokenizer, text, limit + 1) is not text:
        raise TooLong(limit + 1, limit, least=True)
    return list(tokenizer(text, add_special_tokens=special)["input_ids"])


def _count(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    read = tokenizer(text, add_special_tokens=False, verbose=False)
    return len(read["input_ids"])


def fitting(
    prompt: Sequence[int], size: int, context: int, sampling: Sampling | None = None
) -> list[int]:
    """Return a prompt that a model can take, with room for what is to be sampled.

    Raises TooLong, and EngineError for a token id outside the vocabulary.
    """
    ids = list(prompt)
    in_vocabulary(ids, size)
    needed = len(ids) + (sampling.max_tokens if sampling else 0)
    if needed > context:
        raise TooLong(needed, context)
    return ids


def in_vocabulary(ids: Iterable[int], size: int) -> None:
    """Raise EngineError for a token id that a vocabulary of a size does not have."""
    for token_id in ids:
        if not 0 <= token_id < size:
            raise EngineError(f"token id {token_id} is outside the model's vocabulary")
