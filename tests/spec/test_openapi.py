"""The OpenAPI documents say what the documents say, in a form that tools can use."""

from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import DataObject, data, sampled_from
from openapi_spec_validator import validate
from openapi_walk import compiled, nodes, operation, resolve

from aios_conformance import spec

DOCUMENTS = {
    "aios": {"000", "001"},
    "infinity": {"002"},
    "aigne-hub": {"003"},
    "aihubmix": {"004"},
}

EXTENSIONS = {
    "x-source",
    "x-requirements",
    "x-missing",
    "x-promises",
    "x-refusal",
    "x-either",
    "x-should",
    "x-safe",
    "x-needs",
    "x-absent",
    "x-invalid",
    "x-bounds",
    "x-smallest",
    "x-title",
    "x-prefix",
    "x-answer-id",
    "x-served-by",
    "x-models",
    "x-max-tokens-per-input",
    "x-max-tokens-per-request",
}

# path, operationId, tag, request schema, 200 schema
OPERATIONS: dict[str, list[tuple[str, str, str, str | None]]] = {
    "aios": [
        ("POST /rerank", "rerank", "rerank", "Rerank"),
        ("POST /v1/rerank", "rerankV1", "rerank", "Rerank"),
        ("POST /v2/rerank", "rerankV2", "rerank", "Rerank"),
        ("POST /score", "score", "score", "Score"),
        ("POST /v1/score", "scoreV1", "score", "Score"),
        (
            "POST /v1/chat/completions",
            "createChatCompletion",
            "chat",
            "ChatCompletion",
        ),
        ("POST /v1/completions", "createCompletion", "completions", "Completion"),
        ("POST /v1/embeddings", "createEmbedding", "embeddings", "Embedding"),
    ],
    "infinity": [
        ("GET /v1/models", "listModels", "models", None),
        ("POST /v1/embeddings", "createEmbedding", "embeddings", "Embedding"),
    ],
    "aigne-hub": [
        ("POST /api/embeddings", "createEmbedding", "embeddings", "Embedding")
    ],
    "aihubmix": [("POST /v1/embeddings", "createEmbedding", "embeddings", "Embedding")],
}

# The Required column of 001: the lines of the ticked and of the crossed rows.
TICKED = {
    "RerankRequest": {"model": 40, "query": 41, "documents": 42},
    "ScoreRequest": {"model": 136, "text_1": 138, "text_2": 140},
    "ChatCompletionRequest": {"model": 238, "messages": 239},
    "CompletionRequest": {"model": 396, "prompt": 404},
    "EmbeddingRequest": {"model": 612, "input": 613},
}
CROSSED = {
    "RerankRequest": {"top_n": 43, "truncate_prompt_tokens": 44},
    "ScoreRequest": {"encoding_format": 137, "truncate_prompt_tokens": 142},
    "ChatCompletionRequest": {
        "frequency_penalty": 240,
        "logit_bias": 241,
        "logprobs": 242,
        "max_completion_tokens": 243,
        "max_tokens": 244,
        "n": 245,
        "presence_penalty": 246,
        "seed": 247,
        "stop": 248,
        "stream": 249,
        "stream_options": 250,
        "temperature": 251,
        "tool_choice": 252,
        "tools": 256,
        "top_logprobs": 259,
        "top_p": 263,
    },
    "CompletionRequest": {
        "echo": 412,
        "frequency_penalty": 420,
        "logit_bias": 428,
        "logprobs": 436,
        "max_completion_tokens": 444,
        "max_tokens": 452,
        "n": 460,
        "presence_penalty": 468,
        "seed": 476,
        "stop": 484,
        "stream": 492,
        "stream_options": 500,
        "temperature": 508,
        "top_p": 516,
    },
    "EmbeddingRequest": {"encoding_format": 614, "truncate_prompt_tokens": 615},
}

# Rows on fields that no node of a schema can hold, with the reason.
NOT_IN_A_NODE = {
    "COMMON-REQ-003": "other methods",
    "COMMON-REQ-005": "a header that changes nothing",
    "COMMON-REQ-007": "nothing to describe: no path parameters",
    "COMMON-REQ-008": "nothing to describe: no query parameters",
    "COMMON-REQ-009": "the base URL",
    "COMMON-REQ-010": "the scheme",
    "COMMON-REQ-011": "the required lists themselves",
    "COMMON-REQ-012": "the required lists themselves",
    "COMMON-REQ-015": "any text of any field",
    "COMMON-REQ-016": "members that no table lists",
    "COMMON-RES-004": "members that no table lists",
    "COMMON-RES-008": "compares answer and request",
    "COMMON-RES-010": "arithmetic",
    "RERANK-REQ-019": "kinds of models",
    "RERANK-RES-002": "left open on purpose (A-033)",
    "RERANK-RES-003": "left open on purpose (A-033)",
    "RERANK-RES-007": "depends on the input",
    "RERANK-RES-009": "left out on purpose (A-032)",
    "RERANK-RES-012": "compares items",
    "RERANK-RES-013": "compares answer and request",
    "RERANK-RES-016": "compares answer and request",
    "RERANK-RES-018": "a tolerance, and the kind of model (x-bounds)",
    "RERANK-RES-019": "left out on purpose (A-052)",
    "SCORE-REQ-003": "nothing to describe: no such path",
    "SCORE-REQ-021": "kinds of models",
    "SCORE-RES-009": "a tolerance, and the kind of model (x-bounds)",
    "SCORE-RES-014": "a usual value, not a bound",
    "CHAT-REQ-002": "nothing to describe: no such path",
    "CHAT-REQ-056": "an example",
    "CHAT-RES-010": "a freedom: null is allowed beside tool calls",
    "CHAT-RES-016": "depends on streaming",
    "COMP-REQ-040": "left out on purpose",
    "EMB-REQ-002": "left out on purpose (A-119)",
    "EMB-REQ-017": "left out on purpose (A-128)",
    "EMB-RES-009": "depends on the request",
    "EMB-RES-010": "depends on the model",
    "EMB-RES-015": "a usual value, not a bound",
    "INF-RES-018": "reported only",
    "INF-RES-027": "left out on purpose (A-141)",
    "AIGNE-RES-003": "compares answer and request",
    "AHM-RES-003": "compares answer and request",
}


def each_operation() -> list[Any]:
    return [
        pytest.param(dialect, *row, id=f"{dialect} {row[0]}")
        for dialect, rows in OPERATIONS.items()
        for row in rows
    ]


@pytest.fixture(params=spec.DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_document_is_valid_openapi(dialect: str) -> None:
    document = spec.openapi(dialect)
    assert document["openapi"] == "3.1.0"
    assert document["servers"][0]["url"] == "/"
    validate(document)


def test_a_document_serves_the_documented_operations_only(dialect: str) -> None:
    paths = spec.openapi(dialect)["paths"]
    served = {f"{method.upper()} {path}" for path in paths for method in paths[path]}
    assert served == {name for name, *_ in OPERATIONS[dialect]}


@pytest.mark.parametrize(
    ("dialect", "name", "identifier", "tag", "schema"), each_operation()
)
def test_an_operation_is_described(
    dialect: str, name: str, identifier: str, tag: str, schema: str | None
) -> None:
    document = spec.openapi(dialect)
    found = operation(document, name)
    assert (found["operationId"], found["tags"]) == (identifier, [tag])
    assert "parameters" not in found
    whole = resolve(document, found["responses"]["200"])["content"]["application/json"]
    if schema is None:
        assert "requestBody" not in found
        return
    assert whole["schema"] == {"$ref": f"#/components/schemas/{schema}Response"}
    body = resolve(document, found["requestBody"])
    assert body["required"] is True
    assert list(body["content"]) == ["application/json"]
    assert body["content"]["application/json"]["schema"] == {
        "$ref": f"#/components/schemas/{schema}Request"
    }


def test_aios_documents_its_errors_and_no_authentication() -> None:
    document = spec.openapi()
    assert document["security"] == []
    for name, *_ in OPERATIONS["aios"]:
        responses = operation(document, name)["responses"]
        assert set(responses) == {"200", "400", "422", "500", "default"}


@pytest.mark.parametrize(
    ("dialect", "level"), [("aigne-hub", "SHOULD"), ("aihubmix", "MUST")]
)
def test_a_dialect_with_keys_asks_for_a_bearer_key(dialect: str, level: str) -> None:
    document = spec.openapi(dialect)
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert document["security"] == [{"bearer": []}]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert scheme.get("x-refusal", "MUST") == level


def test_every_schema_compiles(dialect: str) -> None:
    document = spec.openapi(dialect)
    for name in document["components"]["schemas"]:
        compiled(document, name)


def test_every_node_has_the_known_extensions_only(dialect: str) -> None:
    used = {key for node in nodes(spec.openapi(dialect)) for key in node}
    assert {key for key in used if key.startswith("x-")} <= EXTENSIONS


def test_every_source_line_is_a_line_of_the_dialects_own_documents(
    dialect: str,
) -> None:
    sources = spec.sources()
    cited = [
        ref for node in nodes(spec.openapi(dialect)) for ref in node.get("x-source", ())
    ]
    assert cited
    for reference in cited:
        document, line = reference.split(":")
        assert document in DOCUMENTS[dialect], reference
        assert int(line) in sources[document].line_hashes, reference


def requirement_ids(dialect: str) -> set[str]:
    keys = ("x-requirements", "x-missing", "x-promises")
    return {
        identifier
        for node in nodes(spec.openapi(dialect))
        for key in keys
        for identifier in node.get(key, ())
    }


def test_every_named_requirement_is_one_of_the_dialect(dialect: str) -> None:
    known = {row.id for row in spec.requirements(dialect)}
    assert requirement_ids(dialect) <= known


def test_every_requirement_on_a_field_stands_at_its_field(dialect: str) -> None:
    on_fields = {
        row.id
        for row in spec.requirements(dialect)
        if "-REQ-" in row.id or "-RES-" in row.id
    }
    assert on_fields - requirement_ids(dialect) == on_fields & set(NOT_IN_A_NODE)


def test_every_property_is_described_and_sourced(dialect: str) -> None:
    document = spec.openapi(dialect)
    for name, schema in document["components"]["schemas"].items():
        for member, each in schema.get("properties", {}).items():
            where = f"{name}.{member}"
            if (
                "x-source" in schema
                and "x-requirements" not in each
                and "$ref" not in each
            ):
                continue  # a shape of OpenAI's API, sourced as a whole
            found = resolve(document, each)
            assert found.get("description"), where
            if "x-source" in schema:
                assert found.get("x-source"), where


@pytest.mark.parametrize("schema", TICKED)
def test_required_members_are_the_ticked_rows_of_001(schema: str) -> None:
    found = spec.openapi()["components"]["schemas"][schema]
    assert set(found["required"]) == set(TICKED[schema])
    assert set(found["properties"]) == set(TICKED[schema]) | set(CROSSED[schema])


def test_refusal_levels_and_free_values_are_well_formed(dialect: str) -> None:
    document = spec.openapi(dialect)
    rooted = {"components": document["components"]}
    for node in nodes(document):
        assert node.get("x-refusal", "SHOULD") in {"SHOULD", "MAY"}
        assert node.get("x-absent", "warn") == node.get("x-invalid", "warn") == "warn"
        free = node.get("x-either", [])
        for value in ([] if free is True else free) + node.get("x-should", []):
            assert jsonschema_rs.is_valid(node | rooted, value), (node, value)


def each_body() -> list[Any]:
    return [row for row in each_operation() if row.values[4] is not None]


@pytest.mark.parametrize(
    ("dialect", "name", "identifier", "tag", "schema"), each_body()
)
def test_schemathesis_draws_bodies_on_both_sides_of_the_schema(
    dialect: str, name: str, identifier: str, tag: str, schema: str
) -> None:
    document = spec.openapi(dialect)
    valid = compiled(document, f"{schema}Request").is_valid
    method, path = name.split()
    drawn = schemathesis.openapi.from_dict(document)[path][method]
    bodies: list[tuple[str, bool]] = []

    @settings(
        max_examples=24,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=data())
    def draw(data: DataObject) -> None:
        mode = data.draw(sampled_from(schemathesis.GenerationMode))
        case: Any = data.draw(drawn.as_strategy(generation_mode=mode))
        parts = {
            place.value: part.mode.value for place, part in case.meta.components.items()
        }
        is_json = not isinstance(case.body, bytes)
        bodies.append((parts["body"], is_json and valid(case.body)))

    draw()
    assert set(bodies) == {("positive", True), ("negative", False)}
