"""JSON schemas to grammars over a vocabulary."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from llguidance import LLMatcher

from aios_conformance.reference_impl.schemas import LAYOUT, without_unknown_formats
from aios_conformance.reference_impl.tokenizing.vocabulary import Vocabulary
from aios_conformance.reference_impl.transformers_engine.constraints import (
    Constraint,
    Endings,
)
from aios_conformance.serving.engine import EngineError, JsonSchema

_STACK: Final = 256 * 1024 * 1024
"""Bytes of address space: references of as many subschemas as a request may have
need 64 MiB when each leads to the next, and too small a stack ends the process."""

_MOST: Final = 1_000_000  # characters: a literal of more keeps all others waiting
_STARTING: Final = threading.Lock()  # the size is that of all threads begun meanwhile


class Grammars:
    """Compiles schemas for one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Sort the vocabulary once."""
        self._vocabulary = vocabulary
        self._endings = Endings(vocabulary)

    def constraint(self, schema: JsonSchema) -> Constraint:
        """Compile a JSON schema; slow ones take up to a second.

        Raises EngineError where the schema is invalid or asks for something that
        cannot be enforced token by token (`not`, `if`, `uniqueItems`, …).
        """
        with ThreadPoolExecutor(1) as deep:
            with _STARTING:
                usual = threading.stack_size(_STACK)
                try:
                    compiled = deep.submit(self._compiled, schema)
                finally:
                    threading.stack_size(usual)
            return compiled.result()

    def _compiled(self, schema: JsonSchema) -> Constraint:
        tokens = self._vocabulary.grammars
        text = json.dumps(without_unknown_formats(schema))
        if len(text) > _MOST:
            raise EngineError(
                f"the JSON schema has {len(text)} characters, of which at most {_MOST} "
                "can be enforced"
            )
        grammar = LLMatcher.grammar_from_json_schema(text, defaults=LAYOUT)
        failed, messages = LLMatcher.validate_grammar_with_warnings(grammar, tokens)
        if failed:
            raise EngineError(f"the JSON schema cannot be enforced: {messages[0]}")
        matcher = LLMatcher(tokens, grammar, log_level=0)
        constraint = Constraint(matcher, self._vocabulary, self._endings)
        constraint.allowed(sys.maxsize)  # much is worked out when it is first asked
        if constraint.problem:
            raise EngineError(constraint.problem)
        return constraint
