"""The turns of an agent, streamed beside whole, and cut short."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from answers import chunk
from exchanges import findings, observation, sse, witnessed
from generations import choice, request, said, scored
from judged_runs import judged_run, row
from streaming import stream

from aios_conformance.conformance.checks import beside_tools, tools, turns
from aios_conformance.conformance.probes.decoding import BARE
from aios_conformance.conformance.probes.tools import TOOLS
from aios_conformance.conformance.terms.catalogue import catalogue, checks_in
from aios_conformance.conformance.terms.check import Check
from aios_conformance.conformance.terms.exchange import Exchange, Observation
from aios_conformance.conformance.terms.scenario import PlannedScenario, PlannedStep

GOOD = '{"city": "Paris", "unit": "°C", "days": 2}'
USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
Call = tuple[int, str, str, str]  # index, id, name, arguments
CALL: Call = (0, "call_1", "weather", GOOD)


def offering(*functions: Any, **members: Any) -> Any:
    return request("chat", tools=list(functions) or TOOLS, max_tokens=16, **members)


def piece(delta: Any = None, end: str | None = None, **members: Any) -> Any:
    return chunk({"index": 0, "delta": delta or {}, "finish_reason": end, **members})


def delta(call: Call) -> Any:
    index, identifier, name, arguments = call
    head = {"id": identifier, "type": "function"} if identifier else {}
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, **head, "function": function}]}


def streamed(
    *calls: Call, text: str = "", end: str | None = "tool_calls", sent: Any = None
) -> Exchange:
    said_so = [piece({"content": text})] if text else []
    begun = piece({"role": "assistant"})
    pieces = [begun, *said_so, *(piece(delta(call)) for call in calls), piece(end=end)]
    asked = (sent or offering()) | {"stream": True}
    return stream([*pieces, chunk(usage=USAGE)], asked)


def whole(
    *calls: Call, text: str | None = None, end: str = "tool_calls", **over: Any
) -> Exchange:
    made = [
        {"id": i, "type": "function", "function": {"name": name, "arguments": given}}
        for _, i, name, given in calls
    ]
    sent = over.pop("sent", offering())
    finished = choice("chat", text, tool_calls=made, finish_reason=end, **over)
    return said("chat", finished, sent=sent)


def played(**steps: Exchange) -> Observation:
    return observation("chat.tools", None, None, 0, **steps)


def broken(check: Check, seen: Observation | Exchange) -> set[str]:
    return {row for finding in findings(check, seen) for row in finding.ids}


SAME = turns.a_streamed_turn_is_the_whole_turn
COUNTED = turns.a_streamed_turn_counts_as_the_whole_one
CUT = turns.a_cut_call_says_length


def test_pieces_of_calls_join_to_the_calls_of_the_whole_answer() -> None:
    two = CALL, (1, "call_2", "trains", "{}")
    cut = (0, "call_7", "weather", GOOD[:9]), (0, "", "", GOOD[9:])
    seen = played(omitted=whole(*two), auto=streamed(*cut, two[1]))
    assert findings(SAME, seen) == []
    assert witnessed(SAME, seen) == {"META-059"}
    assert findings(COUNTED, seen) == []


@pytest.mark.parametrize(
    ("stream", "rows"),
    [
        (streamed(CALL, end="stop"), {"META-059", "CHAT-RES-025"}),
        (streamed((0, "call_1", "trains", "{}")), {"META-059"}),
        (streamed(CALL, (1, "call_2", "trains", "{}")), {"META-059"}),
        (streamed(text=GOOD), {"META-059"}),
        (streamed(CALL, text="Calling."), {"META-059"}),
        # what is free, and what other rows tell
        (streamed((0, "call_9", "weather", GOOD.replace(" ", ""))), set()),
        (streamed(CALL, text="\n"), set()),
        (streamed(CALL, end=None), set()),
    ],
)
def test_a_streamed_call_is_that_of_the_whole_answer(
    stream: Exchange, rows: set[str]
) -> None:
    seen = played(omitted=whole(CALL), auto=stream)
    assert broken(SAME, seen) == rows


def pushed(*texts: str, plain: str = "a b " * 9) -> Observation:
    each = (choice("chat", text, index) for index, text in enumerate(texts))
    said_so = said("chat", *each, sent=offering(top_p=0.01, n=len(texts)))
    return played(other_auto=whole(text=plain, end="length"), pushed=said_so)


TOP_P = {"CHAT-SEM-022", "META-055"}
PENALTIES = {"CHAT-SEM-002", "CHAT-SEM-003"}


@pytest.mark.parametrize(
    ("seen", "rows"),
    [
        (pushed("a c", "a c"), set()),
        (pushed("a c", "a d"), TOP_P),
        (pushed("a b " * 9, "a b " * 9), PENALTIES),
        (pushed("a b", "a b", plain="a b"), set()),  # too short to repeat much
        (pushed("a c"), set()),
    ],
)
def test_what_is_drawn_beside_tools_is_drawn_as_asked_for(
    seen: Observation, rows: set[str]
) -> None:
    check = beside_tools.what_is_drawn_beside_tools
    assert broken(check, seen) == rows
    assert rows <= witnessed(check, seen)


@pytest.mark.parametrize("name", sorted(TOP_P | PENALTIES))
def test_who_calls_no_tool_leaves_no_row_open(name: str) -> None:
    """What is promised of sampling shows without tools as well."""
    texts = {"frequency_up": "a b", "frequency_down": "a a"}
    texts |= {"presence_up": "a b", "presence_down": "a a"}
    each: Any = {label: said("chat", text) for label, text in texts.items()}
    alone = observation("chat.pushed", **each)
    drawn: Any = {"hot_1": said("chat", "b"), "hot_2": said("chat", "c")}
    greedy = said("chat", "a")
    spread = observation("chat.spread", **drawn, cold=greedy, narrow=greedy)
    silent = played(pushed=said("chat", choice("chat", "", 0), sent=offering()))
    made = judged_run(*[alone, spread, silent] * 8, known=catalogue())
    steps = (PlannedStep("pushed", "POST /v1/chat/completions", ()),)
    planned = tuple(
        PlannedScenario(probe, 0, ("chat",), steps)
        for probe in ("chat.pushed", "chat.spread", "chat.tools")
    )
    made = replace(made, recording=replace(made.recording, scenarios=planned))
    assert row(made, name).verdict == "pass"


AUTO = offering(tool_choice="auto")


def test_where_tool_choice_differs_what_is_missing_tells_what_is_to_blame() -> None:
    """A stream that lacks calls lost them; a whole answer without was not to call."""
    chosen = tools.an_omitted_choice_is_auto
    called, plain = whole(CALL), whole(text="No.", end="stop")
    lost = played(omitted=called, auto=streamed(text="No.", end="stop", sent=AUTO))
    assert broken(SAME, lost) == {"META-059"}
    assert broken(chosen, lost) == set()
    unasked = played(omitted=plain, auto=streamed(CALL, sent=AUTO))
    assert broken(SAME, unasked) == set()
    assert broken(chosen, unasked) == {"CHAT-REQ-045", "META-079"}


@pytest.mark.parametrize(
    ("text", "rows"),
    [("Seven", set()), ("Seven boats", set()), ("", {"META-059"}), ("S", {"META-059"})],
)
def test_a_stop_string_ends_the_stream_where_the_whole_text_has_it(
    text: str, rows: set[str]
) -> None:
    cut = streamed(text=text, end="stop", sent=offering(stop=" b"))
    other = whole(text="Seven boats raced", end="length")
    assert broken(SAME, played(other_auto=other, stopped=cut)) == rows


def test_the_usage_of_a_stream_is_that_of_the_whole_answer() -> None:
    unlike = streamed(CALL)
    longer = said("chat", choice("chat", "Yes."), sent=offering(), prompt=6)
    seen = played(answered=longer, answered_streamed=unlike)
    assert broken(COUNTED, seen) == {"META-062"}


def scored_stream(*tokens: Any) -> Exchange:
    one = [piece(delta(CALL), logprobs=scored(token)) for token in tokens]
    asked = offering(logprobs=True, stream=True)
    return stream([*one, piece(end="length")], asked)


@pytest.mark.parametrize(
    ("tokens", "rows"),
    [
        ([("{", -0.1, []), ('"', -0.2, [])], set()),
        ([("{", -0.1, [])], {"META-059"}),
        ([("{", -0.1, []), ('"', -0.9, [])], {"META-059"}),
        ([], {"META-059"}),
    ],
)
def test_log_probabilities_of_a_streamed_call(tokens: Any, rows: set[str]) -> None:
    given = scored(("{", -0.1, []), ('"', -0.2, []))
    cut = whole(CALL, end="length", logprobs=given)
    assert broken(SAME, played(cut=cut, cut_streamed=scored_stream(*tokens))) == rows
    # the documents do not say that a call has any
    bare = whole(CALL, end="length")
    assert not broken(SAME, played(cut=bare, cut_streamed=scored_stream(*tokens)))


@pytest.mark.parametrize(
    ("end", "limit", "rows"),
    [
        ("length", 3, set()),
        ("tool_calls", 3, {"CHAT-SEM-010", "META-041"}),
        ("stop", 3, {"CHAT-SEM-010", "META-041"}),
        ("tool_calls", 4, set()),  # it took fewer tokens, and was not cut
    ],
)
@pytest.mark.parametrize("made", [whole, streamed])
def test_a_cut_call_says_length(
    made: Callable[..., Exchange], end: str, limit: int, rows: set[str]
) -> None:
    label = "cut" if made is whole else "cut_streamed"
    sent = offering() | {"max_tokens": limit}
    half = (0, "call_1", "weather", GOOD[:9])
    assert broken(CUT, played(**{label: made(half, end=end, sent=sent)})) == rows


def test_what_exceeds_its_limit_was_not_cut() -> None:
    sent = offering() | {"max_tokens": 1}
    half = (0, "call_1", "weather", GOOD[:9])
    uncounted = streamed(half, end="stop", sent=sent)
    seen = played(cut=whole(half, end="stop", sent=sent), cut_streamed=uncounted)
    assert broken(CUT, seen) == set()
    assert witnessed(CUT, seen) == set()


def test_a_cut_stream_that_ends_in_an_error_told_no_length() -> None:
    error = {"error": {"message": "list index out of range"}}
    body = sse(piece(delta(CALL)), error)
    seen = played(cut_streamed=stream(body, offering(stream=True)))
    assert broken(CUT, seen) == {"CHAT-SEM-010", "META-041"}


def found(*played_: Exchange) -> set[str]:
    """The rows that all checks of single replies find broken."""
    return {
        row
        for check in checks_in(tools)
        if check.view.__name__ == "ChatReply"
        for finding in findings(check, *played_)
        for row in finding.ids or check.ids
    }


REQUIRED = offering(tool_choice="required")


@pytest.mark.parametrize(
    ("calls", "sent", "rows"),
    [
        ([CALL], REQUIRED, set()),
        ([], REQUIRED, {"CHAT-SEM-019", "META-077"}),
        ([CALL], offering(tool_choice="none"), {"CHAT-SEM-017", "META-076"}),
        ([CALL], request("chat"), {"CHAT-REQ-044", "META-078"}),
        ([(0, "call_1", "news", GOOD)], None, {"CHAT-SEM-020"}),
        ([(0, "", "weather", GOOD)], None, {"CHAT-SEM-018", "CHAT-SEM-020"}),
        ([CALL, (1, "call_1", "trains", '{"at": {}}')], None, {"CHAT-SEM-020"}),
        ([(0, "call_1", "weather", "{}")], None, {"META-080"}),
        ([(0, "call_1", "weather", '["Paris"]')], None, {"CHAT-SEM-020", "META-080"}),
        ([CALL, CALL], None, {"CHAT-SEM-020"}),  # two at one index
        ([(0, "call_1", "now", "{}")], offering(BARE), set()),
        ([(0, "call_1", "now", "")], offering(BARE), {"CHAT-SEM-020", "META-080"}),
        ([(0, "call_1", "now", "null")], offering(BARE), {"CHAT-SEM-020", "META-080"}),
    ],
)
def test_calls_of_streams_are_judged_as_whole_ones(
    calls: list[Call], sent: Any, rows: set[str]
) -> None:
    assert found(streamed(*calls, sent=sent)) == rows


def test_a_call_without_an_index_counts_by_its_place() -> None:
    bare = piece({"tool_calls": [{"id": "a", "function": {"name": "now"}}]})
    rest = piece({"tool_calls": [{"function": {"arguments": "{}"}}]})
    asked = offering(BARE, tool_choice="required", stream=True)
    assert found(stream([bare, rest, piece(end="tool_calls")], asked)) == set()


def test_the_words_of_a_result_are_counted() -> None:
    check = turns.a_result_is_more_to_read
    question = {"role": "user", "content": "Call weather."}

    def turn(prompt: int, *messages: Any) -> Exchange:
        sent = offering() | {"messages": [question, *messages]}
        return said("chat", "Mild.", sent=sent, prompt=prompt)

    def told(prompt: int) -> Observation:
        result = {"role": "tool", "content": "10 " + "a " * 110}
        return played(omitted=turn(90), answered=turn(prompt, result))

    assert witnessed(check, told(210)) == {"META-039"}
    assert not findings(check, told(210))
    (found,) = findings(check, told(150))
    assert (found.step, found.ids) == ("answered", ("META-039",))


@pytest.mark.parametrize(("longer", "is_right"), [(9, True), (8, False), (5, False)])
def test_a_conversation_grows(longer: int, is_right: bool) -> None:
    """By a token for each word of the reply and of the next question."""
    ask = {"role": "user", "content": "Name two."}
    turns_sent = [ask, {"role": "assistant", "content": "Blue, red."}, ask]
    first = said("chat", "Blue, red.", sent=request("chat", messages=[ask]), prompt=5)
    sent = request("chat", messages=turns_sent)
    seen = observation(
        "chat.history", first=first, next=said("chat", "?", sent=sent, prompt=longer)
    )
    assert witnessed(turns.a_conversation_grows, seen) == {"META-039"}
    assert bool(findings(turns.a_conversation_grows, seen)) is not is_right
