"""Vectors of the neighbouring dialects that agree, and that do not."""

import pytest
from exchanges import findings, witnessed
from neighbours import ONE, TWO, call, packed, reply, seen, tripped

from aios_conformance.conformance.checks import dialects_vectors
from aios_conformance.conformance.terms.exchange import Json, Observation

PLAIN = {
    "infinity": {"META-094", "INF-REQ-010"},
    "aihubmix": {"META-094", "AHM-REQ-019"},
}
PACKED = {"infinity": {"META-093"}, "aihubmix": {"META-093", "AHM-SEM-002"}}


def formats(dialect: str, omitted: Json, packed_: Json) -> set[str]:
    made = seen(
        dialect,
        "formats",
        omitted=call(dialect, "a", reply(omitted)),
        float=call(dialect, "a", reply(ONE)),
        base64=call(dialect, "a", reply(packed_)),
    )
    return tripped(dialects_vectors.formats_hold_the_same_vector, made, dialect)


@pytest.mark.parametrize("dialect", PLAIN)
def test_formats_hold_the_same_vector(dialect: str) -> None:
    assert formats(dialect, ONE, packed(ONE)) == set()
    assert formats(dialect, TWO, packed(ONE)) == PLAIN[dialect]
    assert formats(dialect, ONE, packed(TWO)) == PACKED[dialect]
    assert formats(dialect, ONE, packed(ONE, ">")) == PACKED[dialect]
    assert formats(dialect, ONE, "no base64!") == PACKED[dialect]


def test_formats_that_were_refused_are_no_evidence() -> None:
    made = seen(
        "infinity",
        "formats",
        float=call("infinity", "a", reply(ONE)),
        base64=call("infinity", "a", {"error": {}}, status=400),
    )
    check = dialects_vectors.formats_hold_the_same_vector
    assert witnessed(check, made) == set()
    assert findings(check, made) == []


@pytest.mark.parametrize(
    ("dialect", "rows"),
    [("infinity", {"META-104", "INF-SEM-005"}), ("aihubmix", {"AHM-SEM-001"})],
)
def test_dimensions_set_the_length(dialect: str, rows: set[str]) -> None:
    def sized(*lengths: int) -> Observation:
        steps = {
            label: call(dialect, {"input": "a", "dimensions": wanted}, reply([0.5] * n))
            for label, wanted, n in zip(("few", "more"), (8, 64), lengths, strict=True)
        }
        return seen(dialect, "dimensions", **steps)

    check = dialects_vectors.dimensions_set_the_length
    assert tripped(check, sized(8, 64), dialect) == set()
    assert witnessed(check, sized(8, 64)) == rows
    assert tripped(check, sized(8, 8), dialect) == rows
    assert tripped(check, sized(64, 64), dialect) == rows


def test_the_length_of_what_is_borrowed_counts_too() -> None:
    check = dialects_vectors.dimensions_set_the_length
    sized = call("infinity", {"input": "a", "dimensions": 1}, reply([0.5, 0.5]))
    plain = call("infinity", "a", reply([0.5, 0.5]))
    rows = {"META-104", "INF-SEM-005"}
    assert tripped(check, seen("infinity", "lent", lent=sized), "infinity") == rows
    assert witnessed(check, seen("infinity", "lent", lent=plain)) == set()


def test_the_printed_length_is_obeyed() -> None:
    check = dialects_vectors.the_printed_length_is_obeyed
    for length, rows in ((1536, set()), (1024, {"INF-EX-002"})):
        step = call("infinity", {"dimensions": 1536}, reply([0.5] * length))
        made = seen("infinity", "printed", variant=step)
        assert tripped(check, made, "infinity") == rows


def test_different_texts_have_different_vectors() -> None:
    check = dialects_vectors.different_texts_have_different_vectors
    for second, rows in ((TWO, set()), (ONE, {"INF-SEM-004"})):
        batch = call("infinity", ["a", "b"], reply(ONE, second))
        made = seen("infinity", "batch", batch=batch)
        assert tripped(check, made, "infinity") == rows


def test_a_text_is_closest_to_itself() -> None:
    check = dialects_vectors.a_text_is_closest_to_itself
    for single, rows in ((TWO, set()), (ONE, {"AIGNE-SEM-002"})):
        made = seen(
            "aigne-hub",
            "batch",
            batch=call("aigne-hub", ["a", "b"], reply(ONE, TWO)),
            single=call("aigne-hub", "b", reply(single)),
        )
        assert tripped(check, made, "aigne-hub") == rows


def test_tokens_in_either_form_are_one_input() -> None:
    check = dialects_vectors.tokens_in_either_form_are_one_input
    for nested, rows in ((ONE, set()), (TWO, {"META-108"})):
        made = seen(
            "aigne-hub",
            "tokens",
            flat=call("aigne-hub", [1, 2], reply(ONE)),
            nested=call("aigne-hub", [[1, 2]], reply(nested)),
        )
        assert tripped(check, made, "aigne-hub") == rows


def test_user_changes_nothing() -> None:
    for named, rows in ((ONE, set()), (TWO, {"META-112", "AHM-SEM-003"})):
        steps = {
            "without": call("aihubmix", "a", reply(ONE)),
            "with": call("aihubmix", "a", reply(named)),
        }
        made = seen("aihubmix", "user", **steps)
        assert tripped(dialects_vectors.user_changes_nothing, made, "aihubmix") == rows
