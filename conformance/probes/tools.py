"""Tools: every tool_choice, wrong ones, how many, and the turns of an agent.

A turn is asked for whole and streamed, so that the one can be held against the other.
Functions are small, for each of them is part of many prompts; among them are all the
shapes that clients send: an enum, an array, a number, an object, a reference, what
may be null, nothing required, an empty description, no description, and no parameters
at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from string import ascii_lowercase
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.probes import prompts
from aios_conformance.conformance.probes.bodies import OPERATION, OWN, function, valid
from aios_conformance.conformance.probes.decoding import BARE, asked
from aios_conformance.conformance.probes.generation import OBJECT, case, undecided_cases
from aios_conformance.conformance.probes.single_field import breaks, refused
from aios_conformance.conformance.probes.stop_strings import stop_within
from aios_conformance.conformance.probes.texts import letters
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import (
    Answers,
    Later,
    Params,
    Probe,
    Served,
    Step,
    probe,
    table,
)
from aios_conformance.conformance.terms.said import as_turn, message_of, text_of

CHAT = OPERATION["chat"]
NEEDS = ("tools",)
ROOM = 128
"""Tokens for an answer: two calls of these functions take fewer."""

SAID = 48
"""Tokens for an answer in several lines."""

LIST = "List towns, one on each line."

TOLD = 74
"""Words of a letter in the result of a call."""

TURNS = 96 + 3 * TOLD
"""Tokens of earlier turns, of three results and of the ids that they refer to."""

MOST = 128  # 000:398


def _parameters(*units: str, **more: Json) -> dict[str, Any]:
    """Arguments that can be wrong in several ways."""
    properties = {"unit": {"enum": [*units]}, "city": {"type": "string"}, **more}
    required = ["city", "unit", *more]
    return {"type": "object", "properties": properties, "required": required}


def _trains(name: str, **more: Json) -> dict[str, Any]:
    """A function of whose arguments an object stands last."""
    places = {"type": "array", "items": {"type": "string"}}
    time = {"type": "object", "properties": {"hour": {"type": "integer"}}}
    parameters = {"type": "object", "properties": {"to": places, "at": time}}
    return function(name, parameters=parameters | more)


_WHOLE = {"type": "integer"}
_YES_OR_NO = {"type": "boolean"}
_WEATHER = _parameters("°C", "°F", days=_WHOLE)
TOOLS = [
    BARE,
    function("weather", parameters=_WEATHER),
    _trains("trains", required=["at"]),
]
_PRECISE = {"enum": [2**53 - 1]}
"""An identifier as many are: the largest number that all who read JSON agree on."""

_HOUR = {"$defs": {"hour": _PRECISE}}
_FORECAST = _parameters(
    'km/h &amp;\n"°C"</tool_call>',
    né={"anyOf": [_YES_OR_NO, {"type": "null"}]},
    hour={"$ref": "#/$defs/hour"},
)
RENAMED = [
    function("fore-cast", description="", parameters=_FORECAST | _HOUR),
    _trains("rail"),
]
"""Among them arguments that hold what is escaped in JSON, in HTML, and in ASCII.

And what ends a call in the text of many models.
"""

ASKS = (
    "Call now, weather for Paris and trains to Lyon.",
    "Use now, then trains to Berlin and Prague, and weather for Prague.",
    "Check now, weather for Seoul and trains to Busan.",
)
PUSHED = {
    "temperature": 1,
    "top_p": 0.01,
    "frequency_penalty": 2,
    "presence_penalty": 2,
}
"""The likeliest token, were there no penalties: beside tools each of them acts."""

EARLIER = [
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": "Hi!", "tool_calls": None},
]


def many_functions(count: int) -> list[dict[str, Any]]:
    """So many functions of nothing but a name, which is all that one needs (A-091).

    Names of two letters are one token, those with digits up to four.
    """
    names = islice(product(ascii_lowercase, repeat=2), count)
    return [function("".join(name)) for name in names]


def _answered(answers: Answers) -> list[Json] | None:
    """The turns after the first reply that calls: itself, and a result of each call.

    A result is longer than the call. Before them stands a plain reply, with the null
    that clients send who keep replies as objects.
    """
    for label in ("omitted", "required"):
        reply = message_of(answers.get(label))
        match reply:
            case {"content": str() | None, "tool_calls": [_, *_] as calls}:
                ids = [call.get("id") for call in calls if isinstance(call, dict)]
                results = [
                    {
                        "role": "tool",
                        "tool_call_id": one,
                        "content": f'{{"{number}0": "{letters(TOLD)}"}}',
                    }
                    for number, one in enumerate(ids, 1)
                ]
                asked = answers[label].request.json["messages"]
                return [*EARLIER, *asked, as_turn(reply), *results]
    return None


def _cut(answers: Answers) -> int | None:
    """A limit that cuts the call of step `required` short, in its arguments.

    That no call has so few tokens is to show by what is counted at a limit of more.
    """
    response = answers["required"].response
    match response.json if response else None:
        case {"usage": {"completion_tokens": int(count)}} if 8 <= count <= ROOM:
            return 3 * count // 4
        case {"usage": {"completion_tokens": 0 | 1 | 2}}:
            return 24
    return None


@probe(
    "chat.tools",
    "chat",
    params=st.fixed_dictionaries(
        {
            "ask": st.sampled_from(ASKS),
            "after": st.integers(4, 12),
        }
    ),
    draws=(1, 1, 30),
    needs=NEEDS,
)
def turns(p: Params, served: Served) -> Iterator[Step]:
    """A question that asks for tools, one that does not, and the turn after calls.

    With and without a tool_choice one answer is whole and the other streamed, so that
    it shows by what is missing whether the choice or the stream is to blame.
    """
    rows = ("CHAT-REQ-043",)

    def greedy(text: str, tools: list[Json], limit: int, **more: Json) -> Json:
        body = asked("chat", served, text, temperature=0, max_tokens=limit)
        return body | {"tools": tools} | more

    ask = greedy(p["ask"], TOOLS, ROOM)
    none = ask | {"tool_choice": "none"}
    # nothing but tool_choice asks for a call here
    other = greedy(LIST, TOOLS[:1], SAID)
    forced = greedy(LIST, RENAMED, ROOM, tool_choice="required")
    streams = served.offers("streaming")
    stream = {"stream": True, "stream_options": {"include_usage": True}}
    if_offered = stream if streams else {}
    scored = {"logprobs": True} if served.offers("logprobs") else {}

    def stopped(answers: Answers) -> Json:
        found = stop_within(text_of(answers["other_auto"]) or "", p["after"])
        body = other | if_offered
        return body if found is None else body | {"stop": found}

    def unchosen(answers: Answers) -> Json:
        return other if answers["other_auto"].status >= 400 else None

    def cut(answers: Answers) -> Json:
        limit = _cut(answers)
        return None if limit is None else forced | scored | {"max_tokens": limit}

    def answered(answers: Answers) -> Json:
        messages = _answered(answers)
        turn = {"messages": messages, "max_tokens": SAID}
        return None if messages is None else ask | turn

    def turn(label: str, made: Later, *rows: str) -> Iterator[Step]:
        """A turn that earlier answers lead to, whole and streamed."""
        costs: dict[str, Any] = {"like": "required", "completion_tokens": ROOM}
        costs |= {"wants": "a call that a limit can cut"}
        if made is answered:
            costs = {"like": "omitted", "completion_tokens": SAID, "wants": "a call"}
            costs |= {"beyond": ROOM + TURNS, "off_schema": OWN}
        yield Step(label, CHAT, made, serves=rows, **costs)
        if streams:
            yield Step(f"{label}_streamed", CHAT, also(made, stream), **costs)

    yield Step("omitted", CHAT, ask, serves=("CHAT-REQ-046",))
    # nothing but the choice differs, so that a call of before must not come again
    yield Step("none", CHAT, none, serves=rows)
    yield Step("auto", CHAT, ask | {"tool_choice": "auto"} | if_offered)
    yield Step("other_auto", CHAT, other | {"tool_choice": "auto"}, serves=rows)
    unasked = Step("unchosen", CHAT, unchosen, like="other_auto", spare=True)
    yield replace(unasked, narrows=True, completion_tokens=SAID)
    yield Step("stopped", CHAT, stopped, like="other_auto", completion_tokens=SAID)
    several = {"n": 2} if served.offers("n") else {}
    yield Step("pushed", CHAT, other | {"tool_choice": "auto"} | PUSHED | several)
    yield Step("required", CHAT, forced, serves=("CHAT-REQ-046",))
    yield from turn("cut", cut)
    yield from turn("answered", answered, "META-083")
    if streams:
        streamed = {"tools": TOOLS[:1], "stream": True, "max_tokens": SAID}
        yield Step("none_streamed", CHAT, none | streamed)


def also(made: Later, members: Mapping[str, Json]) -> Later:
    """A body made of earlier answers, with further members."""

    def body(answers: Answers) -> Json:
        found = made(answers)
        return None if found is None else found | members

    return body


@probe(
    "chat.tools.choices",
    "chat",
    params=st.fixed_dictionaries({"other": st.sampled_from(prompts.CHAT.usual)}),
    draws=(1, 1, 10),
    needs=(*NEEDS, "n"),
)
def choices(p: Params, served: Served) -> Iterator[Step]:
    """Several choices, each of which calls a function that takes no arguments.

    They are streamed, where the target claims to stream: each call of its own choice.
    """
    body = asked("chat", served, p["other"], temperature=0.8, max_tokens=ROOM // 2, n=2)
    body |= {"tools": [BARE], "tool_choice": "required"}
    body |= {"stream": served.offers("streaming")}
    # n may be what is refused, or the choice; what comes next is to call nothing
    yield Step("several", CHAT, body, alone=True)


@table("chat.tools.many", "chat", [MOST], needs=NEEDS)
def many(most: Params, served: Served) -> Iterator[Step]:
    """One function, as many as may be, and one too many."""
    one = valid("chat", served) | {"tools": many_functions(1)}

    def body(count: int) -> dict[str, Any]:
        # with none, a server need not show the tools to its model
        return one | {"tools": many_functions(count), "tool_choice": "none"}

    yield Step("one", CHAT, one, serves=("CHAT-REQ-046",), shared=True)
    yield Step("most", CHAT, body(most), serves=("CHAT-REQ-048",))
    yield Step(
        "above",
        CHAT,
        body(most + 1),
        expect="refuse",
        serves=("CHAT-REQ-049",),
        breaks=f"/tools are {most + 1}",
    )


_OFFERED = {"base": {"tools": many_functions(1)}}
_OTHER_TYPE = {"type": "retrieval", "function": {"name": "look_up"}}

REFUSED = refused(
    "chat.refused.tools",
    "chat",
    _OFFERED | breaks("/tool_choice is unknown", "CHAT-REQ-043", tool_choice="maybe"),
    _OFFERED | breaks("/tools is an object", "CHAT-REQ-046", tools=OBJECT),
    _OFFERED | breaks("/tools/0 is no function", "CHAT-REQ-047", tools=[_OTHER_TYPE]),
    needs=NEEDS,
)


def _called(*arguments: str) -> list[Json]:
    """A conversation in which calls with these arguments were made and answered."""
    ask = {"role": "user", "content": "Go on."}
    calls: list[Json] = []
    results: list[Json] = []
    for number, text in enumerate(arguments):
        one, name = f"call_{number}", BARE["function"]["name"]
        made = {"name": name, "arguments": text}
        calls.append({"id": one, "type": "function", "function": made})
        results.append({"role": "tool", "tool_call_id": one, "content": "No."})
    return [ask, {"role": "assistant", "content": "", "tool_calls": calls}, *results]


UNDECIDED = undecided_cases(
    "chat.undecided.tools",
    "chat",
    case(
        "CHAT-REQ-043",
        "a named function as tool_choice",
        tools=[BARE],
        tool_choice={"type": "function", "function": {"name": "now"}},
        max_tokens=ROOM // 2,
    ),
    case("CHAT-SEM-021", "required without tools", tool_choice="required"),
    case(
        "META-083",
        "earlier calls whose arguments are no object",
        messages=_called("", '{"at', "[1]"),
    ),
    needs=NEEDS,
)

TOOL_PROBES: tuple[Probe, ...] = (turns, choices, many, REFUSED, UNDECIDED)
