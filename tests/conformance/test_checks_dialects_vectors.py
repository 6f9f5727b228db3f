"""Vectors of the dialects: how long they are, and where they stand."""

import pytest
from exchanges import witnessed
from neighbours import ONE, TWO, call, reply, seen, tripped

from aios_conformance.conformance.checks import dialects_vectors
from aios_conformance.conformance.terms.exchange import Exchange, Json

SIZED = dialects_vectors.dimensions_set_the_length
SAME = dialects_vectors.a_size_gives_a_text_one_vector
PLACED = dialects_vectors.a_vector_stands_at_the_place_of_its_text


def sized(wanted: int, *vectors: Json, status: int = 200, label: str = "") -> Exchange:
    body = {"model": "m", "input": ["a"] * len(vectors), "dimensions": wanted}
    expect = "either" if label == "beyond" else "accept"
    return call(
        "infinity", body, reply(*vectors), status=status, label=label, expect=expect
    )


@pytest.mark.parametrize(
    ("more", "beyond", "is_broken"),
    [
        (sized(4, ONE, TWO), sized(9, label="beyond", status=422), False),
        (sized(4, ONE, TWO[:2]), sized(9, label="beyond", status=422), True),
        (sized(4, ONE, TWO), sized(9, ONE, label="beyond"), True),
        (sized(4, ONE, TWO), sized(9, label="beyond", status=500), True),
    ],
)
def test_every_vector_is_as_long_as_asked(
    more: Exchange, beyond: Exchange, is_broken: bool
) -> None:
    few = sized(2, ONE[:2])
    subject = seen("infinity", "dimensions", few=few, more=more, beyond=beyond)
    rows = {"INF-SEM-005", "META-104"} if is_broken else set()
    assert tripped(SIZED, subject, "infinity") == rows


def test_a_model_that_ignores_dimensions_may_ignore_many() -> None:
    """What is short of them is found of the few."""
    beyond = sized(9, label="beyond", status=500)
    subject = seen(
        "infinity",
        "dimensions",
        few=sized(2, ONE[:2]),
        more=sized(3, ONE),
        beyond=beyond,
    )
    assert tripped(SIZED, subject, "infinity") == {"INF-SEM-005", "META-104"}


@pytest.mark.parametrize(
    ("dialect", "row"),
    [
        ("infinity", "INF-RES-024"),
        ("aigne-hub", "AIGNE-RES-007"),
        ("aihubmix", "AHM-RES-004"),
    ],
)
def test_a_vector_stands_where_its_text_does(dialect: str, row: str) -> None:
    batch = call(dialect, ["a", "b"], reply(ONE, TWO))
    right, wrong = (
        call(dialect, ["b", "a"], reply(*v)) for v in ([TWO, ONE], [ONE, TWO])
    )
    single = call(dialect, "b", reply(TWO))
    good = seen(dialect, "batch", batch=batch, single=single, some=right)
    assert tripped(PLACED, good, dialect) == set()
    assert row in witnessed(PLACED, good)
    bad = seen(dialect, "batch", batch=batch, single=single, some=wrong)
    assert tripped(PLACED, bad, dialect) == {row}
    alone = seen(dialect, "batch", batch=batch, single=call(dialect, "b", reply(ONE)))
    assert tripped(PLACED, alone, dialect) == {row}
    few = seen(
        dialect, "batch", batch=call(dialect, ["a", "b"], reply(ONE)), some=wrong
    )
    assert tripped(PLACED, few, dialect) == set()


@pytest.mark.parametrize(
    ("dialect", "row"), [("infinity", "INF-RES-024"), ("aihubmix", "AHM-RES-004")]
)
def test_of_one_size_a_text_has_one_vector(dialect: str, row: str) -> None:
    padded = [*TWO[:2], 0, 0]
    few = call(dialect, "b", reply(ONE[:2]))  # another size: another vector
    for longer, rows in (([TWO, ONE, TWO], set()), ([TWO, ONE, padded], {row})):
        answered = call(dialect, ["b", "a", "b"], reply(*longer))
        made = seen(dialect, "dimensions", few=few, longer=answered)
        assert tripped(SAME, made, dialect) == rows
        assert witnessed(SAME, made) == {row}
