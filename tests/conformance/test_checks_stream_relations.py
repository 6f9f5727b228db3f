"""What a stream says beside the whole answer."""

from dataclasses import replace
from typing import Any

import pytest
from answers import SENT, chunk, good, streamed
from exchanges import (
    exchange,
    findings,
    observation,
    sse,
    witnessed,
)
from generations import scored
from streaming import (
    ALONG,
    ASKED,
    GOOD,
    LAYOUT,
    USAGE,
    ask,
    counted,
    rows,
    stream,
)

from aios_conformance.conformance.checks import decoding, stream_relations
from aios_conformance.conformance.terms.catalogue import checks_in
from aios_conformance.conformance.terms.exchange import Exchange, Observation, Response

# --- relations with the whole answer -----------------------------------------------


def whole(text: str = "Blue sky, then.") -> Exchange:
    answer = good("chat")
    answer["choices"][0]["message"]["content"] = text
    return exchange("chat", SENT["chat"], answer)


def played(**steps: Exchange) -> Observation:
    made: dict[str, Any] = {"whole": whole()} | steps
    return observation("chat.streams", **made)


def relations(seen: Observation) -> dict[str, list[str]]:
    """Rows with the steps of their findings; [] for mere evidence."""
    told: dict[str, list[str]] = {}
    for check in checks_in(stream_relations)[:2]:
        told |= {row: told.get(row, []) for row in witnessed(check, seen)}
        for finding in findings(check, seen):
            for row in finding.ids:
                told.setdefault(row, []).append(finding.step)
    return told


def test_a_stream_that_says_what_the_whole_answer_says_is_right() -> None:
    usage = stream([*GOOD, chunk(usage=USAGE)], ask(stream_options=ASKED))
    along = stream(counted(0, 1, 2), ask(stream_options=ALONG))
    seen = played(streamed=stream(GOOD), with_usage=usage, continuous=along)
    assert relations(seen) == {"META-059": [], "META-062": [], "META-064": []}


def test_a_stream_that_says_something_else_is_found() -> None:
    other = stream(streamed("Blue", " sky"))
    assert relations(played(streamed=other)) == {"META-059": ["streamed"]}


@pytest.mark.parametrize("text", ["Blue sky, then.", None])
def test_reasoning_that_a_stream_loses_is_found(text: str | None) -> None:
    reasoned = whole(text or "")
    said = reasoned.response.json["choices"][0]["message"]  # type: ignore[union-attr]
    said |= {"reasoning_content": "Let me see.", "content": text}
    thought = chunk({"index": 0, "delta": {"reasoning_content": "Let me see."}})
    silent = GOOD if text else [GOOD[0], GOOD[-1]]
    lost = played(whole=reasoned, streamed=stream(silent))
    kept = played(whole=reasoned, streamed=stream([silent[0], thought, *silent[1:]]))
    assert relations(lost) == {"META-059": ["streamed"]}
    assert relations(kept) == {"META-059": []}


@pytest.mark.parametrize(
    ("text", "told"),
    # the text after a stop string is CHAT-SEM-013's matter
    [("Blue ", []), ("Blue sky", []), ("Blue sky,", []), ("Red ", ["stopped"])],
)
def test_a_stopped_stream_ends_at_the_stop_string(text: str, told: list[str]) -> None:
    stopped = stream(streamed(text), ask(stop=["sky"]))
    seen = played(streamed=stream(GOOD), stopped=stopped)
    assert relations(seen) == {"META-059": told}


def test_a_stream_that_stops_too_early_is_found_by_the_row_of_stopping() -> None:
    """It was not asked for whole: that a stream differs is not shown by it."""
    stopped = stream(streamed(""), ask(stop=["sky"]))
    seen = played(streamed=stream(GOOD), stopped=stopped)
    assert relations(seen) == {"META-059": []}
    found = findings(decoding.a_stop_string_cuts_the_greedy_text, seen)
    assert [finding.ids for finding in found] == [("META-047",)]


def test_streamed_usage_that_differs_from_the_whole_is_found() -> None:
    wrong = USAGE | {"completion_tokens": 3, "total_tokens": 8}
    usage = stream([*GOOD, chunk(usage=wrong)], ask(stream_options=ASKED))
    assert relations(played(with_usage=usage))["META-062"] == ["with_usage"] * 2


def test_where_the_texts_differ_only_the_prompt_is_compared() -> None:
    more = USAGE | {"completion_tokens": 3, "total_tokens": 8}
    chunks = [*streamed("Grey", " sky,", " then."), chunk(usage=more)]
    seen = played(with_usage=stream(chunks, ask(stream_options=ASKED)))
    assert relations(seen)["META-062"] == []
    prompt = [*chunks[:-1], chunk(usage=more | {"prompt_tokens": 4})]
    seen = played(with_usage=stream(prompt, ask(stream_options=ASKED)))
    assert relations(seen)["META-062"] == ["with_usage"]


def test_what_an_unreadable_stream_says_is_not_known() -> None:
    lossy = sse(*GOOD[:2], "{'id': 'python'}", *GOOD[3:])
    assert rows(stream(lossy)) == {LAYOUT}
    assert relations(played(streamed=stream(lossy))) == {}


def test_a_stream_that_was_left_is_not_to_block_the_next() -> None:
    check = stream_relations.a_stream_that_was_left_blocks_no_other
    left = exchange("chat", SENT["chat"], None, failure="left in the middle")
    late = exchange("chat", SENT["chat"], None, failure="timeout: nothing within 1 s")
    seen = played(left=left, streamed=stream(GOOD))
    assert not findings(check, seen)
    assert witnessed(check, seen) == {"COMMON-RES-001"}
    (found,) = findings(check, played(left=left, streamed=late))
    assert found.step == "streamed"
    assert not findings(check, played(streamed=late))
    begun = Response(200, (), b"data: ", arrivals=((0.9, 6),))
    assert not findings(check, played(left=left, streamed=replace(late, partial=begun)))
    slow = replace(whole(), total_s=0.5)
    late = replace(late, total_s=1.0)
    assert not findings(check, played(whole=slow, left=left, streamed=late))


def test_without_a_whole_answer_nothing_is_compared() -> None:
    refused = exchange("chat", SENT["chat"], {"error": "no"}, status=400)
    assert relations(played(whole=refused, streamed=stream(GOOD))) == {}


def ends(reason: str, *pieces: str) -> Exchange:
    chunks = streamed(*(pieces or ("Blue", " sky,", " then.")))
    chunks[-1]["choices"][0]["finish_reason"] = reason
    return stream(chunks)


def test_a_stream_ends_for_the_reason_of_the_whole_answer() -> None:
    check = stream_relations.a_stream_ends_as_the_whole_answer
    cut = whole()
    cut.response.json["choices"][0]["finish_reason"] = "length"  # type: ignore[union-attr]
    assert witnessed(check, played(streamed=ends("stop"))) == {"META-059"}
    assert not findings(check, played(streamed=ends("stop")))
    assert not findings(check, played(whole=cut, streamed=ends("length")))
    (other,) = findings(check, played(whole=cut, streamed=ends("stop")))
    assert {*other.ids} == {"META-059", "META-041", "CHAT-SEM-010"}
    assert not witnessed(check, played(streamed=ends("length", "Grey")))


@pytest.mark.parametrize(
    ("given", "is_right"),
    [([-1.0, -2.1], True), ([-1.0], False), ([-2.0, -1.0], False), ([], True)],
)
def test_a_stream_has_the_log_probabilities_of_the_whole_answer(
    given: list[float], is_right: bool
) -> None:
    check = stream_relations.a_stream_ends_as_the_whole_answer
    sent = SENT["chat"] | {"logprobs": True}
    told = zip(("Blue", " sky"), (-1.0, -2.0), strict=True)
    scores = scored(*((token, logprob, []) for token, logprob in told))
    line = exchange("chat", sent, good("chat"))
    line.response.json["choices"][0] |= {"logprobs": scores}  # type: ignore[union-attr]
    chunks = streamed("Blue", " sky,", " then.")
    listed = zip(("Blue", " sky"), given, strict=False)
    chunks[1]["choices"][0]["logprobs"] = scored(*((t, p, []) for t, p in listed))
    line.response.json["choices"][0]["message"]["content"] = "Blue sky, then."  # type: ignore[union-attr]
    seen = played(line=line, line_streamed=stream(chunks, ask(logprobs=True)))
    assert bool(findings(check, seen)) is not is_right
