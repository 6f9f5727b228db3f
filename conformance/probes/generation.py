"""Parameters of chat and completions, one field at a time: accepted and refused.

The tables are the same for both; the requirement numbers differ.
"""

from collections.abc import Iterator
from typing import Any

from conformance.exchange import Api
from conformance.probe import Params, Probe, Served, Step, table
from conformance.probes.bodies import OPERATION, valid
from conformance.probes.single_field import (
    accepted,
    breaks,
    instead_of,
    refused,
    takes,
)

WORD = "word"
OBJECT = {"a": 1}
FUNCTION = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
ASKS_FOR_TOOL = [{"role": "user", "content": "Use get_weather for Paris."}]


def many_functions(count: int) -> list[dict[str, Any]]:
    """So many smallest function tools."""
    return [
        {"type": "function", "function": {"name": f"f{i}"}} for i in range(1, count + 1)
    ]


# Requirement numbers of the parameters that both APIs share (000:378-405, 000:576-588).
_ROWS: dict[Api, dict[str, str]] = {
    "chat": {
        "frequency": "CHAT-REQ-012", "frequency range": "CHAT-REQ-014",
        "bias": "CHAT-REQ-015", "bias keys": "CHAT-REQ-016",
        "bias range": "CHAT-REQ-017", "limit": "CHAT-REQ-019",
        "limit range": "CHAT-REQ-020", "max": "CHAT-REQ-022",
        "max range": "CHAT-REQ-023", "n": "CHAT-REQ-024", "n range": "CHAT-REQ-025",
        "presence": "CHAT-REQ-026", "presence range": "CHAT-REQ-028",
        "seed": "CHAT-REQ-029", "stop string": "CHAT-REQ-030",
        "stop list": "CHAT-REQ-031", "stop null": "CHAT-REQ-032",
        "stop type": "CHAT-REQ-033", "stream": "CHAT-REQ-034",
        "temperature": "CHAT-REQ-039", "temperature range": "CHAT-REQ-041",
        "temperature top": "CHAT-REQ-042", "top_p": "CHAT-REQ-053",
        "top_p range": "CHAT-REQ-055", "model": "CHAT-REQ-003",
    },
    "completions": {
        "frequency": "COMP-REQ-010", "frequency range": "COMP-REQ-012",
        "bias": "COMP-REQ-013", "bias keys": "COMP-REQ-014",
        "bias range": "COMP-REQ-015", "limit": "COMP-REQ-019",
        "limit range": "COMP-REQ-020", "max": "COMP-REQ-021",
        "max range": "COMP-REQ-022", "n": "COMP-REQ-023", "n range": "COMP-REQ-024",
        "presence": "COMP-REQ-025", "presence range": "COMP-REQ-027",
        "seed": "COMP-REQ-028", "stop string": "COMP-REQ-029",
        "stop list": "COMP-REQ-029", "stop null": "COMP-REQ-029",
        "stop type": "COMP-REQ-029", "stream": "COMP-REQ-030",
        "temperature": "COMP-REQ-033", "temperature range": "COMP-REQ-035",
        "temperature top": "COMP-REQ-036", "top_p": "COMP-REQ-037",
        "top_p range": "COMP-REQ-039", "model": "COMP-REQ-002",
    },
}  # fmt: skip


def _accepted_rows(api: Api) -> list[Params]:
    row = _ROWS[api]
    return [
        takes(row["frequency"], frequency_penalty=0.5),
        takes(row["frequency range"], frequency_penalty=2.0),
        takes(row["frequency range"], frequency_penalty=-2.0),
        takes(row["presence"], presence_penalty=1.0),
        takes(row["presence range"], presence_penalty=2.0),
        takes(row["presence range"], presence_penalty=-2.0),
        takes(row["bias"], row["bias keys"], logit_bias={"100": 2.0}),
        takes(row["bias"], logit_bias={}),
        takes(row["bias range"], logit_bias={"100": 100, "101": -100}),
        instead_of("max_tokens", takes(row["limit"], max_completion_tokens=3)),
        instead_of("max_tokens", takes(row["limit range"], max_completion_tokens=1)),
        takes(row["max"], max_tokens=5),
        takes(row["max range"], max_tokens=1),
        takes(row["temperature"], temperature=0.7),
        takes(row["temperature range"], temperature=0.0),
        takes(row["temperature range"], temperature=1.0),
        takes(row["top_p"], top_p=0.9),
        takes(row["top_p range"], top_p=0.1),
        takes(row["top_p range"], top_p=1.0),
        takes(row["stream"], stream=False),
    ]


def _refused_rows(api: Api) -> list[Params]:
    row = _ROWS[api]
    return [
        breaks("/model is no string", row["model"], model=OBJECT),
        breaks("/temperature is below 0", row["temperature range"], temperature=-0.1),
        breaks("/frequency_penalty is a word", row["frequency"], frequency_penalty=WORD),
        breaks(
            "/frequency_penalty is above 2", row["frequency range"],
            frequency_penalty=2.1,
        ),
        breaks(
            "/frequency_penalty is below -2", row["frequency range"],
            frequency_penalty=-2.1,
        ),
        breaks("/presence_penalty is a word", row["presence"], presence_penalty=WORD),
        breaks(
            "/presence_penalty is above 2", row["presence range"], presence_penalty=2.1
        ),
        breaks(
            "/presence_penalty is below -2", row["presence range"], presence_penalty=-2.1
        ),
        breaks("/logit_bias is a string", row["bias"], logit_bias=WORD),
        breaks(
            "/logit_bias/101 is above 100", row["bias range"], logit_bias={"101": 101}
        ),
        instead_of("max_tokens", breaks("/max_completion_tokens is fractional", row["limit"], max_completion_tokens=2.5)),
        instead_of("max_tokens", breaks("/max_completion_tokens is below 0", row["limit range"], max_completion_tokens=-1)),
        breaks("/max_tokens is below 0", row["max range"], max_tokens=-1),
        breaks("/max_tokens is an object", row["max"], max_tokens=OBJECT),
        breaks("/n is below 1", row["n range"], n=0, temperature=0.8),
        breaks("/n is below 1", row["n range"], n=-1, temperature=0.8),
        breaks("/n is fractional", row["n"], n=2.5, temperature=0.8),
        breaks("/seed is a word", row["seed"], seed=WORD),
        breaks("/stop is an object", row["stop type"], stop=OBJECT),
        breaks("/stream is an object", row["stream"], stream=OBJECT),
        breaks("/temperature is a word", row["temperature"], temperature=WORD),
        breaks("/temperature is above 1", row["temperature top"], temperature=1.5),
        breaks("/top_p is a word", row["top_p"], top_p=WORD),
        breaks("/top_p is above 1", row["top_p range"], top_p=1.1),
        breaks("/top_p is below 0", row["top_p range"], top_p=-0.1),
    ]  # fmt: skip


def shared_probes(api: Api) -> list[Probe]:
    """Probes of the parameters that chat and completions have in common."""
    row = _ROWS[api]
    return [
        accepted(f"{api}.accepted", api, *_accepted_rows(api)),
        refused(f"{api}.refused", api, *_refused_rows(api), smoke_rows=2),
        accepted(
            f"{api}.accepted.seed", api, takes(row["seed"], seed=42), needs=("seed",)
        ),
        accepted(
            f"{api}.accepted.n",
            api,
            takes(row["n"], n=3, temperature=0.8),
            needs=("n",),
        ),
        accepted(
            f"{api}.accepted.stop",
            api,
            takes(row["stop string"], stop="\n"),
            takes(row["stop list"], stop=["a", "b"]),
            takes(row["stop null"], stop=None),
            needs=("stop",),
        ),
        _bias_keys(api),
        _huge_limit(api),
    ]


def _bias_keys(api: Api) -> Probe:
    """A key that is no token id: its refusal is the soft clause of A-104."""

    @table(f"{api}.bias_key", api, [None])
    def bias_key(_: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served) | {"max_tokens": 2}
        yield Step("valid", OPERATION[api], valid(api, served), shared=True)
        yield Step("key", OPERATION[api], body | {"logit_bias": {WORD: 1}}, "either")

    return bias_key


def _huge_limit(api: Api) -> Probe:
    """A limit beyond any model: refused or clamped (A-083).

    Four stop strings that hardly any text avoids end a clamped answer at once.
    """

    @table(f"{api}.huge_limit", api, [10_000_000])
    def huge_limit(limit: Params, served: Served) -> Iterator[Step]:
        body = valid(api, served)
        body.pop("max_tokens")
        body |= {"max_completion_tokens": limit, "stop": ["e", " ", "a", "."]}
        yield Step("huge", OPERATION[api], body, "either", completion_tokens=64)

    return huge_limit
