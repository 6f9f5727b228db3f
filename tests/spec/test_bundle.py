"""A bundled document is self-contained and means the same."""

from pathlib import Path
from typing import Any

import pytest

from aios_conformance import spec
from aios_conformance.spec._bundle import bundle

SHARED = """
components:
  schemas:
    Outer:
      type: array
      items: {$ref: '#/components/schemas/Inner'}
    Inner:
      properties:
        again: {$ref: '#/components/schemas/Inner'}
        far: {$ref: other/far.yaml#/components/schemas/Far}
"""
FAR = "components: {schemas: {Far: {type: string}}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shared.yaml").write_text(SHARED)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "far.yaml").write_text(FAR)
    return tmp_path


def document(reference: str, **schemas: Any) -> dict[str, Any]:
    node = {"description": "kept", "$ref": reference}
    return {"paths": {"/": node}, "components": {"schemas": schemas}}


def test_what_is_referred_to_is_copied_in_with_all_that_it_refers_to(
    folder: Path,
) -> None:
    given = document("shared.yaml#/components/schemas/Outer", Own={"type": "null"})
    found = bundle(given, folder)
    assert found["paths"]["/"] == {
        "description": "kept",
        "$ref": "#/components/schemas/Outer",
    }
    assert found["components"]["schemas"] == {
        "Own": {"type": "null"},
        "Outer": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
        "Inner": {
            "properties": {
                "again": {"$ref": "#/components/schemas/Inner"},
                "far": {"$ref": "#/components/schemas/Far"},
            }
        },
        "Far": {"type": "string"},
    }


def test_the_given_document_stays_as_it_is(folder: Path) -> None:
    given = document("shared.yaml#/components/schemas/Inner")
    bundle(given, folder)
    assert given == document("shared.yaml#/components/schemas/Inner")


def test_local_references_and_plain_values_are_kept(folder: Path) -> None:
    given = document("#/components/schemas/Own", Own={"enum": [None, 1]})
    assert bundle(given, folder) == given


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("shared.yaml#/components/schemas/Gone", "no component schemas/Gone"),
        ("shared.yaml#/components/schemas/Own", "the name of another"),
        ("shared.yaml#/paths", "must name a component"),
        ("shared.yaml", "must name a component"),
        ("gone.yaml#/components/schemas/Outer", "cannot read"),
    ],
)
def test_a_reference_that_leads_nowhere_is_an_error(
    folder: Path, reference: str, message: str
) -> None:
    with pytest.raises(spec.SpecError, match=message):
        bundle(document(reference, Own={}), folder)
