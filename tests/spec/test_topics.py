"""A topic names one row of an API, and the rows of all APIs that promise the same."""

from typing import Any

import pytest

from aios_conformance import spec
from aios_conformance.spec._catalogue import verify_names

ROWS = {row.id: row for dialect in spec.DIALECTS for row in spec.requirements(dialect)}


@pytest.mark.parametrize(
    ("api", "topic", "dialect", "found"),
    [
        ("chat", "temperature-range", "aios", "CHAT-REQ-041"),
        ("completions", "temperature-range", "aios", "COMP-REQ-035"),
        ("completions", "stop-array", "aios", "COMP-REQ-029"),
        ("embeddings", "input-string", "infinity", "INF-REQ-007"),
        ("embeddings", "input-string", "aihubmix", "AHM-REQ-008"),
    ],
)
def test_a_topic_leads_to_the_row_of_its_api(
    api: str, topic: str, dialect: str, found: str
) -> None:
    assert spec.row(api, topic, dialect) == found


def test_a_topic_that_an_api_does_not_have_names_its_neighbours() -> None:
    with pytest.raises(spec.SpecError, match=r"chat of aios.*did you mean stop-array"):
        spec.row("chat", "stop-aray")
    with pytest.raises(spec.SpecError, match="rerank of infinity has no topic"):
        spec.row("rerank", "served", "infinity")


def test_a_name_is_an_id_or_a_topic_of_any_api() -> None:
    def ids(name: str) -> list[str]:
        return [row.id for row in spec.named(name)]

    assert ids("CHAT-REQ-041") == ["CHAT-REQ-041"]
    assert ids("temperature-range") == ["CHAT-REQ-041", "COMP-REQ-035"]
    with pytest.raises(spec.SpecError, match="did you mean temperature-range"):
        ids("temprature-range")
    with pytest.raises(spec.SpecError, match="did you mean CHAT-REQ-041"):
        ids("chat-req-41")
    with pytest.raises(spec.SpecError, match="ids look like RERANK-SEM-006, topics"):
        ids("¿")


@pytest.mark.parametrize(
    ("api", "dialect", "found"),
    [
        (None, None, {"CHAT-SEM-012", "COMP-SEM-009", "META-050"}),
        ("chat", None, {"CHAT-SEM-012", "META-050"}),
        ("chat", "aios", {"CHAT-SEM-012", "META-050"}),
        ("chat", "infinity", set()),
        ("rerank", None, set()),
    ],
)
def test_topics_lead_to_the_rows_that_apply_to_an_api(
    api: str | None, dialect: str | None, found: set[str]
) -> None:
    topics = ("seed-reproduces", "equal-seeds-equal-texts")
    assert set(spec.rows(*topics, api=api, dialect=dialect)) == found


def test_a_row_that_only_covers_a_topic_is_not_about_it() -> None:
    assert spec.rows("stop-null") == ("CHAT-REQ-032",)
    with pytest.raises(spec.SpecError, match="did you mean stop-null"):
        spec.rows("stop-nul")


def test_a_topic_is_at_most_five_words() -> None:
    assert [row.id for row in ROWS.values() if len(row.topic.split("-")) > 5] == []


def test_a_row_repeats_a_row_that_is_judged_in_all_its_dialects() -> None:
    for row in ROWS.values():
        if row.same_as:
            repeated = ROWS[row.same_as]
            assert {*row.dialects} <= {*repeated.dialects}, row.id
            assert not repeated.excluded, row.id
            assert repeated.level <= row.level, row.id  # a MUST repeats no SHOULD


def test_what_a_row_covers_is_a_topic_of_another() -> None:
    topics = {row.topic for row in ROWS.values()}
    assert {topic for row in ROWS.values() for topic in row.covers} <= topics


def _row(identifier: str, topic: str, **members: Any) -> dict[str, Any]:
    return {"id": identifier, "api": "chat", "topic": topic, **members}


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([_row("X-1", "A topic")], "X-1: topic 'A topic' is not like n-obeyed"),
        ([_row("X-1", "a"), _row("X-2", "a")], "X-2: topic a is that of X-1"),
        (
            [_row("X-1", "a"), _row("X-2", "b", covers=["a"])],
            "X-2: topic a is that of X-1",
        ),
        ([_row("X-1", "a", same_as="X-2")], "X-1: same_as X-2 is no row of its own"),
        (
            [_row("X-1", "a", same_as="X-2"), _row("X-2", "b", same_as="X-1")],
            "X-1: same_as X-2 is no row of its own",
        ),
    ],
)
def test_names_that_lead_astray_are_refused(
    rows: list[dict[str, Any]], fault: str
) -> None:
    with pytest.raises(spec.SpecError, match=fault):
        verify_names(rows)


def test_dialects_and_apis_may_share_a_topic() -> None:
    verify_names(
        [
            _row("X-1", "a"),
            _row("X-2", "a", dialects=["infinity"]),
            _row("X-3", "a") | {"api": "completions", "same_as": "X-1"},
        ]
    )
