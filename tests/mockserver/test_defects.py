"""The registry of defects: what each declares is about rows that exist."""

import json

import pytest

from aios_conformance import spec
from aios_conformance.mockserver.__main__ import main
from aios_conformance.mockserver.defects import registry
from aios_conformance.mockserver.defects.planting import Defect

ALL = registry()
DEFECTS = [each for each in ALL.values() if not each.freedom]
VARIATIONS = [each for each in ALL.values() if each.freedom]


def test_a_defect_names_rows_of_its_dialect() -> None:
    """Its primary can fail, and each further row is there for a reason."""
    dialects = {each.dialect for each in DEFECTS}
    rows = {name: {row.id: row for row in spec.requirements(name)} for name in dialects}

    def is_sound(defect: Defect) -> bool:
        known = rows[defect.dialect]
        primary = known.get(defect.primary)
        return (
            primary is not None
            and primary.level != "MAY"
            and primary.excluded is None
            and defect.also.keys() <= known.keys()
            and all(defect.also.values())
        )

    assert [each.name for each in DEFECTS if not is_sound(each)] == []


def test_a_variation_declares_no_row() -> None:
    assert [v.name for v in VARIATIONS if v.primary or v.also] == []


def test_names_and_descriptions_are_there() -> None:
    for name, each in ALL.items():
        assert name == each.name
        assert len(each.description) > 10


def test_there_are_enough_of_them() -> None:
    """300 defects and 40 freedoms were promised."""
    assert len(DEFECTS) >= 300
    assert len(VARIATIONS) >= 40


def test_the_command_lists_them_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-defects", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {one["name"] for one in listed if "museum" not in one} == ALL.keys()
