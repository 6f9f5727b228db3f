"""What the contract says of its APIs, and the walk over its nodes."""

from typing import Any

import jsonschema_rs
import pytest

from aios_conformance import spec
from aios_conformance.spec import Nodes, api_of, apis, described, nodes

EVERY = [(dialect, api) for dialect in spec.DIALECTS for api in apis(dialect).values()]


@pytest.mark.parametrize(("dialect", "api"), EVERY)
def test_the_smallest_body_is_valid_and_holds_what_is_required(
    dialect: str, api: spec.ApiSpec
) -> None:
    walk = nodes(dialect)
    schema = walk.request(api.operation)
    if schema is None:
        assert not api.required
        return
    assert {*api.required} == {"model", *api.smallest}
    rooted = {**schema, "components": walk.document["components"]}
    validator = jsonschema_rs.Draft202012Validator(rooted)
    assert validator.is_valid({"model": "m", **api.smallest})


@pytest.mark.parametrize(("dialect", "api"), EVERY)
def test_ids_of_requirements_begin_with_the_prefix(
    dialect: str, api: spec.ApiSpec
) -> None:
    shared = ("COMMON", "META", "EMB")
    rows = [row.id for row in spec.requirements(dialect) if row.api == api.name]
    assert any(row.startswith(f"{api.prefix}-") for row in rows)
    assert all(row.startswith((f"{api.prefix}-", *shared)) for row in rows)


@pytest.mark.parametrize(("dialect", "api"), EVERY)
def test_operations_are_found_by_their_path(dialect: str, api: spec.ApiSpec) -> None:
    for operation in api.operations:
        assert api_of(operation, dialect=dialect) == api.name
        assert api_of(f"{operation}?a=1", "chat", dialect) == api.name


def test_a_path_of_nobody_belongs_to_whom_it_is_said_to() -> None:
    assert api_of("POST /v3/rerank") == "models"
    assert api_of("POST /v3/rerank", "rerank") == "rerank"
    assert api_of(spec.LISTING, "chat") == "models"


def test_what_generates_comes_last_where_a_model_is_needed() -> None:
    assert sorted(spec.model_apis()) == [*spec.MODEL_APIS]
    assert {*spec.model_apis()[-2:]} == spec.served_by("generator")
    assert spec.model_apis("infinity") == ("embeddings",)


def test_titles_are_known_of_apis_and_of_what_they_share() -> None:
    assert spec.title("common") == "All APIs"
    assert spec.title("chat") == "Chat completions"
    assert spec.title("models", "infinity") == "Models"
    assert spec.title("else") == "else"


def test_a_document_that_says_little_is_read_from_what_it_prints() -> None:
    schema = {"type": "object", "required": ["model", "input", "user"]}
    printed = {"model": "m", "input": "Hi", "user": "u", "dimensions": 4}
    content = {"schema": schema, "examples": {"one": {"value": printed}}}
    operation = {
        "tags": ["embeddings"],
        "requestBody": {"content": {"application/json": content}},
        "responses": {"200": {}},
    }
    api = described({"paths": {"/vectors": {"post": operation}}})["embeddings"]
    assert api.operation == "POST /vectors"
    assert api.smallest == {"input": "Hi", "user": "u"}
    assert (api.title, api.row("REQ-001")) == ("Embeddings", "EMBEDDINGS-REQ-001")


def test_references_are_followed_and_what_stands_beside_them_holds() -> None:
    document: dict[str, Any] = {
        "components": {
            "schemas": {
                "A": {"$ref": "#/components/schemas/B", "title": "mine"},
                "B": {"title": "theirs", "allOf": [{"properties": {"x": {"a": 1}}}]},
                "a/b": {"items": {"$ref": "#/components/schemas/a~1b"}},
            }
        }
    }
    walk = Nodes(document)
    schemas = document["components"]["schemas"]
    assert walk.resolved(schemas["A"])["title"] == "mine"
    assert walk.members(schemas["A"]) == {"x": {"a": 1}}
    path: list[str | int] = ["$ref", "allOf", 0, "properties", "x"]
    assert [*walk.along(schemas["A"], path)][-1] == {"a": 1}
    below = walk.below([schemas["a/b"]])  # a circle, which is gone round once
    assert len([*below]) == 4
