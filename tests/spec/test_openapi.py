"""The OpenAPI documents say what the documents say, in a form that tools can use."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
import yaml
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

SAID: dict[str, Any] = yaml.safe_load(
    Path(__file__).with_name("openapi.yaml").read_bytes()
)
OPERATIONS, TICKED, CROSSED = SAID["operations"], SAID["ticked"], SAID["crossed"]


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


def test_every_node_has_the_known_extensions_only(dialect: str) -> None:
    used = {key for node in nodes(spec.openapi(dialect)) for key in node}
    assert {key for key in used if key.startswith("x-")} <= {*SAID["extensions"]}


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


def test_every_requirement_on_a_field_stands_at_its_field(dialect: str) -> None:
    stated = {
        identifier
        for node in nodes(spec.openapi(dialect))
        for key in ("x-requirements", "x-missing", "x-promises")
        for identifier in node.get(key, ())
    }
    on_fields = {
        row.id
        for row in spec.requirements(dialect)
        if "-REQ-" in row.id or "-RES-" in row.id
    }
    assert on_fields - stated == on_fields & {*SAID["not-in-a-node"]}


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
