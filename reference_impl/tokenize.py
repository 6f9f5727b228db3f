"""Texts and pairs to what an encoder reads, cut and measured in tokens."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

from aios_conformance.reference_impl.encode import Encoding
from aios_conformance.serving.engine import EngineError, TooLong


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
        if bad := [i for i in ids if not 0 <= i < len(tokenizer)]:
            raise EngineError(f"token id {bad[0]} is outside the model's vocabulary")
        if "token_type_ids" in tokenizer.model_input_names:
            types = [0] * len(ids)
    ids = ids[:truncate]
    if len(ids) > limit:
        raise TooLong(len(ids), limit)
    return Encoding(ids, None if types is None else list(types)[: len(ids)])
