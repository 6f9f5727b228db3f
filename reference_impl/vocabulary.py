"""Token ids, their text bytes, and the grammars that constrain them."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import llguidance.hf
from llguidance import LLMatcher

from aios_conformance.reference_impl.constraints import Constraint, Endings
from aios_conformance.serving.engine import EngineError, JsonSchema

# Compact separators as models write them, and no free whitespace: a weak model
# would otherwise fill its limit with line breaks, which every JSON grammar allows.
LAYOUT: Any = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
}

# `format` is an annotation in JSON Schema: a format without a grammar is dropped,
# any other keyword that cannot be honoured is an error.
FORMATS = frozenset(
    (
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "uuid",
        "uri",
    )
)
DATA = frozenset(("const", "default", "enum", "example", "examples"))


class Vocabulary:
    """A fast tokenizer's ids with their bytes, padded to the model's logits."""

    def __init__(self, tokenizer: Any, size: int, ends: Iterable[int]) -> None:
        """`tokenizer` is a fast one, `size` the model's V, `ends` its final ids."""
        self.ends = frozenset(ends)
        self.size = size
        self._tokenizer = tokenizer
        start = tokenizer.bos_token_id
        self._start = min(self.ends) if start is None else int(start)
        special = {
            i for i, t in tokenizer.added_tokens_decoder.items() if t.special
        } | set(tokenizer.all_special_ids)
        self._grammars = llguidance.hf.from_tokenizer(
            tokenizer, n_vocab=size, eos_token=sorted(self.ends)
        )
        self._data = [
            b""
            if i in special or i >= len(tokenizer)
            else self._grammars.decode_bytes([i])
            for i in range(size)
        ]
        self._endings = Endings(self)

    def encode(self, text: str) -> list[int]:
        """Token ids of a plain prompt, with the model's own special tokens.

        An empty prompt is the token that begins a text: a model needs one to read.
        """
        return list(self._tokenizer(text)["input_ids"]) or [self._start]

    def data(self, token_id: int) -> bytes | None:
        """Text bytes, empty for special tokens; None outside the vocabulary."""
        if 0 <= token_id < min(self.size, len(self._tokenizer)):
            return self._data[token_id]
        return None

    def text(self, token_id: int) -> bytes:
        """Text bytes of an id that the model chose (padding ids have none)."""
        return self._data[token_id]

    def constraint(self, schema: JsonSchema) -> Constraint:
        """Compile a JSON schema; slow ones take up to a second.

        Raises EngineError where the schema is invalid or asks for something that
        cannot be enforced token by token (`not`, `if`, `uniqueItems`, …).
        """
        text = json.dumps(_without_unknown_formats(schema))
        grammar = LLMatcher.grammar_from_json_schema(text, defaults=LAYOUT)
        failed, messages = LLMatcher.validate_grammar_with_warnings(
            grammar, self._grammars
        )
        if failed:
            raise EngineError(f"the JSON schema cannot be enforced: {messages[0]}")
        matcher = LLMatcher(self._grammars, grammar, log_level=0)
        return Constraint(matcher, self, self._endings)


def _without_unknown_formats(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: value if key in DATA else _without_unknown_formats(value)
            for key, value in schema.items()
            if not (key == "format" and isinstance(value, str) and value not in FORMATS)
        }
    if isinstance(schema, list | tuple):
        return [_without_unknown_formats(item) for item in schema]
    return schema
