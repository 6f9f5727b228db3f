"""Tools: every tool_choice, wrong ones, and how many functions may be offered."""

from collections.abc import Iterator
from itertools import islice, product
from string import ascii_lowercase
from typing import Any

from hypothesis import strategies as st

from aios_conformance.conformance.probes import prompts
from aios_conformance.conformance.probes.bodies import OPERATION
from aios_conformance.conformance.probes.decoding import asked
from aios_conformance.conformance.probes.generation import OBJECT, case, undecided_cases
from aios_conformance.conformance.probes.single_field import breaks, refused
from aios_conformance.conformance.terms.exchange import Json
from aios_conformance.conformance.terms.probe import Params, Probe, Served, Step, probe

CHAT = OPERATION["chat"]
NEEDS = ("tools",)
ROOM = 128
"""Tokens for an answer: a call of these functions takes fewer."""

MOST = 128  # 000:398


def function(name: str, about: str, parameters: Json) -> dict[str, Any]:
    """A function tool (000:397)."""
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": parameters},
    }


def weather(name: str) -> dict[str, Any]:
    """A function whose arguments can be wrong in many ways."""
    city = {"type": "string", "maxLength": 20}
    parameters = {
        "type": "object",
        "properties": {
            "city": city,
            "days": {"type": "integer", "minimum": 1, "maximum": 5},
            "unit": {"enum": ["C", "F"]},
        },
        "required": ["city", "days", "unit"],
        "additionalProperties": False,
    }
    return function(name, "Weather forecast of a city", parameters)


def trains(name: str) -> dict[str, Any]:
    """A function with a nested argument."""
    place = {"type": "string", "maxLength": 20}
    stops = {"type": "array", "items": place, "minItems": 1, "maxItems": 2}
    parameters = {"type": "object", "properties": {"stops": stops}}
    return function(
        name, "Trains that stop at places", parameters | {"required": ["stops"]}
    )


TOOLS = [weather("get_weather"), trains("find_trains")]
RENAMED = [trains("list_trains"), weather("forecast_weather")]
ASKS = (
    "Use get_weather for Paris, 3 days.",
    "Call get_weather: the weather of Seoul, please.",
    "Use find_trains for Berlin and Prague.",
)


def many_functions(count: int) -> list[dict[str, Any]]:
    """So many small function tools, none of which takes an argument.

    The documents do not say that parameters may be left out. Names of two letters are
    one token, those with digits up to four.
    """
    names = islice(product(ascii_lowercase, repeat=2), count)
    return [
        {"type": "function", "function": {"name": "".join(name), "parameters": {}}}
        for name in names
    ]


@probe(
    "chat.tools",
    "chat",
    params=st.fixed_dictionaries(
        {"ask": st.sampled_from(ASKS), "other": st.sampled_from(prompts.CHAT.usual)}
    ),
    draws=(0, 1, 30),
    needs=NEEDS,
)
def choosing(p: Params, served: Served) -> Iterator[Step]:
    """A question that asks for a tool, and one that does not, under each choice."""
    rows = ("CHAT-REQ-043",)
    plain = asked("chat", served, p["ask"], temperature=0, max_tokens=16)
    offered = plain | {"tools": TOOLS}
    room = offered | {"max_tokens": ROOM}
    yield Step("no_tools", CHAT, plain)
    yield Step("none", CHAT, offered | {"tool_choice": "none"}, serves=rows)
    yield Step("auto", CHAT, room | {"tool_choice": "auto"}, serves=rows)
    yield Step("omitted", CHAT, room, serves=("CHAT-REQ-046",))
    # nothing but tool_choice asks for a call here
    other = asked("chat", served, p["other"], temperature=0, max_tokens=16)
    other |= {"tools": TOOLS}
    yield Step("other_auto", CHAT, other | {"tool_choice": "auto"}, serves=rows)
    yield Step("other_omitted", CHAT, other, serves=("CHAT-REQ-046",))
    forced = other | {"tool_choice": "required", "max_tokens": ROOM}
    yield Step("required", CHAT, forced, serves=rows)
    yield Step("renamed", CHAT, forced | {"tools": RENAMED})


@probe(
    "chat.tools.streamed",
    "chat",
    params=st.fixed_dictionaries({"ask": st.sampled_from(ASKS)}),
    draws=(0, 1, 10),
    needs=(*NEEDS, "streaming"),
)
def streamed(p: Params, served: Served) -> Iterator[Step]:
    """A call that is streamed."""
    body = asked("chat", served, p["ask"], temperature=0, max_tokens=ROOM, stream=True)
    yield Step("streamed", CHAT, body | {"tools": TOOLS, "tool_choice": "required"})


@probe(
    "chat.tools.choices",
    "chat",
    params=st.fixed_dictionaries({"other": st.sampled_from(prompts.CHAT.usual)}),
    draws=(0, 1, 10),
    needs=(*NEEDS, "n"),
)
def choices(p: Params, served: Served) -> Iterator[Step]:
    """Several choices, each of which calls a tool."""
    body = asked("chat", served, p["other"], temperature=0.8, max_tokens=ROOM, n=2)
    yield Step("several", CHAT, body | {"tools": TOOLS, "tool_choice": "required"})


_OFFERED = {"base": {"tools": many_functions(1), "tool_choice": "none"}}
_FULL = {
    # with none, a server need not show the tools to its model
    "base": {"tools": many_functions(MOST), "tool_choice": "none"},
    "base_serves": ["CHAT-REQ-048"],
}
_OTHER_TYPE = {"type": "retrieval", "function": {"name": "look_up"}}

REFUSED = refused(
    "chat.refused.tools",
    "chat",
    _OFFERED | breaks("/tool_choice is unknown", "CHAT-REQ-043", tool_choice="maybe"),
    _OFFERED | breaks("/tools is an object", "CHAT-REQ-046", tools=OBJECT),
    _OFFERED | breaks("/tools/0 is no function", "CHAT-REQ-047", tools=[_OTHER_TYPE]),
    _FULL | breaks("/tools are 129", "CHAT-REQ-049", tools=many_functions(MOST + 1)),
    needs=NEEDS,
)

_NAMED = {"type": "function", "function": {"name": "get_weather"}}

UNDECIDED = undecided_cases(
    "chat.undecided.tools",
    "chat",
    case(
        "CHAT-REQ-043",
        "a named function as tool_choice",
        tools=TOOLS,
        tool_choice=_NAMED,
        max_tokens=ROOM,
    ),
    case("CHAT-SEM-021", "required without tools", tool_choice="required"),
    needs=NEEDS,
)

TOOL_PROBES: tuple[Probe, ...] = (choosing, streamed, choices, REFUSED, UNDECIDED)
