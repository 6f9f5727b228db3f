"""The OpenAI Python client reads what was recorded (000:12, 000:13, 000:348).

Recorded bytes are replayed through the official client by an in-memory transport,
so these requirements cost no request. The client is imported when first needed, made
once, and reads answers that are alike to it once.
"""

import re
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from aios_conformance import spec
from aios_conformance.conformance.terms.check import (
    Finding,
    Note,
    Witness,
    check,
)
from aios_conformance.conformance.terms.exchange import Api
from aios_conformance.conformance.terms.sse import BOM
from aios_conformance.conformance.terms.views import AnyAnswer


class _Unreadable(Exception):  # noqa: N818  a fact about the answer, not our error
    """The client returned something that its own types do not describe."""


@check(*spec.rows("openai-client"), witness=True)
def the_openai_client_reads_whole_answers(answer: AnyAnswer) -> Iterator[Note]:
    """The official client parses whole answers without an error."""
    yield from _what_it_reads(answer, is_stream=False)


@check(*spec.rows("openai-client"), witness=True)
def the_openai_client_reads_streams(answer: AnyAnswer) -> Iterator[Note]:
    """The official client parses streamed answers without an error."""
    yield from _what_it_reads(answer, is_stream=True)


def _what_it_reads(answer: AnyAnswer, *, is_stream: bool) -> Iterator[Note]:
    exchange = answer.exchange
    rows = spec.rows("openai-client", api=exchange.api)
    if (
        exchange.api not in ("chat", "completions")
        or exchange.expect != "accept"
        or not exchange.is_success
    ):
        return
    sent, response = exchange.request.json, exchange.response
    if not isinstance(sent, dict) or (sent.get("stream") is True) is not is_stream:
        return
    yield Witness(rows)
    assert response is not None  # noqa: S101 - a success has one
    # a mark at the beginning is legal (000:348), and the client skips its event
    body = response.body.removeprefix(BOM) if is_stream else response.body
    problem = _problem(
        exchange.api,
        is_stream,
        response.status,
        response.header("content-type"),
        _blanked(body),
    )
    if problem:
        yield Finding(
            expected="the OpenAI client reads the answer", actual=problem, ids=rows
        )


def _blanked(body: bytes) -> bytes:
    """An answer with its plain texts and counts made alike, and repeats left out.

    The client reads members and types: which words are said, and how many events say
    them alike, is nothing to it. What is not plain (escapes, beyond ASCII, numbers
    that JSON does not allow) stays as it is.
    """
    for pattern, blank in _BLANKS:
        body = pattern.sub(blank, body)
    return body


_BLANKS = (
    (
        re.compile(rb'("(?:id|content|text|token|arguments)": ?")[ !#-\[\]-~]+"'),
        rb'\1a"',
    ),
    (
        re.compile(
            rb'("(?:created|(?:prompt|completion|total)_tokens)": ?)'
            rb"(?:0|[1-9]\d*)(?=[,}])"
        ),
        rb"\g<1>1",
    ),
    (re.compile(rb'("logprob": ?)-?(?:0|[1-9]\d*)\.\d+(?=[,}])'), rb"\g<1>-1.5"),
    (re.compile(rb'("bytes": ?\[)(?:[1-9]\d*)(?:, ?[1-9]\d*)*\]'), rb"\g<1>1]"),
    (re.compile(rb"(data: [^\n]*\n\n)\1+"), rb"\1"),
)
"""What is blanked, each with what comes in its place."""


@lru_cache(maxsize=256)
def _problem(
    api: Api, is_stream: bool, status: int, media: str | None, body: bytes
) -> str | None:
    """What the client says to an answer; None when it reads it.

    What is asked of the client is of no account but for `stream`: the answer comes
    whatever it sends.
    """
    client = _client()
    token = _ANSWER.set((status, media, body))
    try:
        if api == "chat":
            answer = client.chat.completions.create(
                model="", messages=(), stream=is_stream
            )
        else:
            answer = client.completions.create(model="", prompt="", stream=is_stream)
        _read(answer, is_stream=is_stream, is_chat=api == "chat")
    except _Unreadable as e:
        return str(e)
    except Exception as e:  # noqa: BLE001 - whatever it raises, it does not read it
        return f"{type(e).__name__}: {e}"[:200]
    finally:
        _ANSWER.reset(token)
    return None


def _read(answer: Any, *, is_stream: bool, is_chat: bool) -> None:
    """Touch what every program touches: choices, texts, finish reasons, usage."""
    count = 0
    for part in answer if is_stream else [answer]:
        if not isinstance(part.choices, list):
            raise _Unreadable(f"choices is {type(part.choices).__name__}, not a list")
        for choice in part.choices:
            count += 1
            said = choice
            if is_chat:
                said = choice.delta if is_stream else choice.message
            text = said.content if is_chat else said.text
            if not isinstance(text, str | None):
                raise _Unreadable(f"the text is {type(text).__name__}, not a string")
            if is_chat and not is_stream:
                for call in said.tool_calls or ():
                    _ = call.function.name + call.function.arguments
            _ = choice.finish_reason
        if part.usage is not None:
            _ = part.usage.total_tokens + 0
    if not count:
        raise _Unreadable("no choice in the whole answer")


_ANSWER: ContextVar[tuple[int, str | None, bytes]] = ContextVar("answer")
"""What the client is answered with, whatever it asks: status, media type, body."""


@cache
def _client() -> Any:
    """A client that sends nothing: made once, for it costs as much as an answer."""
    import openai  # noqa: PLC0415  0.9 s that only these requirements are worth

    # the HTTP library that the installed client stands on
    name = openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]
    http: Any = import_module(name)

    def recorded(_: Any) -> Any:
        status, media, body = _ANSWER.get()
        headers = {} if media is None else {"content-type": media}
        return http.Response(status, headers=headers, content=body)

    return openai.OpenAI(
        api_key="recorded",
        base_url="http://recorded/v1",
        max_retries=0,
        http_client=http.Client(transport=http.MockTransport(recorded)),
    )
