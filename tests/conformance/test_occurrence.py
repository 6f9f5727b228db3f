"""How often a finding was seen, and under which conditions only."""

from typing import Any

import pytest
from exchanges import exchange

from aios_conformance.conformance.judging.occurrence import (
    Occasion,
    neighbours,
    occurrence,
    preceding,
)
from aios_conformance.conformance.terms.exchange import Exchange


def at(time: float, question: str = "x", *, status: int = 200, **more: Any) -> Exchange:
    """An exchange of one second."""
    named = {"id": f"ex-{time}"} | more
    body = {"question": question}
    return exchange("chat", body, {}, status=status, sent_at=time, total_s=1.0, **named)


COMPANY = at(10.5, "other"), at(20.5, "other")
LEAKING = at(8.0, "leaks"), at(28.0, "leaks")
REFUSED = at(8.0, "none", status=422), at(18.0, "none", status=400)


@pytest.mark.parametrize(
    ("broken", "others", "told"),
    [
        ((True, True, True), (), "seen 3 of 3 times"),
        ((True, False, False), (), "seen 1 of 3 times, only the first time"),
        ((False, True, False), (), "seen 1 of 3 times"),
        (
            (True, True, False),
            COMPANY,
            "seen 2 of 3 times, only while other requests are in flight",
        ),
        ((True, True, False), REFUSED, "seen 2 of 3 times, only after a refusal"),
        (
            (True, False, True),
            LEAKING,
            "seen 2 of 3 times, only right after what ex-8.0 asks",
        ),
        ((True, False, True), COMPANY, "seen 2 of 3 times"),
    ],
)
def test_what_all_trials_with_a_finding_have_in_common_is_told(
    broken: tuple[bool, ...], others: tuple[Exchange, ...], told: str
) -> None:
    tried = [at(10.0), at(20.0), at(30.0)]
    trials = [Occasion(*pair) for pair in zip(broken, tried, strict=True)]
    assert str(occurrence(trials, [*tried, *others])) == told


def test_neighbours_are_in_flight_at_the_same_time() -> None:
    mine = at(10.0)
    others = [at(8.9), at(9.1), at(10.9), at(11.1)]
    found = [other.sent_at for other in neighbours(mine, [mine, *others])]
    assert found == [9.1, 10.9]


def test_the_request_before_is_one_of_the_same_api() -> None:
    mine, refused = at(10.0), at(8.0, status=422)
    other = exchange("score", {}, {}, sent_at=9.0, id="ex-9")
    assert preceding(mine, [refused, other, mine]) is refused
    assert preceding(mine, [mine]) is None
