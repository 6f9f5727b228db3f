"""The value classes of each parameter, read off the contract.

Of what the request schema promises (`strict_schema`): left out, null, both ends of a
bound, each choice of an enumeration; with `fine` also zero, the middle, and what
equals the default. Members that need each other are one unit: its classes are written
here, and so are texts, of which a schema says nothing.
"""

from collections.abc import Collection, Sequence
from random import Random

from aios_conformance.conformance.probes.bodies import function
from aios_conformance.conformance.probes.strict_schema import listed, promised
from aios_conformance.conformance.probes.texts import letters
from aios_conformance.conformance.terms.exchange import Api, Json
from aios_conformance.spec import Node, apis, openapi

Class = dict[str, Json]  # members; none: left out
_ABSENT: Class = {}

_SHORT = (
    "What's\n{hue}?",
    "Who's\n{{now}}?",
    "Don't\n{% count.",
    "It's a\n{sky}",
)
"""With a line break, an apostrophe, and what templates and formats are made of."""

_BEYOND = (
    "Ou\u0300 est\u2028서🦀? Why?",
    "Ein O\u0308l\u2028🦀 水",
    "C\u0327a va,\u2028🦀न?",
)
"""Decomposed: they are other texts where somebody composes them. Each holds what some
readers of streams take for the end of a line, and a character beyond 16 bits."""

_WORDS = 65
"""Of a letter each, in a query: questions are texts, and may be as long as any."""

_MARK = "<|endoftext|>"
"""What tokenizers have for the end of a text: in one that is read it is a text."""

_CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


def _conversation(*texts: str) -> Class:
    roles = ["assistant" if (len(texts) - i) % 2 == 0 else "user" for i in range(9)]
    turns = zip(roles, texts, strict=False)
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def _generation(*, fine: bool, pick: Random) -> dict[str, Sequence[Class]]:
    """What chat and completions share."""
    limit = pick.randint(4, 6)
    stops = ["\n", " e", ".", "水"]
    pick.shuffle(stops)
    usage = {"include_usage": True}
    limits: list[Class] = [{"max_tokens": limit}, {"max_completion_tokens": 1}]
    streams: list[Class] = [
        _ABSENT,
        {"stream": True},
        {"stream": True, "stream_options": usage},
        {"stream": True, "stream_options": {"include_usage": False}},
    ]
    stop: list[Class] = [_ABSENT, {"stop": "\n"}, {"stop": stops}]
    bias: list[Class] = [_ABSENT, {"logit_bias": {"100": 1.5}}]
    if fine:
        limits += [{**limits[0], **limits[1]}, {"max_tokens": 1}]
        streams += [
            {"stream": False},
            {"stream": True, "stream_options": None},
            {"stream": True, "stream_options": {"continuous_usage_stats": True}},
        ]
        stop += [{"stop": None}, {"stop": "水"}, {"stop": ["\n"]}]
        bias += [{"logit_bias": offsets} for offsets in (None, {"7": 100}, {"7": -100})]
    seed: list[Class] = [_ABSENT, {"seed": pick.randrange(2**31, 2**32)}]
    return {
        "limit": limits, "stream": streams, "stop": stop, "logit_bias": bias,
        "seed": seed,
    }  # fmt: skip


def _chat(*, fine: bool, pick: Random) -> dict[str, Sequence[Class]]:
    plain, other, beyond = _texts(pick)
    functions = [function("now"), function("weather", parameters=_CITY)]
    none: Class = {"tool_choice": "none"}
    tools: list[Class] = [_ABSENT, {"tools": functions[:1], **none}, none]
    logprobs: list[Class] = [
        _ABSENT, {"logprobs": True}, {"logprobs": True, "top_logprobs": 20},
    ]  # fmt: skip
    if fine:
        tools += [{"tools": functions, **none}]
        logprobs += [{"logprobs": True, "top_logprobs": n} for n in (0, 3)]
        logprobs += [{"logprobs": False}]
    return {
        "messages": [
            _conversation(plain),
            _conversation(beyond),
            _conversation(plain, "Blue.", other),
        ],
        "logprobs": logprobs,
        "tools": tools,
        **_generation(fine=fine, pick=pick),
    }


def _completions(*, fine: bool, pick: Random) -> dict[str, Sequence[Class]]:
    plain, other, beyond = _texts(pick)
    prompts: list[Json] = [plain, beyond, [other], [plain, beyond, plain]]
    logprobs = (1, 3, 5) if fine else (1, 5)
    return {
        "prompt": [{"prompt": prompt} for prompt in prompts],
        "logprobs": [_ABSENT, *({"logprobs": n} for n in logprobs)],
        **_generation(fine=fine, pick=pick),
    }


def _texts(pick: Random) -> tuple[str, str, str]:
    """Two short texts with a newline, one with a mark, and one beyond ASCII.

    No text has all: what refuses it is charged with the one or the other.
    """
    plain, other = pick.sample(_SHORT, 2)
    return plain, other + _MARK, pick.choice(_BEYOND)


def _rerank(*, fine: bool, pick: Random) -> dict[str, Sequence[Class]]:
    plain, other, beyond = _texts(pick)
    documents: list[list[str]] = [[plain], [beyond], [other, beyond, other]]
    counts = (0, 1, 3) if fine else (0, 1)
    return {
        "query": [
            {"query": f"{plain}\n"},
            {"query": beyond},
            {"query": f"{other} {letters(_WORDS)}"},
        ],
        "documents": [{"documents": each} for each in documents],
        "top_n": [_ABSENT, *({"top_n": n} for n in counts)],
    }


def _score(*, fine: bool, pick: Random) -> dict[str, Sequence[Class]]:
    plain, other, beyond = _texts(pick)
    pairs: list[tuple[Json, Json]] = [
        (plain, beyond), ([beyond, plain], [other, other]), (plain, [other, beyond]),
    ]  # fmt: skip
    if fine:
        pairs += [([other], [plain]), (plain, [other]), (plain, [plain] * 3)]
    formats = ("float", "int")
    return {
        "texts": [{"text_1": one, "text_2": two} for one, two in pairs],
        "encoding_format": [_ABSENT, *({"encoding_format": f} for f in formats)],
    }


def _embeddings(*, fine: bool, pick: Random) -> dict[str, Sequence[Class]]:
    plain, other, beyond = _texts(pick)
    inputs: list[Json] = [beyond, [other], [beyond, plain, beyond]]
    if fine:
        inputs += [plain, [beyond]]
    formats = ("float", "base64")
    return {
        "input": [{"input": each} for each in inputs],
        "encoding_format": [_ABSENT, *({"encoding_format": f} for f in formats)],
    }


_WRITTEN = {
    "rerank": _rerank, "score": _score, "chat": _chat, "completions": _completions,
    "embeddings": _embeddings,
}  # fmt: skip


def value_classes(
    api: Api, claimed: Collection[str], pick: Random, *, fine: bool = False
) -> dict[str, Sequence[Class]]:
    """The units of an API, each with its classes; the first one costs least."""
    units = _WRITTEN[api](fine=fine, pick=pick)
    taken = {name for classes in units.values() for each in classes for name in each}
    members = apis()[api].members
    safe = promised(openapi(), apis()[api].schema, claimed)["properties"]
    for name, node in safe.items():
        if name not in (*taken, "model"):
            values = _values(node, members[name], fine=fine)
            units[name] = [_ABSENT, *({name: value} for value in values)]
    needs = {name: node.get("x-needs") for name, node in members.items()}
    lacking = {name for name, need in needs.items() if need not in (None, *claimed)}
    return {
        unit: [each for each in classes if lacking.isdisjoint(each)]
        for unit, classes in units.items()
        if unit not in lacking
    }


def seldom(api: Api, claimed: Collection[str], pick: Random) -> list[list[Class]]:
    """Bodies on whose members together the documents are silent, or that are costly.

    Seldom asked, and what servers fail at: a limit of 0, and all that has an echo.
    """
    if not apis()[api].generates:
        return []
    plain, other, beyond = _texts(pick)
    old, new = {"max_tokens": 0}, {"max_completion_tokens": 0}
    stream: Class = {"stream": True}
    found: list[list[Class]] = [[new]]
    if api == "chat":
        found.append([old, {**stream, "stream_options": {"include_usage": True}}])
    else:
        echo: Class = {"echo": True}
        several: Class = {"prompt": [plain, beyond, other]}
        listed: Class = {"logprobs": pick.randint(1, 5)}
        found += [
            [{"prompt": beyond}, echo, old],
            [{"prompt": plain}, echo, listed],
            [several, echo, listed, stream],
            [several, echo, {"n": pick.choice((2, 3))}],
        ]
    needs = {name: node.get("x-needs") for name, node in apis()[api].members.items()}
    return [
        row
        for row in found
        if all(needs[name] in (None, *claimed) for unit in row for name in unit)
    ]


def _values(safe: Node, node: Node, *, fine: bool) -> list[Json]:
    kinds = listed(safe.get("type", ()))
    least = safe.get("minimum", safe.get("exclusiveMinimum", 0) + 1)
    found: list[Json] = []
    if "enum" in safe:
        found += safe["enum"]
    elif "boolean" in kinds:
        found += [False, True]
    elif {"number", "integer"} & {*kinds}:
        most = safe["maximum"]
        found += [least, most]
        if fine:
            middle = (least + most) / 2
            found += [int(middle) if "integer" in kinds else middle, max(least, 0)]
    if fine and "null" in listed(node.get("type", ())):
        found.append(None)
    return list(dict.fromkeys(found))
