"""What the pieces of a stream say along the way."""

from dataclasses import replace
from typing import Any

from answers import chunk
from exchanges import findings, observation, witnessed
from judged_runs import judged_run, row
from streaming import ALONG, GOOD, ask, counted, stream, used

from aios_conformance.conformance.checks import along_the_way
from aios_conformance.conformance.terms.catalogue import catalogue
from aios_conformance.conformance.terms.exchange import Exchange
from aios_conformance.conformance.terms.scenario import PlannedScenario, PlannedStep

USAGE = along_the_way.each_usage_along_the_way_is_right
IDS = along_the_way.a_call_has_one_id


def along(**changed: int) -> Exchange:
    chunks = counted(0, 1, 2)
    chunks[1]["usage"] = chunks[1]["usage"] | changed
    return stream(chunks, ask(stream_options=ALONG))


def _rows(played: Exchange) -> set[str]:
    return {row for finding in findings(USAGE, played) for row in finding.ids}


def test_each_usage_counts_the_prompt_and_adds_up() -> None:
    assert witnessed(USAGE, along()) == {"CHAT-RES-020", "META-038", "COMMON-RES-010"}
    assert _rows(along()) == set()
    assert _rows(along(prompt_tokens=0)) == {"META-038", "CHAT-RES-020"}
    assert _rows(along(prompt_tokens=4, total_tokens=5)) == {"META-038"}
    assert _rows(along(total_tokens=9)) == {"COMMON-RES-010"}


def called(*ids: str | None, index: Any = 0) -> Exchange:
    def piece(one: str | None) -> Any:
        part = {"index": index, "function": {"arguments": "{}"}}
        return {"tool_calls": [part | ({} if one is None else {"id": one})]}

    made = [chunk({"index": 0, "delta": piece(one)}) for one in ids]
    return stream([*made, chunk({"index": 0, "delta": {}, "finish_reason": "stop"})])


def test_a_call_has_one_id_in_all_its_pieces() -> None:
    assert not findings(IDS, called("a", None, None))
    assert not findings(IDS, called("a", "a"))
    assert findings(IDS, called("a", "b"))
    # of pieces without an index nobody knows which call they belong to
    assert not findings(IDS, called("a", "b", index=None))


def test_who_counts_only_at_the_end_of_a_stream_leaves_no_row_open() -> None:
    """What continuous_usage_stats means no document says."""
    seen = observation("chat.streams", continuous=stream([*GOOD, chunk(usage=used(3))]))
    made = judged_run(seen, seen, seen, known=catalogue())
    steps = (PlannedStep("continuous", "POST /v1/chat/completions", ()),)
    planned = (PlannedScenario("chat.streams", 0, ("chat",), steps),)
    made = replace(made, recording=replace(made.recording, scenarios=planned))
    assert row(made, "COMMON-RES-010").verdict == "pass"
