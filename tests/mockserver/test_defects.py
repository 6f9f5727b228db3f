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


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name)
def test_a_defect_names_rows_of_its_dialect(defect: Defect) -> None:
    rows = {row.id: row for row in spec.requirements(defect.dialect)}
    assert defect.primary in rows
    assert rows[defect.primary].level != "MAY"
    assert rows[defect.primary].excluded is None
    assert set(defect.also) <= rows.keys()
    assert all(defect.also.values()), "each further row has a reason"


@pytest.mark.parametrize("variation", VARIATIONS, ids=lambda d: d.name)
def test_a_variation_declares_no_row(variation: Defect) -> None:
    assert not variation.primary
    assert not variation.also


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
