"""Rulings: whole, referenced both ways, with distinct readings."""

from aios_conformance import spec

RULINGS = spec.rulings()


def test_there_is_one_ruling_per_contradiction() -> None:
    assert list(RULINGS) == [f"A-{number:03d}" for number in range(1, 171)]


def test_dangers_are_as_graded() -> None:
    grades = [ruling.danger for ruling in RULINGS.values()]
    assert {grade: grades.count(grade) for grade in sorted(set(grades))} == {
        "high": 29,
        "low": 77,
        "medium": 64,
    }


def test_a_ruling_says_what_where_how_and_why() -> None:
    for each in RULINGS.values():
        assert each.scope, each.id
        assert each.where, each.id
        assert each.problem, each.id
        assert each.ruling, each.id
        assert each.reason, each.id


def test_a_ruling_offers_no_reading_or_several_distinct_ones() -> None:
    for each in RULINGS.values():
        names = [reading.name for reading in each.readings]
        assert len(names) != 1, each.id
        assert len(set(names)) == len(names), each.id
        assert all(reading.meaning for reading in each.readings), each.id


def test_a_ruling_lists_the_rows_that_rest_on_it() -> None:
    for each in RULINGS.values():
        for identifier in each.requirements:
            assert each.id in spec.requirement(identifier).rulings


def test_every_row_with_a_ruling_is_listed_there() -> None:
    for dialect in spec.DIALECTS:
        for row in spec.requirements(dialect):
            for ruling in row.rulings:
                assert row.id in RULINGS[ruling].requirements
