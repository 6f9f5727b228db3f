"""Hostile bodies: whatever a client sends, the answer is no server error.

What a server's parser meets goes to some API in the standard preset, or to all that are
asked if that one is not; what its handlers meet goes to every API; in deep each kind
goes to all. Chat meets U+0000, and a number beyond
63 bits, where else it is sent. What the documents leave open (A-005,
A-007, A-047) may be accepted or refused; a body that is no JSON, or no JSON object, is
to be refused.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import orjson
from hypothesis import strategies as st

from aios_conformance.conformance.probes.bodies import OPERATION, REQUIRED, valid
from aios_conformance.conformance.terms.exchange import Api, Expect
from aios_conformance.conformance.terms.probe import (
    Params,
    Probe,
    Served,
    Step,
    probe,
    table,
)
from aios_conformance.spec import apis

DEPTH = 20_000
"""Levels of nesting: beyond what parsers that recurse can take."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Hostile:
    """A kind of body: its bytes, made of a valid body, and how it may be answered."""

    raw: Callable[[Api, Body], bytes]
    expect: Expect = "either"
    breaks: str = ""
    is_json: bool = False  # it parses, but is no object
    media: str | None = None
    last: bool = False
    generates: bool = False  # only those who generate know the member


def _with(body: Body, member: bytes) -> bytes:
    """The body with one more member, written by hand."""
    return orjson.dumps(body)[:-1] + b"," + member + b"}"


def _number(api: Api, body: Body, digits: bytes) -> bytes:
    name = b"seed" if apis()[api].generates else b"truncate_prompt_tokens"
    return _with(body, b'"' + name + b'":' + digits)


def _text(api: Api, body: Body, inside: bytes) -> bytes:
    """The body with bytes put into the text of its last required member."""
    text = orjson.dumps(body[REQUIRED[api][-1]])
    place = text.rindex(b'"', 0, text.rindex(b'"'))  # before the last string
    spoilt = text[: place + 1] + inside + text[place + 1 :]
    return orjson.dumps(body).replace(text, spoilt)


KINDS: Mapping[str, Hostile] = {
    "empty": Hostile(lambda *_: b"", "refuse", "the body is empty"),
    "null": Hostile(
        lambda *_: b"null", "refuse", "the body is no JSON object", is_json=True
    ),
    "nan": Hostile(
        lambda api, body: _number(api, body, b"NaN"), "refuse", "NaN is no JSON"
    ),
    "two values": Hostile(
        lambda _, body: orjson.dumps(body) * 2, "refuse", "two values are no JSON text"
    ),
    "media type": Hostile(lambda _, body: orjson.dumps(body), media="text/plain"),
    "no UTF-8": Hostile(lambda api, body: _text(api, body, b"\xff\xfe")),
    "lone surrogate": Hostile(lambda api, body: _text(api, body, b"\\ud800")),
    "zero byte": Hostile(lambda api, body: _text(api, body, b"\\u0000")),
    "huge number": Hostile(lambda api, body: _number(api, body, b"1" + b"0" * 30)),
    "overflow": Hostile(lambda api, body: _number(api, body, b"1e400")),
    "far id": Hostile(
        lambda _, body: _with(body, b'"logit_bias":{"999999999":1}'), generates=True
    ),
    "far seed": Hostile(lambda _, body: _with(body, b'"seed":-1'), generates=True),
    "twice": Hostile(lambda _, body: _with(body, b'"model":null')),
    "deep": Hostile(
        lambda _, body: _with(body, b'"x":' + b"[" * DEPTH + b"]" * DEPTH),
        last=True,
    ),
}
EVERYWHERE = "lone surrogate"
"""What parsers take, and tokenizers, templates or caches of one API do not."""

_MORE: tuple[tuple[str, ...], ...] = (
    ("zero byte", "no UTF-8"),
    ("zero byte", "deep", "nan"),
    ("far id", "deep"),
    ("zero byte", "huge number", "far seed", "empty"),
    ("no UTF-8", "huge number"),
)
STANDARD: Mapping[Api, tuple[str, ...]] = {
    api: (EVERYWHERE, *more) for api, more in zip(apis(), cycle(_MORE), strict=False)
}


SHOWS: Mapping[str, tuple[Api, ...]] = {
    kind: tuple(api for api, kinds in STANDARD.items() if kind in kinds)
    for kind in KINDS
}
"""The APIs that show a kind for all of them in standard, where they are asked."""


def known(api: Api) -> list[str]:
    """The kinds that are hostile to an API."""
    generates = apis()[api].generates
    return [kind for kind, of in KINDS.items() if generates or not of.generates]


def steps(api: Api, kind: str, served: Served) -> Iterator[Step]:
    """The valid neighbour, and the hostile body."""
    hostile = KINDS[kind]
    body = valid(api, served)
    row = "COMMON-REQ-006" if hostile.is_json else apis()[api].row("ERR-001")
    yield Step("valid", OPERATION[api], body, shared=True)
    yield Step(
        "hostile",
        OPERATION[api],
        raw=hostile.raw(api, body),
        expect=hostile.expect,
        serves=(row,) if hostile.expect == "refuse" else (),
        breaks=hostile.breaks,
        headers={"Content-Type": hostile.media} if hostile.media else None,
        like="valid",
        beyond=len(b"\\ud800"),
        completion_tokens=4 if apis()[api].generates else 0,
        last=hostile.last,
    )


def _standard(api: Api) -> Probe:
    @table(f"common.hostile.{api}", api, [kind for kind in known(api) if SHOWS[kind]])
    def hostile(kind: Params, served: Served) -> Iterator[Step]:
        if api in served.among(*SHOWS[kind]):
            yield from steps(api, kind, served)

    return hostile


def _all(api: Api) -> Probe:
    @probe(
        f"common.hostile_too.{api}",
        api,
        params=st.sampled_from(known(api)),
        draws=(0, 0, len(known(api))),
    )
    def hostile(kind: Params, served: Served) -> Iterator[Step]:
        if not SHOWS[kind] or api not in served.among(*SHOWS[kind]):
            yield from steps(api, kind, served)

    return hostile


PROBES: tuple[Probe, ...] = (
    *(_standard(api) for api in STANDARD),
    *(_all(api) for api in STANDARD),
)
