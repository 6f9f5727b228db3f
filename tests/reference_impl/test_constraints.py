"""Constrained text satisfies its schema, whatever the model and however short."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import jsonschema
import pytest
from reference_engines import GREEDY, Tiny, text, tokens

from aios_conformance.reference_impl.transformers_engine import constraints
from aios_conformance.reference_impl.transformers_engine.engine import (
    TransformersEngine,
)
from aios_conformance.serving.engine import EngineError

Run = Callable[..., Any]

CALL = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "name": {"const": "get_weather"},
                "arguments": {
                    "type": "object",
                    "properties": {
                        "location": {"type": "string"},
                        "unit": {"enum": ["C", "F"]},
                        "days": {"type": "integer", "minimum": 1, "maximum": 14},
                    },
                    "required": ["location", "unit"],
                    "additionalProperties": False,
                },
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
    ]
}
SCHEMAS: dict[str, Any] = {
    "call": CALL,
    "object": {"type": "object"},
    "anything": {},
    "strings": {"type": "array", "items": {"type": "string"}, "minItems": 2},
    "number": {"type": "number"},
    "string": {"type": "string", "minLength": 5},
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
    "nested": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["value"],
                "additionalProperties": False,
            }
        },
    },
    "itself": {
        "type": "object",
        "properties": {"v": {"type": "integer"}, "next": {"$ref": "#"}},
        "required": ["v"],
        "additionalProperties": False,
    },
    "foreign format": {
        "type": "object",
        "properties": {"format": {"type": "string", "format": "phone"}},
        "required": ["format"],
        "additionalProperties": False,
    },
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_text_satisfies_the_schema(run: Run, name: str) -> None:
    schema = SCHEMAS[name]

    async def several(engine: TransformersEngine) -> Any:
        prompt = engine.encode("text", "json please: ")
        return await asyncio.gather(
            tokens(engine, prompt, 120, schema=schema, **GREEDY),
            *(tokens(engine, prompt, 120, schema=schema, seed=i) for i in range(5)),
        )

    for generated in run(several):
        assert len(generated) < 120
        value = json.loads(text(generated))
        jsonschema.validate(value, schema)


def test_free_and_constrained_requests_share_a_batch(run: Run, tiny: Tiny) -> None:
    prompt = tiny.text.vocabulary.encode("a b c ")

    async def both(engine: TransformersEngine) -> Any:
        alone = await tokens(engine, prompt, 15, **GREEDY)
        return alone, *await asyncio.gather(
            tokens(engine, prompt, 15, **GREEDY),
            tokens(engine, prompt, 90, schema=CALL, seed=1),
        )

    alone, free, constrained = run(both)
    assert [t.id for t in alone] == [t.id for t in free]
    jsonschema.validate(json.loads(text(constrained)), CALL)


def test_a_limit_below_the_shortest_answer_cuts_it_off(run: Run) -> None:
    async def one(engine: TransformersEngine) -> Any:
        prompt = engine.encode("text", "x")
        return await tokens(engine, prompt, 10, schema=CALL)

    generated = run(one)
    assert len(generated) == 10
    assert text(generated).startswith('{"name": ')


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"type": "strin"}, "strin"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"const": "a" * 10**6}, "at most 1000000"),
        ({"$ref": "#"}, "nothing it allows ever ends"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#"}}}, "ever ends"),
    ],
)
def test_what_cannot_be_enforced_is_refused(
    run: Run, schema: dict[str, Any], word: str
) -> None:
    async def one(engine: TransformersEngine) -> Any:
        return await tokens(engine, engine.encode("text", "x"), 10, schema=schema)

    with pytest.raises(EngineError, match=word):
        run(one)


def test_an_end_that_is_too_far_is_seldom_looked_for(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tiny.text.grammars.constraint({"type": "string", "minLength": 10**9})
    step = Mock(wraps=constraints._mask)
    monkeypatch.setattr(constraints, "_mask", step)
    for left in range(400, 300, -1):
        far.allowed(left)
    assert 400 < step.call_count < 100 * 400 / constraints.EVERY + 1000


def test_text_that_only_repeats_itself_is_closed(run: Run, tiny: Tiny) -> None:
    """A model that would write one letter for ever inside a string."""
    letter = tiny.text.vocabulary.encode("x")[0]

    async def stuck(engine: TransformersEngine) -> Any:
        prompt = engine.encode("text", "x")
        return await tokens(
            engine,
            prompt,
            240,
            schema={"type": "string"},
            logit_bias={letter: 100.0},
            **GREEDY,
        )

    generated = run(stuck)
    assert 64 < len(generated) < 90
    assert set(json.loads(text(generated))) == {"x"}


@pytest.mark.parametrize("levels", [1_000, 4_900])
def test_a_long_chain_of_references_does_not_end_the_process(
    tiny: Tiny, levels: int
) -> None:
    defs: dict[str, Any] = {
        f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}]} for n in range(levels)
    }
    defs[f"d{levels}"] = {"type": "object"}
    tiny.text.grammars.constraint({"$defs": defs, "$ref": "#/$defs/d0"})
