"""Constrained text satisfies its schema, or the schema is refused."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aios_conformance.mockserver.model.engine import MockEngine
from aios_conformance.mockserver.model.schema_text import write_json
from aios_conformance.serving.engine import EngineError, Sampling

FORMATS = (
    *("date-time", "date", "time", "duration", "email", "hostname", "uri", "uuid"),
    *("uri-reference", "ipv4", "ipv6", "regex", "json-pointer"),
)

SATISFIABLE: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("satisfiable.yaml").read_bytes()
)


def test_the_table_holds_valid_schemas() -> None:
    for schema in SATISFIABLE.values():
        assert jsonschema_rs.meta.is_valid(schema)


@pytest.mark.parametrize("name", SATISFIABLE)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_text_satisfies_its_schema(name: str, seed: int) -> None:
    schema = SATISFIABLE[name]
    value = json.loads(write_json(schema, seed))
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(value)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (False, "allows nothing"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "from 5 to 4"),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, "no type"),
        ({"allOf": [{"const": 1}, {"const": 2}]}, "no listed value"),
        ({"type": "array", "minItems": 3, "maxItems": 2}, "array of 3 items"),
        (
            {"items": {"enum": [1]}, "minItems": 2, "uniqueItems": True},
            "different items",
        ),
        ({"not": {}}, "no JSON text"),
        ({"type": "string", "minLength": 9, "maxLength": 3}, "characters"),
        ({"type": "string", "pattern": "^(?=x)y$"}, "look-around"),
        (
            {
                "properties": {
                    "a": {
                        "items": {
                            "type": "integer",
                            "multipleOf": 9,
                            "minimum": 1,
                            "maximum": 2,
                        },
                        "minItems": 1,
                    }
                },
                "required": ["a"],
            },
            "schema: /a/0: no multiple of 9 lies from 1 to 2",
        ),
        (
            {"properties": {"a": {"enum": ["x"], "pattern": "z"}}, "required": ["a"]},
            'schema: /a: "x" does not match',
        ),
        ({"$ref": "#/$defs/nowhere"}, "nowhere"),
        ({"type": "text"}, "not valid"),
        (
            {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
            "endless",
        ),
        ({"$ref": "#"}, "itself"),
        ({"$ref": "https://example.com/other.json"}, "other.json"),
    ],
)
def test_what_cannot_be_satisfied_is_a_clear_error(schema: Any, reason: str) -> None:
    with pytest.raises(EngineError, match=reason):
        write_json(schema, 0)


scalars = st.sampled_from(
    [
        {"type": "null"},
        {"type": "boolean"},
        {"type": "string"},
        {"enum": [1, "two"]},
        {"const": "x"},
        {"type": "string", "pattern": "^[a-c]{2,4}$"},
    ]
) | st.builds(
    lambda low, room, whole: {
        "type": "integer" if whole else "number",
        "minimum": low,
        "maximum": low + room,
    },
    st.integers(-1_000, 1_000),
    st.integers(0, 50),
    st.booleans(),
)


def _objects(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from("abcde")
    return st.builds(
        lambda properties, required, closed: {
            "type": "object",
            "properties": properties,
            "required": sorted(required & set(properties)),
            **({"additionalProperties": False} if closed else {}),
        },
        st.dictionaries(names, children, max_size=4),
        st.sets(names),
        st.booleans(),
    )


schemas = st.recursive(
    scalars,
    lambda children: st.one_of(
        _objects(children),
        st.builds(
            lambda items, low, room: {
                "type": "array",
                "items": items,
                "minItems": low,
                "maxItems": low + room,
            },
            children,
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(children, min_size=1)),
        st.builds(lambda part, more: {"allOf": [part, more]}, children, st.just({})),
    ),
    max_leaves=12,
)


@given(schemas, st.integers(0, 3))
@settings(max_examples=150)
def test_generated_schemas_are_satisfied(schema: Any, seed: int) -> None:
    value = json.loads(write_json(schema, seed))
    jsonschema_rs.validator_for(schema).validate(value)


def test_the_engine_says_the_text_whatever_the_sampling_and_then_ends() -> None:
    engine = MockEngine()
    name = engine.models[0].name
    schema = SATISFIABLE["recursion"]
    for options in ({}, {"logit_bias": {ord("{"): -100}}, {"frequency_penalty": 2.0}):
        sampling = Sampling(2_000, schema=schema, top_logprobs=2, **options)
        tokens = list(engine.decode(name, engine.encode(name, "x"), sampling))
        text = b"".join(token.data for token in tokens)
        jsonschema_rs.validator_for(schema).validate(json.loads(text))
        assert tokens[-1].end
        assert all(token.logprob is not None and token.logprob <= 0 for token in tokens)
    cut = list(engine.decode(name, [1], Sampling(3, schema=schema)))
    assert len(cut) == 3


def test_seeds_vary_the_text_unless_it_is_greedy() -> None:
    engine = MockEngine()
    name = engine.models[0].name

    def said(seed: int, temperature: float) -> bytes:
        sampling = Sampling(
            200, temperature=temperature, seed=seed, schema={"type": "string"}
        )
        return b"".join(t.data for t in engine.decode(name, [1], sampling))

    assert len({said(seed, 1.0) for seed in range(8)}) > 4
    assert len({said(seed, 0.0) for seed in range(8)}) == 1


KEYWORDS = {
    "type": st.sampled_from(["object", "array", "string", "integer", "number", "null"]),
    "minimum": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "exclusiveMaximum": st.integers(-(10**400), 10**400),
    "multipleOf": st.floats(1e-300, 1e300),
    "minLength": st.integers(0, 10**6),
    "minItems": st.integers(0, 10**6),
    "maxItems": st.integers(0, 10),
    "minProperties": st.integers(0, 10**6),
    "uniqueItems": st.booleans(),
    "pattern": st.sampled_from(
        ["(a{900}){900}", "^(?!x)", "[^\\x00-\\x7f]", "\\p{L}", "(", "(?P<n>a)(?P=n)"]
    )
    | st.text(alphabet="ab^$[](){}|*+?.\\d-,0", max_size=8),
    "format": st.sampled_from(FORMATS) | st.text(max_size=3),
    "enum": st.lists(st.none() | st.integers() | st.text(max_size=2), max_size=3),
    "required": st.lists(st.text(max_size=2), unique=True, max_size=3),
    "$ref": st.sampled_from(["#", "#/properties/a", "#/nowhere", "x.json", "##"]),
}


def _wild(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    nested = {
        "properties": st.dictionaries(st.sampled_from("ab"), children, max_size=2),
        "items": children,
        "anyOf": st.lists(children, min_size=1, max_size=2),
        "oneOf": st.lists(children, min_size=1, max_size=2),
        "allOf": st.lists(children, min_size=1, max_size=2),
        "not": children,
        "if": children,
        "then": children,
        "additionalProperties": children,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), children),
        "propertyNames": children,
        "contains": children,
    }
    return st.fixed_dictionaries({}, optional={**KEYWORDS, **nested})


wild = st.recursive(
    st.booleans() | st.fixed_dictionaries({}, optional=KEYWORDS), _wild, max_leaves=6
)


@given(wild)
@settings(max_examples=60, deadline=None)
def test_any_schema_is_satisfied_or_refused(schema: Any) -> None:
    try:
        text = write_json(schema, 0)
    except EngineError:
        return
    jsonschema_rs.validator_for(schema).validate(json.loads(text))


def test_a_deeply_nested_schema_is_refused() -> None:
    schema: Any = {"type": "string"}
    for _ in range(3_000):
        schema = {"allOf": [schema]}
    with pytest.raises(EngineError):
        write_json(schema, 0)
