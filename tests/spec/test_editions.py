"""Editions are frozen: what they score, and how firmly, never changes again."""

import pytest

from aios_conformance.spec import editions, requirements

FROZEN = {
    ("2026.1", "aios"): (
        "e0e833a9a5fd3eadc08b5ac2b02964bbd0744a6209ced76faaec8c89b02bdf87"
    ),
    (
        "2026.1",
        "infinity",
    ): "3097f5b0ff92185385906b601af7816c5eb8734ad8c6c90e6c119b6019e76223",
    (
        "2026.1",
        "aigne-hub",
    ): "af8b3a7200f69745450999a6b81ac0e1d95b01678db2fd45867569291d6c9a33",
    (
        "2026.1",
        "aihubmix",
    ): "ff69a28ee00854212e480b21c5d2a7f68020f591998391834d824debb3f662fd",
}
"""Lines are added here, and never changed."""


def test_no_edition_has_changed() -> None:
    found = {
        (each.name, dialect): each.sha256(dialect)
        for each in editions().values()
        for dialect in each.rows
    }
    assert found == FROZEN


@pytest.mark.parametrize(("name", "dialect"), list(FROZEN))
def test_the_rows_of_an_edition_still_exist(name: str, dialect: str) -> None:
    """With the level that they had: another promise is another row."""
    today = {
        row.id: str(row.level) for row in requirements(dialect) if row.excluded is None
    }
    frozen = editions()[name].rows[dialect]
    assert {row: today.get(row) for row in frozen} == dict(frozen)
