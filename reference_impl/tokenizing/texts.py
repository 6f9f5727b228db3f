"""Texts and pairs to what an encoder reads, cut and measured in tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from aios_conformance.serving.engine import EngineError, Sampling, TooLong


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
    if isinstance(text, str):
        read = tokenizer(text, other)
        if truncate is not None and len(read["input_ids"]) > truncate:
            special = tokenizer.num_special_tokens_to_add(pair=other is not None)
            if truncate > special:
                read = tokenizer(text, other, truncation=True, max_length=truncate)
        ids, types = list(read["input_ids"]), read.get("token_type_ids")
    else:
        ids, types = list(text), None
        in_vocabulary(ids, len(tokenizer))
        if "token_type_ids" in tokenizer.model_input_names:
            types = [0] * len(ids)
    ids = ids[:truncate]
    if len(ids) > limit:
        raise TooLong(len(ids), limit)
    return Encoding(ids, None if types is None else list(types)[: len(ids)])


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
